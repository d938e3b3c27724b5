"""The types of arrays: one name for each kind of number that they hold."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Singles = npt.NDArray[np.float32]  # half the memory, where seven digits are enough
Complex = npt.NDArray[np.complex128]
Counts = npt.NDArray[np.int64]
Codes = npt.NDArray[np.int64]  # positions: of a row in a table, of a text among its distinct texts
Flags = npt.NDArray[np.bool_]
Cells = npt.NDArray[Any]
