"""The process around a command: its streams, the signals that end it, and its exit code."""

from __future__ import annotations

import atexit
import logging
import os
import signal
import sys
import threading
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import cache
from types import FrameType
from typing import Final

from nmo_stats.characters import PLAIN_ERRORS
from nmo_stats.errors import ArgumentError, ConvergenceError, NmoStatsError

_STREAMS: Final = ("stdin", "stdout", "stderr")
_SIGNALS: Final = ("SIGINT", "SIGTERM", "SIGHUP")  # the last is unknown on Windows
_REMINDED_AFTER: Final = 1.0  # seconds, enough to remove temporary files


class Stopped(BaseException):
    """A signal asks this process to end.

    Not a ``KeyboardInterrupt``: libraries catch that and go on with half a result.

    Parameters
    ----------
    number
        Of the signal.
    """

    def __init__(self, number: int) -> None:
        self.number = number
        super().__init__(number)

    @property
    def exit_code(self) -> int:
        """Exit code as a shell gives it: 130 for Ctrl-C."""
        return 128 + self.number


def prepare_streams() -> None:
    """Open closed standard streams to nowhere, and let no character that an encoding lacks end a command."""
    for number, name in enumerate(_STREAMS):
        with suppress(OSError):
            try:
                os.fstat(number)
            except OSError:  # else the next file to be opened would become the standard stream
                os.open(os.devnull, os.O_RDWR)
        if getattr(sys, name) is None:
            nowhere = open(os.devnull, "r" if number == 0 else "w", encoding="utf-8")  # noqa: PTH123, SIM115
            setattr(sys, name, nowhere)
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors=PLAIN_ERRORS)


@contextmanager
def quiet() -> Iterator[None]:
    """Keep warnings and log records of libraries from standard error, unless Python shows them."""
    show, nothing = warnings.showwarning, logging.NullHandler()
    if not sys.warnoptions:
        warnings.showwarning = lambda *_, **__: None
    logging.getLogger().addHandler(nothing)
    try:
        yield
    finally:
        warnings.showwarning = show
        logging.getLogger().removeHandler(nothing)


@contextmanager
def stoppable() -> Iterator[None]:
    """Raise :class:`Stopped` at a signal to end, so that temporary files are removed on the way out.

    Raises
    ------
    Stopped
        Also where a library swallowed it.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    received: list[int] = []
    with _handled(received):
        try:
            yield
        except Exception:
            if received:  # a library that is written in C turned it into an error of its own
                raise Stopped(received[0]) from None
            raise
        if received:
            raise Stopped(received[0])


@contextmanager
def _handled(received: list[int]) -> Iterator[None]:
    owner = os.getpid()
    reminders: list[threading.Timer] = []

    def stop(number: int, frame: FrameType | None) -> None:
        if os.getpid() != owner:
            _end_as_child(number, frame)
        received.append(number)
        reminders.append(_reminder(number))  # it may be swallowed, such as where an import fails otherwise
        raise Stopped(number)

    numbers = [getattr(signal, name) for name in _SIGNALS if hasattr(signal, name)]
    before = {number: signal.getsignal(number) for number in numbers}
    own = [number for number, handler in before.items() if handler is not signal.SIG_IGN]
    hook = sys.unraisablehook
    sys.unraisablehook = lambda lost: None if isinstance(lost.exc_value, Stopped) else hook(lost)
    _quiet_at_exit()
    try:
        for number in own:
            signal.signal(number, stop)
        yield
    finally:
        for reminder in reminders:
            reminder.cancel()
        sys.unraisablehook = hook
        for number in own:
            signal.signal(number, before[number] or signal.SIG_DFL)


def _end_as_child(number: int, frame: FrameType | None) -> None:
    """Do in a forked process what it would have done without us."""
    if number == signal.SIGINT:
        signal.default_int_handler(number, frame)
    signal.signal(number, signal.SIG_DFL)
    os.kill(os.getpid(), number)


def _reminder(number: int) -> threading.Timer:
    """Send a signal to this process once more after a while."""
    timer = threading.Timer(_REMINDED_AFTER, _send, [number])
    timer.daemon = True
    timer.start()
    return timer


def _send(number: int) -> None:
    main = threading.main_thread().ident
    if hasattr(signal, "pthread_kill") and main is not None:
        signal.pthread_kill(main, number)  # and not to this thread: only the main one can be woken by it
    else:
        signal.raise_signal(number)


@cache
def _quiet_at_exit() -> None:
    """While the interpreter ends, let Ctrl-C end it at once."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        atexit.register(signal.signal, signal.SIGINT, signal.SIG_DFL)


def run(arguments: Sequence[str]) -> int:
    """Run a command and return its exit code: 0, 2 for bad data or arguments, 3 for a failed diagnostic.

    Parameters
    ----------
    arguments
        Of the command line.
    """
    from nmo_stats.cli.commands import app  # which takes a second, and can be stopped like all else
    from nmo_stats.cli.printing import BAD_INPUT, FAILED_DIAGNOSTIC, complain

    try:
        _require_no_empty(arguments)
        app(list(arguments))
    except SystemExit as ended:
        if isinstance(ended.__context__, BrokenPipeError):
            return (
                0 if "--help" in arguments else BAD_INPUT
            )  # that of a help text does not depend on who reads it
        return ended.code if isinstance(ended.code, int) else 0
    except NmoStatsError as error:
        complain(str(error))
        return FAILED_DIAGNOSTIC if isinstance(error, ConvergenceError) else BAD_INPUT
    except OSError as error:
        where = error.filename or ("standard output" if error.errno else "")
        complain(f"{where}: {error.strerror or error}".removeprefix(": "))
    return BAD_INPUT


def _require_no_empty(arguments: Sequence[str]) -> None:
    """Do nothing if no argument is empty: a variable of a script without a value would pass as a default."""
    before = ""
    for argument in arguments:
        name, sign, value = argument.partition("=")
        has_value = argument.startswith("--") and bool(sign)
        if not (value if has_value else argument).strip():
            option = name if has_value else before
            where = f"option {option}" if option.startswith("-") else "an argument"
            raise ArgumentError(f"{where}: empty. Expected: a value. Give one, or leave it out.")
        before = argument
