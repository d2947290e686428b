"""Recorded configurations of endpoint pickers: every plugin in one is known, as it is today."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from modelmill.catalogues import picker_catalogue, version_set

pytestmark = pytest.mark.conformance

RECORDED = Path(__file__).resolve().parents[3] / "shared" / "conformance" / "kserve"
FILES = sorted(RECORDED.glob("*/**/*.yaml"))
CATALOGUE = picker_catalogue(version_set("llm-d-v0.9").picker)
# Of releases before the first one that modelmill knows.
FORMER = {"kv-cache-scorer"}


def configs(data: Any) -> Iterator[dict[str, Any]]:
    """EndpointPickerConfigs at any depth, as data or as text."""
    if isinstance(data, str) and "EndpointPickerConfig" in data:
        yield from configs(yaml.safe_load(data))
    elif isinstance(data, dict) and data.get("kind") == "EndpointPickerConfig":
        yield data
    elif isinstance(data, dict | list):
        for each in data.values() if isinstance(data, dict) else data:
            yield from configs(each)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_its_plugins_are_known(path: Path) -> None:
    for document in yaml.safe_load_all(path.read_text()):
        for config in configs(document):
            types = {plugin["type"] for plugin in config["plugins"]}
            assert types - FORMER <= set(CATALOGUE.plugins)
            gates = {gate.partition("=")[0] for gate in config.get("featureGates", [])}
            assert gates <= set(CATALOGUE.gates)
