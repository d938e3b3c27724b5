"""With how many decimals the numbers of a table were written, which a float does not remember."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import pandas as pd

from nmo_stats.cohort.schema import EXPOSURES, KNOWN
from nmo_stats.tables.cells import written_column
from nmo_stats.tables.columns import named_columns, renaming
from nmo_stats.tables.raw import RawTable

_ROUNDED: Final = (*EXPOSURES, "reported_arr")


def written(raw: RawTable, frame: pd.DataFrame, columns: Mapping[str, str] | None) -> pd.DataFrame:
    """Return the decimals of every follow-up time, reported ARR and numeric covariate; missing where a cell is no text.

    A text file keeps the digits (2.0 has one decimal), a workbook or a DataFrame holds numbers, and 2.0 there is 2.

    Parameters
    ----------
    raw
        The cells.
    frame
        The validated table of the same rows.
    columns
        Foreign names to ours.
    """
    named, _ = named_columns(raw.columns, raw.cells, renaming(columns))
    rounded = [
        name
        for name, column in frame.items()
        if name in _ROUNDED or (name not in KNOWN and pd.api.types.is_float_dtype(column))
    ]
    return pd.DataFrame(
        {name: pd.array(written_column(named[str(name)], raw.decimal), dtype="Int64") for name in rounded},
        index=frame.index,
    )
