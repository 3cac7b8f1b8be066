"""AudioStore with the real zarr, dask and xarray."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import pathlib
import pickle
import shutil
import typing

import numpy as np
import pytest

import opus_zarr

zarr = pytest.importorskip("zarr")

from zarr.abc.store import OffsetByteRequest, RangeByteRequest, SuffixByteRequest  # noqa: E402
from zarr.core.buffer import default_buffer_prototype  # noqa: E402

from opus_zarr import AudioStore  # noqa: E402

NAMES = ["bats_20260512_220000", "ried_20260512_030000", "weiher_20260512_030000", "weiher_20260512_033000"]
WEIHER = "weiher_20260512_030000"
RIED = "ried_20260512_030000"


def keys(store: AudioStore, prefix: str = "") -> list[str]:
    async def listed() -> list[str]:
        return [key async for key in store.list_prefix(prefix)]

    return asyncio.run(listed())


def entries(store: AudioStore, prefix: str) -> list[str]:
    async def listed() -> list[str]:
        return [entry async for entry in store.list_dir(prefix)]

    return asyncio.run(listed())


def value(store: AudioStore, key: str, part: typing.Any = None) -> bytes | None:
    found = store.get_sync(key, byte_range=part)
    return None if found is None else found.to_bytes()


def flip_a_bit(recording: pathlib.Path) -> None:
    """Damages the middle of the largest file, which has the audio."""
    files = [file for file in recording.rglob("*") if file.is_file()]
    blob = max(files, key=lambda file: file.stat().st_size)
    data = bytearray(blob.read_bytes())
    data[len(data) // 2] ^= 0x10
    blob.write_bytes(data)


@pytest.mark.parametrize("dtype", ["int16", "float32"])
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("chunk_seconds", [1, 0.3])
def test_arrays_have_the_samples_of_the_recording(
    store_url: str, name: str, dtype: typing.Any, chunk_seconds: float
) -> None:
    recording = opus_zarr.open(f"{store_url}/{name}")
    array = zarr.open_group(AudioStore(store_url, dtype=dtype, chunk_seconds=chunk_seconds))[f"{name}/audio"]
    assert array.shape == recording.shape
    assert array.chunks == (round(chunk_seconds * 48_000), recording.channels)
    assert array.metadata.dimension_names == ("frame", "channel")
    expected = recording.read(dtype=dtype)
    assert np.array_equal(array[:], expected)
    assert np.array_equal(array[47_990:48_011, -1], expected[47_990:48_011, -1])


def test_attributes_tell_the_clock(store_url: str) -> None:
    root = zarr.open_group(AudioStore(store_url))
    bats = dict(root["bats_20260512_220000/audio"].attrs)
    assert bats["sampling_rate"] == 250_000
    assert bats["start"] == "2026-05-12T22:00:00.000000000Z"
    assert float(bats["units"]) == 1 / 32_768
    assert np.array_equal(opus_zarr.open(bats["url"])[:10], opus_zarr.open(f"{store_url}/{NAMES[0]}")[:10])


def test_a_recording_without_a_start_has_no_such_attribute(
    card: pathlib.Path, tmp_path: pathlib.Path
) -> None:
    shutil.copy(card / f"{RIED}.wav", tmp_path / "some.wav")
    opus_zarr.import_(tmp_path / "some.wav", tmp_path / "a.zarr")
    assert "start" not in zarr.open_array(AudioStore(tmp_path / "a.zarr"), path="some/audio").attrs


def test_every_way_to_open_it_works(store_url: str) -> None:
    store = AudioStore(store_url)
    assert sorted(zarr.open(store).group_keys()) == NAMES
    assert zarr.open_group(store, mode="r").metadata.consolidated_metadata is not None
    assert zarr.open_consolidated(store)[f"{RIED}/audio"].shape == (384_000, 2)
    assert zarr.open_array(store, path=f"{RIED}/audio").shape == (384_000, 2)
    assert zarr.open_array(store, path=f"{RIED}/audio", mode="r").read_only
    assert zarr.open_group(store, path=RIED)["audio"].shape == (384_000, 2)
    assert zarr.open_group(store, use_consolidated=False)[RIED]["audio"].shape == (384_000, 2)


def test_dask_and_xarray_read_it(store_url: str) -> None:
    da = pytest.importorskip("dask.array")
    xr = pytest.importorskip("xarray")
    expected = opus_zarr.open(f"{store_url}/{RIED}").read(dtype="int16")
    store = AudioStore(store_url)
    assert np.array_equal(da.from_zarr(store, component=f"{RIED}/audio").compute(), expected)
    assert np.array_equal(xr.open_zarr(store, group=RIED).audio.values, expected)
    assert np.array_equal(xr.open_zarr(AudioStore(f"{store_url}/{RIED}")).audio.values, expected)
    tree = xr.open_datatree(store, engine="zarr")
    assert sorted(tree.children) == NAMES
    assert tree[RIED].audio.dims == ("frame", "channel")


def test_the_root_of_a_recording_is_its_group(store_url: str, tmp_path: pathlib.Path) -> None:
    recording = opus_zarr.open(f"{store_url}/{RIED}")
    store = AudioStore(f"{store_url}/{RIED}")
    assert np.array_equal(zarr.open_group(store)["audio"][:], recording.read(dtype="int16"))
    assert entries(store, "") == ["zarr.json", "audio"]
    (tmp_path / "ried.opus").write_bytes(recording.ogg_opus())
    alone = zarr.open_group(AudioStore(tmp_path / "ried.opus"))["audio"]
    assert np.array_equal(alone[:100], opus_zarr.open(tmp_path / "ried.opus").read(0, 100, dtype="int16"))


def test_patterns_select_recordings(store_url: str) -> None:
    assert sorted(zarr.open_group(AudioStore(store_url, "weiher_*", "ried*"))) == NAMES[1:]
    rows = opus_zarr.open_store(store_url).catalogue()
    assert sorted(zarr.open_group(AudioStore(store_url, "weiher_*", catalogue=rows))) == NAMES[2:]
    assert value(AudioStore(store_url, "weiher_*"), f"{RIED}/zarr.json") is None


def test_a_missing_store_or_option_is_named(store_url: str, tmp_path: pathlib.Path) -> None:
    with pytest.raises(FileNotFoundError, match="neither a store nor a recording"):
        AudioStore(tmp_path / "none.zarr")
    with pytest.raises(ValueError, match="patterns select recordings of a store"):
        AudioStore(f"{store_url}/{RIED}", "ried*")
    with pytest.raises(ValueError, match="expected int16 or float32"):
        AudioStore(store_url, dtype=typing.cast(typing.Any, "int32"))
    with pytest.raises(ValueError, match="at least one frame, found 0"):
        AudioStore(store_url, chunk_seconds=0)


def test_with_a_catalogue_nothing_is_opened_before_audio_is_read(
    store_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = opus_zarr.open_store(store_url).catalogue()
    names: list[str] = []
    open_ = opus_zarr._recording.opened

    def noted(place: typing.Any, output: typing.Any) -> typing.Any:
        names.append(place.name)
        return open_(place, output)

    monkeypatch.setattr(opus_zarr._recording, "opened", noted)
    opus_zarr._layouts.opened.cache_clear()
    store = AudioStore(store_url, catalogue=rows)
    root = zarr.open_group(store)
    assert len(keys(store)) == 1 + 4 * 2 + 6 + 8 + 20 + 10
    assert value(store, "zarr.json") == value(AudioStore(store_url), "zarr.json")
    names.clear()
    root = zarr.open_group(pickle.loads(pickle.dumps(store)))
    assert root[f"{WEIHER}/audio"].shape == (960_000, 1)
    assert names == []
    root[f"{WEIHER}/audio"][:10]
    root[f"{WEIHER}/audio"][50_000:60_000]
    assert names == [WEIHER]


def test_a_stale_row_is_an_error(store_url: str) -> None:
    rows = opus_zarr.open_store(store_url).catalogue()
    changes: list[dict[str, typing.Any]] = [
        {"sha256": "0" * 64}, {"drift_ppt": 5}, {"start": "2026-05-12T03:00:01Z"}, {"samples": 959_999}
    ]
    for change in changes:
        stale = [{**row, **change} if row["name"] == WEIHER else row for row in rows]
        array = zarr.open_group(AudioStore(store_url, catalogue=stale))[f"{WEIHER}/audio"]
        with pytest.raises(opus_zarr.OpusZarrError, match=f"{WEIHER}.* no longer what its catalogue says"):
            array[:10]


def test_damage_is_an_error_and_never_silence(store_url: str, tmp_path: pathlib.Path) -> None:
    shutil.copytree(store_url, tmp_path / "a.zarr")
    flip_a_bit(tmp_path / "a.zarr" / WEIHER)
    array = zarr.open_group(AudioStore(tmp_path / "a.zarr"))[f"{WEIHER}/audio"]
    with pytest.raises(opus_zarr.DamageError):
        array[:]
    da = pytest.importorskip("dask.array")
    with pytest.raises(opus_zarr.DamageError):
        da.from_zarr(array).compute()
    expected = opus_zarr.open(f"{store_url}/{WEIHER}").read(0, 48_000, dtype="int16")
    assert np.array_equal(array[:48_000], expected)


def test_a_recording_that_vanishes_is_an_error(store_url: str, tmp_path: pathlib.Path) -> None:
    shutil.copytree(store_url, tmp_path / "a.zarr")
    rows = opus_zarr.open_store(tmp_path / "a.zarr").catalogue()
    array = zarr.open_group(AudioStore(tmp_path / "a.zarr", catalogue=rows))[f"{WEIHER}/audio"]
    shutil.rmtree(tmp_path / "a.zarr" / WEIHER)
    with pytest.raises(FileNotFoundError, match=WEIHER):
        array[:10]


def test_a_recording_that_cannot_be_opened_is_named(store_url: str, tmp_path: pathlib.Path) -> None:
    shutil.copytree(store_url, tmp_path / "a.zarr")
    document = tmp_path / "a.zarr" / WEIHER / "zarr.json"
    document.write_text(document.read_text()[:2_000])
    store = AudioStore(tmp_path / "a.zarr")
    with pytest.warns(UserWarning, match=f"'{WEIHER}' is not in the group"):
        root = zarr.open_group(store)
    assert sorted(root) == [name for name in NAMES if name != WEIHER]
    with pytest.raises(opus_zarr.DamageError):
        zarr.open_array(store, path=f"{WEIHER}/audio")


def test_values_are_the_same_bytes_for_every_range(store_url: str) -> None:
    store, key = AudioStore(store_url), f"{RIED}/audio/c/3/0"
    whole = value(store, key)
    assert whole is not None and len(whole) == 48_000 * 2 * 2
    assert value(store, key) == value(AudioStore(store_url), key) == whole
    assert value(store, key, RangeByteRequest(10, 3_001)) == whole[10:3_001]
    assert value(store, key, RangeByteRequest(191_000, 999_999)) == whole[191_000:]
    assert value(store, key, OffsetByteRequest(77_777)) == whole[77_777:]
    assert value(store, key, SuffixByteRequest(5)) == whole[-5:]
    assert value(store, key, SuffixByteRequest(len(whole) + 5)) == whole

    async def parts() -> list[typing.Any]:
        requests = [(key, RangeByteRequest(0, 4)), ("nothing", None), (key, SuffixByteRequest(4))]
        return await store.get_partial_values(default_buffer_prototype(), requests)

    first, nothing, last = asyncio.run(parts())
    assert (first.to_bytes(), nothing, last.to_bytes()) == (whole[:4], None, whole[-4:])


def test_the_last_chunk_is_padded_with_zeros(store_url: str) -> None:
    data = value(AudioStore(store_url), "bats_20260512_220000/audio/c/5/0")
    assert data is not None
    samples = np.frombuffer(data, "<i2")
    expected = opus_zarr.open(f"{store_url}/bats_20260512_220000").read(240_000, dtype="int16")[:, 0]
    assert np.array_equal(samples[:10_000], expected) and expected.any()
    assert len(samples) == 48_000 and not samples[10_000:].any()


def test_keys_are_listed_and_exist(store_url: str) -> None:
    store = AudioStore(store_url)
    listed = keys(store)
    assert len(listed) == len(set(listed)) == 1 + 4 * 2 + 6 + 8 + 20 + 10
    for key in listed:
        data = value(store, key)
        assert data is not None and asyncio.run(store.exists(key))
        assert asyncio.run(store.getsize(key)) == len(data)
    assert keys(store, f"{RIED}/audio/c/") == [f"{RIED}/audio/c/{number}/0" for number in range(8)]
    assert entries(store, "") == ["zarr.json", *NAMES]
    assert entries(store, f"{RIED}/") == entries(store, RIED) == ["zarr.json", "audio"]
    assert entries(store, f"{RIED}/audio") == ["zarr.json", "c"]
    assert entries(store, f"{RIED}/audio/c") == [str(number) for number in range(8)]
    assert entries(store, f"{RIED}/audio/c/7") == ["0"]
    assert entries(store, f"{RIED}/audio/c/8") == entries(store, "none") == []


@pytest.mark.parametrize(
    "key",
    ["", "none", "c/0/0", f"{RIED}", f"{RIED}/audio", f"{RIED}/audio/c/8/0", f"{RIED}/audio/c/0/1",
     f"{RIED}/audio/c/00/0", f"{RIED}/audio/c/-1/0", f"{RIED}/audio/c/٣/0", f"{RIED}/audio/c/0/0/0",
     f"{RIED}/opus_blob/zarr.json", f"{RIED}/.zarray", f"none/audio/c/0/0", "../zarr.json"],
)
def test_other_keys_do_not_exist(store_url: str, key: str) -> None:
    store = AudioStore(store_url)
    assert value(store, key) is None
    assert not asyncio.run(store.exists(key))
    with pytest.raises(FileNotFoundError):
        asyncio.run(store.getsize(key))


def test_writes_fail(store_url: str) -> None:
    store = AudioStore(store_url)
    root = zarr.open_group(store)
    message = "an AudioStore is read-only"
    with pytest.raises(ValueError, match=message):
        root[f"{RIED}/audio"][:10] = 1
    with pytest.raises(ValueError, match=f"cannot write 'new/zarr.json': {message}"):
        root.create_group("new")
    with pytest.raises(ValueError, match=message):
        root.attrs["a"] = 1
    for write in (store.delete(f"{RIED}/zarr.json"), store.delete_dir(RIED), store.clear()):
        with pytest.raises(ValueError, match=message):
            asyncio.run(write)
    with pytest.raises(ValueError, match=message):
        zarr.open_group(store, mode="w")
    with pytest.raises(FileExistsError):
        zarr.open_group(store, mode="w-")


def test_it_survives_pickle(store_url: str) -> None:
    store = AudioStore(store_url, dtype="float32")
    array = zarr.open_array(store, path=f"{RIED}/audio")
    expected = array[:1000]
    copy = pickle.loads(pickle.dumps(store))
    assert copy == store and hash(copy) == hash(store)
    assert store != AudioStore(store_url) and store != AudioStore(store_url, "ried*", dtype="float32")
    assert np.array_equal(pickle.loads(pickle.dumps(array))[:1000], expected)


def _child(array: typing.Any, expected: typing.Any) -> None:
    os._exit(0 if np.array_equal(array[:100_000], expected) else 1)


@pytest.mark.skipif("fork" not in multiprocessing.get_all_start_methods(), reason="no fork")
@pytest.mark.filterwarnings("ignore:.*use of fork.*:DeprecationWarning")
def test_it_survives_a_fork(store_url: str) -> None:
    array = zarr.open_array(AudioStore(store_url), path=f"{WEIHER}/audio")
    expected = array[:100_000]
    child = multiprocessing.get_context("fork").Process(target=_child, args=(array, expected))
    child.start()
    child.join(30)
    assert child.exitcode == 0
