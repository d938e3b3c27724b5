"""What a public function accepts: one small function for each kind of argument, called at the door.

Each returns the value in its plain Python type, or raises an :class:`~nmo_stats.errors.ArgumentError` that
names the argument, what was found and what is expected.
"""

from __future__ import annotations

import math
import operator
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal
from numbers import Real
from pathlib import Path
from typing import Any, Final, TypeVar

import numpy as np

from nmo_stats.arrays import Counts, Floats
from nmo_stats.errors import ArgumentError

T = TypeVar("T")
Progress = Callable[[int, int], None]  # called with what is done and how much there is

HIGHEST_LEVEL: Final = 1 - 1e-12  # nearer to 1 the tail has no digits left
LOWEST_LEVEL: Final = 1e-9
DEFAULT_SEED: Final = 20130301
LARGEST_SEED: Final = 2**63 - 1  # files with draws keep it in 64 bits
_LONGEST: Final = 60
_MADE_BY: Final = {
    "Comparison": "a comparison of two treatments, from cohort.compare(comparator, reference=...) or "
    "Comparison.from_arrays(...)",
    "Cohort": "a cohort, from read_periods(path), read_events(...) or Cohort.from_frame(frame)",
    "HierarchicalFit": "a fitted model, from hierarchical.fit(comparison)",
    "Model": "a model, from hierarchical.Model(comparison)",
    "Analysis": "an analysis, from analyze(cohort, comparator, reference=...)",
    "Background": "sensitivity.Background(...)",
    "HalfNormal": "hierarchical.HalfNormal(sd)",
    "Normal": "hierarchical.Normal(mean, sd)",
    "Nuts": "hierarchical.Nuts(...)",
    "Priors": "hierarchical.Priors(...)",
    "DataFrame": "a pandas DataFrame",
    "Generator": "a random generator, from numpy.random.default_rng(seed)",
}


def instance(name: str, value: object, *kinds: type[T]) -> T:
    """Return a value that is of one of some classes.

    Examples
    --------
    >>> instance("years", 2.5, float)
    2.5
    """
    if isinstance(value, kinds) and not isinstance(value, type):
        return value
    raise _refusal(name, value, " or ".join(_MADE_BY.get(kind.__name__, kind.__name__) for kind in kinds))


def optional(name: str, value: object, *kinds: type[T]) -> T | None:
    """Return a value of one of some classes, or None."""
    return None if value is None else instance(name, value, *kinds)


def number(name: str, value: object, low: float = -math.inf, high: float = math.inf) -> float:
    """Return a finite number between two limits, both included; Fractions and Decimals are numbers.

    Examples
    --------
    >>> from fractions import Fraction
    >>> number("years", Fraction(1, 2), 0, 100)
    0.5
    """
    plain = _as_float(value)
    if math.isfinite(plain) and low <= plain <= high:
        return plain
    raise _refusal(name, value, f"a {_limits('finite number', low, high)}")


def positive(name: str, value: object, high: float = math.inf) -> float:
    """Return a finite number > 0, at most ``high``."""
    plain = _as_float(value)
    if math.isfinite(plain) and 0 < plain <= high:
        return plain
    most = "" if high == math.inf else f", at most {high:,g}"
    raise _refusal(name, value, f"a finite number > 0{most}")


def share(name: str, value: object, example: str = "0.95") -> float:
    """Return a probability that is neither 0 nor 1, and not nearer to them than 1e-9 and 1e-12."""
    plain = _as_float(value)
    if LOWEST_LEVEL <= plain <= HIGHEST_LEVEL:
        return plain
    rule = f"a number strictly between 0 and 1 (from 1e-9 to 1 - 1e-12), such as {example}"
    raise _refusal(name, value, rule)


def whole(name: str, value: object, low: float = -math.inf, high: float = math.inf) -> int:
    """Return a whole number between two limits, both included; a bool is none.

    Examples
    --------
    >>> whole("draws", np.int64(500), 100)
    500
    """
    try:
        plain = None if isinstance(value, (bool, np.bool_)) else operator.index(value)  # type: ignore[arg-type]
    except TypeError:
        plain = None
    if plain is not None and low <= plain <= high:
        return plain
    raise _refusal(name, value, f"a {_limits('whole number', low, high)}")


def flag(name: str, value: object) -> bool:
    """Return True or False."""
    if isinstance(value, (bool, np.bool_)):
        return bool(value)
    raise _refusal(name, value, "True or False")


def text(name: str, value: object) -> str:
    """Return text."""
    if isinstance(value, str):
        return value
    raise _refusal(name, value, "text")


def one_of(name: str, value: object, choices: Iterable[str | None]) -> Any:
    """Return a value that is one of a few names."""
    known = list(choices)
    if (value is None or isinstance(value, str)) and value in known:
        return value
    raise _refusal(name, value, ", ".join(map(repr, known)))


def sequence(name: str, value: object, of: str = "names") -> Sequence[Any]:
    """Return a list, a tuple or an array of values; a single text is none."""
    if isinstance(value, np.ndarray) and value.ndim == 1:
        return tuple(value.tolist())
    if isinstance(value, Sequence) and not isinstance(value, (str, bytes)):
        return value
    raise _refusal(name, value, f"a list of {of}")


def texts(name: str, value: object, length: int | None = None) -> tuple[str, ...]:
    """Return several texts, so many of them if a length is given."""
    given = tuple(text(name, part) for part in sequence(name, value))
    if length in (None, len(given)):
        return given
    raise ArgumentError(f"{name}: {len(given)} names. Expected: {length}.")


def mapping(name: str, value: object, of: str) -> Mapping[Any, Any]:
    """Return a mapping."""
    if isinstance(value, Mapping):
        return value
    raise _refusal(name, value, of)


def function(name: str, value: object) -> Callable[..., Any] | None:
    """Return a function, or None."""
    if value is None or callable(value):
        return value
    raise _refusal(name, value, "a function, or None")


def path(name: str, value: object, remedy: str = "") -> Path:
    """Return a path: text, bytes or a path object, without the characters that no file name holds."""
    try:
        plain = os.fsdecode(value)  # type: ignore[arg-type]
        plain.encode(errors="surrogateescape")  # half a character is in no name, an unreadable byte may be
    except (TypeError, ValueError):
        plain = "\0"
    if plain.strip() and "\0" not in plain:
        return Path(plain)
    hint = f"; {remedy}" if remedy else ""
    raise _refusal(name, value, f"the path of a file or folder{hint}")


def numbers(name: str, value: object, shape: str, low: float = -math.inf, high: float = math.inf) -> Floats:
    """Return an array of finite numbers between two limits.

    Parameters
    ----------
    name, value
        The argument.
    shape
        Its shape in words, one part for each dimension, such as ``"(patients, 2)"``; a number is the length
        that is needed.
    low, high
        Limits of every number, both included.
    """
    wanted = [part.strip() for part in shape.strip("(),").split(",")]
    try:
        array = np.asarray(value, dtype=np.float64)
    except (TypeError, ValueError, OverflowError):
        array = np.array(math.nan)
    fits = array.ndim == len(wanted) and all(
        not part.isdigit() or length == int(part) for part, length in zip(wanted, array.shape, strict=False)
    )
    if fits and array.size and np.isfinite(array).all() and array.min() >= low and array.max() <= high:
        return array
    raise _refusal(name, value, f"{_limits('finite numbers', low, high)}, of shape {shape}")


def whole_numbers(name: str, value: object, shape: str, high: float) -> Counts:
    """Return an array of whole numbers from 0 to a limit."""
    array = numbers(name, value, shape, 0, high)
    if (array != np.floor(array)).any():
        raise _refusal(name, value, f"whole numbers of shape {shape}")
    return array.astype(np.int64)


Seed = int | np.integer | np.random.SeedSequence | np.random.Generator


def seed(value: object) -> int:
    """Return the seed of an argument: a whole number >= 0, or one from a SeedSequence or a Generator.

    Examples
    --------
    >>> seed(7), seed(np.random.SeedSequence(7)) == seed(np.random.SeedSequence(7))
    (7, True)
    """
    if isinstance(value, np.random.SeedSequence):
        return int(value.generate_state(1, np.uint64)[0] >> np.uint64(1))
    if isinstance(value, np.random.Generator):
        return int(value.integers(LARGEST_SEED, endpoint=True))
    try:
        return whole("seed", value, 0, LARGEST_SEED)
    except ArgumentError:
        rule = "a whole number from 0 to 2^63 - 1, a numpy SeedSequence or Generator, or None for a fresh one"
        raise _refusal("seed", value, rule) from None


def _refusal(name: str, value: object, rule: str) -> ArgumentError:
    """Return the exception that names an argument, what was given, and what is expected."""
    return ArgumentError(f"{name} {found(value)}. Expected: {rule}.")


def found(value: object) -> str:
    """Return what was given, in a few words: a short value itself, anything else by its kind.

    Examples
    --------
    >>> found(-1), found("x" * 100), found([1, 2, 3])
    ('-1', 'text of 100 characters', 'a list')
    """
    if value is None or isinstance(value, (bool, np.bool_, Real, complex, Decimal)):
        return _short(value)
    if isinstance(value, (str, bytes)):
        return _short(value) if len(value) <= _LONGEST else f"text of {len(value)} characters"
    kind = type(value).__name__
    return f"{'an' if kind[0] in 'aeiouAEIOU' else 'a'} {kind}"


def _short(value: object) -> str:
    try:
        shown = ascii(value) if isinstance(value, (str, bytes)) else str(value)
    except ValueError:  # Python prints no whole number of more than 4300 digits
        return "a number of more than 4300 digits"
    return shown if len(shown) <= _LONGEST else f"{shown[: _LONGEST - 1]}…"


def _as_float(value: object) -> float:
    is_number = isinstance(value, (Real, Decimal)) and not isinstance(value, (bool, np.bool_))
    try:
        return float(value) if is_number else math.nan  # type: ignore[arg-type]
    except (OverflowError, ValueError):  # a whole number beyond the largest float; a signalling NaN
        return math.nan


def _limits(kind: str, low: float, high: float) -> str:
    if low == -math.inf:
        return kind if high == math.inf else f"{kind}, at most {high:,g}"
    return f"{kind} >= {low:,g}" if high == math.inf else f"{kind} from {low:,g} to {high:,g}"
