"""What kustomize does without a word, told aloud.

In: a tree of kustomizations and what it builds. Out: findings at the lines of its files.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from modelmill.diagnostics import Diagnostic
from modelmill.validation.kustomizations import Kustomization
from modelmill.validation.schemas import Schemas
from modelmill.validation.subjects import Subject
from modelmill.validation.traps import entries, names, patches
from modelmill.validation.traps.scope import levels


def traps(tree: Kustomization, made: Sequence[Subject], schemas: Schemas) -> Iterator[Diagnostic]:
    found = list(levels(tree))
    yield from patches.findings(found, schemas)
    yield from entries.findings(found)
    yield from names.findings(tree, made)
