"""Reads a recording of a virtual Zarr store in several ways.

    read.py URL NAME

Prints, for each way, sums of its samples.
"""

import json
import sys

import numpy as np
import obstore.store
import tensorstore
import xarray
import zarr
from zarr.storage import ObjectStore


def main() -> None:
    url, name = sys.argv[1:]
    client = {"allow_http": True}
    root = ObjectStore(obstore.store.HTTPStore(url, client_options=client), read_only=True)
    of_one = ObjectStore(obstore.store.HTTPStore(f"{url}/{name}", client_options=client), read_only=True)
    group = zarr.open_group(root, mode="r")
    assert name in list(group), list(group)
    array = group[f"{name}/audio"]
    assert array.attrs["sampling_rate"] == 48_000
    assert array.metadata.dimension_names == ("frame", "channel")
    spec = {"driver": "zarr3", "kvstore": f"{url}/{name}/audio/"}
    found = {
        "zarr": array[:],
        "one": zarr.open_array(of_one, path="audio", mode="r")[:],
        "tensorstore": tensorstore.open(spec).result().read().result(),
        "xarray": xarray.open_zarr(of_one, consolidated=True, zarr_format=3, chunks=None)["audio"].values,
    }
    print(json.dumps({reader: summary(samples) for reader, samples in found.items()}))


def summary(samples: np.ndarray) -> dict[str, object]:
    samples = np.asarray(samples)
    wide = samples.astype(np.int64)[:, 0]
    weights = np.arange(1, len(wide) + 1) % 1009
    return {
        "sum": int(wide.sum()),
        "weighted": int((wide * weights).sum()),
        "shape": list(samples.shape),
    }


main()
