"""Native objects, one for each place and process.

A child after a ``fork`` must not use what its parent opened: threads and connections are missing there. So
whoever needs a native object asks here, by its place.
"""

from __future__ import annotations

import os
import threading
import typing
import weakref

from . import _opus_zarr as native

Options = typing.Tuple[typing.Tuple[str, str], ...]

_lock = threading.Lock()
_stores: weakref.WeakValueDictionary[tuple[int, str, Options], StoreHandle] = (
    weakref.WeakValueDictionary()
)


def _after_fork() -> None:
    # Another thread may have held it.
    global _lock
    _lock = threading.Lock()


os.register_at_fork(after_in_child=_after_fork)


class StoreHandle:
    """A native store, which recordings share."""

    __slots__ = ("__weakref__", "native", "process")

    def __init__(self, opened: native.Store) -> None:
        self.native = opened
        self.process = os.getpid()


def store(url: str, options: Options, *, create: bool = False) -> StoreHandle:
    """The store at a path or URL, opened once in this process as long as someone holds it."""
    key = (os.getpid(), url, options)
    with _lock:
        found = _stores.get(key)
    if found is None:
        found = StoreHandle(native.Store.at(url, dict(options) or None, create))
        with _lock:
            found = _stores.setdefault(key, found)
    return found


def options_of(storage_options: typing.Mapping[str, object] | None) -> Options:
    """Settings of an object store in a form that can be compared."""
    given = storage_options or {}
    return tuple(sorted((str(key), str(value)) for key, value in given.items()))
