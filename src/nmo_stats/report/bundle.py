"""The machine-readable results, their tables, and their provenance."""

from __future__ import annotations

import math
import platform
from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Final

import pandas as pd

from nmo_stats.analysis import Analysis, installed
from nmo_stats.audit import Audit, summary, vocabulary
from nmo_stats.cohort import Cohort, Comparison
from nmo_stats.describe.description import Description
from nmo_stats.errors import CohortError
from nmo_stats.estimate import json_number
from nmo_stats.estimators.classical import RateResults
from nmo_stats.operating import Characteristics
from nmo_stats.operating.coverage_map import coverage_ranges
from nmo_stats.operating.planning import Plan
from nmo_stats.sensitivity import Sensitivity
from nmo_stats.wording import records

SCHEMA: Final = 1
_PACKAGES: Final = (
    "nmo-stats",
    "numpy",
    "scipy",
    "pandas",
    "statsmodels",
    "pymc",
    "pytensor",
    "arviz",
    "xarray",
    "matplotlib",
)
_LIVE: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


def results(analysis: Analysis) -> dict[str, object]:
    """Return everything that was computed, at full precision; the same seed gives the same dictionary.

    Parameters
    ----------
    analysis
        A finished analysis.
    """
    model = analysis.fit.model
    return {
        **rates_json(analysis.pair, analysis.rates, analysis.unmerged),
        "unpaired": list(analysis.pair.unpaired),
        "level": analysis.settings.level,
        "seed": analysis.seed,
        "priors": {name: str(model.priors.of(name)) for name in model.parameters},
        "likelihood": model.likelihood,
        "entry": model.entry,
        "dispersion": {
            key: json_number(value) if isinstance(value, float) else value
            for key, value in asdict(analysis.dispersion).items()
        },
        "checks": [_plain(found.to_dict()) for found in analysis.checks],
        "first_relapse": analysis.first_relapse.to_dict(),
        "accumulation": analysis.accumulation.to_dict(),
        "paired_edss": analysis.paired_edss.to_dict(),
        "sensitivity": analysis.sensitivity.to_dict(),
        "coverage": [one.to_dict() for one in coverage_ranges(analysis.coverage)],
        "audit": None if analysis.audit is None else analysis.audit.to_dict(),
        **{
            name: json_records(frame)
            for name, frame in (descriptive_frames(analysis) | analysis.model_frames).items()
        },
    }


def frames(analysis: Analysis) -> dict[str, pd.DataFrame]:
    """Return the tables of the report by file name; those of the model where the data inform the ratio."""
    rates = [
        {
            **ratio.to_dict(),
            "cautions": " ".join(caution.code for caution in ratio.cautions),
            "rate_difference": None if ratio.rate_difference is None else ratio.rate_difference.estimate,
        }
        for ratio in analysis.rates.estimates
        if ratio.informative
    ]
    tables = descriptive_frames(analysis) | {
        "first_relapse": analysis.first_relapse.to_frame(),
        "accumulation": analysis.accumulation.to_frame(),
        "paired_edss": analysis.paired_edss.per_patient,
        "rates": pd.DataFrame(rates),
        "checks": pd.DataFrame([found.to_dict() for found in analysis.checks]),
        "sensitivity": analysis.sensitivity.to_frame(),
        "coverage": analysis.coverage,
        "no_effect": pd.DataFrame(
            [line for design in analysis.sensitivity.designs for line in design.to_dicts()]
        ),
    }
    if analysis.audit is not None:
        tables["audit"] = analysis.audit.to_frame()
    informed = analysis.headline is not None and analysis.headline.informative
    return tables | analysis.model_frames if informed else tables


def sensitivity_json(sensitivity: Sensitivity) -> dict[str, object]:
    """Return the ``sensitivity`` document."""
    return {
        "schema": SCHEMA,
        "comparator": sensitivity.pair.comparator,
        "reference": sensitivity.pair.reference,
        "level": sensitivity.level,
        **sensitivity.to_dict(),
    }


def unmerged_json(pair: Comparison, unmerged: RateResults | None) -> dict[str, object] | None:
    """Return relapses and ratios with no onsets merged; None where few onsets are merged."""
    if unmerged is None or pair.unmerged is None or pair.merging is None:
        return None
    return {
        "relapses": list(pair.unmerged.totals),
        "merged": pair.merging.merged,
        "onsets": pair.merging.onsets,
        "estimates": [ratio.to_dict() for ratio in unmerged.estimates],
    }


def simulate_json(characteristics: Characteristics, plan: Plan | None) -> dict[str, object]:
    """Return the ``simulate`` document.

    Parameters
    ----------
    characteristics
        Of all estimators in one design.
    plan
        Power by number of patients; None where that was not planned.

    Returns
    -------
    dict
        What JSON can hold.
    """
    document: dict[str, object] = {
        "schema": SCHEMA,
        "design": characteristics.design.to_dict(),
        "level": characteristics.level,
        "estimators": [measures.to_dict() for measures in characteristics.measures],
    }
    if plan is not None:
        document["planning"] = {
            "power": plan.power,
            "replicates": plan.replicates,
            "patients_needed": {method: plan.needed(method) for method in plan.methods},
            "patients_needed_interval": {method: _patients_interval(plan, method) for method in plan.methods},
            "no_effect_rejects_1": {method: plan.no_effect[method].rejects_1 for method in plan.methods},
            "sizes": [
                {"patients": size, **measures.to_dict()}
                for size in sorted(plan.tried)
                for measures in plan.tried[size].values()
            ],
        }
    return document


def _patients_interval(plan: Plan, method: str) -> dict[str, object]:
    """Return the Monte Carlo interval of the number of patients, and why a number is missing."""
    low, high = plan.interval(method)
    reason = None
    if plan.misleads(method):
        reason = "with no effect at all the interval excludes 1 too often in this design"
    elif high is None:
        reason = f"more than {max(plan.tried)} patients may be needed, and more were not simulated"
    return {"low": low, "high": high, "level": 0.95, "reason": reason}


def descriptive_frames(analysis: Analysis) -> dict[str, pd.DataFrame]:
    """Return the tables of data, relapse rates and EDSS."""
    return {
        "periods": analysis.cohort.to_frame(),
        "arr": analysis.arr.to_frame(),
        "arr_by_treatment": analysis.arr.pooled,
        "edss": analysis.edss.per_period,
        "edss_by_treatment": analysis.edss.per_treatment,
        **_event_frames(analysis.cohort),
    }


def _event_frames(cohort: Cohort) -> dict[str, pd.DataFrame]:
    """Return the account of dated events; none for a period table."""
    return {} if cohort.account is None else cohort.account.tables


def json_records(frame: pd.DataFrame) -> list[dict[str, object]]:
    """Return the rows of a table as JSON can hold them: None where there is no value, infinity as text."""
    return [_plain(row) for row in records(frame.astype(object))]


def provenance(analysis: Analysis) -> dict[str, object]:
    """Return where the report comes from: data, versions, seed and options."""
    source, settings = analysis.cohort.source, analysis.settings
    return {
        "schema": SCHEMA,
        "created": datetime.now(tz=UTC).isoformat(timespec="seconds"),
        "data": {"name": source.name, "sha256": source.sha256},
        "files": [{"name": part.name, "sha256": part.sha256} for part in source.parts or (source,)],
        "seed": analysis.seed,
        "method": analysis.fit.method,
        "engine": str(analysis.engine),
        "settings": {name: getattr(settings, name) for name in ("level", "likelihood", "entry", "courses")},
        "priors": asdict(settings.priors),
        "python": platform.python_version(),
        "platform": platform.platform(),
        "packages": packages(),
    }


def packages() -> dict[str, str]:
    """Return the installed version of each package that takes part in the numbers."""
    return {name: installed(name) for name in _PACKAGES}


def harmless(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the table with no text that a spreadsheet would run: live cells start with an apostrophe."""
    return frame.map(
        lambda cell: f"'{cell}" if isinstance(cell, str) and cell.startswith(_LIVE) else cell
    ).rename(columns=lambda name: f"'{name}" if str(name).startswith(_LIVE) else name)


def _plain(row: Mapping[str, object]) -> dict[str, object]:
    return {str(key): _cell(value) for key, value in row.items()}


def _cell(value: object) -> object:
    if value is None or value is pd.NA or (isinstance(value, float) and math.isnan(value)):
        return None
    if isinstance(value, float):
        return json_number(value)
    if isinstance(value, (str, bool, int)):
        return value
    return value.item() if hasattr(value, "item") else str(value)


# ------------------------------------------------------------------------ the documents of the commands


def rates_json(
    pair: Comparison, rates: RateResults, unmerged: RateResults | None = None
) -> dict[str, object]:
    """Return the ``rates`` document.

    Parameters
    ----------
    pair, rates
        What was compared, and the estimates.
    unmerged
        The estimates with no onsets merged, where many are.
    """
    return {
        "schema": SCHEMA,
        "comparator": pair.comparator,
        "reference": pair.reference,
        "estimates": [ratio.to_dict() for ratio in rates.estimates],
        "not_identified": [refusal.to_dict() for refusal in rates.refusals],
        "patients": len(pair.patients),
        "informative_patients": pair.informative_patients,
        "relapses": list(pair.totals),
        "years": list(pair.total_years),
        "unmerged": unmerged_json(pair, unmerged),
        "recommended": rates.recommendation.method,
        "notices": [notice.to_dict() for notice in pair.notices],
    }


def audit_json(cohort: Cohort, audit: Audit) -> dict[str, object]:
    """Return the ``audit`` document."""
    return {"schema": SCHEMA, "data": cohort.source.name, "summary": summary(audit), **audit.to_dict()}


def quantities_json() -> dict[str, object]:
    """Return the quantities that an audit recomputes."""
    rows = records(vocabulary())
    lists = [row | {"other_formulas": list(filter(None, row["other_formulas"].split(", ")))} for row in rows]
    return {"schema": SCHEMA, "quantities": lists}


def describe_json(description: Description) -> dict[str, object]:
    """Return the ``describe`` document."""
    summary, edss, paired = description.arr, description.edss, description.paired_edss
    return {
        "schema": SCHEMA,
        "arr": json_records(summary.to_frame()),
        "arr_by_treatment": json_records(summary.pooled),
        "edss": json_records(edss.per_period) if edss.available else [],
        "edss_by_treatment": json_records(edss.per_treatment) if edss.available else [],
        "edss_rule": edss.rule.name,
        "cautions": {
            treatment: [caution.to_dict() for caution in cautions]
            for treatment, cautions in summary.cautions.items()
        },
        "first_relapse": description.first_relapse.to_dict(),
        "accumulation": description.accumulation.to_dict(),
        "paired_edss": None if paired is None else paired.to_dict(),
        "notices": [notice.to_dict() for notice in description.cohort.notices],
    }


def check_json(cohort: Cohort, pair: Comparison | None, reason: str) -> dict[str, object]:
    """Return the ``check`` document of valid data.

    Parameters
    ----------
    cohort
        The data.
    pair
        What a report would compare; None where that is not clear.
    reason
        Why it is not.
    """
    events: dict[str, object] = {"switch_merges": [], "switch_days": [], "switch_lags": []} | {
        name: json_records(frame) for name, frame in _event_frames(cohort).items() if name != "attrition"
    }
    return {
        "schema": SCHEMA,
        "valid": True,
        "problems": [],
        "patients": len(cohort.patients),
        "periods": len(cohort.frame),
        "treatments": list(cohort.treatments),
        "exposure": cohort.unit,
        "covariates": list(cohort.covariates),
        "comparison": _comparison_json(pair, reason),
        "attrition": None if cohort.account is None else cohort.account.totals,
        **events,
        "notices": [notice.to_dict() for notice in (cohort.notices if pair is None else pair.notices)],
    }


def problems_json(error: CohortError) -> dict[str, object]:
    """Return the ``check`` document of data with problems."""
    names = ("table", "row", "patient", "column", "value", "rule", "remedy")
    problems = [{name: getattr(problem, name) for name in names} for problem in error.problems]
    return {"schema": SCHEMA, "valid": False, "problems": problems}


def _comparison_json(pair: Comparison | None, reason: str) -> dict[str, object]:
    if pair is None:
        return {"comparator": None, "reference": None, "reason": reason}
    return {
        "comparator": pair.comparator,
        "reference": pair.reference,
        "reason": None,
        "patients": len(pair.patients),
        "relapses": list(pair.totals),
        "years": list(pair.total_years),
        "unpaired": list(pair.unpaired),
        "relapses_unmerged": None if pair.unmerged is None else list(pair.unmerged.totals),
    }
