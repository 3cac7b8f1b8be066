from __future__ import annotations

import io
import typing

if typing.TYPE_CHECKING:
    from ._recording import DType, Recording, Samples


class SoundFile:
    """A recording with the methods of ``soundfile.SoundFile`` that read."""

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

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, frames: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self.frames}
        if whence not in base:
            raise ValueError(f"unknown whence {whence}")
        at = base[whence] + frames
        if not 0 <= at <= self.frames:
            raise ValueError(f"frame {at} is out of range: the recording has {self.frames} frames")
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
        """Reads the next frames; fewer at the end, unless ``fill_value`` fills them up."""
        import numpy as np

        if out is not None:
            frames = len(out) if frames < 0 else min(frames, len(out))
        left = self.frames - self._at
        wanted = left if frames < 0 else frames
        count = min(wanted, left)
        read = self._recording.read(self._at, self._at + count, dtype=dtype if out is None else out.dtype)
        self._at += count
        if self.channels == 1 and not always_2d and (out is None or out.ndim == 1):
            read = read[:, 0]
        if out is not None:
            out[:count] = read
            if fill_value is None:
                return out[:count]
            out[count:] = fill_value
            return out
        if fill_value is None or count == wanted:
            return read
        padding = np.full((wanted - count, *read.shape[1:]), fill_value, read.dtype)
        return np.concatenate([read, padding])

    def blocks(
        self,
        blocksize: int | None = None,
        overlap: int = 0,
        frames: int = -1,
        dtype: DType = "float64",
        always_2d: bool = False,
        fill_value: float | None = None,
    ) -> typing.Iterator[Samples]:
        """Yields blocks from the present position on, which moves to their end."""
        if blocksize is None:
            raise TypeError("blocks() needs a blocksize")
        stop = self.frames if frames < 0 else min(self._at + frames, self.frames)
        blocks = self._recording.blocks(
            blocksize, overlap, fill_value=fill_value, start=self._at, stop=stop, dtype=dtype
        )
        for block in blocks:
            self._at = min(self._at + blocksize - overlap, stop)
            yield block[:, 0] if self.channels == 1 and not always_2d else block
        self._at = stop

    def close(self) -> None:
        self.closed = True
        self._recording.close()

    def __enter__(self) -> SoundFile:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"SoundFile({self.name!r}, samplerate={self.samplerate}, channels={self.channels})"
