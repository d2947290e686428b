"""What runs is taken over as it is: any pod becomes fields that compile to it again."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from modelmill import yamltext
from modelmill.importers.hoisting import common, without
from modelmill.importers.model_text import literal
from modelmill.importers.pod_fields import engine_trees, pod_tree, said
from modelmill.importers.proof import prove
from modelmill.merge import merge
from modelmill.record import EMPTY
from modelmill.spec.documents import API_VERSION, Spec
from modelmill.tree import plain, plant

words = st.sampled_from(
    ["a", "b", "gpu", "--flag", "--x=1", "${HOME}", "$(POD_IP)", "two words", "1"]
)
names = st.sampled_from(["one", "two", "three", "four"])
amounts = st.sampled_from(["1", "500m", "2Gi"])


def unique(items: st.SearchStrategy[dict[str, Any]], key: str) -> st.SearchStrategy[Any]:
    return st.lists(items, max_size=3, unique_by=lambda item: str(item.get(key)))


def fixed(optional: dict[str, Any], **required: Any) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries(required, optional=optional)


env = unique(
    fixed({}, name=st.sampled_from(["A", "B", "C"]), value=words)
    | fixed(
        {},
        name=st.sampled_from(["D", "E"]),
        valueFrom=st.just({"fieldRef": {"fieldPath": "status.podIP"}}),
    ),
    "name",
)
ports = unique(
    fixed(
        {"name": names, "protocol": st.sampled_from(["TCP", "UDP"])},
        containerPort=st.integers(1, 9),
    ),
    "name",
).filter(lambda found: len({(p["containerPort"], p.get("protocol")) for p in found}) == len(found))
mounts = unique(fixed({"readOnly": st.just(True)}, name=names, mountPath=words), "mountPath")
probe = fixed(
    {"periodSeconds": st.integers(1, 9), "terminationGracePeriodSeconds": st.just(5)},
    httpGet=st.just({"path": "/health", "port": 8000}),
)
tolerations = st.lists(
    fixed({"key": names, "effect": st.just("NoSchedule")}, operator=st.just("Exists")), max_size=3
)


def containers(name: st.SearchStrategy[str]) -> st.SearchStrategy[dict[str, Any]]:
    return fixed(
        {
            "command": st.lists(words, min_size=1, max_size=2),
            "args": st.lists(words, min_size=1, max_size=4),
            "env": env,
            "ports": ports,
            "volumeMounts": mounts,
            "resources": fixed(
                {"limits": st.just({"cpu": "1"}), "requests": st.just({"cpu": "1"})}
            ),
            "livenessProbe": probe,
            "imagePullPolicy": st.just("Always"),
            "securityContext": st.just({"capabilities": {"add": ["IPC_LOCK"]}}),
            "stdin": st.just(True),
            "resizePolicy": st.just([{"resourceName": "cpu", "restartPolicy": "NotRequired"}]),
        },
        name=name,
        image=st.just("ghcr.io/acme/image:1.0"),
    )


pods = fixed(
    {
        "initContainers": unique(containers(st.sampled_from(["i", "j"])), "name"),
        "volumes": unique(fixed({}, name=names, emptyDir=st.just({"medium": "Memory"})), "name"),
        "tolerations": tolerations,
        "nodeSelector": st.just({"pool": "gpu"}),
        "affinity": st.just({"podAntiAffinity": {}}),
        "hostIPC": st.just(True),
        "securityContext": st.just({"fsGroup": 1}),
        "priorityClassName": st.just("high"),
        "imagePullSecrets": st.just([{"name": "regcred"}]),
        "resourceClaims": st.just([{"name": "rdma", "resourceClaimTemplateName": "rdma-template"}]),
        "subdomain": st.just("models"),
    },
    containers=st.tuples(
        containers(st.just("engine")), containers(st.sampled_from(["beside", "log"]))
    ).map(list),
    serviceAccountName=st.just("llama"),
)


@settings(max_examples=60, deadline=None)
@given(pod=pods)
def test_a_pod_becomes_fields_that_make_it_again(pod: dict[str, Any]) -> None:
    engine_container, *beside = pod["containers"]
    fields, engine = engine_trees(engine_container)
    rest = {k: v for k, v in pod.items() if k != "serviceAccountName"}
    claims = [{"name": each["name"]} for each in pod.get("resourceClaims", [])]
    role = {
        **fields,
        "selector": {"app": "llama"},
        "engine": {"type": "custom", **engine},
        "accelerator": {"name": "cpu"},
        "pod": pod_tree(rest, beside),
    }
    model = {
        "apiVersion": API_VERSION,
        "kind": "Model",
        "metadata": {"name": "llama"},
        "spec": {
            "defaults": "none",
            "model": {"name": "llama", "uri": "hf://acme/llama", "mounted": False},
            "routing": {"service": {"create": False}},
            "roles": {"decode": said(role)},
        },
    }
    if claims:
        resources = engine_container.get("resources", {})
        expected_engine = {**engine_container, "resources": {**resources, "claims": claims}}
    else:
        expected_engine = engine_container
    deployment = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "llama-decode"},
        "spec": {
            "replicas": 1,
            "selector": {"matchLabels": {"app": "llama"}},
            "template": {
                "metadata": {"labels": {"app": "llama"}},
                "spec": {**pod, "containers": [expected_engine, *beside]},
            },
        },
    }
    account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "llama"}}
    text = yamltext.dump(literal(model))
    proof = prove("models/llama.yaml", {"models/llama.yaml": text}, [account, deployment])
    assert not [each for each in proof.found if each.severity == "error"]
    assert proof.differences == ()


trees = st.fixed_dictionaries(
    {},
    optional={
        "defaults": st.sampled_from(["none", "recommended"]),
        "engine": st.fixed_dictionaries(
            {"type": st.sampled_from(["vllm", "sglang"])},
            optional={
                "image": words,
                "argv": st.lists(words, min_size=1, max_size=2),
                "env": st.dictionaries(names, words, min_size=1),
            },
        ),
        "pod": st.fixed_dictionaries(
            {}, optional={"labels": st.dictionaries(names, words, min_size=1)}
        ),
    },
)


@given(one=trees, other=trees)
def test_what_is_common_and_what_is_left_make_the_whole(
    one: dict[str, Any], other: dict[str, Any]
) -> None:
    together = common([one, other])
    place = ("a.yaml", 1, 1, 1)
    for tree in (one, other):
        left = without(tree, together)
        laid = merge(plant(together, place), plant(left, place), Spec.shape())
        whole = plain(laid)
        assert whole == tree
        assert list((whole.get("engine") or EMPTY).get("env") or ()) == list(
            (tree.get("engine") or EMPTY).get("env") or ()
        )
