"""What an upgrade would do, as text, Markdown or JSON.

In: verdicts on presets, the version sets before and after, and the comparison of the manifests
(None where what it would make does not compile). Out: a report. Never: printing.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from difflib import unified_diff
from itertools import islice
from typing import Any

from modelmill import diff_markdown, diff_text
from modelmill.comparison import Comparison
from modelmill.editing.concealed import concealed
from modelmill.reports.wording import visible
from modelmill.showing import counted
from modelmill.upgrading import Act, Verdict

VERSION = 1
REVISION = "the files as they are"
MOST_LINES = 200
"""Of the difference of one preset; whoever merges has both files."""
TOLD: dict[Act, str] = {
    "new": "new",
    "replaced": "replaced",
    "removed": "removed, as the library has it no longer",
    "kept": "kept: edited here, unchanged in the library",
    "yours": "kept: the repository's own, of a name that the library has too",
    "deleted": "not brought back: deleted here",
    "left": "kept: the library has it no longer",
    "conflict": "kept: edited here, and changed in the library",
    "unknown": "nobody knows whether it was edited",
}
"""What is said of each; of those that are the same, nothing."""
Sets = tuple[str, str]


def rendered(
    format_name: str,
    verdicts: Sequence[Verdict],
    sets: Sets,
    comparison: Comparison | None,
    *,
    color: bool,
) -> str:
    """The report in a format; `sets` are the version sets before and after."""
    if format_name == "json":
        return _json(verdicts, sets, comparison)
    if format_name == "markdown":
        return _markdown(verdicts, sets, comparison)
    parts = ["\n".join(lines(verdicts, sets))]
    parts += ["".join(f"  {line}\n" for line in difference(each)) for each in _disputed(verdicts)]
    parts += [diff_text.render(comparison, color=color)] if comparison is not None else []
    return "\n\n".join(part.rstrip("\n") for part in parts) + "\n"


def lines(verdicts: Sequence[Verdict], sets: Sets) -> Iterator[str]:
    """What becomes of the presets and the version set."""
    if sets[0] != sets[1]:
        yield f"version set: {sets[0]} → {sets[1]}"
    told = [each for each in verdicts if each.act in TOLD]
    same = len(verdicts) - len(told)
    for each in told:
        yield visible(f"{each.path}: {TOLD[each.act]}")
    if same:
        yield f"{counted(same, 'preset')} as the library has {'them' if same > 1 else 'it'}"


def difference(verdict: Verdict) -> list[str]:
    """What the library would change in a preset that somebody edited; no secret's value."""
    ours, theirs = (
        concealed(verdict.path, text).splitlines() if text else []
        for text in (verdict.ours, verdict.theirs)
    )
    names = (f"{verdict.path} (here)", f"{verdict.path} (library)")
    found = list(islice(unified_diff(ours, theirs, *names, lineterm=""), MOST_LINES + 1))
    cut = [*found[:MOST_LINES], "…"] if len(found) > MOST_LINES else found
    return [visible(line) for line in cut]


def _disputed(verdicts: Sequence[Verdict]) -> list[Verdict]:
    return [each for each in verdicts if each.act in ("conflict", "unknown")]


def _markdown(verdicts: Sequence[Verdict], sets: Sets, comparison: Comparison | None) -> str:
    parts = ["".join(f"- {diff_markdown.prose(line)}\n" for line in lines(verdicts, sets))]
    for each in _disputed(verdicts):
        body = "\n".join(difference(each))
        fence = "`" * 4
        parts.append(f"{fence}diff\n{body}\n{fence}\n")
    parts += [diff_markdown.render(comparison, REVISION)] if comparison is not None else []
    return "\n".join(parts)


def _json(verdicts: Sequence[Verdict], sets: Sets, comparison: Comparison | None) -> str:
    changes = json.loads(diff_text.render_json(comparison, REVISION)) if comparison else None
    document: dict[str, Any] = {
        "version": VERSION,
        "versions": {"before": sets[0], "after": sets[1]},
        "presets": [
            {
                "name": each.name,
                "act": each.act,
                "path": each.path,
                "difference": difference(each) if each in _disputed(verdicts) else [],
            }
            for each in verdicts
        ],
        "manifests": changes,
    }
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"
