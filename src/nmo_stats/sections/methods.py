"""Text to paste into a paper, and reporting checklists, both generated from what was run."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from nmo_stats.analysis import Analysis, installed
from nmo_stats.hierarchical import DEFAULT_PRIORS
from nmo_stats.names import HIERARCHICAL, METHODS
from nmo_stats.sections.blocks import Fold, Prose, Section, Table
from nmo_stats.sections.headline import absolute_scale
from nmo_stats.sensitivity.no_effect import NoEffect
from nmo_stats.wording import capital, counted, percent

_OPEN = "to be filled in by the authors"


def methods(analysis: Analysis, unsaved: str | None = None) -> Section:
    """Return the methods text and the checklists; ``unsaved`` is why the posterior could not be saved."""
    texts = (
        _design(analysis),
        _times_and_scores(analysis),
        _classical(analysis),
        _hierarchical(analysis),
        _limits_of_the_ratio(analysis),
        _doubts(analysis),
        _audit(analysis),
        _software(analysis),
    )
    checklists = (_barg(analysis, unsaved), _care(analysis), _strobe(analysis))
    return Section(
        "methods",
        "Methods, to paste into a paper",
        "This text describes what was run for this report.",
        (*(Prose(text) for text in texts if text), *(Fold(table.caption, (table,)) for table in checklists)),
    )


def _design(analysis: Analysis) -> str:
    pair = analysis.pair
    left_out = (
        f"; {counted(len(pair.unpaired), 'patient')} with only one of the two periods stayed out of the comparison"
        if pair.unpaired
        else ""
    )
    return (
        f"We compared relapse counts on {pair.comparator} and on {pair.reference} within {counted(len(pair.patients), 'patient')}{left_out}. The measure is the rate ratio "
        f"({pair.comparator} / {pair.reference}) of relapses per year of follow-up. Annualized relapse rates are given with exact (Garwood) intervals, relapse-free shares with Clopper-Pearson intervals. "
        f"All intervals have a level of {percent(analysis.settings.level)}."
    )


def _times_and_scores(analysis: Analysis) -> str:
    """Return how relapse times and EDSS changes were described, as far as there were any."""
    texts = []
    if analysis.first_relapse.curves:
        texts.append(
            "The time to the first relapse was estimated by Kaplan and Meier since the start of each treatment, with pointwise intervals of the beta product "
            "confidence procedure, which are exact without censoring."
        )
    if analysis.accumulation.curves:
        texts.append(
            "The mean cumulative number of relapses per patient is the Nelson-Aalen estimate with the robust variance of Lawless and Nadeau."
        )
    if analysis.paired_edss.available:
        texts.append(
            "EDSS changes in the two periods were compared within patients by the Hodges-Lehmann estimate with its exact interval, the exact sign test and the "
            "Wilcoxon signed-rank test over all signs of the observed ranks (two-sided); we give the smallest p-value that each could reach."
        )
    return " ".join(texts)


def _classical(analysis: Analysis) -> str:
    used = [
        METHODS[ratio.method].name
        for ratio in analysis.rates.estimates
        if not ratio.method.startswith("hierarchical")
    ]
    texts = {
        "pooled_exact": "the pooled ratio by the conditional binomial test with a Clopper-Pearson interval",
        "conditional_exact": "a common within-patient ratio by inverting the convolution of the patients' binomial distributions given their totals, exact and mid-p, with central p-values",
        "conditional_poisson": "Poisson regression, marginal and conditional on the patients' totals, with profile-likelihood intervals",
        "negative_binomial": "marginal negative-binomial regression with profile-likelihood intervals",
        "gee": "a Poisson generalized estimating equation with the Mancl-DeRouen covariance and a t distribution with N - 2 degrees of freedom",
    }
    methods_used = [text for method, text in texts.items() if analysis.rates.find(method) is not None]
    refused = [
        METHODS[refusal.method].name
        for refusal in analysis.rates.refusals
        if not refusal.method.startswith("hierarchical")
    ]
    first = (
        f"We estimated {'; '.join(methods_used)}."
        if used
        else "No exact or likelihood method gives an estimate with these data."
    )
    return first + (f" Not identified with these data: {'; '.join(refused)}." if refused else "")


def _hierarchical(analysis: Analysis) -> str:
    model, priors = analysis.fit.model, analysis.fit.model.priors
    counts = (
        "Poisson"
        if model.likelihood == "poisson"
        else f"negative binomial, its overdispersion with prior {priors.overdispersion}"
    )
    entry = (
        " Each patient's likelihood was conditioned on at least one relapse on the reference, which let the patient in."
        if model.entry
        else ""
    )
    return (
        f"A Bayesian hierarchical model ({counts}) gave each patient a log rate and a log ratio, Normally distributed around those of a typical patient, with a symmetric contrast (-1/2, +1/2) of the two periods. "
        f"Priors: log of the typical yearly rate {priors.log_rate}; log rate ratio {priors.log_rate_ratio}; between-patient standard deviations {priors.sd_rate} (log rate) and {priors.sd_rate_ratio} (log ratio).{entry} "
        f"{_computed(analysis)} We report posterior medians and equal-tailed intervals."
    )


def _computed(analysis: Analysis) -> str:
    """Return how the posterior was computed."""
    by_quadrature = (
        "Its posterior was integrated numerically; the error of every reported quantile (log scale) and probability was "
        "estimated by a second, finer grid, and a result is printed only if this estimate is at most 0.001."
    )
    if analysis.fit.method == HIERARCHICAL and analysis.sampled is None:
        return by_quadrature
    sampled = analysis.sampled or analysis.fit
    sizes = sampled.posterior.draws.sizes
    by_nuts = f"sampled by NUTS in PyMC, non-centred, with {sizes['chain']} chains of {sizes['draw']} draws (seed {analysis.seed})"
    if analysis.sampled is None:
        return (
            f"It was {by_nuts}. A result is printed only if, for every reported quantity, R-hat is at most 1.01 and "
            "bulk and tail ESS are at least 400, and if there is no divergence."
        )
    return (
        f"{by_quadrature} It was also {by_nuts}, and had to agree within 4 Monte Carlo standard errors in every "
        "top-level quantity."
    )


def _limits_of_the_ratio(analysis: Analysis) -> str:
    """Return the cautions of the headline's number, and what a zero cell leaves of it."""
    ratio = analysis.headline
    if ratio is None:
        return ""
    texts = [f"{capital(caution.text)}." for caution in ratio.cautions]
    if ratio.known_limit:
        side = "upper" if ratio.known_limit == "high" else "lower"
        texts.append(
            f"We therefore report the {side} limit of the exact interval within patients first, which no prior enters, and the "
            "hierarchical median with its prior."
        )
    if ratio.informative:
        texts.append(absolute_scale(analysis.pair, analysis.rates, ratio))
    return " ".join(texts)


_REPEATED: Final[dict[str, str]] = {
    "prior": "with sceptical to wide priors of the ratio",
    "heterogeneity": "with other priors of the spread of the ratio between patients",
    "trigger": "without one relapse on the reference per patient, as if it had led to the switch",
    "rounding": "with all follow-up times half a unit longer or shorter",
    "run_in": "without the first months of every period",
    "merging": "with every onset as a relapse of its own",
    "leave_one_out": "without single patients",
    "bias_adjustment": "divided by an uncertain background ratio",
}


def _repeated(analysis: Analysis) -> list[str]:
    """Return under which other assumptions there is an estimate."""
    found, model = analysis.sensitivity, analysis.fit.model
    done = [text for family, text in _REPEATED.items() if _is_done(analysis, family)]
    counts = [row.assumption.code for row in found.answers("likelihood") if row.has_interval]
    if "negative_binomial" in counts:
        done.append("with Poisson and with negative-binomial counts")
    if _is_done(analysis, "entry"):
        done.append(
            f"{'without' if model.entry else 'with'} a relapse on the reference as a condition for being in the series"
        )
    return done


def _is_done(analysis: Analysis, family: str) -> bool:
    return any(row.has_interval for row in analysis.sensitivity.answers(family))


def _doubts(analysis: Analysis) -> str:
    """Return what the sensitivity analysis did."""
    found = analysis.sensitivity
    done = _repeated(analysis)
    texts = [f"We repeated the estimation {'; '.join(done)}."] if done else []
    if _is_done(analysis, "rtm"):
        texts.append(
            "Regression to the mean was assessed by the empirical-Bayes before/after method (Hauer), over population means of 0.6 to 2.0 relapses per year and "
            "coefficients of variation of 0.5 to 1.0, with intervals that invert the negative-binomial distribution of the total."
        )
    if found.designs:
        fewest = min(one.replicates for design in found.designs for one in design.spreads)
        most = analysis.settings.replicates
        fewer = f" ({fewest:,} of them for the hierarchical model)" if fewest < most else ""
        texts.append(
            f"We simulated {most:,} series{fewer} of the same size and comparator times with no effect of the switch, with reference "
            f"periods {_ends(found.designs)}."
        )
        texts += dict.fromkeys(design.overdispersion.sentence() for design in found.designs)
    return " ".join(texts)


_ENDS: Final = {
    "fixed": "as observed",
    "triggered_1": "ended 2 months after the first relapse",
    "triggered_2": "ended 2 months after the second relapse",
    "look_back": "chosen as 12 months with at least 2 relapses",
}


def _ends(designs: Sequence[NoEffect]) -> str:
    """Return how the reference periods of the simulated series ended, as far as they were simulated."""
    return ", or ".join(dict.fromkeys(_ENDS[design.rule_name] for design in designs))


def _audit(analysis: Analysis) -> str:
    if analysis.audit is None:
        return ""
    return (
        f"{counted(len(analysis.audit.findings), 'number')} printed in a publication on these patients {'was' if len(analysis.audit.findings) == 1 else 'were'} compared with a recomputation from the "
        "follow-up times, counts and scores, with the range that the rounding of these inputs leaves open."
    )


def _software(analysis: Analysis) -> str:
    sampler = f"PyMC {installed('pymc')}, ArviZ {installed('arviz')}, "
    if analysis.fit.method == HIERARCHICAL and analysis.sampled is None:
        sampler = ""
    return (
        f"Software: nmo_stats {installed('nmo-stats')}, {sampler}SciPy {installed('scipy')}. "
        f"The comparison is uncontrolled: no ratio of this report is a treatment effect."
    )


def _barg(analysis: Analysis, unsaved: str | None) -> Table:
    priors = analysis.fit.model.priors
    failed = analysis.failed_checks
    passed = (
        "a check failed and the result is withheld" if failed else "all checks passed (section Diagnostics)"
    )
    rows = (
        (
            "Why Bayesian",
            "counts of a few patients, periods without relapses: intervals without large-sample theory",
        ),
        (
            "Data",
            f"{counted(len(analysis.pair.patients), 'patient')}, {counted(sum(analysis.pair.totals), 'relapse')}; every period is listed in section Data",
        ),
        ("Likelihood", analysis.fit.model.likelihood.replace("_", " ")),
        (
            "Priors",
            f"log_rate {priors.log_rate}, log_rate_ratio {priors.log_rate_ratio}, sd_rate {priors.sd_rate}, sd_rate_ratio {priors.sd_rate_ratio}",
        ),
        (
            "Why these priors",
            "the defaults, weakly informative: ARR 0.03 to 9.5 per year, up to 50-fold change either way (95 %)"
            if priors == DEFAULT_PRIORS
            else f"chosen by the authors; reasons {_OPEN}",
        ),
        ("Prior predictive check", "section Diagnostics"),
        ("Convergence or error of every reported quantity", passed),
        ("Posterior predictive check", "section Diagnostics, with figure"),
        ("Central tendency and interval", "posterior medians, equal-tailed intervals"),
        (
            "Sensitivity to the prior",
            "other priors of the ratio and of its spread in section Other assumptions, power-scaling in section Diagnostics",
        ),
        (
            "Reproduction",
            f"seed {analysis.seed}; versions and data checksum in section Provenance; posterior {'in posterior.nc' if unsaved is None else 'not saved'}",
        ),
    )
    return Table("BARG: Bayesian analysis reporting", ("Item", "This analysis"), rows, words=(1,))


def _care(analysis: Analysis) -> Table:
    rows = (
        ("Timeline", "section Data, with figure"),
        (
            "Intervention: drugs and follow-up",
            f"{analysis.pair.reference}, then {analysis.pair.comparator}; times in section Data; doses {_OPEN}",
        ),
        ("Follow-up and outcomes", "relapses and EDSS" if analysis.edss.available else "relapses"),
        ("Definition of a relapse", _OPEN),
        ("Adverse events", _OPEN),
        ("Concomitant treatment", _OPEN),
        ("Informed consent", _OPEN),
    )
    return Table("CARE: case reports", ("Item", "This analysis"), rows, words=(1,))


def _strobe(analysis: Analysis) -> Table:
    left_out = (
        f"{len(analysis.pair.unpaired)} without one of the two periods"
        if analysis.pair.unpaired
        else "none was left out of the comparison"
    )
    rows = (
        ("Study design", "uncontrolled comparison before and after a switch"),
        ("Selection of patients, and of how many", _OPEN),
        ("Patients left out", left_out),
        ("Reason for the end of the first period", _reason(analysis)),
        ("Bias", _biases(analysis)),
        ("Missing data", "no value was imputed"),
        ("Precision", f"{percent(analysis.settings.level)} intervals for every estimate"),
    )
    return Table("STROBE: observational studies", ("Item", "This analysis"), rows, words=(1,))


def _biases(analysis: Analysis) -> str:
    """Return which biases were looked at, from what was run."""
    named: dict[str, str] = {
        "rtm": "regression to the mean (observed / expected)",
        "trigger": "a switch triggered by a relapse (one relapse left out)",
        "leave_one_out": "single patients",
        "rounding": "rounded times",
    }
    done = [text for family, text in named.items() if _is_done(analysis, family)]
    if analysis.sensitivity.designs:
        done.append("series simulated with no effect")
    return (
        f"{', '.join(done)}: section Other assumptions"
        if done
        else "nothing could be computed from these data"
    )


def _reason(analysis: Analysis) -> str:
    frame = analysis.cohort.to_frame()
    if "ended_by_relapse" not in frame:
        return f"not in the data; {_OPEN}"
    answers = frame.loc[frame["treatment"] == analysis.pair.reference, "ended_by_relapse"]
    yes, known = int(answers.fillna(value=False).sum()), int(answers.notna().sum())
    periods = f"{counted(len(answers), 'period')} on {analysis.pair.reference}"
    if not known:
        return f"unknown for {periods}"
    return f"known for {known} of {periods}: {yes} of them ended by a relapse"
