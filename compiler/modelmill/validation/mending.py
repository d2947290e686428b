"""Fixes to anyone's manifests: what has one right answer, done in memory and judged there.

In: what was found, and the texts it was found in. Out: the texts as they would be, and what was
fixed. Never: writing.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping

from modelmill.diagnostics import Diagnostic
from modelmill.fixes import Done, Fixed, fixed
from modelmill.importers.documents import in_file as in_documents
from modelmill.importers.documents import read_documents
from modelmill.validation import manifests
from modelmill.validation.judging import judge
from modelmill.validation.kustomizations import FILES
from modelmill.validation.manifests import WORDS
from modelmill.validation.schemas import Schemas
from modelmill.validation.subjects import findings, in_file
from modelmill.validation.traps.entries import deprecated

ROUNDS = 4


def mended(texts: Mapping[str, str], found: Iterable[Diagnostic], schemas: Schemas) -> Fixed:
    """All that can be fixed: a new API version may bring a field to light that is to be renamed."""

    def told(path: str, text: str) -> list[Diagnostic]:
        if os.path.basename(path) in FILES:
            roots = read_documents(text, in_documents(path), WORDS).roots
            return [each for root in roots for each in deprecated(root)]
        read = manifests.read(path, text.encode("utf-8", "surrogatepass"))
        diagnostics = list(read.findings)
        for resource, node in read.objects:
            diagnostics += findings(in_file(resource, node), judge(resource, schemas).faults)
        return diagnostics

    def lines(path: str, text: str) -> list[int]:
        return [each.span.line for each in told(path, text) if each.span]

    changed: dict[str, str] = {}
    done: list[Done] = []
    left = list(found)
    for _ in range(ROUNDS):
        step = fixed({**texts, **changed}, left, lines)
        if not step.texts:
            break
        changed.update(step.texts)
        done += step.done
        left = [each for path, text in step.texts.items() for each in told(path, text)]
    return Fixed(changed, tuple(done))
