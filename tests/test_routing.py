"""Routes, Gateways and objectives: which requests reach which model, on whose Gateway."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from modelmill.gateways import answers
from modelmill.spec.gateways import Listener
from stories import GOOD, stories
from support import SMALL, every_object, inputs_of, model, overlay, run, write_files
from test_further_schemas import faults_of

PICKER = """
  scheduler:
    config:
      name: own
      plugins: {queue-scorer: {}, max-score-picker: {}, single-profile-handler: {}}
      schedulingProfiles: {default: {plugins: {queue-scorer: {weight: 1}, max-score-picker: {}}}}
"""
PICKED = f"routing:\n  gateway: {{name: g}}{PICKER}"


def rendered(root: Path, routing: str, adapters: int = 0, more: str = "") -> list[Any]:
    """Objects of the model `tiny` in `prod`; an overlay's further fields are `more`."""
    named = ", ".join(f"a{n}: {{uri: pvc://x/{n}}}" for n in range(adapters))
    spec = f"model: {{name: tiny, uri: pvc://models/tiny, adapters: {{{named}}}}}\n"
    texts = {
        **SMALL,
        "models/tiny.yaml": model("tiny", f"{spec}roles: {{decode: {{}}}}\n{routing}", "[sim]"),
        "overlays/prod/environment.yaml": overlay("prod", more=more),
    }
    ran = run(write_files(root, texts), "render", "tiny", "-e", "prod")
    assert ran.status == 0, ran.stderr
    return list(yaml.load_all(ran.stdout, yaml.CSafeLoader))


def of_kind(objects: list[Any], kind: str) -> list[Any]:
    return [body for body in objects if body["kind"] == kind]


# What the API server holds an HTTPRoute to beside its schema: validations of the CRD (Gateway API
# v1.6, config/crd/standard).


def assert_accepted(route: Any) -> None:
    rules = route["spec"]["rules"]
    assert 1 <= len(rules) <= 16
    assert sum(len(rule["matches"]) for rule in rules) <= 128
    for rule in rules:
        rewrites = [f for f in rule.get("filters", []) if f["type"] == "URLRewrite"]
        assert len(rule["matches"]) <= (1 if rewrites else 8)
        assert len(rewrites) <= 1
        for match in rule["matches"]:
            names = [header["name"].lower() for header in match.get("headers", [])]
            assert len(names) == len(set(names)) <= 16
            assert match["path"]["value"].startswith("/")


@pytest.mark.parametrize("story", stories(GOOD))
def test_the_routes_of_stories_are_accepted(tmp_path: Path, story: str) -> None:
    objects = every_object(write_files(tmp_path, inputs_of(GOOD / story)))
    for route in of_kind(objects, "HTTPRoute"):
        assert_accepted(route)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 60), st.integers(0, 15), st.booleans())
def test_as_many_names_and_rules_as_there_are(
    tmp_path_factory: pytest.TempPathFactory, adapters: int, rules: int, rewrites: bool
) -> None:
    """Each name is asked for once by each rule, and all of a name's requests by one route."""
    listed = ", ".join(f"r{n}: {{headers: {{x-r: '{n}'}}}}" for n in range(rules))
    rewrite = "pathRewrite: /v1, " if rewrites else ""
    routing = f"  route: {{matchModel: model-name, {rewrite}rules: {{{listed}}}}}\n"
    root = tmp_path_factory.mktemp("routes")
    routes = of_kind(rendered(root, f"{PICKED}{routing}", adapters), "HTTPRoute")
    asked: dict[str, list[str]] = {}
    for route in routes:
        assert_accepted(route)
        for rule in route["spec"]["rules"]:
            for match in rule["matches"]:
                asked.setdefault(match["headers"][0]["value"], []).append(route["metadata"]["name"])
    assert asked.keys() == {"tiny", *(f"a{n}" for n in range(adapters))}
    for names in asked.values():
        assert len(names) == rules + 1
        assert len(set(names)) == 1
    assert len({route["metadata"]["name"] for route in routes}) == len(routes)


def test_a_rule_below_the_routes_path_rewrites_what_the_route_does(tmp_path: Path) -> None:
    routing = """  route:
    path: /tiny
    pathRewrite: /api/
    rules:
      chat: {path: /tiny/v1/chat}
      same: {path: /tiny/, headers: {x-a: b}}
      own: {path: /tiny/old, pathRewrite: /v1}
"""
    (route,) = of_kind(rendered(tmp_path, PICKED + routing), "HTTPRoute")
    rewritten = {
        rule["matches"][0]["path"]["value"]: rule["filters"][0]["urlRewrite"]["path"][
            "replacePrefixMatch"
        ]
        for rule in route["spec"]["rules"]
    }
    assert rewritten == {
        "/tiny/v1/chat": "/api/v1/chat",
        "/tiny/": "/api/",
        "/tiny/old": "/v1",
        "/tiny": "/api/",
    }


@pytest.mark.parametrize(
    ("timeout", "seconds"),
    [("300s", 300), ("1h30m", 5400), ("1500ms", 2), ("0s", 2147483647)],
)
def test_a_gke_gateway_has_the_timeout_in_a_policy(
    tmp_path: Path, timeout: str, seconds: int
) -> None:
    routing = PICKED.replace("{name: g}", "{name: g, provider: gke}")
    objects = rendered(tmp_path, f"{routing}  route: {{timeout: {timeout}}}\n")
    (policy,) = of_kind(objects, "GCPBackendPolicy")
    (route,) = of_kind(objects, "HTTPRoute")
    assert policy["spec"]["default"]["timeoutSec"] == seconds
    assert "timeouts" not in route["spec"]["rules"][0]


def test_a_providers_objects_lead_to_the_service_without_a_picker(tmp_path: Path) -> None:
    objects = rendered(tmp_path, "routing: {gateway: {name: g, provider: gke}}\n")
    for kind in ("GCPBackendPolicy", "HealthCheckPolicy"):
        (policy,) = of_kind(objects, kind)
        assert policy["spec"]["targetRef"] == {"group": "", "kind": "Service", "name": "tiny"}
    assert not of_kind(
        rendered(tmp_path / "i", "routing: {gateway: {name: g, provider: istio}}\n"),
        "DestinationRule",
    )


def test_a_model_without_a_gateways_name_has_no_route(tmp_path: Path) -> None:
    objects = rendered(tmp_path, f"routing:\n  gateway: {{provider: gke}}{PICKER}")
    assert not of_kind(objects, "HTTPRoute")
    assert of_kind(objects, "HealthCheckPolicy")


OWN = """
gateways:
  g: {className: x, provider: gke, namespace: infra, listeners: {http: {}}}
"""


def test_the_environments_own_gateway_says_where_and_whose_it_is(tmp_path: Path) -> None:
    objects = rendered(tmp_path, PICKED, more=OWN)
    (route,) = of_kind(objects, "HTTPRoute")
    assert route["spec"]["parentRefs"][0]["namespace"] == "infra"
    assert of_kind(objects, "HealthCheckPolicy")


def test_a_route_beside_its_gateway_needs_no_namespace_for_it(tmp_path: Path) -> None:
    taken = OWN.replace("http: {}", "http: {allowedRoutes: Same}")
    objects = rendered(tmp_path, f"{PICKED}  route: {{namespace: infra}}\n", more=taken)
    (route,), (grant,) = (of_kind(objects, kind) for kind in ("HTTPRoute", "ReferenceGrant"))
    assert route["metadata"]["namespace"] == "infra"
    assert "namespace" not in route["spec"]["parentRefs"][0]
    assert route["spec"]["rules"][0]["backendRefs"][0]["namespace"] == "llm-prod"
    assert grant["metadata"]["namespace"] == "llm-prod"
    assert grant["spec"]["from"][0]["namespace"] == "infra"


@pytest.mark.parametrize(
    ("listener", "route", "answered"),
    [
        (None, "a.example", True),
        ("a.example", "a.example", True),
        ("a.example", "b.example", False),
        ("*.example", "a.example", True),
        ("*.example", "b.a.example", True),
        ("*.example", "example", False),
        ("*.example", "aexample", False),
        ("a.example", "*.example", True),
        ("*.a.example", "*.example", True),
        ("*.a.example", "*.b.example", False),
    ],
)
def test_host_names_meet_as_the_gateway_api_says(
    listener: str | None, route: str, answered: bool
) -> None:
    assert answers(Listener(hostname=listener), route) is answered


# What environments own


def owned(story: str) -> Iterator[Any]:
    for path in sorted((GOOD / story / "expected" / "_environments").rglob("*.yaml")):
        if path.name != "kustomization.yaml":
            yield yaml.load(path.read_text(), yaml.CSafeLoader)


@pytest.mark.parametrize("story", stories(GOOD))
def test_what_environments_own_fits_its_schema(story: str) -> None:
    assert not [fault for body in owned(story) for fault in faults_of(body)]


def test_a_gateways_secrets_are_those_of_its_certificates() -> None:
    found = list(owned("managed-gateway"))
    secrets = {
        reference["name"]
        for gateway in of_kind(found, "Gateway")
        for listener in gateway["spec"]["listeners"]
        for reference in listener.get("tls", {}).get("certificateRefs", [])
    }
    made = {body["spec"]["secretName"] for body in of_kind(found, "Certificate")}
    assert made == secrets - {"staging-tls"}
