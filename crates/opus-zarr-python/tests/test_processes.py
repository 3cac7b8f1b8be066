"""Recordings in several threads and processes, and signals."""

from __future__ import annotations

import concurrent.futures
import gc
import multiprocessing
import os
import pathlib
import pickle
import shutil
import signal
import subprocess
import sys
import threading
import time

import numpy as np
import pytest

import opus_zarr
from conftest import write_wav


def total(rec: opus_zarr.Recording) -> float:
    return float(np.abs(rec[10_000:40_000].astype("float64")).sum())


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_processes_read_the_same(recording: opus_zarr.Recording, method: str) -> None:
    if method == "spawn" and "weiher" not in recording.name:
        pytest.skip("spawning takes long")
    expected = total(recording)
    with multiprocessing.get_context(method).Pool(2) as pool:
        assert pool.map(total, [recording] * 4) == [expected] * 4
    assert total(recording) == expected


def test_a_child_may_drop_what_its_parent_opened(recording: opus_zarr.Recording) -> None:
    expected, child = total(recording), os.fork()
    if child == 0:
        right = total(recording) == expected
        del recording
        gc.collect()
        os._exit(0 if right else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_everything_can_be_pickled(
    store_url: str, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = opus_zarr.open_store(store_url)
    rec = store["ried_20260512_030000"].with_output(sample_rate=16_000, channels=[1])
    copy = pickle.loads(pickle.dumps(rec))
    assert copy == rec and hash(copy) == hash(rec) and np.array_equal(copy[5:500], rec[5:500])
    assert pickle.loads(pickle.dumps(store)).names() == store.names()
    weiher = store.deployment(where={"site": "weiher"})
    assert pickle.loads(pickle.dumps(weiher)).recordings == weiher.recordings
    with monkeypatch.context() as context:
        # Where it is absent, only using it fails.
        context.chdir(tmp_path)
        shutil.copytree(store_url, "a.zarr")
        kept = pickle.dumps((opus_zarr.open_store("a.zarr"), opus_zarr.open("a.zarr/ried_20260512_030000")))
        shutil.rmtree("a.zarr")
        for absent in pickle.loads(kept):
            with pytest.raises(FileNotFoundError):
                len(absent)
    error = opus_zarr.DamageError("broken", "here")
    assert pickle.loads(pickle.dumps(error)).location == "here"


def test_threads_share_a_recording(recording: opus_zarr.Recording) -> None:
    whole = recording[:]

    def read(number: int) -> bool:
        start = number * 997 % (recording.frames - 5_000)
        return np.array_equal(recording[start : start + 5_000], whole[start : start + 5_000])

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        assert all(pool.map(read, range(200)))


def test_a_read_releases_the_lock(store_url: str) -> None:
    rec, counted, stop = opus_zarr.open(f"{store_url}/weiher_20260512_030000"), 0, threading.Event()

    def count() -> None:
        nonlocal counted
        while not stop.is_set():
            counted += 1
            time.sleep(0.001)

    thread = threading.Thread(target=count)
    thread.start()
    before = counted
    for _ in range(5):
        rec.read()
    during = counted - before
    stop.set()
    thread.join()
    assert during > 5


LONG_READ = """
import os, signal, sys, threading, time, opus_zarr
# A job in the background inherits that it is ignored.
signal.signal(signal.SIGINT, signal.default_int_handler)
rec = opus_zarr.open(sys.argv[1])
began = time.monotonic()
rec.read()
whole = time.monotonic() - began
for _ in range(10):
    timer = threading.Timer(whole / 3, os.kill, (os.getpid(), signal.SIGINT))
    try:
        began = time.monotonic()
        timer.start()
        rec.read()
        timer.join()
    except KeyboardInterrupt:
        # If other programs delayed it, the next time tells.
        if time.monotonic() - began < 0.75 * whole:
            print("stopped")
            break
"""


def test_ctrl_c_ends_a_long_read(tmp_path: pathlib.Path) -> None:
    write_wav(tmp_path / "long.wav", 1, 48_000, 200, 1)
    opus_zarr.import_(tmp_path / "long.wav", tmp_path / "a.zarr")
    said = subprocess.run(
        [sys.executable, "-c", LONG_READ, str(tmp_path / "a.zarr/long")],
        capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    assert said.stdout == "stopped\n", said.stderr


def test_memory_does_not_grow(store_url: str) -> None:
    reads = 10_000 if os.environ.get("OPUS_ZARR_FULL") else 500
    rec = opus_zarr.open(f"{store_url}/weiher_20260512_030000")

    def resident() -> int:
        pages = pathlib.Path("/proc/self/statm").read_text().split()[1]
        return int(pages) * os.sysconf("SC_PAGE_SIZE")

    if not os.path.exists("/proc/self/statm"):
        pytest.skip("no /proc")
    for start in range(100):
        rec.read(start, start + 4_800)
    before = resident()
    for number in range(reads):
        start = number * 7_919 % 900_000
        rec.read(start, start + 4_800)
        if number % 50 == 0:
            opus_zarr.open(rec.url).read_many([start, -5], 480)
    assert resident() - before < 8 << 20


def test_references_are_let_go(store_url: str) -> None:
    rec = opus_zarr.open(f"{store_url}/weiher_20260512_033000")
    out = np.zeros((4_800, 1), "float32")
    before = sys.getrefcount(out), sys.getrefcount(rec)
    for start in range(50):
        rec.read(start, start + 4_800, out=out)
        rec.read_many([start], 4_800, out=out[None])
    assert (sys.getrefcount(out), sys.getrefcount(rec)) == before


def test_import_is_fast() -> None:
    code = "import time; t = time.process_time(); import opus_zarr; print(time.process_time() - t)"
    times = [
        float(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout)
        for _ in range(5)
    ]
    loaded = "import opus_zarr, sys; print([m for m in ('numpy', 'zarr', 'torch') if m in sys.modules])"
    said = subprocess.run([sys.executable, "-c", loaded], capture_output=True, text=True, check=True)
    assert said.stdout == "[]\n"
    # Of the processor, which other tests use as well. check_wheel.py has the limit for a wheel.
    assert min(times) < 0.15, times
