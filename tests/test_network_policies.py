"""NetworkPolicies of every story's models, held against what their objects need of each other.

A cluster in small: pods are what workloads make, connections are those that emitted Services,
pools, monitors and groups ask for. Each must be let through, and nothing of a stranger's.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml

from modelmill import yamltext
from modelmill.pod_security import templates_of
from modelmill.resource import Resource
from stories import GOOD, stories
from support import inputs_of, run, write_files

GATEWAY, PROMETHEUS = "gateway-system", "monitoring"
POLICY = {
    "clients": {
        "client": {"namespace": "clients", "podSelector": {"matchLabels": {"app": "chat"}}}
    },
    "gateway": {"proxies": {"namespace": GATEWAY}},
    "monitoring": {"prometheus": {"namespace": PROMETHEUS}},
}
NAME = "kubernetes.io/metadata.name"
NO_POLICY = {"no-environments"}
# The pods of these are KServe's: see tests/conformance.
OF_KSERVE = "kserve-"
PICKERS = ("epp", "llminferenceservice-router-scheduler")


STORIES = [
    each for each in stories(GOOD) if each not in NO_POLICY and not each.startswith(OF_KSERVE)
]


class Pod(NamedTuple):
    """What a policy knows of a pod, and its named ports."""

    namespace: str
    labels: Mapping[str, str]
    ports: Mapping[str, int] = {}


def matches(selector: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    assert selector.keys() <= {"matchLabels", "matchExpressions"}
    conditions = selector.get("matchExpressions", [])
    assert all(each["operator"] == "In" for each in conditions)
    chosen = all(labels.get(each["key"]) in each["values"] for each in conditions)
    return chosen and selector.get("matchLabels", {}).items() <= labels.items()


def is_peer(peer: Mapping[str, Any], pod: Pod, home: str) -> bool:
    if "ipBlock" in peer:
        return False
    namespaces = peer.get("namespaceSelector")
    near = (
        pod.namespace == home if namespaces is None else matches(namespaces, {NAME: pod.namespace})
    )
    return near and matches(peer.get("podSelector", {}), pod.labels)


def is_port(ports: list[Mapping[str, Any]] | None, port: int, protocol: str) -> bool:
    return ports is None or any((p["port"], p["protocol"]) == (port, protocol) for p in ports)


def allowed(
    policies: Iterable[Any], start: Pod, end: Pod, port: int, protocol: str = "TCP"
) -> bool:
    """Whether a connection is let out of one pod and into the other."""
    sides = (("Egress", "egress", "to", start, end), ("Ingress", "ingress", "from", end, start))
    for kind, rules, peers, pod, other in sides:
        held = [
            p["spec"]
            for p in policies
            if p["metadata"].get("namespace") == pod.namespace
            and kind in p["spec"]["policyTypes"]
            and matches(p["spec"]["podSelector"], pod.labels)
        ]
        if held and not any(
            is_port(rule.get("ports"), port, protocol)
            and (
                peers not in rule
                or any(is_peer(peer, other, pod.namespace) for peer in rule[peers])
            )
            for spec in held
            for rule in spec.get(rules, [])
        ):
            return False
    return True


class Cluster:
    """The objects of one model in one environment."""

    def __init__(self, objects: list[Any], namespace: str) -> None:
        self.namespace = namespace
        self.objects = objects
        self.policies = self.of("NetworkPolicy")
        self.pods = [pod for each in objects for pod in self._pods(each)]

    def of(self, kind: str) -> list[Any]:
        return [each for each in self.objects if each["kind"] == kind]

    def _pods(self, body: Any) -> Iterator[Pod]:
        found = Resource(body["apiVersion"], body["kind"], body["metadata"]["name"], body)
        for _, template in templates_of(found):
            spec = template["spec"]
            ports = {
                port["name"]: port["containerPort"]
                for each in (*spec["containers"], *spec.get("initContainers", []))
                for port in each.get("ports", [])
                if "name" in port
            }
            yield Pod(self.namespace, template.get("metadata", {}).get("labels", {}), ports)

    def selected(self, labels: Mapping[str, str]) -> list[Pod]:
        return [pod for pod in self.pods if labels.items() <= pod.labels.items()]

    def needed(self) -> Iterator[tuple[str, Pod, Pod, int]]:
        """Connections without which it would not work: what for, from, to, port."""
        proxy = Pod(GATEWAY, {"app": "envoy"})
        client, scraper = Pod("clients", {"app": "chat"}), Pod(PROMETHEUS, {"app": "prometheus"})
        label = "app.kubernetes.io/component"
        pickers = [pod for each in PICKERS for pod in self.selected({label: each})]
        for pool in self.of("InferencePool"):
            ports = [each["number"] for each in pool["spec"]["targetPorts"]]
            served = self.selected(pool["spec"]["selector"]["matchLabels"])
            for picker in pickers:
                yield "asks", proxy, picker, pool["spec"]["endpointPickerRef"]["port"]["number"]
                yield from (("watches", picker, pod, port) for pod in served for port in ports)
            yield from (("hands on", a, b, port) for a in served for b in served for port in ports)
            entries = [pod for pod in served if pod.labels.get("llm-d.ai/role") != "prefill"]
            yield from (("sends", proxy, pod, port) for pod in entries for port in ports)
        for service in self.of("Service"):
            for pod in self.selected(service["spec"]["selector"]):
                for port in service["spec"]["ports"]:
                    if "metrics" in port["name"]:
                        yield "scrapes", scraper, pod, port["targetPort"]
                    elif pod in pickers:
                        yield "asks", proxy, pod, port["targetPort"]
                    elif pod.labels["app.kubernetes.io/component"] == "tokenizer":
                        yield from (("tokens", each, pod, port["targetPort"]) for each in pickers)
                    else:
                        yield "sends", client, pod, port["targetPort"]
        for monitor in self.of("PodMonitor"):
            for pod in self.selected(monitor["spec"]["selector"]["matchLabels"]):
                for endpoint in monitor["spec"]["podMetricsEndpoints"]:
                    port = endpoint.get("portNumber") or pod.ports.get(endpoint["port"])
                    if port is not None:
                        yield "scrapes", scraper, pod, port
        for group in self.of("LeaderWorkerSet"):
            template = group["spec"]["leaderWorkerTemplate"]["workerTemplate"]
            part = {label: template["metadata"]["labels"].get(label, "")}
            pods = self.selected(part)
            yield from (("works with", a, b, 51234) for a in pods for b in pods)


def clusters(root: Path) -> Iterator[Cluster]:
    for folder in sorted((root / "overlays").glob("*/environment.yaml")):
        overlay = yaml.safe_load(folder.read_text())
        for file in sorted((root / "models").glob("*.yaml")):
            name = yaml.safe_load(file.read_text())["metadata"]["name"]
            ran = run(root, "render", name, "-e", overlay["metadata"]["name"])
            if ran.status == 0:
                objects = list(yaml.load_all(ran.stdout, yaml.CSafeLoader))
                yield Cluster(objects, overlay["namespace"])


def guarded(story: str, root: Path) -> Path:
    """The story with policies laid over every model of every environment."""
    texts = inputs_of(GOOD / story)
    for path in [each for each in texts if each.endswith("environment.yaml")]:
        overlay = yaml.safe_load(texts[path])
        spec = overlay.setdefault("spec", {})
        spec["networkPolicy"] = {**(spec.get("networkPolicy") or {}), **POLICY}
        texts[path] = yamltext.dump(overlay)
    return write_files(root, texts)


@pytest.mark.parametrize("story", STORIES)
def test_what_a_model_needs_is_let_through_and_nothing_else(story: str, tmp_path: Path) -> None:
    for cluster in clusters(guarded(story, tmp_path)):
        assert cluster.policies
        needed = list(cluster.needed())
        assert bool(needed) >= bool(cluster.of("Service"))
        for what, start, end, port in needed:
            assert allowed(cluster.policies, start, end, port), (what, start, end, port)
        assert_strangers_are_refused(cluster)


def assert_strangers_are_refused(cluster: Cluster) -> None:
    strangers = [
        Pod(cluster.namespace, {"app": "shell"}),
        Pod("other", {"app": "chat"}),
        Pod("clients", {"app": "shell"}),
    ]
    held = [
        pod
        for pod in cluster.pods
        if any(matches(p["spec"]["podSelector"], pod.labels) for p in cluster.policies)
    ]
    assert held
    for pod in held:
        ports = {*pod.ports.values(), 22, 443, 8000, 9002, 9090}
        for port in ports:
            for stranger in strangers:
                assert not allowed(cluster.policies, stranger, pod, port), (stranger, pod, port)
        for stranger in strangers:
            assert not allowed(cluster.policies, pod, stranger, 8000)


def test_the_judge_knows_an_allowed_connection_from_a_refused_one() -> None:
    """What judges must be right itself: rules of Kubernetes' own documentation."""
    spec = {
        "podSelector": {"matchLabels": {"role": "db"}},
        "policyTypes": ["Ingress", "Egress"],
        "ingress": [
            {
                "from": [
                    {"namespaceSelector": {"matchLabels": {NAME: "frontends"}}},
                    {"podSelector": {"matchLabels": {"role": "frontend"}}},
                ],
                "ports": [{"port": 6379, "protocol": "TCP"}],
            }
        ],
    }
    policies = [{"metadata": {"namespace": "default"}, "spec": spec}]
    database = Pod("default", {"role": "db"})
    assert allowed(policies, Pod("frontends", {}), database, 6379)
    assert allowed(policies, Pod("default", {"role": "frontend"}), database, 6379)
    assert not allowed(policies, Pod("other", {"role": "frontend"}), database, 6379)
    assert not allowed(policies, Pod("frontends", {}), database, 6380)
    assert not allowed(policies, Pod("frontends", {}), database, 6379, "UDP")
    assert not allowed(policies, database, Pod("frontends", {}), 6379)
    assert allowed(policies, Pod("frontends", {}), Pod("default", {"role": "web"}), 80)


@pytest.mark.parametrize(
    ("endpoint", "rule"),
    [
        ("http://otel:4317", {"to": [{"podSelector": {}}], "ports": [4317]}),
        (
            "http://otel.monitoring.svc.cluster.local:4317",
            {"to": [{"namespaceSelector": {"matchLabels": {NAME: "monitoring"}}}], "ports": [4317]},
        ),
        ("https://otel.example.com", {"ports": [443]}),
        ("http://otel.example", {"ports": [80]}),
        ("http://192.0.2.7:4318", {"to": [{"ipBlock": {"cidr": "192.0.2.7/32"}}], "ports": [4318]}),
        ("http://$(NODE_IP):4317", {"ports": [4317]}),
    ],
)
def test_where_an_address_leads(endpoint: str, rule: dict[str, Any], tmp_path: Path) -> None:
    texts = inputs_of(GOOD / "tracing")
    path = "overlays/prod/environment.yaml"
    overlay = yaml.safe_load(texts[path])
    overlay["spec"] |= {"tracing": {"endpoint": endpoint}, "networkPolicy": POLICY}
    write_files(tmp_path, {**texts, path: yamltext.dump(overlay)})
    ran = run(tmp_path, "render", "llama", "-e", "prod")
    assert ran.status == 0, ran.stderr
    policies = [
        o for o in yaml.load_all(ran.stdout, yaml.CSafeLoader) if o["kind"] == "NetworkPolicy"
    ]
    wanted = {**rule, "ports": [{"port": port, "protocol": "TCP"} for port in rule["ports"]]}
    assert {p["metadata"]["name"]: wanted in p["spec"]["egress"] for p in policies} == {
        "llama-decode": True,
        "llama-epp": True,
        "llama-prefill": True,
    }
