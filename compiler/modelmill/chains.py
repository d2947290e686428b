"""Which presets stand behind a list of names, in order: a preset's parents before it, each once.

In: the catalog and names. Out: documents, or a CompileError with every unknown name and circle.
"""

from __future__ import annotations

from itertools import pairwise

from modelmill.catalog import Catalog, Document
from modelmill.diagnostics import CompileError, Diagnostic, Note, did_you_mean, error
from modelmill.tree import Node

UNREAD = "R308"
MOST_NAMES = 12
NO_PRESETS = "the repository has no presets; `modelmill init` copies the library"


def linearise(
    catalog: Catalog, names: tuple[str, ...], user: Document | None
) -> tuple[Document, ...]:
    chain: dict[str, Document] = {}
    problems: list[Diagnostic] = []

    def visit(name: str, at: Node | None, path: tuple[str, ...]) -> None:
        preset = catalog.presets.get(name)
        if name in path:
            problems.append(_circle(catalog, path[path.index(name) :]))
        elif preset is None:
            problems.append(unknown_preset(catalog, name, at))
        elif name not in chain:
            entries = preset.node.get("extends")
            for item in entries.value if entries else ():
                visit(item.value, item, (*path, name))
            chain[name] = preset

    entries = user.node.get("extends") if user else None
    for index, name in enumerate(names):
        visit(name, entries.value[index] if entries else None, ())
    if problems:
        raise CompileError(problems)
    return tuple(chain.values())


def _circle(catalog: Catalog, names: tuple[str, ...]) -> Diagnostic:
    """A circle of presets, told from its least name on: the same wherever one enters it."""
    start = names.index(min(names))
    ordered = [*names[start:], *names[: start + 1]]
    spans = [
        next(
            item.span
            for item in catalog.presets[user].node.value["extends"].value
            if item.value == name
        )
        for user, name in pairwise(ordered)
    ]
    return error(
        "R302",
        "presets extend each other in a circle: " + " → ".join(ordered),
        spans[0],
        "take one of the names out of its `extends`",
        [
            Note(f"the preset `{user}` extends `{name}` here", span)
            for (user, name), span in zip(pairwise(ordered), spans, strict=True)
        ][1:],
    )


def unknown_preset(catalog: Catalog, name: object, at: Node | None) -> Diagnostic:
    span = at.span if at else None
    if ("Preset", name) in catalog.unread:
        message = f"the preset `{name}` cannot be used: its file has errors"
        return error(UNREAD, message, span, "run `modelmill lint` to see them")
    hint = did_you_mean(str(name), catalog.presets)
    if not hint:
        known = list(catalog.presets)
        more = f" and {len(known) - MOST_NAMES} more" if len(known) > MOST_NAMES else ""
        hint = "presets are " + ", ".join(known[:MOST_NAMES]) + more if known else NO_PRESETS
    return error("R301", f"there is no preset `{name}`", span, hint)
