"""Flux's objects against its CustomResourceDefinitions, unknown fields and defaults included."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from test_crds import CRDS, faults_of, with_defaults

from stories import GOOD, stories
from support import compiled, inputs_of, write_files

pytestmark = pytest.mark.conformance

STORIES = [name for name in stories(GOOD) if name.startswith("flux-")]


@pytest.fixture(scope="module")
def schemas() -> dict[tuple[str, str], Any]:
    found = {}
    for path in (CRDS / "flux").glob("*.yaml"):
        spec = yaml.load(path.read_text(), yaml.CSafeLoader)["spec"]
        for version in spec["versions"]:
            key = (f"{spec['group']}/{version['name']}", spec["names"]["kind"])
            found[key] = version["schema"]["openAPIV3Schema"]
    return found


@pytest.mark.parametrize("story", STORIES)
def test_flux_takes_every_object_as_it_is(
    tmp_path: Path, story: str, schemas: dict[tuple[str, str], Any]
) -> None:
    compiled(write_files(tmp_path, inputs_of(GOOD / story)))
    files = sorted((tmp_path / "generated").rglob("flux/*.yaml"))
    bodies = [yaml.load(each.read_text(), yaml.CSafeLoader) for each in files]
    checked = [each for each in bodies if (each["apiVersion"], each["kind"]) in schemas]
    assert {each["kind"] for each in checked} > {"Kustomization"}
    for body in checked:
        schema = schemas[body["apiVersion"], body["kind"]]
        assert not list(faults_of(schema, body)), body["metadata"]["name"]
        assert with_defaults(schema, body)["spec"] == body["spec"]
