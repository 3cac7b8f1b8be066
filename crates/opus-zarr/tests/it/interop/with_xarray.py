"""Opens the recordings of an opus-zarr store with xarray, dask, obstore and VirtualiZarr.

    with_xarray.py STORE NAME...

For every way to open the recordings, and each of these, prints as JSON the dimensions of
its arrays and the SHA-256 of their values, as little-endian bytes.
"""

import hashlib
import json
import shutil
import sys
import tempfile
import warnings
from pathlib import Path

import dask.array
import virtualizarr
import xarray
import zarr
from obspec_utils.registry import ObjectStoreRegistry
from obstore.store import LocalStore
from virtualizarr.manifests import ManifestGroup, ManifestStore
from virtualizarr.parsers import ZarrParser
from zarr.storage import ObjectStore


def main(store, *names):
    with tempfile.TemporaryDirectory() as folder:
        consolidated = consolidate(store, Path(folder) / "store")
        answers = {
            "open_zarr": each(names, lambda name: xarray.open_zarr(store / name)),
            "open_zarr, each document": each(names, lambda name: plain(store / name)),
            "open_zarr, in chunks": each(names, lambda name: in_chunks(store / name)),
            "open_zarr, consolidated": each(names, lambda name: whole(consolidated / name)),
            "open_datatree": tree(names, store, consolidated=False),
            "open_datatree, consolidated": tree(names, consolidated, consolidated=True),
            "dask": each(names, lambda name: dask_arrays(store / name)),
            "obstore": each(names, lambda name: xarray.open_zarr(local(store / name))),
            **virtual(store, names),
        }
    json.dump(answers, sys.stdout)


def each(names, open_one):
    return {name: describe(open_one(name)) for name in names}


def describe(dataset):
    return {
        name: {
            "dimensions": variable.dims,
            "sha256": sha256(variable.values),
        }
        for name, variable in dataset.variables.items()
    }


def sha256(values):
    return hashlib.sha256(values.astype(values.dtype.newbyteorder("<")).tobytes()).hexdigest()


def consolidate(store, copy):
    """Lets zarr-python write the metadata of the recordings and of the store anew."""
    shutil.copytree(store, copy)
    with warnings.catch_warnings():
        # Zarr v3 does not standardize consolidated metadata.
        warnings.simplefilter("ignore", zarr.errors.ZarrUserWarning)
        for group in [*copy.glob("*/opus_blob/.."), copy]:
            zarr.consolidate_metadata(group.resolve())
    return copy


def plain(recording):
    return xarray.open_zarr(recording, consolidated=False, chunks=None)


def whole(recording):
    return xarray.open_zarr(recording, consolidated=True)


def in_chunks(recording):
    dataset = xarray.open_zarr(recording, chunks={})
    assert all(variable.chunks for variable in dataset.variables.values())
    return dataset


def tree(names, store, consolidated):
    opened = xarray.open_datatree(store, engine="zarr", consolidated=consolidated)
    assert sorted(opened.children) == sorted(names)
    return each(names, lambda name: opened[name].dataset)


def dask_arrays(recording):
    group = zarr.open_group(recording, mode="r")
    arrays = {
        name: (array.metadata.dimension_names, dask.array.from_zarr(str(recording), component=name))
        for name, array in group.arrays()
    }
    return xarray.Dataset(arrays)


def local(recording):
    return ObjectStore(LocalStore(recording), read_only=True)


def virtual(store, names):
    """References to the shards, one manifest for each recording, and one of the whole store."""
    registry = ObjectStoreRegistry({"file://": LocalStore()})
    urls = {name: (store / name).as_uri() for name in names}
    parser = ZarrParser()
    manifests = {name: parser(url, registry) for name, url in urls.items()}
    for name, url in urls.items():
        dataset = virtualizarr.open_virtual_dataset(url, registry=registry, parser=parser)
        assert dataset.attrs == xarray.open_zarr(store / name).attrs
    groups = {name: manifest._group for name, manifest in manifests.items()}
    every = ManifestStore(ManifestGroup(groups=groups), registry=registry)
    return {
        "ManifestStore": each(names, lambda name: plain(manifests[name])),
        "ManifestStore of all": tree(names, every, consolidated=False),
    }


if __name__ == "__main__":
    main(Path(sys.argv[1]), *sys.argv[2:])
