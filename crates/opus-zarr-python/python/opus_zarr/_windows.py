"""Windows of recordings, in groups that a worker reads at once."""

from __future__ import annotations

import math
import pickle
import typing

from ._errors import OpusZarrError
from ._layouts import Layout, Layouts, opened
from ._recording import Recording
from ._store import Row

if typing.TYPE_CHECKING:
    import numpy as np

    from ._arrays import Samples

#: Frames that a group spans, unless one window is longer: two minutes as it plays, 23 MB per channel.
_GROUP = 120 * 48_000
#: Windows of a group, which bounds what is sent back at once.
_MOST = 1_000


class WindowInfo(typing.NamedTuple):
    """What a function is told about the window it gets."""

    #: Name of the recording.
    name: str
    #: First frame of the window.
    frame: int
    #: When it was recorded, in UTC to the nanosecond. None if that is unknown.
    start: np.datetime64 | None
    #: Frames per second of real time.
    real_rate: int
    #: The recording's row of the catalogue.
    row: Row


class Group(typing.NamedTuple):
    """Windows of a recording."""

    layout: Layout
    row: Row
    #: First frame of each window, in order.
    frames: list[int]
    #: Frames of a window.
    length: int

    @property
    def name(self) -> str:
        return self.layout.name


class Outcome(typing.NamedTuple):
    """What a function returned for a window, or what went wrong."""

    frame: int
    start: np.datetime64 | None
    value: typing.Any
    error: Exception | None


def groups(
    found: Layouts,
    rows: typing.Mapping[str, Row],
    seconds: float,
    hop: float,
    finished: typing.Container[tuple[str, int]],
) -> typing.Iterator[Group]:
    """Windows of recordings in the order of their names, without those that are finished.

    Raises ValueError if the length or the hop is no frame.
    """
    for what, value in (("seconds", seconds), ("hop", hop)):
        if not (value > 0 and math.isfinite(value)):
            raise ValueError(f"expected {what} of more than 0, found {value}")
    return _groups(found, rows, seconds, hop, finished)


def _groups(
    found: Layouts,
    rows: typing.Mapping[str, Row],
    seconds: float,
    hop: float,
    finished: typing.Container[tuple[str, int]],
) -> typing.Iterator[Group]:
    for name in found.names:
        layout = found[name]
        length = max(round(seconds * layout.real_rate), 1)
        frames: list[int] = []
        for frame in _starts(layout, length, hop):
            if (name, frame) in finished:
                continue
            if frames and (frame + length - frames[0] > _GROUP or len(frames) == _MOST):
                yield Group(layout, rows[name], frames, length)
                frames = []
            frames.append(frame)
        if frames:
            yield Group(layout, rows[name], frames, length)


def _starts(layout: Layout, length: int, hop: float) -> typing.Iterator[int]:
    """First frames of windows. Each is rounded on its own, so that a hop which is not a number of frames
    does not drift."""
    last, number, frame = layout.frames - length, 0, 0
    while frame <= last:
        yield frame
        number += 1
        # Never the same window again, however short the hop.
        frame = max(round(number * hop * layout.real_rate), frame + 1)


def map_group(f: typing.Callable[[Samples, WindowInfo], typing.Any], group: Group) -> list[Outcome]:
    """Calls a function for each window. Runs on a worker."""
    try:
        recording = opened(group.layout)
    except Exception as error:
        return [Outcome(frame, None, None, _portable(error)) for frame in group.frames]
    block = _block(recording, group)
    return [_outcome(f, group, frame, recording, block) for frame in group.frames]


def _outcome(
    f: typing.Callable[[Samples, WindowInfo], typing.Any],
    group: Group,
    frame: int,
    recording: Recording,
    block: Samples | None,
) -> Outcome:
    start = None
    try:
        start = recording.utc_of(frame)
        if block is None:
            samples = recording.read(frame, frame + group.length)
        else:
            at = frame - group.frames[0]
            # Windows may overlap, and the function may change what it gets.
            samples = block[at : at + group.length].copy()
        info = WindowInfo(group.name, frame, start, group.layout.real_rate, group.row)
        return Outcome(frame, start, f(samples, info), None)
    except Exception as error:
        return Outcome(frame, start, None, _portable(error))


def _block(recording: Recording, group: Group) -> Samples | None:
    """All frames of a group. None if its windows are to be read one by one: those of a recording that is not
    exact, whose samples must not depend on the group, and where something is damaged."""
    if recording.exactness is None:
        return None
    try:
        return recording.read(group.frames[0], group.frames[-1] + group.length)
    except Exception:
        return None


def _portable(error: Exception) -> Exception:
    """An exception that reaches the client."""
    try:
        pickle.loads(pickle.dumps(error))
    except Exception:
        return OpusZarrError(f"{type(error).__name__}: {error}")
    return error
