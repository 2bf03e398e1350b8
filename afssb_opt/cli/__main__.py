"""`python -m afssb_opt.cli` is the command line where no `afssb` script is on the path."""

from afssb_opt.cli.app import main

if __name__ == "__main__":
    main()
