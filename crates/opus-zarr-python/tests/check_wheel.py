"""Checks a wheel, and the installed package: its size, its tags, and how long an import takes."""

from __future__ import annotations

import pathlib
import subprocess
import sys

MOST_BYTES, MOST_SECONDS = 8_000_000, 0.050
CODE = "import time; t = time.perf_counter(); import opus_zarr; print(time.perf_counter() - t)"


def main() -> None:
    wheel = pathlib.Path(sys.argv[1])
    size = wheel.stat().st_size
    assert "-cp310-abi3-" in wheel.name, f"{wheel.name}: expected an abi3 wheel for Python 3.10"
    assert size <= MOST_BYTES, f"{wheel.name} has {size} bytes, expected at most {MOST_BYTES}"
    runs = (subprocess.run([sys.executable, "-c", CODE], capture_output=True, check=True) for _ in range(7))
    seconds = min(float(run.stdout) for run in runs)
    assert seconds <= MOST_SECONDS, f"an import takes {seconds:.3f} s, expected at most {MOST_SECONDS} s"
    print(f"{wheel.name}: {size / 1e6:.1f} MB, imported in {seconds * 1000:.0f} ms")


main()
