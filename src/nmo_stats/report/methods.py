"""Text to paste into a paper, and reporting checklists, both generated from what was run."""

from __future__ import annotations

from importlib.metadata import version

from nmo_stats.analysis import Analysis
from nmo_stats.report.blocks import Fold, Prose, Section, Table
from nmo_stats.wording import METHOD_NAMES, counted, percent

_OPEN = "to be filled in by the authors"


def methods(analysis: Analysis) -> Section:
    """Return the methods text and the checklists."""
    texts = (
        _design(analysis),
        _times_and_scores(analysis),
        _classical(analysis),
        _hierarchical(analysis),
        _doubts(analysis),
        _audit(analysis),
        _software(analysis),
    )
    checklists = (_barg(analysis), _care(analysis), _strobe(analysis))
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
            "The time to the first relapse was estimated by Kaplan and Meier since the start of each drug, with pointwise intervals of the beta product "
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
        METHOD_NAMES[ratio.method]
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
        METHOD_NAMES[refusal.method]
        for refusal in analysis.rates.refusals
        if not refusal.method.startswith("hierarchical")
    ]
    first = (
        f"We estimated {'; '.join(methods_used)}."
        if used
        else "No exact or likelihood method gives an estimate with these data."
    )
    return first + (f" Not identified with these data: {', '.join(refused)}." if refused else "")


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
        "Its posterior was integrated numerically; a second, finer grid bounded the error of every reported quantile "
        "(log scale) and probability, and a result is printed only if the bound is at most 0.001."
    )
    if analysis.fit.method == "hierarchical_quadrature" and analysis.sampled is None:
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


def _doubts(analysis: Analysis) -> str:
    """Return what the sensitivity analysis did."""
    found = analysis.sensitivity
    told = {
        "prior": "with sceptical to wide priors of the ratio and of its spread between patients",
        "likelihood": "with Poisson and negative-binomial counts",
        "entry": "conditioning on a relapse on the reference as the way into the series",
        "trigger": "without one reference relapse per patient, as if it had led to the switch",
        "rounding": "with all follow-up times half a unit longer or shorter",
        "run_in": "without the first 1 and 3 months of every period",
        "merging": "with every onset as a relapse of its own",
        "leave_one_out": "without single patients",
        "bias_adjustment": "divided by an uncertain background ratio",
    }
    done = [text for family, text in told.items() if any(row.has_interval for row in found.of(family))]
    texts = [f"We repeated the estimation {'; '.join(done)}."] if done else []
    if any(row.has_interval for row in found.of("rtm")):
        texts.append(
            "Regression to the mean was assessed by the empirical-Bayes before/after method (Hauer), over population means of 0.6 to 2.0 relapses per year and "
            "coefficients of variation of 0.5 to 1.0, with intervals that invert the negative-binomial distribution of the total."
        )
    if found.designs:
        texts.append(
            f"We simulated {analysis.settings.replicates:,} series of the same size and comparator times with no effect of the switch (fewer for the hierarchical model of large series), with reference periods as observed, ended "
            "2 months after the first or the second relapse, or chosen as 12 months with at least 2 relapses."
        )
    return " ".join(texts)


def _audit(analysis: Analysis) -> str:
    if analysis.audit is None:
        return ""
    return (
        f"{counted(len(analysis.audit.findings), 'number')} printed in a publication on these patients {'was' if len(analysis.audit.findings) == 1 else 'were'} compared with a recomputation from the "
        "follow-up times, counts and scores, with the range that the rounding of these inputs leaves open."
    )


def _software(analysis: Analysis) -> str:
    sampler = f"PyMC {version('pymc')}, ArviZ {version('arviz')}, "
    if analysis.fit.method == "hierarchical_quadrature" and analysis.sampled is None:
        sampler = ""
    return (
        f"Software: nmo_stats {version('nmo-stats')}, {sampler}SciPy {version('scipy')}. "
        f"The comparison is uncontrolled: no ratio of this report is a treatment effect."
    )


def _barg(analysis: Analysis) -> Table:
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
            "weakly informative in clinical units: ARR 0.03 to 9.5 per year, up to 50-fold change either way (95 %), for the defaults",
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
            f"seed {analysis.seed}; versions and data checksum in section Provenance; posterior in posterior.nc",
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
        ("Follow-up and outcomes", "relapses, and EDSS where given"),
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
        (
            "Bias",
            "regression to the mean (observed / expected), a switch triggered by a relapse (without that "
            "relapse, and in series simulated with no effect), "
            "single patients, rounded times: section Other assumptions",
        ),
        ("Missing data", "no value was imputed; unknown values are listed in section Data"),
        ("Precision", f"{percent(analysis.settings.level)} intervals for every estimate"),
    )
    return Table("STROBE: observational studies", ("Item", "This analysis"), rows, words=(1,))


def _reason(analysis: Analysis) -> str:
    frame = analysis.cohort.to_frame()
    if "ended_by_relapse" not in frame:
        return f"not in the data; {_OPEN}"
    answers = frame.loc[frame["treatment"] == analysis.pair.reference, "ended_by_relapse"]
    yes, unknown = int(answers.fillna(value=False).sum()), int(answers.isna().sum())
    return (
        f"{yes} of {len(answers)} periods on {analysis.pair.reference} ended by a relapse, {unknown} unknown"
    )
