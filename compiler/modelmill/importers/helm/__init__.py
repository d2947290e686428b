"""Helm values files, as Helm reads and merges them.

In: the files' names and bytes, in the order of `-f`. Out: one positioned tree and its comments.
"""

from __future__ import annotations

from modelmill.importers.helm.comments import Comment, Path
from modelmill.importers.helm.merging import Values, coalesced, read_values
from modelmill.importers.helm.templates import (
    Context,
    Unrenderable,
    expanded,
    expanded_text,
    holds_template,
    literal,
    rendered,
)

__all__ = [
    "Comment",
    "Context",
    "Path",
    "Unrenderable",
    "Values",
    "coalesced",
    "expanded",
    "expanded_text",
    "holds_template",
    "literal",
    "read_values",
    "rendered",
]
