"""One cell of a table: empty or not, text, number, yes or no; and how a message prints it."""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final, cast

import numpy as np
import numpy.typing as npt
import pandas as pd

Cell = object


def word_set(text: str) -> frozenset[str]:
    """Return the words of a text, which is how long lists of words are written here."""
    return frozenset(text.split())


# Excel writes TRUE and FALSE, other programs 1 and 0, REDCap also Checked and Unchecked
YES_NO: Final = {
    **dict.fromkeys(("yes", "y", "true", "t", "checked", "1", "1.0"), True),
    **dict.fromkeys(("no", "n", "false", "f", "unchecked", "0", "0.0"), False),
}

_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?", re.ASCII)
_DECIMAL_COMMA = re.compile(r"[+-]?\d+,\d+", re.ASCII)
_THOUSANDS = re.compile(r"[+-]?[1-9]\d{0,2},\d{3}", re.ASCII)
_COMMA_NUMBER = re.compile(r"[+-]?\d+(,\d+)?([eE][+-]?\d+)?", re.ASCII)
_WITH_POINT = re.compile(r"[+-]?[\d.,]*\.[\d.,]*", re.ASCII)
_PLAIN = re.compile(r"-?(0|[1-9]\d{0,14})(\.\d+)?", re.ASCII)  # not 007, which is a code; exact in a float
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_HALF: Final = re.compile(r"[\ud800-\udfff]")
_UNKNOWN_WORDS: Final = word_set(
    "na n/a n.a n.a. n.d. nan nat null none nil unknown unk missing notknown notavailable notapplicable "
    "notdone unbekannt fehlt k.a. k.a keineangabe unbek. nichtbekannt nodata tbd tba inconnu desconocido "
    "sconosciuto"
)
_NO_LETTERS: Final = re.compile(r"[-–—−?.…_/]+")
_SPREADSHEET_ERRORS = frozenset(("#N/A", "#REF!", "#NAME?", "#VALUE!", "#DIV/0!", "#NUM!", "#NULL!"))
_THOUSANDS_REMEDY: Final = "write a decimal point, or no thousands separator: the comma has both readings"
COMMA_REMEDY: Final = (
    "write a decimal point, not a decimal comma, or read the table with decimal=',' (--decimal ,)"
)
LARGEST: Final = 1e9  # larger counts, times and places are slips of the keyboard, and would overflow sums


@dataclass(frozen=True, slots=True)
class Fault:
    """A cell that breaks its rule."""

    rule: str
    remedy: str


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A cell of which its reader knows what was found, and what is wrong with it."""

    found: str
    fault: Fault


def is_missing(cell: Cell) -> bool:
    """Return whether a cell is empty: None, NaN, NaT, NA, or text of blanks only."""
    if isinstance(cell, str):
        return not cell or cell.isspace()
    if isinstance(cell, (int, float)):
        return cell != cell  # noqa: PLR0124  only NaN differs from itself
    if isinstance(cell, Decimal):
        return cell.is_nan()
    return cell is None or (pd.api.types.is_scalar(cell) and bool(pd.isna(cast("Any", cell))))


def as_text(cell: Cell) -> str:
    """Return a cell as text; a whole number that a spreadsheet keeps as 101.0 reads ``"101"``.

    Examples
    --------
    >>> as_text(101.0), as_text("P1")
    ('101', 'P1')
    """
    is_whole = isinstance(cell, (float, np.floating)) and float(cell).is_integer()
    return cell if type(cell) is str else _printed(int(cast("float", cell)) if is_whole else cell)


def shown(cell: Cell) -> str:
    """Return a cell as a message prints it, in one line.

    Examples
    --------
    >>> shown("1,5"), shown(1.5), shown(None)
    ("'1,5'", '1.5', 'empty')
    """
    if is_missing(cell):
        return "empty"
    return repr(str(cell)) if isinstance(cell, str) else " ".join(_printed(cell).split())


def printable(text: str) -> str:
    r"""Return a name as one line that no terminal takes for a command: what cannot be printed is escaped.

    Examples
    --------
    >>> print(printable("Müller 2"), printable("a" + chr(27) + "[2Jb"))
    Müller 2 a\x1b[2Jb
    """
    return "".join(
        letter if letter.isprintable() else letter.encode("unicode_escape").decode() for letter in text
    )


def parse_text(cell: Cell) -> str | Fault:
    """Read an identifier or a name; it must not be empty."""
    rule = "text, not empty"
    if is_missing(cell):
        return Fault(rule, "enter the name from the source")
    if isinstance(cell, bool) or not isinstance(cell, (str, int, float, np.integer, np.floating, Decimal)):
        return Fault(rule, "store it as text; spreadsheets turn some names into dates or TRUE")
    text = as_text(cell)
    if text in _SPREADSHEET_ERRORS:
        return Fault(rule, "repair the formula in the spreadsheet")
    if _CONTROL.search(text):
        return Fault("text in one line, without control characters", "type the cell anew")
    return text


def parse_yes_no(cell: Cell) -> bool | Fault | None:
    """Read yes, no, or nothing for unknown."""
    if is_missing(cell):
        return None
    answer = YES_NO.get(as_text(cell).strip().lower())
    if answer is None:
        return Fault("yes, no, or empty for unknown", "write yes or no, or leave the cell empty")
    return answer


def parse_covariate(cells: Sequence[Cell]) -> list[float] | list[str | None]:
    """Read a whole covariate: numbers if every filled cell is a plain number, else text; every format alike.

    Examples
    --------
    >>> parse_covariate(["40", 26.0, ""]), parse_covariate(["007", 8])
    ([40.0, 26.0, nan], ['007', '8'])
    """
    texts = [None if is_missing(cell) else as_text(cell) for cell in cells]
    if all(text is None or _PLAIN.fullmatch(text) for text in texts):
        return [math.nan if text is None else float(text) for text in texts]
    return texts


def with_decimal_comma(cell: Cell) -> Cell | Fault:
    """Return the text of a number with a decimal comma as one with a point; every other cell as it is.

    A point is refused: where the comma is the decimal mark it separates thousands, and a reader cannot
    tell 1.500 from 1,5.

    Examples
    --------
    >>> with_decimal_comma("1,5"), with_decimal_comma("A,1"), with_decimal_comma(2.5)
    ('1.5', 'A,1', 2.5)
    """
    if not isinstance(cell, str):
        return cell
    text = cell.strip()
    if _COMMA_NUMBER.fullmatch(text):
        return text.replace(",", ".")
    if _WITH_POINT.fullmatch(text):
        rule = "a number of this table has a decimal comma"
        return Fault(rule, "write a decimal comma and no thousands separator")
    return cell


def says_unknown(cell: Cell) -> bool:
    """Return whether a cell holds a word or a sign for nothing, such as ``NA``, where an empty cell is meant.

    Examples
    --------
    >>> [says_unknown(text) for text in ("N/A", "(not known)", "-", "-1", "")]
    [True, True, True, False, False]
    """
    if not isinstance(cell, str):
        return False
    text = "".join(cell.split()).lower().strip("()[]<>{}")
    return text in _UNKNOWN_WORDS or _NO_LETTERS.fullmatch(text) is not None


def is_decimal_comma(cell: Cell) -> bool:
    """Return whether a text is a number with a decimal comma.

    Examples
    --------
    >>> is_decimal_comma("1,5"), is_decimal_comma("1.5"), is_decimal_comma("a,b")
    (True, False, False)
    """
    return isinstance(cell, str) and _DECIMAL_COMMA.fullmatch(cell.strip()) is not None


def is_encodable(text: str) -> bool:
    """Return whether a text can be written to a file: half a character cannot."""
    return text.isascii() or _HALF.search(text) is None


def folded(text: str) -> str:
    """Return a text in small letters without accents."""
    letters = unicodedata.normalize("NFKD", text).casefold()
    return "".join(letter for letter in letters if not unicodedata.combining(letter))


def plain_number(cell: Cell) -> float | None:
    """Return the number that a cell holds, or None."""
    number = parse_number(cell, "", "")
    return None if isinstance(number, Fault) else number


def written_decimals(cell: Cell, mark: str = ".") -> int | None:
    """Return the decimals that a number in a text is written with; None for other cells, and powers of ten.

    Examples
    --------
    >>> written_decimals("2.0"), written_decimals("2,25", ","), written_decimals(2.0), written_decimals("2e3")
    (1, 2, None, None)
    """
    if not isinstance(cell, str) or "e" in cell.lower():
        return None
    return len(cell.strip().partition(mark)[2])


def written_column(cells: Sequence[Cell], mark: str = ".") -> list[int | None]:
    """Return the decimals of every number of a column as written.

    Where every one ends in ``.0`` they say nothing: so a program writes whole numbers that it holds as
    floats.

    Examples
    --------
    >>> written_column(["2.7", "2.0", "0.67"]), written_column(["32.0", "8.0", ""])
    ([1, 1, 2], [None, None, None])
    """
    found = [written_decimals(cell, mark) for cell in cells]
    filled = [cell.strip() for cell in cells if isinstance(cell, str) and not is_missing(cell)]
    is_float = bool(filled) and all(text.partition(mark)[2] == "0" for text in filled)
    return [None] * len(found) if is_float else found


def parse_number(cell: Cell, rule: str, if_missing: str) -> float | Fault:
    """Read a number, infinity included; ``if_missing`` is the remedy of an empty cell, or a word for one."""
    if is_missing(cell) or says_unknown(cell):
        return Fault(rule, if_missing)
    if isinstance(cell, (bool, np.bool_)):
        return Fault(rule, "write a number, not true or false")
    if isinstance(cell, (int, float, np.integer, np.floating)):
        return _finite_or_inf(cell)
    text = as_text(cell).strip()
    if _NUMBER.fullmatch(text):
        return float(text)
    if _DECIMAL_COMMA.fullmatch(text):
        return Fault(rule, _THOUSANDS_REMEDY if _THOUSANDS.fullmatch(text) else COMMA_REMEDY)
    return Fault(rule, "write a plain number with a decimal point and no unit")


def different(column: Iterable[Cell]) -> tuple[tuple[Cell, ...], npt.NDArray[np.int64]]:
    """Return the different cells of a column and the code of each row; 1, 1.0 and True are different."""
    places: dict[Hashable, int] = {}
    cells: list[Cell] = []
    codes: list[int] = []
    for cell in column:
        key: Hashable = (type(cell), cell)
        try:
            code = places.get(key)
        except TypeError:  # a list, or another cell that cannot be hashed
            key, code = (list, id(cell)), None
        if code is None:
            code = places[key] = len(cells)
            cells.append(cell)
        codes.append(code)
    return tuple(cells), np.asarray(codes, dtype=np.int64)


def _printed(cell: Cell) -> str:
    try:
        return str(cell)
    except ValueError:  # Python prints no whole number of more than 4300 digits
        return "a number of more than 4300 digits"


def _finite_or_inf(number: float | np.integer | np.floating) -> float:
    try:
        return float(number)
    except OverflowError:  # a whole number beyond the largest float
        return math.inf if number > 0 else -math.inf
