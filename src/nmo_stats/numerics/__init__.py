"""Numerical tools that know no patient."""
