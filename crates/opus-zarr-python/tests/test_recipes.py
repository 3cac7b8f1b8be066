"""The examples of docs/python/neighbours-ml.md, with the packages they are about."""

from __future__ import annotations

import importlib.util
import os
import pathlib
import re
import subprocess
import sys

import pytest

PAGE = pathlib.Path(__file__).parents[3] / "docs/python/neighbours-ml.md"

BLOCKS = re.findall(r"^```python\n(.*?)^```", PAGE.read_text(), re.MULTILINE | re.DOTALL)


def test_the_page_has_the_examples() -> None:
    assert len(BLOCKS) == 8


@pytest.mark.parametrize("number", range(len(BLOCKS)))
def test_an_example_runs(number: int, store_url: str) -> None:
    block = BLOCKS[number]
    needed = re.match(r"# needs: (.*)\n", block)
    if needed and "OPUS_ZARR_FULL" not in os.environ:
        pytest.skip("importing these packages takes seconds each")
    for package in needed[1].split() if needed else []:
        if importlib.util.find_spec(package) is None:
            pytest.skip(f"{package} is not installed")
    # In a process of its own: some set up the package for all that follows.
    folder = pathlib.Path(store_url).parent
    paths = os.pathsep.join(os.path.abspath(path) for path in sys.path)
    ran = subprocess.run(
        [sys.executable, "-c", block],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": paths},
        capture_output=True,
        text=True,
    )
    assert ran.returncode == 0, ran.stderr
