"""Exact random access into long audio recordings kept as compressed Opus in Zarr.

    import opus_zarr

    rec = opus_zarr.open("archive.zarr/dawn")
    second = rec[48_000:96_000]  # (frames, channels), float32

Frames are counted from the first that plays, at ``rec.sample_rate``. Every slice is, bit for bit, that of a
decode of the whole recording, wherever ``rec.exactness`` is not None.
"""

from __future__ import annotations

import importlib as _importlib
import typing as _typing

from ._deployment import Deployment, Span
from ._errors import (
    BatchError,
    DamageError,
    ImportFailedError,
    LockedError,
    NotExactError,
    OpusZarrError,
)
from ._import import Imported, import_
from ._recording import AudioSamples, Recording
from ._store import Store, open, open_store, verify

if _typing.TYPE_CHECKING:
    from .zarr import AudioStore as AudioStore

__version__ = "0.1.0"

__all__ = [
    "AudioSamples",
    "BatchError",
    "DamageError",
    "Deployment",
    "ImportFailedError",
    "Imported",
    "LockedError",
    "NotExactError",
    "OpusZarrError",
    "Recording",
    "Span",
    "Store",
    "import_",
    "open",
    "open_store",
    "verify",
]


def __getattr__(name: str) -> _typing.Any:
    # The packages that these modules are for take longer to import than all of this one.
    if name == "AudioStore":
        from .zarr import AudioStore

        return AudioStore
    if name in ("dask", "torch", "xarray", "zarr"):
        return _importlib.import_module(f".{name}", __name__)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
