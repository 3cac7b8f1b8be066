"""What an index such as ``rec[a:b, 0]`` means, by the rules of numpy."""

from __future__ import annotations

import operator
import typing

Index = typing.Any


class Selection(typing.NamedTuple):
    """Frames to read, in order, and what becomes of them afterwards."""

    start: int
    stop: int
    #: Picks frames of those read: a step, or the only one.
    frames: typing.Union[int, slice]
    #: Picks channels.
    channels: typing.Any


def select(index: Index, frames: int) -> Selection:
    """Divides an index into the frames to read and the rest.

    Raises IndexError like numpy for a number out of range, and for what would read scattered frames.
    """
    parts = list(index) if isinstance(index, tuple) else [index]
    if Ellipsis in [part for part in parts if part is Ellipsis]:
        at = next(number for number, part in enumerate(parts) if part is Ellipsis)
        parts[at : at + 1] = [slice(None)] * (3 - len(parts))
    if len(parts) > 2:
        raise IndexError(f"too many indices: a recording has 2 dimensions, found {len(parts)}")
    first, channels = (parts + [slice(None), slice(None)])[:2]
    if isinstance(first, slice):
        start, stop, step = first.indices(frames)
        count = len(range(start, stop, step))
        if count == 0:
            return Selection(0, 0, slice(None), channels)
        last = start + (count - 1) * step
        read = slice(None, None, step if step > 0 else None)
        if step < 0:
            read = slice(None, None, step)
        return Selection(min(start, last), max(start, last) + 1, read, channels)
    try:
        frame = operator.index(first)
    except TypeError:
        raise IndexError(
            "expected a slice or a number for frames; read scattered frames with read_many"
        ) from None
    if not -frames <= frame < frames:
        raise IndexError(f"frame {frame} is out of range: the recording has {frames} frames")
    frame %= frames
    return Selection(frame, frame + 1, 0, channels)
