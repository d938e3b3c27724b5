"""Change bytes and cells of small tables: every outcome is a cohort or an error of this package.

Run with ``python benchmarks/fuzz_readers.py --minutes 5 --seed 1``; a
case that ends otherwise is printed, and the exit code is 1.
"""

from __future__ import annotations

import argparse
import io
import random
import time
import traceback
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import pandas as pd

from nmo_stats import Cohort, NmoStatsError, TableFile, load_example, read_events, read_periods

ODD_CELLS = (
    "", " ", "NA", "-", "0", "-1", "1e400", "inf", "nan", "1,5", "1.5.2", "2010-02-30", "2010-01-01",
    "01/02/2010",
    "TRUE",
    "yes", "Unchecked", "a\nb", 'a"b', "a;b", "\x00", "\x1b[2J", "é", "\ud800", "=1+1", "9" * 400, "#REF!",
    None, True, 1.5,
    -7, 10**30, float("nan"), float("inf"), pd.Timestamp("2010-03-04"), pd.Timedelta(days=3), b"x", [1],
)  # fmt: skip
ODD_NAMES = (
    "", "patient", "treatment", "redcap_repeat_instrument", "redcap_event_name", "Repeat Instance",
    "treatment___1", "Event Name", "Drug (choice=x)", "Unnamed: 0", "exposure_days", "onset",
    "a\x1bb", None, 3,
)  # fmt: skip
ODD_BYTES = (
    b"",
    b"\x00",
    b"\xff",
    b"\n",
    b"\r",
    b'"',
    b",",
    b";",
    b"\t",
    b"\xef\xbb\xbf",
    b"9" * 50,
    b"<",
    b"PK\x03\x04",
)
SUFFIXES = (".csv", ".tsv", ".txt", ".xlsx", ".parquet", "")
REDCAP = """\
Record ID,Repeat Instrument,Repeat Instance,Event Name,Sex,Last visit,Drug,Start date,End date,Onset,Complete?
1,,,base,1,2013-06-01,,,,,Complete
1,Therapy,1,base,,,old,2009-01-01,2011-01-01,,Complete
1,Therapy,2,base,,,new,2011-01-01,,,Complete
1,Relapse,1,base,,,,,,2009-05-01,Complete
1,Relapse,2,base,,,,,,2012-05-01,Complete
"""


def periods() -> pd.DataFrame:
    """Return the founding example as a table."""
    return load_example().to_frame().astype(object)


def events() -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return two small tables of dated events."""
    treatments = pd.DataFrame(
        [["1", "old", "2009-01-01", "2011-01-01", None], ["1", "new", "2011-01-01", None, "2013-06-01"],
         ["2", "old", "2010-01-01", "2011-06-01", None], ["2", "new", "2011-06-01", None, "2014-01-01"]],
        columns=["patient", "treatment", "start", "end", "last_visit"], dtype=object,
    )  # fmt: skip
    relapses = pd.DataFrame(
        [["1", "2009-05-01"], ["1", "2010-05-01"], ["2", "2012-05-01"]],
        columns=["patient", "onset"],
        dtype=object,
    )
    return treatments, relapses


def with_odd_cells(table: pd.DataFrame, rng: random.Random) -> pd.DataFrame:
    """Return the table with some cells, rows and names changed."""
    columns = {number: list(table.iloc[:, number]) for number in range(table.shape[1])}
    for _ in range(rng.choice((0, 0, 0, 1, 2))):
        column = columns[rng.choice(list(columns))]
        column[rng.randrange(len(column))] = rng.choice(ODD_CELLS)
    names = list(table.columns)
    if rng.random() < 0.15:
        names[rng.randrange(len(names))] = rng.choice(ODD_NAMES)
    order = list(range(len(table)))
    if rng.random() < 0.2:
        order += [rng.choice(order), rng.choice(order)]
    changed = pd.DataFrame(
        {n: pd.Series([cells[i] for i in order], dtype=object) for n, cells in columns.items()}
    )
    changed.columns = pd.Index(names, dtype=object)
    try:
        return changed.astype("category") if rng.random() < 0.05 else changed
    except (TypeError, ValueError):  # a cell that is no category, such as a list
        return changed


def written(table: pd.DataFrame, suffix: str, rng: random.Random) -> bytes:
    """Return the table as the bytes of a file, some of them changed."""
    stream = io.BytesIO()
    if suffix == ".xlsx":
        table.to_excel(stream, index=False)
    elif suffix == ".parquet":
        table.to_parquet(stream, index=False)
    else:
        mark = rng.choice((",", ";", "\t"))
        stream.write(table.to_csv(index=False, sep=mark).encode("utf-8", errors="surrogatepass"))
    content = bytearray(stream.getvalue())
    for _ in range(rng.choice((0, 0, 1, 3)) if content else 0):
        place = rng.randrange(len(content))
        content[place : place + rng.randrange(3)] = rng.choice(ODD_BYTES)
    return bytes(content)


def saved(table: pd.DataFrame, folder: Path, rng: random.Random) -> Path | pd.DataFrame:
    """Return a file with the table, or the table itself."""
    suffix = rng.choice(SUFFIXES)
    if not suffix:
        return table
    path = folder / f"table{rng.randrange(10**6)}{suffix}"
    try:
        path.write_bytes(written(table, suffix, rng))
    except Exception:  # noqa: BLE001  the other program cannot write such cells
        return table
    return path


def period_case(folder: Path, rng: random.Random) -> Cohort:
    """Read a period table."""
    data = saved(with_odd_cells(periods(), rng), folder, rng)
    if isinstance(data, pd.DataFrame):
        return Cohort.from_frame(data)
    return read_periods(data, decimal=rng.choice((".", ".", ",")))


def event_case(folder: Path, rng: random.Random) -> Cohort:
    """Read two tables of dated events."""
    return read_events(*(saved(with_odd_cells(table, rng), folder, rng) for table in events()))


def redcap_case(folder: Path, rng: random.Random) -> Cohort:
    """Read an export with labels."""
    table = with_odd_cells(pd.read_csv(io.StringIO(REDCAP), dtype=object), rng)
    data = saved(table, folder, rng)
    if isinstance(data, pd.DataFrame):
        return read_events(data, data)
    names = ("Therapy", "Relapse") if rng.random() < 0.8 else (None, "x")
    return read_events(*(TableFile(data, instrument=name) for name in names))


CASES: tuple[Callable[[Path, random.Random], Cohort], ...] = (period_case, event_case, redcap_case)


def outcome(case: Callable[[Path, random.Random], Cohort], folder: Path, rng: random.Random) -> str:
    """Return how a case ends: a comparison, or the kind of the error."""
    try:
        cohort = case(folder, rng)
        names = cohort.treatments
        if len(names) > 1:
            cohort.compare(names[1], reference=names[0])
    except NmoStatsError as error:
        str(error).encode("utf-8", errors="backslashreplace")
        return type(error).__name__
    return "cohort"


def main() -> None:
    """Run until the time is over, and print how the cases ended."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=1)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    counts: Counter[tuple[str, str]] = Counter()
    end, number = time.monotonic() + 60 * given.minutes, 0
    while time.monotonic() < end:
        rng = random.Random(f"{given.seed} {number}")
        case = CASES[number % len(CASES)]
        with TemporaryDirectory() as folder:
            try:
                ended = outcome(case, Path(folder), rng)
            except Exception:  # noqa: BLE001  this is what the search is for
                ended = "CRASH"
                print(f"case {number} of seed {given.seed}:\n{traceback.format_exc(limit=-12)}")
        counts[case.__name__, ended] += 1
        number += 1
    for (name, ended), count in sorted(counts.items()):
        print(f"{name:12} {ended:20} {count}")
    raise SystemExit(any(ended == "CRASH" for _, ended in counts))


if __name__ == "__main__":
    main()
