"""The JSON Schemas: current, well formed, complete, and of one mind with the decoder."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from modelmill.schema import KINDS, RECORDS, schema_of, schema_text
from modelmill.shapes import Problems
from modelmill.tree import plant
from support import ROOT

VALIDATORS = {name: Draft202012Validator(schema_of(name)) for name in KINDS}
HEAD = {"apiVersion": "modelmill.dev/v1alpha1"}

# One document of each kind that has something of every sort of field in it.
SPEC: dict[str, Any] = {
    "model": {"name": "a/b", "uri": "hf://a/b", "size": "150Gi", "auth": {"secretName": "t"}},
    "engine": {
        "type": "vllm",
        "args": {"max-model-len": 8192, "flag": True, "list": ["a"]},
        "env": {"A": "b", "N": 1, "S": {"valueFrom": {"secretKeyRef": {"name": "s"}}}},
        "command": ["serve"],
    },
    "accelerator": {"name": "h100", "memory": "80Gi", "nodeLabels": {"gpu": ["H100", "H200"]}},
    "sharedMemory": 20,
    "probes": {"startup": {"httpGet": {"path": "/"}, "periodSeconds": 5}},
    "podDisruptionBudget": {"minAvailable": "50%"},
    "pod": {
        "labels": {"team": "search"},
        "volumes": {"cache": {"emptyDir": {}}},
        "containers": {"proxy": {"image": "a:1", "ports": {"http": {"containerPort": 80}}}},
        "automountServiceAccountToken": False,
    },
    "roles": {
        "decode": {"replicas": 2, "parallelism": {"tensor": 4}, "strategy": {"maxSurge": 1}},
        "prefill": {"extends": ["x"], "podMonitor": {"interval": "30s"}},
    },
    "routing": {
        "port": 8000,
        "gateway": {"name": "g"},
        "route": {"hostnames": ["a.example"], "timeout": "300s"},
        "scheduler": {
            "config": {
                "name": "own",
                "plugins": {"p": {"type": "q", "parameters": {"a": 1}}},
                "schedulingProfiles": {"default": {"plugins": {"p": {"weight": 1}}}},
                "featureGates": {"f": True},
            },
        },
    },
}
DOCUMENTS_TO_MUTATE: dict[str, dict[str, Any]] = {
    "project": {
        **HEAD,
        "kind": "Project",
        "versions": {"set": "llm-d-v0.9", "images": {"epp": "a:1"}},
        "paths": {"models": "models"},
    },
    "model": {
        **HEAD,
        "kind": "Model",
        "metadata": {"name": "m", "labels": {"team": "search", "tier": 1}},
        "extends": ["vllm", "h100"],
        "spec": SPEC,
        "environments": {"prod": {"roles": {"decode": {"replicas": 8}}}},
    },
    "lock": {
        **HEAD,
        "kind": "Lock",
        "versions": "llm-d-v0.9",
        "library": {"version": "0.1.0", "presets": {"vllm": f"sha256:{1:064}"}},
        "images": {"docker.io/vllm/vllm-openai:v0.26.0": f"sha256:{2:064}"},
        "models": {"hf://Qwen/Qwen3-32B@main": "a" * 40},
    },
    "preset": {**HEAD, "kind": "Preset", "metadata": {"name": "p"}, "extends": [], "spec": SPEC},
    "overlay": {
        **HEAD,
        "kind": "Overlay",
        "metadata": {"name": "prod"},
        "namespace": "llm",
        "createNamespace": True,
        "podSecurity": "restricted",
        "selector": {
            "matchLabels": {"team": "search"},
            "matchExpressions": [{"key": "a", "operator": "In", "values": ["b"]}],
        },
        "extends": ["vllm"],
        "spec": SPEC,
        "patches": {"p": {"target": {"kind": "Service"}, "operations": [{"op": "remove"}]}},
    },
}

# What a person may write in the wrong place. Kept out are the differences of KNOWN_DIFFERENCES.
SCALARS: list[Any] = [
    None, True, False, 0, 1, -1, 7, 65536, 1000000, 2**53 - 1, 0.5, -1.5,
    "", "a", "A_b", "a.b", "25%", "30s", "5", "16Gi", "x" * 64, "${model.name}", "a-${b}", "$${",
    "$",
    "vllm", "Recreate", "Exists", "restricted", "In",
]  # fmt: skip
KEYS = ["a", "name", "type", "path", "exec", "httpGet", "maxUnavailable", "operations", "Bad_Key"]
values = st.one_of(
    st.sampled_from(SCALARS),
    st.builds(list),
    st.builds(dict),
    st.lists(st.sampled_from(SCALARS), max_size=2),
    st.dictionaries(st.sampled_from(KEYS[:-1]), st.sampled_from(SCALARS[1:]), max_size=2),
)


def decodes(name: str, document: Any) -> bool:
    problems = Problems(partial=False)
    RECORDS[KINDS[name]].shape().decode(plant(document, ("", 1, 1, 1)), problems)
    return not problems.found


def validates(name: str, document: Any) -> bool:
    return bool(VALIDATORS[name].is_valid(document))


def below(value: Any) -> Iterator[Any]:
    """Every mapping and list in a document."""
    if isinstance(value, dict | list):
        yield value
        for child in value.values() if isinstance(value, dict) else value:
            yield from below(child)


@st.composite
def mutated(draw: Callable[..., Any], name: str) -> Any:
    """A good document in which up to three values were replaced, added or taken away."""
    document = deepcopy(DOCUMENTS_TO_MUTATE[name])
    for _ in range(draw(st.integers(0, 3))):
        place = draw(st.sampled_from(list(below(document))))
        known = list(place) if isinstance(place, dict) else list(range(len(place)))
        act = draw(st.sampled_from(["replace", "replace", "add", "remove"]))
        if act == "add" or not known:
            if isinstance(place, list):
                place.append(draw(values))
            else:
                place[draw(st.sampled_from(KEYS))] = draw(values.filter(lambda v: v is not None))
        elif act == "remove":
            del place[draw(st.sampled_from(known))]
        else:
            place[draw(st.sampled_from(known))] = draw(values)
    return document


@pytest.mark.parametrize("name", KINDS)
def test_the_documents_to_mutate_are_good(name: str) -> None:
    assert decodes(name, DOCUMENTS_TO_MUTATE[name])
    assert validates(name, DOCUMENTS_TO_MUTATE[name])


@pytest.mark.parametrize("name", KINDS)
def test_schema_and_decoder_agree(name: str) -> None:
    seen = {True: 0, False: 0}

    @settings(max_examples=400, deadline=None, suppress_health_check=list(HealthCheck))
    @given(mutated(name))
    def agree(document: Any) -> None:
        assume(not has_null_rival(document))
        decoded = decodes(name, document)
        seen[decoded] += 1
        assert validates(name, document) == decoded, document

    agree()
    assert min(seen.values()) >= 10, "both good and bad documents must have been tried"


def has_null_rival(data: Any, inside: str = "") -> bool:
    """Whether a one-of with free names holds a null beside others: a known difference."""
    if isinstance(data, list):
        return any(has_null_rival(each) for each in data)
    if not isinstance(data, dict):
        return False
    exclusive = inside in ("volumes", "valueFrom")
    if exclusive and len(data) > 1 and None in data.values():
        return True
    below = "volumes" if inside == "pod.volumes" else ""
    return any(
        has_null_rival(
            each, below or {"volumes": "pod.volumes", "valueFrom": "valueFrom"}.get(key, "")
        )
        for key, each in data.items()
    )


# A decoder reads YAML, a schema JSON; and some rules a schema can only come near.
KNOWN_DIFFERENCES = {
    "JSON has one type of number": ("model", {"roles": {"a": {"replicas": 1.0}}}, False, True),
    "a null member of a one-of with free names": (
        "model",
        {"pod": {"volumes": {"v": {"emptyDir": {}, "hostPath": None}}}},
        True,
        False,
    ),
}


@pytest.mark.parametrize("reason", KNOWN_DIFFERENCES)
def test_known_differences(reason: str) -> None:
    name, spec, decoded, validated = KNOWN_DIFFERENCES[reason]
    document = {**DOCUMENTS_TO_MUTATE[name], "spec": spec}
    assert (decodes(name, document), validates(name, document)) == (decoded, validated)


@pytest.mark.parametrize("name", KINDS)
def test_schemas_on_disk_are_current(name: str) -> None:
    """`modelmill schema --write` makes them so."""
    assert (ROOT / "schemas" / f"{name}.json").read_text() == schema_text(name)


def test_nothing_else_is_in_schemas() -> None:
    """But what `diff` prints, to which `test_danger` holds it."""
    wanted = {"diff.json", *(f"{name}.json" for name in KINDS)}
    assert {path.name for path in (ROOT / "schemas").iterdir()} == wanted


@pytest.mark.parametrize("name", KINDS)
def test_schema_is_a_schema(name: str) -> None:
    Draft202012Validator.check_schema(schema_of(name))
    assert schema_text(name).endswith("}\n")
    assert schema_text(name) == schema_text(name)


def subschemas(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        yield value
    for child in value.values() if isinstance(value, dict) else value:
        if isinstance(child, dict | list):
            yield from subschemas(child)


@pytest.mark.parametrize("name", KINDS)
def test_every_field_is_described_and_patterns_are_portable(name: str) -> None:
    for schema in subschemas(schema_of(name)):
        if schema.get("additionalProperties") is False:
            for key, field in schema["properties"].items():
                assert field["description"].strip(), key
        pattern = schema.get("pattern", "")
        assert not isinstance(pattern, str) or "(?=" not in pattern
        assert not isinstance(pattern, str) or "(?!" not in pattern


@pytest.mark.parametrize("name", KINDS)
def test_layers_require_nothing(name: str) -> None:
    for definition in schema_of(name).get("$defs", {}).values():
        assert not any("required" in s for s in subschemas(definition["properties"]))


def repository_files() -> list[Path]:
    folders = [ROOT / folder for folder in ("presets", "models", "overlays")]
    below_folders = [path for folder in folders for path in sorted(folder.rglob("*.yaml"))]
    return [ROOT / "modelmill.yaml", *(p for p in below_folders if "patches" not in p.parts)]


@pytest.mark.parametrize("path", repository_files(), ids=lambda p: p.relative_to(ROOT).as_posix())
def test_this_repository_validates(path: Path) -> None:
    document = yaml.safe_load(path.read_text())
    faults = VALIDATORS[document["kind"].lower()].iter_errors(document)
    assert [f"{fault.json_path}: {fault.message}" for fault in faults] == []


def test_what_an_editor_shows_for_a_field() -> None:
    definitions = schema_of("model")["$defs"]
    assert definitions["Parallelism"]["properties"]["tensor"] == {
        "description": "Tensor parallel size.",
        "type": ["integer", "string", "null"],
        "pattern": r"\$\{",
        "minimum": 1,
    }
    connector = definitions["KvTransfer"]["properties"]["connector"]["anyOf"]
    assert {"type": "string", "enum": ["nixl", "mooncake"]} in connector
    assert json.dumps(definitions["Spec"]).count('"required"') == 0
