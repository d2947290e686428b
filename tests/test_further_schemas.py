"""Objects of kinds whose CustomResourceDefinitions are not at hand, against schemas written from
their documentation: tests/schemas/*.json, each a mapping from `apiVersion Kind` to a JSON schema
that lets no further field through.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from modelmill import yamltext
from stories import GOOD, stories
from support import every_object, inputs_of, write_files
from test_hostile import DOCUMENTS

SCHEMAS = Path(__file__).parent / "schemas"


@cache
def further_schemas() -> dict[tuple[str, str], Any]:
    """The schema of each apiVersion and kind."""
    found = {}
    for path in sorted(SCHEMAS.glob("*.json")):
        for name, schema in json.loads(path.read_text()).items():
            version, _, kind = name.partition(" ")
            found[version, kind] = schema
    return found


def faults_of(body: Any) -> list[str]:
    """What is wrong with an object; nothing where its kind has no schema here."""
    schema = further_schemas().get((body["apiVersion"], body["kind"]), {})
    errors = Draft202012Validator(schema).iter_errors(body)
    name = f"{body['kind']} {body['metadata']['name']}"
    return [f"{name}: /{'/'.join(map(str, e.absolute_path))}: {e.message}" for e in errors]


@pytest.mark.parametrize("story", stories(GOOD))
def test_stories(tmp_path: Path, story: str) -> None:
    objects = every_object(write_files(tmp_path, inputs_of(GOOD / story)))
    assert not [fault for body in objects for fault in faults_of(body)]


def test_every_field(tmp_path: Path) -> None:
    texts = {name: yamltext.dump(document) for name, document in DOCUMENTS.items()}
    objects = every_object(write_files(tmp_path, texts))
    assert not [fault for body in objects for fault in faults_of(body)]


@pytest.mark.parametrize("schema", further_schemas().values(), ids=map(" ".join, further_schemas()))
def test_schemas_are_closed(schema: Any) -> None:
    Draft202012Validator.check_schema(schema)
    assert schema["additionalProperties"] is False
    assert schema["properties"]["spec"]["additionalProperties"] is False


def test_faults_are_found() -> None:
    body = {
        "apiVersion": "cert-manager.io/v1",
        "kind": "Certificate",
        "metadata": {"name": "a"},
        "spec": {"secretName": "a", "issuerRef": {"nam": "b"}, "dnsNames": ["a_b"]},
    }
    faults = faults_of(body)
    assert any(fault.startswith("Certificate a: /spec/issuerRef: ") for fault in faults)
    assert any(fault.startswith("Certificate a: /spec/dnsNames/0: ") for fault in faults)
