"""Patients and their treatment periods: reading, validating, pairing."""

from nmo_stats.bundled import data_folder
from nmo_stats.cohort.cohort import Cohort, load_example, read_periods
from nmo_stats.cohort.comparison import Comparison
from nmo_stats.cohort.notices import Notice

__all__ = ["Cohort", "Comparison", "Notice", "data_folder", "load_example", "read_periods"]
