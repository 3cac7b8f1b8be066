from __future__ import annotations

import pathlib

import numpy as np
import pytest

import opus_zarr


class Bar:
    """What tqdm is to us."""

    made: list[Bar] = []

    def __init__(self, total: int, unit: str, unit_scale: bool) -> None:
        self.total, self.done, self.closed = total, 0, False
        Bar.made.append(self)

    def update(self, n: int) -> None:
        assert n >= 0
        self.done += n

    def close(self) -> None:
        self.closed = True


def test_an_import_is_reported_and_repeatable(card: pathlib.Path, tmp_path: pathlib.Path) -> None:
    store = tmp_path / "a.zarr"
    planned = opus_zarr.import_(card, store, dry_run=True)
    assert {result.outcome for result in planned} == {"planned"} and not store.exists()
    done = opus_zarr.import_(card, store, names="x_{stem}", notes={"site": "weiher"}, progress=Bar)
    assert {result.outcome for result in done} == {"imported"}
    assert opus_zarr.open_store(store).names("x_*") == sorted(result.name for result in done)
    (bar,) = Bar.made
    assert bar.closed and bar.done == bar.total
    again = opus_zarr.import_([str(card)], store, names="x_{stem}", notes={"site": "weiher"})
    assert {result.outcome for result in again} == {"present"}


def test_failures_are_raised_at_the_end(card: pathlib.Path, tmp_path: pathlib.Path) -> None:
    bad = tmp_path / "bad.wav"
    bad.write_bytes(b"nothing")
    good = next(card.glob("weiher*.wav"))
    with pytest.raises(opus_zarr.ImportFailedError, match="1 of 2 files") as raised:
        opus_zarr.import_([bad, good], tmp_path / "a.zarr")
    assert sorted(result.outcome for result in raised.value.results) == ["failed", "imported"]
    assert raised.value.location == str(bad)
    with pytest.raises(FileNotFoundError):
        opus_zarr.import_(tmp_path / "nothing.wav", tmp_path / "a.zarr")
    for options in ({"ultrasound": "loud"}, {"tz": "Nowhere"}, {"names": "x"}):
        with pytest.raises(ValueError):
            opus_zarr.import_(good, tmp_path / "a.zarr", **options)


def test_what_a_progress_bar_raises_ends_the_import(card: pathlib.Path, tmp_path: pathlib.Path) -> None:
    class Refuses(Bar):
        def update(self, n: int) -> None:
            raise RuntimeError("enough")

    with pytest.raises(RuntimeError, match="enough"):
        opus_zarr.import_(card, tmp_path / "a.zarr", progress=Refuses)


def test_a_file_is_read_where_it_is(store_url: str, tmp_path: pathlib.Path) -> None:
    rec = opus_zarr.open(f"{store_url}/ried_20260512_030000")
    file = tmp_path / "ried.opus"
    file.write_bytes(rec.ogg_opus())
    alone = opus_zarr.open(file)
    assert alone.name == "ried.opus" and alone.shape == rec.shape
    assert np.array_equal(alone[:], rec[:])
    assert alone.exactness is None and "exact=True" in str(alone.why_not_exact)
    mono = alone.with_output(channels="mono")
    assert np.array_equal(mono[100:200], mono[:][100:200])
