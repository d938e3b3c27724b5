"""The posterior of one patient where all the others say far more than the patient's own relapses."""

import numpy as np
import pytest

from nmo_stats import hierarchical
from nmo_stats.cohort import Comparison
from nmo_stats.hierarchical.quadrature.patient_posterior import _fineness
from nmo_stats.hierarchical.quadrature.patients import Patients, Table


@pytest.fixture(scope="module")
def many():
    """120 patients with one common ratio, and one who was hardly observed."""
    rng = np.random.default_rng(5)
    years = np.column_stack([rng.uniform(1, 6, 120), rng.uniform(1, 4, 120)])
    rates = rng.gamma(2, 0.6, 120)[:, None] * [1.0, 0.3]
    relapses = rng.poisson(rates * years)
    pair = Comparison.from_arrays(np.vstack([relapses, [[0, 0]]]), np.vstack([years, [[1e-3, 1e-3]]]))
    return hierarchical.fit(pair)


def test_a_patient_of_whom_nothing_is_known_is_one_who_was_not_yet_seen(many):
    row = many.patient_rate_ratios(0.95).iloc[-1]
    expected = many.rate_ratio_new_patient(0.95)
    assert row["observed"] is None or np.isnan(row["observed"])
    assert [row["estimate"], row["low"], row["high"]] == pytest.approx(
        [expected.estimate, expected.interval.low, expected.interval.high], rel=2e-3
    )


def test_the_distributions_of_all_patients_agree_with_draws(many):
    table = many.patient_rate_ratios(0.95)
    draws = np.exp(many.posterior.draws["log_rate_ratio_patient"].to_numpy()).reshape(-1, len(table))
    for name, share in (("estimate", 0.5), ("low", 0.025), ("high", 0.975)):
        found = np.quantile(draws, share, axis=0)
        apart = np.log(found / table[name].to_numpy())
        # of some thousand draws that share the parameters: a standard error of a tail quantile is 2.7 sd /
        # sqrt(draws), here 0.01
        assert abs(apart.mean()) < 0.04
        assert np.abs(apart).max() < 0.12


def test_a_lattice_with_all_the_mass_in_one_node_is_refined_step_by_step(many):
    """One node tells no width: taken at its word, the next lattice would need more memory than there is."""
    patients, places = Patients.distinct(many.model)
    one = patients[places[-1:]]
    lattice = np.arange(9) * 0.5
    mass = np.zeros((9, 9))
    mass[4, 4] = 1.0
    table = Table(lattice, 2 * lattice, mass[None], np.zeros(1), np.ones(1, dtype=np.int64), places[-1:])
    assert _fineness(one, table, mass) == pytest.approx(0.4 * 0.25 * 0.5)
