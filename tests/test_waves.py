"""Sync waves: in what order Argo CD applies a model's objects, and that it never waits for ever."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from modelmill.object_graph import edges, links_of
from modelmill.pipeline import objects_of, variant_of
from modelmill.repository import Repository, index
from modelmill.resolve import Resolver, environments_of
from modelmill.resource import Resource
from modelmill.sources import read_sources
from modelmill.waves import ANNOTATION, in_waves, waves
from stories import GOOD, stories
from support import ROOT


def objects(text: str) -> list[Resource]:
    bodies = yaml.safe_load_all(text)
    return [Resource(b["apiVersion"], b["kind"], b["metadata"]["name"], b) for b in bodies]


def by_name(text: str) -> dict[str, int]:
    found = objects(text)
    return {f"{r.kind}/{r.name}": w for r, w in zip(found, waves(found), strict=True)}


def pods(kind: str, name: str, spec: str, api: str = "apps/v1") -> str:
    head = f"---\napiVersion: {api}\nkind: {kind}\nmetadata: {{name: {name}}}\n"
    return f"{head}spec: {{template: {{spec: {spec}}}}}\n"


def plain(api: str, kind: str, name: str, spec: str = "{}", noted: str = "{}") -> str:
    head = f"---\napiVersion: {api}\nkind: {kind}\n"
    return f"{head}metadata: {{name: {name}, annotations: {noted}}}\nspec: {spec}\n"


MOUNTS = "{volumes: [{name: v, persistentVolumeClaim: {claimName: weights}}]}"
CLAIM = plain("v1", "PersistentVolumeClaim", "weights")
READS = (
    "{containers: [{name: c, env: [{name: T, valueFrom: {secretKeyRef: {name: token, key: t}}}]}]}"
)
TOKEN = plain("external-secrets.io/v1", "ExternalSecret", "token")


def test_workloads_wait_for_the_job_that_fills_their_claim() -> None:
    found = by_name(pods("Deployment", "server", MOUNTS) + pods("Job", "fill", MOUNTS) + CLAIM)
    assert found["Job/fill"] < found["Deployment/server"] == 0


@pytest.mark.parametrize("further", ["", pods("Job", "fill", MOUNTS)], ids=["pods", "job"])
def test_a_claim_comes_with_its_first_pods(further: str) -> None:
    """Where it is bound by WaitForFirstConsumer, nothing binds it in a wave of its own."""
    found = by_name(CLAIM + pods("Deployment", "server", MOUNTS) + further)
    first = min(wave for name, wave in found.items() if not name.startswith("Persistent"))
    assert found["PersistentVolumeClaim/weights"] == first


def test_a_claim_comes_with_its_first_pods_though_they_wait_for_a_secret() -> None:
    mounts = "volumes: [{name: v, persistentVolumeClaim: {claimName: weights}}]"
    both = f"{{{mounts}, containers: [{{name: c, envFrom: [{{secretRef: {{name: token}}}}]}}]}}"
    found = by_name(TOKEN + CLAIM + pods("Job", "fill", both) + pods("Deployment", "s", MOUNTS))
    assert found == {
        "ExternalSecret/token": -2,
        "PersistentVolumeClaim/weights": -1,
        "Job/fill": -1,
        "Deployment/s": 0,
    }


def test_a_secret_comes_before_the_pods_that_read_it() -> None:
    assert by_name(pods("Deployment", "server", READS) + TOKEN) == {
        "Deployment/server": 0,
        "ExternalSecret/token": -1,
    }


def test_a_picker_and_its_pool_come_together() -> None:
    """The picker is ready when it has read the pool, which refers to the picker's Service."""
    picker = "{serviceAccountName: epp, containers: [{name: epp, args: [--pool-name, llama]}]}"
    refers = "{endpointPickerRef: {name: llama-epp}}"
    found = by_name(
        pods("Deployment", "llama-epp", picker)
        + plain("v1", "Service", "llama-epp")
        + plain("inference.networking.k8s.io/v1", "InferencePool", "llama", refers)
        + plain(
            "gateway.networking.k8s.io/v1",
            "HTTPRoute",
            "llama",
            "{rules: [{backendRefs: [{kind: InferencePool, name: llama}]}]}",
        )
    )
    assert found["InferencePool/llama"] <= found["Deployment/llama-epp"]
    assert found["HTTPRoute/llama"] == found["InferencePool/llama"] + 1


def test_a_scaler_comes_after_its_workload() -> None:
    group = plain("leaderworkerset.x-k8s.io/v1", "LeaderWorkerSet", "wide")
    scaler = plain(
        "keda.sh/v1alpha1",
        "ScaledObject",
        "wide",
        "{scaleTargetRef: {kind: LeaderWorkerSet, name: wide}}",
    )
    assert by_name(scaler + group) == {"ScaledObject/wide": 1, "LeaderWorkerSet/wide": 0}


def test_what_kserve_makes_is_the_service_that_asks_for_it() -> None:
    service = plain("serving.kserve.io/v1alpha2", "LLMInferenceService", "llama")
    scaler = plain(
        "autoscaling/v2",
        "HorizontalPodAutoscaler",
        "llama",
        "{scaleTargetRef: {kind: Deployment, name: llama-kserve}}",
    )
    assert by_name(scaler + service)["HorizontalPodAutoscaler/llama"] == 1


def test_a_service_of_kserve_waits_for_its_secret_and_refers_to_nothing_else() -> None:
    read = "env: [{name: T, valueFrom: {secretKeyRef: {name: token, key: t}}}]"
    spec = f"{{template: {{containers: [{{name: main, {read}}}]}}}}"
    service = plain("serving.kserve.io/v1alpha2", "LLMInferenceService", "llama", spec)
    assert by_name(TOKEN + service)["ExternalSecret/token"] == -1


def test_what_refers_to_each_other_comes_together() -> None:
    service = plain(
        "serving.kserve.io/v1alpha2",
        "LLMInferenceService",
        "llama",
        "{router: {route: {http: {refs: [{name: llama}]}}}}",
    )
    route = plain(
        "gateway.networking.k8s.io/v1",
        "HTTPRoute",
        "llama",
        "{rules: [{backendRefs: [{kind: InferencePool, name: llama-pool}]}]}",
    )
    assert set(by_name(service + route).values()) == {0}


def test_a_certificate_does_not_wait_for_its_gateway_nor_it_for_it() -> None:
    """An issuer may prove the host name by a route of this very Gateway."""
    listener = "{listeners: [{tls: {certificateRefs: [{name: web-tls}]}}]}"
    found = by_name(
        plain("cert-manager.io/v1", "Certificate", "web", "{secretName: web-tls}")
        + plain("gateway.networking.k8s.io/v1", "Gateway", "web", listener)
    )
    assert set(found.values()) == {0}


def test_what_people_say_stands_and_others_go_by_it() -> None:
    early = plain(
        "external-secrets.io/v1",
        "ExternalSecret",
        "token",
        noted='{argocd.argoproj.io/sync-wave: "-7"}',
    )
    made = in_waves(objects(pods("Deployment", "server", READS) + early))
    assert [r.body["metadata"].get("annotations", {}).get(ANNOTATION) for r in made] == [None, "-7"]
    late = by_name(
        plain("apps/v1", "Deployment", "server", "{}", '{argocd.argoproj.io/sync-wave: "5"}')
        + plain(
            "autoscaling/v2",
            "HorizontalPodAutoscaler",
            "server",
            "{scaleTargetRef: {kind: Deployment, name: server}}",
        )
    )
    assert late["HorizontalPodAutoscaler/server"] == 6


def test_a_hook_is_left_alone() -> None:
    hook = plain("batch/v1", "Job", "smoke", noted="{argocd.argoproj.io/hook: PostSync}")
    assert in_waves(objects(hook)) == tuple(objects(hook))


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_no_order_goes_backwards_whatever_refers_to_what(data: st.DataObject) -> None:
    """Any graph of Services and routes, jobs and secrets, in any order."""
    names = "abcdef"
    texts = []
    for name in names:
        others = data.draw(st.lists(st.sampled_from(names), max_size=3))
        kind = data.draw(
            st.sampled_from(["HTTPRoute", "Service", "Deployment", "Job", "Certificate"])
        )
        backends = ", ".join(f"{{name: {each}}}" for each in others)
        volumes = ", ".join(f"{{name: {e}, secret: {{secretName: {e}}}}}" for e in others)
        claims = ", ".join(f"{{persistentVolumeClaim: {{claimName: {e}}}}}" for e in others)
        spec = {
            "HTTPRoute": f"{{rules: [{{backendRefs: [{backends}]}}]}}",
            "Certificate": f"{{secretName: {name}, targetRefs: [{backends}]}}",
            "Service": f"{{targetRefs: [{backends}]}}",
        }.get(
            kind,
            f"{{template: {{spec: {{volumes: [{volumes}, {claims}]}}}}}}".replace("[, ]", "[]"),
        )
        texts.append(plain("x/v1", kind, name, spec.replace("[, ", "[").replace(", ]", "]")))
        texts.append(plain("v1", "PersistentVolumeClaim", name))
    assert_in_order(objects("".join(texts)))


def assert_in_order(resources: Sequence[Resource]) -> None:
    """What is referred to comes no later, strictly before where that is asked for, unless the two
    refer to each other; and what refers to each other comes together."""
    found, links = waves(resources), edges([links_of(each) for each in resources])
    reach = reachable(len(resources), [(e.of, e.to) for e in links])
    for edge in links:
        together = edge.of in reach[edge.to]
        wanted = 0 if together or edge.sort == "with" else 1
        assert found[edge.of] - found[edge.to] >= wanted, edge
        assert not together or found[edge.of] == found[edge.to]


def reachable(size: int, links: Iterable[tuple[int, int]]) -> list[set[int]]:
    reach: list[set[int]] = [set() for _ in range(size)]
    pairs = list(links)
    changed = True
    while changed:
        changed = False
        for of, to in pairs:
            more = {to, *reach[to]} - reach[of]
            if more:
                reach[of] |= more
                changed = True
    return reach


def emitted(repository: Repository) -> Iterator[tuple[str, tuple[Resource, ...]]]:
    """Every model in every environment, as it is delivered."""
    resolver = Resolver(repository.catalog)
    for model in repository.catalog.models.values():
        for overlay in environments_of(repository.catalog, model) or (None,):
            variant = variant_of(repository, resolver, model, overlay, {})
            if variant is not None:
                yield f"{model.name} {variant.environment}", objects_of(repository, variant)


REPOSITORIES = {"ours": ROOT, **{story: GOOD / story for story in stories(GOOD)}}


@pytest.mark.parametrize("root", REPOSITORIES.values(), ids=REPOSITORIES)
def test_models_come_in_order(root: Path) -> None:
    for name, resources in emitted(index(read_sources(root))):
        assert_in_order(resources)
        noted = [wave_of(each.body) for each in resources]
        assert noted == waves(resources), name
        assert len(set(noted)) <= 4
        for each, wave in zip(resources, noted, strict=True):
            if each.kind in ("Deployment", "LeaderWorkerSet", "LLMInferenceService", "ReplicaSet"):
                assert wave == 0
            if each.kind in ("ScaledObject", "HorizontalPodAutoscaler"):
                assert wave == 1


def wave_of(body: Any) -> int:
    return int(body["metadata"].get("annotations", {}).get(ANNOTATION, "0"))
