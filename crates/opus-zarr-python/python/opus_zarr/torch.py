"""Random crops of recordings, as datasets of PyTorch.

    crops = opus_zarr.torch.Crops("archive.parquet", 5, seed=1, store="s3://bucket/archive.zarr")
    for epoch in range(10):
        crops.set_epoch(epoch)
        for batch in DataLoader(crops, batch_size=64, num_workers=2):
            batch.samples  # (64, channels, samples)

Crops are drawn as docs/catalogue.md describes: every place is equally likely, and the same seed, epoch and
number give the same crop on every machine. So a loader need not shuffle.
"""

from __future__ import annotations

import functools
import json
import operator
import os
import typing

import numpy as np
import torch
import torch.utils.data

from . import _opus_zarr
from ._catalogue import Catalogue, rows_of
from ._errors import BatchError, OpusZarrError
from ._place import Output, Place
from ._recording import Channels, Recording, executor
from ._store import PathLike, Store, open_store
from ._times import nanos_of

if typing.TYPE_CHECKING:
    from ._arrays import Samples

    DType = typing.Literal["float32", "float64", "int16"]

_T = typing.TypeVar("_T")

__all__ = ["Crop", "CropBatch", "CropStream", "Crops"]


class Crop(typing.NamedTuple):
    """A crop of a recording. A loader collates crops into one with the fields of :class:`CropBatch`."""

    #: Of the shape (channels, samples).
    samples: torch.Tensor
    #: Its name in the store.
    recording: str
    #: Its first frame there, at the sample rate of the crop.
    start: int


class CropBatch(typing.NamedTuple):
    """Crops of recordings."""

    #: Of the shape (crops, channels, samples).
    samples: torch.Tensor
    recording: list[str]
    #: Of the shape (crops,).
    start: torch.Tensor


class Crops(torch.utils.data.Dataset[Crop]):
    """The random crops of an epoch by their number, each ``seconds`` of real time long.

    ``catalogue`` says what the recordings of ``store`` are: rows, or a file of them. ``rank`` is the number
    of this process among ``world`` ones, which together draw the crops that one would. ``sample_rate`` and
    ``channels`` are those of :meth:`opus_zarr.Recording.with_output`, and ``dtype`` float32, int16 or
    float64.

    Recordings are opened when they are first read, and the 128 used last stay open. All workers of a loader
    follow :meth:`set_epoch`, those that persist as well.

    Raises ValueError if no recording is long enough, or if those that are differ in their channels or rates,
    so that their crops would not fit into one batch. A read raises OpusZarrError if a recording is not the
    one that its row describes.
    """

    def __init__(
        self,
        catalogue: Catalogue,
        seconds: float,
        seed: int = 0,
        rank: int = 0,
        world: int = 1,
        *,
        store: PathLike | Store,
        sample_rate: int | None = None,
        channels: Channels | None = None,
        dtype: DType = "float32",
    ) -> None:
        _check(seconds, seed, rank, world)
        self._nanos = round(seconds * _SECOND)
        self._draw = (seed, rank, world)
        self._store = store if isinstance(store, Store) else open_store(store)
        picked = "all" if channels is None else channels
        self._output = Output(
            _one_of("sample_rate", _PLAY_RATE if sample_rate is None else sample_rate, _RATES),
            picked if isinstance(picked, str) else tuple(picked),
        )
        self._dtype = np.dtype(_one_of("dtype", str(np.dtype(dtype)), _TYPES))
        rows = [_Row.of(row) for row in rows_of(catalogue)]
        self._rows = {row.name: row for row in rows if row.samples >= self._samples_in(row)}
        self._frames = self._frames_of_all(picked == "all")
        self._epoch = _shared(torch.zeros(1, dtype=torch.int64))
        self._forget()
        self._length = len(self._drawn_in(0).native)

    @property
    def epoch(self) -> int:
        """The epoch whose crops these are."""
        return int(self._epoch[0])

    def set_epoch(self, epoch: int) -> None:
        """Goes on to the crops of another epoch: call it before each pass over a loader."""
        if epoch < 0:
            raise ValueError(f"expected an epoch of 0 or more, found {epoch}")
        self._epoch[0] = epoch

    def __len__(self) -> int:
        """Number of crops in an epoch, the same in each."""
        return self._length

    def __getitem__(self, index: int) -> Crop:
        return self.__getitems__([index])[0]

    def __getitems__(self, indices: typing.Sequence[int]) -> list[Crop]:
        """The crops of these numbers, which are read at the same time. Loaders fetch batches so."""
        return self._crops(self.epoch, [self._number(index) for index in indices])

    def __getstate__(self) -> dict[str, object]:
        kept = self.__dict__.copy()
        # What each process opens and draws itself.
        del kept["_open"], kept["_drawn"]
        return kept

    def __setstate__(self, state: dict[str, object]) -> None:
        self.__dict__.update(state)
        self._epoch = _shared(self._epoch)
        self._forget()

    def _forget(self) -> None:
        self._open = functools.lru_cache(_KEPT_OPEN)(self._open_now)
        self._drawn: _Drawn | None = None

    def _number(self, index: int) -> int:
        number = operator.index(index)
        if not -len(self) <= number < len(self):
            raise IndexError(f"crop {number} is out of range: an epoch has {len(self)} crops")
        return number % len(self)

    def _samples_in(self, row: _Row) -> int:
        """The play samples of a crop, as docs/catalogue.md rounds them."""
        return (self._nanos * row.real_rate + _SECOND // 2) // _SECOND

    def _frames_of_all(self, all_channels: bool) -> int:
        """The frames of every crop."""
        rows, mix = list(self._rows.values()), ', or pass channels="mono"'
        for kind in ("real_rate", "channels") if all_channels else ("real_rate",):
            for row in rows:
                if getattr(row, kind) != getattr(rows[0], kind):
                    raise ValueError(
                        f"expected recordings of the same {kind}: {rows[0].name!r} has "
                        f"{getattr(rows[0], kind)}, {row.name!r} has {getattr(row, kind)}; "
                        f"choose rows of the catalogue{mix if kind == 'channels' else ''}"
                    )
        frames = self._samples_in(rows[0]) // self._divisor if rows else 0
        if rows and frames == 0:
            raise ValueError("expected crops of at least one frame")
        return frames

    @property
    def _divisor(self) -> int:
        """Play samples per frame."""
        return _PLAY_RATE // self._output.rate

    def _drawn_in(self, epoch: int) -> _Drawn:
        drawn = self._drawn
        if drawn is None or drawn.epoch != epoch:
            rows = [json.dumps({**_UNUSED, **row._asdict(), "start": None}) for row in self._rows.values()]
            seed, rank, world = self._draw
            native = _opus_zarr.Crops(rows, self._nanos, seed, epoch, rank, world)
            drawn = self._drawn = _Drawn(epoch, native, {})
        return drawn

    def _crops(self, epoch: int, numbers: list[int]) -> list[Crop]:
        drawn = self._drawn_in(epoch)
        places = [drawn.place(number) for number in numbers]
        # The first frame at or after the first sample.
        starts = [-(-start // self._divisor) for _, start, _ in places]
        by_name: dict[str, list[int]] = {}
        for at, (name, _, _) in enumerate(places):
            by_name.setdefault(name, []).append(at)

        def read(name: str) -> Samples:
            return self._read(name, [starts[at] for at in by_name[name]])

        crops: dict[int, Crop] = {}
        # An object store answers many requests in the time of one.
        all_read = map(read, by_name) if len(by_name) == 1 else executor(os.getpid()).map(read, by_name)
        for name, samples in zip(by_name, all_read):
            for at, tensor in zip(by_name[name], torch.from_numpy(samples)):
                crops[at] = Crop(tensor, name, starts[at])
        return [crops[at] for at in range(len(places))]

    def _read(self, name: str, starts: list[int]) -> Samples:
        """Crops of a recording: (crops, channels, frames)."""
        recording, frames = self._open(name), self._frames
        read = np.empty((len(starts), frames, recording.channels), self._dtype)
        try:
            recording.read_many(starts, frames, out=read, pad=None)
        except BatchError as error:
            # Its rows are not those of the batch. What went wrong names the recording.
            raise next(iter(error.rows.values())) from None
        return np.ascontiguousarray(read.transpose(0, 2, 1))

    def _open_now(self, name: str) -> Recording:
        row = self._rows[name]
        recording = Recording(Place(self._store.url, name, self._store._options), self._output)
        start = None if row.start is None else nanos_of(row.start)
        info, found = recording.info, recording._native.utc_of(0)
        if (info["blob_sha256"], info["play_length"], found) != (row.sha256, row.samples, start):
            raise OpusZarrError(
                f"recording {name!r} is not what its row in the catalogue says; update the catalogue", name
            )
        return recording


class CropStream(torch.utils.data.IterableDataset[CropBatch]):
    """The crops of an epoch in batches, in their order, whatever the number of workers.

    Pass ``batch_size=None`` to the loader: ``DataLoader(CropStream(crops, 64), batch_size=None)``. The last
    batch of an epoch may be smaller.

    The stream has an epoch of its own, which :meth:`set_epoch` begins. To go on in the middle of one, keep
    :meth:`state_dict` and pass it to :meth:`load_state_dict`. A plain loader with workers does not tell how
    many batches it has passed on, so count them: ``{"epoch": 3, "crops": 64 * batches}``. The
    ``StatefulDataLoader`` of torchdata keeps the states of the workers itself.
    """

    def __init__(self, crops: Crops, batch_size: int) -> None:
        if batch_size < 1:
            raise ValueError(f"expected batches of 1 crop or more, found {batch_size}")
        self._crops, self._batch_size = crops, batch_size
        # Epoch, crops to skip, and how often they were set.
        self._begun = _shared(torch.zeros(3, dtype=torch.int64))
        self._own: _Position | None = None
        self._done: _Position | None = None

    def __setstate__(self, state: dict[str, object]) -> None:
        self.__dict__.update(state)
        self._begun = _shared(self._begun)

    def set_epoch(self, epoch: int) -> None:
        """Goes on to the first crop of an epoch: call it before each pass over a loader."""
        self.load_state_dict({"epoch": epoch, "crops": 0})

    def state_dict(self) -> dict[str, int]:
        """The epoch, and how many of its crops this process has yielded."""
        done = self._done
        begun = self._position()
        if done is None or (done.epoch, done.version) != (begun.epoch, begun.version):
            done = begun
        return {"epoch": done.epoch, "crops": done.crops}

    def load_state_dict(self, state: typing.Mapping[str, int]) -> None:
        """Begins all further passes at a state."""
        epoch, crops = int(state["epoch"]), int(state["crops"])
        if epoch < 0 or crops < 0:
            raise ValueError(f"expected an epoch and crops of 0 or more, found {epoch} and {crops}")
        version = int(self._begun[2])
        if torch.utils.data.get_worker_info() is None:
            self._begun.copy_(torch.tensor([epoch, crops, version + 1]))
        else:
            # Another worker may have come further.
            self._own = _Position(epoch, crops, version)

    def __len__(self) -> int:
        """Number of batches in an epoch."""
        return -(-len(self._crops) // self._batch_size)

    def __iter__(self) -> typing.Iterator[CropBatch]:
        info = torch.utils.data.get_worker_info()
        worker, workers = (0, 1) if info is None else (info.id, info.num_workers)
        epoch, skipped, version = self._position()
        size, stride = self._batch_size, self._batch_size * workers
        rounds = range(skipped, len(self._crops), stride)
        for begin in rounds:
            numbers = range(begin + worker * size, min(begin + (worker + 1) * size, len(self._crops)))
            if not numbers:
                return
            crops = self._crops._crops(epoch, list(numbers))
            self._done = _Position(epoch, min(begin + stride, len(self._crops)), version)
            yield CropBatch(
                torch.stack([crop.samples for crop in crops]),
                [crop.recording for crop in crops],
                torch.tensor([crop.start for crop in crops]),
            )

    def _position(self) -> _Position:
        begun = _Position(*self._begun.tolist())
        own = self._own
        return own if own is not None and own.version == begun.version else begun


class _Position(typing.NamedTuple):
    """Where a pass begins or is."""

    epoch: int
    crops: int
    #: How often the main process had set it.
    version: int


class _Row(typing.NamedTuple):
    """What crops need of a row of a catalogue."""

    name: str
    samples: int
    real_rate: int
    channels: int
    sha256: str
    start: str | None

    @classmethod
    def of(cls, row: typing.Mapping[str, typing.Any]) -> _Row:
        fields: dict[str, typing.Any] = {column: row.get(column) for column in cls._fields}
        return cls(**fields)


class _Drawn(typing.NamedTuple):
    """The crops of an epoch, drawn when they are needed."""

    epoch: int
    native: _opus_zarr.Crops
    blocks: dict[int, list[tuple[str, int, int]]]

    def place(self, number: int) -> tuple[str, int, int]:
        """The recording and the play samples of a crop."""
        block, at = divmod(number, _BLOCK)
        if block not in self.blocks:
            if len(self.blocks) == _KEPT_BLOCKS:
                self.blocks.clear()
            self.blocks[block] = self.native.draw(block * _BLOCK, _BLOCK)
        return self.blocks[block][at]


def _check(seconds: float, seed: int, rank: int, world: int) -> None:
    if not 0 < seconds <= _LONGEST:
        raise ValueError(f"expected crops of more than 0 seconds, at most {_LONGEST:.0e}, found {seconds}")
    if not 0 <= seed < 1 << 64:
        raise ValueError(f"expected a seed of 0 or more, below 2^64, found {seed}")
    if not 0 <= rank < world:
        raise ValueError(f"expected a rank of 0 or more, below world, found rank {rank} and world {world}")


def _one_of(name: str, found: _T, expected: tuple[_T, ...]) -> _T:
    if found not in expected:
        raise ValueError(f"expected {name} to be one of {', '.join(map(str, expected))}, found {found}")
    return found


def _shared(numbers: typing.Any) -> torch.Tensor:
    """The same numbers, seen by all processes of a loader, workers that persist as well."""
    shared: torch.Tensor = numbers.share_memory_()
    return shared


_SECOND = 1_000_000_000
_PLAY_RATE = 48_000
_RATES = (48_000, 24_000, 16_000, 12_000, 8_000)
_TYPES = ("float32", "int16", "float64")

#: In seconds. The core counts nanoseconds in 64 bits.
_LONGEST = 10**9

#: Recordings that stay open in a process.
_KEPT_OPEN = 128

#: A draw looks at every row, so many crops are drawn at once.
_BLOCK = 1024
_KEPT_BLOCKS = 64

#: Columns that a row must have and crops do not depend on.
_UNUSED: dict[str, object] = {
    "seconds": 0.0,
    "is_exact": False,
    "bytes": 0,
    "source": "",
    "source_sha256": "",
    "notes": {},
    "generation": 0,
}
