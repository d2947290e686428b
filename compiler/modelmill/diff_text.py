"""A comparison for a terminal, and for programs.

In: a Comparison. Out: text, or a versioned JSON document whose keys are never renamed.
"""

from __future__ import annotations

import json
from collections.abc import Iterator

from modelmill.comparison import Comparison, ModelChange
from modelmill.diff_lines import Line, lines, name_of, summary

VERSION = 1
COLORS = {"+": "32", "-": "31", "~": "33"}


def render(comparison: Comparison, *, color: bool) -> str:
    if not comparison.models:
        return "the manifests do not change\n"
    blocks = ["\n".join(_block(change, color)) for change in comparison.models]
    return "\n\n".join([*blocks, summary(comparison.models)]) + "\n"


def render_json(comparison: Comparison, revision: str) -> str:
    document = {
        "version": VERSION,
        "revision": revision,
        "summary": summary(comparison.models),
        "models": [
            {
                "model": change.model or None,
                "act": change.act,
                "causes": [cause._asdict() for cause in change.causes],
                "parts": [
                    {
                        "environments": list(part.environments),
                        "objects": [
                            {
                                **resource._asdict(),
                                "changes": [each._asdict() for each in resource.changes],
                            }
                            for resource in part.objects
                        ],
                    }
                    for part in change.parts
                ],
            }
            for change in comparison.models
        ],
    }
    return json.dumps(document, indent=2) + "\n"


def _block(change: ModelChange, color: bool) -> Iterator[str]:
    act = "" if change.act == "changed" else f" ({change.act})"
    head = f"{name_of(change)}{act}"
    yield f"\x1b[1m{head}\x1b[0m" if color else head
    for line in lines(change):
        yield _colored(line) if color else _plain(line)


def _plain(line: Line) -> str:
    mark = f"{line.mark} " if line.mark != " " else ""
    return f"{'  ' * line.depth}{mark}{line.text}"


def _colored(line: Line) -> str:
    code = COLORS.get(line.mark)
    return f"\x1b[{code}m{_plain(line)}\x1b[0m" if code else _plain(line)
