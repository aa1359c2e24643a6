"""`python -m driftlab`, the same as the `driftlab` command."""

from driftlab.cli import main

if __name__ == "__main__":
    main()
