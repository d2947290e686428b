"""The schemas that ship, held against others' readers of the same: kubernetes-validate for built-in
kinds, jsonschema for custom ones. And the functions of CEL, against what Kubernetes documents."""

from __future__ import annotations

import copy
import random
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cel
import kubernetes_validate
import pytest
from jsonschema import Draft202012Validator

from modelmill.cel_functions import FUNCTIONS
from modelmill.validation import cel_rules, structure
from modelmill.validation.faults import Fault
from modelmill.validation.schema import Schema
from modelmill.validation.schemas import Kind, Schemas, custom, kubernetes_versions
from support import SMALL, every_object, run, write_files
from test_kubernetes_schemas import BUILT_IN

STRANGE: tuple[Any, ...] = (None, True, 7, 1.5, "text", "7", [], ["a"], {}, {"a": "b"})


@pytest.fixture(scope="module")
def objects(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    folder = tmp_path_factory.mktemp("small")
    found = every_object(write_files(folder, SMALL))
    return [body for body in found if body["apiVersion"] in BUILT_IN]


def places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Every container in a value with every key of it."""
    pairs = value.items() if isinstance(value, dict) else enumerate(value)
    for key, each in list(pairs):
        yield value, key
        if isinstance(each, dict | list):
            yield from places(each)


def mutated(body: dict[str, Any], chance: random.Random) -> dict[str, Any]:
    """The object with one change: a field added or taken away, or another value."""
    changed = copy.deepcopy(body)
    choices = [(h, k) for h, k in places(changed) if k not in ("apiVersion", "kind")]
    holder, key = chance.choice(choices)
    act = chance.choice(("add", "remove", "set"))
    if act == "add" and isinstance(holder, dict):
        holder[chance.choice(("hostnme", "x", "nmae"))] = chance.choice(STRANGE)
    elif act == "remove":
        del holder[key]
    else:
        holder[key] = chance.choice(STRANGE)
    return changed


def is_refused_by_others(body: dict[str, Any], version: str) -> bool:
    try:
        kubernetes_validate.validate(body, version, strict=True)
    except kubernetes_validate.ValidationError:
        return True
    return False


def schema_of(body: dict[str, Any], version: str) -> Schema:
    found = Schemas(version).find(Kind(body["apiVersion"], body["kind"]))
    assert found is not None
    return found


@pytest.mark.parametrize("version", ["1.30", "1.34", "1.37"])
def test_built_in_kinds_are_refused_as_others_refuse_them(
    objects: list[dict[str, Any]], version: str
) -> None:
    chance = random.Random(version)
    differing = []
    for _ in range(300):
        body = mutated(chance.choice(objects), chance)
        found = [f for f in structure.faults(schema_of(body, version), body) if f.code != "V106"]
        if bool(found) != is_refused_by_others(body, version) and not is_known(found):
            differing.append((found, body))
    assert not differing


def is_known(found: list[Fault]) -> bool:
    """Where this is stricter on purpose: formats and enums that the published schemas lack."""
    return bool(found) and all(each.code == "V104" for each in found)


@pytest.mark.parametrize("version", kubernetes_versions())
def test_every_version_has_what_is_emitted(objects: list[dict[str, Any]], version: str) -> None:
    for body in objects:
        if body["apiVersion"] != "resource.k8s.io/v1":
            assert list(structure.faults(schema_of(body, version), body)) == []


CUSTOM = {
    "type": "object",
    "properties": {
        "spec": {
            "type": "object",
            "required": ["a"],
            "properties": {
                "a": {"type": "string", "minLength": 2, "maxLength": 4, "pattern": "^[a-z]+$"},
                "b": {"type": "integer", "minimum": 1, "maximum": 3},
                "c": {"type": "array", "minItems": 1, "items": {"type": "boolean"}},
                "d": {"type": "object", "maxProperties": 1, "additionalProperties": True},
                "e": {"type": "string", "enum": ["x", "y"]},
            },
            "anyOf": [{"required": ["b"]}, {"required": ["c"]}],
            "not": {"required": ["b", "e"]},
        }
    },
}
VALUES: dict[str, tuple[Any, ...]] = {
    "a": ("abc", "a", "abcde", "ABC", 5),
    "b": (1, 3, 0, 4, "1", 2.0, 2.5),
    "c": ([True], [], ["x"], "x"),
    "d": ({}, {"k": 1}, {"k": 1, "l": 2}, []),
    "e": ("x", "z", 1),
}


def test_custom_kinds_are_refused_as_jsonschema_refuses_them() -> None:
    chance = random.Random(0)
    ours = custom("1.37", CUSTOM, is_namespaced=True)
    theirs = Draft202012Validator(CUSTOM)
    for _ in range(500):
        keys = chance.sample(sorted(VALUES), chance.randrange(6))
        spec = {key: chance.choice(VALUES[key]) for key in keys}
        found = list(structure.faults(ours, {"spec": spec}))
        assert bool(found) == (not theirs.is_valid({"spec": spec})), (spec, found)


@pytest.mark.parametrize(
    ("rule", "value"),
    [
        ("'a.b'.find('[a-z]+')", "a"),
        ("'a1b22'.findAll('[0-9]+')", ["1", "22"]),
        ("'a,b,c'.split(',', 2)", ["a", "b,c"]),
        ("['a', 'b'].join('-')", "a-b"),
        ("'banana'.replace('a', 'o', 2)", "bonona"),
        ("'tacocat'.substring(1, 4)", "aco"),
        ("'hello'.indexOf('l')", 2),
        ("'hello'.lastIndexOf('l')", 3),
        ("' x '.trim()", "x"),
        ("'TacoCat'.lowerAscii()", "tacocat"),
        ("[1, 3, 2].isSorted()", False),
        ("[1, 2].sum() == 3", True),
        ("isURL('https://example.com/path')", True),
        ("isURL('example.com')", False),
        ("url('https://u@example.com:80/a').getHostname()", "example.com"),
        ("quantity('1.5Gi').isGreaterThan(quantity('1G'))", True),
        ("quantity('500m').compareTo(quantity('0.5')) == 0", True),
        ("isQuantity('1.3Gii')", False),
        ("quantity('50k').asInteger()", 50000),
        ("isIP('::1') && !isIP('127.0.0.')", True),
        ("ip('127.0.0.1').family() == 4", True),
        ("isCIDR('10.0.0.0/8') && !isCIDR('10.0.0.0')", True),
        ("'%s has %d'.format(['a', 3])", "a has 3"),
    ],
)
def test_functions_of_kubernetes(rule: str, value: Any) -> None:
    assert cel.evaluate(rule, cel.Context(functions=dict(FUNCTIONS))) == value


def rules(*found: dict[str, Any], **fields: Any) -> Schema:
    spec = {"type": "object", "properties": fields, "x-kubernetes-validations": list(found)}
    return custom("1.37", {"type": "object", "properties": {"spec": spec}}, is_namespaced=True)


def broken(schema: Schema, spec: Any) -> list[Any]:
    return list(cel_rules.broken(schema, {"spec": spec}))


def test_rules_see_defaults_and_escaped_names() -> None:
    number = {"type": "integer", "default": 3}
    rule = {"rule": "self.__namespace__ == 'a' && self.x__dash__y == 3 && self.n == 3"}
    fields = {"namespace": {"type": "string"}, "x-y": {"type": "integer"}, "n": number}
    schema = rules(rule, **fields)
    assert broken(schema, {"namespace": "a", "x-y": 3}) == []
    (fault,) = broken(schema, {"namespace": "b", "x-y": 3})
    assert (fault.code, fault.path) == ("V111", ("spec",))


def test_messages_and_paths_of_rules() -> None:
    rule = {
        "rule": "self.low <= self.high",
        "messageExpression": "'%d is above %d'.format([self.low, self.high])",
        "fieldPath": ".low",
    }
    schema = rules(rule, low={"type": "integer"}, high={"type": "integer"})
    (fault,) = broken(schema, {"low": 5, "high": 2})
    assert (fault.message, fault.path) == ("5 is above 2", ("spec", "low"))


def test_rules_about_changes_are_left_to_the_cluster() -> None:
    assert broken(rules({"rule": "self == oldSelf"}), {}) == []


@pytest.mark.parametrize(
    "rule",
    [
        "self.?a.orValue(1) == 2",
        "self.all(i, v, v == 2)",
        "unheardOf(self)",
        "authorizer.allowed()",
    ],
)
def test_a_rule_that_cannot_be_evaluated_is_held_against_nobody(rule: str) -> None:
    (found,) = broken(rules({"rule": rule}, a={"type": "integer"}), {"a": 1})
    assert isinstance(found, cel_rules.Unevaluated)
    assert found.rule == rule


def test_without_an_evaluator_a_note_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "cel", None)
    ran = run(write_files(tmp_path, SMALL), "validate", "--no-build")
    assert ran.status == 0
    assert "note: CEL rules of custom resources are not checked: pip install" in ran.stderr
