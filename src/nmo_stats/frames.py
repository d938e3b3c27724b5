"""Rows of a table as plain dictionaries."""

from __future__ import annotations

from typing import Any

import pandas as pd


def records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Return each row as a dictionary from column name to value, numbers as Python's own.

    Examples
    --------
    >>> records(pd.DataFrame({"patient": ["A"], "relapses": [2]}))
    [{'patient': 'A', 'relapses': 2}]
    """
    return [{str(name): value for name, value in row.items()} for row in frame.to_dict("records")]
