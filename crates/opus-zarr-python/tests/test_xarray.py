"""The engine of xarray, with the real xarray and dask."""

from __future__ import annotations

import datetime
import pathlib
import pickle
import typing

import numpy as np
import pytest

import opus_zarr

xr = pytest.importorskip("xarray")
pd = pytest.importorskip("pandas")
pytest.importorskip("dask.array")

from opus_zarr.xarray import OpusZarrBackend  # noqa: E402

WEIHER = "weiher_20260512_030000"
RIED = "ried_20260512_030000"
BATS = "bats_20260512_220000"
UTC = datetime.timezone.utc
MORNING = "2026-05-12T03:00:12Z"


def opened(store_url: str, name: str = WEIHER, **options: typing.Any) -> typing.Any:
    return xr.open_dataset(f"{store_url}/{name}", engine=OpusZarrBackend, **options)


@pytest.mark.parametrize("dtype", ["float32", "int16"])
@pytest.mark.parametrize("chunks", [None, {}, {"frame": 480_000}])
@pytest.mark.parametrize("name", [WEIHER, RIED, BATS])
def test_it_has_the_samples_of_the_recording(
    store_url: str, name: str, dtype: typing.Any, chunks: typing.Any
) -> None:
    dataset = opened(store_url, name, dtype=dtype, chunks=chunks)
    expected = opus_zarr.open(f"{store_url}/{name}").read(dtype=dtype)
    assert dataset.audio.dims == ("frame", "channel") and dataset.audio.dtype == dtype
    assert np.array_equal(dataset.audio.values, expected)


@pytest.mark.parametrize("chunks", [None, {}])
@pytest.mark.parametrize(
    "index",
    [
        np.s_[10:20], np.s_[5], np.s_[-1, 1], np.s_[::-7, 0], np.s_[100:0:-3, ::-1], np.s_[3:3],
        np.s_[[5, 3, 99_999, 3], 1], np.s_[47_990:48_010, [1, 0]], np.s_[-10:],
    ],
    ids=str,
)
def test_it_indexes_like_numpy(store_url: str, index: typing.Any, chunks: typing.Any) -> None:
    expected = opus_zarr.open(f"{store_url}/{RIED}").read()
    assert np.array_equal(opened(store_url, RIED, chunks=chunks).audio[index].values, expected[index])


def test_only_what_is_used_is_read(store_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    ranges: list[tuple[int, int]] = []
    read = opus_zarr.Recording.read

    def noted(self: opus_zarr.Recording, start: int, stop: int, **options: typing.Any) -> typing.Any:
        ranges.append((start, stop))
        return read(self, start, stop, **options)

    monkeypatch.setattr(opus_zarr.Recording, "read", noted)
    dataset = opened(store_url)
    assert not isinstance(dataset.sel(time=slice(1, 2)).time.variable._data, np.ndarray)
    chunked = opened(store_url, chunks={}).sel(time=slice(9.9, 10.1))
    assert repr(dataset) and repr(chunked) and dataset.time[5].item() == 5 / 48_000
    assert ranges == []
    dataset.sel(time=slice(10, 10.5)).isel(frame=slice(10, 20)).audio.load()
    assert ranges == [(480_010, 480_020)]
    ranges.clear()
    chunked.audio.data.compute(scheduler="synchronous")
    assert sorted(ranges) == [(475_200, 480_000), (480_000, 484_800)]


def test_attributes_follow_cf(store_url: str) -> None:
    dataset = opened(store_url, BATS)
    assert dataset.attrs["Conventions"].startswith("CF-")
    assert dataset.attrs["sampling_rate"] == 250_000
    assert dataset.attrs["start"] == "2026-05-12T22:00:00.000000000Z"
    assert dataset.audio.attrs["units"] == "1" and dataset.audio.attrs["long_name"]
    assert dataset.time.attrs["units"] == "s"
    assert dataset.audio.encoding["preferred_chunks"] == {"frame": 480_000, "channel": 1}
    assert "time" not in opened(store_url, BATS, drop_variables="time").coords


def test_times_are_seconds_since_the_first_frame(store_url: str) -> None:
    for name, rate in ((WEIHER, 48_000), (BATS, 250_000)):
        dataset = opened(store_url, name)
        expected = np.arange(dataset.sizes["frame"]) / rate
        assert np.array_equal(dataset.time.values, expected)
        assert np.array_equal(dataset.isel(frame=slice(1_001, None, 3)).time.values, expected[1_001::3])
        twice = dataset.isel(frame=slice(7, None, 3)).isel(frame=slice(5, 900, 2))
        assert np.array_equal(twice.time.values, expected[7::3][5:900:2])
        assert np.array_equal(dataset.isel(frame=[5, 2]).time.values, expected[[5, 2]])


@pytest.mark.parametrize(
    ("start", "stop"), [(10, 20), (0, 0.1), (3.3, 3.3), (1.00001, 2.00001), (None, 1), (19.5, None), (19, 99)]
)
def test_ranges_of_time_are_those_of_the_recording(
    store_url: str, start: typing.Any, stop: typing.Any
) -> None:
    recording = opus_zarr.open(f"{store_url}/{WEIHER}")
    expected = recording.read_seconds(start or 0, None if stop in (None, 99) else stop)
    found = opened(store_url).sel(time=slice(start, stop))
    assert np.array_equal(found.audio.values, expected)
    assert found.sizes["frame"] == len(expected)


def test_ranges_of_time_work_after_slicing(store_url: str) -> None:
    dataset = opened(store_url, chunks={})
    recording = opus_zarr.open(f"{store_url}/{WEIHER}")
    part = dataset.isel(frame=slice(100_000, 900_000)).sel(time=slice(5, 15))
    assert np.array_equal(part.sel(time=slice(10, 12)).audio.values, recording.read_seconds(10, 12))
    assert np.array_equal(part.sel(time=slice(0, 6)).audio.values, recording.read_seconds(5, 6))
    assert part.sel(time=slice(16, 18)).sizes["frame"] == 0
    every_third = dataset.isel(frame=slice(1, None, 3)).sel(time=slice(1, 2))
    assert np.array_equal(every_third.audio.values, recording.read()[48_001:96_000:3])
    renamed = dataset.rename(time="t", frame="n").sel(t=slice(1, 2)).isel(n=slice(0, 5))
    assert np.array_equal(renamed.audio.values, recording[48_000:48_005])


def test_adjacent_ranges_have_adjacent_frames(store_url: str) -> None:
    dataset = opened(store_url, BATS)
    cuts = [0, *np.sort(np.random.default_rng(1).uniform(0, 1, 50)), 1]
    parts = [dataset.sel(time=slice(a, b)).audio.values for a, b in zip(cuts, cuts[1:])]
    assert np.array_equal(np.concatenate(parts), dataset.audio.values)
    every = dataset.time.values[::999]
    assert [dataset.sel(time=slice(at, None)).time.values[0] for at in every] == list(every)


def test_single_times_are_frames(store_url: str) -> None:
    dataset = opened(store_url)
    recording = opus_zarr.open(f"{store_url}/{WEIHER}")
    assert np.array_equal(dataset.sel(time=1.5).audio.values, recording[72_000])
    assert np.array_equal(dataset.sel(time=[1.5, 0.5]).audio.values, recording.read()[[72_000, 24_000]])
    near = dataset.sel(time=xr.DataArray([[1.500001], [99.0]], dims=("a", "b")), method="nearest")
    assert near.audio.dims == ("a", "b", "channel")
    assert np.array_equal(near.audio.values[:, 0], recording.read()[[72_000, -1]])
    with pytest.raises(KeyError, match="no frame at 1.500001 s"):
        dataset.sel(time=1.500001)
    with pytest.raises(KeyError):
        dataset.sel(time=20.0)
    with pytest.raises(ValueError, match="reverse order"):
        dataset.isel(frame=slice(None, None, -1)).sel(time=slice(1, 2))


@pytest.mark.parametrize(
    ("start", "length", "tz"),
    [
        (MORNING, "1.5s", None),
        ("2026-05-12T05:00:12", "1500ms", "Europe/Zurich"),
        ("2026-05-12T03:00:12Z..2026-05-12T03:00:13.5Z", None, None),
        (datetime.datetime(2026, 5, 12, 3, 0, 12, tzinfo=UTC), datetime.timedelta(0, 1.5), None),
        (np.datetime64("2026-05-12T03:00:12"), np.timedelta64(1_500, "ms"), None),
        (pd.Timestamp(MORNING), pd.Timedelta("1.5s"), None),
    ],
)
def test_the_time_of_day_selects(
    store_url: str, start: typing.Any, length: typing.Any, tz: typing.Any
) -> None:
    recording = opus_zarr.open(f"{store_url}/{WEIHER}")
    for dataset in (opened(store_url), opened(store_url, chunks={}).sel(time=slice(11, 15))):
        found = dataset.opus.sel_time(start, length, tz=tz)
        assert np.array_equal(found.audio.values, recording.read_seconds(12, 13.5))
        assert found.time.values[0] == 12
        again = found.opus.sel_time(np.datetime64("2026-05-12T03:00:13"), pd.Timedelta("20833ns"))
        assert np.array_equal(again.audio.values, recording[13 * 48_000 : 13 * 48_000 + 1])


def test_the_time_of_day_selects_kept_ultrasound(store_url: str) -> None:
    found = opened(store_url, BATS).opus.sel_time("2026-05-12T22:00:00.25Z", "100ms")
    recording = opus_zarr.open(f"{store_url}/{BATS}")
    assert np.array_equal(found.audio.values, recording[62_500:87_500])
    assert np.array_equal(found.audio.values, recording.read_utc("2026-05-12T22:00:00.25Z..+100ms"))


def test_a_time_that_is_not_there_is_an_error(store_url: str) -> None:
    dataset = opened(store_url)
    part = dataset.sel(time=slice(10, 20))
    with pytest.raises(IndexError, match="not all in the dataset, which has frames 480000 to 960000"):
        part.opus.sel_time("2026-05-12T03:00:09.99Z", "1s")
    with pytest.raises(IndexError, match="ended at 2026-05-12T03:00:20Z"):
        dataset.opus.sel_time("2026-05-12T03:00:19.5Z", "1s")
    with pytest.raises(ValueError, match="began at"):
        dataset.opus.sel_time("2026-05-12T02:59:59Z", "2s")
    with pytest.raises(ValueError, match="lacks a time zone"):
        dataset.opus.sel_time("2026-05-12T03:00:12", "1s")
    with pytest.raises(ValueError, match="0 s or more"):
        dataset.opus.sel_time(MORNING, pd.Timedelta("-1s"))
    with pytest.raises(TypeError, match="expected a length"):
        dataset.opus.sel_time(MORNING, 10)
    with pytest.raises(ValueError, match="does not know when"):
        dataset.isel(frame=[1, 2]).opus.sel_time(MORNING, "1s")


@pytest.mark.parametrize("with_catalogue", [False, True])
def test_a_store_is_a_tree(store_url: str, with_catalogue: bool) -> None:
    store = opus_zarr.open_store(store_url)
    options = {"catalogue": store.catalogue()} if with_catalogue else {}
    tree = xr.open_datatree(store_url, engine=OpusZarrBackend, chunks={}, **options)
    assert sorted(tree.children) == store.names()
    for name in store.names():
        assert np.array_equal(tree[name].audio.values, store[name].read())
    found = tree[BATS].to_dataset().opus.sel_time("2026-05-12T22:00:00Z", "10ms")
    assert found.sizes["frame"] == 2_500


def test_it_survives_pickle(store_url: str) -> None:
    choices: tuple[typing.Any, ...] = (None, {})
    for chunks in choices:
        copy = pickle.loads(pickle.dumps(opened(store_url, chunks=chunks).sel(time=slice(1, 9))))
        expected = opus_zarr.open(f"{store_url}/{WEIHER}").read_seconds(2, 3)
        assert np.array_equal(copy.opus.sel_time("2026-05-12T03:00:02Z", "1s").audio.values, expected)


def test_datasets_are_joined_by_time_only_where_they_meet(store_url: str) -> None:
    dataset = opened(store_url)
    parts = [dataset.sel(time=slice(at, at + 1)) for at in (3, 4, 5)]
    joined = xr.concat(parts, "frame").opus.sel_time("2026-05-12T03:00:04.5Z", "1s")
    assert np.array_equal(joined.audio.values, dataset.audio[216_000:264_000])
    with pytest.raises(ValueError, match="expected successive parts"):
        xr.concat(parts[::2], "frame")
    with pytest.raises(ValueError, match="cannot be aligned"):
        dataset.audio + opened(store_url, "weiher_20260512_033000").audio


def test_a_file_with_opus_opens(store_url: str, tmp_path: pathlib.Path) -> None:
    recording = opus_zarr.open(f"{store_url}/{RIED}")
    (tmp_path / "ried.opus").write_bytes(recording.ogg_opus())
    assert OpusZarrBackend().guess_can_open(tmp_path / "ried.opus")
    assert not OpusZarrBackend().guess_can_open(store_url)
    dataset = xr.open_dataset(tmp_path / "ried.opus", engine=OpusZarrBackend)
    assert np.array_equal(dataset.audio[:10], opus_zarr.open(tmp_path / "ried.opus")[:10])
    assert "start" not in dataset.attrs


def test_it_can_be_written_and_read_again(store_url: str, tmp_path: pathlib.Path) -> None:
    pytest.importorskip("zarr")
    dataset = opened(store_url, chunks={}).sel(time=slice(1, 2))
    dataset.to_zarr(tmp_path / "out.zarr", consolidated=False)
    again = xr.open_zarr(tmp_path / "out.zarr", consolidated=False)
    assert np.array_equal(again.audio.values, dataset.audio.values)
    assert np.array_equal(again.time.values, dataset.time.values)


def test_what_is_no_recording_is_named(store_url: str) -> None:
    for place in (store_url, f"{store_url}/none", "none.opus"):
        with pytest.raises(FileNotFoundError):
            xr.open_dataset(place, engine=OpusZarrBackend)
    with pytest.raises(ValueError, match="expected float32 or int16"):
        opened(store_url, dtype="int32")
