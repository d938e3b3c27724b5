"""The quantities that an audit knows, each with its formula: the one place to look one up, or to add one."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
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
    Compute,
    Computed,
    Outcome,
    Unknown,
    datum,
    listed,
)
from nmo_stats.audit.ratios import rate_ratio, ratio_high, ratio_low, ratio_of, ratio_p_value, reduction
from nmo_stats.audit.record import PRINTED, THERAPY, Fact, Name, Record
from nmo_stats.audit.signed_ranks import normal_p_value, wilcoxon_p_value
from nmo_stats.audit.span import Span
from nmo_stats.audit.timing import median_to_first
from nmo_stats.cohort.published import OTHER_DRUGS
from nmo_stats.cohort.schema import EXPOSURES
from nmo_stats.describe.edss import EDSS_RULES


@dataclass(frozen=True, slots=True)
class Formula:
    """How a quantity is recomputed.

    Parameters
    ----------
    meaning
        The formula in words.
    compute
        Returns the number with its arithmetic, or why there is none.
    others
        Further formulas that papers use under the same name: tried, and named, only where ``compute`` gives another number.
    defines
        Whether a summary over patients takes this formula (and not the printed individual numbers) for its values.
    readings
        What else the bare name may mean: a number that any reading gives agrees.
    """

    meaning: str
    compute: Compute
    others: tuple[Compute, ...] = ()
    defines: bool = True
    readings: tuple[Compute, ...] = ()


def individual(record: Record, name: Name) -> Fact | None:
    """Return one patient's number as a summary uses it: from the data, from its formula, else as printed."""
    known = record.data.get(name)
    formula = FORMULAS.get(name.quantity)
    if known is None and formula is not None and formula.defines:
        found = formula.compute(record, name)
        known = Fact(found.span, "recomputed") if isinstance(found, Computed) else None
    return known or record.printed.get(name)


def summary(
    base: str, pick: Callable[[Sequence[Span]], Span | None], word: str, *, printed: bool = False
) -> Compute:
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


def percent_of(base: str) -> Compute:
    """Return the formula of a count as a percentage of the patients."""

    def compute(record: Record, name: Name) -> Outcome:
        found, patients = FORMULAS[base].compute(record, name), len(record.patients_on(name.treatment))
        if isinstance(found, Unknown) or not patients:
            return found
        share = found.span.times(Decimal(100) / patients)
        return Computed(share, f"{formulas.number(found.span.value)} of {patients} patients × 100")

    return compute


def unknowable(reason: str) -> Compute:
    """Return the formula of a quantity that has none, for a reason."""

    def compute(_record: Record, _name: Name) -> Outcome:
        return Unknown(reason)

    return compute


def _edss_counts() -> dict[str, Formula]:
    found = {}
    for category, verb in (("worsened", "worsened"), ("stable", "was stable"), ("improved", "improved")):
        usual, *others = (edss_category(category, rule.name) for rule in EDSS_RULES.values())
        meaning = f"patients whose EDSS {verb} from the start to the end of the drug, by the rule {next(iter(EDSS_RULES))}"
        found[f"edss_{category}"] = Formula(meaning, usual, tuple(others))
        share = Formula("the same / patients × 100", percent_of(f"edss_{category}"))
        found[f"edss_{category}_percent"] = share
    return found


SUMMARIES: Final = {
    "_median": (span.median, "median"),
    "_mean": (span.mean, "mean"),
    "_min": (span.lowest, "smallest"),
    "_max": (span.highest, "largest"),
    "_total": (span.total, "sum"),
    "_sd": (span.deviation, "standard deviation"),
}
_OTHER_SUMMARIES: Final = {"_sd": (span.population_deviation, "standard deviation, divisor n,")}
_OTHER_NAMES: Final = {
    **{f"patients_{one}": f"edss_{one}" for one in ("worsened", "stable", "improved")},
    **{f"follow_up_{unit}": f"exposure_{unit}" for unit in ("days", "weeks", "months", "years")},
    "relapse_rate": "arr",
    "irr": "rate_ratio",
    "number_of_patients": "cohort_size",
}
# Of the series they are printed both ways: "6 relapses" in all, "12 months" each.
ADDITIVE: Final = ("relapses", *EXPOSURES)
_RATES: Final = {word: summary("arr", SUMMARIES[f"_{word}"][0], word) for word in ("mean", "median")}
_RATIOS: Final = tuple(map(ratio_of, _RATES.values()))
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
        "arr_pooled": Formula("all relapses / all years on the drug", pooled_arr, tuple(_RATES.values())),
        "arr_mean": Formula("mean of the individual ARRs", _RATES["mean"], (pooled_arr, _RATES["median"])),
        "arr_median": Formula("median of the individual ARRs", _RATES["median"], (pooled_arr, _RATES["mean"])),
        **{
            f"first_relapse_{unit}_median": Formula(
                f"Kaplan-Meier median in {unit}, patients without a relapse censored at the end",
                median_to_first(unit),
                (summary(f"first_relapse_{unit}", *SUMMARIES["_median"]),),
            )
            for unit in ("days", "months")
        },
        "edss_change": Formula(_CHANGES, formulas.edss_change),
        **_edss_counts(),
        "prior_relapses": Formula("sum of the relapses under the prior therapies", formulas.prior_relapses),
        "prior_arr": Formula(
            "relapses before the first drug / disease duration in years",
            formulas.prior_arr,
            (formulas.prior_arr_calendar, formulas.prior_arr_elapsed, formulas.prior_arr_onset),
            defines=False,
        ),
        "cohort_size": Formula("patients of the table, on the drug if one is named", cohort_size),
        "patients_ongoing": Formula("patients whose period is ongoing", count("with the drug ongoing", is_ongoing)),
        "patients_with_relapse": Formula("patients with a relapse on the drug", count("with a relapse", has_relapses)),
        "patients_relapse_free": Formula(
            "patients without a relapse on the drug", count("without a relapse", is_relapse_free)
        ),
        "relapse_free_percent": Formula(
            "patients without a relapse / patients × 100", percent_of("patients_relapse_free")
        ),
        f"patients_with_{OTHER_DRUGS}": Formula(
            "patients with a prior therapy of that name", count("with that therapy", had_therapy)
        ),
        "patients_with_early_relapse": Formula(
            "none: the limit of early is not a number", unknowable("the limit of early is not stated as a number")
        ),
        "rate_ratio": Formula("pooled ARR on the drug / on the other one, patients with both", rate_ratio, _RATIOS),
        "arr_reduction_percent": Formula(
            "100 × (1 − pooled rate ratio)", reduction(rate_ratio), tuple(map(reduction, _RATIOS))
        ),
        "rate_ratio_low": Formula("lower exact 95 % limit of the pooled ratio", ratio_low),
        "rate_ratio_high": Formula("upper exact 95 % limit of the pooled ratio", ratio_high),
        "rate_ratio_p_value": Formula("exact p of the pooled ratio, twice the smaller tail", ratio_p_value),
        "wilcoxon_p_value": Formula(
            "exact signed-rank test of the individual ARRs on the two drugs, two-sided",
            wilcoxon_p_value,
            (normal_p_value(correction=False), normal_p_value(correction=True)),
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
            (formulas.onset_to_first_drug,),
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
    others = [summary(base, pick, word, printed=True)]
    if end in _OTHER_SUMMARIES:
        others.append(summary(base, *_OTHER_SUMMARIES[end]))
    usual = summary(base, pick, word)
    return Formula("", usual if base in FORMULAS else unnamed(usual), tuple(others))


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


def suggestion(quantity: str) -> str:
    """Return ``did you mean 'arr_median'?`` for a name that looks like one of the vocabulary, or nothing.

    Examples
    --------
    >>> suggestion("mean_arr"), suggestion("patients_improved"), suggestion("titre")
    ("did you mean 'arr_mean'?", "did you mean 'edss_improved'?", '')
    """
    known = [*FORMULAS, *(f"{base}{end}" for base in FORMULAS for end in SUMMARIES)]
    if quantity in known:
        return ""
    by_words = {_sorted_words(name): name for name in reversed(known)}
    words = _sorted_words(_OTHER_NAMES.get(quantity, quantity))
    close = [words] if words in by_words else []
    close = close or difflib.get_close_matches(words, by_words, n=1, cutoff=0.88)
    names = [by_words[one] for one in close] or difflib.get_close_matches(quantity, known, n=1, cutoff=0.88)
    return f"did you mean {names[0]!r}?" if names else ""


def _sorted_words(name: str) -> str:
    return "_".join(sorted(name.lower().split("_")))


def vocabulary() -> pd.DataFrame:
    """Return the quantities that can be recomputed: ``quantity`` and ``formula``.

    Any other quantity that is known of every patient can be summarized as well; a name without a formula is compared with
    the facts about the patients, or stays without a verdict.

    Examples
    --------
    >>> vocabulary().set_index("quantity").loc["arr", "formula"]
    'relapses / years on the drug'
    """
    rows = [(name, formula.meaning) for name, formula in FORMULAS.items()]
    rows += [(f"{start}<drug>", formula.meaning) for start, formula in FAMILIES.items()]
    rows += [
        (f"<quantity>{end}", f"{word} of the quantity over the patients")
        for end, (_, word) in SUMMARIES.items()
    ]
    return pd.DataFrame(rows, columns=["quantity", "formula"])
