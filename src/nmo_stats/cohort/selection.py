"""Which rows of a period table satisfy a condition such as ``sex="F"``."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd

from nmo_stats.cohort.schema import PARSERS
from nmo_stats.errors import ArgumentError
from nmo_stats.tables.cells import Fault, as_text, is_missing, parse_yes_no, plain_number, shown
from nmo_stats.tables.nearest import nearest

_LISTED = 20


def rows_where(frame: pd.DataFrame, column: str, value: object) -> npt.NDArray[np.bool_]:
    """Return a mask of the rows whose ``column`` equals ``value``; None stands for an empty cell.

    Numbers equal their spelling (5 and ``"5.0"`` find an EDSS of 5), names match exactly.

    Raises
    ------
    ArgumentError
        If the column does not exist, or no row holds the value.
    """
    if column not in frame:
        raise ArgumentError(f"no column {column!r}; {_hint(column, list(frame.columns))}")
    cells = frame[column]
    found = cells.isna() if is_missing(value) else cells == _as_stored(cells, column, value)
    mask = found.fillna(value=False).to_numpy(dtype=bool)
    if not mask.any():
        texts = list(dict.fromkeys(as_text(cell) for cell in cells if not is_missing(cell)))
        raise ArgumentError(f"no row with {column} = {shown(value)}; {_hint(as_text(value), texts)}")
    return mask


def _as_stored(cells: pd.Series, column: str, value: object) -> object:
    """Return ``value`` as the column would hold it."""
    if column in PARSERS:
        parsed = PARSERS[column](value)
        if isinstance(parsed, Fault):
            raise ArgumentError(f"{column} = {shown(value)}: {parsed.rule}")
        return parsed
    if pd.api.types.is_bool_dtype(cells):
        return parse_yes_no(value)
    return plain_number(value) if pd.api.types.is_numeric_dtype(cells) else as_text(value)


def _hint(wanted: str, known: list[str]) -> str:
    listed = ", ".join(known[:_LISTED]) + (
        f" and {len(known) - _LISTED} more" if len(known) > _LISTED else ""
    )
    return " ".join(part for part in (nearest(wanted, known), f"there are {listed}") if part)
