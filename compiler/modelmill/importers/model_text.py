"""A Model's tree as a file people keep: block YAML with the comments that came along.

In: a plain tree, comments by path. Out: text. Strings are literal; a `Live` one is a reference of
the input language and stays one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, TypeAlias

from modelmill.tuples import NamedTuple
from modelmill.yamltext import dump, scalar

Path: TypeAlias = tuple[str | int, ...]


class Live(str):
    """Text that is a `${…}` reference."""

    __slots__ = ()


class Remark(NamedTuple):
    """Comments of one key or item, without their `#`."""

    before: tuple[str, ...] = ()
    after: str = ""
    below: tuple[str, ...] = ()


def literal(value: Any) -> Any:
    """The tree as it is written: text that would be read as a reference is escaped."""
    if isinstance(value, Live):
        return str(value)
    if isinstance(value, str):
        return value.replace("${", "$${")
    if isinstance(value, Mapping):
        return {str(key): literal(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [literal(each) for each in value]
    return value


def model_text(
    head: tuple[str, ...], tree: Mapping[str, Any], remarks: Mapping[Path, Remark]
) -> str:
    """The file. `head` are comment lines above everything."""
    top = [f"# {line}".rstrip() for line in head]
    return "\n".join([*top, *_mapping(literal(tree), (), "", "", remarks), ""])


def _mapping(
    tree: Mapping[str, Any], at: Path, lead: str, pad: str, remarks: Mapping[Path, Remark]
) -> Iterator[str]:
    """Lines of a mapping; `lead` stands before its first line, `pad` before every other."""
    for key, value in tree.items():
        path = (*at, key)
        remark = remarks.get(path, Remark())
        if lead == pad:
            yield from _lines(remark.before, pad)
        name = scalar(key)
        if isinstance(value, Mapping) and value:
            yield f"{lead}{name}:{_tail(remark)}"
            yield from _mapping(value, path, pad + "  ", pad + "  ", remarks)
        elif isinstance(value, list) and value:
            yield f"{lead}{name}:{_tail(remark)}"
            yield from _sequence(value, path, pad + "  ", remarks)
        else:
            yield from _leaf({key: value}, lead, pad, remark)
        yield from _lines(remark.below, pad)
        lead = pad


def _sequence(
    items: list[Any], at: Path, pad: str, remarks: Mapping[Path, Remark]
) -> Iterator[str]:
    for index, value in enumerate(items):
        path = (*at, index)
        remark = remarks.get(path, Remark())
        yield from _lines(remark.before, pad)
        if isinstance(value, Mapping) and value:
            yield from _mapping(value, path, pad + "- ", pad + "  ", remarks)
        else:
            yield from _leaf([value], pad, pad, remark)
        yield from _lines(remark.below, pad)


def _leaf(document: Any, lead: str, pad: str, remark: Remark) -> Iterator[str]:
    first, *rest = dump(document).removesuffix("\n").split("\n")
    yield f"{lead}{first}" + ("" if rest else _tail(remark))
    for line in rest:
        yield f"{pad}{line}" if line else ""
    if rest and remark.after:
        yield from _lines((remark.after,), pad)


def _lines(comments: tuple[str, ...], pad: str) -> Iterator[str]:
    for line in comments:
        yield f"{pad}# {line.strip()}".rstrip()


def _tail(remark: Remark) -> str:
    return f"  # {remark.after.strip()}" if remark.after else ""
