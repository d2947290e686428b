"""What models compile to for KServe, against its CRDs: schema, defaults and CEL rules, and by what
KServe's controller makes of it."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import cel
import pytest
from test_crds import CRDS, faults_of, with_defaults

from kserve_repository import (
    REFUSED,
    as_config,
    crd,
    everything,
    objects,
    of_kind,
    texts,
    upstream_presets,
)
from modelmill.importers.llmisvc.children import children
from modelmill.importers.llmisvc.composing import compose
from modelmill.importers.llmisvc.platform import Platform
from modelmill.kserve.difference import is_same
from modelmill.kserve.merging import merge
from modelmill.kserve.rules import faults
from stories import GOOD, stories
from support import ROOT, inputs_of

pytestmark = pytest.mark.conformance

SERVICE, CONFIG = "LLMInferenceService", "LLMInferenceServiceConfig"
MODES = ("full", "thin")


@pytest.fixture(scope="module")
def schemas() -> dict[str, Any]:
    folder = CRDS / "kserve"
    return {
        kind: crd(folder / f"serving.kserve.io_{kind.lower()}s.yaml") for kind in (SERVICE, CONFIG)
    }


@cache
def program(rule: str) -> Any:
    return cel.compile(rule)


def refusals(schema: Any, value: Any, path: str = "") -> Iterator[str]:
    """CEL rules of a schema that a value breaks. A field that is not there has no value: asking for
    it is an error, as it is to an API server."""
    for each in schema.get("x-kubernetes-validations", []):
        try:
            holds = program(each["rule"]).execute({"self": value})
        except (KeyError, ValueError, RuntimeError) as fault:
            holds = False
            each = {**each, "message": f"no such key: {fault}"}
        if holds is not True:
            yield f"{path}: {each.get('message', each['rule'])}"
    if isinstance(value, list):
        for place, item in enumerate(value):
            yield from refusals(schema.get("items", {}), item, f"{path}/{place}")
    elif isinstance(value, dict):
        properties, others = schema.get("properties", {}), schema.get("additionalProperties")
        for key, item in value.items():
            below = properties.get(key, others if isinstance(others, dict) else {})
            yield from refusals(below, item, f"{path}/{key}")


def check(schemas: dict[str, Any], found: list[Any]) -> None:
    for body in (*of_kind(found, SERVICE), *of_kind(found, CONFIG)):
        schema, name = schemas[body["kind"]], body["metadata"]["name"]
        assert (name, list(faults_of(schema, body))) == (name, [])
        assert with_defaults(schema, body) == body
        assert (name, list(refusals(schema, body))) == (name, [])
        assert body["kind"] == CONFIG or faults(body["spec"]) == []


@pytest.mark.parametrize("mode", MODES)
def test_models_of_this_repository(tmp_path: Path, mode: str, schemas: dict[str, Any]) -> None:
    found = objects(tmp_path, mode)
    models = {Path(path).stem for path in inputs_of(ROOT) if path.startswith("models/")}
    assert {each["metadata"]["name"] for each in of_kind(found, SERVICE)} == models - set(REFUSED)
    check(schemas, found)


@pytest.mark.parametrize("story", [each for each in stories(GOOD) if each.startswith("kserve-")])
def test_stories(tmp_path: Path, story: str, schemas: dict[str, Any]) -> None:
    check(schemas, everything(tmp_path, inputs_of(GOOD / story)))


@pytest.mark.parametrize("mode", MODES)
def test_kserve_makes_objects_of_each(tmp_path: Path, mode: str) -> None:
    found = objects(tmp_path, mode)
    configs = [*upstream_presets(), *map(as_config, of_kind(found, CONFIG))]
    for body in of_kind(found, SERVICE):
        composed = compose(body["metadata"], body["spec"], configs, Platform())
        assert (composed.missing, composed.failures) == ((), ())
        kinds = {each["kind"] for each in children(body["metadata"], composed.spec, Platform())}
        assert {"Service", "InferencePool", "HTTPRoute"} <= kinds
        assert kinds & {"Deployment", "LeaderWorkerSet"}


def test_thin_resources_mean_what_full_ones_do(tmp_path: Path) -> None:
    full, thin = (objects(tmp_path / mode, mode) for mode in MODES)
    configs = {each["metadata"]["name"]: each["spec"] for each in of_kind(thin, CONFIG)}
    services = {each["metadata"]["name"]: each["spec"] for each in of_kind(thin, SERVICE)}
    for body in of_kind(full, SERVICE):
        spec = services[body["metadata"]["name"]]
        merged: Any = {}
        for reference in spec["baseRefs"]:
            merged = merge(merged, configs[reference["name"]])
        own = {key: value for key, value in spec.items() if key != "baseRefs"}
        assert is_same(merge(merged, own), body["spec"])
        assert len(str(own)) < len(str(body["spec"]))


def test_a_config_is_the_same_whichever_model_uses_it(tmp_path: Path) -> None:
    """Compiled with one model of the environment or with another."""
    inputs = texts("thin")
    models = [path for path in inputs if path.startswith("models/")]
    seen: dict[str, Any] = {}
    for model in models:
        alone = {path: text for path, text in inputs.items() if path not in models}
        found = everything(tmp_path / model, {**alone, model: inputs[model]})
        for config in of_kind(found, CONFIG):
            assert seen.setdefault(config["metadata"]["name"], config) == config


def test_broken_rules_are_found(schemas: dict[str, Any]) -> None:
    spec = {
        "model": {"name": "a", "uri": "hf://a/b"},
        "replicas": 1,
        "scaling": {"minReplicas": 3, "maxReplicas": 2, "wva": {"hpa": {}, "keda": {}}},
        "prefill": {
            "scaling": {
                "maxReplicas": 2,
                "keda": {"advanced": {"horizontalPodAutoscalerConfig": {}}, "triggers": [{}]},
            }
        },
    }
    assert list(refusals(schemas[SERVICE], {"spec": spec}))[1:] == [
        "/spec/scaling: minReplicas cannot exceed maxReplicas",
        "/spec/scaling/wva: hpa and keda are mutually exclusive; choose one actuator backend",
        "/spec/prefill/scaling/keda: no such key: 'name'",
    ]
    assert len(faults(spec)) >= 4
