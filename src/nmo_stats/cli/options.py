"""Options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Comparator = Annotated[
    str | None,
    typer.Option(help="Treatment above the line of the ratio [default: tocilizumab].", show_default=False),
]
Reference = Annotated[
    str | None,
    typer.Option(help="Treatment below the line of the ratio [default: rituximab].", show_default=False),
]
Level = Annotated[
    float | None, typer.Option(help="Level of all intervals [default: 0.95].", show_default=False)
]
Seed = Annotated[int | None, typer.Option(help="Seed of all random numbers.", show_default=False)]
Engine = Annotated[
    str | None,
    typer.Option(
        help="Engine of the hierarchical model: quadrature, nuts or both [default: both for a report, else quadrature].",
        show_default=False,
    ),
]
Likelihood = Annotated[
    str | None,
    typer.Option(
        help="Counts of the hierarchical model: poisson or negative_binomial [default: poisson].",
        show_default=False,
    ),
]
Config = Annotated[Path | None, typer.Option(help="TOML file with choices and priors.", show_default=False)]
Prior = Annotated[
    list[str],
    typer.Option(
        help="Prior of a parameter of the hierarchical model: log_rate_ratio=MEAN,SD or sd_rate=SD. May be repeated.",
        show_default=False,
    ),
]
Replicates = Annotated[
    int | None,
    typer.Option(help="Simulated series of each design with no effect [default: 2000].", show_default=False),
]
BackgroundRatio = Annotated[
    float | None,
    typer.Option(
        help="Ratio that such a series would show with no effect, if you know it.", show_default=False
    ),
]
BackgroundSd = Annotated[
    float | None, typer.Option(help="Standard deviation of its logarithm [default: 0.2].", show_default=False)
]
Published = Annotated[
    Path | None,
    typer.Option(
        help="Numbers that a paper prints: quantity, patient, treatment, value, decimals, place.",
        show_default=False,
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]
