"""A small store that the tests share."""

from __future__ import annotations

import pathlib
import typing
import wave

import numpy as np
import pytest

import opus_zarr

#: Name, channels, rate and seconds of each recording.
RECORDINGS = [
    ("ried_20260512_030000", 2, 48_000, 8),
    ("weiher_20260512_030000", 1, 48_000, 20),
    ("weiher_20260512_033000", 1, 48_000, 10),
    ("bats_20260512_220000", 1, 250_000, 1),
]


def write_wav(path: pathlib.Path, channels: int, rate: int, seconds: float, seed: int) -> None:
    """Noise whose loudness and pitch change, so that no two places sound alike."""
    rng = np.random.default_rng(seed)
    time = np.arange(round(rate * seconds)) / rate
    tone = np.sin(2 * np.pi * (400 + 300 * seed) * time * (1 + 0.1 * time))
    noise = rng.normal(size=(len(time), channels))
    signal = 0.2 * tone[:, None] + 0.05 * noise * (1 + np.sin(time * 3))[:, None]
    with wave.open(str(path), "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes((np.clip(signal, -1, 1) * 32_767).astype("<i2").tobytes())


@pytest.fixture(scope="session")
def card(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    """A directory of WAV files, named like those of recorders."""
    folder = tmp_path_factory.mktemp("card")
    for seed, (name, channels, rate, seconds) in enumerate(RECORDINGS):
        write_wav(folder / f"{name}.wav", channels, rate, seconds, seed)
    return folder


@pytest.fixture(scope="session")
def store_url(card: pathlib.Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    """A store of the four recordings, with the note ``site``."""
    url = str(tmp_path_factory.mktemp("stores") / "archive.zarr")
    for name, *_ in RECORDINGS:
        opus_zarr.import_(
            card / f"{name}.wav", url, ultrasound="keep", tz="UTC", notes={"site": name.split("_")[0]}
        )
    return url


@pytest.fixture(params=[name for name, *_ in RECORDINGS])
def recording(request: pytest.FixtureRequest, store_url: str) -> typing.Iterator[opus_zarr.Recording]:
    """Each recording of the store."""
    with opus_zarr.open(f"{store_url}/{request.param}") as opened:
        yield opened
