from __future__ import annotations

import datetime
import os
import typing

from ._arrays import array_for, finished
from ._times import Time, datetime_of, range_of

if typing.TYPE_CHECKING:
    import numpy as np

    from . import _opus_zarr
    from ._arrays import DType, Samples
    from ._store import Store

#: Names, notes, times and rows of a catalogue, as the native module takes them.
_Arguments = typing.Tuple[
    typing.List[str],
    typing.List[typing.Tuple[str, str]],
    typing.Optional[int],
    typing.Optional[int],
    typing.Optional[typing.List[str]],
]

Gaps = typing.Literal["error", "silence", "split"]


class Segment(typing.NamedTuple):
    """A part of a range of time: frames of a recording, or a gap, in which ``recording`` is None."""

    recording: str | None
    frames: tuple[int, int]
    start: datetime.datetime
    stop: datetime.datetime


class Member(typing.NamedTuple):
    """A recording of a deployment."""

    name: str
    start: datetime.datetime
    stop: datetime.datetime
    channels: int
    real_rate: int


class Overlap(typing.NamedTuple):
    """A time that two recordings have; reads use the one that began earlier."""

    used: str
    ignored: str
    start: datetime.datetime
    stop: datetime.datetime


class Span(typing.NamedTuple):
    """Samples without a gap, or with silence in gaps."""

    #: Of the shape (frames, channels).
    samples: Samples
    #: When the first frame was recorded, to the nanosecond.
    start: np.datetime64
    #: Frames per second of real time.
    real_rate: int
    #: The recordings and gaps, in order.
    segments: list[Segment]
    #: Frames that are silent because nothing was recorded.
    silences: list[tuple[int, int]]
    #: Recordings whose samples may not be exact, and why.
    inexact: dict[str, str]


class Coverage(typing.NamedTuple):
    """How much of a range was recorded."""

    seconds: float
    gaps: list[tuple[datetime.datetime, datetime.datetime]]


class Deployment:
    """Recordings of a store on one clock: the files of a recorder as one signal.

    Made by :meth:`opus_zarr.Store.deployment`. docs/deployment.md has the rules for gaps, overlaps and
    joints.
    """

    def __init__(self, store: Store, arguments: _Arguments) -> None:
        self._store, self._arguments = store, arguments
        self._made: _opus_zarr.Deployment | None = store._native.deployment(*arguments)
        self._process = os.getpid()

    @property
    def _native(self) -> _opus_zarr.Deployment:
        if self._made is None or self._process != os.getpid():
            self._made = self._store._native.deployment(*self._arguments)
            self._process = os.getpid()
        return self._made

    def __reduce__(self) -> tuple[typing.Any, ...]:
        return _unopened, (self._store, self._arguments)

    @property
    def recordings(self) -> list[Member]:
        """The recordings of known time, in the order of their starts."""
        return [
            Member(name, datetime_of(start), datetime_of(stop), channels, rate)
            for name, start, stop, channels, rate in self._native.recordings()
        ]

    @property
    def undated(self) -> list[str]:
        """Recordings at an unknown time, which are not on the clock."""
        return self._native.undated()

    @property
    def unopened(self) -> dict[str, str]:
        """Recordings that could not be opened, and why."""
        return dict(self._native.unopened())

    @property
    def overlaps(self) -> list[Overlap]:
        """Recordings of the same time, in order."""
        return [
            Overlap(used, ignored, datetime_of(start), datetime_of(stop))
            for used, ignored, start, stop in self._native.overlaps()
        ]

    def segments(
        self, start: Time, stop: Time | None = None, *, tz: str | None = None, on: str | None = None
    ) -> list[Segment]:
        """The recordings and gaps of a range, in order. Together they are the range."""
        return _segments(self._native.segments(*self._times(start, stop, tz, on)))

    def coverage(
        self, start: Time, stop: Time | None = None, *, tz: str | None = None, on: str | None = None
    ) -> Coverage:
        """How much of a range was recorded."""
        seconds, gaps = self._native.coverage(*self._times(start, stop, tz, on))
        return Coverage(seconds, [(datetime_of(from_), datetime_of(to)) for from_, to in gaps])

    @typing.overload
    def read_utc(
        self,
        start: Time,
        stop: Time | None = None,
        *,
        tz: str | None = None,
        on: str | None = None,
        gaps: typing.Literal["error", "silence"] = "error",
        dtype: DType = "float32",
    ) -> Span: ...

    @typing.overload
    def read_utc(
        self,
        start: Time,
        stop: Time | None = None,
        *,
        tz: str | None = None,
        on: str | None = None,
        gaps: typing.Literal["split"],
        dtype: DType = "float32",
    ) -> list[Span]: ...

    def read_utc(
        self,
        start: Time,
        stop: Time | None = None,
        *,
        tz: str | None = None,
        on: str | None = None,
        gaps: Gaps = "error",
        dtype: DType = "float32",
    ) -> Span | list[Span]:
        """Reads what was recorded between two times of day, across recordings.

        Without ``stop``, ``start`` is a whole range, such as ``"03:00..04:00"``; ``on`` is the date and
        ``tz`` the zone of times that state none. Gaps are an error, ``"silence"``, or ``"split"`` the range
        into a list of spans.

        Raises ValueError if nothing was recorded then, if there is a gap, or if recordings differ in their
        channels or rates.
        """
        native = self._native
        pieces = native.pieces(*self._times(start, stop, tz, on), gaps)
        spans = [self._read(native, piece, dtype) for piece in pieces]
        return spans if gaps == "split" else spans[0]

    def _read(self, native: _opus_zarr.Deployment, piece: _opus_zarr.Piece, dtype: DType) -> Span:
        import numpy as np

        out, into = array_for((piece.frames, piece.channels), dtype, None)
        inexact = dict(native.read_piece(piece, into))
        return Span(
            finished(out, into),
            np.datetime64(piece.start, "ns"),
            piece.real_rate,
            _segments(piece.segments()),
            piece.silences(),
            inexact,
        )

    def _times(
        self, start: Time, stop: Time | None, tz: str | None, on: str | None
    ) -> tuple[int, int]:
        if stop is None and isinstance(start, str):
            return self._native.select(start, on, tz)
        return self._native.select(range_of(start, stop), on, tz)

    def __repr__(self) -> str:
        members = self.recordings
        if not members:
            return "<Deployment: no recordings of known time>"
        first, last = members[0].start, max(member.stop for member in members)
        return f"<Deployment: {len(members)} recordings, {first:%Y-%m-%d %H:%M} to {last:%Y-%m-%d %H:%M} UTC>"


def _unopened(store: Store, arguments: _Arguments) -> Deployment:
    """A deployment that is arranged when it is used, so that unpickling one cannot fail."""
    deployment = Deployment.__new__(Deployment)
    deployment._store, deployment._arguments = store, arguments
    deployment._made, deployment._process = None, os.getpid()
    return deployment


def _segments(parts: list[tuple[str | None, int, int, int, int]]) -> list[Segment]:
    return [
        Segment(name, (start, stop), datetime_of(from_), datetime_of(to))
        for name, start, stop, from_, to in parts
    ]
