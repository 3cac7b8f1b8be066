"""Recordings as xarray datasets.

    import xarray as xr

    dawn = xr.open_dataset("archive.zarr/dawn", engine="opus_zarr", chunks={})
    dawn.sel(time=slice(10, 20))  # seconds since the first frame
    dawn.opus.sel_time("2026-05-12T03:30Z", "10s")
"""

from __future__ import annotations

import datetime
import os
import typing
import warnings

import numpy as np
import xarray as xr
from xarray.backends import BackendArray, BackendEntrypoint
from xarray.core import indexing

from . import _native
from ._clock import TimeIndex
from ._layouts import Layout, layout_of, layouts, opened, read_index, sound_attributes
from ._store import Row, StorageOptions, open
from ._times import Time, text_of

__all__ = ["OpusAccessor", "OpusZarrBackend"]

#: Frames of a chunk of dask, if xarray chooses: 10 s as it plays, 1.9 MB per channel. Chunks of any size can
#: be read, but xarray warns of those that divide these.
_PREFERRED = 10 * 48_000
_SECOND = 1_000_000_000

Length = typing.Union[str, datetime.timedelta, "np.timedelta64"]


class OpusZarrBackend(BackendEntrypoint):
    """The engine ``opus_zarr`` of xarray.

    A recording is a dataset with a variable ``audio`` of the dimensions ``frame`` and ``channel``, which is
    read when it is used. Its coordinate ``time``, in seconds of real time since the first frame, is computed
    when it is used, and its ranges do not include their end: adjacent ones have adjacent frames.
    """

    description = "Recordings of opus-zarr stores, and files with Opus"
    open_dataset_parameters = ("filename_or_obj", "drop_variables", "dtype", "storage_options")
    supports_groups = True

    def guess_can_open(self, filename_or_obj: object) -> bool:
        # Recordings in a store are Zarr groups too, which the engine zarr opens as they are stored.
        return isinstance(filename_or_obj, (str, os.PathLike)) and str(filename_or_obj).endswith(".opus")

    def open_dataset(
        self,
        filename_or_obj: typing.Any,
        *,
        drop_variables: str | typing.Iterable[str] | None = None,
        dtype: typing.Literal["float32", "int16"] = "float32",
        storage_options: StorageOptions | None = None,
    ) -> xr.Dataset:
        """Opens a recording ``STORE/NAME``, or a file with Opus.

        Raises FileNotFoundError if there is neither.
        """
        recording = open(filename_or_obj, storage_options=storage_options)
        return _dataset(layout_of(recording), dtype, drop_variables)

    def open_groups_as_dict(
        self,
        filename_or_obj: typing.Any,
        *,
        drop_variables: str | typing.Iterable[str] | None = None,
        dtype: typing.Literal["float32", "int16"] = "float32",
        catalogue: typing.Iterable[Row] | None = None,
        storage_options: StorageOptions | None = None,
    ) -> dict[str, xr.Dataset]:
        """Opens the recordings of a store, each under ``/NAME``. With a ``catalogue`` from
        :meth:`opus_zarr.Store.catalogue`, none is opened before it is read. One that cannot be opened is
        left out, and a warning says so."""
        options = _native.options_of(storage_options)
        found = layouts(os.fspath(filename_or_obj), (), catalogue, options)
        if isinstance(found, Layout):
            return {"/": _dataset(found, dtype, drop_variables)}
        opened, failed = found.all()
        for name, error in failed.items():
            warnings.warn(f"{name!r} is not in the tree: {error}", stacklevel=2)
        groups = {f"/{layout.name}": _dataset(layout, dtype, drop_variables) for layout in opened}
        return {"/": xr.Dataset(), **groups}

    def open_datatree(
        self,
        filename_or_obj: typing.Any,
        *,
        drop_variables: str | typing.Iterable[str] | None = None,
        dtype: typing.Literal["float32", "int16"] = "float32",
        catalogue: typing.Iterable[Row] | None = None,
        storage_options: StorageOptions | None = None,
    ) -> xr.DataTree:
        """Opens the recordings of a store like :meth:`open_groups_as_dict`, as a tree."""
        groups = self.open_groups_as_dict(
            filename_or_obj,
            drop_variables=drop_variables,
            dtype=dtype,
            catalogue=catalogue,
            storage_options=storage_options,
        )
        return xr.DataTree.from_dict(groups)


class OpusAccessor:
    """``dataset.opus``: what a dataset of the engine ``opus_zarr`` knows about its recording."""

    def __init__(self, dataset: xr.Dataset) -> None:
        self._dataset = dataset

    def sel_time(
        self, start: Time, length: Length | None = None, *, tz: str | None = None, on: str | None = None
    ) -> xr.Dataset:
        """Selects what was recorded from a time of day on, for ``length``, such as ``"10s"``.

        Without ``length``, ``start`` is a whole range, such as ``"03:30..03:40"``; ``on`` is the date and
        ``tz`` the zone of times that state none. The drift of the recorder's clock is accounted for, if it
        is known.

        Raises IndexError or ValueError if some of it is not in the dataset.
        """
        index = self._index()
        text = text_of(start) if length is None else f"{text_of(start)}..+{_length(length)}"
        frames = index.recording()._native.select(text, on, tz)
        return self._dataset.isel({index.dim: index.positions(*frames)})

    def _index(self) -> TimeIndex:
        for index in self._dataset.xindexes.values():
            if isinstance(index, TimeIndex):
                return index
        raise ValueError(
            "the dataset does not know when its frames were recorded: open it with the engine opus_zarr, and "
            "select time before scattered frames"
        )


typing.cast(typing.Any, xr.register_dataset_accessor)("opus")(OpusAccessor)


class _Samples(BackendArray):
    """The samples of a recording, which is opened when it is first read."""

    def __init__(self, layout: Layout, dtype: np.dtype[typing.Any]) -> None:
        self.layout, self.dtype = layout, dtype
        self.shape = (layout.frames, layout.channels)

    def __getitem__(self, key: indexing.ExplicitIndexer) -> typing.Any:
        return indexing.explicit_indexing_adapter(
            key, self.shape, indexing.IndexingSupport.BASIC, self._read
        )

    def _read(self, key: tuple[int | slice, ...]) -> typing.Any:
        return read_index(opened(self.layout), key, self.dtype)


def _dataset(
    layout: Layout, dtype: str, dropped: str | typing.Iterable[str] | None
) -> xr.Dataset:
    kind = np.dtype(dtype)
    if kind not in (np.float32, np.int16):
        raise ValueError(f"dtype {kind} is not supported, expected float32 or int16")
    samples = _Samples(layout, kind)
    preferred = {"frame": _PREFERRED, "channel": layout.channels}
    audio = xr.Variable(
        ("frame", "channel"),
        indexing.LazilyIndexedArray(samples),
        sound_attributes(kind),
        {"preferred_chunks": preferred},
    )
    attributes = {"Conventions": "CF-1.11", **layout.attributes()}
    times = xr.Coordinates.from_xindex(TimeIndex.of(layout))
    dataset = xr.Dataset({"audio": audio}, times, attributes)
    dataset["time"].attrs.update(units="s", long_name="time since the first frame")
    names = [dropped] if isinstance(dropped, str) else list(dropped or ())
    return dataset.drop_vars(names, errors="ignore")


def _length(length: Length) -> str:
    """A length in the form that ranges are written in."""
    if isinstance(length, str):
        return length.lstrip("+")
    if isinstance(length, datetime.timedelta):
        nanos = (length // datetime.timedelta(microseconds=1)) * 1000 + getattr(length, "nanoseconds", 0)
    elif isinstance(length, np.timedelta64) and not np.isnat(length):
        nanos = int(length.astype("timedelta64[ns]").astype("int64"))
    else:
        raise TypeError(f"expected a length as text, timedelta or timedelta64, found {length!r}")
    if nanos < 0:
        raise ValueError(f"expected a length of 0 s or more, found {length}")
    return f"{nanos // _SECOND}.{nanos % _SECOND:09d}s"
