#!/bin/sh
# Sets driftlab up, then runs its tests.
#
#   sh packaging/test.sh [what pytest takes]
set -eu
root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd -P)
. "$root/packaging/setup.sh"

set_up dev
cd "$root"
# A process a core, and in each of them two threads of torch: enough for tests of threads, few enough that they do not
# wait for each other for long.
export OMP_NUM_THREADS="${OMP_NUM_THREADS:-2}" OMP_WAIT_POLICY="${OMP_WAIT_POLICY:-PASSIVE}"
say "running the tests"
exec "$python" -m pytest --numprocesses auto --dist worksteal "$@"
