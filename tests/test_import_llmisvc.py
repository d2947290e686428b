"""LLMInferenceServices as Models: what is taken over, and that it comes out the same."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from modelmill import yamltext
from modelmill.importers.llmisvc.comparing import differences
from modelmill.importers.llmisvc_import import Request, import_services
from modelmill.importers.llmisvc_proof import made_of
from modelmill.importers.writing import Imported
from modelmill.spec.documents import Paths
from support import HEAD, PROJECT, ROOT, inputs_of, run, write_files

SERVICE = "LLMInferenceService"
OVERLAY = HEAD + "Overlay\nmetadata: {name: kserve}\nnamespace: llm\ntarget: kserve\n"
TARGET = {"overlays/kserve/environment.yaml": OVERLAY}


def model_file(name: str, spec: Mapping[str, Any], **more: Any) -> dict[str, str]:
    """A Model of plain data, in an environment of KServe's target."""
    tree = {
        "apiVersion": "modelmill.dev/v1alpha1",
        "kind": "Model",
        "metadata": {"name": name},
        **more,
        "spec": spec,
    }
    return {f"models/{name}.yaml": yamltext.dump(tree), **TARGET}


def made(files: Mapping[str, str]) -> Any:
    found = made_of(files)
    assert found.spec is not None, found.found
    return found


def imported(service: Any, *beside: Any, name: str = "service.yaml") -> Imported:
    """What comes of resources as plain data."""
    text = "---\n".join(yamltext.dump(each) for each in (service, *beside))
    files = [(name, text.encode())]
    return import_services(Request(files, [], "llm", Paths(), environment=None))


def resource(name: str, spec: Any, **metadata: Any) -> dict[str, Any]:
    head = {"apiVersion": "serving.kserve.io/v1alpha2", "kind": SERVICE}
    return {**head, "metadata": {"name": name, "namespace": "llm", **metadata}, "spec": spec}


def model_of(found: Imported, name: str) -> Any:
    return yaml.safe_load(found.files[f"models/{name}.yaml"])


def emitted(files: Mapping[str, str], name: str) -> dict[str, Any]:
    """The resource as it is written, of a compile that must succeed."""
    found = made(files)
    return resource(name, found.spec, labels=found.metadata.get("labels", {}))


GUIDE = ROOT / "docs" / "import-llmisvc.md"
_shown = re.compile(r"`(\S+)`:\n\n```yaml\n(.*?)```\n", re.DOTALL)


def test_the_guides_example_prints_what_it_says(
    tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    text = GUIDE.read_text(encoding="utf-8")
    files = dict(_shown.findall(text))
    write_files(tmp_path, {"modelmill.yaml": PROJECT, "services.yaml": files["services.yaml"]})
    ran = run(tmp_path, "import", "llmisvc", "services.yaml")
    command = "    $ modelmill import llmisvc services.yaml\n"
    assert command + "".join(f"    {line}\n" for line in ran.stdout.splitlines()) in text
    made = {path: (tmp_path / path).read_text() for path in files}
    if request.config.getoption("--update"):
        renewed = _shown.sub(lambda m: f"`{m[1]}`:\n\n```yaml\n{made[m[1]]}```\n", text)
        GUIDE.write_text(renewed)
        files = made
    assert files == made
    assert run(tmp_path, "compile").status == 0


# One to one: what a Model says by fields comes back as these fields.

WHOLE: dict[str, str] = {
    "a model, its adapters and their numbers": """
        model:
          name: Qwen/Qwen3-8B
          uri: hf://Qwen/Qwen3-8B
          revision: b968826d9c46dd6066d109eabc6255188de91218
          adapters:
            chat: {uri: "s3://adapters/chat"}
            sql: {uri: "hf://acme/qwen-sql", revision: main}
        roles:
          decode:
            replicas: 2
            engine:
              type: vllm
              image: ghcr.io/llm-d/llm-d-cuda:v0.9.0
              args: {max-lora-rank: 64, max-loras: 2, max-cpu-loras: 4, max-model-len: 8192}
        """,
    "weights that the engine loads on its own": """
        model: {name: opt, uri: "pvc://weights/", mounted: false}
        roles: {decode: {replicas: 1, engine: {type: vllm}}}
        """,
    "decode and prefill, what they share said once": """
        model: {name: opt, uri: "pvc://weights/opt"}
        engine: {type: vllm, args: {block-size: 64, enable-prefix-caching: true}}
        sharedMemory: 2Gi
        kvTransfer: {connector: nixl}
        roles:
          decode: {replicas: 1, parallelism: {tensor: 4}}
          prefill: {replicas: 3, parallelism: {tensor: 1}}
        """,
    "a group of pods": """
        model: {name: opt, uri: "hf://facebook/opt-125m"}
        roles:
          decode:
            replicas: 1
            parallelism: {tensor: 1, data: 16, dataLocal: 8, expert: true, rpcPort: 5556}
            engine: {type: vllm, env: {VLLM_ALL2ALL_BACKEND: pplx}}
            resources: {limits: {nvidia.com/gpu: "8"}}
            probes: {liveness: {failureThreshold: 3}}
            worker: {env: {NCCL_DEBUG: WARN}, probes: null}
        """,
    "scaled by the workload variant autoscaler": """
        model: {name: opt, uri: "hf://facebook/opt-125m"}
        roles:
          decode:
            autoscaling: {by: wva, minReplicas: 2, maxReplicas: 5, variantCost: "4.5"}
            engine: {type: vllm}
        """,
    "scaled by KEDA": """
        model: {name: opt, uri: "hf://facebook/opt-125m"}
        roles:
          decode:
            autoscaling:
              by: keda
              maxReplicas: 5
              idleReplicas: 0
              pollingInterval: 15
              furtherTriggers:
                office-hours:
                  type: cron
                  metadata: {timezone: UTC, start: 0 8 * * *, end: 0 18 * * *, desiredReplicas: "3"}
            engine: {type: vllm}
        """,
    "another engine": """
        model: {name: opt, uri: "hf://facebook/opt-125m"}
        roles:
          decode:
            replicas: 1
            engine:
              type: custom
              image: ghcr.io/llm-d/llm-d-inference-sim:v0.10.0
              command: [/app/llm-d-inference-sim]
              argv: [--port=8000, --model=opt]
            container: {securityContext: {runAsNonRoot: true}}
            pod:
              nodeSelector: {disk: fast}
              serviceAccountName: puller
              tolerations: {gpu: {operator: Exists}}
              volumes: {scratch: {emptyDir: {}}}
        """,
    "KV cache in tiers, and a rollout": """
        model: {name: opt, uri: "hf://facebook/opt-125m"}
        roles:
          decode:
            replicas: 4
            strategy: {maxSurge: 1, maxUnavailable: 25%}
            sharedMemory: 16Gi
            kvCacheOffloading:
              cpu: 10Gi
              evictionPolicy: arc
              tiers:
                tier-1: {emptyDir: {size: 100Gi}}
                tier-2: {existingClaim: {name: shared, path: kv}}
            engine: {type: vllm}
        """,
    "a picker, and traces": """
        model: {name: opt, uri: "hf://facebook/opt-125m"}
        roles: {decode: {replicas: 1, engine: {type: vllm}}}
        routing:
          scheduler:
            config:
              name: opt
              plugins:
                queue-scorer: {}
                mine: {type: max-score-picker, parameters: {maxNumOfEndpoints: 2}}
              schedulingProfiles:
                default: {plugins: {queue-scorer: {weight: 2}, mine: {}}}
            replicas: 2
            resources: {requests: {cpu: "2"}}
        tracing: {endpoint: "http://otel:4317", sampler: always_on, samplerArgument: "1"}
        """,
    "a token for the hub, and a sidecar": """
        model: {name: opt, uri: "hf://facebook/opt-125m", auth: {secretName: hub, secretKey: token}}
        engine: {type: vllm}
        kvTransfer: {connector: nixl}
        roles:
          decode: {replicas: 1}
          prefill: {replicas: 1, pod: {nodeSelector: {disk: fast}}}
        routing:
          sidecar: {image: "ghcr.io/acme/sidecar:v1", resources: {limits: {memory: 1Gi}}}
        """,
    "a route to the picker": """
        model: {name: opt, uri: "hf://facebook/opt-125m", adapters: {sql: {uri: "hf://acme/sql"}}}
        roles: {decode: {replicas: 1, engine: {type: vllm}}}
        routing:
          gateway: {name: inference, namespace: gateways, sectionName: https}
          route:
            hostnames: [opt.example.com]
            path: /opt
            headers: {x-tier: gold}
            matchModel: model-name
            timeout: 30s
          scheduler:
            config:
              name: opt
              plugins: {queue-scorer: {}, max-score-picker: {}}
              schedulingProfiles:
                default: {plugins: {queue-scorer: {weight: 1}, max-score-picker: {}}}
        """,
    "a route to the Service": """
        model: {name: opt, uri: "hf://facebook/opt-125m"}
        roles: {decode: {replicas: 1, engine: {type: vllm}}}
        routing: {gateway: {name: inference}, route: {path: /opt, pathRewrite: /}}
        """,
    "what only KServe knows": """
        model: {name: opt, uri: "hf://facebook/opt-125m"}
        roles: {decode: {replicas: 1, engine: {type: vllm}}}
        kserve:
          annotations: {serving.kserve.io/stop: "false"}
          fields:
            router: {route: {group: canary, weight: 10}, gateway: {}, scheduler: {}}
        """,
}


@pytest.mark.parametrize("reason", WHOLE)
def test_a_model_comes_back_field_by_field(reason: str) -> None:
    spec = yaml.safe_load(WHOLE[reason])
    files = model_file("opt", spec, accept=dict.fromkeys(("C509", "C553"), "known"))
    service = emitted(files, "opt")
    noted = (spec.get("kserve") or {}).get("annotations") or {}
    service["metadata"]["annotations"] = noted
    found = imported(service)
    assert [each for each in found.findings if each.code != "I861"] == []
    assert model_of(found, "opt")["spec"] == spec


def test_the_models_of_this_repository_come_out_the_same() -> None:
    inputs = inputs_of(ROOT)
    presets = {path: text for path, text in inputs.items() if path.startswith("presets/")}
    seen = []
    for path, text in inputs.items():
        if not path.startswith("models/"):
            continue
        beside = {**TARGET, **presets}
        beside["overlays/kserve/environment.yaml"] += (
            'spec: {prometheus: {serverAddress: "http://prometheus:9090"}, model: {cache: null}}\n'
        )
        head = yaml.safe_load(text)
        head.pop("environments", None)
        if "wide-expert-parallel" in head["extends"]:
            inside = {"parallelism": {"loadBalancing": "internal"}}
            head["environments"] = {"kserve": {"roles": {"decode": inside, "prefill": inside}}}
        found = made_of({path: yamltext.dump(head), **beside})
        if found.spec is None:
            # Its weights are in a cache of the hub's client on a claim.
            assert "pvc+hf://" in text
            assert {each.code for each in found.found if each.severity == "error"} == {"C582"}
            continue
        name = path.removeprefix("models/").removesuffix(".yaml")
        again = imported(resource(name, found.spec, labels=found.metadata["labels"]))
        assert again.findings == ()
        second = made({**again.files, **TARGET})
        assert differences(found.spec, second.spec) == []
        assert second.metadata["labels"] == found.metadata["labels"]
        seen.append(name)
    assert len(seen) == 11


names = st.sampled_from(["alpha", "beta", "gamma"])
quantities = st.sampled_from(["1", "500m", "2Gi", "40Gi"])
texts = st.text(st.characters(codec="ascii", categories=("L", "N", "P", "S", "Zs")), max_size=12)
env = st.dictionaries(st.sampled_from(["A", "B_1", "PATH", "VLLM_ADDITIONAL_ARGS"]), texts)
probe = st.fixed_dictionaries(
    {"httpGet": st.just({"path": "/health", "port": 8000})},
    optional={"periodSeconds": st.integers(1, 60), "failureThreshold": st.integers(1, 9)},
)
args = st.fixed_dictionaries(
    {},
    optional={
        "max-model-len": st.integers(1, 99999),
        "gpu-memory-utilization": st.sampled_from([0.5, 0.95]),
        "enable-prefix-caching": st.booleans(),
        "tool-call-parser": st.sampled_from(["openai", "a b", "it's", '"x"', "$HOME", "{{ .X }}"]),
        "compilation-config": st.just({"level": 3, "sizes": [1, 2]}),
        "block-size": st.sampled_from([16, 64]),
    },
)
engines = st.one_of(
    st.fixed_dictionaries(
        {"type": st.just("vllm")},
        optional={"image": st.just("vllm/vllm-openai:v0.26.0"), "args": args, "env": env},
    ),
    st.fixed_dictionaries(
        {
            "type": st.just("custom"),
            "image": st.just("acme/server:1.0"),
            "command": st.just(["/bin/server"]),
            "argv": st.lists(texts.filter(bool), min_size=1, max_size=3),
        },
        optional={"env": env},
    ),
)
resources = st.dictionaries(
    st.sampled_from(["requests", "limits"]),
    st.dictionaries(st.sampled_from(["cpu", "memory", "nvidia.com/gpu"]), quantities, min_size=1),
)
pods = st.fixed_dictionaries(
    {},
    optional={
        "labels": st.dictionaries(st.sampled_from(["team", "acme.com/tier"]), names),
        "annotations": st.dictionaries(st.just("acme.com/note"), texts),
        "nodeSelector": st.dictionaries(st.just("zone"), names),
        "tolerations": st.just({"gpu": {"operator": "Exists", "effect": "NoSchedule"}}),
        "volumes": st.just({"data": {"emptyDir": {"sizeLimit": "1Gi"}}}),
        "containers": st.just({"log": {"image": "acme/log:1", "args": ["-f"]}}),
        "terminationGracePeriodSeconds": st.integers(0, 600),
        "fields": st.just({"hostname": "here"}),
    },
)
scaling = st.one_of(
    st.just({"by": "external"}),
    st.fixed_dictionaries(
        {"by": st.just("wva"), "maxReplicas": st.integers(3, 9)},
        optional={
            "minReplicas": st.integers(1, 3),
            "variantCost": st.sampled_from(["1", "10.0", "2.5"]),
            "actuator": st.sampled_from(["hpa", "keda"]),
        },
    ),
)
roles = st.fixed_dictionaries(
    {"engine": engines},
    optional={
        "replicas": st.integers(0, 9),
        "parallelism": st.fixed_dictionaries({"tensor": st.sampled_from([1, 2])}),
        "resources": resources,
        "probes": st.dictionaries(st.sampled_from(["startup", "readiness", "liveness"]), probe),
        "pod": pods,
        "sharedMemory": st.sampled_from(["1Gi", "16Gi"]),
        "strategy": st.just({"maxSurge": 1, "maxUnavailable": 0}),
        "kvCacheOffloading": st.just(
            {"cpu": "8Gi", "tiers": {"disk": {"emptyDir": {"size": "9Gi"}}}}
        ),
    },
).flatmap(lambda role: st.one_of(st.just(role), scaling.map(lambda s: _scaled(role, s))))
specs = st.fixed_dictionaries(
    {
        "model": st.fixed_dictionaries(
            {
                "name": st.sampled_from(["opt", "acme/opt"]),
                "uri": st.just("hf://facebook/opt-125m"),
            },
            optional={
                "mounted": st.booleans(),
                "revision": st.sampled_from(["main", "0123abc"]),
                "adapters": st.dictionaries(names, st.just({"uri": "hf://acme/adapter"})),
            },
        ),
        "roles": st.fixed_dictionaries({"decode": roles}, optional={"prefill": roles}),
    },
    optional={
        "routing": st.just({"gateway": {"name": "inference"}, "route": {"path": "/opt"}}),
        "tracing": st.just({"endpoint": "http://otel:4317"}),
        "kserve": st.fixed_dictionaries(
            {}, optional={"annotations": st.just({"prometheus.io/port": "8000"})}
        ),
    },
)


def _scaled(role: dict[str, Any], scaling: dict[str, Any]) -> dict[str, Any]:
    return {**{k: v for k, v in role.items() if k != "replicas"}, "autoscaling": scaling}


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(specs)
def test_a_model_comes_out_the_same(spec: dict[str, Any]) -> None:
    """import(emit(model)) means what the model means, and says the same ever after."""
    accept = dict.fromkeys(("C507", "C509", "C545", "C553"), "generated")
    first = made_of(model_file("opt", spec, accept=accept))
    assume(first.spec is not None)
    annotations = (first.metadata or {}).get("annotations", {})
    service = resource("opt", first.spec, annotations=annotations)
    found = imported(escaped(service))
    assert [each for each in found.findings if each.code not in ("I860", "I861")] == []
    second = made({**found.files, **TARGET})
    assert differences(first.spec, second.spec) == []
    again = imported(escaped(resource("opt", second.spec, annotations=annotations)))
    assert model_of(again, "opt") == model_of(found, "opt")


def escaped(value: Any) -> Any:
    """Braces as KServe must read them."""
    if isinstance(value, dict):
        return {key: escaped(each) for key, each in value.items()}
    if isinstance(value, list):
        return [escaped(each) for each in value]
    return value.replace("{{", "{{ `{{` }}") if isinstance(value, str) else value


# The command.

QWEN = {"name": "Qwen/Qwen3-8B", "uri": "hf://Qwen/Qwen3-8B"}
PRESET = {
    "apiVersion": "serving.kserve.io/v1alpha2",
    "kind": "LLMInferenceServiceConfig",
    "metadata": {"name": "kserve-config-llm-template", "namespace": "kserve"},
    "spec": {"template": {"containers": [{"name": "main", "image": "vllm/vllm-openai:v0.26.0"}]}},
}


def written(place: Path, *resources: Any) -> Path:
    """A project with these resources in a file."""
    text = "---\n".join(yamltext.dump(each) for each in resources)
    return write_files(place, {"modelmill.yaml": PROJECT, "service.yaml": text})


def test_kserves_own_presets_are_not_taken_over(tmp_path: Path) -> None:
    written(tmp_path, resource("qwen", {"model": QWEN}))
    write_files(tmp_path, {"cluster/template.yaml": yamltext.dump(PRESET)})
    ran = run(tmp_path, "import", "llmisvc", "service.yaml", "--with", "cluster")
    assert ran == (0, "models/qwen.yaml\noverlays/llm/environment.yaml\n", "")


def test_one_of_them_alone_tells_that_others_are_missing(tmp_path: Path) -> None:
    written(tmp_path, resource("qwen", {"model": QWEN, "router": {"route": {}}}), PRESET)
    ran = run(tmp_path, "import", "llmisvc", "service.yaml", "--stdout")
    assert ran.status == 1
    assert "error[I854]: KServe's preset `kserve-config-llm-router-route`" in ran.stderr


def test_an_environment_of_kserves_target_is_not_written_twice(tmp_path: Path) -> None:
    write_files(written(tmp_path, resource("qwen", {"model": QWEN})), TARGET)
    assert run(tmp_path, "import", "llmisvc", "service.yaml").stdout == "models/qwen.yaml\n"


def test_the_environment_is_named_as_it_is_told(tmp_path: Path) -> None:
    service = resource("qwen", {"model": QWEN})
    del service["metadata"]["namespace"]
    options = ("--environment", "prod", "--namespace", "llm-prod")
    ran = run(written(tmp_path, service), "import", "llmisvc", "service.yaml", *options)
    assert ran.stdout == "models/qwen.yaml\noverlays/prod/environment.yaml\n"
    assert "namespace: llm-prod\n" in (tmp_path / "overlays/prod/environment.yaml").read_text()


def test_services_share_the_presets_of_their_configurations(tmp_path: Path) -> None:
    config = {
        **PRESET,
        "metadata": {"name": "shared", "namespace": "llm"},
        "spec": {"replicas": 2, "template": {"containers": [{"name": "main", "env": []}]}},
    }
    services = [
        resource(name, {"model": QWEN, "baseRefs": [{"name": "shared"}]}) for name in ("a", "b")
    ]
    assert (
        run(written(tmp_path, *services, config), "import", "llmisvc", "service.yaml").status == 0
    )
    models = [yaml.safe_load((tmp_path / f"models/{name}.yaml").read_text()) for name in ("a", "b")]
    assert [each["extends"] for each in models] == [["shared"], ["shared"]]
    assert models[0]["spec"] == models[1]["spec"]
    assert run(tmp_path, "compile").status == 0
    made = (tmp_path / "generated/_environments/llm").glob("llminferenceserviceconfig-*")
    assert [yaml.safe_load(path.read_text())["spec"] for path in made] == [{"replicas": 2}]


def test_a_service_of_v1alpha1_is_read_too() -> None:
    service = resource("qwen", {"model": {**QWEN, "criticality": "Critical"}})
    found = imported({**service, "apiVersion": "serving.kserve.io/v1alpha1"})
    assert [each.code for each in found.findings] == ["I857"]
    assert model_of(found, "qwen")["spec"]["model"] == QWEN


def test_braces_that_are_meant_stay_braces() -> None:
    env = [{"name": "CHAT", "value": "{{ `{{` }} role }}"}]
    inits = [{"name": "storage-initializer", "env": env}]
    template = {"initContainers": inits, "containers": [{"name": "main", "env": env}]}
    found = imported(resource("qwen", {"model": QWEN, "template": template}))
    spec = model_of(found, "qwen")["spec"]
    assert spec["roles"]["decode"]["engine"]["env"] == {"CHAT": "{{ role }}"}
    assert spec["kserve"]["fields"]["template"]["initContainers"] == inits
    assert [each.code for each in found.findings] == ["I860"]


@pytest.mark.parametrize(
    ("words", "engine"),
    [
        (["--max-model-len", "8192"], {"args": {"max-model-len": 8192}}),
        (["--no-enable-prefix-caching"], {"args": {"enable-prefix-caching": False}}),
        (["--max-model-len=$LENGTH"], {"argv": ["--max-model-len=$LENGTH"]}),
        (["--not-a-flag"], {"argv": ["--not-a-flag"]}),
        (["--port", "8000"], {"argv": ["--port", "8000"]}),
    ],
)
def test_words_are_flags_where_all_of_them_are_known(words: list[str], engine: Any) -> None:
    template = {"containers": [{"name": "main", "args": words}]}
    found = imported(resource("qwen", {"model": QWEN, "template": template}))
    assert {each.code for each in found.findings} <= {"I868"}
    role = model_of(found, "qwen")["spec"]["roles"]["decode"]
    assert role["engine"] == {"type": "vllm", **engine}


@pytest.mark.parametrize(
    "spec",
    [
        {"model": {**QWEN, "lora": {"adapters": [None, {"name": ["a"]}]}}},
        {"model": QWEN, "router": {"scheduler": {"config": {"inline": {"plugins": "all"}}}}},
        {
            "model": QWEN,
            "router": {"scheduler": {"config": {"inline": {"plugins": [{"type": []}]}}}},
        },
        {"model": QWEN, "router": {}},
        {"model": QWEN, "template": {"containers": [{"name": "main", "env": [{"value": "x"}]}]}},
        {"model": QWEN, "template": {"containers": [{"image": "acme/nameless:1"}]}},
        {"model": QWEN, "template": {"initContainers": [{"name": "a"}, {"name": "a"}]}},
        {"model": QWEN, "scaling": {"maxReplicas": 2, "keda": {"triggers": [{"name": ["x"]}]}}},
    ],
)
def test_what_is_odd_is_refused_or_stays_as_it_is(spec: Any) -> None:
    found = imported(resource("qwen", spec))
    if any(each.severity == "error" for each in found.findings):
        assert found.files == {}
    else:
        assert found.findings == ()
        assert differences(spec, made({**found.files, **TARGET}).spec) == []
