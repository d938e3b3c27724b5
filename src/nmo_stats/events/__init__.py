"""From dated treatments and relapses to the period table."""
