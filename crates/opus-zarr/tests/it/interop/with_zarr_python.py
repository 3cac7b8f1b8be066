"""Reads the recordings of an opus-zarr store with zarr-python.

    with_zarr_python.py STORE QUESTIONS OUT

QUESTIONS, a JSON file, maps the name of a recording to the rows of its index
("packets") and the byte ranges of its blob ("ranges") to be read. What was found is
printed as JSON. The arrays as a whole go to the directory OUT, as NAME.opus_blob and,
in little-endian rows, NAME.opus_index and NAME.opus_sync.
"""

import hashlib
import json
import sys
from pathlib import Path

import zarr


def main(store, questions, out):
    questions = json.loads(questions.read_text())
    root = zarr.open_group(store, mode="r")
    answers = {
        "groups": sorted(root.group_keys()),
        "arrays": sorted(root.array_keys()),
        "attributes": root.attrs.asdict(),
        "recordings": {},
    }
    for name, question in questions.items():
        write_arrays(root[name], out / name)
        answers["recordings"][name] = {
            "plain": describe(open_recording(store, name, use_consolidated=False)),
            "consolidated": describe(open_recording(store, name, use_consolidated=True)),
            **read_pieces(root[name], question),
        }
    json.dump(answers, sys.stdout)


def open_recording(store, name, use_consolidated):
    return zarr.open_group(store, path=name, mode="r", use_consolidated=use_consolidated)


def describe(group):
    return {
        "attributes": group.attrs.asdict(),
        "arrays": {
            name: {"dtype": str(array.dtype), "shape": array.shape, "chunks": array.chunks}
            for name, array in group.arrays()
        },
    }


def write_arrays(group, out):
    out.with_suffix(".opus_blob").write_bytes(group["opus_blob"][:].tobytes())
    out.with_suffix(".opus_index").write_bytes(group["opus_index"][:].astype("<u8").tobytes())
    out.with_suffix(".opus_sync").write_bytes(group["opus_sync"][:].astype("<u4").tobytes())


def read_pieces(group, question):
    blob, index = group["opus_blob"], group["opus_index"]
    rows = [index[packet].tolist() for packet in question["packets"]]
    return {
        "rows": rows,
        "packets": [blob[at : at + length].tobytes().hex() for at, length, *_ in rows],
        "ranges": [blob[start:end].tobytes().hex() for start, end in question["ranges"]],
        "blob_sha256": hashlib.sha256(blob[:]).hexdigest(),
    }


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
