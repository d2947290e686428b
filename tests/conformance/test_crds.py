"""Objects of custom kinds against their CustomResourceDefinitions, unknown fields refused: a server
would drop them without a word."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

from modelmill import yamltext
from stories import GOOD, stories
from support import ROOT, every_object, inputs_of, write_files
from test_further_schemas import further_schemas
from test_hostile import DOCUMENTS

pytestmark = pytest.mark.conformance

CRDS = ROOT.parent / "shared" / "crds"
REPOSITORIES = {
    "ours": inputs_of(ROOT),
    "every-field": {name: yamltext.dump(document) for name, document in DOCUMENTS.items()},
}


@pytest.fixture(scope="module")
def schemas() -> dict[tuple[str, str], Any]:
    """The schema of each apiVersion and kind."""
    found = {}
    for path in sorted(CRDS.rglob("*.yaml")):
        for document in yaml.load_all(path.read_text(), yaml.CSafeLoader):
            if document and document["kind"] == "CustomResourceDefinition":
                spec = document["spec"]
                for version in spec["versions"]:
                    key = (f"{spec['group']}/{version['name']}", spec["names"]["kind"])
                    found[key] = version["schema"]["openAPIV3Schema"]
    return found


@pytest.mark.parametrize("texts", REPOSITORIES.values(), ids=REPOSITORIES)
def test_custom_kinds(
    tmp_path: Path, texts: dict[str, str], schemas: dict[tuple[str, str], Any]
) -> None:
    objects = every_object(write_files(tmp_path, texts))
    custom = [o for o in objects if (o["apiVersion"], o["kind"]) in schemas]
    assert {o["kind"] for o in custom} >= {"InferencePool", "HTTPRoute", "LeaderWorkerSet"}
    faults = [
        f"{body['kind']} {body['metadata']['name']}: {fault}"
        for body in custom
        for fault in faults_of(schemas[body["apiVersion"], body["kind"]], body)
    ]
    assert not faults


@pytest.mark.parametrize("story", stories(GOOD))
def test_custom_kinds_of_stories(
    tmp_path: Path, story: str, schemas: dict[tuple[str, str], Any]
) -> None:
    objects = every_object(write_files(tmp_path, inputs_of(GOOD / story)))
    faults = [
        f"{body['kind']} {body['metadata']['name']}: {fault}"
        for body in objects
        if (body["apiVersion"], body["kind"]) in schemas
        for fault in faults_of(schemas[body["apiVersion"], body["kind"]], body)
    ]
    assert not faults


@pytest.mark.parametrize("texts", REPOSITORIES.values(), ids=REPOSITORIES)
def test_a_server_adds_no_default_to_a_group_of_pods(
    tmp_path: Path, texts: dict[str, str], schemas: dict[tuple[str, str], Any]
) -> None:
    """What it adds, Argo CD reports as drift."""
    schema = schemas["leaderworkerset.x-k8s.io/v1", "LeaderWorkerSet"]
    for body in every_object(write_files(tmp_path, texts)):
        if body["kind"] == "LeaderWorkerSet":
            assert with_defaults(schema, body) == body


def test_every_custom_kind_is_known(tmp_path: Path, schemas: dict[tuple[str, str], Any]) -> None:
    """What has a dotted group of its own and no schema here would go unchecked."""
    builtin = (
        *("apps/", "policy/", "autoscaling/", "batch/"),
        *("rbac.", "networking.k8s.io/", "resource.k8s.io/"),
    )
    for name, texts in REPOSITORIES.items():
        for body in every_object(write_files(tmp_path / name, texts)):
            version = body["apiVersion"]
            if "/" in version and not version.startswith(builtin):
                assert (version, body["kind"]) in {**schemas, **further_schemas()}


def test_faults_are_found(schemas: dict[tuple[str, str], Any]) -> None:
    schema = schemas["gateway.networking.k8s.io/v1", "HTTPRoute"]
    body = {
        "apiVersion": "gateway.networking.k8s.io/v1",
        "kind": "HTTPRoute",
        "metadata": {"name": "a"},
        "spec": {"rules": [{"matches": [{"paht": {}}], "backendRefs": [{"name": 5}]}], "x": 1},
    }
    assert list(faults_of(schema, body)) == [
        "/spec/rules/0/backendRefs/0/name: 5 is not of type 'string'",
        "/spec/rules/0/matches/0/paht: there is no such field",
        "/spec/x: there is no such field",
    ]


def faults_of(schema: Any, body: Any) -> Iterator[str]:
    errors = Draft202012Validator(schema).iter_errors(body)
    yield from sorted(
        f"/{'/'.join(map(str, error.absolute_path))}: {error.message}" for error in errors
    )
    unknown = {key: value for key, value in body.items() if key not in ("apiVersion", "kind")}
    yield from unknown_fields({**schema, "type": "object"}, {**unknown, "metadata": {}}, "")


def with_defaults(schema: Any, value: Any) -> Any:
    """A value as a server keeps it: what a schema has a default for is there."""
    if isinstance(value, list):
        return [with_defaults(schema.get("items", {}), each) for each in value]
    if not isinstance(value, dict):
        return value
    properties = schema.get("properties", {})
    added = {k: each["default"] for k, each in properties.items() if "default" in each}
    return {k: with_defaults(properties.get(k, {}), v) for k, v in {**added, **value}.items()}


def unknown_fields(schema: Any, value: Any, path: str) -> Iterator[str]:
    """Fields that a schema does not name, where it does not let any through."""
    if isinstance(value, list):
        for place, each in enumerate(value):
            yield from unknown_fields(schema.get("items", {}), each, f"{path}/{place}")
    if not isinstance(value, dict) or schema.get("x-kubernetes-preserve-unknown-fields"):
        return
    properties, others = schema.get("properties", {}), schema.get("additionalProperties")
    for key, each in value.items():
        if key in properties:
            yield from unknown_fields(properties[key], each, f"{path}/{key}")
        elif isinstance(others, dict):
            yield from unknown_fields(others, each, f"{path}/{key}")
        elif others is not True and (properties or path == ""):
            yield f"{path}/{key}: there is no such field"
