"""`${…}`: what it may refer to, what comes of it, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest

from modelmill.diagnostics import CompileError, Diagnostic
from modelmill.references import MAX_CHAIN, substitute
from support import tree, with_nulls

SPEC = """
gone: null
model: {name: acme/Big_Model, uri: "hf://acme/Big_Model", size: 5, ratio: 1.5, ready: true}
list: [a, {b: c}]
dotted: {a.b/c: slash}
"""
AROUND = {
    "metadata": tree("name: big\nlabels: {team: search}"),
    "environment": tree("name: prod\nnamespace: llm-prod\nlabels: {region: eu}"),
}


def replaced(value: str, spec: str = SPEC) -> Any:
    """What a value becomes in a spec."""
    found = substitute(tree(f"{spec}\nx: {value}"), AROUND).get("x")
    return None if found is None else with_nulls(found)


def refused(value: str, spec: str = SPEC) -> Diagnostic:
    """The one problem of a value."""
    with pytest.raises(CompileError) as caught:
        replaced(value, spec)
    (problem,) = caught.value.diagnostics
    return problem


VALUES = {
    "text": ("${model.name}", "acme/Big_Model"),
    "a-number-stays-one": ("${model.size}", 5),
    "a-fraction-stays-one": ("${model.ratio}", 1.5),
    "a-boolean-stays-one": ("${model.ready}", True),
    "a-list-stays-one": ("${list}", ["a", {"b": "c"}]),
    "a-mapping-stays-one": ("${list[1]}", {"b": "c"}),
    "blanks-inside": ("'${  model.size }'", 5),
    "an-entry": ("${list[0]}", "a"),
    "below-an-entry": ("${list[1].b}", "c"),
    "a-key-with-dots": ("'${dotted[\"a.b/c\"]}'", "slash"),
    "the-document": ("${metadata.labels.team}", "search"),
    "the-environment": ("${environment.namespace}", "llm-prod"),
    "a-number-in-text": ("'n=${model.size}'", "n=5"),
    "a-boolean-in-text": ("'is ${model.ready}'", "is true"),
    "two-in-text": ("${model.size}-${metadata.name}", "5-big"),
    "text-of-one-reference-and-a-blank": ("'${model.size} '", "5 "),
    "nested": ("[{a: '${model.size}'}]", [{"a": 5}]),
    "lower": ("${lower(model.name)}", "acme/big_model"),
    "slug": ("${slug(model.name)}", "acme-big-model"),
    "basename": ("${basename(model.uri)}", "Big_Model"),
    "json": ("${json(list)}", '["a",{"b":"c"}]'),
    "json-of-text": ("${json(metadata.name)}", '"big"'),
    "function-in-text": ("q-${slug(model.name)}-v", "q-acme-big-model-v"),
    "literal": ("$${model.name}", "${model.name}"),
    "literal-beside-a-reference": ("'$${A} ${model.size}'", "${A} 5"),
    "kubernetes-own": ("$(POD_IP)", "$(POD_IP)"),
    "a-dollar": ("'costs $5'", "costs $5"),
    "braces": ("'{{ x }}'", "{{ x }}"),
}


@pytest.mark.parametrize(("value", "want"), VALUES.values(), ids=VALUES)
def test_value(value: str, want: object) -> None:
    found = replaced(value)
    assert found == want
    assert type(found) is type(want)


def test_a_key_is_never_a_reference() -> None:
    assert replaced("{'${model.name}': 1}") == {"${model.name}": 1}


def test_what_a_reference_leads_to_may_be_one_too() -> None:
    spec = "a: ${b.c}\nb: {c: '${d}-x', e: 1}\nd: ${b.e}"
    assert replaced("${a}", spec) == "1-x"
    assert replaced("${b}", spec) == {"c": "1-x", "e": 1}


def test_the_written_text_is_remembered() -> None:
    found = substitute(tree("a: v${b}\nb: 1"), {}).nearest("a")
    assert (found.value, found.source) == ("v1", "v${b}")


def test_what_holds_no_reference_is_shared() -> None:
    spec = tree("a: {b: [1]}\nc: ${a.b}")
    assert substitute(spec, {}).nearest("a") is spec.nearest("a")


# Roles

ROLES = """
engine: {version: general}
roles:
  decode: {engine: {version: mine, image: "img:${engine.version}"}, replicas: 2}
  prefill: {engine: {image: "img:${engine.version}"}, peers: "${roles.decode.replicas}"}
  third: {image: "${roles.decode.engine.image}", twin: "${replicas}"}
"""


@pytest.mark.parametrize(
    ("path", "want"),
    [
        ("roles.decode.engine.image", "img:mine"),
        ("roles.prefill.peers", 2),
        ("roles.third.image", "img:mine"),
    ],
)
def test_a_role_looks_in_itself_first(path: str, want: object) -> None:
    spec = ROLES.replace(', twin: "${replicas}"', "").replace(
        '{engine: {image: "img:${engine.version}"}', '{"engine": {version: p}'
    )
    assert substitute(tree(spec), {}).nearest(*path.split(".")).value == want


def test_a_role_that_has_the_head_of_a_path_must_have_the_rest() -> None:
    """A name means one thing: the role's own `engine`, if it has one."""
    with pytest.raises(CompileError) as caught:
        substitute(tree(ROLES), {})
    messages = [d.message for d in caught.value.diagnostics]
    assert messages == [
        "`engine.version` refers to `version`, which is not set",
        "`replicas` refers to `replicas`, which is not set",
    ]


def test_the_spec_of_all_is_seen_from_a_role() -> None:
    spec = "model: {name: m}\nroles: {decode: {x: '${model.name}'}}"
    assert substitute(tree(spec), {}).nearest("roles", "decode", "x").value == "m"


def test_one_line_in_two_roles_is_no_circle() -> None:
    """Layers share a line between roles; in each it is a reference of its own."""
    shared = tree("x: '${other}'").nearest("x")
    spec = tree("roles: {a: {other: '${roles.b.x}'}, b: {other: end}}")
    for name in "ab":
        spec.nearest("roles", name).value["x"] = shared
    assert substitute(spec, {}).nearest("roles", "a", "x").value == "end"


# Refusals

FAULTS = {
    "unknown": ("${model.nmae}", "R304", "`model.nmae` refers to `nmae`, which is not set"),
    "unknown-head": ("${modle.name}", "R304", "`modle.name` refers to `modle`, which is not set"),
    "null-is-not-set": ("${gone}", "R304", "`gone` refers to `gone`, which is not set"),
    "past-the-end": ("${list[2]}", "R304", "`list[2]` refers to `2`, which is not set"),
    "below-text": ("${model.name.x}", "R304", "`model.name.x` refers to `x`, which is not set"),
    "a-key-of-a-list": ("${list.a}", "R304", "`list.a` refers to `a`, which is not set"),
    "no-function": ("${upper(model.name)}", "R306", "`upper` is not a function"),
    "not-closed": ("'${model.name'", "R306", "`${model.name` has no closing brace"),
    "empty": ("${}", "R306", "`${}` is not a reference"),
    "arithmetic": ("${1 + 1}", "R306", "`${1 + 1}` is not a reference"),
    "dots": ("${model..name}", "R306", "`${model..name}` is not a reference"),
    "a-dot-at-the-end": ("${model.}", "R306", "`${model.}` is not a reference"),
    "an-environment-variable": ("${HOME}", "R304", "`HOME` refers to `HOME`, which is not set"),
    "an-endless-index": (
        f"'${{list[{'9' * 30}]}}'",
        "R306",
        f"`${{list[{'9' * 30}]}}` is not a reference",
    ),
    "two-arguments": ("'${slug(a, b)}'", "R306", "`${slug(a, b)}` is not a reference"),
    "nested-functions": ("${slug(lower(a))}", "R306", "`${slug(lower(a))}` is not a reference"),
    "a-mapping-in-text": (
        "'x ${list[1]}'",
        "R307",
        "`list[1]` is not a single value, so it cannot stand inside a string",
    ),
    "a-function-of-a-number": (
        "${slug(model.size)}",
        "R307",
        "`slug` takes a string, which `model.size` is not",
    ),
    "itself": ("${x}", "R305", "the references form a circle: ${x} → ${x}"),
    "itself-in-text": ("a${x}", "R305", "the references form a circle: a${x} → a${x}"),
    "what-holds-it": ("[{a: '${x}'}]", "R305", "the references form a circle: ${x} → ${x}"),
}


@pytest.mark.parametrize(("value", "code", "message"), FAULTS.values(), ids=FAULTS)
def test_fault(value: str, code: str, message: str) -> None:
    problem = refused(value)
    assert (problem.code, problem.message) == (code, message)
    assert problem.span is not None
    assert problem.span.line == SPEC.count("\n") + 2


@pytest.mark.parametrize(
    ("value", "hint"),
    [
        ("${model.nmae}", "did you mean `name`?"),
        ("${modle}", "did you mean `model`?"),
        ("${metdata.name}", "did you mean `metadata`?"),
        ("${metadata.labels.zzz}", "`labels` has team"),
        ("${slgu(model.name)}", "did you mean `slug`?"),
        ("${f(model.name)}", "functions are basename, json, lower, slug"),
        ("${list[1]} x", "write ${json(list[1])} for its JSON"),
    ],
)
def test_hint(value: str, hint: str) -> None:
    assert refused(value).hint == hint


def test_an_environment_is_known_only_in_one() -> None:
    with pytest.raises(CompileError) as caught:
        substitute(tree("x: ${environment.name}"), {})
    (problem,) = caught.value.diagnostics
    assert problem.message == "`environment.name` is only known in an environment"


def test_a_circle_of_two_is_reported_once() -> None:
    with pytest.raises(CompileError) as caught:
        substitute(tree("a: ${b}\nb: ${a}"), {})
    (problem,) = caught.value.diagnostics
    assert problem.message == "the references form a circle: ${b} → ${a} → ${b}"


def test_every_problem_is_reported() -> None:
    with pytest.raises(CompileError) as caught:
        substitute(tree("a: ${x}\nb: [1, '${y}']\nc: {d: '${z}'}"), {})
    assert [d.span and d.span.line for d in caught.value.diagnostics] == [1, 2, 3]


def test_a_fault_is_reported_where_it_is_not_where_it_is_felt() -> None:
    with pytest.raises(CompileError) as caught:
        substitute(tree("a: ${b}\nb: ${nothing}\nc: ${b}"), {})
    assert [d.span and d.span.line for d in caught.value.diagnostics] == [2]


def chain(length: int) -> str:
    return "\n".join([*(f"a{i}: ${{a{i + 1}}}" for i in range(length)), f"a{length}: end"])


def test_a_chain_has_an_end() -> None:
    assert substitute(tree(chain(MAX_CHAIN)), {}).nearest("a0").value == "end"
    with pytest.raises(CompileError) as caught:
        substitute(tree(chain(1000)), {})
    assert {d.code for d in caught.value.diagnostics} == {"R305"}


LAUGHS = {
    "text": ("${{a{}}}${{a{}}}", "ha"),
    "mappings": ("{{x: '${{a{}}}', y: '${{a{}}}'}}", "{z: ha}"),
    "lists": ("['${{a{}}}', '${{a{}}}']", "[ha]"),
    "depth": ("{{b: {{c: {{d: '${{a{}}}'}}}}}}", "ha"),
}


@pytest.mark.parametrize(("line", "end"), LAUGHS.values(), ids=LAUGHS)
def test_a_few_lines_never_stand_for_gigabytes(line: str, end: str) -> None:
    size = 30
    lines = [f"a{i}: {line.format(i + 1, i + 1)}".replace("y:", "'y':") for i in range(size)]
    with pytest.raises(CompileError) as caught:
        substitute(tree("\n".join([*lines, f"a{size}: {end}"])), {})
    assert {d.code for d in caught.value.diagnostics} == {"R309"}
