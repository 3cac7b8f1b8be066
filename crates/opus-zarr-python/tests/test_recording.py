from __future__ import annotations

import asyncio
import datetime
import random

import numpy as np
import pytest

import opus_zarr
from opus_zarr import Recording


def test_it_says_what_it_is(store_url: str) -> None:
    rec = opus_zarr.open(f"{store_url}/weiher_20260512_030000")
    assert (rec.shape, rec.ndim, rec.size, len(rec)) == ((960_000, 1), 2, 960_000, 960_000)
    assert (rec.dtype.name, rec.sample_rate, rec.real_rate, rec.duration) == ("float32", 48_000, 48_000, 20)
    assert rec.start == datetime.datetime(2026, 5, 12, 3, tzinfo=datetime.timezone.utc)
    assert rec.utc_of(48_001) == np.datetime64("2026-05-12T03:00:01.000020833")
    assert (rec.exactness, rec.why_not_exact) == ("construction", None)
    assert (rec.notes, rec.gaps) == ({"site": "weiher"}, [])
    assert rec.info["play_length"] == 960_000
    assert "blob_checksums" not in rec.info
    assert repr(rec).startswith("<Recording 'weiher_20260512_030000': 0:00:20, 1 ch, 48000 Hz, from 2026-05-12")


def test_kept_ultrasound_has_its_real_rate(store_url: str) -> None:
    bats = opus_zarr.open(f"{store_url}/bats_20260512_220000")
    assert (bats.sample_rate, bats.real_rate, bats.frames, bats.duration) == (48_000, 250_000, 250_000, 1)
    assert bats.with_output(sample_rate=24_000).real_rate == 125_000
    assert bats.read_seconds(0.25, 0.5).shape == (62_500, 1)
    assert bats.utc_of(125_000) == np.datetime64("2026-05-12T22:00:00.5", "ns")


def test_any_index_is_that_of_the_whole(recording: Recording) -> None:
    whole = recording[:]
    assert whole.shape == recording.shape
    chosen = random.Random(1)
    edges = [None, 0, 1, -1, 7, recording.frames, -recording.frames, 10 * recording.frames]
    steps = [None, 1, 2, -1, -7, 1000]

    def edge() -> int | None:
        return chosen.choice([*edges, chosen.randrange(recording.frames)])

    for _ in range(60):
        frames = slice(edge(), edge(), chosen.choice(steps))
        channels = chosen.choice([0, -1, slice(None), [0], ...])
        assert np.array_equal(recording[frames, channels], whole[frames, channels]), (frames, channels)
        number = chosen.randrange(-recording.frames, recording.frames)
        assert np.array_equal(recording[number], whole[number])
        assert recording[number, 0] == whole[number, 0]
    assert np.array_equal(recording[...], whole)
    assert np.array_equal(np.asarray(recording), whole)


@pytest.mark.parametrize("index", [10**9, -(10**9), "a", 1.5, [1, 2], (0, 0, 0), (0, 9), None])
def test_a_wrong_index_is_an_error(store_url: str, index: object) -> None:
    rec = opus_zarr.open(f"{store_url}/weiher_20260512_033000")
    with pytest.raises(IndexError):
        rec[index]


def test_reads_of_every_type_are_the_same(recording: Recording) -> None:
    start, stop = 4_321, 34_567
    floats = recording.read(start, stop)
    assert np.array_equal(recording.read(start, stop, dtype="float64"), floats.astype("float64"))
    shorts = recording.read(start, stop, dtype="int16")
    assert np.array_equal(shorts, np.clip(np.rint(floats * 32_768), -32_768, 32_767).astype("int16"))
    for dtype in ("float32", "int16", "float64"):
        out = np.full((stop - start, recording.channels), 9, dtype)
        assert recording.read(start, stop, out=out) is out
        assert np.array_equal(out, recording.read(start, stop, dtype=dtype))
    strided = np.zeros((2 * (stop - start), recording.channels), "float32")[::2]
    assert np.array_equal(recording.read(start, stop, out=strided), floats)


def test_an_array_to_read_into_must_fit(store_url: str) -> None:
    rec = opus_zarr.open(f"{store_url}/weiher_20260512_033000")
    fixed = np.zeros((10, 1), "float32")
    fixed.flags.writeable = False
    for out in (np.zeros((9, 1), "float32"), np.zeros((10, 1), "int8"), fixed):
        with pytest.raises(ValueError):
            rec.read(0, 10, out=out)
    for start, stop in ((5, 3), (-1, 3), (0, rec.frames + 1)):
        with pytest.raises(IndexError):
            rec.read(start, stop)


@pytest.mark.parametrize("rate", [24_000, 16_000, 12_000, 8_000])
@pytest.mark.parametrize("channels", ["all", "mono", [0]])
def test_any_slice_of_any_output_is_that_of_the_whole(
    recording: Recording, rate: int, channels: opus_zarr._recording.Channels
) -> None:
    out = recording.with_output(sample_rate=rate, channels=channels)
    whole, chosen = out[:], random.Random(rate)
    assert out.frames == -(-recording.frames * rate // 48_000)
    assert out.channels == (recording.channels if channels == "all" else 1)
    for _ in range(12):
        start = chosen.randrange(out.frames)
        stop = chosen.choice([start, start + 1, out.frames, chosen.randrange(start, out.frames)])
        assert np.array_equal(out[start:stop], whole[start:stop]), (start, stop)
    starts = [chosen.randrange(out.frames) for _ in range(6)]
    starts += [starts[0] + 3, starts[0] - 500, 0, out.frames - 5]
    for row, start in zip(out.read_many(starts, 900), starts):
        expected = np.zeros_like(row)
        first, last = max(start, 0), min(start + 900, out.frames)
        expected[first - start : last - start] = whole[first:last]
        assert np.array_equal(row, expected), start
    # A frame stands for the same moment at every rate.
    assert out.utc_of(rate // 2) == recording.utc_of(24_000)


def test_adjacent_seconds_are_adjacent(recording: Recording) -> None:
    cuts = [0, 0.1, 0.3333333, 0.33334, 0.7, recording.duration]
    parts = [recording.read_seconds(*span) for span in zip(cuts, cuts[1:])]
    assert np.array_equal(np.concatenate(parts), recording[:])
    assert np.array_equal(recording.read_seconds(0.3333333), recording[len(parts[0]) + len(parts[1]) :])
    with pytest.raises(IndexError):
        recording.read_seconds(-1, 1)


def test_times_have_many_forms(store_url: str) -> None:
    rec = opus_zarr.open(f"{store_url}/weiher_20260512_033000")
    expected = rec[96_000:144_000]
    utc, berlin = datetime.timezone.utc, datetime.timezone(datetime.timedelta(hours=2))
    times = [
        ("2026-05-12T03:30:02Z", "2026-05-12T03:30:03Z"),
        ("2026-05-12T05:30:02+02:00", "2026-05-12T05:30:03+02:00"),
        (np.datetime64("2026-05-12T03:30:02"), np.datetime64("2026-05-12T03:30:03", "ns")),
        (datetime.datetime(2026, 5, 12, 3, 30, 2, tzinfo=utc), "2026-05-12T03:30:03Z"),
        (datetime.datetime(2026, 5, 12, 5, 30, 2, tzinfo=berlin), "2026-05-12T03:30:03Z"),
    ]
    for start, stop in times:
        assert np.array_equal(rec.read_utc(start, stop), expected)
    assert np.array_equal(rec.read_utc("2026-05-12T03:30:02Z..+1s"), expected)
    assert np.array_equal(rec.read_utc("05:30:02..+1s", on="2026-05-12", tz="Europe/Zurich"), expected)
    for start in (datetime.datetime(2026, 5, 12), "2026-05-12T03:30:02", "2026-05-12T02:00Z", "at noon"):
        with pytest.raises(ValueError):
            rec.read_utc(start, "2026-05-12T03:30:03Z")
    with pytest.raises(TypeError):
        rec.read_utc(5, 6)


def test_a_batch_is_its_reads(recording: Recording) -> None:
    whole, frames = recording[:], 3_000
    starts = [-10, 0, 5, 5, recording.frames - 1, recording.frames + 5, -frames, 20_000, 1_000]
    for dtype in ("float32", "int16", "float64"):
        batch = recording.read_many(np.array(starts), frames, dtype=dtype)
        assert batch.shape == (len(starts), frames, recording.channels)
        whole_of_type = recording.read(dtype=dtype)
        for row, start in zip(batch, starts):
            expected = np.zeros_like(row)
            first, last = max(start, 0), max(min(start + frames, len(whole)), 0)
            if first < last:
                expected[first - start : last - start] = whole_of_type[first:last]
            assert np.array_equal(row, expected), start
    out = np.full((2, frames, recording.channels), np.nan, "float32")
    assert recording.read_many([7, -frames], frames, out=out) is out
    assert np.array_equal(out[0], whole[7 : 7 + frames]) and not out[1].any()
    with pytest.raises(IndexError, match="row 1"):
        recording.read_many([0, -1], frames, pad=None)
    assert recording.read_many([], frames).shape == (0, frames, recording.channels)


def test_blocks_are_the_whole(recording: Recording) -> None:
    whole = recording[:]
    for size, overlap in ((7_000, 0), (48_000, 100), (10**7, 3)):
        blocks = list(recording.blocks(size, overlap))
        assert [len(block) for block in blocks[:-1]] == [size] * (len(blocks) - 1)
        parts = [block[overlap if number else 0 :] for number, block in enumerate(blocks)]
        assert np.array_equal(np.concatenate(parts), whole)
    *_, last = recording.blocks(7_000, fill_value=0.5)
    assert last.shape == (7_000, recording.channels)
    with pytest.raises(ValueError):
        next(recording.blocks(5, 5))


def test_samples_like_those_of_torchcodec(store_url: str) -> None:
    rec = opus_zarr.open(f"{store_url}/ried_20260512_030000")
    samples = rec.get_samples_played_in_range(1.5, 2)
    assert np.array_equal(samples.data, rec[72_000:96_000].T)
    assert samples[1:] == (1.5, 0.5, 48_000)


def test_reads_do_not_block_an_event_loop(recording: Recording) -> None:
    async def all_of_it() -> list[np.ndarray]:
        starts = range(0, recording.frames - 1_000, recording.frames // 20)
        return list(await asyncio.gather(*(recording.aread(at, at + 1_000) for at in starts)))

    parts = asyncio.run(all_of_it())
    assert np.array_equal(parts[3], recording[3 * (recording.frames // 20) :][:1_000])


def test_a_notebook_shows_a_picture_and_a_player(recording: Recording) -> None:
    html = recording._repr_html_()
    assert "data:image/png;base64," in html and "<audio controls" in html
    assert recording.name in html
