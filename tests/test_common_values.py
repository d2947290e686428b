"""What environments leave as it is, is one object in all of them, down to decoded values: later
stages go by that. What one of them changes shows only there."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from modelmill.resolve import Resolver
from modelmill.spec.documents import Spec
from modelmill.spec.engine import Engine
from modelmill.variant import decode
from support import PROJECT, model, overlay, preset, repository

BASE = preset(
    "base",
    """
    engine:
      type: vllm
      version: v0.26.0
      image: docker.io/vllm/vllm-openai:${engine.version}
      args: {max-model-len: 1000, served-model-name: "${model.name}"}
      env: {LOG: INFO}
    pod: {securityContext: {runAsNonRoot: true}}
    resources: {requests: {cpu: 4}}
    routing: {port: 8000, gateway: {name: edge}}
    roles: {decode: {replicas: 2}, prefill: {replicas: 1}}
    """,
)
OVERLAYS = {
    "again": overlay("again"),
    "first": overlay("first"),
    "length": overlay("length", "roles: {prefill: {engine: {args: {max-model-len: 2000}}}}"),
    "release": overlay("release", extends="[next]"),
    "releases": overlay("releases", "roles: {decode: {replicas: 3}}", "[next]"),
    "scaled": overlay("scaled", "roles: {decode: {replicas: 5}}"),
    "variable": overlay("variable", "engine: {env: {LOG: DEBUG}}"),
}


def decoded(root: Path, spec: str = "{}") -> Mapping[str, Spec]:
    """A model's spec by environment, each decoded after the one before."""
    texts = {
        "modelmill.yaml": PROJECT,
        "presets/base.yaml": BASE,
        "presets/next.yaml": preset("next", "engine: {version: v0.27.0}"),
        "models/m.yaml": model("m", spec, "[base]"),
        **{f"overlays/{name}/environment.yaml": text for name, text in OVERLAYS.items()},
    }
    found = repository(root, texts)
    resolver, overlays = Resolver(found.catalog), found.catalog.overlays
    resolved = [resolver.variant(found.catalog.models["m"], each) for each in overlays.values()]
    specs = [decode(each, found.versions).spec for each in resolved]
    return dict(zip(overlays, specs, strict=True))


def engine_of(spec: Spec, role: str = "decode") -> Engine:
    engine = spec.roles[role].engine
    assert engine is not None
    return engine


def test_what_an_environment_leaves_is_one_object(tmp_path: Path) -> None:
    found = decoded(tmp_path)
    first, scaled = found["first"], found["scaled"]
    assert (first.roles["decode"].replicas, scaled.roles["decode"].replicas) == (2, 5)
    assert first.routing is scaled.routing is not None
    assert first.model is scaled.model
    assert first.roles["prefill"] is scaled.roles["prefill"]
    for field in ("engine", "resources", "pod"):
        one, other = (getattr(each.roles["decode"], field) for each in (first, scaled))
        assert one is other is not None, field


def test_so_is_what_stands_beside_a_change(tmp_path: Path) -> None:
    found = decoded(tmp_path)
    first, other = engine_of(found["first"]), engine_of(found["variable"])
    assert (first.env["LOG"], other.env["LOG"]) == ("INFO", "DEBUG")
    assert first.args is other.args
    pods = [found[name].roles["decode"].pod for name in ("first", "variable")]
    assert pods[0] is pods[1]


def test_a_change_of_one_role_shows_only_there(tmp_path: Path) -> None:
    found = decoded(tmp_path)
    lengths = {
        name: tuple(engine_of(spec, role).args["max-model-len"] for role in ("decode", "prefill"))
        for name, spec in found.items()
    }
    assert lengths == {**dict.fromkeys(OVERLAYS, (1000, 1000)), "length": (1000, 2000)}
    assert found["length"].roles["decode"] is found["first"].roles["decode"]


def test_a_reference_to_the_environment_leads_to_its_own(tmp_path: Path) -> None:
    found = decoded(tmp_path, 'engine: {env: {WHERE: "${environment.name}", WHO: me}}')
    assert {name: engine_of(spec).env["WHERE"] for name, spec in found.items()} == {
        name: name for name in OVERLAYS
    }
    assert engine_of(found["again"]).args is engine_of(found["scaled"]).args


def test_what_references_lead_to_is_one_object_where_it_is_the_same(tmp_path: Path) -> None:
    """Not only in environments that follow each other: between these there are others."""
    found = decoded(tmp_path)
    assert engine_of(found["again"]) is engine_of(found["first"]) is engine_of(found["scaled"])
    assert engine_of(found["release"]) is engine_of(found["releases"])
    tags = {name: engine_of(spec).image.rpartition(":")[2] for name, spec in found.items()}
    newer = dict.fromkeys(("release", "releases"), "v0.27.0")
    assert tags == {**dict.fromkeys(OVERLAYS, "v0.26.0"), **newer}
    replicas = [found[name].roles["decode"].replicas for name in ("release", "releases")]
    assert replicas == [2, 3]
