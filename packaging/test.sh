#!/bin/sh
# Sets driftlab up, then runs its tests.
#
#   sh packaging/test.sh [what pytest takes]
set -eu
root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd -P)
. "$root/packaging/setup.sh"

set_up dev
cd "$root"
# A process a core. Torch's threads in each of them would wait for those of the others, spinning: two are enough to show
# what threads do.
export OMP_NUM_THREADS="${OMP_NUM_THREADS:-2}" OMP_WAIT_POLICY="${OMP_WAIT_POLICY:-PASSIVE}"
say "running the tests"
exec "$python" -m pytest --numprocesses auto --dist worksteal "$@"
