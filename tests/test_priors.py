"""Priors: their densities, their quantiles in clinical words, and what is refused."""

import math
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest
from scipy import stats

from nmo_stats.errors import ArgumentError
from nmo_stats.hierarchical import DEFAULT_PRIORS, HalfNormal, Normal, Priors

PLACES = np.linspace(0.01, 0.99, 25)


@pytest.mark.parametrize(
    ("prior", "law"),
    [
        (Normal(-0.7, 1.5), stats.norm(-0.7, 1.5)),
        (HalfNormal(0.3), stats.halfnorm(scale=0.3)),
    ],
)
def test_density_quantiles_and_variance_are_those_of_scipy(prior, law):
    values = law.ppf(PLACES)
    assert prior.quantile(PLACES) == pytest.approx(values, rel=1e-12)
    assert prior.log_density(values) == pytest.approx(law.logpdf(values), rel=1e-12)
    assert prior.variance == pytest.approx(law.var(), rel=1e-12)


def test_a_scale_has_no_density_below_zero():
    assert HalfNormal(1.0).log_density(np.array([-1e-9, 0.0])).tolist() == [
        -math.inf,
        pytest.approx(math.log(math.sqrt(2 / math.pi))),
    ]


# The clinical words of the prior table: each number is exp of a quantile, or a quantile, to two digits.
@pytest.mark.parametrize(
    ("parameter", "probability", "natural", "words"),
    [
        ("log_rate", 0.5, True, 0.5),
        ("log_rate", 0.025, True, 0.026),
        ("log_rate", 0.975, True, 9.5),
        ("log_rate_ratio", 0.975, True, 50),
        ("sd_rate", 0.5, False, 0.67),
        ("sd_rate", 0.95, False, 1.96),
        ("sd_rate_ratio", 0.5, False, 0.34),
        ("sd_rate_ratio", 0.95, False, 0.98),
        ("overdispersion", 0.95, False, 0.59),
    ],
)
def test_default_priors_say_what_their_description_says(parameter, probability, natural, words):
    found = float(DEFAULT_PRIORS.of(parameter).quantile(np.array(probability)))
    assert (math.exp(found) if natural else found) == pytest.approx(words, rel=0.02)


@pytest.mark.parametrize("sd", [0.0, -1.0, math.nan, math.inf, 1e-9, 0.0099, 10.1, 1e6, True, "1", None])
@pytest.mark.parametrize("make", [HalfNormal, lambda sd: Normal(0.0, sd)])
def test_the_sd_of_a_prior_is_one_that_can_be_integrated(make, sd):
    with pytest.raises(ArgumentError, match=r"prior sd .* from 0\.01 to 10"):
        make(sd)


@pytest.mark.parametrize("sd", [0.01, 10, np.float32(0.5), Fraction(1, 2), Decimal("0.5")])
def test_the_sd_of_a_prior_may_be_any_kind_of_number_in_its_range(sd):
    assert HalfNormal(sd).sd == float(sd)
    assert type(Normal(0, sd).sd) is float


@pytest.mark.parametrize("mean", [math.nan, math.inf, 1e300, -10.1, "0", None])
def test_a_normal_prior_needs_a_mean_near_0(mean):
    with pytest.raises(ArgumentError, match="mean"):
        Normal(mean, 1.0)


@pytest.mark.parametrize(
    ("parameter", "wrong", "rule"),
    [
        ("log_rate", HalfNormal(1.0), r"Normal\(mean, sd\)"),
        ("log_rate_ratio", 0.0, r"Normal\(mean, sd\)"),
        ("sd_rate", Normal(0.0, 1.0), r"HalfNormal\(sd\)"),
        ("sd_rate_ratio", 0.5, r"HalfNormal\(sd\)"),
        ("overdispersion", Normal(0.0, 1.0), r"HalfNormal\(sd\)"),
    ],
)
def test_a_parameter_takes_its_kind_of_prior_only(parameter, wrong, rule):
    with pytest.raises(ArgumentError, match=f"prior of {parameter} .*{rule}"):
        Priors(**{parameter: wrong})


def test_priors_print_as_they_are_written():
    assert [str(prior) for prior in (Normal(math.log(0.5), 1.5), HalfNormal(0.5))] == [
        "Normal(-0.693, 1.5)",
        "HalfNormal(0.5)",
    ]
