"""The founding example, read once and fitted once for all tests."""

import signal
import sys

import pytest
from hypothesis import settings

from nmo_stats import hierarchical
from nmo_stats.cli import main
from nmo_stats.cohort import load_example

# The gate gives the same verdict on the same code; `--hypothesis-profile=default` searches afresh.
settings.register_profile("gate", derandomize=True)
settings.load_profile("gate")

# A test suite in the background of a shell inherits ignored signals, and with it the programs that it starts
# and stops.
for name, handler in (("SIGINT", signal.default_int_handler), ("SIGHUP", signal.SIG_DFL)):
    number = getattr(signal, name, None)
    if number is not None and signal.getsignal(number) is signal.SIG_IGN:
        signal.signal(number, handler)


@pytest.fixture(scope="session")
def example_cohort():
    return load_example("ayzenberg2013")


@pytest.fixture(scope="session")
def example_pair(example_cohort):
    return example_cohort.compare("tocilizumab", reference="rituximab")


@pytest.fixture(scope="session")
def example_fit(example_pair):
    return hierarchical.fit(example_pair, engine="nuts", seed=20130301)


@pytest.fixture
def run(monkeypatch, capsys):
    """Return a function that runs nmo-stats with arguments and returns exit code, output and errors."""

    def call(*arguments):
        monkeypatch.setattr(sys, "argv", ["nmo-stats", *map(str, arguments)])
        with pytest.raises(SystemExit) as stop:
            main()
        printed = capsys.readouterr()
        return stop.value.code or 0, printed.out, printed.err

    return call


@pytest.fixture
def wide(monkeypatch):
    """Let the commands write lines so long that no cell of a table breaks."""
    monkeypatch.setattr("nmo_stats.cli.printing.WIDTH", 1000)
