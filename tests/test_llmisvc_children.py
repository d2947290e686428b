"""What KServe makes of an LLMInferenceService, by the numbered cases of its own tests.

Each test's name has the number of a case of kserve/kserve's test suite for
pkg/controller/v1alpha2/llmisvc, as the reference lists them.
"""

from __future__ import annotations

import copy
import json
import subprocess
from typing import Any

import pytest
import yaml

from modelmill import gotypes
from modelmill.importers.llmisvc.children import children
from modelmill.importers.llmisvc.composing import Composed, Config, compose
from modelmill.importers.llmisvc.platform import Platform
from modelmill.importers.llmisvc.reading import vocabulary
from modelmill.importers.llmisvc.templating import evaluate
from modelmill.kserve.merging import merge
from modelmill.names import kserve_name as child_name
from modelmill.tree import plant

PLATFORM = Platform()
TLS = PLATFORM._replace(tls=True)
METADATA = {"name": "llama", "namespace": "llm"}
MODEL = {"name": "llama-3", "uri": "hf://meta-llama/Llama-3.1-8B"}
MAIN = {"containers": [{"name": "main", "image": "vllm:v1"}]}
ROUTED = {"route": {}, "gateway": {}, "scheduler": {}}


def yml(text: str) -> Any:
    return yaml.safe_load(text)


def typed(spec: Any) -> Any:
    """A specification as Go marshals it."""
    node = plant(spec, ("spec", 1, 1, 1))
    decoded = gotypes.decode(node, "LLMInferenceServiceSpec", vocabulary(), zeros=False)
    return decoded.value


def layered(*layers: Any) -> Any:
    found: Any = {}
    for layer in layers:
        found = merge(found, typed(layer))
    return found


def composed(
    spec: Any, *configs: Config, platform: Platform = PLATFORM, **metadata: Any
) -> Composed:
    return compose({**METADATA, **metadata}, typed(spec), configs, platform)


def made(
    spec: Any, *configs: Config, platform: Platform = PLATFORM, **metadata: Any
) -> dict[tuple[str, str], Any]:
    """Children by kind and name, of a service whose presets are not at hand."""
    own = {"model": MODEL, **spec}
    found = compose({**METADATA, **metadata}, typed(own), configs, platform)
    assert not found.failures
    objects = children({**METADATA, **metadata}, found.spec, platform)
    return {(each["kind"], each["metadata"]["name"]): each for each in objects}


def main_of(deployment: Any) -> Any:
    pod = deployment["spec"]["template"]["spec"]
    return next(each for each in pod["containers"] if each["name"] == "main")


SCHEDULER = Config(
    "kserve-config-llm-scheduler",
    "kserve",
    yml(
        """
router:
  scheduler:
    pool:
      spec:
        endpointPickerRef:
          kind: Service
          name: "{{ ChildName .ObjectMeta.Name `-epp-service` }}"
          failureMode: FailOpen
        targetPorts: [{number: 8000}]
    annotations: {app.kubernetes.io/version: 0.10.0}
    template:
      containers:
        - name: main
          image: epp:v0.10.0
          command:
            - /app/epp
            - '{{ if .GlobalConfig.EnableTLS }}--secure-serving=true{{- end }}'
          ports:
            - {name: grpc, containerPort: 9002, protocol: TCP}
            - {name: metrics, containerPort: 9090, protocol: TCP}
"""
    ),
)
BY_MODEL = {
    "type": "Exact",
    "name": "{{ .GlobalConfig.ModelBasedRoutingHeaderName }}",
    "value": "publishers/{{ .ObjectMeta.Namespace }}/models/{{ .Spec.Model.Name }}",
}


def rule(name: str, **match: Any) -> Any:
    """A rule of KServe's route: one match, to the pool."""
    pool = {
        "group": "inference.networking.k8s.io",
        "kind": "InferencePool",
        "name": "{{ ChildName .ObjectMeta.Name `-inference-pool` }}",
        "port": 8000,
        "weight": 1,
    }
    return {"name": name, "backendRefs": [pool], "matches": [match]}


PREFIX = {"type": "PathPrefix", "value": "/{{ .ObjectMeta.Namespace }}/{{ .ObjectMeta.Name }}"}
COMPLETIONS = {"type": "Exact", "value": "/v1/completions"}
GATEWAY = {
    "group": "gateway.networking.k8s.io",
    "kind": "Gateway",
    "name": "{{ .GlobalConfig.IngressGatewayName }}",
}
RULES = [
    rule("v1-path", path=PREFIX),
    rule("v1-model-routing", path=COMPLETIONS, headers=[BY_MODEL]),
    rule("v1-catch-all-model-routing", headers=[BY_MODEL]),
]
ROUTE = Config(
    "kserve-config-llm-router-route",
    "kserve",
    {"router": {"route": {"http": {"spec": {"parentRefs": [GATEWAY], "rules": RULES}}}}},
)


def test_c01_what_an_override_does_not_say_stays_and_lists_without_a_key_are_replaced() -> None:
    base = yml(
        """
replicas: 1
template:
  initContainers: [{name: storage-initializer, image: X, resources: {requests: {storage: 1Mi}}}]
  containers: [{name: kserve-container, image: base:0.1, resources: {limits: {cpu: 1}}}]
  tolerations: [{key: team, value: a}]
"""
    )
    override = yml(
        """
replicas: 2
template:
  initContainers: [{name: storage-initializer, resources: {requests: {memory: 1Gi}}}]
  containers: [{name: kserve-container, workingDir: /}]
  tolerations: [{key: other, value: b}]
"""
    )
    found = layered(base, override)
    assert found["replicas"] == 2
    assert found["template"]["initContainers"] == [
        {
            "name": "storage-initializer",
            "image": "X",
            "resources": {"requests": {"storage": "1Mi", "memory": "1Gi"}},
        }
    ]
    assert found["template"]["containers"][0]["image"] == "base:0.1"
    assert found["template"]["tolerations"] == [{"key": "other", "value": "b"}]


def test_c02_new_variables_float_to_the_front_and_an_empty_one_clears_nothing() -> None:
    base = yml(
        """
worker:
  containers:
    - name: main
      resources: {requests: {cpu: 1, nvidia.com/gpu: 1}, limits: {nvidia.com/gpu: 1}}
      env: [{name: a, value: "1"}, {name: z, value: "42"}]
      args: [a, b]
"""
    )
    override = yml(
        """
worker:
  containers:
    - name: main
      resources: {requests: {memory: 1Gi}, limits: {cpu: 2}}
      env: [{name: b, value: "2"}, {name: z, value: ""}]
      args: [x, y]
"""
    )
    main = layered(base, override, {})["worker"]["containers"][0]
    assert main["resources"] == {
        "requests": {"cpu": "1", "nvidia.com/gpu": "1", "memory": "1Gi"},
        "limits": {"nvidia.com/gpu": "1", "cpu": "2"},
    }
    assert main["env"] == [
        {"name": "b", "value": "2"},
        {"name": "a", "value": "1"},
        {"name": "z", "value": "42"},
    ]
    assert main["args"] == ["x", "y"]


def test_c03_new_containers_come_first_and_an_empty_list_clears_nothing() -> None:
    base = {
        "replicas": 2,
        "template": {
            "containers": [{"name": "busybox"}],
            "initContainers": [{"name": "busybox-sidecar"}],
        },
    }
    override = {"template": {"containers": [{"name": "busybox-2"}], "initContainers": []}}
    found = layered(base, override, {})
    assert [each["name"] for each in found["template"]["containers"]] == ["busybox-2", "busybox"]
    assert found["template"]["initContainers"] == [{"name": "busybox-sidecar"}]
    assert found["replicas"] == 2


def test_c04_empty_structs_say_that_something_is_wanted() -> None:
    override = {"router": {"scheduler": {"pool": {"spec": {"targetPorts": [{"number": 9999}]}}}}}
    found = layered({"router": ROUTED}, override)["router"]
    assert found["route"] == {}
    assert found["gateway"] == {}
    assert found["scheduler"]["pool"]["spec"]["targetPorts"] == [{"number": 9999}]


@pytest.mark.parametrize("below", [{"x": "x"}, {}])
def test_c05_labels_of_a_pool_merge(below: dict[str, str]) -> None:
    above = {"llm-pool": "qwen2-7b", "kserve.io/component": "workload"}

    def pool(labels: dict[str, str]) -> Any:
        selector = {"matchLabels": labels}
        return {"router": {"scheduler": {"pool": {"spec": {"selector": selector}}}}}

    found = layered(pool(below), pool(above))
    spec = found["router"]["scheduler"]["pool"]["spec"]
    assert spec["selector"]["matchLabels"] == {**below, **above}


def test_c06_a_pool_without_a_selector_takes_the_pods_of_its_service() -> None:
    found = composed({"router": {"scheduler": {}}, "template": MAIN}, SCHEDULER)
    assert found.spec["router"]["scheduler"]["pool"]["spec"]["selector"]["matchLabels"] == {
        "app.kubernetes.io/part-of": "llminferenceservice",
        "app.kubernetes.io/name": "llama",
        "kserve.io/component": "workload",
    }


def test_c07_an_unset_value_never_overrides_and_zero_replicas_do() -> None:
    layers = [
        {"model": {"uri": "hf://a", "name": "n"}, "replicas": 0},
        {"model": {"uri": "hf://b"}},
        {"model": {"uri": ""}},
    ]
    found = layered(*layers)
    assert found == {"model": {"uri": "hf://b", "name": "n"}, "replicas": 0}


def test_a_name_of_a_config_beats_that_of_the_service() -> None:
    """The pass that chooses presets lays configurations over the service, and keeps the name."""
    config = Config("named", "llm", {"model": {"name": "theirs", "uri": "hf://a/b"}})
    found = composed(
        {"model": {"name": "ours", "uri": ""}, "baseRefs": [{"name": "named"}]}, config
    )
    assert found.spec["model"]["name"] == "theirs"


@pytest.mark.parametrize(
    "text",
    [
        "{{ .Spec.Nothing }}",
        "{{ if }}",
        "{{ .GlobalConfig.NonExistentConfig.SomeField }}",
        "{{ .GlobalConfig.CredentialConfig.S3 }}",
        "{{ .GlobalConfig.StorageConfig.Image }}",
    ],
)
def test_c08_a_template_that_reaches_nothing_is_an_error(text: str) -> None:
    found = composed({"model": MODEL, "template": {"hostname": text}})
    assert [each.path for each in found.failures] == [("template", "hostname")]


def test_c08_a_name_is_made_by_a_template() -> None:
    text = "{{ ChildName .ObjectMeta.Name `-x` }}"
    found = composed({"model": MODEL, "template": {"hostname": text}})
    assert found.spec["template"]["hostname"] == "llama-x"


@pytest.mark.parametrize(
    ("pod", "seconds"),
    [({}, 40), ({"terminationGracePeriodSeconds": 120}, 100), (None, 40)],
)
def test_c09_a_server_stops_before_its_pod_does(pod: Any, seconds: int) -> None:
    spec = {"worker": pod, "template": {"hostname": "{{ shutdownTimeout .Spec.Worker 15 }}"}}
    found, failures = evaluate(spec, METADATA, {})
    assert not failures
    assert found["template"]["hostname"] == str(seconds)


def test_c10_the_flag_of_offloading_survives_the_shell() -> None:
    script = 'KV_TRANSFER_ARGS="{{ kvTransferConfig .Spec.KVCacheOffloading }}"\n'
    script += 'eval "set -- $KV_TRANSFER_ARGS"; printf %s "$2"'
    spec = {
        "kvCacheOffloading": {"cpu": "10Gi", "evictionPolicy": "lru"},
        "template": {"hostname": script},
    }
    found, failures = evaluate(spec, METADATA, {})
    assert not failures
    words = ["bash", "-c", found["template"]["hostname"]]
    told = json.loads(subprocess.run(words, capture_output=True, check=True, text=True).stdout)
    assert told["kv_connector"] == "OffloadingConnector"
    assert told["kv_role"] == "kv_both"
    extra = told["kv_connector_extra_config"]
    assert extra["spec_name"] == "TieringOffloadingSpec"
    assert extra["eviction_policy"] == "lru"
    assert extra["cpu_bytes_to_use"] == 10 * 2**30


@pytest.mark.parametrize(("platform", "word"), [(TLS, "--secure-serving=true"), (PLATFORM, "")])
def test_c11_flags_of_tls_come_with_tls(platform: Platform, word: str) -> None:
    """Without it KServe leaves an empty word, which the picker tolerates."""
    found = composed({"router": {"scheduler": {}}, "template": MAIN}, SCHEDULER, platform=platform)
    main = found.spec["router"]["scheduler"]["template"]["containers"][0]
    assert main["command"] == ["/app/epp", word]


def test_c12_a_sidecar_is_told_the_pool_by_namespace_and_name() -> None:
    text = "--inference-pool={{ .GlobalConfig.InferencePoolNamespacedName }}"
    found = composed({"model": MODEL, "template": {"hostname": text}})
    assert found.spec["template"]["hostname"] == "--inference-pool=llm/llama-inference-pool"


def test_c13_a_service_of_references_alone() -> None:
    configs = [
        Config("model-fb-opt-125m", "llm", {"model": {"uri": "hf://facebook/opt-125m"}}),
        Config("router-managed", "llm", {"router": ROUTED}),
        Config("workload-single-cpu", "llm", {"template": MAIN}),
    ]
    refs = {"baseRefs": [{"name": each.name} for each in configs]}
    found = compose(METADATA, refs, [*configs, SCHEDULER, ROUTE], PLATFORM)
    assert [each.name for each in found.layers] == [
        "kserve-config-llm-scheduler",
        "kserve-config-llm-router-route",
        "kserve-config-llm-template",
        "model-fb-opt-125m",
        "router-managed",
        "workload-single-cpu",
        "llama",
    ]
    assert found.missing == ("kserve-config-llm-template",)
    objects = children(METADATA, found.spec, PLATFORM)
    kinds = [each["kind"] for each in objects]
    assert kinds.count("HTTPRoute") == 1
    assert kinds.count("Deployment") == 2
    deployment = next(each for each in objects if each["metadata"]["name"] == "llama-kserve")
    assert main_of(deployment)["image"] == "vllm:v1"
    assert "replicas" not in deployment["spec"]


def test_c14_a_group_of_pods_beside_a_single_one() -> None:
    spec = {
        "replicas": 2,
        "parallelism": {"data": 4, "dataLocal": 1, "tensor": 3},
        "template": MAIN,
        "worker": MAIN,
        "prefill": {"template": MAIN},
        "router": {"route": {}, "gateway": {}},
    }
    found = made(spec)
    group = found["LeaderWorkerSet", "llama-kserve-mn"]["spec"]
    assert group["replicas"] == 2
    assert group["leaderWorkerTemplate"]["size"] == 4
    labels = group["leaderWorkerTemplate"]["leaderTemplate"]["metadata"]["labels"]
    assert labels["kserve.io/component"] == "workload"
    assert labels["llm-d.ai/role"] == "decode"
    assert ("Deployment", "llama-kserve-prefill") in found
    assert not any(kind == "InferencePool" for kind, _ in found)


ADAPTERS = [{"name": "b", "uri": "hf://o/b"}, {"name": "a", "uri": "hf://o/a"}]


def words_of_adapters(**limits: int) -> list[str]:
    model = {**MODEL, "lora": {"adapters": ADAPTERS, **limits}}
    pod = {"containers": [{"name": "main", "image": "v", "args": ["--user-flag"]}]}
    return list(
        main_of(made({"model": model, "template": pod})["Deployment", "llama-kserve"])["args"]
    )


def test_c15_adapters_are_told_by_name_and_by_publisher() -> None:
    words = words_of_adapters(maxRank=64, maxAdapters=2, maxCpuAdapters=4)
    assert words[:5] == [
        "--enable-lora",
        "--max-lora-rank=64",
        "--max-loras=2",
        "--max-cpu-loras=4",
        "--lora-modules",
    ]
    told = [json.loads(each.strip("'")) for each in words[5:-1]]
    assert [each["name"] for each in told] == [
        "a",
        "publishers/llm/models/a",
        "b",
        "publishers/llm/models/b",
    ]
    assert words[-1] == "--user-flag"


def test_c15_limits_that_are_not_set_are_not_told() -> None:
    assert words_of_adapters()[:2] == ["--enable-lora", "--lora-modules"]


@pytest.mark.parametrize(
    ("name", "folder"), [("a/b", "a-b"), ("@@@", "---"), ("", "adapter"), ("..", "adapter")]
)
def test_c15_a_folder_of_an_adapter_has_no_odd_letters(name: str, folder: str) -> None:
    from modelmill.importers.llmisvc.children.storage import sanitized

    assert sanitized(name) == folder


def config_of(found: dict[tuple[str, str], Any]) -> Any:
    words = main_of(found["Deployment", "llama-kserve-router-scheduler"])["args"]
    return yml(words[words.index("--config-text") + 1])


@pytest.mark.parametrize("prefill", [False, True])
@pytest.mark.parametrize("lora", [False, True])
def test_c16_the_default_of_the_picker(prefill: bool, lora: bool) -> None:
    model = {**MODEL, **({"lora": {"adapters": ADAPTERS}} if lora else {})}
    spec: Any = {"model": model, "router": {"scheduler": {}}, "template": MAIN}
    if prefill:
        spec["prefill"] = {"template": MAIN}
    config = config_of(made(spec, SCHEDULER))
    types = [each["type"] for each in config["plugins"]]
    assert ("disagg-profile-handler" in types) is prefill
    assert ("no-hit-lru-scorer" in types) is not prefill
    names = [each["name"] for each in config["schedulingProfiles"]]
    assert names == (["prefill", "decode"] if prefill else ["default"])
    for profile in config["schedulingProfiles"]:
        scored = [each for each in profile["plugins"] if "weight" in each]
        affinity = {"pluginRef": "lora-affinity-scorer", "weight": 4}
        assert (scored[0] == affinity) is lora


def inline(*plugins: Any, refs: list[str]) -> Any:
    config = {
        "plugins": list(plugins),
        "schedulingProfiles": [
            {"name": "default", "plugins": [{"pluginRef": each} for each in refs]}
        ],
    }
    return {"router": {"scheduler": {"config": {"inline": config}}}, "template": MAIN}


def test_c17_a_scorer_of_precise_prefixes_becomes_a_producer_and_a_scorer() -> None:
    old = "precise-prefix-cache-scorer"
    spec = inline(
        {"type": "queue-scorer"},
        {"type": old, "parameters": {"x": 1}},
        {"type": "max-score-picker"},
        refs=["queue-scorer", old, "max-score-picker"],
    )
    config = config_of(made(spec, SCHEDULER))
    assert [each["type"] for each in config["plugins"]] == [
        "queue-scorer",
        "token-producer",
        "precise-prefix-cache-producer",
        "prefix-cache-scorer",
        "max-score-picker",
    ]
    refs = [each["pluginRef"] for each in config["schedulingProfiles"][0]["plugins"]]
    assert refs == ["queue-scorer", "prefix-cache-scorer", "max-score-picker"]


@pytest.mark.parametrize(("threshold", "tokens"), [(0, None), (1, 1), (5, 2), (100, 25)])
def test_c18_a_threshold_in_letters_becomes_one_in_tokens(
    threshold: int, tokens: int | None
) -> None:
    handler = {"type": "pd-profile-handler", "parameters": {"threshold": threshold}}
    decider, now = config_of(made(inline(handler, refs=[]), SCHEDULER))["plugins"]
    assert now["type"] == "disagg-profile-handler"
    assert now["parameters"]["deciders"]["prefill"] == decider["type"]
    if tokens is None:
        assert decider == {"type": "always-disagg-pd-decider"}
    else:
        assert decider["parameters"] == {"nonCachedTokens": tokens}


def test_c19_a_scaler_goes_by_what_the_variant_autoscaler_wants() -> None:
    scaling = {"maxReplicas": 5, "wva": {"hpa": {}, "variantCost": "10.0"}}
    spec = {
        "template": MAIN,
        "scaling": scaling,
        "prefill": {"template": MAIN, "scaling": {**scaling}},
    }
    found = made(spec)
    for name, target in (
        ("llama-kserve-hpa", "llama-kserve"),
        ("llama-kserve-prefill-hpa", "llama-kserve-prefill"),
    ):
        hpa = found["HorizontalPodAutoscaler", name]
        assert hpa["spec"]["scaleTargetRef"]["name"] == target
        assert (hpa["spec"]["minReplicas"], hpa["spec"]["maxReplicas"]) == (1, 5)
        external = hpa["spec"]["metrics"][0]["external"]
        assert external["metric"]["name"] == "wva_desired_replicas"
        assert external["metric"]["selector"]["matchLabels"] == {"variant_name": name}
        assert hpa["metadata"]["annotations"]["llm-d.ai/managed"] == "true"
        assert hpa["metadata"]["annotations"]["llm-d.ai/model-id"] == "llama-3"


def test_c20_keda_asks_the_platforms_prometheus_with_its_credentials() -> None:
    prometheus = {
        "url": "https://prometheus:9090",
        "authModes": "bearer",
        "triggerAuthName": "prom",
        "triggerAuthKind": "ClusterTriggerAuthentication",
    }
    platform = PLATFORM._replace(prometheus=prometheus)
    spec = {"template": MAIN, "scaling": {"maxReplicas": 5, "wva": {"keda": {}}}}
    scaled = made(spec, platform=platform)["ScaledObject", "llama-kserve-keda"]
    (trigger,) = scaled["spec"]["triggers"]
    assert trigger["metadata"]["authModes"] == "bearer"
    assert trigger["authenticationRef"] == {"name": "prom", "kind": "ClusterTriggerAuthentication"}
    assert trigger["metadata"]["query"] == (
        'wva_desired_replicas{variant_name="llama-kserve-keda",exported_namespace="llm"}'
    )


def test_c20_triggers_of_a_user_are_taken_word_for_word() -> None:
    trigger = {"type": "cron", "metadata": {"start": "0 8 * * *", "desiredReplicas": "3"}}
    spec = {
        "template": MAIN,
        "worker": MAIN,
        "parallelism": {"data": 2, "dataLocal": 1},
        "scaling": {"maxReplicas": 5, "keda": {"triggers": [trigger], "idleReplicaCount": 0}},
    }
    scaled = made(spec)["ScaledObject", "llama-kserve-keda"]
    assert scaled["spec"]["triggers"] == [trigger]
    assert scaled["spec"]["idleReplicaCount"] == 0
    assert scaled["spec"]["scaleTargetRef"]["kind"] == "LeaderWorkerSet"
    assert "annotations" not in scaled["metadata"]


def test_c22_weights_on_a_claim_are_mounted() -> None:
    model = {**MODEL, "uri": "pvc://facebook-models/opt-125m"}
    pod = made({"model": model, "template": MAIN})["Deployment", "llama-kserve"]["spec"]["template"]
    assert pod["spec"]["volumes"] == [
        {"name": "kserve-pvc-source", "persistentVolumeClaim": {"claimName": "facebook-models"}}
    ]
    assert pod["spec"]["containers"][0]["volumeMounts"] == [
        {
            "name": "kserve-pvc-source",
            "mountPath": "/mnt/models",
            "readOnly": True,
            "subPath": "opt-125m",
        }
    ]
    assert "initContainers" not in pod["spec"]


@pytest.mark.parametrize(
    ("tier", "volume", "mount"),
    [
        ({"emptyDir": {"size": "100Gi"}}, {"emptyDir": {"sizeLimit": "100Gi"}}, {}),
        (
            {"pvc": {"spec": {"storageClassName": "fast-nvme"}}},
            {"ephemeral": {"volumeClaimTemplate": {"spec": {"storageClassName": "fast-nvme"}}}},
            {},
        ),
        (
            {"pvc": {"ref": {"name": "shared-kv-cache-pvc", "path": "kv/"}}},
            {"persistentVolumeClaim": {"claimName": "shared-kv-cache-pvc"}},
            {"subPath": "kv/"},
        ),
    ],
)
def test_c23_each_further_tier_is_a_volume(tier: Any, volume: Any, mount: Any) -> None:
    model = {**MODEL, "uri": "pvc://m"}
    offloading = {"cpu": "10Gi", "secondary": [{"fileSystem": tier}]}
    found = made({"model": model, "template": MAIN, "kvCacheOffloading": offloading})
    pod = found["Deployment", "llama-kserve"]["spec"]["template"]["spec"]
    assert pod["volumes"][-1] == {"name": "kv-cache-secondary-0", **volume}
    expected = {"name": "kv-cache-secondary-0", "mountPath": "/mnt/kv-cache-0", **mount}
    assert pod["containers"][0]["volumeMounts"][-1] == expected


def test_c24_devices_are_claimed_by_annotations() -> None:
    prefix = "serving.kserve.io/exp-dra-"
    noted = {
        f"{prefix}device-class": "gpu.nvidia.com",
        f"{prefix}device-count": "2",
        f"{prefix}cel-selector": "a\nb",
        f"{prefix}container-name": "main",
    }
    found = made({"template": MAIN}, annotations=noted)
    (request,) = found["ResourceClaimTemplate", "llama-managed-dra"]["spec"]["spec"]["devices"][
        "requests"
    ]
    assert request["exactly"]["deviceClassName"] == "gpu.nvidia.com"
    assert request["exactly"]["count"] == 2
    assert [each["cel"]["expression"] for each in request["exactly"]["selectors"]] == ["a", "b"]
    pod = found["Deployment", "llama-kserve"]["spec"]["template"]["spec"]
    assert pod["resourceClaims"][0]["name"] == "managed-device"
    assert pod["containers"][0]["resources"]["claims"] == [{"name": "managed-device"}]


def route_of(spec: Any, *configs: Config, **metadata: Any) -> Any:
    found = made({"template": MAIN, **spec}, *configs, ROUTE, **metadata)
    return found["HTTPRoute", "llama-kserve-route"]["spec"]


def test_c25_without_a_picker_routes_lead_to_the_service() -> None:
    rules = route_of({"router": {"route": {}}})["rules"]
    targets = [each for rule in rules for each in rule["backendRefs"]]
    assert {(t["group"], t["kind"], t["name"]) for t in targets} == {
        ("", "Service", "llama-kserve-workload-svc")
    }


def test_c26_a_gateways_section_is_kept_and_no_namespace_is_made_up() -> None:
    refs = [{"name": "gw", "sectionName": "https"}]
    route = route_of({"router": {"route": {}, "gateway": {"refs": refs}}})
    assert route["parentRefs"] == [
        {
            "group": "gateway.networking.k8s.io",
            "kind": "Gateway",
            "name": "gw",
            "sectionName": "https",
        }
    ]


def test_c27_without_the_annotation_rules_by_header_go() -> None:
    rules = route_of({"router": {"route": {}}})["rules"]
    assert [each["name"] for each in rules] == ["v1-path", "v1-model-routing"]
    assert rules[1]["matches"] == [{"path": {"type": "Exact", "value": "/v1/completions"}}]


def test_c27_with_it_each_adapter_has_its_own_match() -> None:
    model = {**MODEL, "lora": {"adapters": ADAPTERS}}
    noted = {"serving.kserve.io/model-based-routing-enabled": "true"}
    rules = route_of({"model": model, "router": {"route": {}}, "annotations": noted})["rules"]
    values = [match["headers"][0]["value"] for match in rules[1]["matches"]]
    assert values == [f"publishers/llm/models/{name}" for name in ("llama-3", "a", "b")]
    assert len(rules) == 3


def test_c28_a_route_of_the_users_own_and_one_that_exists() -> None:
    own = {"rules": [{"name": "mine", "backendRefs": [{"name": "x", "port": 80}]}]}
    found = made({"template": MAIN, "router": {"route": {"http": {"spec": own}}}})
    assert found["HTTPRoute", "llama-kserve-route"]["spec"]["rules"] == own["rules"]
    refs = {"refs": [{"name": "theirs"}]}
    found = made({"template": MAIN, "router": {"route": {"http": refs}}})
    assert not any(kind == "HTTPRoute" for kind, _ in found)


def test_c29_labels_of_a_workload_win_on_pods_and_not_in_selectors() -> None:
    spec = {
        "template": MAIN,
        "labels": {"app.kubernetes.io/name": "shared"},
        "annotations": {"serving.kserve.io/model-based-routing-enabled": "true", "a": "b"},
    }
    found = made(spec)
    pod = found["Deployment", "llama-kserve"]["spec"]["template"]["metadata"]
    assert pod["labels"]["app.kubernetes.io/name"] == "shared"
    assert pod["annotations"] == {"a": "b"}
    service = found["Service", "llama-kserve-workload-svc"]
    assert service["spec"]["selector"]["app.kubernetes.io/name"] == "llama"


def test_c31_queues_are_told_on_workloads_and_pods() -> None:
    labels = {"kueue.x-k8s.io/queue-name": "gpu", "team": "search"}
    deployment = made({"template": MAIN}, labels=labels)["Deployment", "llama-kserve"]
    for place in (deployment["metadata"], deployment["spec"]["template"]["metadata"]):
        assert place["labels"]["kueue.x-k8s.io/queue-name"] == "gpu"
        assert "team" not in place["labels"]


def test_a_stopped_service_has_no_children() -> None:
    assert made({"template": MAIN}, annotations={"serving.kserve.io/stop": "True"}) == {}


@pytest.mark.parametrize(
    ("parent", "suffix", "name"),
    [
        (
            "llm-inference-service-deepseek-r1-0528-prefill-decode-eu",
            "-kserve",
            "llm-inference-service-deepseek-r1-0528-prefill-decode-eu-kserve",
        ),
        (
            "llm-inference-service-deepseek-r1-0528-prefill-decode-eu",
            "-kserve-workload-svc",
            "llm-inferencf1bc113452cb357a1b64032140db47a-kserve-workload-svc",
        ),
        (
            "lora-pvc-",
            "my-very-long-adapter-name-with-many-words-in-it-and-more-v1",
            "lora-pvc-4d37f5544ada03aedb17e482621a4adcmy-very-long-adapter-n",
        ),
    ],
)
def test_names_of_children(parent: str, suffix: str, name: str) -> None:
    assert child_name(parent, suffix) == name


def test_composing_changes_nothing_it_is_given() -> None:
    spec = {"model": MODEL, "template": MAIN, "router": {"scheduler": {}, "route": {}}}
    before = copy.deepcopy((spec, SCHEDULER, ROUTE))
    made(spec, SCHEDULER, ROUTE)
    assert (spec, SCHEDULER, ROUTE) == before
