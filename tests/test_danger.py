"""What a change does beyond its lines: dangers, restarts, accelerators; how far an edit reaches."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml
from jsonschema import Draft202012Validator

from modelmill import dangers, yamltext
from modelmill.comparison import Comparison, ModelChange, Part
from modelmill.dangers import Danger, moves
from modelmill.diff_markdown import LIMIT, render, size
from modelmill.effects import Effect
from modelmill.manifest_diff import ObjectChange, compare
from modelmill.resource import Resource
from modelmill.restarts import Restart, restarts, unread
from support import PROJECT, ROOT, every_object, inputs_of, model, overlay, preset, run, write_files
from test_diff import commit, committed, diff, edit, git, parsed

H100 = preset(
    "h100",
    """
    engine: {type: vllm, version: v0.10.2, image: "ghcr.io/acme/vllm:${engine.version}"}
    accelerator: {name: nvidia-h100, resource: nvidia.com/gpu, perNode: 8}
    sharedMemory: 1Gi
    """,
)
ROLES = "roles: {decode: {replicas: 4, parallelism: {tensor: 2}}}"
TRIGGERS = "triggers: {engine-running: {target: 5}}"
SCALING = f"autoscaling: {{by: hpa, minReplicas: 1, maxReplicas: 6, {TRIGGERS}}}"
FILES = {
    "modelmill.yaml": PROJECT,
    "presets/h100.yaml": H100,
    "models/one.yaml": model("one", ROLES, "[h100]"),
    "models/two.yaml": model("two", "roles: {decode: {replicas: 1}}", "[h100]"),
    "overlays/prod/environment.yaml": overlay("prod"),
    "overlays/staging/environment.yaml": overlay("staging"),
}


def found(root: Path, *arguments: str) -> dict[tuple[str, str], dict[str, Any]]:
    """Dangers of the working tree by rule and object."""
    document = parsed(root, *arguments)
    return {(each["rule"], f"{each['kind']} {each['name']}"): each for each in document["dangers"]}


def with_extra(text: str, name: str = "one") -> dict[str, str]:
    """The repository, with an object of people's own beside a model."""
    indented = "\n".join(f"    {line}" for line in text.strip().splitlines())
    spec = f"{ROLES}\nextraObjects:\n  own:\n{indented}"
    return {**FILES, f"models/{name}.yaml": model(name, spec, "[h100]")}


def test_accelerators_are_counted_by_environment_and_product(tmp_path: Path) -> None:
    root = committed(tmp_path, FILES)
    edit(root, "models/one.yaml", "replicas: 4", "replicas: 7")
    (row, *_) = parsed(root)["environments"]
    assert row["environment"] == "prod"
    assert row["accelerators"] == [
        {
            "resource": "nvidia.com/gpu",
            "product": "nvidia-h100",
            "before": {"least": 8, "most": 8},
            "after": {"least": 14, "most": 14},
        }
    ]
    text = diff(root)
    assert "prod: +6 nvidia.com/gpu (nvidia-h100), 8 → 14 of the models above" in text
    assert "+6 nvidia" in plain(diff(root, "--format", "markdown"))


def plain(markdown: str) -> str:
    """As it is read: references for special characters resolved."""
    return re.sub(r"&#(\d+);", lambda match: chr(int(match[1])), markdown)


def test_a_scaled_role_has_a_least_and_a_most(tmp_path: Path) -> None:
    scaling = SCALING
    root = committed(tmp_path, FILES)
    edit(root, "models/one.yaml", "replicas: 4,", f"{scaling},")
    (row, *_) = parsed(root)["environments"]
    assert row["accelerators"][0]["after"] == {"least": 2, "most": 12}
    assert "-6 nvidia.com/gpu (nvidia-h100), at most +4, 8 → 2–12" in diff(root)


def test_replicas_given_to_a_scaler_would_fall_to_one(tmp_path: Path) -> None:
    root = committed(tmp_path, FILES)
    scaling = SCALING
    edit(root, "models/one.yaml", "replicas: 4,", f"{scaling},")
    danger = found(root)["replicas-removed", "Deployment one-decode"]
    assert danger["environments"] == ["prod", "staging"]
    assert "4 replicas fall to the default of 1" in danger["message"]
    assert "--field-manager" in danger["hint"]
    assert "spec.roles.decode.replicas" in {cause["path"] for cause in danger["causes"]}
    assert {cause["file"] for cause in danger["causes"]} == {"models/one.yaml"}
    commit(root)
    edit(root, "models/one.yaml", f"{scaling},", "replicas: 4,")
    returned = found(root)["replicas-returned", "Deployment one-decode"]
    assert returned["level"] == "notice"


def test_fewer_replicas_are_a_notice_and_none_a_danger(tmp_path: Path) -> None:
    root = committed(tmp_path, FILES)
    edit(root, "models/one.yaml", "replicas: 4", "replicas: 3")
    assert found(root)["replicas-lowered", "Deployment one-decode"]["level"] == "notice"
    edit(root, "models/one.yaml", "replicas: 3", "replicas: 0")
    assert found(root)["replicas-lowered", "Deployment one-decode"]["level"] == "danger"


def test_the_line_that_caused_it_is_of_the_role_and_the_environment(tmp_path: Path) -> None:
    roles = "roles: {decode: {replicas: 4}, prefill: {replicas: 4}}\nkvTransfer: {connector: nixl}"
    entry = "{prod: {roles: {decode: {replicas: 6}}}}"
    files = {**FILES, "models/one.yaml": model("one", roles, "[h100]", environments=entry)}
    root = committed(tmp_path, files)
    edit(root, "models/one.yaml", "prefill: {replicas: 4}", "prefill: {replicas: 2}")
    edit(root, "models/one.yaml", "replicas: 6", "replicas: 5")
    dangers = parsed(root)["dangers"]
    told = {(d["name"], tuple(d["environments"])): d["causes"] for d in dangers}
    assert {key: [c["path"] for c in causes] for key, causes in told.items()} == {
        ("one-decode", ("prod",)): ["environments.prod.roles.decode.replicas"],
        ("one-prefill", ("prod", "staging")): ["spec.roles.prefill.replicas"],
    }
    assert "~ models/one.yaml:" in diff(root).partition("notice")[2]


def test_pods_that_restart_are_told_with_the_reason(tmp_path: Path) -> None:
    root = committed(tmp_path, FILES)
    edit(root, "presets/h100.yaml", "1Gi", "2Gi")
    document = parsed(root)
    one, two = document["restarts"]
    assert one["reasons"] == ["spec.template.spec.volumes[dshm].emptyDir.sizeLimit"]
    assert (one["pods"], one["accelerators"], one["resource"]) == (4, 8, "nvidia.com/gpu")
    assert (one["unavailable"], one["surge"]) == (1, 0)
    assert two["name"] == "two-decode"
    assert document["environments"][0]["restarts"] == {"pods": 5, "accelerators": 9}
    assert "Deployment one-decode: 4 pods, 1 at a time, 8 nvidia.com/gpu" in diff(root)


def test_a_change_of_replicas_alone_restarts_nothing(tmp_path: Path) -> None:
    root = committed(tmp_path, FILES)
    edit(root, "models/one.yaml", "replicas: 4", "replicas: 9")
    assert parsed(root)["restarts"] == []


def test_accelerators_a_surge_needs_are_told(tmp_path: Path) -> None:
    surge = "strategy: {maxSurge: 50%, maxUnavailable: 0}"
    spec = f"roles: {{decode: {{replicas: 4, parallelism: {{tensor: 2}}, {surge}}}}}"
    root = committed(tmp_path, {**FILES, "models/one.yaml": model("one", spec, "[h100]")})
    edit(root, "presets/h100.yaml", "1Gi", "2Gi")
    one, _ = parsed(root)["restarts"]
    assert (one["unavailable"], one["surge"]) == (0, 4)
    assert "8 nvidia.com/gpu, 4 more needed while it lasts" in diff(root)


def test_groups_of_pods_restart_as_a_whole(tmp_path: Path) -> None:
    role = "decode: {replicas: 2, parallelism: {tensor: 16}, worker: {}}"
    spec = f"roles: {{{role}}}"
    root = committed(tmp_path, {**FILES, "models/one.yaml": model("one", spec, "[h100]")})
    edit(root, "presets/h100.yaml", "1Gi", "2Gi")
    one, _ = parsed(root)["restarts"]
    assert (one["kind"], one["pods"], one["accelerators"]) == ("LeaderWorkerSet", 4, 32)
    assert one["unavailable"] == 2


def test_a_picker_restarts_for_its_configuration(tmp_path: Path) -> None:
    routing = (
        "routing: {gateway: {name: inference}, scheduler: {config: {name: own, plugins: "
        "{queue-scorer: {}}, schedulingProfiles: "
        "{default: {plugins: {queue-scorer: {weight: 1}}}}}}}"
    )
    files = {**FILES, "models/one.yaml": model("one", f"{ROLES}\n{routing}", "[h100]")}
    root = committed(tmp_path, files)
    edit(root, "models/one.yaml", "weight: 1", "weight: 2")
    (picker,) = parsed(root)["restarts"]
    assert (picker["name"], picker["reasons"]) == ("one-epp", ["ConfigMap one-epp"])
    assert picker["note"] == "routing pauses while it starts"
    assert "1 pod, routing pauses while it starts\n    ConfigMap one-epp" in diff(root)


CONFIG = """\
pod: {volumes: {own: {configMap: {name: own}}}}
extraObjects:
  own: {apiVersion: v1, kind: ConfigMap, metadata: {name: own}, data: {a: b}}
"""


def test_a_configuration_is_the_reason_rather_than_its_digest(tmp_path: Path) -> None:
    spec = f"{ROLES}\n{CONFIG}"
    root = committed(tmp_path, {**FILES, "models/one.yaml": model("one", spec, "[h100]")})
    edit(root, "models/one.yaml", "{a: b}", "{a: c}")
    (restart,) = parsed(root)["restarts"]
    assert restart["reasons"] == ["ConfigMap own"]


def test_a_configuration_that_nothing_restarts_for_is_told(tmp_path: Path) -> None:
    """An adopted workload has no digest of what it reads: it would have restarted for that."""
    spec = f"{ROLES}\ndefaults: none\nrouting: {{service: {{create: false}}}}\n{CONFIG}"
    root = committed(tmp_path, {**FILES, "models/one.yaml": model("one", spec, "[h100]")})
    edit(root, "models/one.yaml", "{a: b}", "{a: c}")
    assert parsed(root)["restarts"] == []
    danger = found(root)["not-restarted", "ConfigMap own"]
    assert danger["message"].startswith("`one-decode` reads it when it starts")


def test_a_renamed_model_is_one_danger_and_not_one_for_each_object(tmp_path: Path) -> None:
    root = committed(tmp_path, FILES)
    (root / "models/one.yaml").rename(root / "models/uno.yaml")
    edit(root, "models/uno.yaml", "metadata: {name: one}", "metadata: {name: uno}")
    dangers = found(root)
    assert dangers["renamed", "Model uno"]["environments"] == ["prod", "staging"]
    assert "it is `one` under another name" in dangers["renamed", "Model uno"]["message"]
    assert dangers["model-deleted", "Model one"]["causes"][0]["file"] == "models/one.yaml"
    assert len(dangers) == 2


def test_a_renamed_role_is_told_with_its_old_name(tmp_path: Path) -> None:
    root = committed(tmp_path, FILES)
    edit(root, "models/one.yaml", "decode:", "server:")
    edit(root, "models/one.yaml", "replicas: 4", "type: decode, replicas: 4")
    assert (
        "`one-decode` is deleted while"
        in found(root)["renamed", "Deployment one-server"]["message"]
    )


def test_a_workload_that_goes_from_a_model_that_stays_is_told(tmp_path: Path) -> None:
    both = "roles: {decode: {replicas: 4, parallelism: {tensor: 2}}, prefill: {replicas: 1}}"
    spec = f"{both}\nkvTransfer: {{connector: nixl}}"
    root = committed(tmp_path, {**FILES, "models/one.yaml": model("one", spec, "[h100]")})
    edit(root, "models/one.yaml", "\n  kvTransfer: {connector: nixl}", "")
    edit(root, "models/one.yaml", ", prefill: {replicas: 1}", "")
    told = found(root)["workload-deleted", "Deployment one-prefill"]
    assert told["environments"] == ["prod", "staging"]
    assert "spec.roles.prefill.replicas" in {each["path"] for each in told["causes"]}
    (root / "models/one.yaml").unlink()
    assert set(found(root)) == {("model-deleted", "Model one")}


def test_a_workload_that_becomes_another_kind_is_told(tmp_path: Path) -> None:
    root = committed(tmp_path, FILES)
    edit(root, "models/one.yaml", "tensor: 2}", "tensor: 16}, worker: {}")
    told = found(root)
    assert "it was a Deployment" in told["renamed", "LeaderWorkerSet one-decode"]["message"]
    assert not any(rule == "workload-deleted" for rule, _ in told)


def test_a_cluster_that_gets_a_name_is_the_same(tmp_path: Path) -> None:
    root = committed(tmp_path, FILES)
    place = "overlays/prod/environment.yaml"
    edit(root, place, "namespace: llm-prod", "namespace: llm-prod\ncluster: east")
    assert not found(root)
    commit(root)
    edit(root, place, "east", "west")
    assert set(found(root)) == {("environment-moved", "Environment prod")}


def test_an_object_that_changes_hands_is_told(tmp_path: Path) -> None:
    own = "{apiVersion: acme.dev/v1, kind: Thing, metadata: {name: shared}}"
    spec = f"roles: {{decode: {{replicas: 1}}}}\nextraObjects: {{x: {own}}}"
    root = committed(tmp_path, {**FILES, "models/one.yaml": model("one", spec, "[h100]")})
    (root / "models/one.yaml").write_text(model("one", "roles: {decode: {replicas: 1}}", "[h100]"))
    (root / "models/two.yaml").write_text(model("two", spec, "[h100]"))
    danger = found(root)["re-owned", "Thing shared"]
    assert (danger["model"], danger["environments"]) == ("two", ["prod", "staging"])
    assert "it was of `one`" in danger["message"]


@pytest.mark.parametrize(
    ("old", "new", "field"),
    [("llm-prod", "llm-live", "namespace"), ("cluster: a", "cluster: b", "cluster")],
)
def test_a_moved_environment_leaves_its_claims_behind(
    tmp_path: Path, old: str, new: str, field: str
) -> None:
    files = {**FILES, "overlays/prod/environment.yaml": overlay("prod", more="cluster: a\n")}
    root = committed(tmp_path, files)
    edit(root, "overlays/prod/environment.yaml", old, new)
    danger = found(root)["environment-moved", "Environment prod"]
    assert (danger["path"], danger["environments"]) == (field, ["prod"])
    assert danger["causes"][0]["file"] == "overlays/prod/environment.yaml"


def test_safety_that_is_given_up_is_told(tmp_path: Path) -> None:
    spec = f"{ROLES}\nnetworkPolicy: {{}}\npodDisruptionBudget: {{minAvailable: 3}}"
    gateway = "gateways: {inference: {className: istio}}\n"
    files = {
        **FILES,
        "models/one.yaml": model("one", spec, "[h100]"),
        "overlays/prod/environment.yaml": overlay("prod", more="podSecurity: baseline\n" + gateway),
    }
    root = committed(tmp_path, files)
    edit(root, "overlays/prod/environment.yaml", "baseline", "privileged")
    edit(root, "overlays/prod/environment.yaml", gateway, "")
    edit(root, "models/one.yaml", "networkPolicy: {}\n  ", "")
    edit(root, "models/one.yaml", "minAvailable: 3", "minAvailable: 1")
    dangers = found(root)
    assert {key: each["level"] for key, each in dangers.items()} == {
        ("pod-security", "Namespace llm-prod"): "danger",
        ("entrance-deleted", "Gateway inference"): "danger",
        ("network-isolation", "NetworkPolicy one-decode"): "danger",
        ("disruption-budget", "PodDisruptionBudget one-decode"): "notice",
    }
    assert [c["path"] for c in dangers["pod-security", "Namespace llm-prod"]["causes"]] == [
        "podSecurity"
    ]


def test_an_accepted_finding_is_a_notice_and_no_change(tmp_path: Path) -> None:
    root = committed(tmp_path, FILES)
    edit(root, "models/one.yaml", "extends: [h100]", "extends: [h100]\naccept: {C512: we know}")
    ran = run(root, "diff", "--exit-code", "--format", "json")
    assert ran.status == 0
    (danger,) = json.loads(ran.stdout)["dangers"]
    assert (danger["rule"], danger["path"]) == ("finding-accepted", "accept.C512")


def test_fail_on_is_for_ci(tmp_path: Path) -> None:
    root = committed(tmp_path, FILES)
    edit(root, "models/one.yaml", "replicas: 4", "replicas: 3")
    assert run(root, "diff", "--fail-on", "danger").status == 0
    assert run(root, "diff", "--fail-on", "notice").status == 1
    edit(root, "models/one.yaml", "replicas: 3", "replicas: 0")
    assert run(root, "diff", "--fail-on", "danger").status == 1


def test_base_is_the_revision_and_leaves_the_arguments_to_models(tmp_path: Path) -> None:
    root = committed(tmp_path, FILES)
    first = git(root, "rev-parse", "HEAD")
    edit(root, "presets/h100.yaml", "1Gi", "2Gi")
    commit(root)
    assert [m["model"] for m in parsed(root, "--base", first)["models"]] == ["one", "two"]
    assert [m["model"] for m in parsed(root, "--base", first, "two")["models"]] == ["two"]


def body(text: str) -> Resource:
    loaded = yaml.safe_load(text)
    return Resource(loaded["apiVersion"], loaded["kind"], loaded["metadata"]["name"], loaded)


class Pair(NamedTuple):
    """An object before and after: `$` in `rest` stands for the two values."""

    api_version: str
    kind: str
    rest: str
    values: str

    @property
    def objects(self) -> tuple[Resource, Resource]:
        head = f"{{apiVersion: {self.api_version}, kind: {self.kind}, metadata: {{name: x}}"
        old, new = (
            body(f"{head}, {self.rest}}}".replace("$", value)) for value in self.values.split("|")
        )
        return old, new


CLAIM = ("v1", "PersistentVolumeClaim")
LWS = ("leaderworkerset.x-k8s.io/v1", "LeaderWorkerSet")
STORAGE = "spec: {resources: {requests: {storage: $}}}"
SUB_GROUP = "spec: {leaderWorkerTemplate: {size: 4, subGroupPolicy: $}}"
RBAC = "rbac.authorization.k8s.io/v1"
FIXED: Mapping[Pair, str] = {
    Pair(
        "apps/v1", "Deployment", "spec: {selector: {matchLabels: $}}", "{a: b}|{a: c}"
    ): "spec.selector.matchLabels.a",
    Pair(
        "batch/v1", "Job", "spec: {template: {spec: $}, suspend: false}", "{x: 1}|{x: 2}"
    ): "spec.template.spec.x",
    Pair(*CLAIM, "spec: {storageClassName: $}", "fast|slow"): "spec.storageClassName",
    Pair(*CLAIM, STORAGE, "1Ti|500Gi"): "spec.resources.requests.storage",
    Pair("v1", "Service", "spec: {clusterIP: $}", "null|None"): "spec.clusterIP",
    Pair(RBAC, "RoleBinding", "roleRef: $", "{name: a}|{name: b}"): "roleRef.name",
    Pair(
        "resource.k8s.io/v1", "ResourceClaimTemplate", "spec: {spec: $}", "{a: 1}|{a: 2}"
    ): "spec.spec.a",
    Pair("storage.k8s.io/v1", "StorageClass", "reclaimPolicy: $", "Retain|Delete"): "reclaimPolicy",
    Pair(
        "apps/v1", "StatefulSet", "spec: {serviceName: $, replicas: 1}", "a|b"
    ): "spec.serviceName",
    Pair("v1", "ConfigMap", "immutable: true, data: {a: $}", "x|y"): "data.a",
    Pair(
        *LWS, SUB_GROUP, "null|{subGroupSize: 2}"
    ): "spec.leaderWorkerTemplate.subGroupPolicy.subGroupSize",
}


@pytest.mark.parametrize(("pair", "path"), FIXED.items(), ids=FIXED.values())
def test_a_field_that_cannot_change_is_told_and_only_it(pair: Pair, path: str) -> None:
    old, new = pair.objects
    (told,) = dangers.judge([old], [new])
    assert (told.level, told.rule, told.path) == ("danger", "immutable-field", path)
    assert told.hint


@pytest.mark.parametrize(
    "pair",
    [
        Pair(*CLAIM, STORAGE, "500Gi|1Ti"),
        Pair("batch/v1", "Job", "spec: {suspend: $}", "true|false"),
        Pair("apps/v1", "StatefulSet", "spec: {template: {a: $}}", "1|2"),
        Pair(*LWS, "spec: {leaderWorkerTemplate: {size: $}}", "4|8"),
        Pair("v1", "ConfigMap", "data: {a: $}", "x|y"),
    ],
    ids=lambda pair: pair.kind,
)
def test_a_field_that_can_change_is_no_danger(pair: Pair) -> None:
    old, new = pair.objects
    assert not list(dangers.judge([old], [new]))


GATEWAY = "gateway.networking.k8s.io/v1"
GUARDS = (
    "{argocd.argoproj.io/sync-options: 'Prune=confirm,Delete=confirm'}|"
    "{argocd.argoproj.io/sync-options: 'Prune=confirm'}"
)
ARGS = "spec: {template: {spec: {containers: [{name: c, args: $}]}}}"
RULES: Mapping[tuple[str, ...], Pair] = {
    ("deletion-guard", "danger"): Pair(*CLAIM, "metadata: {name: x, annotations: $}", GUARDS),
    ("selector-changed", "danger"): Pair("v1", "Service", "spec: {selector: $}", "{a: b}|{a: c}"),
    ("tls-off", "danger"): Pair(
        "apps/v1", "Deployment", ARGS, "[--port=1, --ssl-certfile=/tls.crt]|[--port=1]"
    ),
    ("tls-off", "danger", "mesh"): Pair(
        "networking.istio.io/v1",
        "DestinationRule",
        "spec: {trafficPolicy: {tls: {mode: $}}}",
        "SIMPLE|DISABLE",
    ),
    ("tls-off", "danger", "unverified"): Pair(
        "networking.istio.io/v1",
        "DestinationRule",
        "spec: {trafficPolicy: {tls: {mode: SIMPLE, insecureSkipVerify: $}}}",
        "false|true",
    ),
    ("replicas-removed", "danger", "prefill"): Pair(
        "serving.kserve.io/v1alpha1",
        "LLMInferenceService",
        "spec: {prefill: {$}}",
        "replicas: 3|parallelism: 1",
    ),
    ("route-moved", "danger"): Pair(
        GATEWAY, "HTTPRoute", "spec: {hostnames: $}", "[a.example, b.example]|[b.example]"
    ),
    ("route-moved", "danger", "all-hosts"): Pair(
        GATEWAY, "HTTPRoute", "spec: {hostnames: $}", "[]|[a.example]"
    ),
    ("route-moved", "danger", "path"): Pair(
        GATEWAY,
        "HTTPRoute",
        "spec: {rules: [{matches: [{path: {type: PathPrefix, value: $}}]}]}",
        "/|/v1",
    ),
    ("route-moved", "danger", "header"): Pair(
        GATEWAY,
        "HTTPRoute",
        "spec: {rules: [{matches: [{headers: $}]}]}",
        "[]|[{name: a, value: b}]",
    ),
    ("port-changed", "danger"): Pair(
        "v1", "Service", "spec: {ports: [{port: $, targetPort: http}]}", "80|8080"
    ),
    ("port-changed", "danger", "target"): Pair(
        "v1", "Service", "spec: {ports: [{port: 80, targetPort: $}]}", "8000|8200"
    ),
    ("port-changed", "danger", "pool"): Pair(
        "inference.networking.k8s.io/v1",
        "InferencePool",
        "spec: {targetPorts: $}",
        "[{number: 8000}]|[{number: 8000}, {number: 8001}]",
    ),
    ("gateway-class", "danger"): Pair(
        GATEWAY, "Gateway", "spec: {gatewayClassName: $}", "istio|kgateway"
    ),
    ("scaler-limits", "notice"): Pair(
        "keda.sh/v1alpha1", "ScaledObject", "spec: {maxReplicaCount: $}", "8|4"
    ),
    ("api-version", "notice"): Pair("acme.dev/$", "Thing", "spec: {}", "v1beta1|v1"),
    ("re-owned", "danger"): Pair(
        "kustomize.toolkit.fluxcd.io/v1", "Kustomization", "spec: {path: $}", "./a|./b"
    ),
    ("sync-policy", "notice"): Pair(
        "argoproj.io/v1alpha1",
        "Application",
        "spec: {syncPolicy: {automated: {selfHeal: $}}}",
        "true|false",
    ),
}


def test_a_guard_of_another_controller_is_one_as_well() -> None:
    values = (
        "{argocd.argoproj.io/sync-options: Prune=false}|"
        "{kustomize.toolkit.fluxcd.io/prune: disabled}"
    )
    old, new = Pair(*CLAIM, "metadata: {name: x, annotations: $}", values).objects
    assert not list(dangers.judge([old], [new]))


@pytest.mark.parametrize("rule", RULES, ids=["-".join(rule) for rule in RULES])
def test_each_rule_tells_its_own(rule: tuple[str, ...]) -> None:
    old, new = RULES[rule].objects
    (told,) = dangers.judge([old], [new])
    assert (told.rule, told.level) == rule[:2]
    assert not list(dangers.judge([new], [new]))


ROUTED = "spec: {hostnames: $}"
MATCHED = "spec: {rules: [{matches: [{path: {value: $}}]}]}"
BUDGET = ("policy/v1", "PodDisruptionBudget", "spec: {$}")
HARMLESS = (
    Pair(GATEWAY, "HTTPRoute", ROUTED, "[a.example]|[]"),
    Pair(GATEWAY, "HTTPRoute", ROUTED, "[a.example]|[b.example, a.example]"),
    Pair(GATEWAY, "HTTPRoute", ROUTED, "[a.b.example]|['*.example']"),
    Pair(GATEWAY, "HTTPRoute", MATCHED, "/v1/chat|/v1"),
    Pair(GATEWAY, "HTTPRoute", "spec: {rules: $}", "[{matches: [{path: {value: /}}]}]|[{}]"),
    Pair(GATEWAY, "HTTPRoute", "spec: {rules: [{timeouts: {request: $}}]}", "1s|9s"),
    Pair("v1", "Service", "spec: {ports: $}", "[{port: 80}]|[{port: 80}, {port: 81}]"),
    Pair(*BUDGET, "minAvailable: 1|maxUnavailable: 1"),
    Pair(*BUDGET, "minAvailable: 1|minAvailable: 2"),
)


@pytest.mark.parametrize("pair", HARMLESS, ids=lambda pair: pair.values)
def test_what_still_reaches_its_pods_is_no_danger(pair: Pair) -> None:
    old, new = pair.objects
    assert not list(dangers.judge([old], [new]))


def test_a_name_that_nobody_answers_to_any_more_is_told(tmp_path: Path) -> None:
    root = committed(tmp_path, FILES)
    edit(root, "models/one.yaml", "name: acme/one", "name: acme/two")
    told = found(root)["name-gone", "Model one"]
    assert "requests for `acme/one` fail" in told["message"]
    assert [each["path"] for each in told["causes"]] == ["spec.model.name"]
    edit(root, "models/one.yaml", "name: acme/two", "name: acme/one")
    edit(root, "models/one.yaml", "replicas: 4", "replicas: 5")
    assert not found(root)


@pytest.mark.parametrize(
    ("kind", "rule"),
    [
        ("PersistentVolumeClaim", "claim-deleted"),
        ("Namespace", "namespace-deleted"),
        ("ExternalSecret", "secret-deleted"),
        ("HTTPRoute", "entrance-deleted"),
        ("NetworkPolicy", "network-isolation"),
        ("BackendTLSPolicy", "tls-off"),
        ("PodDisruptionBudget", "disruption-budget"),
    ],
)
def test_what_a_deletion_takes_along_is_told(kind: str, rule: str) -> None:
    gone = body(f"{{apiVersion: v1, kind: {kind}, metadata: {{name: x}}}}")
    (told,) = dangers.judge([gone], [])
    assert told.rule == rule


@pytest.mark.parametrize(
    ("annotation", "begins"),
    [
        ("argocd.argoproj.io/sync-options: Prune=confirm", "Argo CD waits for consent"),
        ("kustomize.toolkit.fluxcd.io/prune: disabled", "Flux leaves it until"),
    ],
)
def test_a_protected_claim_is_said_to_stay_for_now(annotation: str, begins: str) -> None:
    metadata = f"{{name: x, annotations: {{{annotation}}}}}"
    gone = body(f"{{apiVersion: v1, kind: PersistentVolumeClaim, metadata: {metadata}}}")
    (told,) = dangers.judge([gone], [])
    assert told.message.startswith(begins)


def test_objects_of_any_shape_are_judged_without_a_fall() -> None:
    """People's own objects may hold anything at the paths that rules read."""
    kinds = sorted(
        {kind for _, kind in dangers.immutable.FIXED}
        | {*dangers.capacity.SCALED, *dangers.capacity.FIELDS, "Gateway", "HTTPRoute"}
        | {"InferencePool", "Namespace", "NetworkPolicy", "PodDisruptionBudget", "ConfigMap"}
    )
    shapes: list[Any] = [None, 1, "x", [], [1], {}, {"spec": [1]}, {"a": {"b": None}}]
    for kind in kinds:
        for one in shapes:
            for other in shapes:
                old, new = (_shaped(kind, each) for each in (one, other))
                changes = compare([old], [new], ())
                list(dangers.judge([old], [new]))
                list(dangers.judge([old], []))
                list(restarts([old], [new], changes, ()))
                list(unread([old], [new], changes))
                moves.moved("m", "e", [old], [])


def _shaped(kind: str, value: Any) -> Resource:
    """`value` as its spec, its pods, its data and its labels."""
    inner = {"metadata": {"labels": value}, "spec": value, "data": value, "status": value}
    spec = (
        value if isinstance(value, int | str | list) else {**inner, **dict.fromkeys(PLACES, value)}
    )
    metadata = {"name": "x", "labels": value, "annotations": value}
    body = {"apiVersion": "v1", "kind": kind, "metadata": metadata, "data": value, "spec": spec}
    return Resource("v1", kind, "x", body if value is not None else {})


PLACES = (
    "template",
    "leaderWorkerTemplate",
    "selector",
    "listeners",
    "strategy",
    "rolloutStrategy",
)


def test_nothing_is_dangerous_about_no_change(tmp_path: Path) -> None:
    objects = [
        Resource(each["apiVersion"], each["kind"], each["metadata"]["name"], each)
        for each in every_object(write_files(tmp_path, inputs_of(ROOT)))
    ]
    assert not list(dangers.judge(objects, objects))


def many(count: int, level: str = "danger") -> Comparison:
    """A comparison in which every model has a danger of its own and much else to tell."""
    objects = (ObjectChange("removed", "PersistentVolumeClaim", "x"),) * 40
    return Comparison(
        tuple(
            ModelChange(
                f"model-{n}",
                "changed",
                (Part(("prod",), objects),),
                (),
                (
                    Effect(
                        "prod",
                        dangers=(
                            Danger(
                                level,  # type: ignore[arg-type]
                                "claim-deleted",
                                "PersistentVolumeClaim",
                                f"claim-{n}",
                                "",
                                f"number {n} is deleted",
                            ),
                        ),
                        restarts=(Restart("Deployment", f"d-{n}", ("spec",), 1, 1, "gpu", 1, 0),),
                    ),
                ),
            )
            for n in range(count)
        )
    )


def test_dangers_are_never_what_is_cut(tmp_path: Path) -> None:
    text = render(many(250), "HEAD")
    assert size(text) <= LIMIT
    assert len(set(re.findall(r"claim-(\d+)", text))) == 250
    assert "left out" in text


@pytest.mark.parametrize("limit", [1_000, 3_000, LIMIT])
def test_dangers_that_do_not_fit_are_counted(limit: int) -> None:
    text = render(many(3_000), "HEAD", limit)
    assert size(text) <= limit
    assert "Danger: 3000" in text
    left = re.search(r"… and (\d+) more, which do not fit a comment", text)
    assert left
    assert int(left[1]) + len(set(re.findall(r"claim-(\d+)", text))) == 3_000


def test_foreign_text_in_a_danger_can_do_nothing_to_a_comment(tmp_path: Path) -> None:
    hostile = "`@octocat` <img onerror=x> https://e.example \\u202E"
    route = f"""\
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {{name: own}}
spec: {{hostnames: ["{hostile}", b]}}
"""
    root = committed(tmp_path, with_extra(route))
    edit(root, "models/one.yaml", f'"{hostile}", b', "b")
    text = diff(root, "--format", "markdown")
    outside = re.sub(r"<code>.*?</code>", "", re.sub(r"(?s)```.*?```", "", text))
    for piece in ("octocat", "onerror", "e.example", "\u202e", "&#64;"):
        assert piece not in outside
    assert "octocat" in text
    assert "\u202e" not in diff(root)
    assert "\x1b" not in diff(root)


def test_the_json_document_is_what_its_schema_says(tmp_path: Path) -> None:
    schema = json.loads((ROOT / "schemas" / "diff.json").read_text())
    Draft202012Validator.check_schema(schema)
    check = Draft202012Validator(schema)
    root = committed(tmp_path, FILES)
    check.validate(parsed(root))
    edit(root, "presets/h100.yaml", "1Gi", "2Gi")
    edit(root, "models/one.yaml", "replicas: 4", "replicas: 0")
    (root / "models/two.yaml").unlink()
    document = parsed(root)
    check.validate(document)
    assert document["dangers"]
    assert document["restarts"]
    assert document["environments"]


def test_impact_of_a_preset_a_file_and_the_settings(tmp_path: Path) -> None:
    root = committed(tmp_path, {**FILES, "presets/unused.yaml": preset("unused", "{}")})
    text = run(root, "impact", "h100").stdout
    assert text.splitlines()[-1] == "2 models, 2 environments: 18 nvidia.com/gpu"
    assert run(root, "impact", "presets/h100.yaml").stdout == text.replace("h100\n", "h100\n")
    prod = run(root, "impact", "overlays/prod/environment.yaml").stdout
    assert prod.splitlines()[-1] == "2 models, 1 environment: 9 nvidia.com/gpu"
    assert run(root, "impact", "modelmill.yaml").stdout.splitlines()[-1].startswith("2 models, 2 ")
    assert run(root, "impact", "unused").stdout == "unused reaches no model\n"
    ran = run(root, "impact", "h10")
    assert ran.status == 2
    assert "there is no preset or input file `h10`" in ran.stderr
    assert run(root, "impact").status == 2
    assert run(root, "explain", "--preset", "h100").stdout == text


def test_impact_since_a_commit_tells_what_restarts(tmp_path: Path) -> None:
    root = committed(tmp_path, FILES)
    assert "reaches no model" in run(root, "impact", "--base", "HEAD").stdout
    edit(root, "presets/h100.yaml", "1Gi", "2Gi")
    text = run(root, "impact", "--base", "HEAD").stdout
    assert text.splitlines()[-1] == ("2 models, 2 environments: 18 nvidia.com/gpu, 10 pods restart")
    document = json.loads(run(root, "impact", "--base", "HEAD", "--format", "json").stdout)
    assert document["base"] == "HEAD"
    assert [use["restarts"] for use in document["uses"]] == [4, 4, 1, 1]
    assert document["environments"]["prod"] == {"nvidia.com/gpu": 9}
    only = run(root, "impact", "--base", "HEAD", "-e", "prod").stdout
    assert only.splitlines()[-1].startswith("2 models, 1 environment")


def test_impact_in_markdown_holds_no_foreign_text(tmp_path: Path) -> None:
    root = committed(tmp_path, FILES)
    name = "x`@octocat`|_a_"
    git(root, "update-ref", f"refs/heads/{name}", "HEAD")
    edit(root, "presets/h100.yaml", "1Gi", "2Gi")
    text = run(root, "impact", "--base", name, "--format", "markdown").stdout
    assert "octocat" not in re.sub(r"<code>.*?</code>", "", text)
    assert "2 models, 2 environments" in plain(text)


def test_an_edit_of_a_kept_patch_is_seen(tmp_path: Path) -> None:
    patch = [{"op": "add", "path": "/spec/minReadySeconds", "value": 5}]
    more = "patches: {slow: {target: {kind: Deployment}, path: slow.yaml}}\n"
    files = {**FILES, "overlays/prod/environment.yaml": overlay("prod", more=more)}
    files["overlays/prod/slow.yaml"] = yamltext.dump(patch)
    root = committed(tmp_path, files)
    edit(root, "overlays/prod/slow.yaml", "5", "7")
    assert "spec.minReadySeconds: 5 → 7" in diff(root)


PAGE = ROOT / "docs" / "pull-requests.md"


@pytest.fixture
def shown(tmp_path: Path) -> Path:
    """The repository of the page, with the edit of its first example."""
    spec = f"{ROLES}\nnetworkPolicy: {{}}"
    files = {**FILES, "models/one.yaml": model("one", spec, "[h100]")}
    del files["overlays/staging/environment.yaml"]
    return committed(tmp_path, files)


def test_the_page_shows_what_is_printed(shown: Path, request: pytest.FixtureRequest) -> None:
    reach = run(shown, "impact", "presets/h100.yaml").stdout
    edit(shown, "models/one.yaml", "replicas: 4", "replicas: 6")
    edit(shown, "models/one.yaml", "networkPolicy: {}", "sharedMemory: 2Gi")
    printed = {
        "$ modelmill diff --base main\n": diff(shown, "--base", "main"),
        "$ modelmill impact presets/h100.yaml\n": reach,
    }
    text = PAGE.read_text()
    if request.config.getoption("--update"):
        for command, output in printed.items():
            before, _, rest = text.partition(command)
            text = f"{before}{command}{output}```{rest.partition('```')[2]}"
        PAGE.write_text(text)
    for command, output in printed.items():
        assert f"{command}{output}```" in text


def test_the_page_names_every_rule() -> None:
    sources = [*(ROOT / "compiler/modelmill/dangers").glob("*.py")]
    sources.append(ROOT / "compiler/modelmill/effects.py")
    literals = {
        text
        for source in sources
        for text in re.findall(r'"([a-z]+(?:-[a-z]+)+)"', source.read_text())
    }
    rows = PAGE.read_text().partition("## Dangers")[2].partition("## How far")[0]
    named = set(re.findall(r"`([a-z]+(?:-[a-z]+)+)`", rows)) | {"renamed"}
    assert named - {"renamed"} <= literals
    assert literals - named == set()
