"""Reads the recordings of an opus-zarr store with tensorstore.

    with_tensorstore.py STORE QUESTIONS

QUESTIONS, a JSON file, maps the name of a recording to the rows of its index
("packets") and the byte ranges of its blob ("ranges") to be read. What was found is
printed as JSON: the rows, and the SHA-256 of everything else (numbers of the index as
little-endian u64, of the sync map u32).
"""

import hashlib
import json
import sys
from pathlib import Path

import tensorstore


def main(store, questions):
    questions = json.loads(questions.read_text())
    answers = {name: answer(store / name, question) for name, question in questions.items()}
    json.dump(answers, sys.stdout)


def answer(recording, question):
    names = ("opus_blob", "opus_index", "opus_sync")
    blob, index, sync = arrays = [open_array(recording / name) for name in names]
    return {
        "chunks": {
            name: array.chunk_layout.read_chunk.shape for name, array in zip(names, arrays)
        },
        "read": {
            "rows": [index[packet].read().result().tolist() for packet in question["packets"]],
            "columns": [sha256(index[:, column], "<u8") for column in range(5)],
            "ranges": [sha256(blob[start:end]) for start, end in question["ranges"]],
            "blob": sha256(blob),
            "index": sha256(index, "<u8"),
            "sync": sha256(sync, "<u4"),
        },
    }


def open_array(path):
    kvstore = {"driver": "file", "path": f"{path}/"}
    return tensorstore.open({"driver": "zarr3", "kvstore": kvstore}, read=True).result()


def sha256(view, dtype="u1"):
    return hashlib.sha256(view.read().result().astype(dtype).tobytes()).hexdigest()


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
