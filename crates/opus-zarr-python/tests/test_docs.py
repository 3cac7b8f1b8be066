"""Runs the examples of docs/python.md and docs/python/."""

from __future__ import annotations

import importlib.util
import os
import pathlib
import re
import subprocess
import sys

import pytest

import opus_zarr

DOCS = pathlib.Path(__file__).parents[3] / "docs"
PAGES = [DOCS / "python.md", *sorted((DOCS / "python").glob("*.md"))]
BLOCK = re.compile(r"^```python\n(.*?)^```$", re.DOTALL | re.MULTILINE)
NEEDS = re.compile(r"# needs: (.+)")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_examples_run(
    page: pathlib.Path, store_url: str, card: pathlib.Path, tmp_path: pathlib.Path
) -> None:
    blocks = BLOCK.findall(page.read_text())
    assert blocks, page
    (tmp_path / "archive.zarr").symlink_to(store_url)
    (tmp_path / "card").symlink_to(card)
    rec = opus_zarr.open(f"{store_url}/weiher_20260512_033000")
    (tmp_path / "dawn.opus").write_bytes(rec.ogg_opus())
    # The blocks of a page go on from each other, unless they say what they need.
    script = ""
    for block in blocks:
        needs = NEEDS.search(block.partition("\n")[0])
        imported = re.findall(r"^(?:import|from) (\w+)", block, re.MULTILINE)
        wanted = [*(needs.group(1).replace(",", " ").split() if needs else ()), *imported]
        if all(importlib.util.find_spec(name) for name in wanted):
            script += block
    assert script, f"nothing that {page} needs is installed"
    (tmp_path / "page.py").write_text(f'if __name__ == "__main__":\n{_indented(script)}')
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    ran = subprocess.run(
        [sys.executable, "page.py"], cwd=tmp_path, env=environment, capture_output=True, text=True
    )
    assert ran.returncode == 0, ran.stderr


def _indented(script: str) -> str:
    return "".join(f"    {line}\n" for line in script.splitlines())
