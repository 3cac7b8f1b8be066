"""The time of frames as a coordinate of xarray that is computed instead of stored."""

from __future__ import annotations

import math
import typing

import numpy as np
import xarray as xr

# xarray.indexes has these too, but not in the last version for Python 3.10.
from xarray.core.coordinate_transform import CoordinateTransform
from xarray.core.indexes import CoordinateTransformIndex
from xarray.core.indexing import IndexSelResult

from ._layouts import Layout, opened
from ._recording import Recording

#: Part of a frame by which a time may miss it: a float cannot hold most times of frames.
_SLACK = 1e-4


class Times(CoordinateTransform):
    """Seconds of real time since the first frame of a recording, for every ``step`` th frame from one on."""

    def __init__(self, layout: Layout, first: int, step: int, count: int, *, name: str, dim: str) -> None:
        super().__init__([name], {dim: count})
        self.layout, self.first, self.step = layout, first, step

    @property
    def name(self) -> typing.Hashable:
        return self.coord_names[0]

    @property
    def dim(self) -> str:
        return self.dims[0]

    @property
    def count(self) -> int:
        return self.dim_size[self.dim]

    def forward(self, dim_positions: dict[str, typing.Any]) -> dict[typing.Hashable, typing.Any]:
        frames = self.first + np.asarray(dim_positions[self.dim]) * self.step
        return {self.name: frames / self.layout.real_rate}

    def reverse(self, coord_labels: dict[typing.Hashable, typing.Any]) -> dict[str, typing.Any]:
        frames = np.asarray(coord_labels[self.name], dtype=np.float64) * self.layout.real_rate
        return {self.dim: (frames - self.first) / self.step}

    def equals(self, other: CoordinateTransform, **_: object) -> bool:
        return isinstance(other, Times) and self._key() == other._key()

    def _key(self) -> tuple[object, ...]:
        return self.layout, self.first, self.step, self.count


class TimeIndex(CoordinateTransformIndex):
    """Selects frames of a recording by :class:`Times`. It knows the recording, and so the time of day, as
    long as frames are selected by slices."""

    @classmethod
    def of(cls, layout: Layout) -> TimeIndex:
        """The times of all frames, as the coordinate ``time`` of the dimension ``frame``."""
        return cls(Times(layout, 0, 1, layout.frames, name="time", dim="frame"))

    @property
    def times(self) -> Times:
        return typing.cast(Times, self.transform)

    @property
    def dim(self) -> str:
        return self.times.dim

    def recording(self) -> Recording:
        """The recording, opened if need be."""
        return opened(self.times.layout)

    def positions(self, start: int, stop: int) -> slice:
        """The positions of frames ``start`` to ``stop`` of the recording.

        Raises IndexError if some of them are not between the first and the last frame of the index.
        """
        times = self.times
        end = times.first + times.count * times.step
        if not times.first <= start <= stop <= end:
            raise IndexError(
                f"frames {start} to {stop} of {times.layout.name!r} are not all in the dataset, which has "
                f"frames {times.first} to {end}"
            )
        return slice(self._position(start), self._position(stop))

    def isel(self, indexers: typing.Mapping[typing.Any, typing.Any]) -> TimeIndex | None:
        wanted, times = indexers[self.dim], self.times
        if not isinstance(wanted, slice):
            return None
        picked = range(times.count)[wanted]
        first, step = times.first + picked.start * times.step, times.step * picked.step
        name = typing.cast(str, times.name)
        return TimeIndex(Times(times.layout, first, step, len(picked), name=name, dim=self.dim))

    @classmethod
    def concat(
        cls, indexes: typing.Sequence[typing.Any], dim: typing.Hashable, positions: object = None
    ) -> TimeIndex:
        """The index of successive parts of a recording."""
        parts = [index.times for index in indexes]
        first, count = parts[0], sum(part.count for part in parts)
        found = Times(first.layout, first.first, first.step, count, name=str(first.name), dim=str(dim))
        at = 0
        for part in parts:
            expected = (first.layout, first.first + at * first.step, first.step)
            if (part.layout, part.first, part.step) != expected or positions is not None:
                raise ValueError(
                    "expected successive parts of one recording: join others without their times, "
                    'as in dataset.drop_vars("time")'
                )
            at += part.count
        return cls(found)

    def join(self, other: typing.Any, how: str = "inner") -> TimeIndex:
        """Called for datasets of different frames, whose times cannot be compared.

        Raises ValueError.
        """
        names = " and ".join(repr(index.times.layout.name) for index in (self, other))
        raise ValueError(
            f"frames of {names} cannot be aligned, which are not the same in both: drop "
            'their times first, as in dataset.drop_vars("time")'
        )

    def sel(
        self,
        labels: dict[typing.Any, typing.Any],
        method: str | None = None,
        tolerance: object = None,
    ) -> IndexSelResult:
        if tolerance is not None or method not in (None, "nearest"):
            raise ValueError('times support neither a tolerance nor a method other than "nearest"')
        label = labels[self.times.name]
        if isinstance(label, slice):
            return IndexSelResult({self.dim: self._range(label)})
        positions = self._nearest(np.asarray(label), is_exact=method is None)
        if isinstance(label, (xr.DataArray, xr.Variable)):
            found: typing.Any = xr.Variable(label.dims, positions)
        else:
            found = positions if positions.ndim else int(positions)
        return IndexSelResult({self.dim: found})

    def _range(self, wanted: slice) -> slice:
        if wanted.step is not None:
            raise ValueError("a range of times has no step: select it, then frames with isel")
        rate, count = self.times.layout.real_rate, self.times.count
        start, stop = (
            None if at is None else self._position(math.ceil(float(at) * rate - _SLACK))
            for at in (wanted.start, wanted.stop)
        )
        first = 0 if start is None else start
        return slice(first, max(first, count if stop is None else stop))

    def _position(self, frame: int) -> int:
        """The position of the first frame of the index that is this one or later."""
        times = self.times
        if times.step < 0:
            raise ValueError("frames in reverse order cannot be selected by a range of time")
        return min(max(-((times.first - frame) // times.step), 0), times.count)

    def _nearest(self, seconds: typing.Any, *, is_exact: bool) -> typing.Any:
        times = self.times
        found = times.reverse({times.name: seconds})[times.dim]
        positions = np.round(found).astype(np.int64)
        misses = np.abs(found - positions) * abs(times.step) > _SLACK
        if is_exact and (misses | (positions < 0) | (positions >= times.count)).any():
            raise KeyError(f'no frame at {seconds} s: pass method="nearest", or a slice')
        if times.count == 0:
            raise KeyError(f"no frame at {seconds} s: the dataset has no frames")
        return positions.clip(0, times.count - 1)
