"""How a recording looks in a notebook: what it is, a small spectrogram, and a player."""

from __future__ import annotations

import base64
import html as escape
import io
import struct
import typing
import wave
import zlib

if typing.TYPE_CHECKING:
    import numpy.typing as npt

    from ._recording import Recording

_WIDTH, _WINDOW = 480, 512
_PLAYED_SECONDS, _MOST_BYTES = 10, 400_000


def html(recording: Recording) -> str:
    try:
        picture, player = _spectrogram(recording), _player(recording)
    except Exception as error:  # A damaged recording still has a description.
        picture, player = f"<pre>{escape.escape(str(error))}</pre>", ""
    return f"<div><code>{escape.escape(repr(recording))}</code><br>{picture}<br>{player}</div>"


def _spectrogram(recording: Recording) -> str:
    import numpy as np

    last = max(recording.frames - _WINDOW, 0)
    starts = np.linspace(0, last, _WIDTH).astype(np.int64)
    frames = recording.read_many(starts, _WINDOW).mean(axis=2)
    power = np.abs(np.fft.rfft(frames * np.hanning(_WINDOW), axis=1)) ** 2
    decibels = 10 * np.log10(power.T[::-1][:-1] + 1e-12)
    top = float(decibels.max())
    level = np.clip((decibels - (top - 80)) / 80, 0, 1)
    data = _png((255 - 255 * level).astype(np.uint8))
    high, length = recording.real_rate / 2000, recording.duration
    title = f"0 to {length:.1f} s, 0 to {high:.0f} kHz, 80 dB"
    return (
        f'<img src="data:image/png;base64,{_text(data)}" title="{title}" alt="Spectrogram, {title}" '
        f'width="{_WIDTH}" height="{_WINDOW // 2}">'
    )


def _player(recording: Recording) -> str:
    if recording.info["blob_bytes"] <= _MOST_BYTES:
        kind, data = "audio/ogg", recording.ogg_opus()
        label = "all of it"
    else:
        kind, label = "audio/wav", f"its first {_PLAYED_SECONDS} s"
        mono = recording.with_output(sample_rate=16_000, channels="mono")
        data = _wav(mono.read(0, min(_PLAYED_SECONDS * 16_000, mono.frames), dtype="int16"))
    source = f"data:{kind};base64,{_text(data)}"
    return f'<audio controls preload="none" src="{source}" title="{label}"></audio>'


def _wav(samples: npt.NDArray[typing.Any]) -> bytes:
    file = io.BytesIO()
    with wave.open(file, "wb") as writer:
        writer.setnchannels(1)
        writer.setsampwidth(2)
        writer.setframerate(16_000)
        writer.writeframes(samples.astype("<i2").tobytes())
    return file.getvalue()


def _png(grey: npt.NDArray[typing.Any]) -> bytes:
    height, width = grey.shape
    rows = b"".join(b"\0" + row.tobytes() for row in grey)

    def chunk(kind: bytes, data: bytes) -> bytes:
        checksum = zlib.crc32(kind + data)
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", checksum)

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    parts = (chunk(b"IHDR", header), chunk(b"IDAT", zlib.compress(rows)), chunk(b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")
