"""The field reference and the merge rules as Markdown, printed from the types.

In: the record types. Out: text for docs/. What the pages say can therefore not drift from what the
compiler does; tests compare them byte by byte.
"""

from __future__ import annotations

from collections.abc import Iterable

from modelmill.record import Field, PartialShape, Record, RecordShape
from modelmill.shapes import EitherShape, ListShape, MapShape, ObjectShape, Shape
from modelmill.spec.documents import DOCUMENTS, Spec


def field_reference() -> str:
    """Every field of every kind, each record once, in the order a reader meets them."""
    lines = ["# Field reference", "", "Printed from the types in `compiler/modelmill/spec/`.", ""]
    lines += ["Inside a `spec` every field may also be a string with a `${…}` reference.", ""]
    for record in _records():
        lines += _section(record)
    return "\n".join(lines)


def merge_rules() -> str:
    """The exceptions to merging by key, which are all declared on the types."""
    tags = [
        f"- `{r.__name__}`: another `{r.tag}` replaces it as a whole" for r in _records() if r.tag
    ]
    groups = [
        f"- `{r.__name__}`: {', '.join(f'`{key}`' for key in group)}"
        for r in _records()
        for group in r.one_of
    ]
    exclusive = [
        f"- `{r.__name__}.{f.key}`: the members of each entry"
        for r in _records()
        for f in r.shape().fields.values()
        if _is_exclusive(f.shape)
    ]
    return "\n".join(
        ["Mappings that a change of their tag replaces:", "", *tags, "",
         "Members of a one-of, of which a higher layer's replaces a lower one's:", "",
         *groups, *exclusive, ""]
    )  # fmt: skip


def _records() -> list[type[Record]]:
    """Reachable record types, breadth first from the documents, Model first."""
    order = ["Model", "Preset", "Overlay", "Project"]
    queue: list[type[Record]] = [DOCUMENTS[kind] for kind in order]
    queue.insert(1, Spec)
    found: dict[type[Record], None] = {}
    while queue:
        record = queue.pop(0)
        if record in found:
            continue
        found[record] = None
        record.shape()
        queue += [r for f in record.shape().fields.values() for r in _inside(f.shape)]
    return list(found)


def _inside(shape: Shape) -> Iterable[type[Record]]:
    if isinstance(shape, RecordShape):
        yield shape.record
    elif isinstance(shape, PartialShape):
        yield shape.record()
    elif isinstance(shape, MapShape):
        yield from _inside(shape.value)
    elif isinstance(shape, ListShape):
        yield from _inside(shape.item)
    elif isinstance(shape, EitherShape):
        yield from _inside(shape.record)


def _section(record: type[Record]) -> list[str]:
    summary = " ".join((record.__doc__ or "").split())
    rows = [
        f"| `{f.key}` | {_type_of(f.shape)} | {_default(f)} | {f.doc} |"
        for f in record.shape().fields.values()
    ]
    header = ["| field | type | default | meaning |", "|---|---|---|---|"]
    return [f"## {record.__name__}", "", summary, "", *header, *rows, ""]


def _type_of(shape: Shape) -> str:
    if isinstance(shape, RecordShape | PartialShape):
        name = next(iter(_inside(shape))).__name__
        return f"[{name}](#{name.lower()})"
    if isinstance(shape, MapShape):
        return f"map of {_type_of(shape.value)}"
    if isinstance(shape, ListShape):
        return f"list of {_type_of(shape.item)}"
    if isinstance(shape, EitherShape):
        return f"{_type_of(shape.scalar)}, or {_type_of(shape.record)}"
    return shape.says


def _default(entry: Field) -> str:
    if entry.required:
        return "required"
    value = entry.default
    if (
        value is None
        or value == ()
        or isinstance(value, Record)
        or not isinstance(value, int | str)
    ):
        return ""
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"


def _is_exclusive(shape: Shape) -> bool:
    if isinstance(shape, MapShape):
        return _is_exclusive(shape.value)
    return isinstance(shape, ObjectShape) and shape.exclusive
