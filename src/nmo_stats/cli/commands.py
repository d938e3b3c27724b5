"""The commands of ``nmo-stats``: each reads the data, computes, and prints blocks or one JSON document."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated, Final

import typer

from nmo_stats.analysis import analyze
from nmo_stats.arguments import Progress
from nmo_stats.audit import audited, summary
from nmo_stats.cli import inputs
from nmo_stats.cli.choices import takes_options
from nmo_stats.cli.options import Json, Options
from nmo_stats.cli.printing import (
    FAILED_DIAGNOSTIC,
    complain,
    progress_bar,
    say,
    say_blocks,
    say_json,
    say_text,
)
from nmo_stats.cli.template import EVENTS, PERIODS, write_template
from nmo_stats.describe.description import described
from nmo_stats.errors import ArgumentError, CohortError
from nmo_stats.operating import ESTIMATORS, Characteristics, Design, Execution
from nmo_stats.operating import simulate as simulated
from nmo_stats.operating.methods import TESTS
from nmo_stats.operating.planning import PLANNED, Plan, plan
from nmo_stats.rates import hierarchical_fits, pair_rates, unmerged_rates
from nmo_stats.report import bundle, recover, require_replaceable, require_writable, write
from nmo_stats.sections.commands import check_blocks, describe_blocks, rates_blocks, report_blocks
from nmo_stats.sections.planning import characteristics_blocks, plan_blocks
from nmo_stats.sections.published import audit_blocks, quantity_table
from nmo_stats.sections.sensitivity import sensitivity_blocks
from nmo_stats.sensitivity import run as run_sensitivity

_MOST_ROWS: Final = 20  # of a table that check prints
_MOST_PLANNED: Final = 500  # series of each size, enough to tell 80 % from 75 or 85

app = typer.Typer(
    name="nmo-stats",
    help="Relapse-rate inference for small within-patient series. Without a file the bundled three patients "
    "are analysed.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


@app.command()
@takes_options
def report(options: Options, *, as_json: Json = False) -> None:
    """Analyse the data and write the report folder."""
    require_replaceable(options.out)
    for leftover in recover(options.out):
        complain(leftover)
    cohort = inputs.read_published(options)
    comparator, reference = inputs.treatments(cohort, options)
    with progress_bar("Sampling the hierarchical model") as progress:
        analysis = analyze(
            cohort,
            comparator,
            reference=reference,
            engine=options.engine or "both",
            seed=options.seed,
            settings=_with_progress(options, progress).settings,
        )
    path = write(analysis, options.out)
    if as_json:
        say_json(bundle.results(analysis))
    else:
        say_blocks(report_blocks(analysis))
        say(f"report: {path}")
    _fail_if(bool(analysis.failed_checks or analysis.rates.failed))


@app.command()
@takes_options
def rates(options: Options, *, as_json: Json = False) -> None:
    """Print the rate ratio by every method."""
    pair = inputs.compared(inputs.read_cohort(options), options)
    with progress_bar("Sampling the hierarchical model") as progress:
        settings = _with_progress(options, progress).settings
        results = pair_rates(pair, settings, options.engine or "quadrature", options.seed)
    unmerged = unmerged_rates(pair, options.settings)
    if as_json:
        say_json(bundle.rates_json(pair, results, unmerged))
    else:
        say_blocks(rates_blocks(pair, results, unmerged))
    _fail_if(bool(results.failed))


@app.command()
@takes_options
def sensitivity(options: Options, *, as_json: Json = False) -> None:
    """Print the ratio under other assumptions.

    Beside it: what this design shows with no effect, and what would tip the answer.
    """
    pair = inputs.compared(inputs.read_cohort(options), options)
    fit, _ = hierarchical_fits(pair, options.settings, "quadrature", options.seed)
    with progress_bar("Changing one assumption after the other") as progress:
        results = run_sensitivity(pair, fit=fit, plan=options.plan(options.seed, progress))
    if as_json:
        say_json(bundle.sensitivity_json(results))
    else:
        say_blocks(sensitivity_blocks(results))
    _fail_if(bool(results.base_failed))


@app.command()
@takes_options
def simulate(options: Options, *, as_json: Json = False) -> None:
    """Simulate series like this one.

    The true ratio is known: coverage and width of every interval, and how many patients are needed.
    """
    chosen = options.simulate
    if not 0 <= chosen.power < 1:
        raise ArgumentError(
            f"--power {chosen.power:g}. Expected: a proportion from 0 to below 1; 0 plans nothing."
        )
    if chosen.folder is not None:
        require_writable(chosen.folder)
    design = _design(options)
    execution = Execution(chosen.workers, chosen.scheduler, chosen.folder)
    with progress_bar("Simulating series", unit="series") as progress:
        methods = chosen.estimators or tuple(ESTIMATORS)
        watched = replace(execution, progress=progress)
        characteristics = simulated(
            design, methods, chosen.replicates, level=options.level, execution=watched
        )
    planned = _plan(characteristics, options, execution)
    if as_json:
        say_json(bundle.simulate_json(characteristics, planned))
    else:
        say_blocks([*characteristics_blocks(characteristics), *plan_blocks(planned)])


@app.command()
@takes_options
def describe(options: Options, *, as_json: Json = False) -> None:
    """Print relapse rates, relapse times and EDSS."""
    cohort = inputs.read_cohort(options)
    description = described(cohort, inputs.pair_if_clear(cohort, options), options.level, options.edss_rule)
    if as_json:
        say_json(bundle.describe_json(description))
    else:
        say_blocks(describe_blocks(description))


@app.command()
@takes_options
def audit(
    options: Options,
    *,
    quantities: Annotated[
        bool, typer.Option("--quantities", help="List the quantities with their formulas.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Recompute the numbers that a paper prints."""
    if quantities:
        return say_json(bundle.quantities_json()) if as_json else say_blocks([quantity_table()])
    facts = inputs.beside(options, "patients", options.facts)
    cohort = inputs.read_published(options)
    results = audited(cohort, facts)
    if results is None:
        rule = "Expected: numbers of --published, or a column reported_arr."
        raise ArgumentError(f"{cohort.source.name}: no printed number to audit. {rule}")
    if as_json:
        return say_json(bundle.audit_json(cohort, results))
    say(f"{cohort.source.name}: {summary(results)}")
    return say_blocks(audit_blocks(results))


@app.command()
@takes_options
def check(options: Options, *, as_json: Json = False) -> None:
    """Validate the data; print what would be analysed."""
    if inputs.is_example(options):
        raise ArgumentError("name a period table, or --treatments and --relapses, to check")
    try:
        cohort = inputs.read_cohort(options)
    except CohortError as error:
        if as_json:
            say_json(bundle.problems_json(error))
        raise
    pair, reason = inputs.compared_or_reason(cohort, options)
    if as_json:
        say_json(bundle.check_json(cohort, pair, reason))
    else:
        say_blocks(check_blocks(cohort, pair, reason), most=_MOST_ROWS)


@app.command()
def template(
    path: Annotated[
        Path | None,
        typer.Argument(help="File to write (.csv or .xlsx); printed as CSV without it.", show_default=False),
    ] = None,
    *,
    out: Annotated[Path | None, typer.Option(help="The same as PATH.", show_default=False)] = None,
    events: Annotated[
        bool,
        typer.Option(
            "--events/--periods", help="Tables of dated treatments and relapses, or one period table."
        ),
    ] = False,
    as_json: Json = False,
) -> None:
    """Write tables to fill in.

    They hold the rows of one example patient, and a dictionary explains the columns.
    """
    chosen = EVENTS if events else PERIODS
    if as_json:
        say_json(chosen.to_dict())
        return
    if path is not None and out is not None:
        raise ArgumentError(f"{path} and --out {out}. Expected: one file.")
    file = path or out
    if file is None:
        say_text(chosen.to_csv())
        return
    for written in write_template(chosen, file):
        say(f"wrote {written}")
    say(chosen.advice)


def _fail_if(failed: bool) -> None:
    if failed:
        raise typer.Exit(FAILED_DIAGNOSTIC)


def _with_progress(options: Options, progress: Progress | None) -> Options:
    return replace(options, nuts=replace(options.nuts, progress=progress))


def _design(options: Options) -> Design:
    """Return the design of the series, with what was chosen instead of what the series has."""
    pair, chosen = inputs.compared(inputs.read_cohort(options), options), options.simulate
    times = tuple((float(before), float(after)) for before, after in pair.years)
    base = Design.like(pair) if chosen.arr is None else Design(len(times), times, chosen.arr)
    return replace(
        base,
        patients=base.patients if chosen.patients is None else chosen.patients,
        rate_ratio=chosen.rr,
        sd_rate=chosen.sd_rate,
        sd_rate_ratio=chosen.sd_rate_ratio,
        overdispersion=chosen.overdispersion,
        rule=chosen.rule,
        seed=options.seed,
    )


def _plan(results: Characteristics, options: Options, execution: Execution) -> Plan | None:
    """Find how many patients are needed; None for a true ratio of 1, or where no power is asked for."""
    chosen = options.simulate
    methods = [method for method in chosen.estimators or PLANNED if method not in TESTS]
    if not chosen.power or chosen.rr == 1 or not methods:
        return None
    with progress_bar("Finding the number of patients", unit="series") as progress:
        return plan(
            results.design,
            chosen.power,
            methods,
            replicates=min(results.replicates, _MOST_PLANNED),
            level=results.level,
            execution=replace(execution, progress=progress),
        )
