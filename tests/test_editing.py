"""Edits of YAML texts: the value meant, and every other line as it was."""

from __future__ import annotations

import io
import random
from typing import Any

from hypothesis import assume, given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML

from modelmill.diagnostics import CompileError
from modelmill.editing.edits import Drop, Edit, Put, edited
from modelmill.editing.lines import comments_above
from modelmill.editing.spots import Path, at, spots, walk
from modelmill.editing.values import has, with_value, without, written_values
from modelmill.patch import same
from modelmill.syntax import parse

WORDS = (
    "a",
    "on",
    "1e3",
    "012",
    "x, y",
    "12:30",
    "",
    "é",
    "${b.c}",
    "$${",
    "a: b",
    "- a",
    "#",
    "'",
)
TEXTS = st.sampled_from(WORDS) | st.text("ab1 .:,#'\"{}[]|>-é\n", max_size=12)
SCALARS = st.none() | st.booleans() | st.integers(-99, 10**9) | st.floats(-9, 9, width=16) | TEXTS
KEYS = st.sampled_from(["k", "l", "max-len", "a.b/c", "on", "é", "1.0"])
VALUES = st.recursive(
    SCALARS, lambda v: st.lists(v, max_size=3) | st.dictionaries(KEYS, v, max_size=3), max_leaves=12
)
DOCUMENTS = st.dictionaries(KEYS, VALUES, min_size=1, max_size=4)


class Writer:
    """A document as a person with changing habits would write it."""

    def __init__(self, choices: random.Random) -> None:
        self.choices = choices

    def document(self, tree: dict[str, Any]) -> str:
        lines = self.mapping(tree, 0)
        text = "\n".join(["# head", *lines, *self.maybe("", "# foot")])
        text += self.choices.choice(["\n", "\n", "", "\n\n"])
        return text.replace("\n", "\r\n") if self.choices.random() < 0.2 else text

    def maybe(self, *options: str) -> list[str]:
        return [each for each in options if self.choices.random() < 0.2]

    def tail(self) -> str:
        return self.choices.choice(["", "", "", "  # why", " # a: b"])

    def mapping(self, tree: dict[str, Any], column: int) -> list[str]:
        pad, lines = " " * column, []
        for key, value in tree.items():
            lines += self.maybe(f"{pad}# about the next", "", f"{pad}# and more")
            lines += self.entry(f"{pad}{self.text(key)}:", value, column)
        return lines

    def entry(self, head: str, value: Any, column: int) -> list[str]:
        deeper = column + self.choices.choice([1, 2, 2, 4])
        if isinstance(value, dict) and value and self.choices.random() < 0.7:
            return [head + self.tail(), *self.mapping(value, deeper)]
        if isinstance(value, list) and value and self.choices.random() < 0.5:
            where = self.choices.choice([column, deeper])
            return [head + self.tail(), *(x for each in value for x in self.item(each, where))]
        if isinstance(value, str) and self.fits_literal(value) and self.choices.random() < 0.7:
            mark = "+" if value.endswith("\n\n") else "" if value.endswith("\n") else "-"
            body = value.removesuffix("\n").split("\n")
            tail = self.choices.choice(["", "", "  # text"])
            return [f"{head} |{mark}{tail}", *(" " * deeper + x if x else "" for x in body)]
        if isinstance(value, dict) and value and self.choices.random() < 0.3:
            return self.braces(head, value, column)
        space = self.choices.choice([" ", " ", "   "])
        return [head + space + self.flow(value) + self.tail()]

    def item(self, value: Any, column: int) -> list[str]:
        if isinstance(value, dict) and value and self.choices.random() < 0.5:
            first, *rest = [
                line
                for key, each in value.items()
                for line in self.entry(f"{' ' * (column + 2)}{self.text(key)}:", each, column + 2)
            ]
            return [f"{' ' * column}- {first.lstrip()}", *rest]
        return [f"{' ' * column}- {self.flow(value)}{self.tail()}"]

    def braces(self, head: str, tree: dict[str, Any], column: int) -> list[str]:
        """A mapping in braces, on lines of its own."""
        pad, last = " " * (column + 2), len(tree) - 1
        ends = self.choices.choice(["", ","])
        lines = [
            f"{pad}{self.text(key)}: {self.flow(each)}{',' if n < last else ends}{self.tail()}"
            for n, (key, each) in enumerate(tree.items())
        ]
        if self.choices.random() < 0.5:
            return [f"{head} {{", *lines, f"{' ' * column} }}"]
        return [f"{head} {{{lines[0].lstrip()}", *lines[1:], f"{' ' * column} }}"]

    def fits_literal(self, text: str) -> bool:
        lines = text.split("\n")
        is_clean = text[:1] not in ("", " ", "\n") and (text[-1:] == "\n" or len(lines) > 1)
        return is_clean and all(line == line.rstrip() for line in lines)

    def flow(self, value: Any) -> str:
        gap = self.choices.choice(["", "", " "])
        if isinstance(value, dict):
            pairs = [f"{self.text(key)}: {self.flow(each)}" for key, each in value.items()]
            comma = "," if pairs and self.choices.random() < 0.1 else ""
            return "{" + gap + ", ".join(pairs) + comma + gap + "}"
        if isinstance(value, list):
            return "[" + gap + ", ".join(map(self.flow, value)) + gap + "]"
        if isinstance(value, str):
            return self.text(value)
        if value is None:
            return self.choices.choice(["null", "~"])
        return str(value).lower()

    def text(self, text: str) -> str:
        if text.isalpha() and text.isascii() and text != "on" and self.choices.random() < 0.7:
            return text
        if "\n" not in text and self.choices.random() < 0.5:
            return "'" + text.replace("'", "''") + "'"
        return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'


def paths(tree: Any, above: Path = ()) -> list[Path]:
    found = [above] if above else []
    pairs = tree.items() if isinstance(tree, dict) else ()
    return found + [path for key, value in pairs for path in paths(value, (*above, key))]


def value(text: str) -> Any:
    return written_values(parse("test.yaml", text.encode()))


def by_ruamel(text: str) -> Any:
    return YAML(typ="safe", pure=True).load(io.StringIO(text))


def touched(text: str, edit: Edit) -> tuple[int, int]:
    """The first and last line, from 0, that an edit may change; none if the last is lower."""
    root = spots(text)
    trail = walk(root, edit.path)
    flow = next((i for i, entry in enumerate(trail) if entry.value.flow), len(trail))
    inside = trail[: flow + 1]
    last = at(root, tuple(edit.path[: len(inside)]))
    is_new = len(inside) == len(trail) < len(edit.path)
    if is_new and last.is_block:
        line = text.count("\n", 0, last.end)
        return line + 1, line
    entry = inside[-1]
    start = entry.start
    if isinstance(edit, Drop):
        above = trail[len(inside) - 2].value if len(inside) > 1 else root
        only = len(above.entries) == 1 and len(inside) > 1
        start = inside[-2].start if only else comments_above(text, start, above.column)
    return text.count("\n", 0, start), text.count("\n", 0, max(entry.value.end, start))


def done(text: str, edit: Edit) -> str | None:
    """None where the path leads through what is no mapping, or beside `|+`: the blank lines below
    are part of its value, so another line there would change it."""
    try:
        return edited("test.yaml", text, [edit])
    except CompileError as fault:
        codes = [each.code for each in fault.diagnostics]
    if codes == ["G940"] or (codes == ["G941"] and "|+" in text):
        return None
    raise AssertionError(codes)


def holds_elsewhere(before: str, after: str, edit: Edit) -> bool:
    first, last = touched(before, edit)
    old, new = (each.replace("\r\n", "\n").split("\n") for each in (before, after))
    rest = old[last + 1 :]
    return new[:first] == old[:first] and (not rest or new[-len(rest) :] == rest)


@given(DOCUMENTS, VALUES, st.randoms(use_true_random=False))
@settings(max_examples=400, deadline=None)
def test_a_value_put_is_there_and_all_else_stays(
    tree: dict[str, Any], new: Any, choices: random.Random
) -> None:
    text = Writer(choices).document(tree)
    assume(_reads_as(text, tree))
    path = choices.choice([*paths(tree), ("new",)])
    deeper: Path = choices.choice([(), (), ("new",), ("new", "more.of/it")])
    edit = Put((*path, *deeper), new)
    after = done(text, edit)
    if after is None:
        return
    meant = with_value(value(text), edit.path, new)
    assert same(value(after), meant)
    assert same(by_ruamel(after), meant)
    assert holds_elsewhere(text, after, edit)
    assert after.count("\r\n") == (after.count("\n") if "\r\n" in text else 0)
    assert edited("test.yaml", after, [edit]) == after


@given(DOCUMENTS, st.randoms(use_true_random=False))
@settings(max_examples=300, deadline=None)
def test_a_value_dropped_is_gone_and_all_else_stays(
    tree: dict[str, Any], choices: random.Random
) -> None:
    text = Writer(choices).document(tree)
    assume(_reads_as(text, tree))
    path = choices.choice(paths(tree))
    assume(len(path) > 1 or len(tree) > 1)
    after = done(text, Drop(path))
    if after is None:
        return
    assert same(value(after), without(tree, path))
    assert holds_elsewhere(text, after, Drop(path))


@given(DOCUMENTS, VALUES, st.randoms(use_true_random=False))
@settings(max_examples=300, deadline=None)
def test_an_entry_taken_over_says_the_same(
    tree: dict[str, Any], new: Any, choices: random.Random
) -> None:
    tree = {"source": {"k": new, "l": 1}, **tree}
    text = Writer(choices).document(tree)
    assume(_reads_as(text, tree))
    target = choices.choice([*paths(tree), ("new",)])
    assume(target[0] != "source")
    edit = Put((*target, "k"), new, ("source", "k"))
    after = done(text, edit)
    if after is None:
        return
    assert has(value(after), edit.path)
    assert same(by_ruamel(after), with_value(tree, edit.path, new))
    assert holds_elsewhere(text, after, edit)


def _reads_as(text: str, tree: Any) -> bool:
    """What the writer writes is what was meant, but for what our parser refuses."""
    try:
        return same(value(text), tree)
    except CompileError:
        return False


def test_the_first_key_behind_a_dash_gives_its_place_to_the_second() -> None:
    text = "a:\n  - b: 1  # one\n    c: 2\n  - d: 3\n"
    assert edited("test.yaml", text, [Drop(("a", 0, "b"))]) == "a:\n  - c: 2\n  - d: 3\n"
    assert edited("test.yaml", text, [Drop(("a", 1, "d"))]).endswith("\n  - {}\n")


def test_items_of_a_list_are_set_by_their_number() -> None:
    text = "a:\n  - b: [1, 2]  # both\n  - three  # 3\n"
    after = edited("test.yaml", text, [Put(("a", 0, "b", 1), 5), Put(("a", 1), "3")])
    assert after == 'a:\n  - b: [1, 5]  # both\n  - "3"  # 3\n'


def test_edits_of_one_file_are_done_one_after_the_other() -> None:
    text = "a: {b: 1}\nc:\n  d: 1\n"
    edits = [Put(("a", "x"), 1), Drop(("c", "d")), Put(("c", "e"), 2), Put(("a", "x"), 3)]
    assert edited("test.yaml", text, edits) == "a: {b: 1, x: 3}\nc: {e: 2}\n"


def test_a_comment_behind_the_bar_stays_when_the_text_below_goes() -> None:
    text = "a: |  # why\n  x\n  y\n# after\nb: >-   # folded\n  z\n"
    after = edited("test.yaml", text, [Put(("a",), 7), Put(("b",), "p\nq\n")])
    assert after == "a: 7  # why\n# after\nb: |   # folded\n  p\n  q\n"


def test_each_line_keeps_its_own_end() -> None:
    text = "a: 1\r\nb:\n  c: 2\nd: {e: 1,\n    f: 2}\r\n"
    after = edited("test.yaml", text, [Put(("b", "x"), 3), Put(("d", "g"), 4), Put(("h",), 5)])
    assert after == "a: 1\r\nb:\n  c: 2\n  x: 3\nd: {e: 1,\n    f: 2,\r\n    g: 4}\r\nh: 5\r\n"
