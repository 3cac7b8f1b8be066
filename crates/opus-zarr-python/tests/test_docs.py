"""Runs the examples of docs/python.md, which go on from each other, and that of the README."""

from __future__ import annotations

import importlib.util
import os
import pathlib
import re
import subprocess
import sys

import opus_zarr

ROOT = pathlib.Path(__file__).parents[3]
BLOCK = re.compile(r"^```python\n(.*?)^```$", re.DOTALL | re.MULTILINE)


def test_examples_run(store_url: str, card: pathlib.Path, tmp_path: pathlib.Path) -> None:
    blocks = BLOCK.findall((ROOT / "docs/python.md").read_text())
    blocks += [block for block in BLOCK.findall((ROOT / "README.md").read_text()) if "opus_zarr" in block]
    (tmp_path / "archive.zarr").symlink_to(store_url)
    (tmp_path / "card").symlink_to(card)
    rec = opus_zarr.open(f"{store_url}/weiher_20260512_033000")
    (tmp_path / "dawn.opus").write_bytes(rec.ogg_opus())
    script = "".join(block for block in blocks if all(map(importlib.util.find_spec, imported(block))))
    assert script.count("opus_zarr") > 5
    (tmp_path / "page.py").write_text(f'if __name__ == "__main__":\n{_indented(script)}')
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    ran = subprocess.run(
        [sys.executable, "page.py"], cwd=tmp_path, env=environment, capture_output=True, text=True
    )
    assert ran.returncode == 0, ran.stderr


def imported(block: str) -> list[str]:
    return re.findall(r"^(?:import|from) (\w+)", block, re.MULTILINE)


def _indented(script: str) -> str:
    return "".join(f"    {line}\n" for line in script.splitlines())
