#!/bin/sh
# Sets driftlab up, then runs its main job on the bundled example.
#
#   sh packaging/run.sh [--no-gui] [--out DIR]
#
# With a display it opens the window. Without one, with --no-gui or with --out, it runs the example end to end, whose
# output goes to DIR, or to driftlab-demo in the current folder.
set -eu
root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd -P)
. "$root/packaging/setup.sh"

gui=yes
[ -n "${DISPLAY:-}${WAYLAND_DISPLAY:-}" ] || [ "$(uname)" = Darwin ] || gui=
out=
previous=
for argument; do
    shift
    case $previous in
    --out) out=$argument ;;
    esac
    case $argument in
    --no-gui) gui= ;;
    --out=*) out=${argument#--out=} && set -- "$@" "$argument" ;;
    *) set -- "$@" "$argument" ;;
    esac
    previous=$argument
done
if [ -n "$gui" ] && [ -z "$out" ]; then
    set_up gui
    say "opening the window with the bundled example"
    exec "$python" -P -m driftlab gui "$root/resources/demo/eosinophil-01.dng" \
        --model "$root/resources/demo/leukocyte_net.safetensors" "$@"
fi
if [ -z "$out" ]; then
    out=driftlab-demo
    set -- --out "$out" "$@"
fi

set_up ''
say "running the bundled example"
"$python" -P -m driftlab demo "$@"
say "the example's output is in $(CDPATH='' cd -- "$out" && pwd)"
