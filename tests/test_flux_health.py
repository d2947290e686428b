"""When Flux takes objects for healthy: its expressions, on statuses that controllers write."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cel
import pytest
import yaml

from modelmill.catalogues import health_expressions, version_set, version_sets
from modelmill.delivery.flux_health import expressions
from modelmill.resource import resource

STATUSES = yaml.safe_load((Path(__file__).parent / "flux_statuses.yaml").read_text())
CASES = [(kind, said) for kind, cases in STATUSES.items() for said in cases]


@pytest.mark.parametrize(("kind", "said"), CASES)
def test_statuses(kind: str, said: str) -> None:
    case = STATUSES[kind][said]
    assert judged(health_expressions()[kind], case["object"]) == case["is"]


def test_every_kind_has_statuses() -> None:
    assert set(STATUSES) == set(health_expressions())
    for cases in STATUSES.values():
        assert {"Current", "InProgress"} <= {case["is"] for case in cases.values()}


@pytest.mark.parametrize("kind", health_expressions())
@pytest.mark.parametrize("status", [None, {}, {"conditions": [], "parents": []}])
def test_nothing_is_healthy_before_its_controller_says_so(kind: str, status: Any) -> None:
    """Nor failed, which would end the wait for everything beside it."""
    found = {"metadata": {"generation": 1}, "spec": {"replicas": 1, "parentRefs": []}}
    if status is not None:
        found["status"] = status
    assert judged(health_expressions()[kind], found) in ("InProgress", "Unknown")


def test_a_pool_without_a_route_is_not_waited_for() -> None:
    """No Gateway would ever write its status."""
    pool = resource("inference.networking.k8s.io/v1", "InferencePool", "a")
    route = resource("gateway.networking.k8s.io/v1", "HTTPRoute", "a")
    assert not expressions([pool])
    assert [each["kind"] for each in expressions([pool, route])] == ["HTTPRoute", "InferencePool"]


def test_a_deployment_is_left_to_flux_unless_its_pods_wait_for_weights() -> None:
    found = [resource("apps/v1", "Deployment", name) for name in ("a", "b")]
    assert not expressions(found)
    assert [each["kind"] for each in expressions(found, awaits_weights=True)] == ["Deployment"]


def test_a_kind_of_the_same_name_in_another_group_is_left_alone() -> None:
    assert not expressions([resource("networking.istio.io/v1", "Gateway", "a")])


def test_groups_are_those_that_are_emitted() -> None:
    for name in version_sets():
        apis = version_set(name).apis
        for kind, entry in health_expressions().items():
            if kind != "Deployment":
                assert apis[kind].startswith(entry["group"] + "/")


def judged(entry: dict[str, str], found: dict[str, Any]) -> str:
    """What StatusEvaluator of fluxcd/pkg, runtime/cel, makes of an object."""
    seen = found.get("status", {}).get("observedGeneration")
    if seen is not None and seen != found["metadata"]["generation"]:
        return "InProgress"
    for key, status in (("inProgress", "InProgress"), ("failed", "Failed"), ("current", "Current")):
        if key in entry:
            try:
                holds = cel.evaluate(entry[key], found)
            except (RuntimeError, TypeError, ValueError):
                return "Unknown"
            assert isinstance(holds, bool)
            if holds:
                return status
    return "InProgress"


def test_the_page_on_flux_tells_of_every_kind() -> None:
    page = (Path(__file__).parents[1] / "docs/flux.md").read_text()
    _, _, table = page.partition("## Health\n")
    table, _, _ = table.partition("\n## ")
    assert not [kind for kind in health_expressions() if kind not in table]
