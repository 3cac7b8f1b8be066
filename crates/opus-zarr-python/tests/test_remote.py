"""Stores in S3, on a server of this machine that ``OPUS_ZARR_S3`` names, and files on a web server."""

from __future__ import annotations

import functools
import http.server
import multiprocessing
import os
import pathlib
import pickle
import threading
import typing
import urllib.request

import numpy as np
import pytest

import opus_zarr
from conftest import RECORDINGS


@pytest.fixture(scope="module")
def options() -> dict[str, str]:
    """What a store in the bucket ``package`` is opened with."""
    endpoint = os.environ.get("OPUS_ZARR_S3")
    if endpoint is None:
        pytest.skip("no S3 (OPUS_ZARR_S3)")
    urllib.request.urlopen(urllib.request.Request(f"{endpoint}/package", method="PUT"))
    return {
        "aws_endpoint": endpoint,
        "aws_allow_http": "true",
        "aws_region": "us-east-1",
        "aws_access_key_id": "key",
        "aws_secret_access_key": "secret",
    }


def total(rec: opus_zarr.Recording) -> float:
    return float(np.abs(rec[10_000:40_000].astype("float64")).sum())


def test_a_store_in_s3_is_like_any_other(
    card: pathlib.Path, store_url: str, options: dict[str, str]
) -> None:
    store = opus_zarr.open_store("s3://package/a.zarr", storage_options=options, create=True)
    opus_zarr.import_(card, store, ultrasound="keep", tz="UTC")
    assert store.names() == sorted(name for name, *_ in RECORDINGS)
    for name in store:
        remote, local = store[name], opus_zarr.open(f"{store_url}/{name}")
        assert np.array_equal(remote[:], local[:])
        assert opus_zarr.open(f"s3://package/a.zarr/{name}", storage_options=options) == remote
    assert pickle.loads(pickle.dumps(store))[name].shape == local.shape
    assert opus_zarr.verify(store) == {}
    span = store.deployment("weiher*").read_utc("2026-05-12T03:00:01Z..+1s")
    assert np.array_equal(span.samples, store["weiher_20260512_030000"][48_000:96_000])
    assert "secret" not in repr(store) + repr(remote)


def test_settings_come_from_the_environment_too(
    options: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in options.items():
        monkeypatch.setenv(name.upper(), value)
    assert opus_zarr.open_store("s3://package/a.zarr").names()
    # What is passed takes precedence.
    with pytest.raises(OSError, match="127.0.0.1:9"):
        opus_zarr.open_store("s3://package/a.zarr", storage_options={"aws_endpoint": "http://127.0.0.1:9"})


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_workers_read_from_s3(options: dict[str, str], method: str) -> None:
    store = opus_zarr.open_store("s3://package/a.zarr", storage_options=options)
    recordings = [store[name] for name in store] * 2
    expected = [total(rec) for rec in recordings]
    with multiprocessing.get_context(method).Pool(2) as pool:
        assert pool.map(total, recordings) == expected
    assert [total(rec) for rec in recordings] == expected


def test_settings_decide_which_server(options: dict[str, str]) -> None:
    nobody = {**options, "aws_endpoint": "http://127.0.0.1:9"}
    with pytest.raises(OSError):
        opus_zarr.open_store("s3://package/a.zarr", storage_options=nobody)
    with pytest.raises(ValueError, match="aws_endpont"):
        opus_zarr.open_store("s3://package/a.zarr", storage_options={"aws_endpont": "x"})


@pytest.fixture
def served(tmp_path: pathlib.Path) -> typing.Iterator[tuple[pathlib.Path, str]]:
    """A directory and its URL."""
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=str(tmp_path))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield tmp_path, f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_a_file_at_a_url_is_read(store_url: str, served: tuple[pathlib.Path, str]) -> None:
    folder, url = served
    rec = opus_zarr.open(f"{store_url}/ried_20260512_030000")
    (folder / "night 1.opus").write_bytes(rec.ogg_opus())
    (folder / "text.opus").write_text("nothing")
    assert np.array_equal(opus_zarr.open(f"{url}/night%201.opus")[:], rec[:])
    with pytest.raises(FileNotFoundError):
        opus_zarr.open(f"{url}/absent.opus")
    with pytest.raises(opus_zarr.OpusZarrError):
        opus_zarr.open(f"{url}/text.opus")
