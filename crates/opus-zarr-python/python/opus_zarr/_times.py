from __future__ import annotations

import datetime
import typing

Time = typing.Union[str, datetime.datetime, typing.Any]
"""A text such as ``2026-05-12T03:30Z`` or ``2026-05-12T03:30[Europe/Zurich]``, an aware ``datetime`` (also
of pandas), or a ``numpy.datetime64``, which is in UTC."""

_SECOND = 1_000_000_000


def text_of(time: Time) -> str:
    """A time in the form that ranges are written in."""
    if isinstance(time, str):
        return time
    if isinstance(time, datetime.datetime):
        if time.tzinfo is None:
            raise ValueError(f"{time.isoformat()} lacks a time zone: pass an aware datetime, such as tzinfo=UTC")
        nanos = getattr(time, "nanosecond", 0)
        utc = time.astimezone(datetime.timezone.utc).replace(tzinfo=None)
        whole = utc.isoformat(timespec="microseconds")[:26]
        return f"{whole}{nanos:03d}Z"
    import numpy as np

    if isinstance(time, np.datetime64) and not np.isnat(time):
        return f"{np.datetime_as_string(time, unit='ns')}Z"
    raise TypeError(f"expected a time as text, datetime or datetime64, found {time!r}")


def range_of(start: Time | None, stop: Time | None) -> str:
    return "..".join("" if time is None else text_of(time) for time in (start, stop))


def datetime_of(nanos: int) -> datetime.datetime:
    """In UTC, to the microsecond."""
    seconds, rest = divmod(nanos, _SECOND)
    epoch = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)
    return epoch + datetime.timedelta(seconds=seconds, microseconds=rest // 1000)


def nanos_of(time: Time) -> int:
    """Nanoseconds since 1970 of a time that states its zone."""
    import numpy as np

    text = text_of(time)
    if text.endswith("Z"):
        return int(np.datetime64(text[:-1], "ns").astype("int64"))
    parsed = datetime.datetime.fromisoformat(text)
    if parsed.tzinfo is None:
        raise ValueError(f"time {text!r} lacks a time zone: append Z for UTC or an offset such as +02:00")
    return nanos_of(parsed)
