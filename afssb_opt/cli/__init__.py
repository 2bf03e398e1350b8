"""The command line: wires everything, holds no logic."""

from afssb_opt.cli.app import main

__all__ = ["main"]
