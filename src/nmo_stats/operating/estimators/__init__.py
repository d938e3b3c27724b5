"""The estimators of one series, written for thousands of series at once, and tests that papers use beside them."""
