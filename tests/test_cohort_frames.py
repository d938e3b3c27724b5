"""DataFrames and Parquet files of every kind, and the same table in every format."""

import decimal
import io

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nmo_stats import ArgumentError, Cohort, CohortError, read_periods
from nmo_stats.cohort.rows import parse_patient, parse_treatment

COLUMNS = ["patient", "treatment", "relapses", "exposure_years"]


def four_rows():
    return pd.read_csv(io.StringIO(",".join(COLUMNS) + "\nA,x,3,1.5\nA,y,0,2\nB,x,2,1\nB,y,1,1.25\n"))


# ---- DataFrames


@pytest.mark.parametrize("frame", [None, [1, 2], {"patient": ["A"]}, np.zeros((2, 2)), "table.csv"])
def test_what_is_no_data_frame_is_an_argument_error(frame):
    with pytest.raises(ArgumentError, match="give a pandas DataFrame"):
        Cohort.from_frame(frame)


SAME_TABLES = {
    "categories": lambda frame: frame.astype(
        {"patient": "category", "treatment": "category", "relapses": "category"}
    ),
    "nullable": lambda frame: frame.astype({"relapses": "Int64", "patient": "string"}),
    "arrow": lambda frame: frame.convert_dtypes(dtype_backend="pyarrow"),
    "float32": lambda frame: frame.astype({"relapses": "float32"}),
    "uint8": lambda frame: frame.astype({"relapses": "uint8"}),
    "sparse": lambda frame: frame.astype({"relapses": pd.SparseDtype("int64", 0)}),
    "objects": lambda frame: frame.astype("object"),
    "text": lambda frame: frame.astype("string"),
    "repeated index": lambda frame: frame.set_axis([0, 0, 0, 0]),
    "dates as index": lambda frame: frame.set_axis(pd.date_range("2020-01-01", periods=4)),
    "names as index": lambda frame: frame.set_index(["patient", "treatment"]),
    "name as index and column": lambda frame: frame.set_index("patient", drop=False),
}


@pytest.mark.parametrize("change", SAME_TABLES.values(), ids=SAME_TABLES.keys())
def test_the_types_and_the_index_of_a_data_frame_do_not_matter(change):
    found = Cohort.from_frame(change(four_rows())).to_frame()
    pd.testing.assert_frame_equal(found, Cohort.from_frame(four_rows()).to_frame())


def test_rows_of_a_data_frame_are_numbered_from_1_by_position():
    frame = four_rows().set_axis([10, 10, 10, 10]).assign(relapses=[1, 1, 1, -1])
    with pytest.raises(CohortError, match="row 4, patient 'B', column 'relapses': -1"):
        Cohort.from_frame(frame)


@pytest.mark.parametrize("name", [None, np.nan, "", "  "])
def test_a_column_without_a_name_is_refused_if_it_holds_anything(name):
    frame = four_rows().assign(extra=[1, "", None, ""])
    with pytest.raises(CohortError, match="a column without a name"):
        Cohort.from_frame(frame.rename(columns={"extra": name}))
    assert Cohort.from_frame(frame.assign(extra="").rename(columns={"extra": name})).covariates == ()


def test_columns_with_several_levels_are_refused():
    frame = four_rows()
    frame.columns = pd.MultiIndex.from_product([["first"], frame.columns])
    with pytest.raises(ArgumentError, match="give each column one name"):
        Cohort.from_frame(frame)


def test_numbers_as_column_names_can_be_renamed():
    frame = four_rows().set_axis([0, 1, 2, 3], axis="columns")
    for columns in (dict(enumerate(COLUMNS)), {str(number): name for number, name in enumerate(COLUMNS)}):
        assert Cohort.from_frame(frame, columns=columns).patients == ("A", "B")


def test_a_cohort_does_not_share_memory_with_the_frame_it_came_from():
    frame = four_rows()
    cohort = Cohort.from_frame(frame)
    frame.loc[:, "relapses"] = 99
    assert cohort.to_frame()["relapses"].tolist() == [3, 0, 2, 1]


# ---- Parquet


def parquet(folder, table):
    pq.write_table(table, folder / "table.parquet")
    return folder / "table.parquet"


def test_parquet_types_are_read_as_what_they_mean(tmp_path):
    table = {
        "patient": pa.array(["A", "A"]).dictionary_encode(),
        "treatment": ["x", "y"],
        "relapses": [decimal.Decimal(2), decimal.Decimal(0)],
        "exposure_years": [decimal.Decimal("1.5"), decimal.Decimal("2.0")],
        "ongoing": [True, None],
    }
    frame = read_periods(parquet(tmp_path, pa.table(table))).to_frame()
    assert frame["relapses"].tolist() == [2, 0]
    assert frame["ongoing"].tolist() == [True, pd.NA]


def test_an_index_that_pandas_wrote_to_parquet_is_a_column_if_it_has_a_name(tmp_path):
    path = tmp_path / "table.parquet"
    four_rows().set_index("patient").to_parquet(path)
    assert read_periods(path).patients == ("A", "B")
    four_rows().set_axis([5, 5, 7, 8]).to_parquet(path)
    assert read_periods(path).covariates == ()


@pytest.mark.parametrize(
    ("table", "found"),
    [
        (pa.table([["A"], ["x"], [1], [1.5], [2]], names=[*COLUMNS, "relapses"]), "2 columns"),
        (
            pa.table(
                {"patient": pa.array([b"A"]), "treatment": ["x"], "relapses": [1], "exposure_years": [1.5]}
            ),
            "b'A'",
        ),
        (
            pa.table({"patient": ["A"], "treatment": ["x"], "relapses": [[1, 2]], "exposure_years": [1.5]}),
            "[1, 2]",
        ),
        (
            pa.table({"patient": ["A"], "treatment": ["x"], "relapses": [None], "exposure_years": [1.5]}),
            "empty",
        ),
        (pa.table({}), "no column names"),
    ],
)
def test_parquet_tables_that_are_no_period_tables_are_refused(tmp_path, table, found):
    with pytest.raises(CohortError) as caught:
        read_periods(parquet(tmp_path, table))
    assert caught.value.problems[0].value == found


# ---- every format alike

NAMES = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Zl", "Zp"]), min_size=1, max_size=8
).filter(
    lambda text: (
        text.strip()
        and not text.startswith(("=", "#"))
        and isinstance(parse_patient(text), str)
        and isinstance(parse_treatment(text), str)
    )
)
EDSS = st.sampled_from([None, 0.0, *(step / 2 for step in range(2, 21))])
NUMBERS = st.one_of(st.none(), st.integers(-999, 999), st.decimals(-99, 99, places=2).map(float))


@st.composite
def tables(draw):
    names = draw(st.lists(NAMES, min_size=1, max_size=4, unique=True))
    drugs = draw(st.lists(NAMES, min_size=1, max_size=3, unique=True))
    rows = [
        {
            "patient": patient,
            "treatment": drug,
            "relapses": draw(st.integers(0, 30)),
            "exposure_months": float(draw(st.decimals("0.01", 300, places=2))),
            "period": draw(st.sampled_from([None, number])),
            "edss_start": draw(EDSS),
            "ended_by_relapse": draw(st.sampled_from([True, False, None])),
            "note": draw(st.one_of(st.none(), NAMES)),
            "dose": draw(NUMBERS),
        }
        for patient in names
        for number, drug in enumerate(drugs, start=1)
    ]
    return pd.DataFrame(rows).astype({"period": "Int64", "ended_by_relapse": "boolean", "dose": "Float64"})


@settings(max_examples=25, deadline=None)
@given(tables())
def test_the_same_table_in_every_format_is_the_same_cohort(tmp_path_factory, frame):
    folder = tmp_path_factory.mktemp("formats")
    frame.to_csv(folder / "table.csv", index=False)
    frame.to_csv(folder / "table.tsv", index=False, sep="\t")
    frame.to_excel(folder / "table.xlsx", index=False)
    frame.to_parquet(folder / "table.parquet")
    expected = Cohort.from_frame(frame)
    for path in sorted(folder.iterdir()):
        cohort = read_periods(path)
        pd.testing.assert_frame_equal(cohort.to_frame(), expected.to_frame())
        assert cohort.notices == expected.notices


@settings(max_examples=25, deadline=None)
@given(tables())
def test_to_frame_makes_the_round_trip(tmp_path_factory, frame):
    cohort = Cohort.from_frame(frame)
    again = Cohort.from_frame(cohort.to_frame())
    path = tmp_path_factory.mktemp("round") / "table.csv"
    cohort.to_frame().to_csv(path, index=False)
    for other in (again, read_periods(path)):
        pd.testing.assert_frame_equal(other.to_frame(), cohort.to_frame())
        assert other.notices == cohort.notices
