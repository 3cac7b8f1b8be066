"""Rows of a catalogue, from wherever they are kept. docs/catalogue.md describes them."""

from __future__ import annotations

import csv
import datetime
import importlib
import json
import math
import os
import typing

from ._times import text_of

if typing.TYPE_CHECKING:
    from ._store import PathLike, Row

Catalogue = typing.Union[str, "os.PathLike[str]", typing.Iterable[typing.Mapping[str, typing.Any]]]
"""Rows, as of ``Store.catalogue()`` or ``DataFrame.to_dict("records")``, or the path of a file that
``opus-zarr catalogue`` wrote: .jsonl, .csv or .parquet, which needs pandas."""


def rows_of(catalogue: Catalogue) -> list[Row]:
    """The rows of a catalogue, with the types that JSON has: times as text, None where a value is missing.

    Raises ValueError if a file is none of the three kinds, or if a row is not one of a catalogue.
    """
    found: typing.Iterable[typing.Mapping[str, typing.Any]]
    found = _read(catalogue) if isinstance(catalogue, (str, os.PathLike)) else catalogue
    return [_row(row, number) for number, row in enumerate(found)]


def _read(path: PathLike) -> typing.Iterable[typing.Mapping[str, typing.Any]]:
    kind = os.path.splitext(os.fspath(path))[1].lower()
    if kind == ".jsonl":
        with open(path, encoding="utf-8") as file:
            return [json.loads(line) for line in file if line.strip()]
    if kind == ".csv":
        with open(path, encoding="utf-8", newline="") as file:
            return [{key: _cell(key, text) for key, text in row.items()} for row in csv.DictReader(file)]
    if kind == ".parquet":
        pandas: typing.Any = importlib.import_module("pandas")
        rows: list[dict[str, typing.Any]] = pandas.read_parquet(path).to_dict("records")
        return rows
    raise ValueError(f"expected a catalogue in .jsonl, .csv or .parquet, found {os.fspath(path)!r}")


def _cell(column: str, text: str) -> object:
    if text == "":
        return None
    if column in _INTEGERS:
        return int(text)
    if column in _NUMBERS:
        return float(text)
    return text == "true" if column == "is_exact" else text


def _row(row: typing.Mapping[str, typing.Any], number: int) -> Row:
    missing = [column for column in _NEEDED if column not in row]
    if missing:
        raise ValueError(f"row {number} is not one of a catalogue: it lacks {', '.join(missing)}")
    plain = {column: value if type(value) in _PLAIN else _plain(value) for column, value in row.items()}
    for column in _INTEGERS:
        # pandas makes numbers of a column with missing values floats.
        if type(plain.get(column)) is float:
            plain[column] = int(plain[column])
    for column in ("samples", "real_rate", "channels"):
        if type(plain[column]) is not int:
            raise ValueError(f"row {number}: expected a number in {column}, found {plain[column]!r}")
    if isinstance(plain.get("notes"), str):
        plain["notes"] = json.loads(plain["notes"])
    return plain


def _plain(value: typing.Any) -> typing.Any:
    if isinstance(value, datetime.datetime):
        # pandas.NaT is one, which differs from itself.
        return text_of(value) if value == value else None
    if hasattr(value, "item"):
        value = value.item()
    return None if isinstance(value, float) and math.isnan(value) else value


_NEEDED = ("name", "samples", "real_rate", "channels", "sha256")
_PLAIN = frozenset((str, int, bool, type(None)))
_INTEGERS = frozenset(
    (
        "samples",
        "real_rate",
        "drift_ppt",
        "channels",
        "bytes",
        "source_stream",
        "findings",
        "gaps",
        "generation",
    )
)
_NUMBERS = frozenset(("seconds", "latitude", "longitude"))
