"""What array libraries need to know about a recording before they read it."""

from __future__ import annotations

import concurrent.futures
import functools
import typing

from . import _native
from ._errors import OpusZarrError
from ._indexing import Index, select
from ._place import Place
from ._recording import Recording
from ._store import Row, open, open_store
from ._times import nanos_of

if typing.TYPE_CHECKING:
    import numpy as np

    from ._arrays import DType, Samples

#: Recordings that are opened at the same time, which mostly waits for storage.
_OPENED_AT_ONCE = 16


class Layout(typing.NamedTuple):
    """The shape, clock and identity of a recording."""

    place: Place
    frames: int
    channels: int
    #: Frames per second of real time.
    real_rate: int
    #: When the first frame was recorded, in nanoseconds since 1970. None if unknown.
    start: int | None
    #: Parts per trillion by which true time is longer than the recorder's.
    drift_ppt: int
    #: Whether every read is exact.
    is_exact: bool
    #: SHA-256 of the Ogg Opus stream.
    sha256: str

    @property
    def name(self) -> str:
        """Name in the store; of a file, its path or URL."""
        return self.place.url if self.place.name is None else self.place.name

    @property
    def url(self) -> str:
        """The path or URL that opens the recording."""
        url, name, _ = self.place
        return url if name is None else f"{url.rstrip('/')}/{name}"

    def open(self) -> Recording:
        """Opens the recording.

        Raises OpusZarrError if it is other audio, or begins at another time, than this layout says.
        """
        recording = Recording(self.place)
        found = layout_of(recording)
        if found._replace(is_exact=self.is_exact) != self:
            expected, actual = (_brief(layout) for layout in (self, found))
            raise OpusZarrError(
                f"recording {self.name!r} is no longer what its catalogue says: "
                f"expected {expected}, found {actual}; update the catalogue or open the store again",
                self.url,
            )
        return recording

    def attributes(self) -> dict[str, typing.Any]:
        """``sampling_rate`` in frames per second of real time; ``start`` if known; ``drift_ppt`` if there is
        one; ``url``; and ``is_exact``, 1 or 0 because netCDF knows neither true nor false."""
        found: dict[str, typing.Any] = {"sampling_rate": self.real_rate}
        if self.start is not None:
            found["start"] = f"{_datetime64(self.start)}Z"
        if self.drift_ppt:
            found["drift_ppt"] = self.drift_ppt
        return {**found, "url": self.url, "is_exact": int(self.is_exact)}


def sound_attributes(dtype: np.dtype[typing.Any]) -> dict[str, str]:
    """CF attributes of samples. A unit may be a number there: that of int16 is a step of the 32,768 to full
    scale."""
    unit = "1" if dtype.kind == "f" else repr(1 / 32_768)
    return {"units": unit, "long_name": "sound pressure relative to full scale"}


def layout_of(recording: Recording) -> Layout:
    """The layout of a recording that is open."""
    return Layout(
        recording._place,
        recording.frames,
        recording.channels,
        recording._native.real_rate[0],
        recording._native.utc_of(0),
        recording.info.get("clock", {}).get("drift_ppt", 0),
        recording.exactness is not None,
        recording.info["blob_sha256"],
    )


class Layouts:
    """The layouts of the recordings in a store, each found when it is first asked for, or all of them from
    rows of a catalogue."""

    def __init__(
        self, url: str, names: list[str], options: _native.Options, rows: typing.Iterable[Row]
    ) -> None:
        self.url, self.names, self._options = url, names, options
        self._known = frozenset(names)
        known = (row for row in rows if row["name"] in self._known)
        self._found = {row["name"]: _of_row(row, url, options) for row in known}

    def __contains__(self, name: str) -> bool:
        return name in self._known

    def __getitem__(self, name: str) -> Layout:
        found = self._found.get(name)
        if found is None:
            recording = Recording(Place(self.url, name, self._options))
            found = self._found.setdefault(name, layout_of(recording))
        return found

    def all(self) -> tuple[list[Layout], dict[str, Exception]]:
        """The layouts in the order of their names, and what prevents opening the other recordings."""
        unknown = [name for name in self.names if name not in self._found]
        failed: dict[str, Exception] = {}

        def find(name: str) -> None:
            try:
                self[name]
            except Exception as error:
                failed[name] = error

        if unknown:
            with concurrent.futures.ThreadPoolExecutor(min(_OPENED_AT_ONCE, len(unknown))) as threads:
                list(threads.map(find, unknown))
        return [self._found[name] for name in self.names if name in self._found], failed


@functools.lru_cache(maxsize=64)
def opened(layout: Layout) -> Recording:
    """The recording, opened once in this process as long as it is among the last to be used."""
    return layout.open()


def read_index(recording: Recording, index: Index, dtype: DType) -> Samples:
    """What ``recording[index]`` is, in another type."""
    picked = select(index, recording.frames)
    read = recording.read(picked.start, picked.stop, dtype=dtype)
    found: Samples = read[:, picked.channels][picked.frames]
    return found


def layouts(
    url: str,
    patterns: typing.Sequence[str],
    catalogue: typing.Iterable[Row] | None,
    options: _native.Options,
) -> Layouts | Layout:
    """The layouts of the recordings whose names match a pattern, or of all; or that of the only recording,
    if ``url`` is that of a recording or of a file with Opus. With a catalogue, nothing is opened.

    Raises FileNotFoundError if there is neither a store nor a recording.
    """
    if catalogue is not None:
        return layouts_of(catalogue, url, options, patterns)
    try:
        store = open_store(url, storage_options=dict(options))
    except (FileNotFoundError, ValueError):
        return layout_of(_only(url, patterns, options))
    return Layouts(url, store.names(*patterns), options, ())


def layouts_of(
    catalogue: typing.Iterable[Row],
    url: str,
    options: _native.Options,
    patterns: typing.Sequence[str] = (),
) -> Layouts:
    """The layouts of the recordings in a catalogue whose names match a pattern, or of all."""
    rows = list(catalogue)
    return Layouts(url, _matching([row["name"] for row in rows], patterns), options, rows)


def _only(url: str, patterns: typing.Sequence[str], options: _native.Options) -> Recording:
    try:
        recording = open(url, storage_options=dict(options))
    except FileNotFoundError as error:
        raise FileNotFoundError(f"{url!r} is neither a store nor a recording: {error}") from None
    if patterns:
        raise ValueError(f"{url!r} is a recording: patterns select recordings of a store")
    return recording


def _matching(names: list[str], patterns: typing.Sequence[str]) -> list[str]:
    import fnmatch

    picked = [n for n in names if not patterns or any(fnmatch.fnmatchcase(n, p) for p in patterns)]
    return sorted(picked, key=lambda name: name.encode())


def _of_row(row: Row, url: str, options: _native.Options) -> Layout:
    start = row["start"]
    return Layout(
        Place(url, row["name"], options),
        int(row["samples"]),
        int(row["channels"]),
        int(row["real_rate"]),
        None if start is None else nanos_of(start),
        int(row["drift_ppt"]),
        bool(row["is_exact"]),
        row["sha256"],
    )


def _brief(layout: Layout) -> str:
    start = "an unknown time" if layout.start is None else f"{_datetime64(layout.start)}Z"
    drift = f" with a drift of {layout.drift_ppt} ppt" if layout.drift_ppt else ""
    return f"{layout.frames} frames from {start}{drift}, SHA-256 {layout.sha256[:12]}…"


def _datetime64(nanos: int) -> np.datetime64:
    import numpy as np

    return np.datetime64(nanos, "ns")
