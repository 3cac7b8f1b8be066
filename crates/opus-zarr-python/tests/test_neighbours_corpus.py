"""Real recordings through zarr, xarray and dask. Runs with OPUS_ZARR_FULL=1."""

from __future__ import annotations

import os
import pathlib
import random
import typing

import numpy as np
import pytest

import opus_zarr

zarr = pytest.importorskip("zarr")
xr = pytest.importorskip("xarray")
da = pytest.importorskip("dask.array")

import opus_zarr.dask as opus_dask  # noqa: E402
from opus_zarr.xarray import OpusZarrBackend  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parents[3]
CORPUS = pathlib.Path(os.environ.get("OPUS_ZARR_CORPUS", ROOT.parent / "shared" / "corpus"))

pytestmark = [
    pytest.mark.skipif(os.environ.get("OPUS_ZARR_FULL") != "1", reason="OPUS_ZARR_FULL=1 runs it"),
    pytest.mark.skipif(not CORPUS.is_dir(), reason="no corpus: set OPUS_ZARR_CORPUS"),
]


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> opus_zarr.Store:
    """A store of some 60 recordings of many kinds."""
    kinds = {".opus", ".ogg", ".webm", ".wav", ".flac"}
    files = [file for file in sorted(CORPUS.rglob("*")) if file.suffix in kinds and file.stat().st_size < 3e6]
    random.Random(3).shuffle(files)
    url = tmp_path_factory.mktemp("corpus") / "corpus.zarr"
    try:
        opus_zarr.import_(files[:70], url, tz="UTC", ultrasound="keep", names="{parent}_{name}")
    except opus_zarr.ImportFailedError:
        pass  # Some files are damaged on purpose.
    return opus_zarr.open_store(url)


def test_every_path_gives_the_same_samples(corpus: opus_zarr.Store) -> None:
    assert len(corpus) >= 40
    integers = zarr.open_group(opus_zarr.AudioStore(corpus.url))
    floats = zarr.open_group(opus_zarr.AudioStore(corpus.url, dtype="float32"))
    tree = xr.open_datatree(corpus.url, engine=OpusZarrBackend)
    for name in corpus:
        recording, place = corpus[name], f"{corpus.url}/{name}"
        expected = recording.read()
        found: dict[str, typing.Any] = {
            "zarr": floats[name]["audio"][:],
            "dask from zarr": da.from_zarr(floats[name]["audio"]).compute(),
            "dask": np.asarray(opus_dask.array(recording, 20_000)),
            "xarray": xr.open_dataset(place, engine=OpusZarrBackend, chunks={}).audio.values,
            "tree": tree[name].audio.values,
        }
        for path, samples in found.items():
            # Others may differ from chunk to chunk.
            if recording.exactness is not None:
                assert np.array_equal(samples, expected), (path, name)
            assert samples.shape == expected.shape, (path, name)
        if recording.exactness is not None:
            assert np.array_equal(integers[name]["audio"][:], recording.read(dtype="int16")), name
