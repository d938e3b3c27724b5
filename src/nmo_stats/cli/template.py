"""Tables to fill in: a period table, or dated treatments and relapses."""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from nmo_stats.cohort.rows import EXAMPLE_PATIENT
from nmo_stats.errors import ArgumentError

if TYPE_CHECKING:
    import pandas as pd

Rows = tuple[tuple[object, ...], ...]


@dataclass(frozen=True, slots=True)
class Sheet:
    """A table to fill in: its name, its columns with their meaning, and example rows."""

    name: str
    columns: tuple[tuple[str, str], ...]
    rows: Rows

    def frame(self) -> pd.DataFrame:
        """Return the example rows."""
        import pandas as pd

        return pd.DataFrame(self.rows, columns=[name for name, _ in self.columns])


@dataclass(frozen=True, slots=True)
class Template:
    """One or two tables that belong together, and what to do with them."""

    sheets: tuple[Sheet, ...]
    advice: str

    def to_csv(self) -> str:
        """Return the tables as CSV text, an empty line between two."""
        return "\n".join(sheet.frame().to_csv(index=False) for sheet in self.sheets)

    def to_dict(self) -> dict[str, object]:
        """Return the columns with their rules as JSON can hold them."""
        columns = [
            {"name": name, "meaning": meaning} | ({"table": sheet.name} if len(self.sheets) > 1 else {})
            for sheet in self.sheets
            for name, meaning in sheet.columns
        ]
        return {"schema": 1, "columns": columns}

    def dictionary(self) -> pd.DataFrame:
        """Return every column with its meaning."""
        import pandas as pd

        rows = [(sheet.name, *column) for sheet in self.sheets for column in sheet.columns]
        return pd.DataFrame(rows, columns=["table", "column", "meaning"])


_YES_NO: Final = "yes, no, or empty for unknown"
_EDSS: Final = (
    ("edss_start", "EDSS at the start; optional; 0, 1.0, 1.5 ... 9.5, 10"),
    ("edss_end", "EDSS at the end or last visit; optional"),
)
PERIODS: Final = Template(
    (
        Sheet(
            "periods",
            (
                ("patient", "identifier; text, not empty"),
                ("treatment", "drug of the period; text, not empty"),
                ("period", "order of the period in the patient's history; optional whole number"),
                ("relapses", "relapses in the period; whole number >= 0"),
                (
                    "exposure_months",
                    "follow-up > 0; or exposure_days, exposure_weeks or exposure_years instead",
                ),
                *_EDSS,
                ("ended_by_relapse", f"did a relapse cause the end of the period; {_YES_NO}"),
                ("ongoing", f"is the period still running at the last visit; {_YES_NO}"),
            ),
            (
                (EXAMPLE_PATIENT, "rituximab", 1, 3, 14.5, 4.0, 5.0, "yes", "no"),
                (EXAMPLE_PATIENT, "tocilizumab", 2, 0, 12.0, 5.0, 4.5, "", "yes"),
            ),
        ),
    ),
    "replace the example rows, one row per patient and treatment period; then: nmo-stats check FILE",
)
EVENTS: Final = Template(
    (
        Sheet(
            "treatments",
            (
                ("patient", "identifier; text, not empty"),
                ("treatment", "drug; text, not empty"),
                ("start", "first day, such as 2013-03-01; or, in all columns, days since an origin"),
                (
                    "end",
                    "first day without the drug (with --end inclusive the last on it); empty: it goes on",
                ),
                ("last_visit", "last day of observation of the patient; needed where an end is empty"),
                *_EDSS,
                ("ended_by_relapse", f"did a relapse cause the end of the course; {_YES_NO}"),
            ),
            (
                (EXAMPLE_PATIENT, "rituximab", "2011-02-01", "2013-03-01", "2014-06-15", 4.0, 5.0, "yes"),
                (EXAMPLE_PATIENT, "tocilizumab", "2013-03-01", "", "2014-06-15", 5.0, 4.5, ""),
            ),
        ),
        Sheet(
            "relapses",
            (
                ("patient", "identifier, as in the treatments"),
                ("onset", "first day of the relapse, such as 2012-05-20"),
                ("severity", "optional text"),
            ),
            ((EXAMPLE_PATIENT, "2012-05-20", "mild"), (EXAMPLE_PATIENT, "2013-02-10", "severe")),
        ),
    ),
    "replace the example rows, one row per course and one per relapse; then: nmo-stats check --treatments "
    "FILE --relapses FILE (of a workbook with --sheet treatments=treatments --sheet relapses=relapses)",
)


def write_template(template: Template, path: Path) -> tuple[Path, ...]:
    """Write the tables and their dictionary to one new .xlsx file or to .csv files.

    One table as .csv goes to ``path``; of two the table's name is added to the name of the file.

    Parameters
    ----------
    template
        What to write.
    path
        The file.

    Returns
    -------
    tuple of Path
        The files, as they were named.

    Raises
    ------
    ArgumentError
        If a file exists, or the suffix is another one.
    OSError
        If a file cannot be written; then none is.
    """
    tables = {sheet.name: sheet.frame() for sheet in template.sheets} | {"dictionary": template.dictionary()}
    match path.suffix.lower():
        case ".xlsx":
            contents = {path: _workbook(tables)}
        case ".csv":
            contents = {
                _csv_path(template, path, name): table.to_csv(index=False).encode()
                for name, table in tables.items()
            }
        case _:
            raise ArgumentError(f"{path}. Expected: a .csv or .xlsx file.")
    _write_new(contents)
    return tuple(contents)


def _workbook(tables: Mapping[str, pd.DataFrame]) -> bytes:
    import pandas as pd

    content = io.BytesIO()
    with pd.ExcelWriter(content, engine="openpyxl") as book:
        for name, table in tables.items():
            table.to_excel(book, sheet_name=name, index=False)
    return content.getvalue()


def _write_new(contents: Mapping[Path, bytes]) -> None:
    """Write new files, all of them or none."""
    written: list[Path] = []
    try:
        for path, content in contents.items():
            with path.open("xb") as file:
                written.append(path)
                file.write(content)
    except BaseException as failure:
        for half in written:
            half.unlink(missing_ok=True)
        if isinstance(failure, FileExistsError):
            raise ArgumentError(f"{path}: it exists. Expected: a new file. Choose another name.") from None
        if isinstance(failure, OSError):
            raise OSError(failure.errno, failure.strerror or str(failure), str(path)) from failure
        raise


def _csv_path(template: Template, path: Path, name: str) -> Path:
    is_only = len(template.sheets) == 1 and name == template.sheets[0].name
    return path if is_only else path.with_name(f"{path.stem}-{name}{path.suffix}")
