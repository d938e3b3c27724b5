"""What ``nmo-stats simulate`` prints: how every interval behaves in series like the user's, and how many patients are needed."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from nmo_stats.cli.printing import progress_bar, say, say_table
from nmo_stats.cohort import Comparison
from nmo_stats.errors import ArgumentError
from nmo_stats.names import HIERARCHICAL, METHODS
from nmo_stats.operating import ESTIMATORS, Characteristics, Design, Execution, Measures, simulate
from nmo_stats.operating.methods import TESTS
from nmo_stats.operating.planning import PLANNED, Plan, plan
from nmo_stats.sensitivity.words import share_text
from nmo_stats.wording import counted, percent, plain, significant, whole_percent

_MOST_PLANNED: Final = 500  # series of each size, enough to tell 80 % from 75 or 85


def design(pair: Comparison, options: Mapping[str, Any]) -> Design:
    """Return a design like a pair, with the options that were given; None stands for what the pair has.

    Raises
    ------
    ArgumentError
        If an option is out of its range, or the pair has no reference relapse and no rate is given.
    """
    given = {name: value for name, value in options.items() if value is not None}
    if "reference_arr" not in given:
        return replace(Design.like(pair), **given)
    times = tuple((float(before), float(after)) for before, after in pair.years)
    defaults: dict[str, Any] = {"patients": len(times), "times": times}
    return Design(**(defaults | given))


def simulated(
    chosen: Design, estimators: tuple[str, ...], replicates: int, level: float, execution: Execution
) -> Characteristics:
    """Simulate with a bar on a terminal."""
    with progress_bar("Simulating series", unit="series") as progress:
        watched = replace(execution, progress=progress)
        return simulate(chosen, estimators or tuple(ESTIMATORS), replicates, level=level, execution=watched)


def planned(
    found: Characteristics, estimators: tuple[str, ...], power: float, execution: Execution
) -> Plan | None:
    """Find how many patients are needed; None for a true ratio of 1, or where no power is asked for.

    Raises
    ------
    ArgumentError
        If the power is not a share.
    """
    if not 0 <= power < 1:
        raise ArgumentError(f"--power {power:g}: a share from 0 to below 1; 0 plans nothing")
    methods = [method for method in estimators or PLANNED if method not in TESTS]
    if not power or found.design.rate_ratio == 1 or not methods:
        return None
    with progress_bar("Finding the number of patients", unit="series") as progress:
        watched = replace(execution, progress=progress)
        most = min(found.replicates, _MOST_PLANNED)
        return plan(found.design, power, methods, replicates=most, level=found.level, execution=watched)


def say_characteristics(found: Characteristics) -> None:
    """Print how every estimator behaves."""
    design = found.design
    say(
        f"{counted(design.patients, 'patient')}, {significant(design.reference_arr)} relapses a year on the reference, true ratio "
        f"{significant(design.rate_ratio)}, rule {design.rule}: {found.replicates:,} simulated series"
    )
    columns = (
        "Method",
        "Covers the truth",
        "Excludes 1",
        "Median estimate / truth",
        "Median high / low",
        "Gives nothing",
    )
    say_table(columns, [_row(one) for one in found.measures])
    say(
        "± is one Monte Carlo standard error; no interval or none: no series gives one. Coverage and exclusion are among the series in which a method gives an interval; Wilcoxon and t test "
        f"give none, and their column counts p ≤ {significant(1 - found.level, 2)}."
    )
    known = found.find(HIERARCHICAL)
    if known is not None and known.rejects_1 is not None:
        say(_expectation(found, known))


def say_plan(found: Plan | None) -> None:
    """Print how many patients would be needed, if that was asked for."""
    if found is None:
        return
    for method in found.methods:
        say(f"{METHODS[method].name}: {_needed(found, method)}")


def _needed(found: Plan, method: str) -> str:
    by_chance = f"with no effect at all the same design makes {_rounded(found.no_effect[method].rejects_1, found.no_effect[method].rejects_1_se)} of them exclude 1"
    if found.misleads(method):
        return f"no number of patients: {by_chance}, instead of {percent(1 - found.level)}"
    needed = found.enough(method)
    answer = (
        f"about {counted(needed, 'patient')}"
        if needed is not None
        else f"more than {max(found.tried)} patients"
    )
    return (
        f"{answer}{_between(found, method)}, followed as long, for {percent(found.power)} of the intervals "
        "to exclude 1 on the side of the true ratio "
        f"({found.replicates} series of each size; {by_chance})"
    )


def _between(found: Plan, method: str) -> str:
    """Return the Monte Carlo interval of the number of patients in words."""
    low, high = found.interval(method)
    if low is None:
        return " (95 % Monte Carlo interval: the same)"
    largest = f"more than {max(found.tried)}" if high is None else str(high)
    return f" (95 % Monte Carlo interval: {low} to {largest})"


def characteristics_json(found: Characteristics, planned: Plan | None) -> dict[str, object]:
    """Return the ``simulate`` document."""
    document: dict[str, object] = {
        "schema": 1,
        "design": found.design.to_dict(),
        "level": found.level,
        "estimators": [one.to_dict() for one in found.measures],
    }
    if planned is not None:
        document["planning"] = {
            "power": planned.power,
            "replicates": planned.replicates,
            "patients_needed": {method: planned.needed(method) for method in planned.methods},
            "patients_needed_interval": {method: _ends(planned, method) for method in planned.methods},
            "no_effect_rejects_1": {
                method: planned.no_effect[method].rejects_1 for method in planned.methods
            },
            "sizes": [
                {"patients": size, **one.to_dict()}
                for size in sorted(planned.tried)
                for one in planned.tried[size].values()
            ],
        }
    return document


def _ends(planned: Plan, method: str) -> dict[str, object]:
    """Return the Monte Carlo interval for JSON, and why an end or the number itself is missing."""
    low, high = planned.interval(method)
    reason = None
    if planned.misleads(method):
        reason = "with no effect at all the interval excludes 1 too often in this design"
    elif high is None:
        reason = f"more than {max(planned.tried)} patients may be needed, and more were not simulated"
    return {"low": low, "high": high, "level": 0.95, "reason": reason}


def _expectation(found: Characteristics, known: Measures) -> str:
    width = f"In such a series the limits of the hierarchical interval are typically {_factor(known.log_width, 2)}-fold apart"
    excluded = _rounded(known.rejects_1, known.rejects_1_se)
    if found.design.rate_ratio == 1:
        return f"{width}; with no effect it excludes 1 in {excluded} of them, where {percent(1 - found.level)} are meant."
    side = "below" if found.design.rate_ratio < 1 else "above"
    return f"{width}; it excludes 1 in {excluded} of them, and lies {side} 1, where the true ratio is, in {_rounded(known.detects, known.detects_se)}."


def _rounded(share: float | None, error: float | None) -> str:
    if share is None or error is None:
        return "no known share (no series gives an interval)"
    return f"{whole_percent(share)} ± {max(100 * error, 0.1):.1f} %"


def _row(one: Measures) -> tuple[str, ...]:
    series = one.replicates * (1 - one.not_identified)
    return (
        METHODS[one.method].name,
        _share(one.coverage, one.coverage_se, series),
        _share(one.rejects_1, one.rejects_1_se, series),
        _factor(one.bias),
        _factor(one.log_width),
        _without_number(one),
    )


def _share(share: float | None, error: float | None, series: float) -> str:
    """Return a share of the series with its standard error; one that so few series do not tell from 0 or 1 as a limit."""
    if share is None or error is None:
        return "no interval"
    text = share_text(share, series)
    return text if text.startswith(("under", "over")) else f"{100 * share:.1f} ± {100 * error:.1f} %"


def _without_number(one: Measures) -> str:
    """Return the share of series in which the method gives nothing; none or all of them as a count."""
    if one.not_identified in (0, 1):
        return f"{round(one.not_identified * one.replicates):,} of {one.replicates:,}"
    return f"{plain(100 * one.not_identified, 0.0, 100.0, digits=3)} %"


def _factor(log_value: float | None, digits: int = 3) -> str:
    if log_value is None:
        return "none"
    return significant(math.inf if log_value > 700 else math.exp(log_value), digits)
