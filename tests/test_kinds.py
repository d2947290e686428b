"""What each kind of object is made of: the cases that someone thought about."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from support import SMALL, model, overlay, run, write_files

GPU = """
accelerator: {name: h100, resource: nvidia.com/gpu, nodeLabels: {product: [h100, h200]}}
"""
VLLM = "engine: {type: vllm, version: v0.26.0, image: 'vllm:v0.26.0'}\n"
VLLM = "engine: {type: vllm, version: v0.26.0, image: 'vllm:v0.26.0'}\n"
PICKED = """
routing:
  scheduler:
    config:
      name: own
      plugins: {p: {type: max-score-picker}}
      schedulingProfiles: {default: {plugins: {p: {}}}}
"""


def objects(root: Path, spec: str, environment: str | None = None) -> dict[tuple[str, str], Any]:
    """Objects of the model `tiny` by kind and name; a role `decode` unless the spec has roles."""
    if "roles:" not in spec:
        spec += "\nroles: {decode: {}}\n"
    texts = {**SMALL, "models/tiny.yaml": model("tiny", spec, "[sim]")}
    ran = run(
        write_files(root, texts), "render", "tiny", *(["-e", environment] if environment else [])
    )
    assert ran.status == 0, ran.stderr
    return {
        (body["kind"], body["metadata"]["name"]): body
        for body in yaml.load_all(ran.stdout, yaml.CSafeLoader)
    }


def deployment(root: Path, spec: str) -> Any:
    return objects(root, spec)["Deployment", "tiny-decode"]["spec"]


def pod(root: Path, spec: str) -> Any:
    return deployment(root, spec)["template"]["spec"]


def engine(root: Path, spec: str) -> Any:
    (found,) = (c for c in pod(root, spec)["containers"] if c["name"] == "modelserver")
    return found


def by_name(items: list[Mapping[str, Any]]) -> dict[str, Any]:
    return {item["name"]: item for item in items}


def test_the_least_a_model_is(tmp_path: Path) -> None:
    found = objects(tmp_path, "")
    assert list(found) == [
        ("ServiceAccount", "tiny"),
        ("Deployment", "tiny-decode"),
        ("Service", "tiny"),
    ]
    assert "namespace" not in found["Service", "tiny"]["metadata"]


def test_an_environment_places_every_object(tmp_path: Path) -> None:
    found = objects(tmp_path, "", "prod")
    assert {body["metadata"]["namespace"] for body in found.values()} == {"llm-prod"}


# Deployment

STRATEGIES = {
    "none-to-spare": (GPU, {"maxSurge": 0, "maxUnavailable": 1}),
    "on-a-cpu": ("", {"maxSurge": "25%", "maxUnavailable": "25%"}),
    "given": (f"{GPU}strategy: {{maxSurge: 2}}", {"maxSurge": 2, "maxUnavailable": 1}),
    "zero-is-given": ("strategy: {maxUnavailable: 0}", {"maxSurge": "25%", "maxUnavailable": 0}),
}


@pytest.mark.parametrize(("spec", "want"), STRATEGIES.values(), ids=STRATEGIES)
def test_strategy(tmp_path: Path, spec: str, want: dict[str, Any]) -> None:
    assert deployment(tmp_path, spec)["strategy"] == {
        "type": "RollingUpdate",
        "rollingUpdate": want,
    }


def test_recreate_has_no_limits(tmp_path: Path) -> None:
    spec = "strategy: {type: Recreate, maxSurge: 1}"
    assert deployment(tmp_path, spec)["strategy"] == {"type": "Recreate"}


def test_no_pods_is_a_number_of_pods(tmp_path: Path) -> None:
    assert deployment(tmp_path, "roles: {decode: {replicas: 0}}")["replicas"] == 0


# Pods

ACCELERATORS = {
    "one": ("{}", "1"),
    "tensor": ("{parallelism: {tensor: 4}}", "4"),
    "product": ("{parallelism: {tensor: 2, pipeline: 2, data: 2}}", "8"),
}


@pytest.mark.parametrize(("role", "count"), ACCELERATORS.values(), ids=ACCELERATORS)
def test_accelerators_follow_from_parallelism(tmp_path: Path, role: str, count: str) -> None:
    spec = f"{GPU}resources: {{requests: {{cpu: '4'}}}}\nroles: {{decode: {role}}}"
    assert engine(tmp_path, spec)["resources"] == {
        "requests": {"cpu": "4", "nvidia.com/gpu": count},
        "limits": {"nvidia.com/gpu": count},
    }


REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"
OF_ACCELERATOR = {"key": "product", "operator": "In", "values": ["h100", "h200"]}


def test_affinity_of_the_accelerator(tmp_path: Path) -> None:
    assert pod(tmp_path, GPU)["affinity"] == {
        "nodeAffinity": {REQUIRED: {"nodeSelectorTerms": [{"matchExpressions": [OF_ACCELERATOR]}]}}
    }


def test_every_term_people_wrote_meets_the_accelerator_too(tmp_path: Path) -> None:
    """Terms are alternatives: one without the accelerator's condition would lead past it."""
    mine = {"key": "zone", "operator": "Exists"}
    terms = "[{matchExpressions: [{key: zone, operator: Exists}]}, {matchFields: []}]"
    spec = (
        f"{GPU}pod: {{affinity: {{nodeAffinity: {{{REQUIRED}: {{nodeSelectorTerms: {terms}}}}}}}}}"
    )
    found = pod(tmp_path, spec)["affinity"]["nodeAffinity"][REQUIRED]["nodeSelectorTerms"]
    assert found == [
        {"matchExpressions": [OF_ACCELERATOR, mine]},
        {"matchFields": [], "matchExpressions": [OF_ACCELERATOR]},
    ]


TERMS = f"{{nodeAffinity: {{{REQUIRED}: {{nodeSelectorTerms: TERMS}}}}}}"
MISSHAPEN = {
    "node-affinity": "{nodeAffinity: x}",
    "rule": f"{{nodeAffinity: {{{REQUIRED}: [x]}}}}",
    "terms": TERMS.replace("TERMS", "x"),
    "term": TERMS.replace("TERMS", "[x]"),
    "expressions": TERMS.replace("TERMS", "[{matchExpressions: x}]"),
}


@pytest.mark.parametrize("affinity", MISSHAPEN.values(), ids=MISSHAPEN)
def test_an_affinity_that_is_none_is_refused(tmp_path: Path, affinity: str) -> None:
    spec = f"{GPU}pod: {{affinity: {affinity}}}\nroles: {{decode: {{}}}}"
    texts = {**SMALL, "models/tiny.yaml": model("tiny", spec, "[sim]")}
    ran = run(write_files(tmp_path, texts), "compile")
    assert ran.status == 1
    assert "error[S402]" in ran.stderr
    assert "models/tiny.yaml:" in ran.stderr


def test_pods_are_restricted_unless_told_otherwise(tmp_path: Path) -> None:
    found = pod(
        tmp_path,
        "pod: {securityContext: {runAsUser: 7}}\ncontainer: {securityContext: {privileged: true}}",
    )
    assert found["securityContext"] == {
        "runAsNonRoot": True,
        "seccompProfile": {"type": "RuntimeDefault"},
        "runAsUser": 7,
    }
    assert found["containers"][0]["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"]},
        "privileged": True,
    }


PROBES = {
    "timing-keeps-the-handler": (
        "{readiness: {periodSeconds: 9}}",
        {"httpGet", "periodSeconds", "timeoutSeconds", "failureThreshold"},
    ),
    "another-handler": (
        "{readiness: {tcpSocket: {port: 1}}}",
        {"tcpSocket", "periodSeconds", "timeoutSeconds", "failureThreshold"},
    ),
}


@pytest.mark.parametrize(("probes", "keys"), PROBES.values(), ids=PROBES)
def test_probe(tmp_path: Path, probes: str, keys: set[str]) -> None:
    assert engine(tmp_path, f"probes: {probes}")["readinessProbe"].keys() == keys


def test_an_http_probe_keeps_what_it_does_not_say(tmp_path: Path) -> None:
    probe = engine(tmp_path, "probes: {readiness: {httpGet: {path: /x}}}")["readinessProbe"]
    assert probe["httpGet"] == {"path": "/x", "port": "modelserver", "scheme": "HTTP"}


ENV = {
    "number": ("1", {"value": "1"}),
    "boolean": ("true", {"value": "true"}),
    "empty": ("''", {"value": ""}),
    "words": ("'on'", {"value": "on"}),
    "source": (
        "{valueFrom: {fieldRef: {fieldPath: a}}}",
        {"valueFrom": {"fieldRef": {"fieldPath": "a"}}},
    ),
}


@pytest.mark.parametrize(("value", "want"), ENV.values(), ids=ENV)
def test_env_is_text(tmp_path: Path, value: str, want: dict[str, Any]) -> None:
    found = by_name(engine(tmp_path, f"engine: {{env: {{A: {value}}}}}")["env"])
    assert found["A"] == {"name": "A", **want}


def test_arguments_word_for_word_are_text(tmp_path: Path) -> None:
    found = engine(tmp_path, VLLM.replace("}", ", argv: [serve, true, 1.5, 2]}"))
    assert found["args"] == ["serve", "true", "1.5", "2"]


def test_an_argument_is_not_empty(tmp_path: Path) -> None:
    spec = VLLM.replace("}", ", argv: [serve, null]}") + "roles: {decode: {}}\n"
    texts = {**SMALL, "models/tiny.yaml": model("tiny", spec, "[sim]")}
    said = run(write_files(tmp_path, texts), "lint", "--format", "text")
    assert "error[S402]: an entry of `argv`" in said.stdout + said.stderr


def test_peoples_env_wins_and_stands_after_what_is_derived(tmp_path: Path) -> None:
    spec = VLLM.replace("{type", "{env: {B: $(HF_HOME)/b, HF_HOME: /mine}, type")
    env = engine(tmp_path, spec)["env"]
    assert [(e["name"], e["value"]) for e in env] == [("HF_HOME", "/mine"), ("B", "$(HF_HOME)/b")]


def test_no_account_is_made_where_every_role_has_one(tmp_path: Path) -> None:
    found = objects(tmp_path, "pod: {serviceAccountName: mine}")
    assert ("ServiceAccount", "tiny") not in found
    assert (
        found["Deployment", "tiny-decode"]["spec"]["template"]["spec"]["serviceAccountName"]
        == "mine"
    )


# Weights

WEIGHTS = {
    "hf": (
        "{name: o/m, uri: 'hf://o/m', size: 5Gi}",
        {"emptyDir": {"sizeLimit": "5Gi"}},
        {"mountPath": "/model-cache"},
        "o/m",
    ),
    "pvc": (
        "{name: o/m, uri: 'pvc://claim/a/b'}",
        {"persistentVolumeClaim": {"claimName": "claim", "readOnly": True}},
        {"mountPath": "/model-cache", "readOnly": True},
        "/model-cache/a/b",
    ),
    "pvc-to-write": (
        "{name: o/m, uri: 'pvc://claim/a', readOnly: false, mountPath: /m/}",
        {"persistentVolumeClaim": {"claimName": "claim"}},
        {"mountPath": "/m"},
        "/m/a",
    ),
    "pvc-of-a-hub-cache": (
        "{name: o/m, uri: 'pvc+hf://claim/hub/o/m'}",
        {"persistentVolumeClaim": {"claimName": "claim", "readOnly": True}},
        {"mountPath": "/model-cache", "readOnly": True},
        "o/m",
    ),
    "oci": (
        "{name: o/m, uri: 'oci://ghcr.io/o/m:1'}",
        {"image": {"reference": "ghcr.io/o/m:1", "pullPolicy": "IfNotPresent"}},
        {"mountPath": "/model-cache", "readOnly": True},
        "/model-cache",
    ),
}


@pytest.mark.parametrize(("source", "volume", "mount", "argument"), WEIGHTS.values(), ids=WEIGHTS)
def test_weights(tmp_path: Path, source: str, volume: Any, mount: Any, argument: str) -> None:
    found = pod(tmp_path, f"model: {source}\n{VLLM}")
    assert by_name(found["volumes"])["model-storage"] == {"name": "model-storage", **volume}
    container = found["containers"][0]
    assert container["volumeMounts"][0] == {"name": "model-storage", **mount}
    assert container["args"][0] == argument


# Names


@pytest.mark.parametrize("role", ["decode", "d" * 40, "d" * 63])
def test_long_names_are_short_enough_and_apart(tmp_path: Path, role: str) -> None:
    name = "m" * 63
    said = "{type: prefill-decode}"
    spec = f"roles: {{{role}: {said}, {role[:-1]}x: {said}}}"
    texts = {**SMALL, "models/tiny.yaml": model(name, spec, "[sim]")}
    ran = run(write_files(tmp_path, texts), "render", name)
    assert ran.status == 0, ran.stderr
    names = [
        body["metadata"]["name"]
        for body in yaml.load_all(ran.stdout, yaml.CSafeLoader)
        if body["kind"] == "Deployment"
    ]
    assert len(set(names)) == 2
    assert all(len(each) <= 63 for each in names)


# Routing


def test_the_service_leaves_prefill_out(tmp_path: Path) -> None:
    spec = "kvTransfer: {connector: nixl}\nroles: {decode: {}, prefill: {}}"
    found = objects(tmp_path, spec)
    wanted = found["Service", "tiny"]["spec"]["selector"].items()
    labels = {
        name: body["spec"]["template"]["metadata"]["labels"]
        for (kind, name), body in found.items()
        if kind == "Deployment"
    }
    assert wanted <= labels["tiny-decode"].items()
    assert not wanted <= labels["tiny-prefill"].items()


def test_a_route_leads_to_the_service_without_a_picker_and_to_the_pool_with_one(
    tmp_path: Path,
) -> None:
    gateway = "gateway: {name: g, namespace: infra, sectionName: https}"
    for spec, kind, port in (
        (f"routing: {{{gateway}}}", "Service", 8000),
        (f"{PICKED}  {gateway}", "InferencePool", None),
    ):
        route = objects(tmp_path, spec)["HTTPRoute", "tiny"]["spec"]
        backend = route["rules"][0]["backendRefs"][0]
        assert (backend["kind"], backend.get("port")) == (kind, port)
        assert route["parentRefs"][0]["sectionName"] == "https"


def test_one_port_everywhere(tmp_path: Path) -> None:
    found = objects(tmp_path, f"{PICKED}  port: 9000")
    assert found["Service", "tiny"]["spec"]["ports"][0]["targetPort"] == 9000
    assert found["InferencePool", "tiny"]["spec"]["targetPorts"] == [{"number": 9000}]
    container = found["Deployment", "tiny-decode"]["spec"]["template"]["spec"]["containers"][0]
    assert container["ports"][0]["containerPort"] == 9000
    assert "--port=9000" in container["args"]


def test_behind_the_sidecar_the_engine_moves_aside(tmp_path: Path) -> None:
    spec = "kvTransfer: {connector: nixl}\nroles: {decode: {}, prefill: {}}"
    found = objects(tmp_path, spec)
    ports = {}
    for role in ("decode", "prefill"):
        template = found["Deployment", f"tiny-{role}"]["spec"]["template"]["spec"]
        ports[role] = template["containers"][0]["ports"][0]["containerPort"]
        sidecars = [c["name"] for c in template.get("initContainers", [])]
        assert sidecars == (["routing-proxy"] if role == "decode" else [])
    assert ports == {"decode": 8200, "prefill": 8000}


def test_two_pickers_elect_and_one_need_not(tmp_path: Path) -> None:
    one = objects(tmp_path, PICKED)
    two = objects(tmp_path, PICKED.replace("scheduler:", "scheduler:\n    replicas: 2"))
    args = [
        found["Deployment", "tiny-epp"]["spec"]["template"]["spec"]["containers"][0]["args"]
        for found in (one, two)
    ]
    assert ["--ha-enable-leader-election=true" in each for each in args] == [False, True]
    rules = [len(found["Role", "tiny-epp"]["rules"]) for found in (one, two)]
    assert rules[1] == rules[0] + 2


def test_budget_and_monitor_select_the_role(tmp_path: Path) -> None:
    found = objects(tmp_path, "podDisruptionBudget: {}\npodMonitor: {interval: 5s}")
    budget, monitor = (
        found["PodDisruptionBudget", "tiny-decode"],
        found["PodMonitor", "tiny-decode"],
    )
    selector = found["Deployment", "tiny-decode"]["spec"]["selector"]
    assert budget["spec"] == {"maxUnavailable": 1, "selector": selector}
    assert monitor["spec"]["selector"] == selector
    assert monitor["spec"]["podMetricsEndpoints"][0]["interval"] == "5s"


# Extra objects

CLUSTER_WIDE = ["ClusterRole", "IngressClass", "ValidatingWebhookConfiguration", "PriorityClass"]


@pytest.mark.parametrize("kind", CLUSTER_WIDE)
def test_what_belongs_to_no_namespace_gets_none(tmp_path: Path, kind: str) -> None:
    extra = f"{{apiVersion: x/v1, kind: {kind}, metadata: {{name: a}}}}"
    found = objects(tmp_path, f"extraObjects: {{a: {extra}}}", "prod")
    assert "namespace" not in found[kind, "a"]["metadata"]


def test_an_extra_object_keeps_the_namespace_it_has(tmp_path: Path) -> None:
    extra = "{apiVersion: v1, kind: ConfigMap, metadata: {name: a, namespace: other}}"
    found = objects(tmp_path, f"extraObjects: {{a: {extra}}}", "prod")
    assert found["ConfigMap", "a"]["metadata"]["namespace"] == "other"
    assert found["Service", "tiny"]["metadata"]["namespace"] == "llm-prod"


def test_an_environment_without_the_picker_has_no_pool(tmp_path: Path) -> None:
    texts = {
        **SMALL,
        "models/tiny.yaml": model("tiny", f"{PICKED}roles: {{decode: {{}}}}", "[sim]"),
        "overlays/prod/environment.yaml": overlay("prod", "routing: {scheduler: null}"),
    }
    root = write_files(tmp_path, texts)
    ran = run(root, "compile")
    assert ran.status == 0, ran.stderr
    assert "InferencePool" not in run(root, "render", "tiny", "-e", "prod").stdout
    assert not list((root / "generated/tiny/base").glob("*epp*"))
