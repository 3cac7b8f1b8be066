from __future__ import annotations

import json
import os
import typing

from . import _opus_zarr
from ._errors import ImportFailedError

if typing.TYPE_CHECKING:
    from ._store import PathLike, Store


class Imported(typing.NamedTuple):
    """What became of a file: ``imported``, ``present`` (by an earlier import), ``planned`` (in a dry run) or
    ``failed``."""

    path: str
    name: str
    outcome: str
    #: Findings about the file, or why it failed.
    messages: list[str]


class _Bar(typing.Protocol):
    def update(self, n: int, /) -> object: ...
    def close(self) -> object: ...


def import_(
    sources: PathLike | typing.Iterable[PathLike],
    store: PathLike | Store,
    *,
    exact: bool | None = None,
    ultrasound: typing.Literal["downsample", "keep", "reject"] = "downsample",
    tz: str | None = None,
    names: str = "{name}",
    notes: typing.Mapping[str, object] | None = None,
    replace: bool = False,
    dry_run: bool = False,
    progress: typing.Callable[..., _Bar] | None = None,
) -> list[Imported]:
    """Imports audio files, and all of the directories among ``sources``, into a store, which is made if
    there is none. Files that an earlier import has finished are ``present``, so an import that broke off
    goes on when called again.

    ``exact`` makes every read exact, which takes three to four decodes of a file that is Opus; None does so
    where it costs nothing, and for speech. ``ultrasound`` says what happens above 48 kHz. ``tz`` is the zone
    of clocks that state none. ``names`` is made of ``{name}``, ``{stem}`` and ``{parent}``. ``progress`` is
    ``tqdm.tqdm`` or like it: called with ``total``, ``unit`` and ``unit_scale``, then told of bytes.

    Raises ImportFailedError, after all files were tried, if some failed.
    """
    from ._store import Store, open_store

    opened = store if isinstance(store, Store) else open_store(store, create=True)
    paths = [sources] if isinstance(sources, (str, os.PathLike)) else list(sources)
    settings: dict[str, object] = {
        "exact": exact,
        "ultrasound": ultrasound,
        "zone": tz,
        "replace": replace,
        "names": names,
        "notes": json.dumps(dict(notes or {})),
        "dry_run": dry_run,
    }
    report, close = _reporter(progress)
    try:
        done = _opus_zarr.import_many([os.fspath(path) for path in paths], opened._native, settings, report)
    finally:
        close()
    results = [Imported(os.fspath(path), name, outcome, lines) for path, name, outcome, lines in done]
    if any(result.outcome == "failed" for result in results):
        raise ImportFailedError(results)
    return results


def _reporter(
    progress: typing.Callable[..., _Bar] | None,
) -> tuple[typing.Callable[[int, int, int, int], None] | None, typing.Callable[[], object]]:
    if progress is None:
        return None, lambda: None
    make, told = progress, 0
    bars: list[_Bar] = []

    def report(files: int, total_files: int, done: int, total: int) -> None:
        nonlocal told
        if not bars:
            bars.append(make(total=total, unit="B", unit_scale=True))
        bars[0].update(done - told)
        told = done

    return report, lambda: [bar.close() for bar in bars]
