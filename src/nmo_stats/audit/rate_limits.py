"""The 95 % limits of a relapse rate: Garwood's exact ones, and the approximations that papers print."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Final, Literal

from scipy.optimize import brentq
from scipy.special import gammaincc, ndtri, stdtrit

from nmo_stats.audit.formulas import Alternative, Compute, Computed, Outcome, Unknown, number
from nmo_stats.audit.record import Name, Record
from nmo_stats.audit.span import Span, decimal, deviation, exact, mean, total
from nmo_stats.cohort.schema import UNITS_PER_YEAR
from nmo_stats.describe.arr import poisson_rate_interval
from nmo_stats.wording import counted

LEVEL: Final = 0.95
_TAIL: Final = (1 - LEVEL) / 2
_NORMAL: Final = float(ndtri(1 - _TAIL))
End = Literal["low", "high"]
Limits = tuple[float, float]
_SIDES: Final[dict[End, str]] = {"low": "lower", "high": "upper"}


def garwood(relapses: int) -> Limits:
    """Return the exact limits of the expected count; R: ``poisson.test(x)``.

    Garwood F, doi:10.1093/biomet/28.3-4.437.
    """
    low, high = poisson_rate_interval(relapses, 1.0, LEVEL)
    return float(low), float(high)


def wald(relapses: int) -> Limits | None:
    """Return x ± z √x, the lower one below 0 in fewer than four relapses; None without a relapse."""
    step = _NORMAL * math.sqrt(relapses)
    return (relapses - step, relapses + step) if relapses else None


def truncated_wald(relapses: int) -> Limits | None:
    """Return Wald's limits with a lower one of 0 where it would be negative; None where it is not."""
    limits = wald(relapses)
    return None if limits is None or limits[0] >= 0 else (0.0, limits[1])


def log_wald(relapses: int) -> Limits | None:
    """Return x exp(± z / √x), the limits of a Poisson regression; None without a relapse."""
    if not relapses:
        return None
    factor = math.exp(_NORMAL / math.sqrt(relapses))
    return relapses / factor, relapses * factor


def mid_p(relapses: int) -> Limits:
    """Return the exact limits that count the observed number half in each tail.

    Cohen GR, Yang SY, doi:10.1002/sim.4780132102.
    """

    def below(expected: float) -> float:
        fewer = float(gammaincc(relapses, expected)) if relapses else 0.0
        return (fewer + float(gammaincc(relapses + 1, expected))) / 2

    far = garwood(relapses)[1] + 1
    low = _root(lambda expected: below(expected) - (1 - _TAIL), far) if relapses else 0.0
    return low, _root(lambda expected: below(expected) - _TAIL, far)


def _root(excess: Callable[[float], float], far: float) -> float:
    return float(brentq(excess, 1e-12, far, xtol=1e-13, rtol=1e-13))


def byar(relapses: int) -> Limits:
    """Return Byar's approximation of the exact limits.

    Breslow NE, Day NE. Statistical methods in cancer research, volume II, page 69.
    """
    more = relapses + 1
    low = relapses * (1 - 1 / (9 * relapses) - _NORMAL / (3 * math.sqrt(relapses))) ** 3 if relapses else 0.0
    return max(low, 0.0), more * (1 - 1 / (9 * more) + _NORMAL / (3 * math.sqrt(more))) ** 3


_METHODS: Final[dict[str, Callable[[int], Limits | None]]] = {
    "wald": wald,
    "wald_truncated": truncated_wald,
    "log_wald": log_wald,
    "mid_p": mid_p,
    "byar": byar,
}


def patient_limit(end: End) -> Compute:
    """Return the formula of an exact limit of one patient's ARR."""

    def compute(record: Record, name: Name) -> Outcome:
        if name.patient is None:
            return Unknown(
                f"which ARR of the series is meant is not said: arr_pooled_{end} or arr_mean_{end}"
            )
        return _limit(record, name, end, garwood)

    return compute


def pooled_limit(end: End) -> Compute:
    """Return the formula of an exact limit of the pooled ARR of a drug."""
    return lambda record, name: _limit(record, name, end, garwood)


def mean_limit(end: End) -> Compute:
    """Return the formula of a limit of the mean of the individual ARRs by Student's t."""

    def compute(record: Record, name: Name) -> Outcome:
        rates = [
            _rate(record, name._replace(patient=patient)) for patient in record.patients_on(name.treatment)
        ]
        spread = deviation(rates) if name.patient is None and rates else None
        if spread is None:
            return Unknown("limits by Student's t need a series of two patients or more")
        factor = decimal(float(stdtrit(len(rates) - 1, 1 - _TAIL)) / math.sqrt(len(rates)))
        middle, step = mean(rates), spread.times(factor)
        words = f"{_SIDES[end]} 95 % limit by Student's t of the mean of {len(rates)} individual ARRs"
        return Computed(middle - step if end == "low" else middle + step, words)

    return compute


def other_limits(end: End, *, of_patient: bool = False) -> tuple[Alternative, ...]:
    """Return the approximate limits that papers print: of the series, or of one patient alone."""
    return tuple(
        Alternative(code, _of_method(end, limits, of_patient=of_patient))
        for code, limits in _METHODS.items()
        if end == "low" or code != "wald_truncated"  # the upper one is Wald's
    )


def _of_method(end: End, limits: Callable[[int], Limits | None], *, of_patient: bool) -> Compute:
    def compute(record: Record, name: Name) -> Outcome:
        if of_patient and name.patient is None:
            return _which(end)
        return _limit(record, name, end, limits)

    return compute


def _which(end: End) -> Unknown:
    return Unknown(f"which ARR of the series is meant is not said: arr_pooled_{end} or arr_mean_{end}")


def _limit(record: Record, name: Name, end: End, limits: Callable[[int], Limits | None]) -> Outcome:
    sums = _sums(record, name)
    if sums is None:
        return Unknown("the period table has no such period")
    count, exposure = int(sums[0].value), sums[1]
    found = limits(count)
    if found is None:
        return Unknown(f"no such limit with {counted(count, 'relapse')}")
    per_year = exact(UNITS_PER_YEAR[record.unit]).value
    value = found[0] if end == "low" else found[1]
    words = f"{_SIDES[end]} 95 % limit of {counted(count, 'relapse')} in {number(exposure.value)} {record.unit.removeprefix('exposure_')}"
    return Computed(_signed_quotient(value, exposure).times(per_year), words)


def _signed_quotient(value: float, divisor: Span) -> Span:
    size = exact(abs(value)) / divisor
    return size if value >= 0 else Span(-size.value, -size.high, -size.low)


def _rate(record: Record, name: Name) -> Span:
    relapses, exposure = (record.data[name._replace(quantity=one)].span for one in ("relapses", record.unit))
    return (relapses / exposure).times(exact(UNITS_PER_YEAR[record.unit]).value)


def _sums(record: Record, name: Name) -> tuple[Span, Span] | None:
    """Return relapses and exposure of one patient, or of all patients on the drug."""
    patients = record.patients_on(name.treatment) if name.patient is None else [name.patient]
    names = [Name("relapses", patient, name.treatment) for patient in patients]
    if not names or any(one not in record.data for one in names):
        return None
    exposures = [record.data[one._replace(quantity=record.unit)].span for one in names]
    return total([record.data[one].span for one in names]), total(exposures)
