"""Simulation-based calibration: it passes for the right posterior, and is not blind to a wrong one."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from nmo_stats.errors import ArgumentError
from nmo_stats.hierarchical import Normal, Priors
from nmo_stats.operating import Execution
from nmo_stats.operating.calibration import Calibration, Setting, calibrate, simultaneous_band

SETTING = Setting(((2.0, 1.5), (1.0, 1.0)))


@pytest.mark.parametrize("entry", [None, "relapse_on_reference"])
def test_the_quadrature_engine_is_calibrated(entry):
    found = calibrate(Setting(SETTING.times, entry=entry), 100)
    tests = found.uniformity()
    assert found.failed == 0
    assert list(tests["parameter"]) == ["log_rate", "log_rate_ratio", "sd_rate", "sd_rate_ratio"]
    assert tests["p_value"].min() > 0.001


def test_it_is_not_blind():
    probabilities = calibrate(SETTING, 100).probabilities
    # What a posterior would show that lies a quarter of its sd too high.
    shifted = pd.DataFrame(stats.norm.cdf(stats.norm.ppf(probabilities) - 0.5), columns=probabilities.columns)
    assert Calibration(SETTING, shifted).uniformity()["p_value"].max() < 0.01


def test_it_does_not_depend_on_who_computes_it():
    here = calibrate(SETTING, 60).probabilities
    there = calibrate(SETTING, 60, execution=Execution(workers=2)).probabilities
    pd.testing.assert_frame_equal(here, there, check_exact=True)


def test_other_priors_are_taken():
    narrow = calibrate(Setting(SETTING.times, Priors(log_rate_ratio=Normal(0, 0.1))), 25).probabilities
    # The data cannot move a ratio that the prior nearly fixes: its posterior is the prior, and the
    # probabilities are uniform draws.
    assert stats.kstest(narrow["log_rate_ratio"], "uniform").pvalue > 0.001


def test_failed_fits_are_counted():
    probabilities = pd.DataFrame({"log_rate": [0.1, np.nan, 0.7]})
    found = Calibration(SETTING, probabilities)
    assert found.failed == 1
    assert found.uniformity()["replicates"].tolist() == [2]


@pytest.mark.parametrize("replicates", [50, 1_000])
def test_the_band_holds_whole_uniform_samples_at_its_level(replicates):
    points, lower, upper = simultaneous_band(replicates)
    rng = np.random.default_rng(11)
    shares = rng.multinomial(replicates, np.full(100, 0.01), size=3_000).cumsum(axis=1)[:, :-1] / replicates
    inside = ((shares >= lower - 1e-12) & (shares <= upper + 1e-12)).all(axis=1).mean()
    assert points[0] == pytest.approx(0.01)
    assert lower == pytest.approx(1 - upper[::-1])
    assert 0.94 < inside < 0.985  # the limits are counts, so the level is not met exactly


def test_options_outside_their_range_are_refused():
    with pytest.raises(ArgumentError, match="replicates 0"):
        calibrate(SETTING, 0)
    with pytest.raises(ArgumentError, match="engine 'stan'"):
        Setting(SETTING.times, engine="stan")


@pytest.mark.slow
def test_the_nuts_engine_is_calibrated():
    found = calibrate(Setting(SETTING.times, engine="nuts"), 40)
    assert found.failed <= 2
    assert found.uniformity()["p_value"].min() > 0.001
