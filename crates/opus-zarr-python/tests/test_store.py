from __future__ import annotations

import json
import pathlib
import shutil
import subprocess
import sys

import numpy as np
import pytest

import opus_zarr
from conftest import RECORDINGS

NAMES = sorted(name for name, *_ in RECORDINGS)


def test_a_store_is_a_mapping(store_url: str) -> None:
    store = opus_zarr.open_store(store_url)
    assert list(store) == store.names() == NAMES and len(store) == 4
    assert store.names("weiher_*", "bats*") == [name for name in NAMES if not name.startswith("ried")]
    assert NAMES[0] in store and "nothing" not in store and 5 not in store
    assert [rec.name for rec in store.values()] == list(dict(store)) == NAMES
    assert store.get("nothing") is None and store == opus_zarr.open_store(store_url) and {store: 1}[store]
    assert store[NAMES[0]] == opus_zarr.open(pathlib.Path(store_url) / NAMES[0])
    with pytest.raises(KeyError, match="nothing"):
        store["nothing"]


def test_what_is_absent_says_so(store_url: str, tmp_path: pathlib.Path) -> None:
    for place in (tmp_path / "a.zarr/b", f"{store_url}/nothing", "nothing", store_url, "", "s3://bucket"):
        with pytest.raises(FileNotFoundError):
            opus_zarr.open(place)
    with pytest.raises(FileNotFoundError):
        opus_zarr.open_store(tmp_path)
    for place in ("ftp://host/a.zarr", "s3://"):
        with pytest.raises(ValueError):
            opus_zarr.open_store(place)


def test_a_catalogue_has_a_row_for_each(store_url: str) -> None:
    store = opus_zarr.open_store(store_url)
    rows = store.catalogue()
    assert [row["name"] for row in rows] == NAMES
    assert rows[0]["real_rate"] == 250_000 and rows[0]["site"] == "bats"
    assert store.catalogue(rows) == rows
    assert json.loads(json.dumps(rows)) == rows
    with pytest.raises(ValueError, match="not a row"):
        store.catalogue([{"name": 5}])


def test_a_deployment_is_one_signal(store_url: str) -> None:
    store = opus_zarr.open_store(store_url)
    rows = store.catalogue()
    for catalogue in (None, rows):
        weiher = store.deployment(where={"site": "weiher"}, catalogue=catalogue)
        assert [member.name for member in weiher.recordings] == NAMES[2:]
        first, second = (store[name] for name in NAMES[2:])
        span = weiher.read_utc("2026-05-12T03:00:05Z", "2026-05-12T03:00:06Z")
        assert np.array_equal(span.samples, first[240_000:288_000])
        assert span.start == np.datetime64("2026-05-12T03:00:05") and span.real_rate == 48_000
        parts = weiher.read_utc("03:00..04:00", on="2026-05-12", tz="UTC", gaps="split", dtype="int16")
        assert [len(part.samples) for part in parts] == [960_000, 480_000]
        assert np.array_equal(parts[1].samples, second.read(dtype="int16"))
        coverage = weiher.coverage("2026-05-12T03:00Z", "2026-05-12T04:00Z")
        assert (coverage.seconds, len(coverage.gaps)) == (30, 2)
        silence = weiher.read_utc(
            "2026-05-12T03:00:19Z", "2026-05-12T03:00:22Z", gaps="silence"
        )
        assert silence.silences == [(48_000, 144_000)] and not silence.samples[48_000:].any()
        assert [part.recording for part in silence.segments] == [NAMES[2], None]
        with pytest.raises(ValueError, match="nothing was recorded"):
            weiher.read_utc("2026-05-12T03:00:19Z", "2026-05-12T03:00:22Z")
    with pytest.raises(ValueError, match="channels"):
        store.deployment().read_utc("2026-05-12T03:00Z", "2026-05-12T03:01Z", gaps="split")
    (overlap,) = store.deployment().overlaps
    assert (overlap.used, overlap.ignored) == (NAMES[1], NAMES[2])
    assert (overlap.stop - overlap.start).total_seconds() == 8
    late = store.deployment(since="2026-05-12T20:00Z")
    assert [member.name for member in late.recordings] == [NAMES[0]]
    with pytest.raises(ValueError, match="unknown gaps"):
        late.read_utc("2026-05-12T22:00Z..+1s", gaps="no")  # type: ignore[call-overload]


def test_damage_is_found_and_raised(store_url: str, tmp_path: pathlib.Path) -> None:
    copy = tmp_path / "copy.zarr"
    shutil.copytree(store_url, copy)
    assert opus_zarr.verify(copy) == {}
    name = NAMES[1]
    stored = (copy / name / "opus_blob").rglob("*")
    shard = next(path for path in stored if path.is_file() and path.name != "zarr.json")
    broken = bytearray(shard.read_bytes())
    broken[100] ^= 1
    shard.write_bytes(broken)
    damaged = opus_zarr.verify(copy)
    assert list(damaged) == [name] and damaged[name]
    rec = opus_zarr.open(copy / name)
    with pytest.raises(opus_zarr.DamageError) as raised:
        rec[:]
    assert "opus_blob" in str(raised.value.location)
    assert raised.value.bytes is not None
    start, stop = raised.value.bytes
    assert start <= 100 < stop and f"{start}" in str(raised.value)
    with pytest.raises(opus_zarr.BatchError) as batch:
        rec.read_many([0], 100)
    assert list(batch.value.rows) == [0] and isinstance(batch.value.rows[0], opus_zarr.DamageError)
    assert not batch.value.samples.any()
    assert "DamageError" in subprocess.run(
        [sys.executable, "-c", f"import opus_zarr; opus_zarr.open({str(copy / name)!r})[:]"],
        capture_output=True,
        text=True,
    ).stderr
