"""Operating characteristics: how every estimator behaves in series like the user's, with the truth known."""

from nmo_stats.operating.design import Design, UniformTimes
from nmo_stats.operating.methods import ESTIMATORS
from nmo_stats.operating.running import Execution
from nmo_stats.operating.simulation import Characteristics, Measures, simulate

__all__ = ["ESTIMATORS", "Characteristics", "Design", "Execution", "Measures", "UniformTimes", "simulate"]
