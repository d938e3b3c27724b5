"""The quantities that an audit knows, each with its formula: the one place to look one up, or to add one."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from types import MappingProxyType
from typing import Final

import pandas as pd

from nmo_stats.audit import formulas, span
from nmo_stats.audit.counts import (
    cohort_size,
    count,
    edss_category,
    had_therapy,
    has_relapses,
    is_ongoing,
    is_relapse_free,
)
from nmo_stats.audit.formulas import (
    NO_NAME,
    NO_SINGLE,
    NO_SOURCE,
    Alternative,
    Compute,
    Computed,
    Formula,
    Outcome,
    Unknown,
    datum,
    listed,
)
from nmo_stats.audit.quartiles import USUAL_QUARTILE, Pick, quartile_picks
from nmo_stats.audit.rate_limits import End, mean_limit, other_limits, patient_limit, pooled_limit
from nmo_stats.audit.ratios import (
    haldane_ratio_alone,
    other_ratio_limits,
    other_ratio_p_values,
    rate_ratio,
    ratio_limit,
    ratio_of,
    ratio_p_value,
    reduction,
)
from nmo_stats.audit.record import PRINTED, THERAPY, Fact, Name, Record
from nmo_stats.audit.signed_ranks import other_paired_p_values, wilcoxon_p_value
from nmo_stats.audit.timing import median_of_relapsed, median_to_first
from nmo_stats.cohort.published import OTHER_DRUGS
from nmo_stats.cohort.schema import EXPOSURES
from nmo_stats.describe.edss import EDSS_RULES


def individual(record: Record, name: Name) -> Fact | None:
    """Return one patient's number as a summary uses it: from the data, from its formula, else as printed."""
    known = record.data.get(name)
    formula = FORMULAS.get(name.quantity)
    if known is None and formula is not None and formula.defines:
        found = formula.compute(record, name)
        known = Fact(found.span, "recomputed") if isinstance(found, Computed) else None
    return known or record.printed.get(name)


def summary(base: str, pick: Pick, word: str, *, printed: bool = False) -> Compute:
    """Return the formula of a summary of ``base`` over the patients; of the printed numbers alone with ``printed``."""

    def compute(record: Record, name: Name) -> Outcome:
        names = [Name(base, patient, name.treatment) for patient in record.patients_on(name.treatment)]
        source = record.printed.get if printed else (lambda one: individual(record, one))
        known = [fact for one in names if (fact := source(one)) is not None]
        if not known:
            return Unknown(NO_SINGLE)
        if len(known) < len(names) and any(fact.source == PRINTED for fact in known):
            return Unknown(f"printed for {len(known)} of {len(names)} patients only")
        spans = [fact.span for fact in known]
        kind = " printed" if all(fact.source == PRINTED for fact in known) else ""
        missing = _missing(record, base, [one for one in names if source(one) is None])
        found = pick(spans)
        if found is None:
            return Unknown(f"one number has no {word}")
        return Computed(found, f"{word} of the{kind} individual numbers ({listed(spans)}{missing})")

    return compute


def _missing(record: Record, base: str, names: Sequence[Name]) -> str:
    """Return how many numbers of a summary there are not, and why: no relapse has no time."""
    timed = [one._replace(quantity="relapses") for one in names] if base.startswith("first_relapse_") else []
    none = sum(one in record.data and record.data[one].span.value == 0 for one in timed)
    parts = ((none, "without a relapse"), (len(names) - none, "not known"))
    return "".join(f", {number} {words}" for number, words in parts if number)


def pooled_arr(record: Record, name: Name) -> Outcome:
    """All relapses / all exposure, per year."""
    patients = record.patients_on(name.treatment)
    if not patients:
        return Unknown("nobody had this treatment")
    relapses, exposure = (
        span.total([record.data[Name(quantity, patient, name.treatment)].span for patient in patients])
        for quantity in ("relapses", record.unit)
    )
    return formulas.yearly(relapses, exposure, record.unit)


def shared(record: Record, name: Name) -> Outcome:
    """Return a number of the series that is no summary: the one that all patients have."""
    names = [name._replace(patient=patient) for patient in record.patients_on(name.treatment)]
    known = [fact for one in names if (fact := individual(record, one)) is not None]
    if not known or len(known) < len(names):
        return Unknown(NO_SOURCE)
    if len({fact.span.value for fact in known}) > 1:
        return Unknown(f"it differs between patients ({listed([fact.span for fact in known])})")
    return Computed(known[0].span, f"the same in all {len(known)} patients")


def percent(count: Compute) -> Compute:
    """Return the formula of a count as a percentage of the patients."""

    def compute(record: Record, name: Name) -> Outcome:
        found, patients = count(record, name), len(record.patients_on(name.treatment))
        if isinstance(found, Unknown) or not patients:
            return found
        share = found.span.times(Decimal(100) / patients)
        return Computed(share, f"{formulas.number(found.span.value)} of {patients} patients × 100")

    return compute


def _average(code: str, meaning: str) -> Formula:
    """Return the formula of one average of the relapse rates; papers print the others under its name."""
    others = tuple(Alternative(other, compute) for other, compute in _AVERAGES.items() if other != code)
    return Formula(meaning, _AVERAGES[code], others, usual=code)


def _rate_limits(end: End, side: str) -> dict[str, Formula]:
    """Return the formulas of one 95 % limit: of a patient's ARR, of the pooled ARR and of the mean ARR."""
    exact, others, by_t = pooled_limit(end), other_limits(end), mean_limit(end)
    of_mean, of_patient = (Alternative("student_t", by_t),), other_limits(end, of_patient=True)
    return {
        f"arr_{end}": Formula(
            f"{side} exact 95 % limit of a patient's ARR (Garwood)",
            patient_limit(end),
            of_patient,
            usual="garwood",
        ),
        f"arr_pooled_{end}": Formula(
            f"{side} exact 95 % limit of the pooled ARR (Garwood)",
            exact,
            (*others, *of_mean),
            usual="garwood",
        ),
        f"arr_mean_{end}": Formula(
            f"{side} 95 % limit of the mean of the individual ARRs by Student's t",
            by_t,
            (Alternative("garwood", exact), *others),
            usual="student_t",
        ),
    }


def unknowable(reason: str) -> Compute:
    """Return the formula of a quantity that has none, for a reason."""

    def compute(_record: Record, _name: Name) -> Outcome:
        return Unknown(reason)

    return compute


def _edss_counts() -> dict[str, Formula]:
    found = {}
    for category, verb in (("worsened", "worsened"), ("stable", "was stable"), ("improved", "improved")):
        counts = {f"edss_{name}": edss_category(category, rule.name) for name, rule in EDSS_RULES.items()}
        usual, *others = counts
        meaning = f"patients whose EDSS {verb} from the start to the end of the drug, by the rule {next(iter(EDSS_RULES))}"
        alternatives = tuple(Alternative(code, counts[code]) for code in others)
        shares = tuple(Alternative(code, percent(counts[code])) for code in others)
        found[f"edss_{category}"] = Formula(meaning, counts[usual], alternatives)
        share = Formula("the same / patients × 100", percent(counts[usual]), shares)
        found[f"edss_{category}_percent"] = share
    return found


SUMMARIES: Final = {
    "_median": (span.median, "median"),
    "_mean": (span.mean, "mean"),
    "_min": (span.lowest, "smallest"),
    "_max": (span.highest, "largest"),
    "_total": (span.total, "sum"),
    "_sd": (span.deviation, "standard deviation"),
    "_q1": (quartile_picks("q1")[USUAL_QUARTILE], "first quartile"),
    "_q3": (quartile_picks("q3")[USUAL_QUARTILE], "third quartile"),
    "_iqr": (quartile_picks("iqr")[USUAL_QUARTILE], "interquartile range"),
}
_USUAL_SUMMARIES: Final = {"_sd": "sample_sd", **dict.fromkeys(("_q1", "_q3", "_iqr"), USUAL_QUARTILE)}
# Code, how it is taken from the numbers, and its name in the arithmetic.
_OTHER_SUMMARIES: Final[dict[str, list[tuple[str, Pick, str]]]] = {
    "_sd": [("population_sd", span.population_deviation, "standard deviation, divisor n,")],
    **{
        f"_{which}": [
            (code, pick, SUMMARIES[f"_{which}"][1])
            for code, pick in quartile_picks(which).items()
            if code != USUAL_QUARTILE
        ]
        for which in ("q1", "q3", "iqr")
    },
}
# Of the series they are printed both ways: "6 relapses" in all, "12 months" each.
ADDITIVE: Final = ("relapses", *EXPOSURES)
_AVERAGES: Final = {
    "arr_pooled": pooled_arr,
    **{f"arr_{word}": summary("arr", SUMMARIES[f"_{word}"][0], word) for word in ("mean", "median")},
}
_RATIOS: Final = tuple(
    Alternative(f"ratio_of_{word}s", ratio_of(_AVERAGES[f"arr_{word}"])) for word in ("mean", "median")
)
_REDUCTIONS: Final = tuple(Alternative(other.code, reduction(other.compute)) for other in _RATIOS)
_CHANGES: Final = "EDSS at the end of the period − at its start; with or without its sign"
_DATUM: Final = {
    "relapses": "relapses on the drug, courses added up; of the series in total, or the same in each patient",
    "exposure_days": "follow-up on the drug in days, courses added up",
    "exposure_weeks": "follow-up on the drug in weeks of 7 days",
    "exposure_months": "follow-up on the drug in months of 365.25/12 days",
    "exposure_years": "follow-up on the drug in years of 365.25 days",
    "edss_start": "EDSS at the start of the first course",
    "edss_end": "EDSS at the end of the last course",
    "first_relapse_days": "time from the start of the drug to the first relapse",
    "first_relapse_months": "the same in months",
    "first_infusion_mg": "dose of the first infusion of a cycle, from the facts about the patient",
    "second_infusion_mg": "dose of the second infusion of a cycle, from the facts about the patient",
    "age_years": "age, from the facts about the patient",
    "disease_duration_years": "time from onset to the first drug of the table, from the facts about the patient",
}

FORMULAS: Final = MappingProxyType(
    {
        **{name: Formula(meaning, datum) for name, meaning in _DATUM.items()},
        "arr": Formula("relapses / years on the drug", formulas.arr),
        "arr_pooled": _average("arr_pooled", "all relapses / all years on the drug"),
        "arr_mean": _average("arr_mean", "mean of the individual ARRs"),
        "arr_median": _average("arr_median", "median of the individual ARRs"),
        **_rate_limits("low", "lower"),
        **_rate_limits("high", "upper"),
        **{
            f"first_relapse_{unit}_median": Formula(
                f"Kaplan-Meier median in {unit}, patients without a relapse censored at the end",
                median_to_first(unit),
                (Alternative("median_of_relapsed", median_of_relapsed(unit)),),
                usual="kaplan_meier",
            )
            for unit in ("days", "months")
        },
        "edss_change": Formula(_CHANGES, formulas.edss_change),
        **_edss_counts(),
        "prior_relapses": Formula("sum of the relapses under the prior therapies", formulas.prior_relapses),
        "prior_arr": Formula(
            "relapses before the first drug / disease duration in years",
            formulas.prior_arr,
            reproductions=(formulas.prior_arr_calendar, formulas.prior_arr_elapsed, formulas.prior_arr_onset),
            defines=False,
        ),
        "cohort_size": Formula("patients of the table, on the drug if one is named", cohort_size),
        "patients_ongoing": Formula("patients whose period is ongoing", count("with the drug ongoing", is_ongoing)),
        "patients_with_relapse": Formula("patients with a relapse on the drug", count("with a relapse", has_relapses)),
        "patients_relapse_free": Formula(
            "patients without a relapse on the drug", count("without a relapse", is_relapse_free)
        ),
        "relapse_free_percent": Formula(
            "patients without a relapse / patients × 100", percent(count("without a relapse", is_relapse_free))
        ),
        f"patients_with_{OTHER_DRUGS}": Formula(
            "patients with a prior therapy of that name", count("with that therapy", had_therapy)
        ),
        "patients_with_early_relapse": Formula(
            "none: early has no definition in numbers", unknowable("early has no definition in numbers")
        ),
        "rate_ratio": Formula(
            "pooled ARR on the drug / on the other one, patients with both",
            rate_ratio,
            (*_RATIOS, Alternative("haldane", haldane_ratio_alone)),
            usual="pooled_ratio",
        ),
        "arr_reduction_percent": Formula(
            "100 × (1 − pooled rate ratio)", reduction(rate_ratio), _REDUCTIONS, usual="pooled_ratio"
        ),
        "rate_ratio_low": Formula(
            "lower exact 95 % limit of the pooled ratio", ratio_limit("low"), other_ratio_limits("low"), usual="exact_limit"
        ),
        "rate_ratio_high": Formula(
            "upper exact 95 % limit of the pooled ratio", ratio_limit("high"), other_ratio_limits("high"), usual="exact_limit"
        ),
        "rate_ratio_p_value": Formula(
            "exact p of the pooled ratio, twice the smaller tail", ratio_p_value, other_ratio_p_values(), usual="exact_p"
        ),
        "wilcoxon_p_value": Formula(
            "exact signed-rank test of the individual ARRs on the two drugs, two-sided",
            wilcoxon_p_value,
            other_paired_p_values(),
            usual="signed_rank",
        ),
        "dose_mg_per_cycle": Formula("first + second infusion", formulas.dose_per_cycle),
        "stable_months_after_interval_change": Formula(
            "months on the drug − month of the first relapse", formulas.months_after_change
        ),
    }
)  # fmt: skip
FAMILIES: Final = MappingProxyType(
    {
        "onset_months_before_": Formula(
            "disease duration × 12 + months on the drugs before the one named",
            formulas.onset,
            reproductions=(formulas.onset_to_first_drug,),
        ),
        "figure_months_on_": Formula("months on the drug named", formulas.months_on),
    }
)


def formula_of(name: Name) -> Formula:
    """Return the formula of a quantity: its own, that of its family, of a summary, or the data as they are."""
    quantity = name.quantity
    if name.patient is None and quantity in ADDITIVE:
        return Formula("", summary(quantity, *SUMMARIES["_total"]), readings=(shared,))
    if quantity in FORMULAS:
        found = FORMULAS[quantity]
        return Formula("", shared) if name.patient is None and found.compute is datum else found
    for start, formula in FAMILIES.items():
        if quantity.startswith(start):
            return formula
    return _summary_of(quantity) if name.patient is None and _ending(quantity) else _of_facts(name)


def _ending(quantity: str) -> str:
    return next((end for end in SUMMARIES if quantity.endswith(end)), "")


def _summary_of(quantity: str) -> Formula:
    end = _ending(quantity)
    base, (pick, word) = quantity.removesuffix(end), SUMMARIES[end]
    others = [
        Alternative(code, summary(base, pick_other, name))
        for code, pick_other, name in _OTHER_SUMMARIES.get(end, ())
    ]
    usual = summary(base, pick, word)
    return Formula(
        "",
        usual if base in FORMULAS else unnamed(usual),
        tuple(others),
        reproductions=(summary(base, pick, word, printed=True),),
        usual=_USUAL_SUMMARIES.get(end, ""),
    )


def _of_facts(name: Name) -> Formula:
    """Return the formula of a name that is none of the vocabulary: a fact about the patients may have it."""
    usual = datum if name.patient is not None else shared
    return Formula("", usual if THERAPY.fullmatch(name.quantity) else unnamed(usual))


def unnamed(compute: Compute) -> Compute:
    """Return a formula that says so where neither the vocabulary nor the facts have a name."""

    def computed(record: Record, name: Name) -> Outcome:
        found = compute(record, name)
        no_number = isinstance(found, Unknown) and found.reason in (NO_SOURCE, NO_SINGLE)
        return Unknown(NO_NAME) if no_number else found

    return computed


def vocabulary() -> pd.DataFrame:
    """Return the quantities that can be recomputed: ``quantity``, ``formula`` and ``other_formulas``, codes of those tried next.

    Any other quantity that is known of every patient can be summarized as well; a name without a formula is compared with
    the facts about the patients, or stays without a verdict.

    Examples
    --------
    >>> vocabulary().set_index("quantity").loc["arr", "formula"]
    'relapses / years on the drug'
    """
    rows = [(name, formula.meaning, _codes(formula)) for name, formula in FORMULAS.items()]
    rows += [(f"{start}<drug>", formula.meaning, _codes(formula)) for start, formula in FAMILIES.items()]
    rows += [
        (
            f"<quantity>{end}",
            f"{word} of the quantity over the patients",
            _codes(_summary_of(f"age_years{end}")),
        )
        for end, (_, word) in SUMMARIES.items()
    ]
    return pd.DataFrame(rows, columns=["quantity", "formula", "other_formulas"])


def _codes(formula: Formula) -> str:
    return ", ".join(other.code for other in formula.alternatives)
