"""Typed records: what each shape of a field takes, what it refuses, and in which words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import pytest

from modelmill.diagnostics import Diagnostic
from modelmill.formats import DnsLabel, DnsName, Duration, LabelValue, Quantity
from modelmill.record import EMPTY, PartialShape, Record, camel, field
from modelmill.shapes import Exclusive, FreeMapping, Json, Problems, Scalar
from support import tree


class Leaf(Record):
    """A record in a record."""

    depth: int = field("How deep.", minimum=1)


class Thing(Record):
    """One field of every shape."""

    one_of = (("left", "right", "middle"),)
    misnomers = {"number": "count"}

    flag: bool | None = field("A boolean.", default=None)
    count: int = field("An integer.", default=3, minimum=1, maximum=9)
    text: str | None = field("A string.", default=None)
    choice: Literal["red", "green"] | None = field("A choice.", default=None)
    size: Quantity | None = field("A quantity.", default=None)
    label: DnsLabel | None = field("A label.", default=None)
    host: DnsName | None = field("A name.", default=None)
    wait: Duration | None = field("A duration.", default=None)
    mark: LabelValue | None = field("A label's value.", default=None)
    anything: Json = field("Anything.", default=None)
    free: FreeMapping = field("A free mapping.", default=EMPTY)
    source: Exclusive = field("A one-of.", default=EMPTY)
    scalar: Scalar = field("A scalar.", default=None)
    names: tuple[str, ...] = field("A list.", default=())
    numbers: Mapping[DnsLabel, int] = field("A map.", default=EMPTY)
    leaf: Leaf | None = field("A record.", default=None)
    leaves: Mapping[str, Leaf] = field("A map of records.", default=EMPTY)
    listed: tuple[Leaf, ...] = field("A list of records.", default=())
    either: Scalar | Leaf = field("A scalar or a record.", default=None)
    left: int | None = field("One way.", default=None)
    right: int | None = field("Another.", default=None)
    middle: int | None = field("A third.", default=None)


def decode(text: str, record: type[Record] = Thing, *, partial: bool = False) -> Any:
    """The record, or what is wrong with it."""
    problems = Problems(partial=partial)
    found = record.shape().decode(tree(text), problems)
    return tuple(problems.found) or found


ACCEPTED: dict[str, tuple[str, str, Any]] = {
    "true": ("flag: true", "flag", True),
    "false": ("flag: false", "flag", False),
    "integer": ("count: 9", "count", 9),
    "hexadecimal": ("count: 0x5", "count", 5),
    "text": ("text: a b", "text", "a b"),
    "empty-text": ('text: ""', "text", ""),
    "quoted-number": ('text: "1"', "text", "1"),
    "choice": ("choice: red", "choice", "red"),
    "quantity": ("size: 1.5Gi", "size", "1.5Gi"),
    "a-number-is-a-quantity": ("size: 4", "size", "4"),
    "label": ("label: a-1", "label", "a-1"),
    "a-number-is-a-label": ("label: 1", "label", "1"),
    "longest-label": (f"label: {'a' * 63}", "label", "a" * 63),
    "name": ("host: a.b-c", "host", "a.b-c"),
    "duration": ("wait: 1h30m", "wait", "1h30m"),
    "empty-label-value": ('mark: ""', "mark", ""),
    "anything": ("anything: [1, {a: null, b: x}]", "anything", [1, {"b": "x"}]),
    "free": ("free: {a: {b: [1]}, c: null}", "free", {"a": {"b": [1]}}),
    "one-of": ("source: {a: {}, b: null}", "source", {"a": {}}),
    "scalar-number": ("scalar: 1.5", "scalar", 1.5),
    "scalar-boolean": ("scalar: false", "scalar", False),
    "list": ("names: [a, b]", "names", ("a", "b")),
    "empty-list": ("names: []", "names", ()),
    "map": ("numbers: {a: 1, b: null}", "numbers", {"a": 1}),
    "either-scalar": ("either: 0", "either", 0),
    "null-is-the-default": ("count: null", "count", 3),
    "absent-is-the-default": ("{}", "count", 3),
    "one-member": ("left: 1\nright: null", "left", 1),
}


@pytest.mark.parametrize(("text", "name", "want"), ACCEPTED.values(), ids=ACCEPTED)
def test_accepts(text: str, name: str, want: object) -> None:
    found = getattr(decode(text), name)
    assert found == want
    assert isinstance(found, type(want) | Mapping)


def test_records_inside() -> None:
    found = decode(
        "leaf: {depth: 1}\nleaves: {a: {depth: 2}}\nlisted: [{depth: 3}]\neither: {depth: 4}"
    )
    depths = [found.leaf.depth, found.leaves["a"].depth, found.listed[0].depth, found.either.depth]
    assert depths == [1, 2, 3, 4]


REFUSED: dict[str, tuple[str, str, str]] = {
    "boolean-word": ('flag: "true"', "S402", "`flag` must be true or false, not a string"),
    "boolean-number": ("flag: 1", "S402", "`flag` must be true or false, not a number"),
    "integer-text": ('count: "3"', "S402", "`count` must be a whole number, not a string"),
    "integer-fraction": ("count: 1.5", "S402", "`count` must be a whole number, not a number"),
    "integer-boolean": ("count: true", "S402", "`count` must be a whole number, not a boolean"),
    "too-small": ("count: 0", "S404", "`count` must be at least 1, not 0"),
    "too-large": ("count: 10", "S404", "`count` must be at most 9, not 10"),
    "text-number": ("text: 1", "S402", "`text` must be a string, not a number"),
    "text-boolean": ("text: true", "S402", "`text` must be a string, not a boolean"),
    "text-list": ("text: [a]", "S402", "`text` must be a string, not a list"),
    "text-mapping": ("text: {a: b}", "S402", "`text` must be a string, not a mapping"),
    "choice": ("choice: rde", "S404", "`choice` must be one of red, green, not `rde`"),
    "choice-list": ("choice: [red]", "S404", "`choice` must be one of red, green, not a list"),
    "quantity": ("size: 80GB", "S405", "`size` must be a Kubernetes quantity, not `80GB`"),
    "quantity-fraction": (
        "size: 1.5",
        "S402",
        "`size` must be a Kubernetes quantity, not a number",
    ),
    "quantity-negative": ("size: -1", "S405", "`size` must be a Kubernetes quantity, not `-1`"),
    "a-list-for-a-mapping": ("free: [a]", "S402", "`free` must be a mapping, not a list"),
    "a-scalar-for-a-mapping": ("free: a", "S402", "`free` must be a mapping, not a string"),
    "two-sources": (
        "source: {a: {}, b: {}}",
        "S406",
        "`source` holds `a` and `b`, which exclude each other",
    ),
    "a-scalar-list": ("names: a", "S402", "`names` must be a list, not a string"),
    "a-list-entry": ("names: [a, 1]", "S402", "an entry of `names` must be a string, not a number"),
    "a-null-entry": ("names: [null, a]", "S402", "an entry of `names` must be a string, not empty"),
    "a-third-entry": (
        "names: [a, b, {c: d}]",
        "S402",
        "an entry of `names` must be a string, not a mapping",
    ),
    "a-list-for-a-map": ("numbers: [1]", "S402", "`numbers` must be a mapping, not a list"),
    "a-value-of-a-map": ("numbers: {a: x}", "S402", "`a` must be a whole number, not a string"),
    "a-record-as-text": ("leaf: x", "S402", "`leaf` must be a mapping, not a string"),
    "unknown": ("cuont: 1", "S401", "`cuont` is not a field of thing"),
    "unknown-inside": ("leaf: {dpeth: 1, depth: 1}", "S401", "`dpeth` is not a field of leaf"),
    "required": ("leaf: {}", "S403", "leaf needs `depth`"),
    "required-is-null": ("leaf: {depth: null}", "S403", "leaf needs `depth`"),
    "two-members": ("left: 1\nright: 2", "S406", "`left` and `right` exclude each other in thing"),
}


@pytest.mark.parametrize(("text", "code", "message"), REFUSED.values(), ids=REFUSED)
def test_refuses(text: str, code: str, message: str) -> None:
    (problem,) = decode(text)
    assert (problem.code, problem.message) == (code, message)
    assert problem.severity == "error"
    assert problem.span is not None


FORMS = {
    "label": ["A", "-a", "a-", "a_b", "a.b", "a" * 64, "ä", "a\u00e9", '""', "'a\n'"],
    "host": ["A", ".a", "a.", "a_b", "a b", "a" * 254],
    "wait": ["5", '""', "1d", "-1s", "1.5s", "123456s"],
    "mark": ["-a", "a-", "a b", "a" * 64, "a/b"],
    "size": ['""', "1 Gi", "Gi", "1gi", "1e3Gi", "0x1"],
}


@pytest.mark.parametrize(("name", "value"), [(n, v) for n, vs in FORMS.items() for v in vs])
def test_form(name: str, value: str) -> None:
    text = value if value.startswith(("'", '"')) else f'"{value}"'
    (problem,) = decode(f"{name}: {text}")
    assert problem.code == "S405"
    assert problem.hint.startswith("for example `")


HINTS = {
    "near": ("cuont: 1", "did you mean `count`?"),
    "a-usual-wrong-name": ("number: 1", "did you mean `count`?"),
    "unquoted": ("text: 1", 'quote it: "1"'),
    "unlisted": ("names: a", "write [a]"),
    "choice": ("choice: gren", "did you mean `green`?"),
    "what-it-is": ("leaf: {}", "How deep"),
    "few-fields": ("leaf: {depth: 1, zzz: 1}", "its fields are depth"),
}


@pytest.mark.parametrize(("text", "hint"), HINTS.values(), ids=HINTS)
def test_hint(text: str, hint: str) -> None:
    (problem,) = decode(text)
    assert problem.hint == hint


def test_a_key_must_fit_and_is_shown() -> None:
    (problem,) = decode("numbers:\n  ok: 1\n  Not_Ok: 2")
    assert problem.code == "S405"
    assert problem.message.startswith("`Not_Ok` must be a DNS label")
    assert str(problem.span) == "test.yaml:3:3"


def test_every_problem_is_found_at_its_own_place() -> None:
    found: tuple[Diagnostic, ...] = decode("flag: 1\ncount: 99\nleaf:\n  depth: x\nzzz: 1")
    assert [str(d.span) for d in found] == [
        "test.yaml:1:7",
        "test.yaml:2:8",
        "test.yaml:4:10",
        "test.yaml:5:1",
    ]


def test_a_problem_makes_none_elsewhere() -> None:
    problems = Problems(partial=False)
    node = tree("leaf: {depth: 0}\nlisted: [{depth: 1}]")
    for _ in range(2):
        Thing.shape().decode(node, problems)
    assert len(problems.found) == 2, "what failed once was remembered as good"


# Layers


def test_a_layer_needs_nothing_and_may_refer() -> None:
    text = "leaf: {}\ncount: ${a}\nflag: ${b}\nsize: ${c}\nnames: ${d}\nfree: ${e}\nchoice: ${f}"
    assert isinstance(decode(text, partial=True), Thing)


@pytest.mark.parametrize("text", ["cuont: 1", "count: x", "names: [1]", "left: 1\nright: 2"])
def test_a_layer_is_checked_as_far_as_it_goes(text: str) -> None:
    assert len(decode(text, partial=True)) == 1


@pytest.mark.parametrize(
    ("text", "what"), [("a", "a string"), ("${x}", "a string"), ("[]", "a list")]
)
def test_a_layer_is_a_mapping(text: str, what: str) -> None:
    problems = Problems(partial=False)
    PartialShape(lambda: Thing).decode(tree(f"spec: {text}").nearest("spec"), problems)
    assert [d.message for d in problems.found] == [f"the document must be a mapping, not {what}"]


# Records as values


def test_a_record_is_a_value() -> None:
    assert decode("count: 4") == decode("count: 4")
    assert decode("count: 4") != decode("count: 5")
    assert "count=4" in repr(decode("count: 4"))
    with pytest.raises(AttributeError, match="Thing is frozen"):
        decode("count: 4").count = 5
    with pytest.raises(TypeError, match=r"Thing has no field \['cuont'\]"):
        Thing(cuont=5)  # type: ignore[call-arg]
    with pytest.raises(TypeError):
        decode("numbers: {a: 1}").numbers["a"] = 2


@pytest.mark.parametrize(
    ("name", "key"), [("a", "a"), ("mount_path", "mountPath"), ("a_b_c", "aBC")]
)
def test_camel(name: str, key: str) -> None:
    assert camel(name) == key
