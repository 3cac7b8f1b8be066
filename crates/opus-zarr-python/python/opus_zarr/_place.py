"""Where recordings are, and how they are opened."""

from __future__ import annotations

import os
import typing

from . import _native, _opus_zarr


class Place(typing.NamedTuple):
    """Where a recording is: in a store, or, without a name, in a file of its own."""

    url: str
    name: str | None
    options: _native.Options

    @staticmethod
    def of(text: str, options: _native.Options) -> Place:
        """A recording in a store, written as STORE/NAME."""
        store, _, name = text.rstrip("/").rpartition("/")
        if not store or not name or store.endswith(":/"):
            raise FileNotFoundError(f"{text!r} is neither a file nor a recording in a store (STORE/NAME)")
        return Place(store, _unquoted(name) if "://" in text else name, options)

    def text(self) -> str:
        if self.name is None:
            return self.url
        name = _quoted(self.name) if "://" in self.url else self.name
        return f"{self.url.rstrip('/')}/{name}"


class Output(typing.NamedTuple):
    rate: int
    channels: str | tuple[int, ...]


WHOLE = Output(48_000, "all")


class Opened(typing.NamedTuple):
    """A recording as opened by a process, and the store it is in."""

    native: _opus_zarr.Recording
    store: object
    process: int


def opened(place: Place, output: Output) -> Opened:
    store: object
    if place.name is None:
        url, name = place.url, None
        if "://" in url:
            url, name, _ = Place.of(url, ())
        held, native = _opus_zarr.open_file(url, name, dict(place.options) or None)
        store = held
    else:
        handle = _native.store(place.url, place.options)
        store, held = handle, handle.native
        native = held.recording(place.name)
    if output != WHOLE:
        channels = output.channels
        native = native.with_output(
            held, output.rate, channels if isinstance(channels, str) else list(channels)
        )
    return Opened(native, store, os.getpid())


def _quoted(name: str) -> str:
    import urllib.parse

    return urllib.parse.quote(name)


def _unquoted(name: str) -> str:
    import urllib.parse

    return urllib.parse.unquote(name)
