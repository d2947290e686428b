"""YAML inside a ConfigMap.

In: a text. Out: its first document as plain data; None where it is no YAML.
"""

from __future__ import annotations

from typing import Any

from modelmill.diagnostics import CompileError
from modelmill.importers.documents import Words, in_file, read_documents
from modelmill.tree import plain

_WORDS = Words("I851", "I851", "the picker")


def first_document(text: str) -> Any:
    try:
        roots = read_documents(text, in_file(""), _WORDS).roots
    except CompileError:
        return None
    return plain(roots[0]) if roots else None
