"""The commands of ``nmo-stats``."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from nmo_stats.analysis import analyze
from nmo_stats.cli import planning, printed
from nmo_stats.cli.choices import (
    background_of,
    choices,
    compared,
    compared_or_reason,
    pair_if_clear,
    treatments,
)
from nmo_stats.cli.inputs import Given, reads_data
from nmo_stats.cli.options import (
    BackgroundRatio,
    BackgroundSd,
    Comparator,
    Config,
    Engine,
    Json,
    Level,
    Likelihood,
    Prior,
    Published,
    Reference,
    Replicates,
    Seed,
)
from nmo_stats.cli.printing import complain, progress_bar, say, say_blocks, say_json, say_text
from nmo_stats.cli.template import EVENTS, PERIODS, write_template
from nmo_stats.describe.description import described
from nmo_stats.errors import ArgumentError, CohortError
from nmo_stats.hierarchical.fitting import Progress
from nmo_stats.rates import Settings, hierarchical_fits, pair_rates, unmerged_rates
from nmo_stats.report.bundle import (
    check_json,
    describe_json,
    problems_json,
    rates_json,
    results,
    sensitivity_json,
)
from nmo_stats.sections.commands import check_blocks, describe_blocks, rates_blocks, report_blocks
from nmo_stats.sections.sensitivity import sensitivity_blocks

BAD_INPUT, FAILED_DIAGNOSTIC = 2, 3
_MOST_ROWS = 20  # of a table that check prints

app = typer.Typer(
    name="nmo-stats",
    help="Relapse-rate inference for small within-patient series. Without a file the bundled three patients are analysed.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


@app.command()
@reads_data
def report(
    data: Given,
    *,
    comparator: Comparator = None,
    reference: Reference = None,
    out: Annotated[
        str | None, typer.Option(help="Report folder [default: report].", show_default=False)
    ] = None,
    engine: Engine = None,
    level: Level = None,
    seed: Seed = None,
    likelihood: Likelihood = None,
    prior: Prior = [],
    replicates: Replicates = None,
    background_ratio: BackgroundRatio = None,
    background_sd: BackgroundSd = None,
    published: Published = None,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Analyse the data and write the report folder."""
    from nmo_stats.report import recover, require_replaceable, write

    chosen = choices(
        config,
        comparator=comparator,
        reference=reference,
        out=out,
        engine=engine,
        level=level,
        seed=seed,
        likelihood=likelihood,
        prior=prior,
        replicates=replicates,
        background=background_of(background_ratio, background_sd),
    )
    require_replaceable(chosen.out)
    for leftover in recover(chosen.out):
        complain(leftover)
    cohort = printed.with_numbers(data, published)
    names = treatments(cohort, chosen)
    with progress_bar("Sampling the hierarchical model") as progress:
        analysis = analyze(
            cohort,
            names[0],
            reference=names[1],
            engine="both" if chosen.engine is None else chosen.engine,
            seed=chosen.seed,
            settings=_watched(chosen.settings, progress),
        )
    path = write(analysis, chosen.out)
    if as_json:
        say_json(results(analysis))
    else:
        say_blocks(report_blocks(analysis))
        say(f"report: {path}")
    if analysis.failed_checks or analysis.rates.failed:
        raise typer.Exit(FAILED_DIAGNOSTIC)


@app.command()
@reads_data
def rates(
    data: Given,
    *,
    comparator: Comparator = None,
    reference: Reference = None,
    engine: Engine = None,
    level: Level = None,
    seed: Seed = None,
    likelihood: Likelihood = None,
    prior: Prior = [],
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Print the rate ratio by every method."""
    chosen = choices(
        config,
        comparator=comparator,
        reference=reference,
        engine=engine,
        level=level,
        seed=seed,
        likelihood=likelihood,
        prior=prior,
    )
    pair = compared(data.cohort(), chosen)
    with progress_bar("Sampling the hierarchical model") as progress:
        watched = _watched(chosen.settings, progress)
        engine = "quadrature" if chosen.engine is None else chosen.engine
        found = pair_rates(pair, watched, engine, chosen.seed)
    unmerged = unmerged_rates(pair, chosen.settings)
    if as_json:
        say_json(rates_json(pair, found, unmerged))
    else:
        say_blocks(rates_blocks(pair, found, unmerged, chosen.settings.likelihood))
    if found.failed:
        raise typer.Exit(FAILED_DIAGNOSTIC)


@app.command()
@reads_data
def sensitivity(
    data: Given,
    *,
    comparator: Comparator = None,
    reference: Reference = None,
    level: Level = None,
    seed: Seed = None,
    likelihood: Likelihood = None,
    prior: Prior = [],
    replicates: Replicates = None,
    background_ratio: BackgroundRatio = None,
    background_sd: BackgroundSd = None,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Print the ratio under other assumptions, what such a design shows with no effect, and what would tip the answer."""
    from nmo_stats.sensitivity import run

    chosen = choices(
        config,
        comparator=comparator,
        reference=reference,
        level=level,
        seed=seed,
        likelihood=likelihood,
        prior=prior,
        replicates=replicates,
        background=background_of(background_ratio, background_sd),
    )
    pair = compared(data.cohort(), chosen)
    fit, _ = hierarchical_fits(pair, chosen.settings, "quadrature", chosen.seed)
    with progress_bar("Changing one assumption after the other") as progress:
        found = run(pair, fit=fit, plan=chosen.settings.plan(chosen.seed, progress))
    if as_json:
        say_json(sensitivity_json(found))
    else:
        say_blocks(sensitivity_blocks(found))
    if found.base_failed:
        raise typer.Exit(FAILED_DIAGNOSTIC)


@app.command()
@reads_data
def simulate(
    data: Given,
    *,
    like: Annotated[
        Path | None, typer.Option(help="The same as PERIODS: a series like this one.", show_default=False)
    ] = None,
    comparator: Comparator = None,
    reference: Reference = None,
    rr: Annotated[
        float, typer.Option(help="True rate ratio of a typical patient, comparator / reference.")
    ] = 0.5,
    patients: Annotated[
        int | None,
        typer.Option(
            help="Number of patients, times recycled [default: that of the series].", show_default=False
        ),
    ] = None,
    arr: Annotated[
        float | None,
        typer.Option(
            help="Relapses per year of a typical patient on the reference [default: the pooled rate].",
            show_default=False,
        ),
    ] = None,
    sd_rate: Annotated[float, typer.Option(help="Spread of log rates between patients.")] = 0.5,
    sd_rate_ratio: Annotated[float, typer.Option(help="Spread of log ratios between patients.")] = 0.25,
    overdispersion: Annotated[float, typer.Option(help="Overdispersion of the counts.")] = 0.0,
    rule: Annotated[
        str, typer.Option(help="What ends the reference period: fixed, triggered or look_back.")
    ] = "fixed",
    estimator: Annotated[
        list[str], typer.Option(help="Estimator; may be repeated [default: all].", show_default=False)
    ] = [],
    replicates: Annotated[int, typer.Option(help="Simulated series.")] = 1000,
    power: Annotated[
        float,
        typer.Option(
            help="Share of intervals that should exclude 1, for the number of patients; 0: do not plan."
        ),
    ] = 0.8,
    level: Level = None,
    seed: Seed = None,
    workers: Annotated[int, typer.Option(help="Processes on this machine.")] = 1,
    scheduler: Annotated[
        str | None, typer.Option(help="Dask scheduler, e.g. tcp://host:8786, instead.", show_default=False)
    ] = None,
    folder: Annotated[
        Path | None,
        typer.Option(help="Keeps finished blocks: an interrupted run goes on.", show_default=False),
    ] = None,
    as_json: Json = False,
) -> None:
    """Simulate series like this one with a true ratio: which interval to trust, how wide it will be, how many patients it takes."""
    from nmo_stats.operating import Execution

    chosen = choices(None, comparator=comparator, reference=reference, level=level, seed=seed)
    from nmo_stats.report import require_writable

    if folder is not None:
        require_writable(folder)
    given = data if like is None else data.instead_of_periods(like)
    cohort = given.cohort()
    names = treatments(cohort, chosen)
    design = planning.design(
        cohort.compare(names[0], reference=names[1]),
        {"rate_ratio": rr, "patients": patients, "reference_arr": arr, "sd_rate": sd_rate, "sd_rate_ratio": sd_rate_ratio,
         "overdispersion": overdispersion, "rule": rule, "seed": chosen.seed},
    )  # fmt: skip
    execution = Execution(workers, scheduler, folder)
    found = planning.simulated(design, tuple(estimator), replicates, chosen.settings.level, execution)
    planned = planning.planned(found, tuple(estimator), power, execution)
    if as_json:
        say_json(planning.characteristics_json(found, planned))
    else:
        planning.say_characteristics(found)
        planning.say_plan(planned)


@app.command()
@reads_data
def describe(
    data: Given,
    *,
    comparator: Comparator = None,
    reference: Reference = None,
    level: Level = None,
    rule: Annotated[str, typer.Option(help="EDSS rule: msprog, msoutcomes or n_momentum.")] = "msprog",
    as_json: Json = False,
) -> None:
    """Print annualized relapse rates, the time to the first relapse, and EDSS."""
    cohort = data.cohort()
    chosen = choices(None, comparator=comparator, reference=reference, level=level)
    description = described(cohort, pair_if_clear(cohort, chosen), chosen.settings.level, rule)  # type: ignore[arg-type]
    if as_json:
        say_json(describe_json(description))
    else:
        say_blocks(describe_blocks(description))


@app.command()
@reads_data
def audit(
    data: Given,
    *,
    published: Published = None,
    patients: Annotated[
        Path | None,
        typer.Option(help="Facts about the patients, one row each, e.g. age_years.", show_default=False),
    ] = None,
    quantities: Annotated[
        bool, typer.Option("--quantities", help="List the quantities with their formulas.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Compare the numbers that a paper prints with their recomputation."""
    if quantities:
        return printed.say_quantities(as_json=as_json)
    facts = data.beside("patients", patients)
    return printed.say_audit(printed.with_numbers(data, published), facts, as_json=as_json)


@app.command()
@reads_data
def check(
    data: Given, *, comparator: Comparator = None, reference: Reference = None, as_json: Json = False
) -> None:
    """Validate a period table or two tables of dated events, and say what would be analysed."""
    if data.is_empty:
        raise ArgumentError("name a period table, or --treatments and --relapses, to check")
    try:
        cohort = data.cohort()
    except CohortError as error:
        if as_json:
            say_json(problems_json(error))
        raise
    pair, reason = compared_or_reason(cohort, choices(None, comparator=comparator, reference=reference))
    if as_json:
        say_json(check_json(cohort, pair, reason))
    else:
        say_blocks(check_blocks(cohort, pair, reason), most=_MOST_ROWS)


@app.command()
def template(
    path: Annotated[
        Path | None,
        typer.Argument(help="File to write (.csv or .xlsx); printed as CSV without it.", show_default=False),
    ] = None,
    *,
    out: Annotated[Path | None, typer.Option(help="The same as an option.", show_default=False)] = None,
    events: Annotated[
        bool,
        typer.Option(
            "--events/--periods", help="Tables of dated treatments and relapses, or one period table."
        ),
    ] = False,
    as_json: Json = False,
) -> None:
    """Write tables to fill in, with the rows of one example patient and a dictionary of the columns."""
    chosen = EVENTS if events else PERIODS
    if as_json:
        say_json(chosen.to_dict())
        return
    if path is not None and out is not None:
        raise ArgumentError(f"{path} and --out {out}: name one file")
    path = path or out
    if path is None:
        say_text(chosen.to_csv())
        return
    for written in write_template(chosen, path):
        say(f"wrote {written}")
    say(chosen.advice)


def _watched(settings: Settings, progress: Progress | None) -> Settings:
    return replace(settings, nuts=replace(settings.nuts, progress=progress))
