#!/bin/sh
# Sets driftlab up, then runs its main job on the bundled example.
#
#   sh packaging/run.sh [--no-gui] [--out DIR]
#
# The output goes to DIR, or to driftlab-demo in the current folder.
set -eu
root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd -P)
. "$root/packaging/setup.sh"

out=
previous=
for argument; do
    shift
    case $previous in
    --out) out=$argument ;;
    esac
    case $argument in
    --no-gui) ;; # nothing has a window yet: the example is what runs either way
    --out=*) out=${argument#--out=} && set -- "$@" "$argument" ;;
    *) set -- "$@" "$argument" ;;
    esac
    previous=$argument
done
if [ -z "$out" ]; then
    out=driftlab-demo
    set -- --out "$out" "$@"
fi

set_up ''
say "running the bundled example"
"$python" -m driftlab demo "$@"
say "the example's output is in $(CDPATH='' cd -- "$out" && pwd)"
