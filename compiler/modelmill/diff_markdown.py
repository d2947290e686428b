"""A comparison as the comment of a pull request.

In: a Comparison. Out: Markdown that always fits GitHub's limit: where it does not, the models with
the most to tell are told in one line. A code block is whole or not there. What files hold can
neither end a block, nor be a mention, a link or HTML.
https://github.com/orgs/community/discussions/27190 (65,536 characters)
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from modelmill.comparison import Comparison, ModelChange
from modelmill.diff_lines import (
    Line,
    environment,
    environments,
    in_environment,
    lines,
    model_summary,
    name_of,
    summary,
)
from modelmill.reports.wording import visible

LIMIT = 65_536
COLUMNS = 8
MARKER = "<!-- modelmill diff -->"
"""The first line, by which a workflow finds the comment to update."""

LEFT_OUT = "Details of {} models are left out, as they do not fit a comment.\n"
RESERVE = 2 * len(LEFT_OUT) + 100
_special = re.compile(r"[^A-Za-z0-9 -]")
_ticks = re.compile("`+")


def render(comparison: Comparison, revision: str, limit: int = LIMIT) -> str:
    head = f"{MARKER}\n### Manifests\n\n"
    against = f"compared with {code(revision)}"
    if not comparison.models:
        return f"{head}No change, {against}.\n"
    head += f"{summary(comparison.models)}, {against}.\n\n"
    table = _table(comparison, (limit - size(head)) // 2)
    sections = [_section(change) for change in comparison.models]
    short = [f"- {_title(change)}\n" for change in comparison.models]
    room = limit - size(head) - size(table) - RESERVE
    return head + table + "\n" + _fitted(sections, short, room)


def size(text: str) -> int:
    """Characters as the strictest reader counts them: UTF-16 units."""
    return len(text.encode("utf-16-le", "replace")) // 2


def code(text: str) -> str:
    """Foreign text as code outside a block. Every special character is a reference: a `code`
    element stops mentions and links, not Markdown."""
    spelled = _special.sub(lambda match: f"&#{ord(match[0])};", visible(text))
    return f"<code>{spelled}</code>"


def _table(comparison: Comparison, room: int) -> str:
    names = environments(comparison)
    narrow = len(names) <= COLUMNS
    columns = [code(environment(name)) for name in names] if narrow else ["objects"]
    head = f"| model | {' | '.join(columns)} |\n|---|{'---|' * len(columns)}\n"
    rows = []
    for change in comparison.models:
        cells = [in_environment(change, name) for name in names]
        told = [f"`{cell}`" if cell else "" for cell in cells] if narrow else [_amount(change)]
        rows.append(f"| {code(name_of(change))} | {' | '.join(told)} |\n")
    kept, used = 0, size(head) + 60
    for row in rows:
        used += size(row)
        if used > room:
            break
        kept += 1
    more = f"\n… and {len(rows) - kept} more models\n" if kept < len(rows) else ""
    return head + "".join(rows[:kept]) + more


def _amount(change: ModelChange) -> str:
    return model_summary(change).replace("|", "")


def _title(change: ModelChange) -> str:
    act = "" if change.act == "changed" else f" ({change.act})"
    return f"{code(name_of(change))}{act}: {model_summary(change)}"


def _section(change: ModelChange) -> str:
    body = "\n".join(map(_diff_line, lines(change)))
    longest = max((len(run) for run in _ticks.findall(body)), default=0)
    fence = "`" * max(3, longest + 1)
    return (
        f"<details><summary>{_title(change)}</summary>\n\n"
        f"{fence}diff\n{body}\n{fence}\n\n</details>\n\n"
    )


def _diff_line(line: Line) -> str:
    """The mark comes first, where highlighting looks for it; `!` is its word for a change."""
    mark = "!" if line.mark == "~" else line.mark
    return f"{mark}{'  ' * line.depth}{line.text}".rstrip()


def _fitted(sections: Sequence[str], short: Sequence[str], room: int) -> str:
    """All sections, the largest given up for their one line until the whole fits; at last the one
    lines, too."""
    chosen = list(sections)
    total = sum(map(size, chosen))
    gains = ((size(sections[i]) - size(short[i]), i) for i in range(len(sections)))
    dropped: list[int] = []
    for gain, index in sorted(gains, key=lambda each: (-each[0], each[1])):
        if total <= room:
            break
        chosen[index] = ""
        dropped.append(index)
        total -= gain
    told = list(_within([short[i] for i in sorted(dropped)], room - sum(map(size, chosen))))
    note = LEFT_OUT.format(len(dropped)) if dropped else ""
    return "".join([*chosen, *told, f"\n{note}" if note else ""])


def _within(texts: Sequence[str], room: int) -> Iterator[str]:
    for index, text in enumerate(texts):
        room -= size(text)
        if room < 0:
            yield f"- … and {len(texts) - index} more\n"
            return
        yield text
