"""Every kind of bad input of a period table is refused alike in a file, a workbook and a DataFrame."""

import pandas as pd
import pytest

from nmo_stats import Cohort, CohortError, read_periods

HEADER = "patient,treatment,relapses,exposure_months,edss_start"
ROWS = ["A,x,3,12.5,4", "A,y,0,20.5,4", "B,x,2,8.5,3", "B,y,1,9.5,3"]


def changed(row, column, cell):
    cells = ROWS[row].split(",")
    cells[HEADER.split(",").index(column)] = cell
    return [HEADER, *ROWS[:row], ",".join(cells), *ROWS[row + 1 :]]


BAD = {
    "a missing column": ([HEADER.replace("patient", "pateint"), *ROWS], None, "patient"),
    "two exposure columns": ([f"{HEADER},exposure_days", *(f"{row},300" for row in ROWS)], None, "exposure"),
    "a negative time": (changed(0, "exposure_months", "-1"), 1, "exposure_months"),
    "no time": (changed(1, "exposure_months", "0"), 2, "exposure_months"),
    "an empty time": (changed(1, "exposure_months", ""), 2, "exposure_months"),
    "an infinite time": (changed(1, "exposure_months", "inf"), 2, "exposure_months"),
    "a time in words": (changed(1, "exposure_months", "a year"), 2, "exposure_months"),
    "half a relapse": (changed(2, "relapses", "1.5"), 3, "relapses"),
    "a negative count": (changed(2, "relapses", "-9"), 3, "relapses"),
    "an empty count": (changed(2, "relapses", ""), 3, "relapses"),
    "a row twice": ([HEADER, *ROWS, ROWS[3]], 5, "treatment"),
    "EDSS off the scale": (changed(3, "edss_start", "0.5"), 4, "edss_start"),
    "a patient without a name": (changed(3, "patient", ""), 4, "patient"),
    "a patient called unknown": (changed(3, "patient", "unknown"), 4, "patient"),
    "a total": ([HEADER, *ROWS, "Total,x,5,21,"], 5, "patient"),
    "an example row": ([HEADER, *ROWS, "example,x,5,21,"], 5, "patient"),
    "no treatment": (changed(3, "treatment", "-"), 4, "treatment"),
    "two sexes": (
        [f"{HEADER},sex", *(f"{row},{sex}" for row, sex in zip(ROWS, "FFMF", strict=True))],
        4,
        "sex",
    ),
    "a wide table": (["id,relapses_old,relapses_new,months_old,months_new", "A,1,2,3,4"], None, None),
    "no rows": ([HEADER], None, None),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_input_is_refused_alike_wherever_it_comes_from(tmp_path, name):
    lines, row, column = BAD[name]
    (tmp_path / "table.csv").write_text("\n".join(lines) + "\n")
    frame = pd.read_csv(tmp_path / "table.csv", dtype=str, keep_default_na=False)
    frame.to_excel(tmp_path / "table.xlsx", index=False)
    frame.to_parquet(tmp_path / "table.parquet", index=False)
    calls = {
        "csv": (lambda: read_periods(tmp_path / "table.csv"), 1),
        "workbook": (lambda: read_periods(tmp_path / "table.xlsx"), 1),
        "parquet": (lambda: read_periods(tmp_path / "table.parquet"), 0),
        "frame": (lambda: Cohort.from_frame(frame), 0),
    }
    remedies = set()
    for call, header in calls.values():
        with pytest.raises(CohortError) as caught:
            call()
        (problem,) = caught.value.problems
        assert problem.column == column
        assert problem.row == (None if row is None else row + header)
        assert problem.rule
        remedies.add(problem.remedy)
    assert len(remedies) == 1
    assert remedies.pop()
