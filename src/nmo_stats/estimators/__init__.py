"""Every estimator of the rate ratio, and what all of them share."""
