from __future__ import annotations

import asyncio
import datetime
import functools
import json
import os
import typing

from . import _opus_zarr
from ._arrays import array_for, finished
from ._errors import BatchError
from ._indexing import Index, select
from ._place import WHOLE, Opened, Output, Place, opened
from ._times import Time, datetime_of, range_of

if typing.TYPE_CHECKING:
    import concurrent.futures

    import numpy as np
    import numpy.typing as npt

    from ._arrays import DType, Samples
    from ._soundfile import SoundFile

Channels = typing.Union[typing.Literal["all", "mono"], typing.Sequence[int]]

_SECOND = 1_000_000_000


class AudioSamples(typing.NamedTuple):
    """What torchcodec calls so: ``data`` has the shape (channels, samples)."""

    data: Samples
    pts_seconds: float
    duration_seconds: float
    sample_rate: int


class Recording:
    """A recording, which reads like an array of the shape (frames, channels).

    Made by :func:`opus_zarr.open`, or by indexing a :class:`opus_zarr.Store`. Threads may share one. It can
    be pickled, and used after a fork: both open it again.
    """

    def __init__(self, place: Place, output: Output = WHOLE) -> None:
        self._place, self._output = place, output
        self._last: Opened | None = None
        # Raises what is wrong with the place now, not at the first read.
        self._native  # noqa: B018

    @property
    def _native(self) -> _opus_zarr.Recording:
        last = self._last
        if last is None or last.process != os.getpid():
            last = self._last = opened(self._place, self._output)
        return last.native

    # What it is.

    @property
    def url(self) -> str:
        """The path or URL that opens it."""
        return self._place.text()

    @property
    def name(self) -> str:
        """Its name in the store; of a file, that of the file."""
        url, name, _ = self._place
        return os.path.basename(url) if name is None else name

    @functools.cached_property
    def frames(self) -> int:
        """Number of frames."""
        return self._native.frames

    @functools.cached_property
    def channels(self) -> int:
        """Number of channels of a read."""
        return self._native.channels

    @functools.cached_property
    def sample_rate(self) -> int:
        """Frames per second as it plays: 48,000, or what :meth:`with_output` chose. Recordings that keep
        ultrasound play slower than they were made; see :attr:`real_rate`."""
        return self._native.sample_rate

    @functools.cached_property
    def real_rate(self) -> float:
        """Frames per second of real time. Spectra and times of animals are by this rate."""
        rate, divisor = self._native.real_rate
        return rate // divisor if rate % divisor == 0 else rate / divisor

    @property
    def duration(self) -> float:
        """Length in seconds of real time."""
        return self.frames / self.real_rate

    @property
    def start(self) -> datetime.datetime | None:
        """When the first frame was recorded, in UTC to the microsecond. None if that is unknown."""
        start = self._native.utc_of(0)
        return None if start is None else datetime_of(start)

    def utc_of(self, frame: int) -> np.datetime64 | None:
        """When a frame was recorded, in UTC to the nanosecond. None if the start is unknown."""
        import numpy as np

        if frame < 0:
            raise IndexError(f"expected a frame of 0 or more, found {frame}")
        time = self._native.utc_of(frame)
        return None if time is None else np.datetime64(time, "ns")

    @property
    def shape(self) -> tuple[int, int]:
        """(frames, channels)"""
        return self.frames, self.channels

    ndim = 2

    @property
    def size(self) -> int:
        return self.frames * self.channels

    @property
    def dtype(self) -> np.dtype[np.float32]:
        """float32, the type of slices."""
        import numpy as np

        return np.dtype(np.float32)

    @functools.cached_property
    def info(self) -> dict[str, typing.Any]:
        """All that the store knows about it: the attributes that ``docs/format.md`` describes."""
        found: dict[str, typing.Any] = json.loads(self._native.info())
        return found

    @property
    def notes(self) -> dict[str, typing.Any]:
        """The notes that users made about it."""
        notes: dict[str, typing.Any] = self.info.get("user", {})
        return notes

    @property
    def tags(self) -> dict[str, list[str]]:
        """The tags of its Opus stream, by their names in lower case."""
        tags: dict[str, list[str]] = {}
        for comment in self.info["tags"]["comments"]:
            name, _, value = comment.partition("=")
            tags.setdefault(name.lower(), []).append(value)
        return tags

    @property
    def gaps(self) -> list[tuple[int, int]]:
        """Where audio was lost in the source, as (start, stop) in frames at 48 kHz. Reads have what the
        decoder conceals it with."""
        skipped = self.info["pre_skip"]
        gaps = ((gap["position"] - skipped, gap["samples"]) for gap in self.info.get("gaps", []))
        return [(max(start, 0), max(start + count, 0)) for start, count in gaps]

    @property
    def exactness(self) -> str | None:
        """What makes every read exact: ``"construction"``, ``"map"`` or ``"settled-map"``. None if some
        reads may not be; :attr:`why_not_exact` says why."""
        return self._native.exactness

    @property
    def why_not_exact(self) -> str | None:
        """Why some reads may not be exact."""
        return self._native.not_exact

    # Reading.

    def read(
        self,
        start: int = 0,
        stop: int | None = None,
        *,
        dtype: DType = "float32",
        out: Samples | None = None,
        exact: bool = False,
    ) -> Samples:
        """Reads frames ``start`` to ``stop``, which is not read; an array of the shape (frames, channels).

        ``dtype`` is float32 or int16, which the decoder makes itself, or float64. ``out`` is an array of
        that shape to read into, of its own type. With ``exact``, a range whose samples could not be shown to
        be exact raises NotExactError.

        Raises IndexError if the range is reversed or goes beyond the recording.
        """
        stop = self.frames if stop is None else stop
        if not 0 <= start <= stop <= self.frames:
            raise IndexError(
                f"frames {start} to {stop} are out of range: the recording has {self.frames} frames"
            )
        out, into = array_for((stop - start, self.channels), dtype, out)
        if exact and start < stop:
            self._native.check_exact(start, stop)
        if start < stop:
            self._native.read_into(start, stop, into)
        return finished(out, into)

    def __getitem__(self, index: Index) -> Samples:
        picked = select(index, self.frames)
        read = self.read(picked.start, picked.stop)
        if isinstance(picked.channels, slice) and picked.channels == slice(None):
            return read[picked.frames]
        return read[:, picked.channels][picked.frames]

    def __len__(self) -> int:
        return self.frames

    def __iter__(self) -> typing.Iterator[Samples]:
        for block in self.blocks(self.sample_rate):
            yield from block

    def __array__(self, dtype: DType | None = None, copy: bool | None = None) -> Samples:
        if copy is False:
            raise ValueError("a recording is decoded into a new array: copy=False is impossible")
        read = self.read()
        return read if dtype is None else read.astype(dtype, copy=False)

    def read_seconds(
        self, start: float, stop: float | None = None, *, dtype: DType = "float32"
    ) -> Samples:
        """Reads a span of real time in seconds since the first frame. Adjacent spans give adjacent frames."""
        if start < 0 or (stop is not None and stop < start):
            raise IndexError(f"seconds {start} to {stop} are out of range: expected 0 <= start <= stop")
        first = self._native.frame_at(round(start * _SECOND))
        last = self.frames if stop is None else self._native.frame_at(round(stop * _SECOND))
        return self.read(first, last, dtype=dtype)

    def read_utc(
        self,
        start: Time,
        stop: Time | None = None,
        *,
        tz: str | None = None,
        on: str | None = None,
        dtype: DType = "float32",
    ) -> Samples:
        """Reads what was recorded between two times of day. Without ``stop``, ``start`` is a whole range,
        such as ``"2026-05-12T03:30..+10s"``. ``tz`` is the zone and ``on`` the date of times that state
        none."""
        text = str(start) if stop is None and isinstance(start, str) else range_of(start, stop)
        return self.read(*self._native.select(text, on, tz), dtype=dtype)

    def read_many(
        self,
        starts: typing.Sequence[int] | npt.NDArray[np.integer[typing.Any]],
        frames: int,
        *,
        dtype: DType = "float32",
        out: Samples | None = None,
        pad: typing.Literal["zero"] | None = "zero",
    ) -> Samples:
        """Reads ``frames`` frames from each start, in threads; an array of the shape
        (starts, frames, channels).

        What lies before the first frame or after the last is zero, or raises IndexError if ``pad`` is None.

        Raises BatchError, with the batch and the exceptions by row, if some rows cannot be read.
        """
        if pad not in ("zero", None):
            raise ValueError(f'unknown pad {pad!r}: expected "zero" or None')
        if frames < 0:
            raise ValueError(f"expected 0 frames or more, found {frames}")
        rows, channels = [int(start) for start in starts], self.channels
        out, into = array_for((len(rows), frames, channels), dtype, out)
        ranges, numbers = [], []
        for row, start in enumerate(rows):
            first, last = max(start, 0), min(start + frames, self.frames)
            if pad is None and (first, last) != (start, start + frames):
                raise IndexError(
                    f"row {row}: frames {start} to {start + frames} are out of range: "
                    f"the recording has {self.frames} frames"
                )
            if first < last:
                ranges.append((first, last, (row * frames + first - start) * channels))
                numbers.append(row)
            if last - first < frames:
                into[row] = 0
        failed = self._native.read_ranges(ranges, into) if ranges else []
        if failed:
            for number, _ in failed:
                into[numbers[number]] = 0
            errors = {numbers[number]: error for number, error in sorted(failed, key=lambda it: it[0])}
            raise BatchError(errors, finished(out, into))
        return finished(out, into)

    def blocks(
        self,
        blocksize: int,
        overlap: int = 0,
        *,
        fill_value: float | None = None,
        start: int = 0,
        stop: int | None = None,
        dtype: DType = "float32",
    ) -> typing.Iterator[Samples]:
        """Yields arrays of ``blocksize`` frames, each beginning ``overlap`` frames before the end of the
        last, as soundfile does. The last one is shorter, unless ``fill_value`` fills it up."""
        if not 0 <= overlap < blocksize:
            raise ValueError(f"expected 0 <= overlap < blocksize, found {overlap} and {blocksize}")
        stop = self.frames if stop is None else min(stop, self.frames)
        while start < stop:
            block = self.read(start, min(start + blocksize, stop), dtype=dtype)
            is_last = start + blocksize >= stop
            if is_last and fill_value is not None and len(block) < blocksize:
                import numpy as np

                filled = np.full((blocksize, self.channels), fill_value, block.dtype)
                filled[: len(block)] = block
                block = filled
            yield block
            if is_last:
                return
            start += blocksize - overlap

    def get_samples_played_in_range(
        self, start_seconds: float = 0.0, stop_seconds: float | None = None
    ) -> AudioSamples:
        """Reads a range like torchcodec: by seconds as it plays, as (channels, samples)."""
        rate = self.sample_rate
        first = round(start_seconds * rate)
        last = self.frames if stop_seconds is None else min(round(stop_seconds * rate), self.frames)
        data = self.read(first, last).T.copy()
        return AudioSamples(data, first / rate, (last - first) / rate, rate)

    async def aread(
        self, start: int = 0, stop: int | None = None, *, dtype: DType = "float32"
    ) -> Samples:
        """Reads like :meth:`read`, without blocking the event loop. Many reads wait for an object store at
        the same time."""
        read = functools.partial(self.read, start, stop, dtype=dtype)
        return await asyncio.get_running_loop().run_in_executor(executor(os.getpid()), read)

    # Other forms.

    def with_output(self, *, sample_rate: int | None = None, channels: Channels | None = None) -> Recording:
        """The same recording at another rate, or with other channels. Its frames are counted at that rate.

        ``sample_rate`` is 48,000, 24,000, 16,000, 12,000 or 8,000: rates that Opus decodes to, so reads
        stay exact. ``channels`` is ``"all"``, ``"mono"`` for a mix, or numbers, counted from 0.
        """
        rate = self._output.rate if sample_rate is None else sample_rate
        picked = self._output.channels if channels is None else channels
        return Recording(self._place, Output(rate, picked if isinstance(picked, str) else tuple(picked)))

    def as_soundfile(self) -> SoundFile:
        """The recording as code for ``soundfile`` expects a file: with seek, tell, read and blocks."""
        from ._soundfile import SoundFile

        return SoundFile(self)

    def ogg_opus(self) -> bytes:
        """The Ogg Opus stream as it is stored, which any player plays."""
        return self._native.ogg_opus()

    # What Python asks of objects.

    def __enter__(self) -> Recording:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Lets go of the file or connection. A later read opens it again."""
        self._last = None

    def __reduce__(self) -> tuple[typing.Any, ...]:
        return _unopened, (self._place, self._output)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Recording):
            return NotImplemented
        return (self._place, self._output) == (other._place, other._output)

    def __hash__(self) -> int:
        return hash((self._place, self._output))

    def __repr__(self) -> str:
        start = "" if self.start is None else f", from {self.start:%Y-%m-%d %H:%M:%S} UTC"
        rate = f"{self.sample_rate} Hz"
        if self.real_rate != self.sample_rate:
            rate = f"{self.real_rate:g} Hz, plays at {rate}"
        kind = "exact" if self.exactness else "not exact everywhere"
        length = str(datetime.timedelta(seconds=round(self.duration, 3)))
        length = length.rstrip("0") if "." in length else length
        return (
            f"<Recording {self.name!r}: {length}, {self.channels} ch, {rate}{start}, {kind}>"
        )

    def _repr_html_(self) -> str:
        from ._notebook import html

        return html(self)


def _unopened(place: Place, output: Output) -> Recording:
    """A recording that is opened when it is used, so that unpickling one cannot fail."""
    recording = Recording.__new__(Recording)
    recording._place, recording._output, recording._last = place, output, None
    return recording


@functools.lru_cache(maxsize=1)
def executor(process: int) -> concurrent.futures.ThreadPoolExecutor:
    """For reads that wait for a network more than they decode. A child after a fork has its own."""
    import concurrent.futures

    return concurrent.futures.ThreadPoolExecutor(32, thread_name_prefix=f"opus-zarr-{process}")
