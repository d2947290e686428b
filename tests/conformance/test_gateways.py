"""What environments own against the Gateway API's CustomResourceDefinitions, defaults included."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from test_crds import faults_of, with_defaults

from stories import GOOD
from support import ROOT
from test_routing import of_kind, owned

pytestmark = pytest.mark.conformance

CRDS = ROOT.parent / "shared" / "crds" / "gateway-api"
STORIES = sorted(
    p.name for p in GOOD.iterdir() if list(p.glob("expected/_environments/*/gateway*"))
)


@pytest.fixture(scope="module")
def schema() -> Any:
    """The schema of a Gateway."""
    for path in sorted(Path(CRDS).rglob("*_gateways.yaml")):
        for version in yaml.load(path.read_text(), yaml.CSafeLoader)["spec"]["versions"]:
            if version["name"] == "v1":
                return version["schema"]["openAPIV3Schema"]
    pytest.fail("there is no CustomResourceDefinition of Gateways")


@pytest.mark.parametrize("story", STORIES)
def test_gateways(story: str, schema: Any) -> None:
    found = of_kind(list(owned(story)), "Gateway")
    assert found
    for gateway in found:
        assert not list(faults_of(schema, gateway))
        # What a server adds, Argo CD reports as drift.
        spec = schema["properties"]["spec"]
        assert with_defaults(spec, gateway["spec"]) == gateway["spec"]
