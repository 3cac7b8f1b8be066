from __future__ import annotations

import io
import operator
import typing

if typing.TYPE_CHECKING:
    from ._arrays import DType, Samples
    from ._recording import Recording


class SoundFile:
    """A recording with the methods of ``soundfile.SoundFile`` that read.

    Arguments, results, positions and the kinds of errors are the same; errors of soundfile's own classes
    are RuntimeErrors here as well. ``dtype`` is float64, float32 or int16.
    """

    mode = "r"
    format = "OGG"
    subtype = "OPUS"
    endian = "FILE"

    def __init__(self, recording: Recording) -> None:
        self._recording, self._at, self.closed = recording, 0, False

    @property
    def name(self) -> str:
        return self._recording.url

    @property
    def samplerate(self) -> int:
        return self._recording.sample_rate

    @property
    def channels(self) -> int:
        return self._recording.channels

    @property
    def frames(self) -> int:
        return self._recording.frames

    def __len__(self) -> int:
        return self.frames

    def __bool__(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        self._check_open()
        return self._at

    def seek(self, frames: int, whence: int = io.SEEK_SET) -> int:
        """Moves to a frame, counted from the first one, the present one or the end. Returns its number."""
        self._check_open()
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self.frames}
        if whence not in base:
            raise RuntimeError(f"unknown whence {whence}")
        at = base[whence] + operator.index(frames)
        if not 0 <= at <= self.frames:
            raise RuntimeError(f"frame {at} is out of range: the recording has {self.frames} frames")
        self._at = at
        return at

    def read(
        self,
        frames: int = -1,
        dtype: DType = "float64",
        always_2d: bool = False,
        fill_value: float | None = None,
        out: Samples | None = None,
    ) -> Samples:
        """Reads the next frames, or all that are left: an array of the shape (frames, channels), or
        (frames,) if there is one channel. At the end it is shorter, unless ``fill_value`` fills it up."""
        self._check_open()
        if out is None:
            frames = self._available(frames, fill_value)
            out = self._empty(frames, dtype, always_2d)
        elif not 0 <= frames <= len(out):
            frames = len(out)
        count = self._read_into(out, frames)
        if count == len(out):
            return out
        if fill_value is None:
            return out[:count]
        out[count:] = fill_value
        return out

    def buffer_read(self, frames: int = -1, dtype: DType | None = None) -> memoryview:
        """Reads the next frames, or all that are left, as bytes."""
        if dtype is None:
            raise ValueError("expected a dtype, found None")
        return self.read(frames, dtype).reshape(-1).view("u1").data

    def buffer_read_into(self, buffer: typing.Any, dtype: DType) -> int:
        """Fills a buffer with the next frames. Returns their number, which is smaller at the end."""
        import numpy as np

        self._check_open()
        out = np.frombuffer(buffer, dtype)
        if len(out) % self.channels:
            raise ValueError(f"buffer of {len(out)} samples, expected a multiple of {self.channels}")
        return self._read_into(out.reshape(-1, self.channels), len(out) // self.channels)

    def blocks(
        self,
        blocksize: int | None = None,
        overlap: int = 0,
        frames: int = -1,
        dtype: DType = "float64",
        always_2d: bool = False,
        fill_value: float | None = None,
        out: Samples | None = None,
    ) -> typing.Iterator[Samples]:
        """Yields blocks from the present position on, which moves to their end. With ``out``, they are
        views of it."""
        self._check_open()
        if (out is None) == (blocksize is None):
            raise TypeError("expected either blocksize or out")
        is_own = out is None
        left = self._available(frames, fill_value)
        if out is None:
            size = typing.cast("int", blocksize)
            out = self._empty(size if fill_value is not None else min(size, left), dtype, always_2d)
        else:
            size = len(out)
        tail = out[:0]
        while left > 0:
            kept = len(tail)
            out[:kept] = tail
            count = min(size - kept, left)
            if count <= 0:
                raise ValueError(f"expected an overlap of less than {size} frames, found {overlap}")
            self.read(count, fill_value=fill_value, out=out[kept:])
            is_short = size > left + kept and fill_value is None
            block = out[: left + kept] if is_short else out
            # Whoever uses a view of `out` may change it.
            tail = out[len(out) - overlap :].copy()
            yield block.copy() if is_own else block
            left -= count

    def close(self) -> None:
        if not self.closed:
            self.closed = True
            self._recording.close()

    def __enter__(self) -> SoundFile:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return (
            f"SoundFile({self.name!r}, mode={self.mode!r}, samplerate={self.samplerate}, "
            f"channels={self.channels}, format={self.format!r}, subtype={self.subtype!r}, "
            f"endian={self.endian!r})"
        )

    def _check_open(self) -> None:
        if self.closed:
            raise RuntimeError("I/O operation on closed file")

    def _available(self, frames: int, fill_value: float | None) -> int:
        """The frames to return, of those asked for."""
        left = self.frames - self._at
        return left if frames < 0 or (frames > left and fill_value is None) else frames

    def _empty(self, frames: int, dtype: DType, always_2d: bool) -> Samples:
        import numpy as np

        is_2d = always_2d or self.channels > 1
        return np.empty((frames, self.channels) if is_2d else (frames,), dtype)

    def _read_into(self, out: Samples, frames: int) -> int:
        """Reads up to as many frames into the beginning of an array. Returns how many."""
        channels = out.shape[1] if out.ndim == 2 else 1
        if out.ndim not in (1, 2) or channels != self.channels:
            raise ValueError(f"out has the shape {out.shape}, expected {self.channels} channels")
        if not out.flags.c_contiguous:
            raise ValueError("expected a C-contiguous array")
        count = min(frames, self.frames - self._at)
        self._recording.read(self._at, self._at + count, out=out[:count].reshape(count, channels))
        self._at += count
        return count
