"""ExternalSecrets, an environment's own among them, against their CustomResourceDefinition: every
field is one, and a server adds none."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from test_crds import faults_of, with_defaults

from stories import GOOD
from support import ROOT

pytestmark = pytest.mark.conformance

CRDS = ROOT.parent / "shared" / "crds" / "external-secrets"
FILES = sorted(GOOD.rglob("expected/**/externalsecret-*.yaml"))


@pytest.fixture(scope="module")
def schema() -> Any:
    text = (CRDS / "external-secrets.io_externalsecrets.yaml").read_text()
    versions = yaml.load(text, yaml.CSafeLoader)["spec"]["versions"]
    return next(v for v in versions if v["name"] == "v1")["schema"]["openAPIV3Schema"]


def test_there_are_some_of_a_model_and_of_an_environment() -> None:
    assert {"_environments" in path.parts for path in FILES} == {True, False}


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_external_secrets(path: Any, schema: Any) -> None:
    body = yaml.load(path.read_text(), yaml.CSafeLoader)
    assert not list(faults_of(schema, body))
    assert with_defaults(schema, body) == body
