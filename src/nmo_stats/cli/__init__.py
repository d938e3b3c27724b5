"""The command line: parse, call, write, exit code."""

from __future__ import annotations

import sys
from contextlib import suppress
from typing import NoReturn

from nmo_stats.cli.process import Stopped, prepare_streams, quiet, run, stoppable

__all__ = ["app", "main"]


def main() -> NoReturn:
    """Run the command line and exit.

    Exit codes: 0, 2 for bad data or arguments, 3 for a failed diagnostic, 130 after Ctrl-C.
    """
    prepare_streams()
    try:
        with quiet(), stoppable():
            code = run(sys.argv[1:])
    except Stopped as stopped:
        code = stopped.exit_code
        with suppress(OSError):
            sys.stderr.write("nmo-stats: stopped\n")
            sys.stderr.flush()
    sys.exit(code)


def __getattr__(name: str) -> object:
    """Load the commands when they are first asked for."""
    if name == "app":
        from nmo_stats.cli.commands import app

        return app
    raise AttributeError(f"module 'nmo_stats.cli' has no attribute {name!r}")
