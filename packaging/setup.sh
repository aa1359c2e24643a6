# What run.sh and test.sh share: an environment in .venv, and the system libraries that the app needs.
#
# To be sourced with `root` set to the checkout. `set_up EXTRAS` does nothing when all is as it should be, so that a second
# run is instant and needs no network.

python="$root/.venv/bin/python"

say() {
    printf 'driftlab: %s\n' "$*"
}

fail() {
    say "$*" >&2
    exit 1
}

# set_up EXTRAS: the environment holds driftlab with these extras (comma-separated, or none) when this returns.
set_up() {
    missing=$(missing_system_packages)
    if is_current "$1"; then
        [ -z "$missing" ] || say_missing $missing
        return
    fi
    lock
    if ! is_current "$1"; then # or else another run has just done it
        make_environment
        [ -z "$missing" ] || install_system_packages $missing || say_missing $missing
        say "installing driftlab${1:+ with $1} (the first time, torch may be a download of a few GB)"
        (cd "$root" && "$python" -m pip install --quiet --disable-pip-version-check --no-input \
            --constraint packaging/constraints.txt --editable ".${1:+[$1]}") ||
            fail "the installation failed, for the reason above. A first set-up needs a network; it can simply be run again."
        # Last, so that an interrupted set-up is taken up again.
        wanted "$1" >"$root/.venv/set-up.new"
        mv "$root/.venv/set-up.new" "$(stamp "$1")"
        say "the environment is ready: $root/.venv"
    fi
    unlock
}

# --- The environment ---

stamp() {
    printf '%s/.venv/set-up-%s' "$root" "${1:-core}"
}

# All that the installed environment depends on. The folder is part of it: an editable install points there.
wanted() {
    printf '%s\n' "$root" "$1"
    cat "$root/pyproject.toml" "$root/packaging/constraints.txt"
}

# The tests' environment holds every extra, so it serves any other purpose too.
is_current() {
    for extras in "$1" dev; do
        if [ -x "$python" ] && wanted "$extras" | cmp -s - "$(stamp "$extras")"; then
            return
        fi
    done
    return 1
}

make_environment() {
    if "$python" -c 'import pip, sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
        return
    fi
    base=$(find_python) || { install_system_packages python3-venv && base=$(find_python); } ||
        fail "needs Python 3.11 or newer, and found none. Install one, or name it: PYTHON=/path/to/python3 sh $0"
    # Debian and Ubuntu ship a Python that cannot make environments until its venv package is there.
    if ! "$base" -c 'import ensurepip' 2>/dev/null; then
        package=$("$base" -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])')
        install_system_packages "$package" ||
            fail "$base cannot make environments. On Debian and Ubuntu this mends it: $(apt_command "$package")"
    fi
    say "making the environment .venv with $base"
    "$base" -m venv --clear "$root/.venv" || fail "could not make $root/.venv, for the reason above"
}

find_python() {
    for candidate in ${PYTHON:+"$PYTHON"} python3 python3.13 python3.12 python3.11 python3.14; do
        if "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            command -v "$candidate"
            return
        fi
    done
    return 1
}

# --- System libraries: the app and its preview need them, the core and the command line do not ---

# Each library that Qt and the Vulkan loader look for, and the Debian package that brings it.
libraries='
libEGL.so.1 libegl1
libGL.so.1 libgl1
libdbus-1.so.3 libdbus-1-3
libfontconfig.so.1 libfontconfig1
libglib-2.0.so.0 libglib2.0-0
libvulkan.so.1 libvulkan1
libxcb-cursor.so.0 libxcb-cursor0
libxcb-icccm.so.4 libxcb-icccm4
libxcb-image.so.0 libxcb-image0
libxcb-keysyms.so.1 libxcb-keysyms1
libxcb-randr.so.0 libxcb-randr0
libxcb-render-util.so.0 libxcb-render-util0
libxcb-shape.so.0 libxcb-shape0
libxcb-xkb.so.1 libxcb-xkb1
libxkbcommon-x11.so.0 libxkbcommon-x11-0
libxkbcommon.so.0 libxkbcommon0
'

missing_system_packages() {
    found=$(PATH="$PATH:/sbin:/usr/sbin" ldconfig -p 2>/dev/null) || return 0 # not a Linux with glibc
    printf '%s' "$libraries" | while read -r library package; do
        case $found in
        *[[:space:]]"$library "*) ;;
        *) [ -z "$package" ] || printf '%s ' "$package" ;;
        esac
    done
    has_vulkan_driver || printf 'mesa-vulkan-drivers' # which has the software one
}

has_vulkan_driver() {
    [ -z "${VK_DRIVER_FILES:-}${VK_ICD_FILENAMES:-}" ] || return 0
    for driver in /usr/share/vulkan/icd.d/*.json /usr/local/share/vulkan/icd.d/*.json /etc/vulkan/icd.d/*.json; do
        [ ! -e "$driver" ] || return 0
    done
    return 1
}

say_missing() {
    say "the app will lack system libraries (all else works without them). On Debian and Ubuntu this mends it:"
    say "    $(apt_command "$@")"
}

apt_command() {
    printf 'sudo apt-get update && sudo apt-get install -y --no-install-recommends %s' "$*"
}

# Returns non-zero where it may not, or where it fails.
install_system_packages() {
    command -v apt-get >/dev/null || return 1
    if [ "$(id -u)" = 0 ]; then
        as_root=
    elif sudo -n true 2>/dev/null; then
        as_root='sudo -n'
    else
        return 1
    fi
    say "installing the system packages $*"
    options='-qq -o DPkg::Lock::Timeout=120 -o Dpkg::Use-Pty=0 -o Acquire::Retries=1 -o Acquire::http::Timeout=20'
    $as_root env DEBIAN_FRONTEND=noninteractive apt-get $options update </dev/null >/dev/null &&
        $as_root env DEBIAN_FRONTEND=noninteractive apt-get $options install -y --no-install-recommends "$@" \
            </dev/null >/dev/null
}

# --- One set-up at a time: a symbolic link is made in one step, and can say whose it is ---

lock() {
    lock="$root/.venv.lock"
    waiting=
    until ln -s "$$" "$lock" 2>/dev/null; do
        [ -w "$root" ] || fail "cannot write to $root"
        owner=$(readlink "$lock") || continue
        if ! kill -0 "$owner" 2>/dev/null; then
            rm -f "$lock" # left by a run that was killed
            continue
        fi
        [ -n "$waiting" ] || say "waiting for the set-up that process $owner runs (if it does not, remove $lock)"
        waiting=yes
        sleep 1
    done
    trap 'rm -f "$lock"' EXIT
    trap 'exit 130' INT
    trap 'exit 143' HUP TERM
}

unlock() {
    rm -f "$lock"
    trap - EXIT INT HUP TERM
}
