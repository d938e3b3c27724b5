"""Simulation-based calibration of both engines: 10,000 series by quadrature, 300 by NUTS (nutpie).

Run by hand (hours); finished blocks are kept in a folder, so that it goes on where it stopped, and studies
can be named:

    python benchmarks/calibration.py FOLDER [STUDY ...]    # computes, and keeps what is finished in FOLDER
    python benchmarks/calibration.py FOLDER --write       # writes benchmarks/results/calibration.{csv,md,png}

The posterior probability below the true value has to be uniform. The test is that of Kolmogorov and Smirnov
for each parameter; the figure shows the empirical distribution minus the uniform one with a band that holds
95 % of whole uniform samples.
"""

from __future__ import annotations

import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from nmo_stats import figures
from nmo_stats.names import PARAMETER_NAMES
from nmo_stats.operating import Execution
from nmo_stats.operating.calibration import Calibration, Setting, calibrate, simultaneous_band
from nmo_stats.operating.calibration import draw as draw_series

RESULTS = Path(__file__).parent / "results"
TIMES = ((32 / 12, 21 / 12), (8 / 12, 18 / 12), (4 / 12, 9 / 12))
BASE = Setting(TIMES)
STUDIES = {
    "quadrature": (BASE, 10_000),
    "quadrature, entry by a relapse": (replace(BASE, entry="relapse_on_reference"), 1_000),
    "quadrature, negative binomial": (replace(BASE, likelihood="negative_binomial"), 300),
    "quadrature, negative binomial, entry by a relapse": (
        replace(BASE, likelihood="negative_binomial", entry="relapse_on_reference"),
        300,
    ),
    "nuts": (replace(BASE, engine="nuts"), 300),
    "nuts, entry by a relapse": (replace(BASE, engine="nuts", entry="relapse_on_reference"), 300),
}


def compute(folder: Path, name: str) -> None:
    setting, replicates = STUDIES[name]
    start = time.perf_counter()

    def progress(done: int, total: int) -> None:
        print(f"{name}: {done} of {total}, {time.perf_counter() - start:.0f} s", flush=True)

    if setting.engine == "nuts":
        found = Calibration(setting, pd.DataFrame([sampled(setting, number) for number in range(replicates)]))
    else:
        found = calibrate(setting, replicates, execution=Execution(folder=folder, progress=progress))
    found.probabilities.to_parquet(folder / f"{name}.study.parquet")


def sampled(setting: Setting, number: int) -> dict[str, float]:
    """Return the truth's rank among the draws as a share; NaN where the chains do not agree or diverge."""
    import arviz as az
    from padded_nuts import Effort, run

    efforts = Effort(1000, 500), Effort(4000, 2000)

    rng = np.random.default_rng([setting.seed, number])
    truth, model = draw_series(setting, rng)
    names = list(model.parameters)
    for effort in efforts:  # as the package does: a run that fails a check is sampled once more, longer
        chains = run(model, effort, seed=number)
        diverged = int(chains.sample_stats["diverging"].sum())
        if not diverged and float(az.rhat(chains, var_names=names).to_array().max()) <= 1.01:
            break
    else:
        return dict.fromkeys(names, np.nan)
    draws = {name: np.sort(chains.posterior[name].to_numpy().ravel()) for name in names}
    return {
        name: (np.searchsorted(draws[name], truth[name]) + rng.uniform()) / (draws[name].size + 1)
        for name in names
    }


def studies(folder: Path) -> dict[str, Calibration]:
    kept = {name: folder / f"{name}.study.parquet" for name in STUDIES}
    return {
        name: Calibration(STUDIES[name][0], pd.read_parquet(path))
        for name, path in kept.items()
        if path.is_file()
    }


def write(found: dict[str, Calibration]) -> None:
    tests = pd.concat(
        [one.uniformity().assign(study=name, failed=one.failed) for name, one in found.items()],
        ignore_index=True,
    )
    tests = tests[["study", "parameter", "replicates", "failed", "distance", "p_value"]]
    tests.to_csv(RESULTS / "calibration.csv", index=False, float_format="%.4g")
    lines = [
        "# Simulation-based calibration",
        "",
        "Three patients with the times of the founding example, default priors: parameters from the "
        "prior, counts from the parameters, a fit. Kolmogorov-Smirnov",
        "distance of the posterior probabilities below the truth from uniform, and its p-value. "
        "`failed`: fits that failed a check of their own and gave nothing.",
        "",
        "| study | parameter | series | failed | distance | p |",
        "|---|---|---|---|---|---|",
        *(
            f"| {row.study} | {PARAMETER_NAMES[row.parameter]} | {row.replicates} | {row.failed} | "
            f"{row.distance:.4f} | {row.p_value:.3f} |"
            for row in tests.itertuples()
        ),
        "",
        "![Empirical distributions with simultaneous 95 % bands](calibration.png)",
    ]
    (RESULTS / "calibration.md").write_text("\n".join(lines) + "\n", encoding="utf-8")
    draw(found).savefig(RESULTS / "calibration.png", dpi=110)


def draw(found: dict[str, Calibration]) -> Figure:
    """Draw one row for each study and one panel for each parameter."""
    with figures.styled():
        figure = Figure(figsize=(12, 2.5 * len(found)), layout="constrained")
        rows = figure.subplots(len(found), len(PARAMETER_NAMES), squeeze=False)
        for panels, (name, one) in zip(rows, found.items(), strict=True):
            known = one.probabilities.dropna()
            band = simultaneous_band(len(known))
            for axes, parameter in zip(panels, PARAMETER_NAMES, strict=True):
                if parameter not in known:
                    axes.set_axis_off()
                    continue
                shares = np.searchsorted(np.sort(known[parameter]), band[0], side="right") / len(known)
                title = "\n".join([*name.split(", "), PARAMETER_NAMES[parameter]])
                figures.calibration(shares, band, axes).set_title(title, fontsize=8)
                axes.set_xlabel("")
                axes.set_ylabel("")
    return figure


def main(folder: Path, names: list[str]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    if names == ["--write"]:
        write(studies(folder))
        return
    for name in names or list(STUDIES):
        compute(folder, name)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
