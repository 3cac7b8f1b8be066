"""Validates documents against docs/recording.schema.json.

    with_jsonschema.py SCHEMA DOCUMENTS

DOCUMENTS, a JSON file, is a list of pairs: which part of the schema ("" for the whole,
or as in "/$defs/store_document"), and a document. For each, the places and messages of
its errors are printed as a JSON list, which is empty if it is valid.
"""

import json
import sys
from pathlib import Path

from jsonschema import Draft202012Validator
from referencing import Registry, Resource


def main(schema, documents):
    schema = json.loads(schema.read_text(encoding="utf-8"))
    Draft202012Validator.check_schema(schema)
    registry = Registry().with_resource(schema["$id"], Resource.from_contents(schema))
    answers = []
    for part, document in json.loads(documents.read_text(encoding="utf-8")):
        reference = {"$ref": f"{schema['$id']}#{part}"}
        validator = Draft202012Validator(reference, registry=registry)
        answers.append([f"{e.json_path}: {e.message}" for e in validator.iter_errors(document)])
    json.dump(answers, sys.stdout)


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
