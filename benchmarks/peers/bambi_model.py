"""The same model as a Bambi formula, with Bambi's defaults."""

from __future__ import annotations

from typing import Any

from protocol import Answer, Task, draws_answer, measure, read_task, require

FORMULA = "relapses ~ 1 + x + (1 | patient) + (0 + x | patient) + offset(log_years)"


def build(task: Task) -> Any:
    import bambi as bmb

    def spread(parameter: str) -> bmb.Prior:
        sd = bmb.Prior("HalfNormal", sigma=task.priors[parameter][1])
        return bmb.Prior("Normal", mu=0, sigma=sd)

    def effect(parameter: str) -> bmb.Prior:
        mean, sd = task.priors[parameter]
        return bmb.Prior("Normal", mu=mean, sigma=sd)

    priors = {
        "Intercept": effect("log_rate"),
        "x": effect("log_rate_ratio"),
        "1|patient": spread("sd_rate"),
        "x|patient": spread("sd_rate_ratio"),
    }
    return bmb.Model(FORMULA, task.periods, family="poisson", priors=priors)


def main() -> None:
    require("bambi")
    task = read_task()
    __import__("bambi")  # before the clock starts, like every other peer

    def sample(model: Any) -> tuple[Any, Any]:
        return model, model.fit(random_seed=task.seed, progressbar=False)

    measure("bambi", lambda: sample(build(task)), lambda fitted: sample(fitted[0]), answer)


def answer(fitted: tuple[Any, Any]) -> Answer:
    return draws_answer(fitted[1], "x")


if __name__ == "__main__":
    main()
