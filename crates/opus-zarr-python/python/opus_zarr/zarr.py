"""Recordings as arrays of samples in a read-only Zarr store.

    import opus_zarr, zarr

    root = zarr.open_group(opus_zarr.AudioStore("archive.zarr"))
    second = root["dawn/audio"][48_000:96_000]  # (frames, channels), int16
"""

from __future__ import annotations

import asyncio
import json
import os
import typing
import warnings

import numpy as np
from zarr.abc.store import ByteRequest, OffsetByteRequest, RangeByteRequest, Store, SuffixByteRequest
from zarr.core.buffer import Buffer, BufferPrototype, default_buffer_prototype

from . import _native
from ._layouts import Layout, Layouts, layouts, opened, sound_attributes
from ._store import PathLike, Row, StorageOptions

__all__ = ["AudioStore"]

_PLAY_RATE = 48_000
_METADATA = "zarr.json"


class AudioStore(Store):
    """The recordings of an opus-zarr store as arrays of samples, decoded when they are read.

    Each recording is a group with an array ``audio`` of the shape (frames, channels). Its attributes are
    ``sampling_rate`` in frames per second of real time, ``start`` in UTC if known, ``url``, ``is_exact`` and
    ``units``. A chunk has all channels of ``chunk_seconds`` as they play, at 48,000 frames per second. If
    ``url`` is that of a recording or of a file with Opus, the root is its group.

    ``patterns`` such as ``weiher_*`` select recordings; ``dtype`` is int16 or float32. With a ``catalogue``
    from :meth:`opus_zarr.Store.catalogue`, no recording is opened before its audio is read; without one, all
    are opened when the metadata of the root is read. The store shows the recordings that were there when
    it was made. It can be pickled, and used after a fork.

    What cannot be decoded raises DamageError, so it never reads as silence.
    """

    def __init__(
        self,
        url: PathLike,
        *patterns: str,
        dtype: typing.Literal["int16", "float32"] = "int16",
        chunk_seconds: float = 1,
        catalogue: typing.Iterable[Row] | None = None,
        storage_options: StorageOptions | None = None,
    ) -> None:
        # The default mode of zarr.open_group and others is "a", which a store must not refuse to be opened at
        # all. Writes fail.
        super().__init__(read_only=False)
        self._dtype, self._chunk = _dtype(dtype), _chunk(chunk_seconds)
        options = _native.options_of(storage_options)
        self._layouts = layouts(os.fspath(url), patterns, catalogue, options)

    # Reading.

    async def get(
        self, key: str, prototype: BufferPrototype, byte_range: ByteRequest | None = None
    ) -> Buffer | None:
        return await asyncio.to_thread(self.get_sync, key, prototype=prototype, byte_range=byte_range)

    def get_sync(
        self,
        key: str,
        *,
        prototype: BufferPrototype | None = None,
        byte_range: ByteRequest | None = None,
    ) -> Buffer | None:
        """The value of a key, or a range of its bytes. None if there is no such key."""
        value = self._value(key)
        if value is None:
            return None
        buffer = (prototype or default_buffer_prototype()).buffer
        return buffer.from_bytes(value[_range(byte_range, len(value))])

    async def get_partial_values(
        self,
        prototype: BufferPrototype,
        key_ranges: typing.Iterable[tuple[str, ByteRequest | None]],
    ) -> typing.List[Buffer | None]:
        return await asyncio.gather(*(self.get(key, prototype, part) for key, part in key_ranges))

    async def exists(self, key: str) -> bool:
        return await asyncio.to_thread(self._size, key) is not None

    async def getsize(self, key: str) -> int:
        size = await asyncio.to_thread(self._size, key)
        if size is None:
            raise FileNotFoundError(key)
        return size

    # Listing.

    async def list(self) -> typing.AsyncIterator[str]:
        async for key in self.list_prefix(""):
            yield key

    async def list_prefix(self, prefix: str) -> typing.AsyncIterator[str]:
        if _METADATA.startswith(prefix):
            yield _METADATA
        for group, name in self._groups():
            if not (group.startswith(prefix) or prefix.startswith(group)):
                continue
            layout = await asyncio.to_thread(self._layout, name)
            for key in _keys(group, _chunks(layout, self._chunk)):
                if key.startswith(prefix):
                    yield key

    async def list_dir(self, prefix: str) -> typing.AsyncIterator[str]:
        for entry in await asyncio.to_thread(self._entries, prefix.strip("/")):
            yield entry

    # Writing.

    @property
    def supports_writes(self) -> bool:
        return False

    @property
    def supports_deletes(self) -> bool:
        return False

    @property
    def supports_listing(self) -> bool:
        return True

    async def set(self, key: str, value: Buffer) -> None:
        raise _read_only(key)

    # Earlier versions of zarr, such as 3.1.2, ask for these two.

    @property
    def supports_partial_writes(self) -> typing.Literal[False]:
        return False

    async def set_partial_values(self, key_start_values: typing.Any) -> None:
        raise _read_only("")

    async def delete(self, key: str) -> None:
        raise _read_only(key)

    async def delete_dir(self, prefix: str) -> None:
        raise _read_only(prefix)

    async def clear(self) -> None:
        raise _read_only("")

    def with_read_only(self, read_only: bool = False) -> Store:
        made = type(self).__new__(type(self))
        vars(made).update(vars(self), _read_only=read_only, _is_open=False)
        return made

    # What the keys mean.

    def _groups(self) -> typing.Iterator[tuple[str, str]]:
        """The path of each group, ending in a slash, and the name of its recording."""
        if isinstance(self._layouts, Layout):
            yield "", self._layouts.name
        else:
            yield from ((f"{name}/", name) for name in self._layouts.names)

    def _layout(self, name: str) -> Layout:
        return self._layouts if isinstance(self._layouts, Layout) else self._layouts[name]

    def _parsed(self, key: str) -> tuple[Layout | None, typing.List[str]]:
        """The recording of a key and what it asks of it; None for what no recording has."""
        parts = key.split("/")
        if isinstance(self._layouts, Layout):
            return self._layouts, parts
        if len(parts) > 1 and parts[0] in self._layouts:
            return self._layouts[parts[0]], parts[1:]
        return None, parts

    def _value(self, key: str) -> bytes | None:
        layout, parts = self._parsed(key)
        if layout is None:
            return _json(self._root()) if parts == [_METADATA] else None
        if parts == [_METADATA]:
            return _json(self._group(layout))
        if parts == ["audio", _METADATA]:
            return _json(self._array(layout))
        number = _chunk_number(parts, _chunks(layout, self._chunk))
        return None if number is None else self._decoded(layout, number)

    def _size(self, key: str) -> int | None:
        layout, parts = self._parsed(key)
        if layout is not None and _chunk_number(parts, _chunks(layout, self._chunk)) is not None:
            return self._chunk * layout.channels * self._dtype.itemsize
        value = self._value(key)
        return None if value is None else len(value)

    def _decoded(self, layout: Layout, number: int) -> bytes:
        start = number * self._chunk
        stop = min(start + self._chunk, layout.frames)
        samples = np.zeros((self._chunk, layout.channels), self._dtype)
        samples[: stop - start] = opened(layout).read(start, stop, dtype=self._dtype)
        return samples.astype(self._dtype.newbyteorder("<"), copy=False).tobytes()

    def _entries(self, prefix: str) -> typing.List[str]:
        if not prefix and isinstance(self._layouts, Layouts):
            return [_METADATA, *self._layouts.names]
        layout, parts = self._parsed(f"{prefix}/".lstrip("/"))
        if layout is None:
            return []
        chunks = _chunks(layout, self._chunk)
        inside: dict[str, typing.List[str]] = {
            "": [_METADATA, "audio"],
            "audio/": [_METADATA, "c"] if chunks else [_METADATA],
            "audio/c/": [str(number) for number in range(chunks)],
        }
        if len(parts) == 4 and _chunk_number([*parts[:3], "0"], chunks) is not None:
            return ["0"]
        return inside.get("/".join(parts), [])

    # Metadata.

    def _root(self) -> dict[str, typing.Any]:
        assert isinstance(self._layouts, Layouts)
        found, failed = self._layouts.all()
        for name, error in failed.items():
            # Its own metadata and chunks raise.
            warnings.warn(f"{name!r} is not in the group: {error}", stacklevel=2)
        members = {}
        for layout in found:
            members[layout.name] = self._group(layout, is_member=True)
            members[f"{layout.name}/audio"] = self._array(layout)
        return _group({}, members)

    def _group(self, layout: Layout, *, is_member: bool = False) -> dict[str, typing.Any]:
        members = None if is_member else {"audio": self._array(layout)}
        return _group(layout.attributes(), members)

    def _array(self, layout: Layout) -> dict[str, typing.Any]:
        chunks = {"chunk_shape": [self._chunk, layout.channels]}
        return {
            "zarr_format": 3,
            "node_type": "array",
            "shape": [layout.frames, layout.channels],
            "data_type": self._dtype.name,
            "chunk_grid": {"name": "regular", "configuration": chunks},
            "chunk_key_encoding": {"name": "default", "configuration": {"separator": "/"}},
            "fill_value": 0 if self._dtype.kind == "i" else 0.0,
            "codecs": [{"name": "bytes", "configuration": {"endian": "little"}}],
            "attributes": {**layout.attributes(), **sound_attributes(self._dtype)},
            "dimension_names": ["frame", "channel"],
            "storage_transformers": [],
        }

    # What Python asks of objects.

    def __eq__(self, other: object) -> bool:
        return isinstance(other, AudioStore) and self._identity() == other._identity()

    def __hash__(self) -> int:
        return hash((str(self), self._dtype, self._chunk))

    def _identity(self) -> tuple[object, ...]:
        names = self._layouts if isinstance(self._layouts, Layout) else self._layouts.names
        return str(self), self._dtype, self._chunk, names

    def __str__(self) -> str:
        return self._layouts.url

    def __repr__(self) -> str:
        return f"<AudioStore {str(self)!r}: {self._dtype.name}, {self._chunk} frames in a chunk>"


def _read_only(key: str) -> ValueError:
    return ValueError(
        f"cannot write {key or '/'!r}: an AudioStore is read-only; import audio with opus_zarr.import_"
    )


def _dtype(dtype: str) -> np.dtype[typing.Any]:
    found = np.dtype(dtype)
    if found not in (np.int16, np.float32):
        raise ValueError(f"dtype {found} is not supported, expected int16 or float32")
    return found


def _chunk(seconds: float) -> int:
    frames = round(seconds * _PLAY_RATE)
    if frames < 1:
        raise ValueError(f"expected chunk_seconds of at least one frame, found {seconds}")
    return frames


def _chunks(layout: Layout, chunk: int) -> int:
    return -(-layout.frames // chunk)


def _chunk_number(parts: typing.Sequence[str], chunks: int) -> int | None:
    """The number of the chunk of frames in a key ``audio/c/NUMBER/0``. None if it has no such chunk."""
    if len(parts) != 4 or [parts[0], parts[1], parts[3]] != ["audio", "c", "0"]:
        return None
    text = parts[2]
    # Zarr has one key for a chunk: neither 07 nor ٧.
    is_number = text.isascii() and text.isdigit() and str(int(text)) == text
    return int(text) if is_number and int(text) < chunks else None


def _keys(group: str, chunks: int) -> typing.Iterator[str]:
    if group:
        yield f"{group}{_METADATA}"
    yield f"{group}audio/{_METADATA}"
    yield from (f"{group}audio/c/{number}/0" for number in range(chunks))


def _range(request: ByteRequest | None, size: int) -> slice:
    if request is None:
        return slice(None)
    if isinstance(request, RangeByteRequest):
        return slice(request.start, request.end)
    if isinstance(request, OffsetByteRequest):
        return slice(request.offset, None)
    if isinstance(request, SuffixByteRequest):
        return slice(max(size - request.suffix, 0), None)
    raise ValueError(f"unknown byte range {request!r}")


def _group(
    attributes: dict[str, typing.Any], members: dict[str, typing.Any] | None
) -> dict[str, typing.Any]:
    group: dict[str, typing.Any] = {"zarr_format": 3, "node_type": "group", "attributes": attributes}
    if members is not None:
        group["consolidated_metadata"] = {
            "kind": "inline",
            "must_understand": False,
            "metadata": members,
        }
    return group


def _json(value: dict[str, typing.Any]) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
