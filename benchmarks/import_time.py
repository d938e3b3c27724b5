"""Time of ``import nmo_stats`` in fresh processes, and the heavy libraries that it must not load."""

import subprocess
import sys
import time

HEAVY = ("pymc", "arviz", "statsmodels", "matplotlib", "scipy.stats")
PROBE = f"import nmo_stats, sys; print([name for name in {HEAVY} if name in sys.modules])"


def main() -> None:
    times = []
    for _ in range(7):
        start = time.perf_counter()
        loaded = subprocess.run(
            [sys.executable, "-c", PROBE], capture_output=True, text=True, check=True
        ).stdout.strip()
        times.append(time.perf_counter() - start)
    print(
        f"import nmo_stats, whole process: median {sorted(times)[3]:.2f} s (bar 0.8 s); heavy libraries "
        f"loaded: {loaded}"
    )


if __name__ == "__main__":
    main()
