"""`python -m driftlab`, the same as the `driftlab` command."""

import os
import sys

if __name__ == "__main__":
    # `-m` puts the current folder first, where any file may have the name of a module that is imported later.
    if not sys.flags.safe_path and sys.path[:1] == [os.getcwd()]:
        del sys.path[0]
    from driftlab.cli import main

    main()
