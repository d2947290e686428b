"""Objects beside a service of KServe, held against what its controller makes: NetworkPolicies let
through what pods need of each other, and whatever selects, scales or names something finds it."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from kserve_repository import PRESETS
from modelmill.importers.llmisvc.children.frame import ROLE
from stories import GOOD, stories
from support import run
from test_network_policies import (
    OF_KSERVE,
    Cluster,
    allowed,
    assert_strangers_are_refused,
    clusters,
    guarded,
    matches,
)

pytestmark = pytest.mark.conformance

UNASKED = ("grpc-health", "zmq")
STORIES = [each for each in stories(GOOD) if each.startswith(OF_KSERVE)]


def with_children(root: Path, cluster: Cluster) -> Cluster:
    """The cluster with what KServe makes of its services."""
    objects = [each for each in cluster.objects if each["kind"] != "LLMInferenceService"]
    for body in cluster.of("LLMInferenceService"):
        name, namespace = body["metadata"]["name"], body["metadata"]["namespace"]
        environment = namespace.removeprefix("llm-")
        arguments = ("-e", environment, "--as", "llmisvc-children", "--with", str(PRESETS))
        ran = run(root, "render", name, *arguments)
        assert ran.status == 0, ran.stderr
        objects += yaml.load_all(ran.stdout, yaml.CSafeLoader)
    return Cluster(objects, cluster.namespace)


@pytest.mark.parametrize("story", STORIES)
def test_what_a_service_needs_is_let_through_and_nothing_else(story: str, tmp_path: Path) -> None:
    root = guarded(story, tmp_path)
    for plain in clusters(root):
        cluster = with_children(root, plain)
        needed = list(cluster.needed())
        assert needed
        for what, start, end, named in needed:
            port = end.ports.get(str(named), named)
            # KServe's Services lead to prefill pods too, which clients have no business with, and
            # to ports of a picker that nobody but the kubelet asks.
            if (what, end.labels.get(ROLE)) != ("sends", "prefill") and named not in UNASKED:
                assert allowed(cluster.policies, start, end, port), (what, start, end, port)
        assert_strangers_are_refused(cluster)


@pytest.mark.parametrize("story", STORIES)
def test_objects_beside_a_service_find_what_they_are_for(story: str, tmp_path: Path) -> None:
    for plain in clusters(guarded(story, tmp_path)):
        cluster = with_children(tmp_path, plain)
        for kind in ("PodDisruptionBudget", "PodMonitor", "NetworkPolicy"):
            for body in cluster.of(kind):
                selector = body["spec"].get("selector") or body["spec"]["podSelector"]
                found = [pod for pod in cluster.pods if matches(selector, pod.labels)]
                assert found, (kind, body["metadata"]["name"])
        for monitor in cluster.of("ServiceMonitor"):
            labels = monitor["spec"]["selector"]["matchLabels"].items()
            (service,) = [
                s for s in cluster.of("Service") if labels <= s["metadata"]["labels"].items()
            ]
            ports = {port["name"] for port in service["spec"]["ports"]}
            assert {each["port"] for each in monitor["spec"]["endpoints"]} <= ports
        named = {(body["kind"], body["metadata"]["name"]) for body in cluster.objects}
        for kind in ("HorizontalPodAutoscaler", "ScaledObject"):
            for body in cluster.of(kind):
                target = body["spec"]["scaleTargetRef"]
                assert (target["kind"], target["name"]) in named
        for kind in ("InferenceObjective", "InferenceModelRewrite"):
            for body in cluster.of(kind):
                assert ("InferencePool", body["spec"]["poolRef"]["name"]) in named
        for route in cluster.of("HTTPRoute"):
            for rule in route["spec"]["rules"]:
                for backend in rule["backendRefs"]:
                    assert (backend["kind"], backend["name"]) in named
