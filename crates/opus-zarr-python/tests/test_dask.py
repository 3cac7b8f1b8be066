"""dask arrays, and archives on a cluster of two worker processes, some of which are killed."""

from __future__ import annotations

import os
import pathlib
import pickle
import shutil
import signal
import subprocess
import sys
import threading
import time
import typing

import numpy as np
import pytest

import opus_zarr
from conftest import write_wav

pytest.importorskip("dask.array")
distributed = pytest.importorskip("distributed")

import opus_zarr.dask as opus_dask  # noqa: E402

pytestmark = pytest.mark.filterwarnings("ignore")

WEIHER = "weiher_20260512_030000"
RIED = "ried_20260512_030000"
BATS = "bats_20260512_220000"


@pytest.fixture(scope="module")
def client() -> typing.Iterator[typing.Any]:
    import dask.config

    with dask.config.set({"distributed.worker.daemon": True, "logging.distributed": "critical"}):
        cluster = distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, processes=True, host="127.0.0.1", dashboard_address=None
        )
        with cluster, distributed.Client(cluster) as opened:
            yield opened


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    """A directory of 12 files, with names that need directories and extensions to differ."""
    folder = tmp_path_factory.mktemp("many")
    (folder / "night 1").mkdir()
    for number in range(10):
        write_wav(folder / f"site{number}_20260512_0{number}0000.wav", 1, 48_000, 3, number)
    write_wav(folder / "night 1" / "site0_20260512_000000.wav", 1, 48_000, 1, 20)
    shutil.copy(folder / "site1_20260512_010000.wav", folder / "{odd} ü%.wave")
    write_wav(folder / "{odd} ü%.wav", 1, 48_000, 1, 21)
    return folder


def flip_a_bit(recording: pathlib.Path) -> None:
    """Damages the middle of the largest file, which has the audio."""
    files = [file for file in recording.rglob("*") if file.is_file()]
    blob = max(files, key=lambda file: file.stat().st_size)
    data = bytearray(blob.read_bytes())
    data[len(data) // 2] ^= 0x10
    blob.write_bytes(data)


def kill_a_worker_when(client: typing.Any, is_time: typing.Callable[[], bool]) -> threading.Thread:
    """Kills one of the workers, as if its machine were gone, as soon as something is so."""
    processes = list(client.run(os.getpid).values())

    def wait() -> None:
        end = time.monotonic() + 20
        while not is_time() and time.monotonic() < end:
            time.sleep(0.005)
        os.kill(processes[0], signal.SIGKILL)

    thread = threading.Thread(target=wait)
    thread.start()
    return thread


def contents(url: pathlib.Path) -> dict[str, tuple[str, str]]:
    rows = opus_zarr.open_store(url).catalogue()
    return {row["name"]: (row["sha256"], row["start"]) for row in rows}


@pytest.mark.parametrize("dtype", ["float32", "int16"])
@pytest.mark.parametrize("chunks", ["auto", 50_000, (100_000, 1)])
def test_an_array_has_the_samples_of_the_recording(store_url: str, chunks: typing.Any, dtype: str) -> None:
    recording = opus_zarr.open(f"{store_url}/{RIED}")
    array: typing.Any = opus_dask.array(recording, chunks, dtype=dtype)
    assert array.shape == recording.shape and array.dtype == dtype
    expected = recording.read(dtype=dtype)
    assert np.array_equal(array.compute(scheduler="threads"), expected)
    assert np.array_equal(array[7:200_000:3, 1].compute(scheduler="threads"), expected[7:200_000:3, 1])
    scattered = array[[5, 383_000, 6]].compute(scheduler="threads")
    assert np.array_equal(scattered, expected[[5, 383_000, 6]])


def test_an_array_has_a_name_of_its_own(store_url: str) -> None:
    recording = opus_zarr.open(f"{store_url}/{RIED}")
    mono = recording.with_output(channels="mono", sample_rate=16_000)
    arrays: list[typing.Any] = [
        opus_dask.array(recording), opus_dask.array(recording, 1_000), opus_dask.array(mono),
        opus_dask.array(recording, dtype="int16"), opus_dask.array(opus_zarr.open(f"{store_url}/{WEIHER}")),
    ]
    assert len({array.name for array in arrays}) == len(arrays)
    assert opus_dask.array(opus_zarr.open(f"{store_url}/{RIED}")).name == arrays[0].name
    assert np.array_equal(arrays[2].compute(scheduler="threads"), mono.read())


def test_workers_read_arrays(store_url: str, client: typing.Any) -> None:
    recording = opus_zarr.open(f"{store_url}/{WEIHER}")
    array: typing.Any = opus_dask.array(recording, 48_000, dtype="int16")
    total = client.compute(array.astype("int64").sum()).result()
    assert total == recording.read(dtype="int16").astype("int64").sum()


def test_an_array_of_other_audio_is_an_error(store_url: str, tmp_path: pathlib.Path) -> None:
    shutil.copytree(store_url, tmp_path / "a.zarr")
    array = opus_dask.array(opus_zarr.open(tmp_path / "a.zarr" / WEIHER))
    copy = pickle.loads(pickle.dumps(array))
    shutil.rmtree(tmp_path / "a.zarr" / WEIHER)
    shutil.copytree(tmp_path / "a.zarr" / RIED, tmp_path / "a.zarr" / WEIHER)
    with pytest.raises(opus_zarr.OpusZarrError, match="no longer"):
        copy.compute(scheduler="threads")


def test_a_tree_is_imported_like_by_a_single_import(
    many: pathlib.Path, tmp_path: pathlib.Path, client: typing.Any
) -> None:
    settings: dict[str, typing.Any] = {"tz": "UTC", "notes": {"site": "ried"}, "names": "x_{name}"}
    expected = opus_zarr.import_(many, tmp_path / "one.zarr", **settings)
    results = opus_dask.import_tree(client, many, tmp_path / "many.zarr", **settings)
    assert sorted(results) == sorted(expected)
    assert [result.name for result in results] == sorted(result.name for result in results)
    assert contents(tmp_path / "many.zarr") == contents(tmp_path / "one.zarr")
    assert opus_zarr.open(tmp_path / "many.zarr" / results[0].name).notes == {"site": "ried"}
    assert opus_zarr.verify(tmp_path / "many.zarr") == {}
    again = opus_dask.import_tree(client, many, tmp_path / "many.zarr", **settings)
    assert {result.outcome for result in again} == {"present"} and len(again) == 13


def test_a_name_without_extension_is_found_again(
    many: pathlib.Path, tmp_path: pathlib.Path, client: typing.Any
) -> None:
    card = tmp_path / "card"
    card.mkdir()
    shutil.copy(many / "site1_20260512_010000.wav", card / "a.wav")
    opus_dask.import_tree(client, card, tmp_path / "a.zarr")
    shutil.copy(many / "site2_20260512_020000.wav", card / "a.wave")
    results = opus_dask.import_tree(client, card, tmp_path / "a.zarr")
    assert [(result.name, result.outcome) for result in results] == [("a", "present"), ("a.wave", "imported")]


def test_files_that_fail_do_not_stop_the_others(
    many: pathlib.Path, tmp_path: pathlib.Path, client: typing.Any
) -> None:
    shutil.copytree(many, tmp_path / "card")
    (tmp_path / "card" / "bad.wav").write_bytes(b"RIFFxxxxWAVEjunk")
    with pytest.raises(opus_zarr.ImportFailedError, match="1 of 14 files.*bad.wav") as caught:
        opus_dask.import_tree(client, tmp_path / "card", tmp_path / "a.zarr")
    outcomes = {result.name: result.outcome for result in caught.value.results}
    assert outcomes.pop("bad") == "failed" and set(outcomes.values()) == {"imported"}
    assert len(opus_zarr.open_store(tmp_path / "a.zarr")) == 13


def test_a_file_that_only_the_client_sees_is_a_failure(
    many: pathlib.Path, tmp_path: pathlib.Path, client: typing.Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = sorted(many.glob("site*.wav"))
    hidden = str(paths[3])
    monkeypatch.setattr(opus_dask, "_absolute", lambda place: f"{place}.none" if place == hidden else place)
    with pytest.raises(opus_zarr.ImportFailedError, match="1 of 10 files") as caught:
        opus_dask.import_tree(client, paths, str(tmp_path / "a.zarr"))
    (failed,) = [result for result in caught.value.results if result.outcome == "failed"]
    assert failed.path == hidden and "FileNotFoundError" in failed.messages[0]


def test_a_worker_killed_during_an_import_costs_only_time(
    many: pathlib.Path, tmp_path: pathlib.Path, client: typing.Any
) -> None:
    opus_zarr.import_(many, tmp_path / "one.zarr", tz="UTC")
    url = tmp_path / "many.zarr"
    killer = kill_a_worker_when(client, lambda: len(list(url.glob("*/opus_blob"))) >= 2)
    results = opus_dask.import_tree(client, many, url, tz="UTC")
    killer.join()
    assert len(results) == 13 and {result.outcome for result in results} <= {"imported", "present"}
    assert contents(url) == contents(tmp_path / "one.zarr")
    assert opus_zarr.verify(url) == {}


def level(samples: typing.Any, info: opus_dask.WindowInfo) -> tuple[float, str]:
    assert samples.flags.writeable and samples.dtype == np.float32
    found = float(np.square(samples, dtype="float64").mean())
    samples[:] = 0  # Not seen by the next window.
    return found, f"{info.name} {info.frame} {info.start} {info.real_rate} {info.row['site']}"


def serial(store: opus_zarr.Store, seconds: float, hop: float) -> list[tuple[typing.Any, ...]]:
    """What :func:`map_windows` is to return, by other means."""
    found = []
    for row in store.catalogue():
        recording = store[row["name"]]
        rate, number = int(recording.real_rate), 0
        while round(number * hop * rate) + round(seconds * rate) <= recording.frames:
            frame = round(number * hop * rate)
            start = recording.utc_of(frame)
            info = opus_dask.WindowInfo(row["name"], frame, start, rate, row)
            value = level(recording.read(frame, frame + round(seconds * rate)), info)
            found.append((row["name"], frame, start, value))
            number += 1
    return found


@pytest.mark.parametrize(("seconds", "hop"), [(3, 1.5), (0.5, 0.7), (0.1, 1 / 3), (9, 1)])
def test_windows_are_those_of_a_loop(store_url: str, client: typing.Any, seconds: float, hop: float) -> None:
    store = opus_zarr.open_store(store_url)
    found = opus_dask.map_windows(client, store.catalogue(), level, seconds, hop, store=store_url)
    assert [tuple(mapped) for mapped in found] == serial(store, seconds, hop)


def test_small_groups_change_nothing(
    store_url: str, client: typing.Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("opus_zarr._windows._GROUP", 100_000)
    monkeypatch.setattr("opus_zarr._windows._MOST", 3)
    store = opus_zarr.open_store(store_url)
    found = list(opus_dask.map_windows(client, store.catalogue(), level, 0.5, 0.2, store=store))
    assert [tuple(mapped) for mapped in found] == serial(store, 0.5, 0.2)


def test_finished_windows_are_left_out(store_url: str, client: typing.Any) -> None:
    store = opus_zarr.open_store(store_url)
    rows = store.catalogue()
    whole = list(opus_dask.map_windows(client, rows, level, 1, 0.5, store=store))
    first: list[typing.Any] = []
    for mapped in opus_dask.map_windows(client, rows, level, 1, 0.5, store=store):
        first.append(mapped)
        if len(first) == 17:
            break
    rest = opus_dask.map_windows(client, rows, level, 1, 0.5, store=store, done=first)
    assert first + list(rest) == whole
    by_pair = opus_dask.map_windows(client, rows, level, 1, 0.5, store=store, done=[m[:2] for m in whole])
    assert list(by_pair) == []


def test_memory_is_bounded(store_url: str, client: typing.Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("opus_zarr._windows._GROUP", 1)
    submitted = 0
    submit = client.submit

    def counted(*args: typing.Any, **options: typing.Any) -> typing.Any:
        nonlocal submitted
        submitted += 1
        return submit(*args, **options)

    monkeypatch.setattr(client, "submit", counted)
    rows = opus_zarr.open_store(store_url).catalogue()
    yielded = 0
    for _ in opus_dask.map_windows(client, rows, level, 0.25, 0.25, store=store_url):
        yielded += 1
        assert submitted - yielded <= 4
    assert yielded == submitted == 4 + 32 + 80 + 40


def test_windows_that_fail_do_not_stop_the_others(
    store_url: str, client: typing.Any, tmp_path: pathlib.Path
) -> None:
    url = tmp_path / "a.zarr"
    shutil.copytree(store_url, url)
    rows = opus_zarr.open_store(url).catalogue()
    flip_a_bit(url / WEIHER)
    shutil.rmtree(url / BATS)

    def unless_late(samples: typing.Any, info: opus_dask.WindowInfo) -> int:
        if info.name == RIED and info.frame >= 7 * 48_000:
            raise RuntimeError("late")
        return int(info.frame)

    found = []
    expected = f"windows failed; first: frame 0 of '{BATS}'"
    with pytest.raises(opus_dask.MapFailedError, match=expected) as caught:
        for mapped in opus_dask.map_windows(client, rows, unless_late, 1, 1, store=url):
            found.append(mapped)
    assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)
    failures = caught.value.failures
    assert len(found) + len(failures) == 1 + 8 + 20 + 10
    assert isinstance(failures.pop((BATS, 0)), FileNotFoundError)
    assert str(failures.pop((RIED, 7 * 48_000))) == "late"
    assert failures and all(name == WEIHER for name, _ in failures) and len(failures) <= 8
    assert all(isinstance(error, opus_zarr.DamageError) for error in failures.values())


def test_a_worker_killed_during_a_map_costs_only_time(
    store_url: str, client: typing.Any, monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path
) -> None:
    monkeypatch.setattr("opus_zarr._windows._GROUP", 48_000)
    store = opus_zarr.open_store(store_url)
    seen = str(tmp_path / "seen")

    def slow(samples: typing.Any, info: opus_dask.WindowInfo) -> typing.Any:
        with open(seen, "a") as file:
            file.write("x")
        time.sleep(0.02)
        return level(samples, info)

    killer = kill_a_worker_when(client, lambda: os.path.exists(seen) and os.path.getsize(seen) >= 8)
    found = list(opus_dask.map_windows(client, store.catalogue(), slow, 1, 0.5, store=store))
    killer.join()
    assert [tuple(mapped) for mapped in found] == serial(store, 1, 0.5)


def test_options_are_checked_at_once(store_url: str) -> None:
    for seconds, hop in ((0, 1), (1, 0), (1, -1), (float("nan"), 1), (1, float("inf"))):
        with pytest.raises(ValueError, match="of more than 0"):
            opus_dask.map_windows(typing.cast(typing.Any, None), [], level, seconds, hop, store=store_url)


def test_opus_zarr_does_not_import_its_neighbours() -> None:
    code = (
        "import sys, opus_zarr; "
        "sys.exit(bool({'dask', 'distributed', 'zarr', 'xarray', 'pandas', 'torch'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
