"""Recordings as dask arrays, and whole archives on a cluster of ``dask.distributed``.

    import opus_zarr.dask

    opus_zarr.dask.import_tree(client, "cards/", "archive.zarr", tz="Europe/Zurich")
    rows = opus_zarr.open_store("archive.zarr").catalogue()
    for found in opus_zarr.dask.map_windows(client, rows, level, 3, 1.5, store="archive.zarr"):
        print(found.name, found.start, found.value)

Workers read the files and the store themselves, so both must be at the same path or URL for all of them.
"""

from __future__ import annotations

import os
import tempfile
import typing
import uuid

import dask.array
import dask.base

from ._errors import ImportFailedError, OpusZarrError
from ._import import Imported, import_
from ._layouts import layouts_of, read_index
from ._recording import Recording
from ._store import PathLike, Row, Store, StorageOptions, open_store
from ._windows import Group, Outcome, WindowInfo, groups, map_group

if typing.TYPE_CHECKING:
    import distributed
    import numpy as np

    from ._arrays import DType, Samples

__all__ = ["MapFailedError", "Mapped", "WindowInfo", "array", "import_tree", "map_windows"]

Chunks = typing.Any


class Mapped(typing.NamedTuple):
    """What a function returned for a window."""

    #: Name of the recording.
    name: str
    #: First frame of the window.
    frame: int
    #: When it was recorded, in UTC to the nanosecond. None if that is unknown.
    start: np.datetime64 | None
    value: typing.Any


class MapFailedError(OpusZarrError):
    """The function failed, or samples could not be read, for some windows. ``failures`` has the exception of
    each, by the name of the recording and the first frame."""

    def __init__(self, failures: dict[tuple[str, int], Exception]) -> None:
        (name, frame), first = next(iter(failures.items()))
        super().__init__(
            f"{len(failures)} windows failed; first: frame {frame} of {name!r}: "
            f"{type(first).__name__}: {first}",
            name,
        )
        self.failures = failures

    def __reduce__(self) -> tuple[typing.Any, ...]:
        return type(self), (self.failures,)


def array(recording: Recording, chunks: Chunks = "auto", *, dtype: DType = "float32") -> dask.array.Array:
    """The samples of a recording as a dask array of the shape (frames, channels).

    ``chunks`` is the number of frames of a chunk, which has all channels, or what else dask takes. ``dtype``
    is float32, int16 or float64.
    """
    if not isinstance(chunks, (tuple, dict)):
        chunks = (chunks, -1)
    samples = _Samples(recording, dtype)
    name = f"{recording.name}-{dask.base.tokenize(samples._made_from, samples.dtype, chunks)}"
    # Without types in this version of dask.
    from_array = typing.cast(typing.Any, dask.array.from_array)
    made: dask.array.Array = from_array(samples, chunks, name=name, asarray=False, fancy=False)
    return made


def import_tree(
    client: distributed.Client,
    sources: PathLike | typing.Iterable[PathLike],
    store_url: PathLike,
    *,
    exact: bool | None = None,
    ultrasound: typing.Literal["downsample", "keep", "reject"] = "downsample",
    tz: str | None = None,
    names: str = "{name}",
    notes: typing.Mapping[str, object] | None = None,
    storage_options: StorageOptions | None = None,
) -> list[Imported]:
    """Imports files and directories like :func:`opus_zarr.import_`, each file as a task of the cluster.
    Returns what became of each, by name.

    Recordings get the names that a single import of all ``sources`` would give them. A file whose worker is
    killed is imported again by another one. After an interruption, call it again: files that are finished
    are ``present``.

    Raises ImportFailedError, after all files were tried, if some failed.
    """
    paths = [sources] if isinstance(sources, (str, os.PathLike)) else list(sources)
    settings = {"exact": exact, "ultrasound": ultrasound, "tz": tz, "notes": notes}
    place = _Target(_absolute(os.fspath(store_url)), storage_options)
    place.open()
    results = _planned(paths, names, settings)
    submit: typing.Any = client.submit
    futures: dict[int, typing.Any] = {}
    run = uuid.uuid4().hex[:8]
    for number, planned in enumerate(results):
        if planned.outcome != "failed":
            key = (f"import-{run}", planned.name)
            path = _absolute(planned.path)
            futures[number] = submit(_import_one, path, planned.name, place, settings, key=key)
    try:
        for number, future in futures.items():
            results[number] = _imported(results[number], future)
    finally:
        _cancel(client, futures.values())
    if any(result.outcome == "failed" for result in results):
        raise ImportFailedError(results)
    return results


def map_windows(
    client: distributed.Client,
    catalogue: typing.Iterable[Row],
    f: typing.Callable[[Samples, WindowInfo], typing.Any],
    seconds: float,
    hop: float,
    *,
    store: PathLike | Store,
    done: typing.Iterable[tuple[typing.Any, ...]] = (),
) -> typing.Iterator[Mapped]:
    """Calls ``f(samples, info)`` for windows of ``seconds`` that begin every ``hop`` seconds, on the workers
    of a cluster. Yields results by the name of the recording, then by time, while later windows are read.

    ``catalogue`` has the rows of the recordings, from :meth:`opus_zarr.Store.catalogue`; choose among them to
    leave some out. Seconds are of real time. A window does not reach beyond the end of its recording.
    ``samples`` is float32 of the shape (frames, channels), and ``f`` may change it; ``info`` is a
    :class:`WindowInfo`.

    Windows whose worker is killed are read again by another one. To resume, pass as ``done`` earlier results,
    or tuples that begin with ``(name, frame)``: their windows are left out.

    Raises MapFailedError, after all windows were tried, if ``f`` or the read of some failed.
    """
    rows = {row["name"]: row for row in catalogue}
    opened = store if isinstance(store, Store) else open_store(store)
    found = layouts_of(rows.values(), _absolute(opened.url), opened._options)
    finished = {(entry[0], entry[1]) for entry in done}
    return _mapped(client, f, groups(found, rows, seconds, hop, finished))


def _mapped(
    client: typing.Any,
    f: typing.Callable[[Samples, WindowInfo], typing.Any],
    planned: typing.Iterator[Group],
) -> typing.Iterator[Mapped]:
    label = f"{getattr(f, '__name__', type(f).__name__)}-{uuid.uuid4().hex[:8]}"
    waiting: list[tuple[Group, typing.Any]] = []
    failures: dict[tuple[str, int], Exception] = {}
    try:
        while True:
            # Enough for every thread, however long one group takes; what is read ahead stays bounded.
            for group in _first(planned, _ahead(client) - len(waiting)):
                key = (label, group.name, group.frames[0])
                waiting.append((group, client.submit(map_group, f, group, key=key)))
            if not waiting:
                break
            group, future = waiting.pop(0)
            for outcome in _outcomes(group, future):
                if outcome.error is None:
                    yield Mapped(group.name, outcome.frame, outcome.start, outcome.value)
                else:
                    failures[group.name, outcome.frame] = outcome.error
            future.release()
    finally:
        _cancel(client, (future for _, future in waiting))
    if failures:
        raise MapFailedError(failures)


def _outcomes(group: Group, future: typing.Any) -> list[Outcome]:
    import distributed

    try:
        return typing.cast("list[Outcome]", future.result())
    except distributed.KilledWorker as error:
        # Several workers died of these windows.
        return [Outcome(frame, None, None, error) for frame in group.frames]


def _cancel(client: typing.Any, futures: typing.Iterable[typing.Any]) -> None:
    """Stops what nobody waits for any more."""
    client.cancel(list(futures))


def _ahead(client: typing.Any) -> int:
    threads: int = sum(client.nthreads().values())
    return max(2 * threads, 4)


def _first(groups: typing.Iterator[Group], count: int) -> typing.Iterator[Group]:
    for _, group in zip(range(count), groups):
        yield group


def _planned(
    paths: list[PathLike], names: str, settings: dict[str, typing.Any]
) -> list[Imported]:
    """The name of each file. A store of its own, which is never made, holds nothing to compare files with,
    so that workers do that."""
    with tempfile.TemporaryDirectory() as folder:
        try:
            found = import_(paths, os.path.join(folder, "plan"), names=names, dry_run=True, **settings)
        except ImportFailedError as error:
            found = error.results
    return sorted(found, key=lambda planned: planned.name)


def _imported(planned: Imported, future: typing.Any) -> Imported:
    import distributed

    try:
        name, outcome, messages = future.result()
    except distributed.KilledWorker as error:
        return planned._replace(outcome="failed", messages=[str(error)])
    return planned._replace(name=name, outcome=outcome, messages=messages)


class _Target(typing.NamedTuple):
    """A store to import into. A pickled Store would open itself where an exception stops the worker."""

    url: str
    options: StorageOptions | None

    def open(self) -> Store:
        return open_store(self.url, storage_options=self.options, create=True)


def _import_one(
    path: str, name: str, place: _Target, settings: dict[str, typing.Any]
) -> tuple[str, str, list[str]]:
    """Imports a file under a name, on a worker."""
    try:
        template, extension = _template(path, name), os.path.splitext(path)[1]
    except Exception as error:  # This worker cannot see the file, for instance.
        return name, "failed", [f"{type(error).__name__}: {error}"]
    if extension and template.endswith(f"}}{extension}"):
        # Files of similar names keep their extensions. Before there were others, it was named without.
        alias = template[: -len(extension)]
        is_present = _outcome(path, place, alias, {**settings, "dry_run": True}).outcome == "present"
        template = alias if is_present else template
    done = _outcome(path, place, template, settings)
    return done.name, done.outcome, done.messages


def _outcome(path: str, place: _Target, template: str, settings: dict[str, typing.Any]) -> Imported:
    try:
        (done,) = import_(path, place.open(), names=template, **settings)
    except ImportFailedError as error:
        (done,) = error.results
    except Exception as error:
        done = Imported(path, template, "failed", [f"{type(error).__name__}: {error}"])
    return done


def _template(path: str, name: str) -> str:
    """A template that gives this name to this file.

    Raises ValueError if there is none, for a strange name.
    """
    stem = os.path.splitext(os.path.basename(path))[0]
    if stem not in name:
        # It has characters that no name of a recording has.
        stem = _planned([path], "{stem}", {})[0].name
    extension = os.path.splitext(path)[1]
    base = name[: -len(extension)] if extension and name.endswith(extension) else name
    if stem not in base:
        base = name
    before, _, after = base.rpartition(stem)
    template = f"{before}{{stem}}{after}{name[len(base):]}"
    if _planned([path], template, {})[0].name != name:
        raise ValueError(f"workers cannot name {path!r} {name!r}: import it with opus_zarr.import_")
    return template


def _absolute(place: str) -> str:
    """Workers may have other working directories."""
    return place if "://" in place else os.path.abspath(place)


class _Samples:
    """What dask takes for an array. A worker opens the recording when it first reads."""

    ndim = 2

    def __init__(self, recording: Recording, dtype: DType) -> None:
        import numpy as np

        self.shape, self.dtype = recording.shape, np.dtype(dtype)
        self._made_from = recording._place, recording._output, recording.info["blob_sha256"]
        self._recording: Recording | None = recording

    def __getitem__(self, index: typing.Any) -> Samples:
        recording = self._recording
        if recording is None:
            recording = self._recording = self._open()
        return read_index(recording, index, self.dtype)

    def _open(self) -> Recording:
        place, output, sha256 = self._made_from
        recording = Recording(place, output)
        if recording.info["blob_sha256"] != sha256:
            raise OpusZarrError(f"recording {recording.name!r} is no longer what it was", recording.url)
        return recording

    def __getstate__(self) -> dict[str, typing.Any]:
        return {**self.__dict__, "_recording": None}
