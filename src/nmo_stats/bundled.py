"""Where the bundled data lie: examples, disease profiles, the vocabulary of the audit, the coverage map."""

from __future__ import annotations

from pathlib import Path


def data_folder() -> Path:
    """Return the folder of the bundled data: inside an installed package, or at the top of a checkout.

    Returns
    -------
    Path
        The folder.
    """
    here = Path(__file__).resolve()
    installed = here.parent / "data"
    return installed if installed.is_dir() else here.parents[2] / "data"
