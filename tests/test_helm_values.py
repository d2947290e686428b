"""Values files as Helm reads them: YAML 1.1, files over each other, comments, templates; and what
the ModelService chart makes of values that its examples do not have."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from modelmill.diagnostics import CompileError, Diagnostic
from modelmill.importers.helm import Comment, Values, coalesced, read_values
from modelmill.importers.modelservice_chart import CURRENT, FORMER, Rendered, generation, render
from modelmill.importers.modelservice_chart.defaults import DEFAULTS
from modelmill.tree import plain


def read(*texts: str) -> Values:
    return read_values([(f"values-{at}.yaml", text.encode()) for at, text in enumerate(texts)])


def refused(*texts: str) -> Diagnostic:
    with pytest.raises(CompileError) as fault:
        read(*texts)
    return fault.value.diagnostics[0]


def made(*texts: str, release: str = "ms", by: str = CURRENT) -> Rendered:
    return render(read(*texts), release, "prod", by)


def one(rendered: Rendered, kind: str, ending: str = "") -> Any:
    return next(
        each
        for each in rendered.objects
        if each["kind"] == kind and each["metadata"]["name"].endswith(ending)
    )


def pod(rendered: Rendered, role: str = "decode") -> Any:
    found = one(rendered, "Deployment", role)
    return found["spec"]["template"]["spec"]


def engine(rendered: Rendered, role: str = "decode") -> Any:
    return pod(rendered, role)["containers"][0]


def codes(rendered: Rendered) -> set[str]:
    return {each.code for each in rendered.findings}


def said(rendered: Rendered, code: str) -> Diagnostic:
    return next(each for each in rendered.findings if each.code == code)


SERVES = """
modelArtifacts: {name: org/m, uri: "hf://org/m", labels: {llm-d.ai/model: m}}
routing: {proxy: {enabled: false}}
prefill: {create: false}
"""
VLLM = "{name: vllm, image: 'v/llm:1', modelCommand: vllmServe, mountModelVolume: true}"


# Reading


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("yes", True),
        ("Off", False),
        ("010", 8),
        ("0o17", 15),
        ("0x1F", 31),
        ("1_000", 1000),
        ("1e3", 1000),
        ("1.0", 1),
        ("0.5", 0.5),
        ("12:30", "12:30"),
        ("2024-01-02", "2024-01-02"),
        ("'yes'", "yes"),
        ('"8"', "8"),
        ("!!str 8", "8"),
        ("~", None),
        (".inf", ".inf"),
        ("1.2.3", "1.2.3"),
    ],
)
def test_a_word_is_what_helm_takes_it_for(text: str, value: Any) -> None:
    found = read(f"a: {text}").root.value["a"].value
    assert (type(found), found) == (type(value), value)


def test_aliases_and_merge_keys_are_followed() -> None:
    values = read("a: &a {x: 1, z: 2}\nb: {<<: *a, z: 3}\nc: [*a]\nd: {<<: [{z: 9}, *a]}\n")
    assert plain(values.root) == {
        "a": {"x": 1, "z": 2},
        "b": {"x": 1, "z": 3},
        "c": [{"x": 1, "z": 2}],
        "d": {"x": 1, "z": 9},
    }


def test_a_value_behind_an_alias_has_the_place_it_is_written_at() -> None:
    node = read("a: &a {x: 1}\nb: *a\n").root.get("b", "x")
    assert node is not None
    assert str(node.span) == "values-0.yaml:1:11"


def test_a_key_may_stand_once() -> None:
    found = refused("a: 1\nb: 2\na: 3\n")
    assert (found.code, str(found.span)) == ("I801", "values-0.yaml:3:1")
    assert "twice" in found.message


@pytest.mark.parametrize(
    "text",
    [
        "a: [",
        "- a",
        "just text",
        "a: *b",
        "a: &a [*a]",
        "? [a]\n: b",
        "a: !!binary aGk=",
        "~: 1",
        "<<: 5",
        "a: 1\n---\nb: 2",
        "a: " + "[" * 200,
        "a: " + "{a: " * 200,
        "\x00",
    ],
)
def test_what_is_no_values_file_ends_in_a_diagnostic(text: str) -> None:
    found = refused(text)
    assert found.severity == "error"
    assert found.span


def test_aliases_that_multiply_are_refused() -> None:
    lines = ["a0: &a0 [1, 2, 3, 4, 5, 6, 7, 8, 9]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 9)]
    assert "counting what aliases repeat" in refused("\n".join(lines)).message


def test_merge_keys_that_multiply_are_refused() -> None:
    lines = ["a0: &a0 {" + ", ".join(f"k{n}: {n}" for n in range(500)) + "}"]
    lines += [f"b{n}: {{x: *a0, y: *a0}}" for n in range(200)]
    assert refused("\n".join(lines)).code == "I801"


def test_an_empty_file_and_a_bom_are_fine() -> None:
    assert plain(read("").root) == {}
    assert plain(read("# only this\n").root) == {}
    assert plain(read_values([("v.yaml", b"\xef\xbb\xbfa: 1\n")]).root) == {"a": 1}


@given(st.text(max_size=80))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        values = read_values([("v.yaml", text.encode("utf-8", "surrogatepass"))])
    except CompileError:
        return
    assert isinstance(values.root.value, dict)


# Merging


def test_a_later_file_lies_over_an_earlier_one() -> None:
    values = read("a: {x: 1, w: [1, 2]}\nb: 1\n", "a: {w: [3], z: 2}\n")
    assert plain(values.root) == {"a": {"x": 1, "w": [3], "z": 2}, "b": 1}


def test_a_null_takes_a_default_away() -> None:
    values = read(
        "routing: {proxy: {zapEncoder: json}}\n", "routing: {proxy: {zapEncoder: null}}\n"
    )
    merged = coalesced(values.root, DEFAULTS[CURRENT])
    assert "zapEncoder" not in merged["routing"]["proxy"]
    assert merged["routing"]["proxy"]["zapLogLevel"] == "debug"
    assert "zapEncoder" in DEFAULTS[CURRENT]["routing"]["proxy"]


# Comments


COMMENTED = """\
# The head.

# Above a.
# Still above a.
a: 1  # after a
b:
  # above x
  x: "# no comment"  # after x
  z: |
    # text
    more # text
  # below y
# above c
c:  # after c
- one  # first
# above two
- k: 2
  # l: 3
    # deeper
d: "two
  # rows"
# the end
"""


def test_every_comment_has_one_place() -> None:
    assert read(COMMENTED).comments == {
        (): Comment(before=("The head.",)),
        ("a",): Comment(before=("Above a.", "Still above a."), after="after a"),
        ("b", "x"): Comment(before=("above x",), after="after x"),
        ("b", "z"): Comment(below=("below y",)),
        ("c",): Comment(before=("above c",), after="after c"),
        ("c", 0): Comment(after="first"),
        ("c", 1): Comment(before=("above two",)),
        ("c", 1, "k"): Comment(below=("l: 3", "deeper")),
        ("d",): Comment(below=("the end",)),
    }


def test_comments_of_what_was_replaced_are_gone() -> None:
    values = read("a: 1  # one\nb: [1]  # list\nc: 3  # three\n", "a: 2  # two\nb: [2]\n")
    assert values.comments == {
        ("a",): Comment(after="two"),
        ("b",): Comment(after="list"),
        ("c",): Comment(after="three"),
    }


# Templates


def test_templates_are_evaluated_where_the_chart_does() -> None:
    rendered = made(
        """
modelArtifacts: {name: org/m, uri: 'hf://"{{ .Values.modelArtifacts.name }}"'}
decode:
  extraConfig: {hostname: '{{ .Release.Name }}-{{ .role }}'}
  containers:
  - name: vllm
    image: v/llm:1
    modelCommand: vllmServe
    args: ['{{ .Values.x }}']
    env:
    - {name: WHO, value: '{{ include "llm-d-modelservice.decodeName" . }}'}
    - {name: PORT, value: 'p{{ .Values.routing.servicePort }}'}
    ports: [{containerPort: 8200, name: '{{ .Release.Namespace }}'}]
extraObjects:
- apiVersion: v1
  kind: ConfigMap
  metadata: {name: '{{ include "llm-d-modelservice.fullname" . }}-x'}
  data: {a: '{{ .Values.modelArtifacts.name | upper }}'}
"""
    )
    container = engine(rendered)
    assert container["args"][0] == "org/m"
    assert container["args"][-1] == "{{ .Values.x }}"
    assert {each["name"]: each["value"] for each in container["env"]}.items() >= {
        "WHO": "ms-llm-d-modelservice-decode",
        "PORT": "p8000",
    }.items()
    assert container["ports"] == [{"containerPort": 8200, "name": "prod"}]
    assert pod(rendered)["hostname"] == "ms-decode"
    config = one(rendered, "ConfigMap")
    assert config["metadata"]["name"] == "ms-llm-d-modelservice-x"
    assert config["data"] == {"a": "ORG/M"}
    assert rendered.model
    assert rendered.model.uri == "hf://org/m"


def test_a_section_may_be_text() -> None:
    rendered = made(
        SERVES
        + """
decode:
  containers:
  - name: vllm
    image: v/llm:1
    modelCommand: vllmServe
    env: |
      {{- range $i := until 2 }}
      - name: N{{ $i }}
        value: "{{ $i }}"
      {{- end }}
"""
    )
    assert [each["name"] for each in engine(rendered)["env"]][:2] == ["N0", "N1"]


@pytest.mark.parametrize(
    ("template", "words"),
    [
        ("{{ now }}", "now"),
        ("{{ randAlphaNum 5 }}", "randAlphaNum"),
        ('{{ include "other.name" . }}', "other.name"),
        ("{{ .Values.a.b.c }", "cannot be carried over"),
        ('{{ lookup "v1" "Secret" "a" "b" }}', "lookup"),
        ('{{ fail "no" }}', "no"),
        ("{{ if .Capabilities }}a{{ end }}", "what the cluster says of itself"),
    ],
)
def test_a_template_that_cannot_be_carried_is_an_error_at_its_line(
    template: str, words: str
) -> None:
    env = f"[{{name: A, value: {template!r}}}]"
    container = f"{{name: vllm, image: i:1, modelCommand: vllmServe, env: {env}}}"
    rendered = made(SERVES + f"decode:\n  containers:\n  - {container}\n")
    found = said(rendered, "I802")
    assert found.severity == "error"
    assert found.span
    assert found.span.line == 7
    assert words in found.message
    assert rendered.objects == ()


# Keys


@pytest.mark.parametrize(
    ("text", "key", "hint"),
    [
        ("decod: {replicas: 2}", "decod", "did you mean `decode`?"),
        ("decode: {subGroupExclusiveToplogy: true}", "subGroupExclusiveToplogy", "Topology"),
        ("decode: {affinity: {}}", "decode.affinity", "decode.extraConfig"),
        ("decode: {podLabels: {a: b}}", "podLabels", "modelArtifacts.labels"),
        ("requester: {enabled: true}", "requester.enabled", "`enable`"),
        ("routing: {proxy: {debugLevel: 5}}", "debugLevel", "zapLogLevel"),
        ("routing: {proxy: {targetport: 5}}", "targetport", "targetPort"),
        (f"decode: {{containers: [{VLLM[:-1]}, lifecycle: {{}}}}]}}", "lifecycle", "extraConfig"),
        (
            f"decode: {{containers: [{VLLM[:-1]}, resources: {{claims: [{{name: a}}]}}}}]}}",
            "resources.claims",
            "resourceClaims",
        ),
        ("decode: {hostIPC: true}", "decode.hostIPC", "extraConfig"),
        ("multinode: true\ndecode: {strategy: {type: Recreate}}", "decode.strategy", "delete"),
    ],
)
def test_a_key_the_chart_ignores_is_said(text: str, key: str, hint: str) -> None:
    found = [d for d in made(text).findings if d.code == "I803"]
    (one_found,) = [d for d in found if f"{key}`" in d.message]
    assert one_found.severity == "warning"
    assert hint in one_found.hint


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("routing: {epp: {create: true}}", "`routing.epp`"),
        ("decode: {replicas: '2'}", "`decode.replicas` must be a whole number"),
        ("multinode: 'yes'", "`multinode` must be true or false"),
        ("prefill: null", "`prefill` is null"),
        ("accelerator: {kind: x}", "`accelerator.kind`"),
        ("decode: {containers: [null]}", "`decode.containers[0]` must be a mapping"),
        ("decode: {containers: []}", "decode has no containers"),
        ("modelArtifacts: {name: '{{ .Release.Name }}'}", "modelArtifacts.name"),
        ("modelArtifacts: {uri: 'pvc+hf://claim/m'}", "does not name a claim"),
        ("modelArtifacts: {labels: {a: '{{ .Release.Name }}'}}", "label `a`"),
        ("decode: {containers: [{image: '{{ .Values.x }}', command: [a]}]}", "in the image"),
        ("modelArtifacts: {uri: 'hf://'}", "does not say which model"),
        ("modelArtifacts: {uri: 'ftp://x/y'}", "cannot serve a model from"),
        ("routing: {proxy: {zapEncoder: xml}}", "json or console"),
        ("routing: {proxy: {image: ''}}", "`routing.proxy.image` is empty"),
        ("extraObjects: [{kind: Secret}]", "extraObjects"),
        ("decode: {resourceClaims: [{name: a}]}", "resourceClaimTemplateName"),
    ],
)
def test_a_value_the_chart_cannot_render_is_refused(text: str, words: str) -> None:
    rendered = made(text)
    errors = [d for d in rendered.findings if d.severity == "error"]
    assert any(words in d.message for d in errors), errors
    assert all(d.span for d in errors)
    assert rendered.objects == ()


# The chart, beyond its examples


@pytest.mark.parametrize(
    ("text", "release", "name"),
    [
        ("", "ms", "ms-llm-d-modelservice-decode"),
        ("", "my-llm-d-modelservice", "my-llm-d-modelservice-decode"),
        ("nameOverride: srv", "ms", "ms-srv-decode"),
        ("fullnameOverride: whole", "ms", "whole-decode"),
        ("", "r" * 54, "r" * 54 + "-decode"),
        ("", "r" * 53, "r" * 53 + "-l-decode"),
    ],
)
def test_names_follow_the_release(text: str, release: str, name: str) -> None:
    rendered = made(text, release=release)
    assert rendered.roles["decode"].name == name
    assert one(rendered, "Deployment", "decode")["metadata"]["name"] == name


def test_a_service_account_of_ones_own_is_not_made() -> None:
    rendered = made("serviceAccountOverride: mine")
    assert all(each["kind"] != "ServiceAccount" for each in rendered.objects)
    assert pod(rendered)["serviceAccountName"] == "mine"


def test_a_role_that_is_not_created_is_not_there() -> None:
    rendered = made("decode: {create: false}\nprefill: {create: false}")
    assert [each["kind"] for each in rendered.objects] == ["ServiceAccount"]
    assert rendered.roles == {}


def test_replicas_that_are_taken_away_are_one() -> None:
    rendered = made("prefill: {replicas: null}")
    assert one(rendered, "Deployment", "prefill")["spec"]["replicas"] == 1
    assert rendered.roles["prefill"].replicas == 1


GROUP = """
multinode: true
modelArtifacts: {name: org/m, uri: "hf://org/m", labels: {llm-d.ai/model: m}}
prefill: {create: false}
tracing: {enabled: true, serviceNames: {vllmDecode: dec}}
schedulerName: kai
decode:
  replicas: 2
  annotations: {a: b}
  podAnnotations: {c: d}
  subGroupPolicy: {subGroupSize: 8}
  subGroupExclusiveTopology: true
  hostIPC: true
  hostPID: false
  enableServiceLinks: false
  terminationGracePeriodSeconds: 60
  priorityClassName: high
  imagePullSecrets: [{name: pull}]
  podSecurityContext: {fsGroup: 1}
  nodeSelector: {n: s}
  tolerations: [{operator: Exists}]
  initContainers: [{name: warm, image: "busybox:1"}]
  acceleratorTypes: {labelKey: gpu, labelValues: [h100]}
  parallelism: {tensor: 2, data: 8, dataLocal: 4, workers: 2}
  containers:
  - {name: vllm, image: "v/llm:1", command: [bash], args: [-c, "serve $DP_SIZE"]}
  - {name: side, image: "b:1", command: [sleep], resources: {limits: {cpu: 1}}}
"""


def test_a_group_has_every_key() -> None:
    rendered = made(GROUP)
    found = one(rendered, "LeaderWorkerSet")
    group = found["spec"]["leaderWorkerTemplate"]
    template = group["workerTemplate"]
    topology = "leaderworkerset.sigs.k8s.io/subgroup-exclusive-topology"
    assert found["metadata"]["annotations"] == {topology: "kubernetes.io/hostname", "a": "b"}
    assert template["metadata"]["annotations"] == {topology: "kubernetes.io/hostname", "c": "d"}
    assert (group["size"], group["subGroupPolicy"]) == (2, {"subGroupSize": 8})
    assert "leaderTemplate" not in group
    spec = template["spec"]
    assert {key: spec[key] for key in ("hostIPC", "hostPID", "enableServiceLinks")} == {
        "hostIPC": True,
        "hostPID": False,
        "enableServiceLinks": False,
    }
    assert (spec["schedulerName"], spec["priorityClassName"]) == ("kai", "high")
    assert [each["name"] for each in spec["initContainers"]] == ["routing-proxy", "warm"]
    assert spec["securityContext"] == {"fsGroup": 1}
    assert [each["name"] for each in spec["containers"]] == ["vllm", "side"]
    for container in spec["containers"]:
        values = {each["name"]: each["value"] for each in container["env"]}
        assert (values["DP_SIZE"], values["TP_SIZE"], values["DP_SIZE_LOCAL"]) == ("8", "2", "4")
        assert values["OTEL_SERVICE_NAME"] == "dec"
        assert container["resources"]["requests"]["nvidia.com/gpu"] == "8"
    proxy = {each["name"]: each["value"] for each in spec["initContainers"][0]["env"]}
    assert proxy["OTEL_SERVICE_NAME"] == "routing-proxy"
    facts = rendered.roles["decode"]
    assert not facts.native_multi_node
    assert facts.parallelism == (2, 8, 4, 2)
    assert any("needs them twice" in d.message for d in rendered.findings if d.code == "I814")


def test_tracing_tells_the_engine() -> None:
    rendered = made(SERVES + f"tracing: {{enabled: true}}\ndecode: {{containers: [{VLLM}]}}")
    args = engine(rendered)["args"]
    assert args[-4:] == [
        "--otlp-traces-endpoint",
        "http://otel-collector:4317",
        "--collect-detailed-traces",
        "all",
    ]
    assert rendered.tracing
    assert rendered.tracing.sampler_arg == "1.0"


def test_a_claims_hub_cache_follows_the_mount() -> None:
    text = """
modelArtifacts:
  name: org/m
  uri: "pvc+hf://claim/hub/dir/org/m"
  mountPath: /weights
  readOnly: false
"""
    rendered = made(text + f"decode: {{containers: [{VLLM}]}}")
    container = engine(rendered)
    values = {each["name"]: each.get("value") for each in container["env"]}
    assert values["HF_HUB_CACHE"] == "/weights/hub/dir"
    assert container["args"][0] == "org/m"
    assert container["volumeMounts"][-1] == {
        "name": "model-storage",
        "mountPath": "/weights",
        "readOnly": False,
    }
    assert pod(rendered)["volumes"][-1]["persistentVolumeClaim"] == {
        "claimName": "claim",
        "readOnly": False,
    }
    assert said(rendered, "I812").span


def test_an_image_of_weights_is_read_by_a_command_of_ones_own() -> None:
    own = "{name: e, image: 'i:1', command: [serve], mountModelVolume: true}"
    text = 'modelArtifacts: {name: org/m, uri: "oci://registry/x:1"}\n'
    rendered = made(text + f"decode: {{containers: [{own}]}}\nprefill: {{create: false}}")
    assert engine(rendered)["volumeMounts"][-1]["readOnly"] is True
    assert "I805" not in codes(rendered)


def test_roles_may_have_accelerators_of_their_own() -> None:
    rendered = made(
        f"""
accelerator: {{type: amd, dra: true}}
decode: {{accelerator: {{type: intel-xe}}, parallelism: {{tensor: 2}}, containers: [{VLLM}]}}
prefill: {{accelerator: {{dra: false}}, containers: [{VLLM}]}}
"""
    )
    template = one(rendered, "ResourceClaimTemplate")
    assert template["metadata"]["name"] == "intel-claim-template-decode"
    request = template["spec"]["spec"]["devices"]["requests"][0]
    assert request == {
        "name": "intel-xe",
        "exactly": {"deviceClassName": "gpu.intel.com", "count": 2},
    }
    claims = [{"name": "intel-decode-claim"}]
    assert engine(rendered)["resources"] == {"claims": claims}
    assert engine(rendered, "prefill")["resources"]["limits"] == {"amd.com/gpu": "1"}
    claim = rendered.roles["decode"].accelerator.claim
    assert claim
    assert (claim.name, claim.devices) == ("intel-decode-claim", 2)
    assert rendered.roles["prefill"].accelerator.resource == "amd.com/gpu"


def test_the_first_available_device_is_a_list() -> None:
    rendered = made(
        "accelerator: {dra: true, resourceClaimTemplates: {nvidia: {match: firstAvailable}}}"
    )
    request = one(rendered, "ResourceClaimTemplate", "decode")["spec"]["spec"]["devices"][
        "requests"
    ]
    assert isinstance(request[0]["firstAvailable"], list)
    assert said(rendered, "I811")


def test_both_roles_are_monitored() -> None:
    monitor = "{podmonitor: {enabled: true, interval: 10s, labels: {team: a}, scrapeTimeout: 5s}}"
    rendered = made(f"decode: {{monitoring: {monitor}}}\nprefill: {{monitoring: {monitor}}}")
    found = one(rendered, "PodMonitor", "prefill-podmonitor")
    assert found["metadata"]["namespace"] == "prod"
    assert found["metadata"]["labels"]["team"] == "a"
    assert found["metadata"]["labels"]["app.kubernetes.io/component"] == "prefill"
    assert found["spec"]["podMetricsEndpoints"] == [
        {"port": "metrics", "path": "/metrics", "interval": "10s", "scrapeTimeout": "5s"}
    ]
    assert found["spec"]["selector"]["matchLabels"] == rendered.roles["prefill"].selector
    assert "I805" in codes(rendered)


def test_extra_config_joins_what_the_chart_writes() -> None:
    rendered = made(
        SERVES
        + """
decode:
  extraConfig:
    volumes: [{name: shm, emptyDir: {medium: Memory}}]
    runtimeClassName: nvidia
  containers:
  - name: vllm
    image: v/llm:1
    modelCommand: vllmServe
    mountModelVolume: true
    extraConfig:
      env: [{name: A, value: b}]
      volumeMounts: [{name: shm, mountPath: /dev/shm}]
      resources: {limits: {memory: 1Gi}}
      lifecycle: {preStop: {sleep: {seconds: 5}}}
"""
    )
    spec, container = pod(rendered), engine(rendered)
    assert spec["runtimeClassName"] == "nvidia"
    assert [each["name"] for each in spec["volumes"]] == ["shm", "metrics-volume", "model-storage"]
    assert container["lifecycle"] == {"preStop": {"sleep": {"seconds": 5}}}
    assert container["env"][0] == {"name": "A", "value": "b"}
    assert [each["mountPath"] for each in container["volumeMounts"]] == ["/dev/shm", "/model-cache"]
    assert container["resources"]["limits"] == {"nvidia.com/gpu": "1", "memory": "1Gi"}
    keys = {d.message.split("`")[3] for d in rendered.findings if d.code == "I808"}
    assert keys == {"volumes", "env", "volumeMounts", "resources"}


def test_nodes_must_suit_the_chart_and_the_user() -> None:
    expression = "{key: zone, operator: In, values: [a]}"
    terms = f"{{nodeSelectorTerms: [{{matchExpressions: [{expression}]}}]}}"
    affinity = f"{{nodeAffinity: {{requiredDuringSchedulingIgnoredDuringExecution: {terms}}}}}"
    rendered = made(
        "decode:\n  acceleratorTypes: {labelKey: gpu, labelValues: [h100]}\n"
        f"  extraConfig: {{affinity: {affinity}, tolerations: [{{key: a, effect: NoSchedule}}]}}\n"
        "  tolerations: [{key: a, effect: NoExecute}]"
    )
    spec = pod(rendered)
    required = spec["affinity"]["nodeAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"]
    (term,) = required["nodeSelectorTerms"]
    assert {each["key"] for each in term["matchExpressions"]} == {"gpu", "zone"}
    assert len(spec["tolerations"]) == 2


def test_numbers_where_text_is_needed_become_text() -> None:
    rendered = made(
        """
modelArtifacts: {labels: {version: 2}}
decode:
  nodeSelector: {gpu: true}
  containers:
  - name: e
    image: i:1
    modelCommand: imageDefault
    args: [--seed, 1]
    env: [{name: A, value: 8}]
"""
    )
    container = engine(rendered)
    assert rendered.roles["decode"].selector["version"] == "2"
    assert pod(rendered)["nodeSelector"] == {"gpu": "true"}
    assert container["args"][-1] == "1"
    assert container["env"][0] == {"name": "A", "value": "8"}
    assert len([d for d in rendered.findings if d.code == "I818"]) == 4


def test_accelerators_may_be_opted_out_of() -> None:
    side = "{name: s, image: 'b:1', command: [x], resources: {limits: {nvidia.com/gpu: 0}}}"
    rendered = made(SERVES + f"decode: {{containers: [{VLLM}, {side}]}}")
    resources = pod(rendered)["containers"][1]["resources"]
    assert resources == {"limits": {"nvidia.com/gpu": 0}, "requests": {"nvidia.com/gpu": 0}}
    assert not any("twice" in d.message for d in rendered.findings)


def test_the_sidecar_stays_with_init_containers_when_it_is_unset() -> None:
    rendered = made(
        "routing: {proxy: {enabled: null, secure: null}}\n"
        "decode: {initContainers: [{name: warm, image: 'b:1'}]}"
    )
    init = pod(rendered)["initContainers"]
    assert [each["name"] for each in init] == ["routing-proxy", "warm"]
    assert not any("secure" in word for word in init[0]["args"])
    assert rendered.roles["decode"].engine_port == 8200


def test_a_port_in_quotes_is_a_port() -> None:
    rendered = made(f'routing: {{servicePort: "9000"}}\nprefill: {{containers: [{VLLM}]}}')
    assert "9000" in engine(rendered, "prefill")["args"]
    assert rendered.routing
    assert rendered.routing.service_port == 9000


@pytest.mark.parametrize(
    ("sizes", "data", "local"),
    [
        ("{data: 4}", "4", "1"),
        ("{data: 4, dataLocal: null, workers: null}", "4", "4"),
        ("{dataLocal: 8}", "8", "8"),
        ("{data: 16, dataLocal: 8, workers: 2}", "8", "8"),
        ("{tensor: 0, data: 0, dataLocal: 0, workers: 0}", "1", "1"),
    ],
)
def test_sizes_of_a_deployment(sizes: str, data: str, local: str) -> None:
    rendered = made(SERVES + f"decode: {{parallelism: {sizes}, containers: [{VLLM}]}}")
    values = {each["name"]: each.get("value") for each in engine(rendered)["env"]}
    assert (values["DP_SIZE"], values["DP_SIZE_LOCAL"]) == (data, local)
    assert engine(rendered)["resources"]["limits"]["nvidia.com/gpu"] == local


PAIR = "multinode: true\ndecode: {parallelism: {data: 2, dataLocal: 1}"


def test_workers_of_a_group_are_not_probed() -> None:
    probed = VLLM[:-1] + ", readinessProbe: {httpGet: {path: /health, port: 8200}}}"
    rendered = made(SERVES + f"{PAIR}, containers: [{probed}]}}")
    group = one(rendered, "LeaderWorkerSet")["spec"]["leaderWorkerTemplate"]
    assert "readinessProbe" in group["leaderTemplate"]["spec"]["containers"][0]
    assert "readinessProbe" not in group["workerTemplate"]["spec"]["containers"][0]


def test_ranks_of_the_users_own_are_left_alone() -> None:
    ranked = VLLM[:-1] + ", args: [--data-parallel-address=$(LWS_LEADER_ADDRESS)]}"
    rendered = made(SERVES + f"{PAIR}, containers: [{ranked}]}}")
    assert not rendered.roles["decode"].native_multi_node


def test_a_scaler_owns_the_replicas_of_a_group() -> None:
    rendered = made("multinode: true\ndecode: {autoscaling: {enabled: true}}")
    assert "replicas" not in one(rendered, "LeaderWorkerSet", "decode")["spec"]
    assert rendered.roles["decode"].replicas is None


def test_dual_pods_that_leave_nothing_out_are_spelt_as_the_chart_spells_them() -> None:
    rendered = made(
        SERVES + f"requester: {{enable: true}}\ndecode: {{containers: [{VLLM}]}}", release="r"
    )
    annotations = one(rendered, "ReplicaSet")["spec"]["template"]["metadata"]["annotations"]
    text = annotations["dual-pod.llm-d.ai/server-patch"]
    assert '- "8000"\n' in text
    patch = yaml.safe_load(text)
    (container,) = patch["spec"]["containers"]
    assert container["args"][:3] == ["org/m", "--port", "8000"]
    assert rendered.requester
    assert rendered.requester.gpus == 1


# Generations


def test_a_chart_version_follows_the_rules_of_its_generation() -> None:
    assert generation("v0.4.12") == (CURRENT, ())
    assert generation("0.2.16") == (FORMER, ())
    for version, wanted in (("v0.2.9", FORMER), ("v0.3.0", CURRENT), ("0.4.13-rc.1", CURRENT)):
        chosen, findings = generation(version)
        assert chosen == wanted
        assert [each.code for each in findings] == ["I819"]
    assert generation("latest")[0] is None


def test_the_former_chart_routes_too() -> None:
    rendered = made(
        """
routing:
  modelName: x
  httpRoute: {matches: [{path: {type: PathPrefix, value: '/{{ .Release.Name }}'}}]}
  inferencePool: {name: pool}
  epp: {pluginsConfigFile: mine.yaml, pluginsCustomConfig: {mine.yaml: "a: b\\n"}, permissions: r}
""",
        by=FORMER,
    )
    route = one(rendered, "HTTPRoute")["spec"]["rules"][0]
    assert route["matches"][0]["path"]["value"] == "/ms"
    assert route["backendRefs"][0]["name"] == "pool"
    assert one(rendered, "HTTPRoute")["spec"]["parentRefs"][0]["namespace"] == "prod"
    assert one(rendered, "ConfigMap")["data"]["mine.yaml"] == "a: b\n"
    assert one(rendered, "RoleBinding")["roleRef"]["name"] == "r"
    assert all(each["kind"] != "Role" for each in rendered.objects)
    assert rendered.routing
    assert (rendered.routing.pool, rendered.routing.picker) == ("pool", "ms-llm-d-modelservice-epp")
    assert {"I803", "I816"} <= codes(rendered)


# Hostile values


KEYS = (
    *("decode", "prefill", "routing", "proxy", "containers", "env", "name", "image", "uri"),
    *("modelArtifacts", "accelerator", "parallelism", "data", "extraConfig", "type"),
)
SCALARS = st.sampled_from([None, True, False, -1, 0, 1, 16, "", "x", "hf://a", "{{ .x }}"])
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(st.dictionaries(st.sampled_from(list(DEFAULTS[CURRENT])), VALUES, max_size=4))
def test_any_values_are_rendered_or_refused(values: dict[str, Any]) -> None:
    for by in (CURRENT, FORMER):
        rendered = made(yaml.safe_dump(values), by=by)
        refused_by = [d for d in rendered.findings if d.severity == "error"]
        assert bool(rendered.objects) != bool(refused_by)
        assert all(d.message and d.span for d in rendered.findings)
