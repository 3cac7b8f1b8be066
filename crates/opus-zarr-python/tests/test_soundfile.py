"""``Recording.as_soundfile`` next to the real package, on the same audio."""

from __future__ import annotations

import io
import os
import pathlib
import random
import typing

import numpy as np
import pytest

import opus_zarr

soundfile = pytest.importorskip("soundfile")

IS_FULL = "OPUS_ZARR_FULL" in os.environ

Step = typing.Callable[[typing.Any], object]


@pytest.fixture
def wavs(recording: opus_zarr.Recording, tmp_path: pathlib.Path) -> dict[str, pathlib.Path]:
    """The recording as float and as integer samples, which soundfile converts between differently."""
    floats, integers = tmp_path / "float.wav", tmp_path / "integer.wav"
    rate = recording.sample_rate
    soundfile.write(floats, recording.read(), rate, subtype="FLOAT")
    soundfile.write(integers, recording.read(dtype="int16"), rate, subtype="PCM_16")
    return {"float32": floats, "float64": floats, "int16": integers}


@pytest.mark.parametrize("dtype", ["float32", "float64", "int16"])
def test_random_calls_agree(
    recording: opus_zarr.Recording, wavs: dict[str, pathlib.Path], dtype: str
) -> None:
    ours = recording.as_soundfile()
    with soundfile.SoundFile(wavs[dtype]) as theirs:
        assert (len(ours), ours.frames, ours.channels) == (len(theirs), theirs.frames, theirs.channels)
        assert (ours.samplerate, ours.seekable()) == (theirs.samplerate, theirs.seekable())
        rng = random.Random(f"{recording.name} {dtype}")
        for _ in range(1_000 if IS_FULL else 60):
            step = _step(rng, recording.frames, recording.channels, dtype)
            assert _outcome(step, ours) == _outcome(step, theirs)
            assert ours.tell() == theirs.tell()


def test_the_comparison_sees_a_sample_and_a_shift(
    recording: opus_zarr.Recording, wavs: dict[str, pathlib.Path]
) -> None:
    ours = recording.as_soundfile()
    changed = recording.read()
    changed[500] += 1e-4
    soundfile.write(wavs["float32"], changed, recording.sample_rate, subtype="FLOAT")
    with soundfile.SoundFile(wavs["float32"]) as theirs:
        same, other = (lambda file: file.read(500)), (lambda file: file.read(1))
        assert _outcome(same, ours) == _outcome(same, theirs)
        assert _outcome(other, ours) != _outcome(other, theirs)


def test_an_array_to_read_into_is_filled_and_returned(recording: opus_zarr.Recording) -> None:
    ours = recording.as_soundfile()
    out = np.zeros((100, recording.channels), np.float32)
    assert ours.read(out=out) is out
    assert np.array_equal(out, recording[:100])
    ours.seek(-10, io.SEEK_END)
    part = ours.read(out=out)
    assert part.base is out and np.array_equal(part, recording[-10:])
    assert ours.read(out=out, fill_value=9) is out and (out == 9).all()


def test_blocks_that_would_never_end_are_refused(recording: opus_zarr.Recording) -> None:
    blocks = recording.as_soundfile().blocks(100, overlap=100)
    assert len(next(blocks)) == 100
    with pytest.raises(ValueError, match="overlap of less than 100"):
        next(blocks)


def test_a_closed_file_is_an_error_in_both(
    recording: opus_zarr.Recording, wavs: dict[str, pathlib.Path]
) -> None:
    calls: list[Step] = [
        lambda file: file.read(1),
        lambda file: file.tell(),
        lambda file: file.seek(0),
        lambda file: next(file.blocks(10)),
        lambda file: file.buffer_read(1, "float32"),
    ]
    for file in (recording.as_soundfile(), soundfile.SoundFile(wavs["float32"])):
        with file:
            assert not file.closed
        assert file.closed
        file.close()
        for call in calls:
            with pytest.raises(RuntimeError, match="closed"):
                call(file)


def test_the_recording_reads_on_after_the_file_is_closed(recording: opus_zarr.Recording) -> None:
    before = recording[:10]
    recording.as_soundfile().close()
    assert np.array_equal(recording[:10], before)


def _step(rng: random.Random, frames: int, channels: int, dtype: str) -> Step:
    """A call with random arguments, some of them wrong."""
    count = rng.choice([-1, 0, 1, 7, rng.randrange(3000)])
    fill = rng.choice([None, None, 0, 1])
    two = rng.random() < 0.5
    kind = rng.randrange(8)
    if kind < 3:
        at, whence = _place(rng, frames)
        return lambda file: file.seek(at, whence)
    if kind < 5:
        # Not all of a long recording over and over.
        if count < 0 and rng.random() < 0.8:
            count = 100
        return lambda file: file.read(count, dtype, two, fill)
    if kind == 5:
        shape = rng.choice([(50, channels), (50,), (3, channels + 1), (2, channels, 1), (0, channels)])
        order = typing.cast("typing.Literal['C', 'F']", rng.choice(["C", "C", "F"]))
        return lambda file: file.read(count, out=np.full(shape, 5, dtype, order=order), fill_value=fill)
    if kind == 6:
        return _buffer_step(rng, channels, dtype)
    size = rng.randrange(1, 2000)
    overlap = rng.choice([0, rng.randrange(size)])
    limit = rng.choice([0, rng.randrange(9000)])
    return lambda file: list(file.blocks(size, overlap, limit, dtype, two, fill))


def _place(rng: random.Random, frames: int) -> tuple[int, int]:
    whence = rng.choice([io.SEEK_SET, io.SEEK_CUR, io.SEEK_END, 7])
    near = rng.choice([0, 1, -1, rng.randrange(-3000, 3000), rng.randrange(frames), frames])
    return near, whence


def _buffer_step(rng: random.Random, channels: int, dtype: str) -> Step:
    size = np.dtype(dtype).itemsize
    if rng.random() < 0.5:
        count = rng.randrange(500)
        return lambda file: bytes(file.buffer_read(count, dtype))
    samples = rng.randrange(500)

    def read_into(file: typing.Any) -> object:
        buffer = bytearray(samples * size)
        return file.buffer_read_into(buffer, dtype), bytes(buffer)

    return read_into


def _outcome(step: Step, file: typing.Any) -> object:
    """What a call returned, or the kind of its error, in a form that compares bit for bit."""
    try:
        found = step(file)
    except (ValueError, TypeError, RuntimeError) as error:
        kinds = (ValueError, TypeError, RuntimeError)
        return next(kind for kind in kinds if isinstance(error, kind))
    if isinstance(found, list):
        return [(block.dtype.str, block.shape, block.tobytes()) for block in found]
    if isinstance(found, np.ndarray):
        return found.dtype.str, found.shape, found.tobytes()
    return found
