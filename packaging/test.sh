#!/bin/sh
# Sets driftlab up, then runs its tests.
#
#   sh packaging/test.sh [what pytest takes]
set -eu
root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd -P)
. "$root/packaging/setup.sh"

set_up dev
cd "$root"
say "running the tests"
exec "$python" -m pytest "$@"
