"""What environments say alike, moved into a model's `spec`, with the proof that nothing changes.

In: edited texts, models, two environments. Out: the texts with what can be lifted lifted. Raises
where the manifests of any environment would change by it.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path as Folder

from modelmill.catalog import Document
from modelmill.comparison import ModelChange, compare_repositories
from modelmill.diagnostics import CompileError, Diagnostic, Note, error
from modelmill.dotted import spell
from modelmill.editing.edits import edited
from modelmill.editing.promotion import ENTRIES, Chosen, Promotion, lifting
from modelmill.files import DiskFiles, EditedFiles
from modelmill.repository import Repository, index
from modelmill.sources import read_sources


def lift(
    root: Folder,
    texts: Mapping[str, str],
    models: Sequence[str],
    way: tuple[str, str],
    wanted: Chosen,
) -> tuple[dict[str, str], dict[str, Promotion]]:
    """All edited texts, and what of each model was lifted or left."""
    before = _indexed(root, texts)
    found = {name: lifting(before.catalog.models[name], *way, wanted) for name in models}
    after = dict(texts)
    for name, each in found.items():
        path = before.catalog.models[name].path
        if each.edits:
            after[path] = edited(path, before.texts[path], each.edits)
    jobs = os.cpu_count() or 1
    changes = compare_repositories(before, _indexed(root, after), models, jobs=jobs).models
    problems = [
        d
        for change in changes
        for d in _changed(before.catalog.models[change.model], way[0], found[change.model], change)
    ]
    if problems:
        raise CompileError(problems)
    return after, found


def _indexed(root: Folder, texts: Mapping[str, str]) -> Repository:
    return index(read_sources(root, files=EditedFiles(DiskFiles(root), texts)))


def _changed(
    model: Document, source: str, lifted: Promotion, change: ModelChange
) -> Iterator[Diagnostic]:
    names = ", ".join(f"`{name}`" for part in change.parts for name in part.environments)
    if not names:
        return
    path = lifted.lifted[0]
    place = model.node.nearest(ENTRIES, source, *path).key_span
    what = spell(path) if len(lifted.lifted) == 1 else f"{spell(path)} and what is lifted with it"
    first = change.parts[0].objects[0]
    yield error(
        "G942",
        f"in `spec`, {what} would change the manifests of {names}",
        place,
        "promote without --lift, or name the paths to lift",
        [Note(f"{first.kind} {first.name} would not be the same")],
    )
