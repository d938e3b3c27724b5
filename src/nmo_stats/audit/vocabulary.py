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
from nmo_stats.audit.formulas import NO_SOURCE, Compute, Computed, Outcome, Unknown, datum, listed
from nmo_stats.audit.ratios import rate_ratio, ratio_high, ratio_low, ratio_of, ratio_p_value, reduction
from nmo_stats.audit.record import PRINTED, Fact, Name, Record
from nmo_stats.audit.span import Span
from nmo_stats.audit.timing import median_to_first
from nmo_stats.cohort.published import OTHER_DRUGS
from nmo_stats.cohort.schema import EXPOSURES


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
    base: str, pick: Callable[[Sequence[Span]], Span], word: str, *, printed: bool = False
) -> Compute:
    """Return the formula of a summary of ``base`` over the patients; of the printed numbers alone with ``printed``."""

    def compute(record: Record, name: Name) -> Outcome:
        names = [Name(base, patient, name.treatment) for patient in record.patients_on(name.treatment)]
        source = record.printed.get if printed else (lambda one: individual(record, one))
        known = [fact for one in names if (fact := source(one)) is not None]
        if not known:
            return Unknown("the numbers of the single patients are not known")
        if len(known) < len(names) and any(fact.source == PRINTED for fact in known):
            return Unknown(f"printed for {len(known)} of {len(names)} patients only")
        spans = [fact.span for fact in known]
        kind = " printed" if all(fact.source == PRINTED for fact in known) else ""
        missing = _missing(record, base, [one for one in names if source(one) is None])
        return Computed(pick(spans), f"{word} of the{kind} individual numbers ({listed(spans)}{missing})")

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


def count(what: str, holds: Callable[[Record, Name], bool | None]) -> Compute:
    """Return the formula that counts the patients of whom something holds; None stands for not known."""

    def compute(record: Record, name: Name) -> Outcome:
        patients = record.patients_on(None if OTHER_DRUGS in name.quantity else name.treatment)
        answers = [holds(record, name._replace(patient=patient)) for patient in patients]
        if None in answers:
            return Unknown(f"{what}: not known of {answers.count(None)} of {len(answers)} patients")
        return Computed(span.exact(sum(map(bool, answers))), f"patients {what}, of {len(answers)}")

    return compute


def cohort_size(record: Record, name: Name) -> Outcome:
    """Count the patients of the table, or those with a drug."""
    where = f"with {name.treatment} " if name.treatment else ""
    return Computed(span.exact(len(record.patients_on(name.treatment))), f"patients {where}in the table")


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


def _has_relapses(record: Record, name: Name) -> bool | None:
    known = record.data.get(name._replace(quantity="relapses"))
    return None if known is None else known.span.value > 0


def _is_relapse_free(record: Record, name: Name) -> bool | None:
    relapsed = _has_relapses(record, name)
    return None if relapsed is None else not relapsed


def _is_ongoing(record: Record, name: Name) -> bool | None:
    known = record.data.get(name._replace(quantity="ongoing"))
    return None if known is None else known.span.value == 1


def _had_therapy(record: Record, name: Name) -> bool | None:
    """Whether a patient had a prior therapy: ``interferon beta`` joins interferon beta-1a and interferon beta-1b."""
    therapies = record.therapies.get(name.patient or "")
    if not therapies or name.treatment is None:
        return None
    given = [therapy.name for therapy in therapies if therapy.name is not None]
    return any(one == name.treatment or one.startswith(f"{name.treatment}-") for one in given)


SUMMARIES: Final = {
    "_median": (span.median, "median"),
    "_mean": (span.mean, "mean"),
    "_min": (span.lowest, "smallest"),
    "_max": (span.highest, "largest"),
    "_total": (span.total, "sum"),
}
# Of the series they are printed both ways: "6 relapses" in all, "12 months" each.
ADDITIVE: Final = ("relapses", *EXPOSURES)
_RATES: Final = {word: summary("arr", SUMMARIES[f"_{word}"][0], word) for word in ("mean", "median")}
_RATIOS: Final = tuple(map(ratio_of, _RATES.values()))
_CHANGES: Final = "EDSS at the end of the period − at its start; printed without sign"
_DATUM: Final = {
    "relapses": "relapses on the drug, courses added up",
    "exposure_days": "follow-up on the drug in days, courses added up",
    "exposure_months": "follow-up on the drug in months of 365.25/12 days",
    "exposure_years": "follow-up on the drug in years of 365.25 days",
    "edss_start": "EDSS at the start of the first course",
    "edss_end": "EDSS at the end of the last course",
    "first_relapse_days": "time from the start of the drug to the first known relapse",
    "first_relapse_months": "the same in months",
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
        "prior_relapses": Formula("sum of the relapses under the prior therapies", formulas.prior_relapses),
        "prior_arr": Formula(
            "relapses before the first drug / disease duration in years",
            formulas.prior_arr,
            (formulas.prior_arr_calendar, formulas.prior_arr_elapsed, formulas.prior_arr_onset),
            defines=False,
        ),
        "cohort_size": Formula("patients of the table, on the drug if one is named", cohort_size),
        "patients_ongoing": Formula("patients whose period is ongoing", count("with the drug ongoing", _is_ongoing)),
        "patients_with_relapse": Formula("patients with a relapse on the drug", count("with a relapse", _has_relapses)),
        "patients_relapse_free": Formula(
            "patients without a relapse on the drug", count("without a relapse", _is_relapse_free)
        ),
        "relapse_free_percent": Formula(
            "patients without a relapse / patients × 100", percent_of("patients_relapse_free")
        ),
        f"patients_with_{OTHER_DRUGS}": Formula(
            "patients with a prior therapy of that name", count("with that therapy", _had_therapy)
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
    for end, (pick, word) in SUMMARIES.items():
        if quantity.endswith(end) and name.patient is None:
            base = quantity.removesuffix(end)
            return Formula("", summary(base, pick, word), (summary(base, pick, word, printed=True),))
    return Formula("", datum if name.patient is not None else shared)


def suggestion(quantity: str) -> str:
    """Return ``did you mean 'arr_median'?`` for a name that looks like one of the vocabulary, or nothing."""
    if quantity in FORMULAS:
        return ""
    known = [*FORMULAS, *(f"{base}{end}" for base in FORMULAS for end in SUMMARIES)]
    close = difflib.get_close_matches(quantity, known, n=1, cutoff=0.88)
    return f"did you mean {close[0]!r}?" if close and close[0] != quantity else ""


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
