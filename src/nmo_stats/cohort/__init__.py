"""Patients and their treatment periods: reading, validating, pairing."""

from nmo_stats.cohort.comparison import Comparison
from nmo_stats.cohort.notices import Notice
from nmo_stats.cohort.table import Cohort, data_folder, load_example, read_periods

__all__ = ["Cohort", "Comparison", "Notice", "data_folder", "load_example", "read_periods"]
