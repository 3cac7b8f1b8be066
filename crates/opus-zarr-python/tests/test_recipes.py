"""The examples of docs/python/, each alone, with the packages they are about."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import pathlib
import re
import subprocess
import sys

import pytest

PAGES = sorted((pathlib.Path(__file__).parents[3] / "docs/python").glob("*.md"))
BLOCK = re.compile(r"^```python\n(.*?)^```", re.MULTILINE | re.DOTALL)
EXAMPLES = [(page.stem, block) for page in PAGES for block in BLOCK.findall(page.read_text())]


def test_every_page_has_examples() -> None:
    assert {page for page, _ in EXAMPLES} == {page.stem for page in PAGES} != set()


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example[0])
def test_an_example_runs(example: tuple[str, str], store_url: str) -> None:
    _, block = example
    needed = re.match(r"# needs: (.*)\n", block)
    if needed and "OPUS_ZARR_FULL" not in os.environ:
        pytest.skip("importing these packages takes seconds each")
    for package in needed[1].split() if needed else []:
        if importlib.util.find_spec(package) is None:
            pytest.skip(f"{package} is not installed")
    engines = importlib.metadata.entry_points(group="xarray.backends").names
    if 'engine="opus_zarr"' in block and "opus_zarr" not in engines:
        pytest.skip("the package is not installed, so xarray does not find its engine")
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
