"""Agreement of the quadrature engine with long NUTS chains on random cohorts.

The cohorts have 1 to 60 patients, any share of zero counts, tied patients, follow-up from one day to 30
years, both likelihoods, both ways of entry and several priors. Each can be made again from its number alone.
NUTS runs on the model of ``hierarchical.nuts``, padded with patients without data (see ``padded_nuts.py``).

Usage: python benchmarks/nuts_agreement.py check|sample|compare [--cohorts 200] [--draws 4000]
    check    show that the padded model has the log density of ``hierarchical.nuts.build``
    sample   run NUTS on the cohorts that results/nuts_agreement_nuts.csv does not have yet
    compare  fit each cohort by quadrature; write results/nuts_agreement.csv and results/nuts_agreement.md
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, get_args

import arviz as az
import numpy as np
import numpy.typing as npt
import pandas as pd
from padded_nuts import LARGEST_COUNT, Effort, largest_difference, padded_size, run

from nmo_stats import hierarchical
from nmo_stats.cohort import Comparison
from nmo_stats.errors import NmoStatsError
from nmo_stats.hierarchical import HalfNormal, Model, Normal, Priors
from nmo_stats.hierarchical.model import Entry, Likelihood, log_rates, simulate_counts

Floats = npt.NDArray[np.float64]

SEED: Final = 20260
NEW_PATIENT: Final = "log_rate_ratio_new_patient"
PRIORS: Final = {
    "default": Priors(),
    "sceptical": Priors(log_rate_ratio=Normal(0, 0.5)),
    "cautious": Priors(log_rate_ratio=Normal(0, 1)),
    "wide": Priors(log_rate_ratio=Normal(0, 4)),
    "similar_ratios": Priors(sd_rate_ratio=HalfNormal(0.25)),
    "varied_ratios": Priors(sd_rate_ratio=HalfNormal(1)),
}
PRIOR_WEIGHTS: Final = (0.6, 0.1, 0.1, 0.1, 0.05, 0.05)
RESULTS: Final = Path(__file__).parent / "results"
NUTS_FILE: Final = RESULTS / "nuts_agreement_nuts.csv"
COMPARED_FILE: Final = RESULTS / "nuts_agreement.csv"
SUMMARY_FILE: Final = RESULTS / "nuts_agreement.md"


# --------------------------------------------------------------------------------------------- random cohorts


@dataclass(frozen=True)
class Case:
    """A random cohort with the options of its fit."""

    number: int
    pair: Comparison
    prior: str
    likelihood: Likelihood
    entry: Entry | None

    @property
    def model(self) -> Model:
        return Model(self.pair, PRIORS[self.prior], self.likelihood, self.entry)

    @property
    def labels(self) -> dict[str, Any]:
        """What identifies the case in a table."""
        return {
            "cohort": self.number,
            "patients": len(self.pair.patients),
            "likelihood": self.likelihood,
            "entry": self.entry or "none",
            "prior": self.prior,
        }


def make_case(number: int) -> Case:
    """Make a cohort from its number alone; likelihood and entry go round, everything else is random."""
    rng = _generator(number, 0)
    likelihood = get_args(Likelihood)[number % 2]
    entry: Entry | None = (None, "relapse_on_reference")[number // 2 % 2]
    prior = str(rng.choice(list(PRIORS), p=PRIOR_WEIGHTS))
    patients = int(np.exp(rng.uniform(0, np.log(61))))
    years = _random_years(rng, patients)
    relapses = _random_relapses(rng, years)
    if rng.uniform() < 0.2:  # several patients with the same counts and times
        chosen = rng.integers(0, (patients + 2) // 3, patients)
        relapses, years = relapses[chosen], years[chosen]
    if entry is not None:
        relapses[:, 0] = np.maximum(relapses[:, 0], 1)
    return Case(number, Comparison.from_arrays(relapses, years), prior, likelihood, entry)


def _generator(number: int, use: int) -> np.random.Generator:
    return np.random.default_rng(np.random.SeedSequence(SEED, spawn_key=(number, use)))


def _random_years(rng: np.random.Generator, patients: int) -> Floats:
    """Return follow-up times, shape (patients, 2): usual, wide or four decades; in some equal for all."""
    low, high = ((0.5, 5), (0.02, 30), (0.003, 30))[rng.choice(3, p=(0.4, 0.5, 0.1))]
    years = np.exp(rng.uniform(np.log(low), np.log(high), (patients, 2)))
    if rng.uniform() < 0.15:
        years = np.broadcast_to(years[0], (patients, 2))
    return np.round(years, 4)


def _random_relapses(rng: np.random.Generator, years: Floats) -> npt.NDArray[np.int64]:
    """Return counts, shape (patients, 2), from the model with random parameters, some of them made 0."""
    top = {
        "log_rate": rng.normal(np.log(0.7), 1.0),
        "log_rate_ratio": rng.normal(-0.7, 1.5),
        "sd_rate": abs(rng.normal(0, 0.8)),
        "sd_rate_ratio": abs(rng.normal(0, 0.6)),
    }
    u, v = rng.normal(size=(2, len(years)))
    mean = years * np.exp(log_rates({name: np.asarray(value) for name, value in top.items()}, u, v))
    overdispersion = np.asarray(rng.gamma(0.5, 0.6) + 1e-3)
    counts = np.minimum(simulate_counts(rng, mean, overdispersion), LARGEST_COUNT)
    kept = (1.0, rng.uniform(), np.array([1.0, 0.0]), 0.0)[rng.choice(4, p=(0.6, 0.2, 0.14, 0.06))]
    return np.asarray(counts * (rng.uniform(size=counts.shape) < kept), dtype=np.int64)


# ------------------------------------------------------------------------------------------------ NUTS chains


def sample_case(case: Case, draws: int) -> pd.DataFrame:
    """Return mean, sd and Monte Carlo errors of each quantity, from longer chains if they are unreliable."""
    efforts = (Effort(draws, 1000), Effort(3 * draws, 2000, 0.995), Effort(8 * draws, 4000, 0.999))
    table = pd.DataFrame()
    for attempt, effort in enumerate(efforts):
        seed = int(_generator(case.number, 3 + attempt).integers(2**31))
        table = summary(case, run(case.model, effort, seed))
        if reliable(table).all():
            break
    return table


def reliable(table: pd.DataFrame) -> pd.Series:
    """Return whether the chains behind each row can be trusted, Monte Carlo errors included."""
    effective = table[["ess_bulk", "ess_square"]].min(axis=1)
    return (table["divergences"] == 0) & (table["r_hat"] <= 1.005) & (effective >= 1000)


def summary(case: Case, chains: Any) -> pd.DataFrame:
    """Return one row for each quantity."""
    draws = {name: chains["posterior"][name].to_numpy() for name in case.model.parameters}
    rows = {name: _moments(values, np.zeros_like(values)) for name, values in draws.items()}
    rows[NEW_PATIENT] = _moments(draws["log_rate_ratio"], draws["sd_rate_ratio"] ** 2)
    divergences = int(chains["sample_stats"]["diverging"].sum())
    common = {"divergences": divergences, "draws": draws["log_rate"].size}
    return pd.DataFrame([case.labels | {"quantity": name} | values | common for name, values in rows.items()])


def _moments(centre: Floats, variance: Floats) -> dict[str, float]:
    """Return mean and sd of a quantity, with MCSE, from its conditional mean and variance in each draw.

    With variance 0 the errors are ArviZ' ``mcse`` of methods "mean" and "sd".
    """
    mean = centre.mean()
    square = (centre - mean) ** 2 + variance
    sd = np.sqrt(square.mean())
    return {
        "mean": mean,
        "sd": sd,
        "mcse_mean": np.asarray(az.mcse(centre, method="mean")).item(),
        "mcse_sd": np.asarray(az.mcse(square, method="mean")).item() / (2 * sd),
        "ess_bulk": float(az.ess(centre, method="bulk")),
        "ess_square": float(az.ess(square, method="mean")),
        "r_hat": float(az.rhat(centre)),
    }


# ------------------------------------------------------------------------------------------------- comparison


def compare_case(case: Case, chains: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of NUTS with the quadrature's mean and sd and their distance in Monte Carlo errors."""
    start = time.process_time()
    model = case.model
    fit = hierarchical.fit(
        case.pair,
        priors=model.priors,
        likelihood=model.likelihood,
        entry=model.entry,
        engine="quadrature",
        seed=1,
    )
    mean = np.array([fit.posterior.mean(name) for name in chains["quantity"]])
    sd = np.sqrt([fit.posterior.variance(name) for name in chains["quantity"]])
    return chains.assign(
        reliable=reliable(chains),
        passed=not fit.convergence.failures,
        quadrature_mean=mean,
        quadrature_sd=sd,
        z_mean=(mean - chains["mean"]) / chains["mcse_mean"],
        z_sd=(sd - chains["sd"]) / chains["mcse_sd"],
        seconds=time.process_time() - start,
    )


def describe(table: pd.DataFrame, refused: list[str]) -> str:
    """Return the summary in Markdown."""
    tested = long_table(table[table["reliable"]])
    seconds = table.groupby("cohort")["seconds"].first()
    parts = [
        "# Quadrature against NUTS\n",
        f"{table['cohort'].nunique()} random cohorts; z = (quadrature - NUTS) / Monte Carlo error of NUTS.",
        f"Cohorts with unreliable chains, left out: {_numbers(table[~table['reliable']])}.",
        f"Cohorts where the quadrature failed its own check: {_numbers(table[~table['passed']])}.",
        f"Fits refused: {len(refused)}.",
        f"Quadrature, processor time: median {seconds.median():.3f} s, longest {seconds.max():.2f} s.\n",
        _markdown(_statistics(tested.assign(all="all"), ["all"])),
        "The quantiles of z beside those of the standard normal:\n",
        _markdown(_quantiles(tested["z"].to_numpy())),
        *(
            _markdown(_statistics(tested, keys))
            for keys in (["moment", "quantity"], ["likelihood", "entry"], ["prior"])
        ),
        "The ten largest:\n",
        _markdown(tested.loc[tested["z"].abs().nlargest(10).index]),
        *refused,
    ]
    return "\n".join(parts)


def _numbers(table: pd.DataFrame) -> str:
    return ", ".join(map(str, table["cohort"].unique())) or "none"


def long_table(table: pd.DataFrame) -> pd.DataFrame:
    """Return one row for each cohort, quantity and moment."""
    labels = ["cohort", "patients", "likelihood", "entry", "prior", "quantity"]
    parts = [
        table[labels].assign(
            moment=moment,
            z=table[f"z_{moment}"],
            nuts=table[moment],
            quadrature=table[f"quadrature_{moment}"],
            in_sd=(table[f"quadrature_{moment}"] - table[moment]) / table["sd"],
        )
        for moment in ("mean", "sd")
    ]
    return pd.concat(parts, ignore_index=True)


def _statistics(tested: pd.DataFrame, keys: list[str]) -> pd.DataFrame:
    groups = tested.groupby(keys)
    largest = groups["z"].agg(lambda z: z.abs().max())
    return pd.DataFrame(
        {
            "comparisons": groups["z"].size(),
            "mean z": groups["z"].mean(),
            "sd z": groups["z"].std(),
            "max abs z": largest,
            "in cohort": tested["cohort"].loc[groups["z"].agg(lambda z: z.abs().idxmax())].to_numpy(),
            "max difference / sd": groups["in_sd"].agg(lambda difference: difference.abs().max()),
        }
    ).reset_index()


def _quantiles(z: Floats) -> pd.DataFrame:
    probabilities = np.array([0.001, 0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99, 0.999])
    return pd.DataFrame(
        {
            "probability": probabilities,
            "z": np.quantile(z, probabilities),
            "normal": Normal(0, 1).quantile(probabilities),
        }
    )


def _markdown(table: pd.DataFrame) -> str:
    rows = [list(table.columns), ["---"] * table.shape[1], *table.to_numpy(dtype=object).tolist()]
    lines = ["| " + " | ".join(_text(value) for value in row) + " |" for row in rows]
    return "\n".join([*lines, ""])


def _text(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


# ----------------------------------------------------------------------------------------------- command line


def check() -> int:
    """Compare the log densities for two cohorts of each likelihood, entry and size."""
    seen: dict[tuple[Any, ...], int] = {}
    worst = 0.0
    for number in range(400):
        case = make_case(number)
        key = (case.likelihood, case.entry, padded_size(case.model))
        seen[key] = seen.get(key, 0) + 1
        if seen[key] <= 2:
            difference = largest_difference(case.model, _generator(number, 2))
            worst = max(worst, difference)
            print(f"{number:4d} {len(case.pair.patients):3d} patients, {key}: {difference:.1e}", flush=True)
    print(f"largest relative difference of the log densities {worst:.1e}")
    return int(worst > 1e-8)


def sample(cohorts: int, draws: int) -> int:
    """Append the cohorts that the file does not have."""
    done = set(_stored()["cohort"]) if NUTS_FILE.exists() else set()
    RESULTS.mkdir(exist_ok=True)
    for number in range(cohorts):
        if number in done:
            continue
        start = time.perf_counter()
        table = sample_case(make_case(number), draws)
        with NUTS_FILE.open("a", newline="") as file:
            table.to_csv(file, index=False, header=file.tell() == 0, float_format="%.8g")
        print(_progress(table, time.perf_counter() - start), flush=True)
    return 0


def _progress(table: pd.DataFrame, seconds: float) -> str:
    first, effective = table.iloc[0], table[["ess_bulk", "ess_square"]].min(axis=None)
    verdict = "" if reliable(table).all() else "  unreliable"
    size = f"{first['cohort']:4d} {first['patients']:3d} patients {first['draws']:7d} draws"
    return f"{size} {seconds:6.1f} s  ESS {effective:.0f}{verdict}"


def compare(cohorts: int) -> int:
    """Fit every stored cohort by quadrature and write the comparison."""
    tables, refused = [], []
    for number, chains in _stored_cohorts(cohorts):
        try:
            tables.append(compare_case(make_case(number), chains))
        except NmoStatsError as error:
            refused.append(f"- cohort {number}: {error}")
    table = pd.concat(tables, ignore_index=True)
    table.to_csv(COMPARED_FILE, index=False, float_format="%.8g")
    text = describe(table, refused)
    SUMMARY_FILE.write_text(text + "\n")
    print(text)
    return int(bool(refused))


def _stored() -> pd.DataFrame:
    return pd.read_csv(NUTS_FILE)


def _stored_cohorts(cohorts: int) -> Iterator[tuple[int, pd.DataFrame]]:
    stored = _stored()
    for number, chains in stored[stored["cohort"] < cohorts].groupby("cohort"):
        yield int(number), chains.reset_index(drop=True)


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("action", choices=("check", "sample", "compare"))
    parser.add_argument("--cohorts", type=int, default=200)
    parser.add_argument("--draws", type=int, default=4000, help="of each of the four chains")
    arguments = parser.parse_args()
    if arguments.action == "check":
        return check()
    if arguments.action == "sample":
        return sample(arguments.cohorts, arguments.draws)
    return compare(arguments.cohorts)


if __name__ == "__main__":
    sys.exit(main())
