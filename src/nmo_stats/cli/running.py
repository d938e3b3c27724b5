"""From arguments to an exit code: run one command, and say what stood in its way."""

from __future__ import annotations

from collections.abc import Sequence

from nmo_stats.cli.choices import require_no_empty
from nmo_stats.cli.commands import BAD_INPUT, FAILED_DIAGNOSTIC, app
from nmo_stats.cli.printing import complain
from nmo_stats.errors import ConvergenceError, NmoStatsError


def run(arguments: Sequence[str]) -> int:
    """Run a command and return its exit code: 0, 2 for bad data or arguments, 3 for a failed diagnostic."""
    try:
        require_no_empty(arguments)
        app(list(arguments))
    except SystemExit as ended:
        return exit_code(ended, arguments)
    except ConvergenceError as error:
        complain(str(error))
        return FAILED_DIAGNOSTIC
    except NmoStatsError as error:
        complain(str(error))
    except OSError as error:
        where = error.filename or ("standard output" if error.errno else "")
        complain(f"{where}: {error.strerror or error}".removeprefix(": "))
    return BAD_INPUT


def exit_code(ended: SystemExit, arguments: Sequence[str]) -> int:
    """Return the exit code of a command; that of a help text does not depend on who reads it."""
    if isinstance(ended.__context__, BrokenPipeError):
        return 0 if "--help" in arguments else BAD_INPUT
    return ended.code if isinstance(ended.code, int) else 0
