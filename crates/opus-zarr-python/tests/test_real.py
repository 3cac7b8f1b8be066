"""Real recordings, by every way to read them, against what the Rust library reads (``OPUS_ZARR_REAL``)."""

from __future__ import annotations

import json
import os
import pathlib
import typing

import numpy as np
import numpy.typing as npt
import pytest

import opus_zarr

Floats = npt.NDArray[np.float32]
Read = typing.Callable[[str, str, int, int], Floats]


def core(store: str, name: str, start: int, stop: int) -> Floats:
    return opus_zarr.open(f"{store}/{name}")[start:stop]


def batch(store: str, name: str, start: int, stop: int) -> Floats:
    return opus_zarr.open(f"{store}/{name}").read_many([start], stop - start)[0]


def soundfile(store: str, name: str, start: int, stop: int) -> Floats:
    with opus_zarr.open(f"{store}/{name}").as_soundfile() as file:
        file.seek(start)
        return file.read(stop - start, "float32", always_2d=True)


WAYS: list[Read] = [core, batch, soundfile]


@pytest.fixture(scope="module")
def real() -> pathlib.Path:
    folder = os.environ.get("OPUS_ZARR_REAL")
    if folder is None:
        pytest.skip("no real recordings (OPUS_ZARR_REAL)")
    return pathlib.Path(folder)


@pytest.mark.parametrize("read", WAYS, ids=lambda read: read.__name__)
def test_every_way_reads_what_rust_reads(real: pathlib.Path, read: Read) -> None:
    recordings = json.loads((real / "real.json").read_text())
    if not recordings:
        pytest.skip("no corpus")
    for recording in recordings:
        name = recording["name"]
        channels = opus_zarr.open(f"{real}/real.zarr/{name}").channels
        for number, (start, stop) in enumerate(recording["ranges"]):
            expected = np.fromfile(real / "real" / f"{name}.{number}", "<f4").reshape(-1, channels)
            found = np.asarray(read(f"{real}/real.zarr", name, start, stop))
            assert found.shape == (stop - start, channels)
            assert np.array_equal(found, expected), (name, start, stop)
