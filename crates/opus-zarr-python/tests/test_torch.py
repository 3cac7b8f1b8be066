"""``opus_zarr.torch`` in real loaders of PyTorch: every crop is, bit for bit, what the recording reads."""

from __future__ import annotations

import collections
import copy
import json
import os
import pathlib
import pickle
import shutil
import typing

import numpy as np
import pytest

import opus_zarr

torch = pytest.importorskip("torch")

from torch.utils.data import DataLoader  # noqa: E402

from opus_zarr.torch import Crop, CropBatch, Crops, CropStream  # noqa: E402

# The parent of a fork has read with threads.
pytestmark = pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")

Rows = typing.List[typing.Dict[str, typing.Any]]
Key = typing.Tuple[str, int, bytes]

IS_FULL = "OPUS_ZARR_FULL" in os.environ

CORPUS = pathlib.Path(
    os.environ.get("OPUS_ZARR_CORPUS", pathlib.Path(__file__).parents[3].parent / "shared/corpus")
)


@pytest.fixture(scope="module")
def rows(store_url: str) -> Rows:
    """The recordings at 48 kHz, of one and of two channels."""
    catalogue = opus_zarr.open_store(store_url).catalogue()
    return [row for row in catalogue if row["real_rate"] == 48_000]


@pytest.fixture
def crops(rows: Rows, store_url: str) -> Crops:
    return Crops(rows, 0.25, seed=5, store=store_url, channels="mono")


def test_a_crop_is_what_the_recording_reads(rows: Rows, store_url: str) -> None:
    outputs: list[dict[str, typing.Any]] = [
        {},
        {"sample_rate": 16_000},
        {"sample_rate": 8_000},
        {"channels": [0]},
    ]
    dtypes: list[typing.Literal["float32", "int16"]] = ["float32", "int16"]
    for output in outputs:
        for dtype in dtypes:
            chosen = rows if output.get("channels") else [row for row in rows if row["channels"] == 1]
            crops = Crops(chosen, 0.1001, seed=1, store=store_url, dtype=dtype, **output)
            frames = 4805 * output.get("sample_rate", 48_000) // 48_000
            _check(crops[0], frames, store_url, dtype, output)
            # Of those that are read together, some overlap.
            for crop in crops.__getitems__(range(0, len(crops), 3)):
                _check(crop, frames, store_url, dtype, output)


def test_crops_at_a_lower_rate_begin_at_the_next_frame_and_fit(rows: Rows, store_url: str) -> None:
    mono = [row for row in rows if row["channels"] == 1]
    # Of all but a few of the samples, so that crops lie at the very end.
    for seconds in (0.25, 0.3001, (480_000 - 2) / 48_000):
        whole = Crops(mono, seconds, store=store_url)
        for rate in (24_000, 16_000, 12_000, 8_000):
            ratio = 48_000 // rate
            fewer = Crops(mono, seconds, store=store_url, sample_rate=rate)
            places = [(name, -(-start // ratio)) for name, start in _places(whole)]
            assert _places(fewer) == places
            assert fewer[0].samples.shape == (1, whole[0].samples.shape[1] // ratio)


def test_kept_ultrasound_is_cut_by_real_time(store_url: str) -> None:
    rows = [row for row in opus_zarr.open_store(store_url).catalogue() if row["real_rate"] != 48_000]
    crops = Crops(rows, 0.01, store=store_url)
    assert len(crops) == 100
    assert crops[0].samples.shape == (1, 2_500)
    _check(crops[3], 2_500, store_url)


def test_two_channels_are_rows_of_a_writable_tensor(rows: Rows, store_url: str) -> None:
    stereo = [row for row in rows if row["channels"] == 2]
    crop = Crops(stereo, 0.5, store=store_url)[0]
    assert crop.samples.shape == (2, 24_000) and crop.samples.is_contiguous()
    _check(crop, 24_000, store_url)
    crop.samples.add_(1)
    crop.samples.numpy()[0, 0] = 7
    assert crop.samples[0, 0] == 7


@pytest.mark.parametrize("workers", [0, 1, 2])
def test_loaders_return_the_same_crops_whatever_their_workers(
    crops: Crops, store_url: str, workers: int
) -> None:
    # The parent reads first, so that a fork inherits what must not be used.
    expected = [_key(crops[number]) for number in range(len(crops))]
    _check(crops[0], 12_000, store_url, output={"channels": "mono"})
    for dataset, batch_size in ((crops, 16), (CropStream(crops, 16), None)):
        loader = DataLoader(
            dataset,
            batch_size=batch_size,
            num_workers=workers,
            multiprocessing_context="fork" if workers else None,
        )
        batches = list(loader)
        assert len(batches) == len(loader) == -(-len(crops) // 16)
        assert [key for batch in batches for key in _keys(batch)] == expected


@pytest.mark.parametrize(("is_stream", "workers"), [(True, 1)] + [(True, 2), (False, 2)] * IS_FULL)
def test_spawned_workers_return_the_same_crops(crops: Crops, is_stream: bool, workers: int) -> None:
    # Each takes seconds to import torch.
    dataset = CropStream(crops, 16) if is_stream else crops
    loader = DataLoader(
        dataset, batch_size=None if is_stream else 16, num_workers=workers, multiprocessing_context="spawn"
    )
    assert [key for batch in loader for key in _keys(batch)] == [_key(crop) for crop in _all(crops)]


def test_the_comparison_sees_an_off_by_one(crops: Crops, store_url: str) -> None:
    crop = crops[4]
    for wrong in (
        crop._replace(start=crop.start + 1),
        crop._replace(samples=crop.samples.roll(1, dims=1)),
        crop._replace(samples=crop.samples[:, :-1]),
    ):
        with pytest.raises(AssertionError):
            _check(wrong, 12_000, store_url, output={"channels": "mono"})


def test_ranks_together_draw_what_one_does(rows: Rows, store_url: str, crops: Crops) -> None:
    whole = [_key(crop) for crop in _all(crops)]
    for world in (2, 3):
        parts = [
            [
                _key(crop)
                for crop in _all(Crops(rows, 0.25, 5, rank, world, store=store_url, channels="mono"))
            ]
            for rank in range(world)
        ]
        assert {len(part) for part in parts} == {len(whole) // world}
        woven = [key for together in zip(*parts) for key in together]
        assert woven == whole[: len(woven)]


def test_epochs_differ_and_repeat(crops: Crops) -> None:
    first = _places(crops)
    crops.set_epoch(1)
    second = _places(crops)
    assert crops.epoch == 1 and second != first
    crops.set_epoch(0)
    assert _places(crops) == first


def test_workers_that_persist_follow_the_epoch(crops: Crops) -> None:
    # A copy, as another program of a cluster would get.
    crops = pickle.loads(pickle.dumps(crops))
    loader = DataLoader(crops, batch_size=50, num_workers=2, persistent_workers=True)
    stream = copy.deepcopy(CropStream(crops, 50))
    batches = DataLoader(stream, batch_size=None, num_workers=2, persistent_workers=True)
    seen = []
    for epoch in (0, 1, 0):
        crops.set_epoch(epoch)
        stream.set_epoch(epoch)
        seen.append([key for batch in loader for key in _keys(batch)])
        assert [key for batch in batches for key in _keys(batch)] == seen[-1]
    assert seen[0] == seen[2] != seen[1]


@pytest.mark.parametrize("workers", [0, 2])
def test_a_stream_goes_on_in_the_middle(crops: Crops, workers: int) -> None:
    stream = CropStream(crops, 16)
    stream.set_epoch(2)
    whole = [_keys(batch) for batch in stream]
    batches = iter(stream)
    for _ in range(3):
        next(batches)
    state = json.loads(json.dumps(stream.state_dict()))
    assert state == {"epoch": 2, "crops": 48}
    later = CropStream(crops, 16)
    later.load_state_dict(state)
    assert later.state_dict() == state
    loader = DataLoader(later, batch_size=None, num_workers=workers)
    assert [_keys(batch) for batch in loader] == whole[3:]
    later.set_epoch(2)
    assert [_keys(batch) for batch in loader] == whole
    # Other batches, the same crops.
    later = CropStream(crops, 7)
    later.load_state_dict(state)
    assert [key for batch in later for key in _keys(batch)] == sum(whole[3:], [])


@pytest.mark.filterwarnings("default")
@pytest.mark.parametrize("workers", [0, 2] + [3] * IS_FULL)
def test_a_stateful_loader_goes_on_in_the_middle(crops: Crops, workers: int) -> None:
    stateful = pytest.importorskip("torchdata.stateful_dataloader").StatefulDataLoader
    whole = [_keys(batch) for batch in CropStream(crops, 16)]
    for passed in (1, 2, 5) if IS_FULL else (3,):
        loader = stateful(CropStream(crops, 16), batch_size=None, num_workers=workers)
        batches = iter(loader)
        seen = [_keys(next(batches)) for _ in range(passed)]
        state = copy.deepcopy(loader.state_dict())
        stream = CropStream(crops, 16)
        later = stateful(stream, batch_size=None, num_workers=workers, persistent_workers=workers > 0)
        later.load_state_dict(state)
        assert seen + [_keys(batch) for batch in later] == whole
        stream.set_epoch(1)
        other = CropStream(crops, 16)
        other.set_epoch(1)
        assert [_keys(batch) for batch in later] == [_keys(batch) for batch in other]


def test_what_is_pickled_is_small_and_draws_the_same(crops: Crops) -> None:
    expected = _key(crops[9])
    text = pickle.dumps(crops)
    assert len(text) < 10_000
    assert _key(pickle.loads(text)[9]) == expected


def test_numbers_are_those_of_a_sequence(crops: Crops) -> None:
    assert _key(crops[-1]) == _key(crops[len(crops) - 1])
    assert [_key(crop) for crop in crops.__getitems__([3, 1, 3])] == [_key(crops[n]) for n in (3, 1, 3)]
    assert crops.__getitems__([]) == []
    for number in (len(crops), -len(crops) - 1):
        with pytest.raises(IndexError, match=f"crop {number} is out of range"):
            crops[number]


def test_a_catalogue_in_a_file_draws_the_same(
    rows: Rows, store_url: str, crops: Crops, tmp_path: pathlib.Path
) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in reversed(rows)))
    read = Crops(path, 0.25, seed=5, store=opus_zarr.open_store(store_url), channels="mono")
    assert _places(read) == _places(crops)


def test_a_stale_row_is_never_used(rows: Rows, store_url: str) -> None:
    for changed in ({"sha256": "0" * 64}, {"samples": 300_000}, {"start": "2026-05-12T03:00:00.5Z"}):
        crops = Crops([{**rows[0], **changed}], 0.25, store=store_url)
        with pytest.raises(opus_zarr.OpusZarrError, match="ried_20260512_030000.*catalogue") as caught:
            crops[0]
        assert caught.value.location == "ried_20260512_030000"
    with pytest.raises(FileNotFoundError, match="gone"):
        Crops([{**rows[0], "name": "gone"}], 0.25, store=store_url)[0]


def test_an_error_reaches_the_loop_from_a_worker(rows: Rows, store_url: str) -> None:
    crops = Crops([{**rows[0], "sha256": ""}], 0.25, store=store_url)
    with pytest.raises(opus_zarr.OpusZarrError, match="ried_20260512_030000"):
        _run_through(DataLoader(crops, batch_size=4, num_workers=1))


def test_wrong_arguments_say_what_was_expected(rows: Rows, store_url: str, tmp_path: pathlib.Path) -> None:
    all_rows = opus_zarr.open_store(store_url).catalogue()
    wrong: list[tuple[object, float, dict[str, typing.Any], str]] = [
        (rows, 0.25, {}, "same channels.*mono"),
        (all_rows, 0.25, {"channels": "mono"}, "same real_rate"),
        (rows, 60, {"channels": "mono"}, "at least 60s"),
        ([], 1, {}, "at least 1s"),
        (rows, 0, {}, "more than 0 seconds"),
        (rows, float("nan"), {}, "more than 0 seconds"),
        (rows, 1e-5, {"channels": "mono", "sample_rate": 8_000}, "at least one frame"),
        (rows, 0.25, {"channels": "mono", "rank": 2, "world": 2}, "below world.*rank 2 and world 2"),
        (rows, 0.25, {"channels": "mono", "rank": -1}, "rank of 0 or more"),
        (rows, 0.25, {"channels": "mono", "world": 0}, "world 0"),
        (rows, 0.25, {"channels": "mono", "seed": -1}, "seed of 0 or more"),
        (rows, 1e12, {"channels": "mono"}, "at most"),
        (rows, 0.25, {"channels": "mono", "sample_rate": 0}, "sample_rate to be one of 48000.*found 0"),
        (rows, 0.25, {"channels": "left"}, "unknown channels"),
        ([{**rows[0], "samples": None}], 1, {}, "row 0: expected a number in samples, found None"),
        (rows, 0.25, {"channels": "mono", "sample_rate": 44_100}, "44100"),
        (rows, 0.25, {"channels": "mono", "dtype": "int8"}, "int8"),
        ([{"name": "a"}], 1, {}, "row 0 .* lacks samples"),
        (tmp_path / "rows.txt", 1, {}, "jsonl"),
    ]
    for catalogue, seconds, options, message in wrong:
        with pytest.raises(ValueError, match=message):
            Crops(catalogue, seconds, store=store_url, **options)[0]  # type: ignore[arg-type]
    crops = Crops(rows, 1, store=store_url, channels="mono")
    with pytest.raises(ValueError, match="epoch of 0 or more, found -1"):
        crops.set_epoch(-1)
    with pytest.raises(ValueError, match="0 or more, found 0 and -5"):
        CropStream(crops, 8).load_state_dict({"epoch": 0, "crops": -5})
    with pytest.raises(ValueError, match="batches of 1 crop"):
        CropStream(crops, 0)


def test_a_damaged_recording_names_itself_from_a_worker(
    rows: Rows, store_url: str, tmp_path: pathlib.Path
) -> None:
    damaged = shutil.copytree(store_url, tmp_path / "damaged.zarr")
    blob = damaged / "weiher_20260512_030000/opus_blob/c/0"
    content = bytearray(blob.read_bytes())
    content[len(content) // 2] ^= 255
    blob.write_bytes(content)
    crops = Crops(rows, 0.5, store=damaged, channels="mono")
    with pytest.raises(opus_zarr.DamageError, match="weiher_20260512_030000"):
        _run_through(DataLoader(crops, batch_size=8, num_workers=1))
    intact = [number for number in range(20) if crops._drawn_in(0).place(number)[0].startswith("ried")]
    assert len(crops.__getitems__(intact)) == len(intact) > 0


@pytest.mark.skipif(not IS_FULL, reason="takes a while")
def test_ten_thousand_crops_leave_memory_as_it_was(rows: Rows, store_url: str) -> None:
    psutil = pytest.importorskip("psutil")
    crops = Crops(rows, 0.05, store=store_url, channels="mono")
    sizes = []
    for _ in range(5):
        for first in range(0, 2_000, 50):
            crops.__getitems__([number % len(crops) for number in range(first, first + 50)])
        sizes.append(psutil.Process().memory_info().rss)
    assert sizes[-1] - sizes[1] < 4 << 20


@pytest.mark.skipif(not IS_FULL or not CORPUS.exists(), reason="needs the corpus, and takes a while")
def test_crops_of_real_recordings(tmp_path: pathlib.Path) -> None:
    files = sorted(CORPUS.rglob("*.opus"), key=lambda path: path.stat().st_size)
    url = str(tmp_path / "real.zarr")
    for number, path in enumerate(files):
        try:
            opus_zarr.import_(path, url, exact=True, names=f"{number:04}-{{stem}}")
        except opus_zarr.ImportFailedError:
            # Some are broken on purpose.
            continue
    store = opus_zarr.open_store(url)
    rows = [row for row in store.catalogue() if row["seconds"] >= 0.5 and row["is_exact"]][:20]
    assert len(rows) == 20
    drawn = set()
    outputs: list[dict[str, typing.Any]] = [
        {"channels": "mono"},
        {"channels": "mono", "sample_rate": 16_000},
        {"channels": [0]},
    ]
    for seed, output in enumerate(outputs):
        crops = Crops(rows, 0.2, seed, store=url, **output)
        frames = 9_600 * output.get("sample_rate", 48_000) // 48_000
        for batch in DataLoader(crops, batch_size=16, num_workers=2):
            for crop in zip(batch.samples, batch.recording, batch.start.tolist()):
                _check(Crop(*crop), frames, url, output=output)
                drawn.add(crop[1])
    assert len(drawn) == 20


def _check(
    crop: Crop,
    frames: int,
    store_url: str,
    dtype: str = "float32",
    output: dict[str, typing.Any] = {},
) -> None:
    """That a crop is, bit for bit, what the recording reads there."""
    recording = opus_zarr.open(f"{store_url}/{crop.recording}").with_output(**output)
    assert crop.samples.dtype == getattr(torch, dtype)
    expected = recording.read(crop.start, crop.start + frames, dtype=dtype).T
    assert crop.samples.shape == expected.shape
    assert crop.samples.numpy().tobytes() == expected.tobytes()


def _run_through(loader: typing.Any) -> None:
    batches = iter(loader)
    try:
        collections.deque(batches, maxlen=0)
    finally:
        # What holds an exception delays this, and then the garbage collector waits 5 s for the workers.
        batches._shutdown_workers()


def _key(crop: Crop) -> Key:
    return crop.recording, crop.start, crop.samples.numpy().tobytes()


def _keys(batch: CropBatch) -> list[Key]:
    return [_key(Crop(*crop)) for crop in zip(batch.samples, batch.recording, batch.start.tolist())]


def _all(crops: Crops) -> list[Crop]:
    return crops.__getitems__(range(len(crops)))


def _places(crops: Crops) -> list[tuple[str, int]]:
    found = crops.__getitems__(range(min(len(crops), 20)))
    return [(crop.recording, crop.start) for crop in found]
