from __future__ import annotations

import json
import os
import typing
import warnings

from . import _native, _opus_zarr
from ._deployment import Deployment
from ._place import Place
from ._recording import Recording
from ._times import Time, nanos_of

PathLike = typing.Union[str, "os.PathLike[str]"]
StorageOptions = typing.Mapping[str, object]
Row = typing.Dict[str, typing.Any]


def open(place: PathLike, *, storage_options: StorageOptions | None = None) -> Recording:
    """Opens a recording: ``archive.zarr/dawn`` in a store, or a file with Opus, such as ``dawn.opus``.

    Either may be at a URL: s3://, gs://, az://, https://. Settings of an object store come from the
    environment, and ``storage_options`` (``aws_endpoint``, ``aws_access_key_id``) take precedence.

    A file is indexed in memory. Its reads are exact wherever two decoders agree, which is so for most
    music; for all of it, import it into a store.

    Raises FileNotFoundError if there is neither.
    """
    url, options = os.fspath(place), _native.options_of(storage_options)
    is_remote = "://" in url
    if not is_remote and os.path.isfile(url):
        return Recording(Place(url, None, options))
    place_in_store = Place.of(url, options)
    try:
        return Recording(place_in_store)
    except FileNotFoundError:
        if is_remote:
            return Recording(Place(url, None, options))
        if os.path.isdir(url) and os.path.exists(os.path.join(url, "zarr.json")):
            raise FileNotFoundError(
                f"{url!r} is not a recording; open a store with opus_zarr.open_store"
            ) from None
        raise


def open_store(
    place: PathLike, *, storage_options: StorageOptions | None = None, create: bool = False
) -> Store:
    """Opens the store at a path or URL. With ``create``, makes it if there is none."""
    return Store(os.fspath(place), _native.options_of(storage_options), create=create)


class Store(typing.Mapping[str, Recording]):
    """A store: a mapping from names to recordings. Made by :func:`opus_zarr.open_store`."""

    def __init__(self, url: str, options: _native.Options = (), *, create: bool = False) -> None:
        self.url, self._options = url, options
        self._handle: _native.StoreHandle | None = _native.store(url, options, create=create)

    @property
    def _native(self) -> _opus_zarr.Store:
        handle = self._handle
        if handle is None or handle.process != os.getpid():
            handle = self._handle = _native.store(self.url, self._options)
        return handle.native

    def names(self, *patterns: str) -> list[str]:
        """Names of the recordings that match one of the patterns (``weiher_*``), or of all, sorted."""
        return self._native.names(list(patterns))

    def __getitem__(self, name: str) -> Recording:
        try:
            return Recording(Place(self.url, name, self._options))
        except FileNotFoundError as error:
            raise KeyError(f"{name!r}: {error}") from None

    def __iter__(self) -> typing.Iterator[str]:
        return iter(self.names())

    def __len__(self) -> int:
        return len(self.names())

    def __contains__(self, name: object) -> bool:
        try:
            return isinstance(name, str) and bool(self[name])
        except (KeyError, ValueError):
            return False

    def catalogue(self, earlier: typing.Iterable[Row] = ()) -> list[Row]:
        """A row for each recording, sorted by name: start, length, channels, rate, notes.
        ``pandas.DataFrame`` takes it as it is, and docs/catalogue.md describes it.

        Recordings that have not changed since an ``earlier`` catalogue are not opened again. One that cannot
        be opened has no row, and a warning says so.
        """
        rows, failed = self._native.catalogue([json.dumps(row) for row in earlier])
        for name, message in failed:
            warnings.warn(f"{name!r} is not in the catalogue: {message}", stacklevel=2)
        return [json.loads(row) for row in rows]

    def deployment(
        self,
        *patterns: str,
        where: typing.Mapping[str, object] | None = None,
        since: Time | None = None,
        until: Time | None = None,
        catalogue: typing.Iterable[Row] | None = None,
    ) -> Deployment:
        """Recordings on one clock: those whose names match a pattern, with the notes of ``where``
        (``{"site": "weiher"}``), recorded between two times. With a ``catalogue``, none is opened before it
        is read."""
        rows = None if catalogue is None else [json.dumps(row) for row in catalogue]
        notes = [
            (key, value if isinstance(value, str) else json.dumps(value))
            for key, value in (where or {}).items()
        ]
        after, before = (None if time is None else nanos_of(time) for time in (since, until))
        return Deployment(self, (list(patterns), notes, after, before, rows))

    def __reduce__(self) -> tuple[typing.Any, ...]:
        return _unopened, (self.url, self._options)

    def __eq__(self, other: object) -> bool:
        # Not by the recordings, as for other mappings: that would open all.
        return isinstance(other, Store) and (self.url, self._options) == (other.url, other._options)

    def __hash__(self) -> int:
        return hash((self.url, self._options))

    def __bool__(self) -> bool:
        return True

    def __repr__(self) -> str:
        return f"<Store {self.url!r}>"


def _unopened(url: str, options: _native.Options) -> Store:
    """A store that is opened when it is used, so that unpickling one cannot fail."""
    store = Store.__new__(Store)
    store.url, store._options, store._handle = url, options, None
    return store


def verify(store: PathLike | Store, *patterns: str) -> dict[str, list[str]]:
    """Verifies recordings by reading everything. Returns the faults of each damaged one, one line each, so
    an empty dict says that all are intact.

    Raises OSError if something cannot be read now, which is no damage.
    """
    opened = store if isinstance(store, Store) else open_store(store)
    damaged = {}
    for name in opened.names(*patterns):
        faults, unreadable = opened._native.verify(name)
        if unreadable:
            raise OSError(f"{name!r} cannot be verified now: {unreadable[0]}")
        if faults:
            damaged[name] = faults
    return damaged
