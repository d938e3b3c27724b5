"""A period table to fill in."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from nmo_stats.errors import ArgumentError

DICTIONARY: Final = (
    ("patient", "identifier; text, not empty"),
    ("treatment", "drug of the period; text, not empty"),
    ("period", "order of the period in the patient's history; optional whole number"),
    ("relapses", "relapses in the period; whole number >= 0"),
    ("exposure_months", "follow-up time > 0; or use exposure_days or exposure_years instead"),
    ("edss_start", "EDSS at the start; optional; 0, 1.0, 1.5 ... 9.5, 10"),
    ("edss_end", "EDSS at the end or last visit; optional"),
    ("ended_by_relapse", "did a relapse cause the end of the period; yes, no, or empty for unknown"),
    ("ongoing", "is the period still running at the last visit; yes, no, or empty for unknown"),
)
_EXAMPLE: Final = (
    ("example", "rituximab", 1, 3, 14.5, 4.0, 5.0, "yes", "no"),
    ("example", "tocilizumab", 2, 0, 12.0, 5.0, 4.5, "", "yes"),
)


def write_template(path: Path | None) -> str:
    """Write the template to a new .csv or .xlsx file, or return it as CSV text.

    Raises
    ------
    ArgumentError
        If the file exists, or its suffix is another one.
    """
    import pandas as pd

    frame = pd.DataFrame(_EXAMPLE, columns=[name for name, _ in DICTIONARY])
    text = frame.to_csv(index=False)
    if path is None:
        return text
    if path.exists():
        raise ArgumentError(f"{path} exists; choose another name")
    if path.suffix.lower() == ".csv":
        path.write_text(text, encoding="utf-8")
    elif path.suffix.lower() == ".xlsx":
        with pd.ExcelWriter(path, engine="openpyxl") as book:
            frame.to_excel(book, sheet_name="periods", index=False)
            pd.DataFrame(DICTIONARY, columns=["column", "meaning"]).to_excel(
                book, sheet_name="dictionary", index=False
            )
    else:
        raise ArgumentError(f"{path}: the template is written as .csv or .xlsx")
    return text
