"""Text to paste into a paper, and reporting checklists: templates filled with what was run."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Final

from nmo_stats.analysis import Analysis, installed
from nmo_stats.hierarchical import DEFAULT_PRIORS
from nmo_stats.names import LIMIT_NAMES, METHODS, SAMPLED, is_hierarchical
from nmo_stats.sections.blocks import Fold, Prose, Section, Table
from nmo_stats.sections.headline import absolute_scale
from nmo_stats.sensitivity.no_effect import NoEffect
from nmo_stats.wording import as_sentence, counted, percent

_ENDS: Final = {
    "fixed": "as observed",
    "triggered_1": "ended 2 months after the first relapse",
    "triggered_2": "ended 2 months after the second relapse",
    "look_back": "chosen as 12 months with at least 2 relapses",
}


def methods(analysis: Analysis, unsaved: str | None = None) -> Section:
    """Return the methods text and the checklists.

    Parameters
    ----------
    analysis
        A finished analysis.
    unsaved
        Why the posterior could not be saved; None where it was.
    """
    facts = _facts(analysis) | {"unsaved": unsaved}
    texts = [" ".join(part.split()) for part in _parts("methods.jinja", facts)]
    checklists = [_checklist(part) for part in _parts("checklists.jinja", facts)]
    lead = "This text describes what was run for this report."
    return Section(
        "methods", "Methods, to paste into a paper", lead, (*map(Prose, filter(None, texts)), *checklists)
    )


def _parts(template: str, facts: dict[str, object]) -> list[str]:
    """Return the parts of a filled template between its lines of dashes; no text of a user makes one."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(  # plain text; the page escapes it
        loader=PackageLoader("nmo_stats.sections", "."),
        undefined=StrictUndefined,
        finalize=lambda value: " ".join(str(value).split()),
    )
    return environment.get_template(template).render(facts).split("\n---\n")


def _checklist(part: str) -> Fold:
    caption, *rows = part.strip().split("\n")
    cells = [row.split(" | ", maxsplit=1) for row in rows]
    table = Table(caption, ("Item", "This analysis"), tuple((item, text) for item, text in cells), words=(1,))
    return Fold(caption, (table,))


def _facts(analysis: Analysis) -> dict[str, object]:
    """Return what the templates print or ask for beside the analysis itself."""
    designs = analysis.sensitivity.designs
    sampled = analysis.fit if analysis.fit.method == SAMPLED else analysis.sampled
    refusals = [refusal.method for refusal in analysis.rates.refusals]
    return {
        "analysis": analysis,
        "headline": analysis.headline,
        "level": percent(analysis.settings.level),
        "has": partial(_is_done, analysis),
        "is_classical": any(not is_hierarchical(ratio.method) for ratio in analysis.rates.estimates),
        "refused": [METHODS[method].name for method in refusals if not is_hierarchical(method)],
        "is_quadrature": analysis.fit.method != SAMPLED,
        "sizes": None if sampled is None else sampled.posterior.draws.sizes,
        "ends": _ends(designs),
        "most": analysis.settings.replicates,
        "fewest": min((spread.replicates for design in designs for spread in design.spreads), default=0),
        "counts": list(dict.fromkeys(design.overdispersion.sentence() for design in designs)),
        "has_default_priors": analysis.fit.model.priors == DEFAULT_PRIORS,
        "end_of_reference": _end_of_reference(analysis),
        "absolute_scale": absolute_scale,
        "as_sentence": as_sentence,
        "limit_names": LIMIT_NAMES,
        "counted": counted,
        "installed": installed,
    }


def _is_done(analysis: Analysis, family: str) -> bool:
    """Return whether there is an estimate under an assumption of a family, or in series with no effect."""
    if family == "benchmark":
        return bool(analysis.sensitivity.designs)
    codes = {row.assumption.code for row in analysis.sensitivity.answers(family) if row.has_interval}
    return "negative_binomial" in codes if family == "likelihood" else bool(codes)


def _ends(designs: Sequence[NoEffect]) -> list[str]:
    """Return how the reference periods of the simulated series ended, as far as they were simulated."""
    return list(dict.fromkeys(_ENDS[design.rule_name] for design in designs))


def _end_of_reference(analysis: Analysis) -> str | None:
    """Return how many reference periods a relapse ended; None where the data do not say."""
    frame = analysis.cohort.to_frame()
    if "ended_by_relapse" not in frame:
        return None
    answers = frame.loc[frame["treatment"] == analysis.pair.reference, "ended_by_relapse"]
    yes, known = int(answers.fillna(value=False).sum()), int(answers.notna().sum())
    periods = f"{counted(len(answers), 'period')} on {analysis.pair.reference}"
    return (
        f"known for {known} of {periods}: {yes} of them ended by a relapse"
        if known
        else f"unknown for {periods}"
    )
