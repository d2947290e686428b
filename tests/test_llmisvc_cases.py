"""KServe's LLMInferenceService, case by case: what its tests assert of composition and of objects,
said in modelmill and compiled.

Each test is named by the number of a case (C1 to C32), and its docstring says how the two compare:
`equal`, or `better` and how. Names and labels of objects are modelmill's own; asserted is what they
mean. Left out, as they are of a controller's life and not of objects:

C21  an object of a scaler that is no longer wanted is deleted: a GitOps controller prunes what is
     no longer generated
C30  an update that changes the size of a LeaderWorkerSet is refused by admission; a compiler sees
     no live object
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from support import (
    PROJECT,
    ROOT,
    Ran,
    compiled,
    model,
    overlay,
    preset,
    run,
    texts_below,
    write_files,
)

BASE = preset(
    "base",
    """
    engine: {type: vllm, version: v0.26.0, image: "vllm:v0.26.0"}
    accelerator: {name: h100, resource: nvidia.com/gpu, perNode: 8}
    """,
)
PICKER = preset(
    "picker",
    """
    routing:
      scheduler:
        config:
          name: own
          plugins: {single-profile-handler: {}, queue-scorer: {}, max-score-picker: {}}
          schedulingProfiles:
            default: {plugins: {queue-scorer: {weight: 1}, max-score-picker: {}}}
    """,
)
GATEWAY = preset("gateway", "routing: {gateway: {name: inference-gateway}}")
Objects = dict[tuple[str, str], Any]


def repository(
    root: Path, spec: str, extends: str, presets: Mapping[str, str], environment: str
) -> Path:
    own = {f"presets/own/{name}.yaml": text for name, text in presets.items()}
    texts = {
        "modelmill.yaml": PROJECT,
        "presets/own/base.yaml": BASE,
        "presets/own/picker.yaml": PICKER,
        "presets/own/gateway.yaml": GATEWAY,
        "models/svc.yaml": model("svc", spec, extends),
        "overlays/prod/environment.yaml": overlay("prod", environment),
        **own,
    }
    return write_files(root, texts)


def objects(
    root: Path,
    spec: str,
    *,
    extends: str = "[base]",
    environment: str = "",
    presets: Mapping[str, str] | None = None,
) -> Objects:
    """What the model `svc` compiles to in `prod`, by kind and name."""
    ran = run(
        repository(root, spec, extends, presets or {}, environment), "render", "svc", "-e", "prod"
    )
    assert ran.status == 0, ran.stderr
    return by_identity(ran)


def by_identity(ran: Ran) -> Objects:
    bodies = yaml.load_all(ran.stdout, yaml.CSafeLoader)
    return {(body["kind"], body["metadata"]["name"]): body for body in bodies}


def library(root: Path, spec: str, extends: str) -> Objects:
    """The same, over this repository's own presets."""
    shutil.copytree(ROOT / "presets", root / "presets")
    return objects(root, spec, extends=extends)


def linted(root: Path, spec: str, *, extends: str = "[base]") -> str:
    return run(repository(root, spec, extends, {}, ""), "lint").stderr


def pod_of(found: Objects, role: str) -> Any:
    """The pod of a role that takes requests."""
    workload = found.get(("Deployment", f"svc-{role}")) or found["LeaderWorkerSet", f"svc-{role}"]
    if workload["kind"] == "Deployment":
        return workload["spec"]["template"]["spec"]
    return workload["spec"]["leaderWorkerTemplate"]["leaderTemplate"]["spec"]


def named(items: list[Any], name: str) -> Any:
    (found,) = (each for each in items if each["name"] == name)
    return found


def engine(found: Objects, role: str) -> Any:
    return named(pod_of(found, role)["containers"], "modelserver")


def values(items: list[Any]) -> dict[str, Any]:
    return {each["name"]: each.get("value") for each in items}


def words(body: Any) -> list[Any]:
    """Every argument and command of every container, at any depth."""
    if isinstance(body, dict):
        own = [*body.get("args", []), *body.get("command", [])]
        return own + [word for value in body.values() for word in words(value)]
    return [word for each in body for word in words(each)] if isinstance(body, list) else []


# Composition


def test_c1_containers_merge_by_name(tmp_path: Path) -> None:
    """Equal: replicas 2, the init container keeps its image and gets the other requests. Better:
    a toleration of another key stays, one of the same key is replaced."""
    base = preset(
        "lower",
        """
        replicas: 1
        pod:
          initContainers:
            storage-initializer: {image: "x:1", resources: {requests: {ephemeral-storage: 1Mi}}}
          containers: {helper: {image: "base:0.1", resources: {requests: {cpu: 1}}}}
          tolerations: {team: {operator: Equal, value: a}, spot: {operator: Exists}}
        """,
    )
    spec = """
    replicas: 2
    pod:
      initContainers: {storage-initializer: {resources: {requests: {cpu: 2}}}}
      containers: {helper: {args: [--verbose]}}
      tolerations: {team: {value: b}}
    roles: {decode: {}}
    """
    found = objects(tmp_path, spec, extends="[base, lower]", presets={"lower": base})
    assert found["Deployment", "svc-decode"]["spec"]["replicas"] == 2
    pod = pod_of(found, "decode")
    init = named(pod["initContainers"], "storage-initializer")
    assert (init["image"], set(init["resources"]["requests"])) == (
        "x:1",
        {"cpu", "ephemeral-storage"},
    )
    helper = named(pod["containers"], "helper")
    assert (helper["image"], helper["args"]) == ("base:0.1", ["--verbose"])
    assert {each["key"]: each.get("value") for each in pod["tolerations"]} == {
        "team": "b",
        "spot": None,
    }


def test_c2_resources_environment_and_arguments(tmp_path: Path) -> None:
    """Equal: requests and limits merge, `argv` replaces. Better: variables keep the base's order
    with new ones after them, "" clears one, null takes one away, and flags merge by name."""
    base = preset(
        "lower",
        """
        resources: {requests: {cpu: 1}}
        engine: {env: {A: "1", Z: "42", GONE: x}, args: {max-model-len: 8192, seed: 1}}
        """,
    )
    spec = """
    resources: {requests: {memory: 1Gi}, limits: {cpu: 2}}
    engine: {env: {B: "2", Z: "", GONE: null}, args: {seed: 2}}
    roles: {decode: {}}
    """
    found = objects(tmp_path, spec, extends="[base, lower]", presets={"lower": base})
    container = engine(found, "decode")
    assert container["resources"] == {
        "requests": {"cpu": "1", "memory": "1Gi", "nvidia.com/gpu": "1"},
        "limits": {"cpu": "2", "nvidia.com/gpu": "1"},
    }
    own = {k: v for k, v in values(container["env"]).items() if k in ("A", "B", "Z", "GONE")}
    assert list(own.items()) == [("A", "1"), ("Z", ""), ("B", "2")]
    assert {"--max-model-len=8192", "--seed=2"} <= set(container["args"])
    word_for_word = "engine: {argv: [serve, --fast]}\nroles: {decode: {}}\n"
    again = objects(tmp_path, word_for_word, extends="[base, lower]", presets={"lower": base})
    assert engine(again, "decode")["args"] == ["serve", "--fast"]


def test_c3_empty_layers_change_nothing(tmp_path: Path) -> None:
    """Equal: what a layer leaves empty or out stays. Better: new containers come after the base's,
    and null takes one away."""
    lower = preset(
        "lower",
        """
        replicas: 2
        pod: {containers: {busybox: {image: "b:1"}}, initContainers: {setup: {image: "b:1"}}}
        """,
    )
    upper = preset("upper", "pod: {containers: {busybox-2: {image: 'b:2'}}, initContainers: {}}")
    layers = {"lower": lower, "upper": upper, "empty": preset("empty", "{}")}
    extends = "[base, lower, upper, empty]"
    found = objects(tmp_path, "roles: {decode: {}}\n", extends=extends, presets=layers)
    pod = pod_of(found, "decode")
    assert [each["name"] for each in pod["containers"]] == ["modelserver", "busybox", "busybox-2"]
    assert [each["name"] for each in pod["initContainers"]] == ["setup"]
    assert found["Deployment", "svc-decode"]["spec"]["replicas"] == 2
    without = "pod: {containers: {busybox: null}}\nroles: {decode: {}}\n"
    pod = pod_of(objects(tmp_path, without, extends=extends, presets=layers), "decode")
    assert [each["name"] for each in pod["containers"]] == ["modelserver", "busybox-2"]


def test_c4_one_field_of_routing_leaves_the_others(tmp_path: Path) -> None:
    """Equal: route, gateway and scheduler stay, the pool's target port is the new one."""
    spec = "routing: {port: 9999}\nroles: {decode: {}}\n"
    found = objects(tmp_path, spec, extends="[base, picker, gateway]")
    assert found["InferencePool", "svc"]["spec"]["targetPorts"] == [{"number": 9999}]
    (parent,) = found["HTTPRoute", "svc"]["spec"]["parentRefs"]
    assert parent["name"] == "inference-gateway"
    assert ("Deployment", "svc-epp") in found


@pytest.mark.parametrize("labels", ["{}", "{x: x, llm-pool: qwen2-7b}"])
def test_c5_c6_what_a_pool_selects(tmp_path: Path, labels: str) -> None:
    """Better: a selector follows from the model alone, so that no layer's label makes a pool that
    selects nothing, or another model's pods."""
    spec = f"metadata: {{labels: {labels}}}\nroles: {{decode: {{}}}}\n"
    found = objects(tmp_path, spec, extends="[base, picker]")
    selector = found["InferencePool", "svc"]["spec"]["selector"]["matchLabels"]
    assert set(selector) == {"app.kubernetes.io/instance", "llm-d.ai/inference-serving"}
    pod = found["Deployment", "svc-decode"]["spec"]["template"]["metadata"]["labels"]
    assert selector.items() <= pod.items()
    assert yaml.safe_load(labels).items() <= pod.items()


def test_c7_the_upper_layer_wins_by_what_it_says(tmp_path: Path) -> None:
    """Equal: the uri is the upper layer's, the name the lower one's; no replicas are none."""
    layers = {
        "a": preset(
            "a", "model: {name: acme/a, uri: pvc://models/a}\nroles: {decode: {replicas: 0}}"
        ),
        "b": preset("b", "model: {uri: pvc://models/b}"),
    }
    texts = {
        "models/svc.yaml": "apiVersion: modelmill.dev/v1alpha1\nkind: Model\n"
        "metadata: {name: svc}\nextends: [base, a, b]\nspec: {}\n"
    }
    root = write_files(repository(tmp_path, "roles: {decode: {}}\n", "[base]", layers, ""), texts)
    found = by_identity(run(root, "render", "svc", "-e", "prod"))
    assert found["Deployment", "svc-decode"]["spec"]["replicas"] == 0
    args = engine(found, "decode")["args"]
    assert args[0] == "/model-cache/b"
    assert "--served-model-name=acme/a" in args


REFERENCES = {
    "leads-nowhere": ("${model.parallelism}", "R304"),
    "no-reference": ("${model..name}", "R306"),
    "of-the-cluster": ("${globalConfig.credentialConfig}", "R304"),
}


@pytest.mark.parametrize(("text", "code"), REFERENCES.values(), ids=REFERENCES)
def test_c8_templates(tmp_path: Path, text: str, code: str) -> None:
    """Equal: what leads nowhere is an error. Better: a reference is a value with a place, read
    after all layers are merged, and no text that is spliced into JSON."""
    spec = "engine: {env: {NAME: '%s-x'}}\nroles: {decode: {}}\n"
    assert f"error[{code}]" in linted(tmp_path, spec % text)
    found = objects(tmp_path, spec % "${model.name}")
    assert values(engine(found, "decode")["env"])["NAME"] == "acme/svc-x"


@pytest.mark.parametrize("extends", ["vllm, single-host", "vllm, prefill-decode"])
def test_c9_an_engine_finishes_before_its_pod_is_killed(tmp_path: Path, extends: str) -> None:
    """Better: the engine itself finishes requests on SIGTERM, so that there is no preStop sleep to
    subtract; its time is ten seconds less than the pod's, in prefill as in decode."""
    role = "server: {}" if "single-host" in extends else "decode: {}, prefill: {}"
    found = library(tmp_path, f"roles: {{{role}}}\n", f"[{extends}, nvidia-h100]")
    for key in (each.partition(":")[0] for each in role.split(", ")):
        pod, told = pod_of(found, key), engine(found, key)
        (word,) = (w for w in told["args"] if w.startswith("--shutdown-timeout="))
        assert int(word.partition("=")[2]) == pod["terminationGracePeriodSeconds"] - 10
        assert "lifecycle" not in told


# Engines and sidecars


def test_c10_kv_cache_offloading_is_one_argument(tmp_path: Path) -> None:
    """Equal: OffloadingConnector, kv_both, lru, 10Gi. Better: JSON in `args`, which no shell reads
    a second time."""
    spec = """
    kvCacheOffloading: {cpu: 10Gi, evictionPolicy: lru}
    resources: {limits: {memory: 64Gi}}
    sharedMemory: 16Gi
    roles: {decode: {}}
    """
    found = objects(tmp_path, spec)
    (told,) = (w for w in engine(found, "decode")["args"] if w.startswith("--kv-transfer-config="))
    config = json.loads(told.partition("=")[2])
    extra = config["kv_connector_extra_config"]
    assert (config["kv_connector"], config["kv_role"]) == ("OffloadingConnector", "kv_both")
    assert (extra["cpu_bytes_to_use"], extra["eviction_policy"]) == (10 * 2**30, "lru")


PAIR = """
kvTransfer: {connector: nixl}
roles: {decode: {}, prefill: {}}
"""
PAIR_PICKER = """
routing:
  scheduler:
    config:
      name: pair
      plugins:
        always-disagg-pd-decider: {}
        disagg-profile-handler: {parameters: {deciders: {prefill: always-disagg-pd-decider}}}
        prefill-filter: {}
        decode-filter: {}
        max-score-picker: {}
      schedulingProfiles:
        prefill: {plugins: {prefill-filter: {}, max-score-picker: {}}}
        decode: {plugins: {decode-filter: {}, max-score-picker: {}}}
"""


@pytest.mark.parametrize("tls", [True, False])
def test_c11_c12_flags_of_tls(tmp_path: Path, tls: bool) -> None:
    """Equal: the picker serves by a certificate that it reads anew and asks pods by TLS, by which
    the sidecar proxies prefill and decode. Better: without TLS the flags are absent, where KServe
    passes `""`, and nothing mounts a certificate."""
    pair = preset("pair", PAIR_PICKER)
    routing = "routing: {tls: {secretName: svc-tls}}\n" if tls else ""
    found = objects(tmp_path, PAIR + routing, extends="[base, pair]", presets={"pair": pair})
    assert "" not in words(list(found.values()))
    picker = " ".join(words(found["Deployment", "svc-epp"]))
    sidecar = " ".join(named(pod_of(found, "decode")["initContainers"], "routing-proxy")["args"])
    assert ("--enable-cert-reload=true" in picker) is tls
    assert ("--secure-serving=true" in picker) is tls
    assert ("--cert-path=" in picker) is tls
    asked = [each.get("parameters", {}).get("scheme") for each in config_of(found)["plugins"]]
    assert ("https" in asked) is tls
    assert ("--enable-tls=prefiller,decoder" in sidecar) is tls
    assert ("--enable-tls" in sidecar) is tls
    assert f"--secure-proxy={str(tls).lower()}" in sidecar
    mounted = [each["name"] for each in pod_of(found, "decode")["volumes"] if "secret" in each]
    assert bool(mounted) is tls


def test_c13_a_model_of_presets_alone(tmp_path: Path) -> None:
    """Equal: a Deployment with the preset's image, one route, one picker. Better: what a preset
    said is in Git with the model, and compiling again writes nothing."""
    spec = "roles: {decode: {}}\n"
    root = repository(tmp_path, spec, "[base, picker, gateway]", {}, "")
    found = by_identity(run(root, "render", "svc", "-e", "prod"))
    assert engine(found, "decode")["image"] == "vllm:v0.26.0"
    assert found["Deployment", "svc-decode"]["spec"]["replicas"] == 1
    assert [kind for kind, _ in found].count("HTTPRoute") == 1
    compiled(root)
    before = texts_below(root, "generated")
    compiled(root)
    assert texts_below(root, "generated") == before


def test_c14_ranks_over_nodes_beside_a_single_prefill(tmp_path: Path) -> None:
    """Equal: groups of 4 pods for 4 ranks, one a pod, beside a Deployment of prefill; without a
    scheduler there is none. Better: a pod asks for the 3 accelerators its rank takes, and workers
    that serve no request are not behind the Service."""
    spec = """
    kvTransfer: {connector: nixl}
    roles:
      decode: {replicas: 2, parallelism: {data: 4, dataLocal: 1, tensor: 3}, worker: {}}
      prefill: {}
    """
    found = objects(tmp_path, spec, extends="[base, gateway]")
    decode = found["LeaderWorkerSet", "svc-decode"]["spec"]
    group = decode["leaderWorkerTemplate"]
    assert (decode["replicas"], group["size"]) == (2, 4)
    leader = group["leaderTemplate"]["metadata"]["labels"]
    assert leader["llm-d.ai/role"] == "decode"
    assert engine(found, "decode")["resources"]["limits"]["nvidia.com/gpu"] == "3"
    assert found["Deployment", "svc-prefill"]["spec"]["replicas"] == 1
    assert ("Deployment", "svc-epp") not in found
    selector = found["Service", "svc"]["spec"]["selector"].items()
    assert selector <= leader.items()
    assert not selector <= group["workerTemplate"]["metadata"]["labels"].items()


def test_c15_lora_adapters(tmp_path: Path) -> None:
    """Equal: `enable-lora`, the limits, and modules sorted by name beside people's own flags.
    Better: `max-lora-rank` follows from the adapters, names stand as they are, and what is on the
    hub is pinned."""
    spec = """
    model:
      name: acme/svc
      uri: hf://acme/svc
      adapters: {b: {uri: pvc://lora/b, rank: 64}, a/b: {uri: pvc://lora/a, rank: 8}}
    engine: {args: {max-loras: 2, max-cpu-loras: 4, seed: 7}}
    roles: {decode: {}}
    """
    args = engine(objects(tmp_path, spec), "decode")["args"]
    told = {"--enable-lora", "--max-lora-rank=64", "--max-loras=2", "--max-cpu-loras=4", "--seed=7"}
    assert told <= set(args)
    modules = args[args.index("--lora-modules") + 1 :][:2]
    assert [json.loads(each)["name"] for each in modules] == ["a/b", "b"]


# The endpoint picker


def config_of(found: Objects) -> Any:
    (text,) = found["ConfigMap", "svc-epp"]["data"].values()
    return yaml.safe_load(text)


def scorers(config: Any, profile: str) -> dict[str, int | None]:
    plugins = named(config["schedulingProfiles"], profile)["plugins"]
    return {each["pluginRef"]: each.get("weight") for each in plugins}


def test_c16_profiles_of_a_scheduler(tmp_path: Path) -> None:
    """Equal: queue, KV cache and prefix 2 : 2 : 3, with adapters before them 4; prefill and decode
    have a profile each. Better: a preset says so, and another profile replaces it as a whole."""
    server = "roles: {server: {}}\n"
    one = config_of(library(tmp_path / "1", server, "[vllm, nvidia-h100, single-host, load-aware]"))
    assert (
        scorers(one, "default").items()
        >= {
            "queue-scorer": 2,
            "kv-cache-utilization-scorer": 2,
            "prefix-cache-scorer": 3,
        }.items()
    )
    lora = config_of(
        library(tmp_path / "2", server, "[vllm, nvidia-h100, single-host, lora-aware]")
    )
    assert scorers(lora, "default")["lora-affinity-scorer"] == 4
    pair = config_of(library(tmp_path / "3", PAIR, "[vllm, nvidia-h100, prefill-decode]"))
    assert "prefill-filter" in scorers(pair, "prefill")
    assert "decode-filter" in scorers(pair, "decode")
    extends = "[vllm, nvidia-h100, prefill-decode, lora-affinity]"
    pair = config_of(library(tmp_path / "4", PAIR, extends))
    for profile in ("prefill", "decode"):
        assert scorers(pair, profile)["lora-affinity-scorer"] == 4


RETIRED = {"c17": "precise-prefix-cache-scorer", "c18": "pd-profile-handler"}


@pytest.mark.parametrize("plugin", RETIRED.values(), ids=RETIRED)
def test_c17_c18_plugins_of_earlier_releases(tmp_path: Path, plugin: str) -> None:
    """Better: KServe rewrites a configuration while it runs, by an annotation's version; here the
    plugins of the version set are known, and an earlier one is said where it stands."""
    spec = f"""
    routing:
      scheduler:
        config:
          name: own
          plugins: {{{plugin}: {{}}}}
          schedulingProfiles: {{default: {{plugins: {{queue-scorer: {{}}}}}}}}
    roles: {{decode: {{}}}}
    """
    said = linted(tmp_path, spec, extends="[base, picker]")
    (found,) = (line for line in said.splitlines() if "[C552]" in line)
    assert found.startswith("models/svc.yaml:")
    assert f"`{plugin}` is" in found


# Scaling

PROMETHEUS = "prometheus: {serverAddress: 'http://prometheus.monitoring.svc:9090'}\n"


def test_c19_an_hpa_by_the_variant_autoscaler(tmp_path: Path) -> None:
    """Equal: an HPA for each role from 1 to 5, by wva_desired_replicas of its own variant, the
    model's annotations and the cost that is given. Better: a cost that is not is written out, as
    the controller takes it; the workload has no replicas to argue about, the signal is asked for in
    this namespace, and its target is an AverageValue, where a Value multiplies without end."""
    pair = preset("pair", PAIR_PICKER)
    spec = PAIR.replace("prefill: {}", "prefill: {autoscaling: {variantCost: 30}}")
    spec += "autoscaling: {by: wva, maxReplicas: 5}\n"
    found = objects(
        tmp_path, spec, extends="[base, pair]", presets={"pair": pair}, environment=PROMETHEUS
    )
    for role, cost in (("decode", "10.0"), ("prefill", "30")):
        hpa = found["HorizontalPodAutoscaler", f"svc-{role}"]
        assert (hpa["spec"]["minReplicas"], hpa["spec"]["maxReplicas"]) == (1, 5)
        (metric,) = hpa["spec"]["metrics"]
        assert metric["external"]["metric"]["name"] == "wva_desired_replicas"
        selector = metric["external"]["metric"]["selector"]["matchLabels"]
        assert selector == {
            "variant_name": hpa["metadata"]["name"],
            "exported_namespace": "llm-prod",
        }
        assert metric["external"]["target"] == {"type": "AverageValue", "averageValue": "1"}
        assert hpa["metadata"]["annotations"] == {
            "llm-d.ai/managed": "true",
            "llm-d.ai/model-id": "acme/svc",
            "llm-d.ai/variant-cost": cost,
            "argocd.argoproj.io/sync-wave": "1",
        }
        assert "replicas" not in found["Deployment", f"svc-{role}"]["spec"]


def test_c20_keda_scales_groups_too(tmp_path: Path) -> None:
    """Equal: a trigger with credentials by wva, people's own triggers without its annotations, and
    a LeaderWorkerSet as the target. Better: triggers have names, so that a layer changes one."""
    roles = "roles: {decode: {parallelism: {tensor: 16}, worker: {}}}\n"
    where = """
    prometheus:
      serverAddress: 'https://prometheus.monitoring.svc:9090'
      authModes: bearer
      authentication: {name: prometheus, kind: ClusterTriggerAuthentication}
    """
    wva = "autoscaling: {by: wva, actuator: keda, maxReplicas: 5}\n"
    scaled = objects(tmp_path, wva + roles, environment=where)["ScaledObject", "svc-decode"]
    (trigger,) = scaled["spec"]["triggers"]
    asked = 'wva_desired_replicas{exported_namespace="llm-prod",variant_name="svc-decode"}'
    assert trigger["metadata"]["query"] == f"max({asked})"
    assert trigger["metadata"]["threshold"] == "1"
    assert trigger["metadata"]["authModes"] == "bearer"
    assert trigger["authenticationRef"] == {
        "name": "prometheus",
        "kind": "ClusterTriggerAuthentication",
    }
    assert scaled["spec"]["scaleTargetRef"]["kind"] == "LeaderWorkerSet"
    keda = "autoscaling: {by: keda, maxReplicas: 5, triggers: {own: {query: sum(up), target: 3}}}\n"
    scaled = objects(tmp_path, keda + roles, environment=where)["ScaledObject", "svc-decode"]
    (trigger,) = scaled["spec"]["triggers"]
    assert trigger["metadata"]["query"] == "sum(up)"
    assert not any("llm-d.ai" in key for key in scaled["metadata"].get("annotations", {}))


# Storage and devices


def test_c22_weights_on_a_claim(tmp_path: Path) -> None:
    """Equal: the claim is mounted read-only, the engine loads its folder, nothing is downloaded."""
    spec = "model: {name: opt, uri: pvc://facebook-models/opt-125m}\nroles: {decode: {}}\n"
    found = objects(tmp_path, spec)
    (volume,) = pod_of(found, "decode")["volumes"]
    assert volume["persistentVolumeClaim"] == {"claimName": "facebook-models", "readOnly": True}
    (mount,) = engine(found, "decode")["volumeMounts"]
    assert mount["readOnly"]
    assert engine(found, "decode")["args"][0] == f"{mount['mountPath']}/opt-125m"
    assert "initContainers" not in pod_of(found, "decode")


TIERS = {
    "disk-of-the-node": ("emptyDir: {size: 100Gi}", "emptyDir"),
    "claim-of-the-pod": ("claim: {size: 200Gi, storageClassName: fast-nvme}", "ephemeral"),
    "claim-that-exists": (
        "existingClaim: {name: shared-kv-cache-pvc, path: kv/}",
        "persistentVolumeClaim",
    ),
}


@pytest.mark.parametrize(("tier", "source"), TIERS.values(), ids=TIERS)
def test_c23_tiers_of_kv_cache(tmp_path: Path, tier: str, source: str) -> None:
    """Equal: a volume of each kind at a path of its own, which is the engine's root_dir. Better:
    tiers have names, and memory that the pod does not have is refused."""
    spec = f"""
    kvCacheOffloading: {{cpu: 10Gi, tiers: {{second: {{{tier}}}}}}}
    resources: {{limits: {{memory: 64Gi}}}}
    sharedMemory: 16Gi
    roles: {{decode: {{}}}}
    """
    found = objects(tmp_path, spec)
    pod, container = pod_of(found, "decode"), engine(found, "decode")
    (volume,) = (each for each in pod["volumes"] if "kv" in each["name"])
    mount = named(container["volumeMounts"], volume["name"])
    assert mount["mountPath"] in str(container["args"])
    body = volume[source]
    if source == "emptyDir":
        assert body["sizeLimit"] == "100Gi"
    elif source == "ephemeral":
        claim = body["volumeClaimTemplate"]["spec"]
        assert claim["resources"]["requests"]["storage"] == "200Gi"
        assert (claim["storageClassName"], claim["accessModes"]) == ("fast-nvme", ["ReadWriteOnce"])
    else:
        assert body["claimName"] == "shared-kv-cache-pvc"
        assert mount["subPath"].rstrip("/") == "kv"


def test_c24_devices_are_claimed(tmp_path: Path) -> None:
    """Equal: a ResourceClaimTemplate with class, count and selectors, a claim of pod and container.
    Better: the count follows from parallelism, and fields say so, not annotations."""
    spec = """
    accelerator:
      allocation: dra
      claims:
        gpu:
          requests:
            device:
              deviceClass: gpu.nvidia.com
              selectors: ['device.driver == "gpu.nvidia.com"', 'true']
    roles: {decode: {parallelism: {tensor: 2}}}
    """
    found = objects(tmp_path, spec)
    (template,) = (body for (kind, _), body in found.items() if kind == "ResourceClaimTemplate")
    (request,) = template["spec"]["spec"]["devices"]["requests"]
    exactly = request["exactly"]
    assert (exactly["deviceClassName"], exactly["count"]) == ("gpu.nvidia.com", 2)
    assert len(exactly["selectors"]) == 2
    (claim,) = pod_of(found, "decode")["resourceClaims"]
    assert claim["resourceClaimTemplateName"] == template["metadata"]["name"]
    assert engine(found, "decode")["resources"]["claims"] == [{"name": claim["name"]}]


# Routes


def backends(found: Objects) -> list[Any]:
    rules = found["HTTPRoute", "svc"]["spec"]["rules"]
    return [backend for rule in rules for backend in rule["backendRefs"]]


def test_c25_without_a_scheduler_a_route_leads_to_the_service(tmp_path: Path) -> None:
    """Equal: all backends are the Service. Better: group, kind and weight are written out, which
    the API server would add and Argo CD see as drift."""
    found = objects(tmp_path, "roles: {decode: {}}\n", extends="[base, gateway]")
    assert ("InferencePool", "svc") not in found
    for backend in backends(found):
        assert backend == {"group": "", "kind": "Service", "name": "svc", "port": 8000, "weight": 1}


def test_c26_a_listener_of_a_gateway(tmp_path: Path) -> None:
    """Equal: the section's name is there, and no namespace that was not given."""
    spec = "routing: {gateway: {name: g, sectionName: https}}\nroles: {decode: {}}\n"
    (parent,) = objects(tmp_path, spec)["HTTPRoute", "svc"]["spec"]["parentRefs"]
    assert parent["sectionName"] == "https"
    assert "namespace" not in parent


def test_c27_requests_are_told_by_their_model_if_asked(tmp_path: Path) -> None:
    """Better: header matches are what `matchModel` says, where KServe writes them into every route
    and takes them out again."""
    spec = "routing: {route: {path: /svc%s}}\nroles: {decode: {}}\n"
    plain = objects(tmp_path, spec % "", extends="[base, gateway]")
    (rule,) = plain["HTTPRoute", "svc"]["spec"]["rules"]
    assert [set(match) for match in rule["matches"]] == [{"path"}]
    asked = objects(tmp_path, spec % ", matchModel: model-name", extends="[base, gateway]")
    (rule,) = asked["HTTPRoute", "svc"]["spec"]["rules"]
    (match,) = rule["matches"]
    assert [header["value"] for header in match["headers"]] == ["acme/svc"]


def test_c28_a_route_of_ones_own(tmp_path: Path) -> None:
    """Equal: hosts, path, headers and timeout are those given; without a gateway there is no
    route."""
    spec = """
    routing:
      route: {hostnames: [llm.example.com], path: /chat, headers: {X-Team: a}, timeout: 10m}
    roles: {decode: {}}
    """
    route = objects(tmp_path, spec, extends="[base, picker, gateway]")["HTTPRoute", "svc"]["spec"]
    assert route["hostnames"] == ["llm.example.com"]
    (rule,) = route["rules"]
    (match,) = rule["matches"]
    assert match["path"] == {"type": "PathPrefix", "value": "/chat"}
    assert [(h["name"], h["value"]) for h in match["headers"]] == [("X-Team", "a")]
    assert rule["timeouts"]["request"] == "10m"
    found = objects(tmp_path, spec, extends="[base, picker]")
    assert ("HTTPRoute", "svc") not in found


# Labels and accounts


def test_c29_labels_of_pods_and_selectors_of_services(tmp_path: Path) -> None:
    """Better: a label that a selector reads cannot be overridden, where KServe's pods then leave
    their Service; others are added to pods."""
    said = linted(tmp_path, "pod: {labels: {app.kubernetes.io/name: mine}}\nroles: {decode: {}}\n")
    assert "error[C526]" in said
    found = objects(tmp_path, "pod: {labels: {team: mine}}\nroles: {decode: {}}\n")
    labels = found["Deployment", "svc-decode"]["spec"]["template"]["metadata"]["labels"]
    assert labels["team"] == "mine"
    assert found["Service", "svc"]["spec"]["selector"].items() <= labels.items()


def test_c31_labels_of_a_queue(tmp_path: Path) -> None:
    """Equal: on Deployment and pod. Better: never in the Deployment's selector."""
    spec = """
    metadata:
      labels: {kueue.x-k8s.io/queue-name: gpus}
      annotations: {kueue.x-k8s.io/pod-group-name: g}
    roles: {decode: {}}
    """
    workload = objects(tmp_path, spec)["Deployment", "svc-decode"]
    for metadata in (workload["metadata"], workload["spec"]["template"]["metadata"]):
        assert metadata["labels"]["kueue.x-k8s.io/queue-name"] == "gpus"
        assert metadata["annotations"]["kueue.x-k8s.io/pod-group-name"] == "g"
    assert "kueue.x-k8s.io/queue-name" not in workload["spec"]["selector"]["matchLabels"]


def test_c32_pull_secrets_of_every_pod(tmp_path: Path) -> None:
    """Better: an environment says its pull secrets once, for pods of leaders and workers alike,
    where KServe copies what the namespace's default account had that day."""
    spec = "roles: {decode: {parallelism: {tensor: 16}, worker: {}}}\n"
    secrets = "pod: {imagePullSecrets: {regcred: {}}}\n"
    group = objects(tmp_path, spec, environment=secrets)["LeaderWorkerSet", "svc-decode"]
    for part in ("leaderTemplate", "workerTemplate"):
        pod = group["spec"]["leaderWorkerTemplate"][part]["spec"]
        assert pod["imagePullSecrets"] == [{"name": "regcred"}]
