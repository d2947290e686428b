"""What the ModelService operator makes of two files, as it is and corrected."""

from __future__ import annotations

from textwrap import dedent, indent
from typing import Any

import pytest
import yaml

from modelmill.diagnostics import CompileError, Diagnostic, has_errors
from modelmill.gotypes.quantities import canonical
from modelmill.importers.model_text import Live
from modelmill.importers.modelservice_operator import CHILDREN, Rendered, Settings, read, render
from modelmill.importers.modelservice_operator.words import joined

HEAD = """\
apiVersion: llm-d.ai/v1alpha1
kind: ModelService
metadata: {name: exp, namespace: team-a}
spec:
"""
ROUTING = """\
routing: {modelName: org/model, ports: [{name: app_port, port: 8000}, {name: inner, port: 8200}]}
modelArtifacts: {uri: "hf://org/model"}
"""


def made(spec: str, base: dict[str, str] | None = None, *, as_is: bool = False) -> Rendered:
    """What becomes of a spec below the usual routing, and of a BaseConfig's values by key."""
    text = HEAD + indent(ROUTING + dedent(spec), "  ")
    config = None
    if base is not None:
        values = "".join(
            f"  {key}: |\n" + indent(dedent(value), "    ") + "\n" for key, value in base.items()
        )
        config = f"apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: base}}\ndata:\n{values}"
    given = ("base.yaml", config.encode()) if config is not None else None
    return render(read(("msvc.yaml", text.encode()), given), as_is=as_is)


def only(result: Rendered, code: str) -> Diagnostic:
    found = [each for each in result.findings if each.code == code]
    assert len(found) == 1, result.findings
    return found[0]


def pod(result: Rendered, key: str = "decodeDeployment") -> Any:
    assert not has_errors(result.findings), result.findings
    return result.children[key]["spec"]["template"]["spec"]


def container(result: Rendered) -> Any:
    return pod(result)["containers"][0]


DECODE = "spec: {template: {spec: {containers: [{name: vllm, image: 'vllm:1'%s}]}}}"


def test_children_come_in_the_operators_order() -> None:
    result = made(
        "decode: {}",
        {"eppDeployment": "{}", "inferencePool": "{}", "eppService": "{}", "configMaps": "[]"},
    )
    assert list(result.children) == [
        key
        for key in CHILDREN
        if key
        in (
            "decodeDeployment",
            "inferencePool",
            "eppDeployment",
            "eppService",
            "eppServiceAccount",
            "pdServiceAccount",
            "eppRoleBinding",
        )
    ]


def test_accelerator_types_stand_beside_the_terms_of_the_base_and_are_added_to_each() -> None:
    base = """\
        spec:
          template:
            spec:
              affinity:
                nodeAffinity:
                  requiredDuringSchedulingIgnoredDuringExecution:
                    nodeSelectorTerms:
                    - matchExpressions: [{key: zone, operator: In, values: [a]}]
                    - matchFields: [{key: metadata.name, operator: In, values: [n]}]
    """
    spec = "decode: {acceleratorTypes: {labelKey: gpu, labelValues: [A100]}}"
    required = "requiredDuringSchedulingIgnoredDuringExecution"
    term = {"key": "gpu", "operator": "In", "values": ["A100"]}
    kept = pod(made(spec, {"decodeDeployment": base}, as_is=True))["affinity"]["nodeAffinity"]
    assert kept[required]["nodeSelectorTerms"][2] == {"matchExpressions": [term]}
    result = made(spec, {"decodeDeployment": base})
    terms = pod(result)["affinity"]["nodeAffinity"][required]["nodeSelectorTerms"]
    assert [each["matchExpressions"][-1] for each in terms] == [term, term]
    assert only(result, "I841").notes[0].span


def test_unknown_fields_and_keys_are_named_with_what_was_meant() -> None:
    result = made(
        "decode: {containers: [{name: vllm, imagePullPolicy: Always}], volumes: []}",
        {"decodeDeploymnt": "{}", "decodeDeployment": "spec: {replicaz: 2}"},
    )
    hints = {each.message.split("`")[1]: each.hint for each in result.findings}
    assert hints["decodeDeploymnt"] == "did you mean `decodeDeployment`?"
    assert hints["replicaz"] == "did you mean `replicas`?"
    assert "BaseConfig" in hints["imagePullPolicy"]
    assert "BaseConfig" in hints["volumes"]


def test_the_base_turns_numbers_into_text_and_a_role_does_not() -> None:
    base = {"decodeDeployment": DECODE % ", env: [{name: A, value: n}, {name: B, value: 80}]"}
    env = container(made("decode: {}", base))["env"]
    assert env == [{"name": "A", "value": "false"}, {"name": "B", "value": "80"}]
    refused = made("decode: {containers: [{name: vllm, env: [{name: A, value: n}]}]}", base)
    assert "quotes" in only(refused, "I834").hint
    assert not refused.children
    picker = "endpointPicker: {containers: [{name: epp, env: [{name: A, value: 1}]}]}"
    made_of = made(picker, {"eppDeployment": "{}"})
    assert pod(made_of, "eppDeployment")["containers"][0]["env"] == [{"name": "A", "value": "1"}]


def test_quantities_are_written_as_kubernetes_writes_them() -> None:
    base = DECODE % ", resources: {limits: {cpu: 1000m, memory: 1024Mi, nvidia.com/gpu: 1}}"
    limits = container(made("decode: {}", {"decodeDeployment": base}))["resources"]["limits"]
    assert limits == {"cpu": "1", "memory": "1Gi", "nvidia.com/gpu": "1"}


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        *(("1000m", "1"), ("1.5Gi", "1536Mi"), ("0.1", "100m"), ("100000000", "100M")),
        *(("1e3", "1e3"), ("512", "512"), ("0.5Ki", "512"), ("0", "0"), ("many", None)),
    ],
)
def test_canonical_quantities(text: str, wanted: str | None) -> None:
    assert canonical(text) == wanted


def test_a_fault_inside_a_value_is_at_its_line() -> None:
    base = {"decodeDeployment": "spec:\n  replicas: {{ .Nop }}\n  paused: maybe\n"}
    found = only(made("decode: {}", base), "I832")
    assert str(found.span) == "base.yaml:7:20"
    base = {"decodeDeployment": 'spec:\n  replicas: {{ getPort "inner" }}\n  paused: maybe\n'}
    found = only(made("decode: {}", base), "I834")
    assert str(found.span) == "base.yaml:8:15"


def test_an_unknown_variable_is_met_with_the_one_that_was_meant() -> None:
    found = only(made("decode: {containers: [{name: c, args: ['{{ .ModelNam }}']}]}"), "I832")
    assert found.hint == "did you mean `ModelName`?"


@pytest.mark.parametrize("call", ["env `HOME`", "now", "randAlpha 3", "genPrivateKey `rsa`"])
def test_what_depends_on_the_machine_is_refused_by_name(call: str) -> None:
    result = made(f"decode: {{containers: [{{name: c, args: ['{{{{ {call} }}}}']}}]}}", as_is=True)
    assert f"`{call.split()[0]}`" in only(result, "I833").message


def test_ports_are_looked_up_by_name() -> None:
    result = made("""\
        decode:
          containers:
          - name: c
            args:
            - '{{ getPort "app_port" }}'
            - '{{ "inner" | getPort }}'
            - '{{ add (getPort "inner") 1 }}'
    """)
    assert container(result)["args"] == ["8000", "8200", "8201"]
    typo = "decode: {containers: [{name: c, args: ['{{ getPort \"appport\" }}']}]}"
    found = only(made(typo), "I844")
    assert found.severity == "error"
    assert found.hint == "did you mean `app_port`?"
    assert container(made(typo, as_is=True))["args"] == ["-1"]


def test_printed_variables_become_references_and_computed_ones_values() -> None:
    base = {
        "decodeDeployment": """\
            spec:
              template:
                spec:
                  containers:
                  - name: vllm
                    args:
                    - "--served={{ .ModelName }}"
                    - "{{ .ModelName | upper }}"
                    - "--port={{ getPort "inner" }}"
                    - "{{ .DecodeDeploymentName }} ${LEFT} {{ .ModelServiceName }}"
                    - "$${{ .ModelName }}"
                    ports: [{containerPort: {{ "app_port" | getPort }}}]
        """,
        "inferencePool": 'spec: {targetPortNumber: {{ getPort "app_port" }}}',
    }
    result = made("decode: {}", base)
    assert container(result)["args"] == [
        "--served=org/model",
        "ORG/MODEL",
        "--port=8200",
        "exp-decode ${LEFT} exp",
        "$$org/model",
    ]
    live = result.live_children["decodeDeployment"]["spec"]["template"]["spec"]["containers"][0]
    assert live["args"] == [
        "--served=${model.name}",
        "ORG/MODEL",
        "--port=8200",
        "${metadata.name}-decode $${LEFT} ${metadata.name}",
        "$$org/model",
    ]
    assert isinstance(live["args"][0], Live)
    assert not isinstance(live["args"][2], Live)
    assert live["ports"] == [{"containerPort": "${routing.port}"}]
    assert result.live_before["inferencePool"]["spec"]["targetPortNumber"] == "${routing.port}"
    assert result.facts
    assert result.facts.routing_port == 8000


def test_all_that_is_made_can_be_written_as_yaml() -> None:
    base = {"decodeDeployment": DECODE % ", args: ['{{ .ModelName }}']"}
    result = made("decode: {}", base)
    assert yaml.safe_load(yaml.safe_dump(dict(result.children))) == dict(result.children)
    assert "&id" not in yaml.safe_dump(dict(result.children))


@pytest.mark.parametrize(
    ("base", "upper", "wanted"),
    [
        (["--port", "1", "--a"], ["m", "--port=2"], ["m", "--port=2", "--a"]),
        (["--max-len", "1"], ["--max_len", "2"], ["--max_len", "2"]),
        (["x", "--a", "1", "-v"], ["--a", "2"], ["--a", "2", "x", "-v"]),
        (["--n", "-1"], ["--m", "-1"], ["--m", "-1", "--n", "-1"]),
    ],
)
def test_flags_of_both_sides(base: list[str], upper: list[str], wanted: list[str]) -> None:
    assert joined(base, upper) == wanted


def test_a_parent_without_a_port_gives_way_to_one_with_it() -> None:
    base = {"httpRoute": "spec: {parentRefs: [{name: gw}, {name: other, port: 1}]}"}
    text = HEAD + indent(
        ROUTING.replace("{modelName", "{gatewayRefs: [{name: gw, port: 80}], modelName"), "  "
    )
    config = yaml.safe_dump(
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "b"}, "data": base}
    )
    source = read(("m.yaml", text.encode()), ("b.yaml", config.encode()))
    made_of = render(source).children["httpRoute"]["spec"]["parentRefs"]
    assert made_of == [{"name": "gw", "port": 80}, {"name": "other", "port": 1}]


def test_an_own_value_stands_above_what_the_weights_bring() -> None:
    spec = """\
        decode:
          containers:
          - {name: vllm, mountModelVolume: true, env: [{name: HF_HOME, value: /mine}]}
    """
    result = made(spec, {"decodeDeployment": DECODE % ""})
    assert container(result)["env"] == [{"name": "HF_HOME", "value": "/mine"}]
    assert result.facts
    assert result.facts.roles["decode"].mounts == ("vllm",)


def test_what_is_started_with_counts_above_parallelism() -> None:
    base = {"decodeDeployment": DECODE % ", args: [-tp, '4']"}
    result = made("decode: {parallelism: {tensor: 8}}", base)
    assert container(result)["args"] == ["-tp", "4"]
    assert container(result)["resources"]["limits"] == {"nvidia.com/gpu": "4"}
    assert container(made("decode: {parallelism: {tensor: 8}}", base, as_is=True)) == {
        "name": "vllm",
        "image": "vllm:1",
        "args": ["-tp", "4"],
    }


def test_the_default_parallelism_says_nothing() -> None:
    base = {
        "decodeDeployment": DECODE % ", args: [-tp, '2'], resources: {limits: {amd.com/gpu: 2}}"
    }
    assert not made("decode: {replicas: 1, parallelism: {tensor: 1}}", base).findings


def test_a_long_name_is_cut_as_the_operator_cuts_it() -> None:
    text = HEAD + indent(ROUTING + "decode: {}\nprefill: {}\n", "  ")
    for length, wanted in ((60, "n" * 60 + "-de"), (62, "deployment-decode"), (70, "n" * 63)):
        file = text.replace("name: exp", "name: " + "n" * length).encode()
        kept = render(read(("m.yaml", file)), as_is=True)
        assert kept.children["decodeDeployment"]["metadata"]["name"] == wanted
        fixed = render(read(("m.yaml", file))).children
        assert fixed["decodeDeployment"]["metadata"]["name"].endswith("-decode")
        only(kept, "I843")


def test_a_repeated_source_of_variables_stays_or_stands_once() -> None:
    base = {"decodeDeployment": DECODE % ", envFrom: [{secretRef: {name: s}}]"}
    spec = "decode: {containers: [{name: vllm, envFrom: [{secretRef: {name: s}}]}]}"
    entry = {"secretRef": {"name": "s"}}
    assert container(made(spec, base, as_is=True))["envFrom"] == [entry, entry]
    assert container(made(spec, base))["envFrom"] == [entry]


def test_the_model_keeps_what_its_base_says_and_loses_its_labels() -> None:
    base = {
        "inferenceModel": """\
            metadata: {name: x, labels: {a: b}, annotations: {c: d}}
            spec: {criticality: Critical, targetModels: [{name: v1, weight: 0}], poolRef: {kind: K}}
        """
    }
    for as_is in (True, False):
        made_of = made("decode: {}", base, as_is=as_is).children["inferenceModel"]
        assert made_of["metadata"]["annotations"] == {"c": "d"}
        assert made_of["metadata"]["name"] == "exp"
        assert "a" not in made_of["metadata"]["labels"]
        assert made_of["spec"] == {
            "criticality": "Critical",
            "targetModels": [{"name": "v1", "weight": 0}],
            "modelName": "org/model",
            "poolRef": {"kind": "K", "name": "exp-inference-pool"},
        }


def test_service_accounts_get_their_secrets_and_the_picker_its_role() -> None:
    text = HEAD + indent(ROUTING + "decode: {}\n", "  ")
    config = b"apiVersion: v1\nkind: ConfigMap\ndata: {eppDeployment: '{}'}\n"
    source = read(("m.yaml", text.encode()), ("b.yaml", config))
    children = render(source, Settings("role", ("e",), ("p", "q"))).children
    assert children["eppServiceAccount"]["imagePullSecrets"] == [{"name": "e"}]
    assert children["pdServiceAccount"]["imagePullSecrets"] == [{"name": "p"}, {"name": "q"}]
    assert children["eppRoleBinding"]["roleRef"]["name"] == "role"


def test_a_dotted_name_keeps_its_dots_where_they_are_allowed() -> None:
    text = (HEAD + indent(ROUTING + "decode: {}\n", "  ")).replace("name: exp", "name: a.b")
    source = read(
        ("m.yaml", text.encode()), ("b.yaml", b"kind: ConfigMap\ndata: {inferenceModel: '{}'}\n")
    )
    for as_is in (True, False):
        children = render(source, as_is=as_is).children
        assert children["decodeDeployment"]["metadata"]["name"] == "a-b-decode"
        assert children["inferenceModel"]["metadata"]["name"] == "a.b"


def test_files_with_more_than_one_document() -> None:
    config = b"kind: ConfigMap\ndata: {decodeDeployment: 'spec: {replicas: 3}'}\n"
    text = (HEAD + indent(ROUTING + "decode: {}\n", "  ")).encode()
    both = ("all.yaml", b"kind: Secret\n---\n" + config + b"---\n" + text)
    source = read(both, both)
    assert [each.code for each in source.findings] == ["I835", "I835"]
    assert render(source).children["decodeDeployment"]["spec"]["replicas"] == 3


def test_a_key_that_stands_twice_counts_as_its_last() -> None:
    result = made("decode: {replicas: 1, replicas: 2}")
    assert result.children["decodeDeployment"]["spec"]["replicas"] == 2
    assert only(result, "I835").notes


def test_anchors_and_merge_keys_are_followed() -> None:
    base = {
        "prefillDeployment": "{}",
        "decodeDeployment": """\
            x: &c {name: vllm, image: 'vllm:1'}
            spec: {template: {spec: {containers: [{<<: *c, tty: true}], initContainers: [*c]}}}
        """,
    }
    result = made("decode: {}", base)
    assert container(result) == {"name": "vllm", "image": "vllm:1", "tty": True}
    assert pod(result)["initContainers"] == [{"name": "vllm", "image": "vllm:1"}]


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"kind: Pod\n", "there is no ModelService in this file"),
        (b"", "there is no ModelService in this file"),
        (b"kind: {a: [b}\n", "not closed"),
        (b"a: \xff\n", "UTF-8"),
        (b"a: *b\n", "names no anchor"),
        (b"a: &a [*a]\n", "inside the value it names"),
        (b"[" * 100 + b"]" * 100, "nested deeper"),
        (b"a: !thing 1\n", "not supported"),
        (
            b"a: &a [1,1,1,1,1,1,1,1,1,1]\n"
            + b"".join(
                b"%c: &%c [%s]\n" % (c, c, b",".join([b"*%c" % (c - 1)] * 10))
                for c in range(ord("b"), ord("i"))
            ),
            "counting what aliases repeat",
        ),
    ],
)
def test_files_that_cannot_be_read(data: bytes, said: str) -> None:
    with pytest.raises(CompileError) as raised:
        read(("m.yaml", data))
    found = raised.value.diagnostics[0]
    assert found.code == "I831"
    assert said in found.message
    assert found.span


def test_both_files_are_told_of_at_once() -> None:
    with pytest.raises(CompileError) as raised:
        read(("m.yaml", b"kind: Pod\n"), ("b.yaml", b"kind: Pod\n"))
    assert {each.span.path for each in raised.value.diagnostics if each.span} == {
        "m.yaml",
        "b.yaml",
    }


def test_blank_and_empty_values_of_a_base() -> None:
    result = made("", {"decodeDeployment": "# nothing\n", "eppDeployment": "{}"})
    assert "decodeDeployment" not in result.children
    assert "eppDeployment" in result.children


def test_a_model_service_needs_a_name() -> None:
    text = (HEAD + indent(ROUTING, "  ")).replace("name: exp, ", "")
    result = render(read(("m.yaml", text.encode())))
    assert "metadata.name" in only(result, "I834").message


def test_facts() -> None:
    spec = """\
        decoupleScaling: true
        prefill: {replicas: 2, parallelism: {tensor: 2}}
        decode: {acceleratorTypes: {labelKey: k, labelValues: [v]}}
    """
    facts = made(spec, {"decodeDeployment": DECODE % ""}).facts
    assert facts
    assert (facts.name, facts.namespace, facts.model_name) == ("exp", "team-a", "org/model")
    assert facts.decouple_scaling
    assert facts.ports == {"app_port": 8000, "inner": 8200}
    decode, prefill = facts.roles["decode"], facts.roles["prefill"]
    assert (decode.in_base, decode.in_stanza, decode.engine) == (True, True, "vllm")
    assert decode.accelerators
    assert decode.accelerators.label_values == ("v",)
    assert (prefill.in_base, prefill.replicas, prefill.tensor) == (False, 2, 2)
    assert prefill.deployment == "exp-prefill"
