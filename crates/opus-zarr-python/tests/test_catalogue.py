"""Catalogues of every kind have the same rows."""

from __future__ import annotations

import csv
import hashlib
import json
import pathlib
import typing

import pytest

import opus_zarr
from opus_zarr import _opus_zarr as native
from opus_zarr._catalogue import rows_of
from opus_zarr._times import nanos_of

Rows = typing.List[typing.Dict[str, typing.Any]]


@pytest.fixture(scope="module")
def rows(store_url: str) -> Rows:
    return opus_zarr.open_store(store_url).catalogue()


@pytest.mark.parametrize("kind", ["rows", "records", ".jsonl", ".csv", ".parquet"])
def test_rows_are_the_same(rows: Rows, tmp_path: pathlib.Path, kind: str) -> None:
    # Of which a table has columns with missing values.
    rows[0] = {**rows[0], "start": None, "end": None, "latitude": 47.5, "drift_ppt": -3}
    found = rows_of(_catalogue(rows, tmp_path, kind))
    for column in rows[0]:
        for was, now in zip(rows, found):
            same = nanos_of if column in ("start", "end") and was[column] else repr
            assert same(now[column]) == same(was[column]), (column, was[column], now[column])
    assert len(found) == len(rows)


def test_what_is_no_catalogue_says_why(rows: Rows, tmp_path: pathlib.Path) -> None:
    for wrong, message in (
        ([rows[0], {"name": "a"}], "row 1 .* lacks samples, real_rate, channels, sha256"),
        ([{**rows[0], "channels": "1"}], "row 0: expected a number in channels, found '1'"),
        (tmp_path / "rows.txt", "expected a catalogue in .jsonl, .csv or .parquet"),
    ):
        with pytest.raises(ValueError, match=message):
            rows_of(typing.cast("typing.Any", wrong))
    with pytest.raises(FileNotFoundError):
        rows_of(tmp_path / "rows.csv")


def test_crops_are_those_of_the_rules(store_url: str) -> None:
    """docs/catalogue.md, in other words than the core's."""
    rows = sorted(opus_zarr.open_store(store_url).catalogue(), key=lambda row: str(row["name"]))
    texts = [json.dumps(row) for row in rows]
    lengths = [row["real_rate"] // 4 for row in rows]
    starts = [row["samples"] - length + 1 for row, length in zip(rows, lengths)]
    weights = [count * 10**9 // row["real_rate"] for row, count in zip(rows, starts)]
    for epoch, rank, world in ((0, 0, 1), (3, 1, 2)):
        crops = native.Crops(texts, 250_000_000, 5, epoch, rank, world)
        total = sum(row["samples"] // length for row, length in zip(rows, lengths))
        assert len(crops) == total // world
        for number, crop in enumerate(crops.draw(0, len(crops))):
            key = b"".join(part.to_bytes(8, "little") for part in (5, epoch, number * world + rank))
            place = int.from_bytes(hashlib.sha256(key).digest()[:8], "little") * sum(weights) >> 64
            at = 0
            while place >= weights[at]:
                place, at = place - weights[at], at + 1
            start = min(place * rows[at]["real_rate"] // 10**9, starts[at] - 1)
            assert crop == (rows[at]["name"], start, start + lengths[at])


def _catalogue(rows: Rows, folder: pathlib.Path, kind: str) -> typing.Any:
    """The rows as a program would find them, columns in the order that is written."""
    if kind == "rows":
        return iter(rows)
    if kind == ".jsonl":
        (folder / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    elif kind == ".csv":
        with open(folder / "rows.csv", "w", newline="") as file:
            writer = csv.DictWriter(file, list(rows[0]))
            writer.writeheader()
            for row in rows:
                texts = {"is_exact": str(row["is_exact"]).lower(), "notes": json.dumps(row["notes"])}
                writer.writerow({**row, **texts})
    else:
        pandas = pytest.importorskip("pandas")
        frame = pandas.DataFrame(rows)
        if kind == "records":
            return frame[frame["samples"] > 0].to_dict("records")
        pytest.importorskip("pyarrow")
        for column in ("start", "end"):
            frame[column] = pandas.to_datetime(frame[column], utc=True)
        frame["notes"] = [json.dumps(notes) for notes in frame["notes"]]
        frame.to_parquet(folder / "rows.parquet")
    return folder / f"rows{kind}"
