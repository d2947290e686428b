"""Objects of Argo CD against its CustomResourceDefinitions, unknown fields refused."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from test_crds import CRDS, faults_of

from modelmill import yamltext
from stories import GOOD
from support import compiled, write_files
from test_argo_cd import STORIES, applications, documents
from test_hostile import DOCUMENTS

pytestmark = pytest.mark.conformance

API = "argoproj.io/v1alpha1"
EVERY_FIELD = {name: yamltext.dump(document) for name, document in DOCUMENTS.items()}


@pytest.fixture(scope="module")
def schemas() -> dict[str, Any]:
    """The schema of each kind."""
    found = {}
    for path in sorted((CRDS / "argo-cd").glob("*.yaml")):
        spec = yaml.safe_load(path.read_text())["spec"]
        found[spec["names"]["kind"]] = spec["versions"][0]["schema"]["openAPIV3Schema"]
    return found


def repositories(folder: Path) -> Iterator[Path]:
    for story in STORIES:
        yield Path(shutil.copytree(GOOD / story, folder / story))
    yield write_files(folder / "every-field", EVERY_FIELD)


def test_objects(tmp_path: Path, schemas: dict[str, Any]) -> None:
    kinds = set()
    for root in repositories(tmp_path):
        compiled(root)
        written = [
            each for each in documents(root / "generated").values() if each.get("apiVersion") == API
        ]
        for body in (*written, *applications(root)):
            if body["apiVersion"] == API:
                kinds.add(body["kind"])
                faults = list(faults_of(schemas[body["kind"]], body))
                assert not faults, f"{root.name}: {body['kind']} {body['metadata']['name']}"
    assert kinds == {"Application", "ApplicationSet", "AppProject"} <= schemas.keys()


def test_a_server_adds_no_default(schemas: dict[str, Any]) -> None:
    """What it adds, Argo CD would see as drift of what it manages itself."""
    assert {path for schema in schemas.values() for path in defaults(schema, "")} == set()


def defaults(schema: Any, path: str) -> Iterator[str]:
    if isinstance(schema, dict):
        if "default" in schema and "type" in schema:
            yield path
        for key, each in schema.items():
            yield from defaults(each, f"{path}/{key}")
