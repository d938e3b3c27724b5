"""The same model written plainly in PyMC, with the sampler named on the command line: pymc or nutpie."""

from __future__ import annotations

from typing import Any

from protocol import Answer, Task, by_patient, draws_answer, measure, read_task, require


def build(task: Task) -> Any:
    """Return the non-centred model; its counts can be exchanged, as a refit would."""
    import pymc as pm

    relapses, years = by_patient(task.periods)
    priors = task.priors
    with pm.Model() as model:
        log_rate = pm.Normal("log_rate", *priors["log_rate"])
        log_rate_ratio = pm.Normal("log_rate_ratio", *priors["log_rate_ratio"])
        sd_rate = pm.HalfNormal("sd_rate", priors["sd_rate"][1])
        sd_rate_ratio = pm.HalfNormal("sd_rate_ratio", priors["sd_rate_ratio"][1])
        level = log_rate + sd_rate * pm.Normal("u", shape=len(years))
        ratio = log_rate_ratio + sd_rate_ratio * pm.Normal("v", shape=len(years))
        x = task.periods["x"].drop_duplicates().sort_values().to_numpy()
        mean = years * pm.math.exp(level[:, None] + x * ratio[:, None])
        pm.Poisson("relapses", mean, observed=pm.Data("counts", relapses))
    return model


def measure_pymc(task: Task) -> None:
    import pymc as pm

    def sample(model: Any) -> tuple[Any, Any]:
        with model:
            return model, pm.sample(nuts_sampler="pymc", random_seed=task.seed, progressbar=False)

    measure("pymc", lambda: sample(build(task)), lambda fitted: sample(fitted[0]), answer)


def measure_nutpie(task: Task) -> None:
    import nutpie

    def sample(compiled: Any) -> tuple[Any, Any]:
        return compiled, nutpie.sample(compiled, seed=task.seed, progress_bar=False, save_warmup=False)

    def refit(fitted: tuple[Any, Any]) -> tuple[Any, Any]:
        relapses, _ = by_patient(task.periods)
        return sample(fitted[0].with_data(counts=relapses))

    measure("nutpie", lambda: sample(nutpie.compile_pymc_model(build(task))), refit, answer)


def answer(fitted: tuple[Any, Any]) -> Answer:
    return draws_answer(fitted[1], "log_rate_ratio")


def main() -> None:
    task = read_task()
    require("pymc")
    require(task.variant)
    {"pymc": measure_pymc, "nutpie": measure_nutpie}[task.variant](task)


if __name__ == "__main__":
    main()
