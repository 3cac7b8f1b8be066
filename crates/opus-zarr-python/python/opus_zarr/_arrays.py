"""Arrays that the native module reads into."""

from __future__ import annotations

import typing

if typing.TYPE_CHECKING:
    import numpy.typing as npt

    Samples = npt.NDArray[typing.Any]
    DType = npt.DTypeLike


def array_for(
    shape: tuple[int, ...], dtype: DType, out: Samples | None
) -> tuple[Samples, Samples]:
    """The array to return, and the one to read into: the same one if the decoder makes its type."""
    import numpy as np

    if out is None:
        out = np.empty(shape, dtype)
    elif out.shape != shape:
        raise ValueError(f"out has the shape {out.shape}, expected {shape}")
    kind = np.dtype(out.dtype)
    if kind not in (np.float32, np.int16, np.float64):
        raise ValueError(f"dtype {kind} is not supported, expected float32, int16 or float64")
    if not out.flags.writeable:
        raise ValueError("out cannot be written to")
    if kind != np.float64 and out.flags.c_contiguous:
        return out, out
    return out, np.empty(shape, np.int16 if kind == np.int16 else np.float32)


def finished(out: Samples, into: Samples) -> Samples:
    if into is not out:
        out[...] = into
    return out
