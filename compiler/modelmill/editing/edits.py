"""Edits of one file: what is meant, done, and proved.

In: a file's text and edits by path. Out: the text after them. It is parsed again and must say what
the edits mean, value by value, or nothing comes out. Never: a disk.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import yaml

from modelmill.diagnostics import CompileError, error
from modelmill.dotted import spell
from modelmill.editing.fragments import made, taken, value_lines, words
from modelmill.editing.spelling import WIDEST, inline, needs_lines, pair_lines
from modelmill.editing.spots import Path, at, spots, walk
from modelmill.editing.surgery import insert, remove, replace
from modelmill.editing.values import has, value_at, with_value, without, written_values
from modelmill.patch import same
from modelmill.syntax import parse
from modelmill.tree import Node
from modelmill.tuples import NamedTuple


class Put(NamedTuple):
    """A value at a path, missing mappings above it made. `source`: an entry of the same file that
    says it already, and whose words and comments are taken over."""

    path: Path
    value: Any
    source: Path | None = None


class Drop(NamedTuple):
    """No value at a path any more."""

    path: Path


Edit = Put | Drop


def edited(file: str, text: str, edits: Sequence[Edit]) -> str:
    """The text with the edits done, in order. Raises where a path leads through what is no mapping,
    and where the file is written in a way that only a person can edit."""
    root = parse(file, text.encode())
    meant = written_values(root)
    after: str | None = text
    for edit in edits:
        if isinstance(edit, Put):
            _refuse_through(meant, root, edit.path)
            after = _done(after, _steps(meant, edit))
            meant = with_value(meant, edit.path, edit.value)
        elif has(meant, edit.path):
            after = _done(after, [edit])
            meant = without(meant, edit.path)
    # Text below `|` needs the end of its last line, which the file may have gone without.
    texts = (after, after + "\n") if after is not None else ()
    found = next((each for each in texts if _says(file, each, meant)), None)
    if found is None:
        place = root.nearest(*edits[0].path)
        message = "this is written in a way that is not edited by machine"
        hint = "edit it by hand; plain `key: value` lines can be edited"
        raise CompileError([error("G941", message, place.key_span, hint)])
    return found


def _done(text: str | None, steps: Iterable[Edit]) -> str | None:
    """The text after all steps; None where one of them left no YAML."""
    try:
        for step in steps:
            if text is not None:
                text = _put(text, step) if isinstance(step, Put) else remove(text, step.path)
    except yaml.YAMLError:
        return None
    return text


def _says(file: str, text: str, meant: Any) -> bool:
    try:
        return same(written_values(parse(file, text.encode())), meant)
    except CompileError:
        return False


def _steps(tree: Any, edit: Put) -> Iterator[Edit]:
    """An edit as the smallest edits that make it: what is equal already is not touched."""
    if not has(tree, edit.path):
        yield edit
        return
    old = value_at(tree, edit.path)
    if same(old, edit.value):
        return
    pairs: list[str | int] = []
    if isinstance(old, dict) and isinstance(edit.value, dict) and old and edit.value:
        pairs = list(edit.value)
    elif isinstance(old, list) and isinstance(edit.value, list) and len(old) == len(edit.value):
        pairs = list(range(len(old)))
    if not pairs:
        yield edit
        return
    for key in pairs:
        source = (*edit.source, key) if edit.source is not None else None
        yield from _steps(tree, Put((*edit.path, key), edit.value[key], source))
    if isinstance(old, dict):
        yield from (Drop((*edit.path, key)) for key in old if key not in edit.value)


def _put(text: str, edit: Put) -> str:
    root = spots(text)
    trail = walk(root, edit.path)
    if len(trail) == len(edit.path):
        return _replaced(text, edit)
    above, key = edit.path[: len(trail)], str(edit.path[len(trail)])
    value = edit.value
    for segment in reversed(edit.path[len(trail) + 1 :]):
        value = {segment: value}
    if edit.source is not None and len(trail) + 1 == len(edit.path):
        return insert(text, above, taken(text, root, edit.source, value))
    return insert(text, above, made(at(root, above), key, value))


def _replaced(text: str, edit: Put) -> str:
    """Another value where there is one."""
    root = spots(text)
    entry, holder = walk(root, edit.path)[-1], at(root, edit.path[:-1])
    if edit.source is not None:
        found = None if holder.flow else value_lines(text, root, edit.source)
        if found is not None and holder.kind == "mapping":
            return replace(text, edit.path, *found)
        kept = words(text, at(root, edit.source), in_braces=holder.flow)
        if kept:
            return replace(text, edit.path, kept)
    first = inline(edit.value)
    fits = holder.column + len(entry.key) + 2 + len(first) <= WIDEST
    is_filled = isinstance(edit.value, dict | list) and bool(edit.value)
    in_lines = needs_lines(edit.value) or (is_filled and (entry.value.is_block or not fits))
    if holder.kind != "mapping" or holder.flow or not in_lines:
        return replace(text, edit.path, first)
    head, *lines = pair_lines("a", edit.value)
    return replace(text, edit.path, head.removeprefix("a:").strip(), lines)


def _refuse_through(tree: Any, root: Node, path: Path) -> None:
    """A path goes down mappings, made where there are none, and into lists that are there."""
    for depth, segment in enumerate(path):
        is_index = isinstance(segment, int)
        if isinstance(tree, list) and is_index and int(segment) < len(tree):
            tree = tree[int(segment)]
        elif isinstance(tree, dict) and not is_index:
            if segment not in tree:
                return
            tree = tree[segment]
        elif tree is None and not is_index:
            return
        else:
            raise CompileError([_through(root, path, depth, tree)])


def _through(root: Node, path: Path, depth: int, tree: Any) -> Any:
    above, place = spell(path[:depth]) or "the file", root.nearest(*path[:depth])
    if isinstance(tree, list):
        message = f"`{above}` is a list of {len(tree)}: it has no `{spell(path[depth:])}`"
        hint = f"set the whole list: {above}=[…]"
    elif isinstance(tree, dict) or tree is None:
        message = f"`{above}` is no list: it has no `{spell(path[depth : depth + 1])}`"
        hint = "write keys with dots: a.b"
    else:
        message = f"`{above}` is a single value: nothing can stand below it"
        hint = f"set {above} itself"
    return error("G940", message, place.span, hint)
