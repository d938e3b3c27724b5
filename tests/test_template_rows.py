"""The example rows of the template are refused until they are replaced, and say so themselves."""

import openpyxl
import pytest

from nmo_stats import CohortError, Comparison
from nmo_stats.cohort.rows import EXAMPLE_PATIENT, EXAMPLE_RULE


def replaced(path):
    """Call the example patient P1."""
    if path.suffix == ".csv":
        path.write_text(path.read_text(encoding="utf-8").replace(EXAMPLE_PATIENT, "P1"), encoding="utf-8")
        return
    book = openpyxl.load_workbook(path)
    for sheet in book:
        for row in sheet:
            for cell in row:
                cell.value = "P1" if cell.value == EXAMPLE_PATIENT else cell.value
    book.save(path)


def tables(path, events):
    if not events:
        return [path]
    if path.suffix == ".xlsx":
        return [
            "--treatments",
            path,
            "--relapses",
            path,
            "--sheet",
            "treatments=treatments",
            "--sheet",
            "relapses=relapses",
        ]
    return [
        "--treatments",
        path.with_name("new-treatments.csv"),
        "--relapses",
        path.with_name("new-relapses.csv"),
    ]


@pytest.mark.parametrize("suffix", [".csv", ".xlsx"])
@pytest.mark.parametrize("events", [False, True])
def test_every_template_is_refused_as_it_is_and_read_once_its_patient_is_replaced(
    run, tmp_path, suffix, events
):
    path = tmp_path / f"new{suffix}"
    assert run("template", *(["--events"] if events else []), "--out", path)[0] == 0
    given = tables(path, events)
    for command in ("check", "describe", "rates"):
        code, out, err = run(command, *given)
        assert (code, out) == (2, "")
        assert EXAMPLE_RULE in err
        assert err.count("replace") >= 4 if events else 2
    for file in {given[1], given[3]} if events else given:
        replaced(file)
    code, out, _ = run("check", *given)
    assert code == 0
    assert ("2 relapses in 2.08 years" if events else "3 relapses in 1.21 years") in " ".join(out.split())


def test_the_template_says_in_its_example_rows_what_to_do_with_them(run):
    for arguments in (["template"], ["template", "--events"]):
        rows = [line for line in run(*arguments)[1].splitlines() if "example" in line]
        assert rows
        assert all("replace this row" in row for row in rows)


@pytest.mark.parametrize("name", ["example", "Example", " EXAMPLE ", "example patient"])
def test_the_example_of_older_templates_is_refused_too(name):
    with pytest.raises(CohortError) as caught:
        Comparison.from_arrays([[1, 0]], [[1.5, 1.5]], [name])
    assert [problem.rule for problem in caught.value.problems] == [EXAMPLE_RULE]
