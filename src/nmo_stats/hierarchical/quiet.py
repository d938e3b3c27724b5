"""Silence around PyMC and PyTensor: they log and warn, and the verdict on the draws is ours."""

from __future__ import annotations

import contextlib
import logging
import warnings
from collections.abc import Iterator
from typing import Final

_LOGGERS: Final = ("pymc", "pytensor", "pytensor.configdefaults", "pytensor.link.c.cmodule")


@contextlib.contextmanager
def quietly() -> Iterator[None]:
    """Keep PyMC and PyTensor from logging and warning inside the block."""
    loggers = [logging.getLogger(name) for name in _LOGGERS]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.CRITICAL)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
