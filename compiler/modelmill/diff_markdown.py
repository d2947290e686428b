"""A comparison as the comment of a pull request.

In: a Comparison. Out: Markdown that always fits GitHub's limit, dangers first: where it does not,
the models with the most to tell are told in one line. A code block is whole or not there. What
files hold can neither end a block, nor be a mention, a link or HTML.
https://github.com/orgs/community/discussions/27190 (65,536 characters)
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from modelmill import diff_effects
from modelmill.comparison import Comparison, ModelChange
from modelmill.dangers import Level
from modelmill.diff_effects import Group, Row
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
from modelmill.regexes import regex
from modelmill.reports.wording import visible
from modelmill.showing import counted

LIMIT = 65_536
COLUMNS = 8
MARKER = "<!-- modelmill diff -->"
"""The first line, by which a workflow finds the comment to update."""

TITLES: Mapping[Level, str] = {"danger": "⚠️ Danger", "notice": "Worth a look"}
LEFT_OUT = "Details of {} models are left out, as they do not fit a comment.\n"
RESERVE = 2 * len(LEFT_OUT) + 100
_special = regex(r"[^A-Za-z0-9 -]")
_harmless = regex(r"[A-Za-z0-9 .,:;→–'()/=-]*")
_ticks = regex("`+")


def render(comparison: Comparison, revision: str, limit: int = LIMIT) -> str:
    head = f"{MARKER}\n### Manifests\n\n"
    against = f"compared with {code(revision)}"
    if not comparison.models:
        return f"{head}No change, {against}.\n"
    head += f"{summary(comparison.models)}, {against}.\n\n"
    room = limit - size(head) - RESERVE
    for part in (_overview, _dangers, _restarts):
        text = part(comparison, room if part is _dangers else room // 3)
        head, room = head + text, room - size(text)
    table = _table(comparison, room // 2)
    sections = [_section(change) for change in comparison.models]
    short = [f"- {_title(change)}\n" for change in comparison.models]
    return head + table + "\n" + _fitted(sections, short, room - size(table))


def _overview(comparison: Comparison, room: int) -> str:
    """What changes, by environment."""
    rows = diff_effects.rows(comparison)
    if not any(row.pods or row.dangers or row.notices or _told(row) for row in rows):
        return ""
    head = "| environment | models | accelerators | pods that restart | dangers |\n"
    head += "|---|---|---|---|---|\n"
    lines = [
        f"| {code(row.environment)} | {row.models} "
        f"| {_told(row)} "
        f"| {_restarting(row)} | {row.dangers or ''} |\n"
        for row in rows
    ]
    kept = _count_within(lines, room - size(head) - 60)
    more = f"\n… and {len(lines) - kept} more environments\n" if kept < len(lines) else ""
    return f"{head}{''.join(lines[:kept])}{more}\n"


def _told(row: Row) -> str:
    return "<br>".join(code(text) for each in row.shifts if (text := diff_effects.shift_text(each)))


def _restarting(row: Row) -> str:
    held = f" with {counted(row.held, 'accelerator')}" if row.held else ""
    return f"{row.pods}{held}" if row.pods else ""


def _dangers(comparison: Comparison, room: int) -> str:
    """Never cut for the sake of another part; only if it alone does not fit, and then counted."""
    found = diff_effects.groups(comparison)
    text = ""
    for level, title in TITLES.items():
        groups = [each for each in found if each.danger.level == level]
        mine = [_danger(each) for each in groups]
        head = f"#### {title}: {sum(len(each.names) for each in groups)}\n\n"
        kept = _count_within(mine, room - size(text) - size(head) - 80)
        rest = sum(len(each.names) for each in groups[kept:])
        more = f"- … and {rest} more, which do not fit a comment\n" if rest else ""
        text += f"{head}{''.join(mine[:kept])}{more}\n" if mine else ""
    return text


def _danger(group: Group) -> str:
    danger = group.danger
    where = ", ".join(map(code, group.environments[:5]))
    rest = len(group.environments) - 5
    where += f" and {rest} more" if rest > 0 else ""
    lines = [f"- **{where}: {code(diff_effects.object_text(group))}** – {prose(danger.message)}"]
    lines += [code(each) for each in diff_effects.cause_texts(danger)]
    lines += [f"*{prose(danger.hint)}*"] if danger.hint else []
    return "<br>".join(lines) + "\n"


def _restarts(comparison: Comparison, room: int) -> str:
    rolled = diff_effects.restarts(comparison)
    head = f"<details><summary>{counted(len(rolled), 'workload')} restart</summary>\n\n"
    end = "\n</details>\n\n"
    lines = [
        f"- {code(diff_effects.where(each.environments))}: "
        f"{code(f'{each.restart.kind} {each.restart.name}')}: "
        f"{code(diff_effects.restart_text(each.restart))} "
        f"because of {code(diff_effects.reasons_text(each.restart))}\n"
        for each in rolled
    ]
    kept = _count_within(lines, room - size(head) - size(end) - 40)
    more = f"- … and {len(lines) - kept} more\n" if kept < len(lines) else ""
    return f"{head}{''.join(lines[:kept])}{more}{end}" if lines else ""


def _count_within(texts: Sequence[str], room: int) -> int:
    """How many of them fit."""
    for count, text in enumerate(texts):
        room -= size(text)
        if room < 0:
            return count
    return len(texts)


def size(text: str) -> int:
    """Characters as the strictest reader counts them: UTF-16 units."""
    return len(text.encode("utf-16-le", "replace")) // 2


def code(text: str) -> str:
    """Foreign text as code outside a block. Every special character is a reference: a `code`
    element stops mentions and links, not Markdown."""
    spelled = _special.sub(_reference, visible(text))
    return f"<code>{spelled}</code>"


def prose(text: str) -> str:
    """A sentence of ours, in which foreign text stands between backticks."""
    pieces = text.split("`")
    return "".join(
        code(piece)
        if index % 2 or not _harmless.fullmatch(piece)
        else _special.sub(_reference, piece)
        for index, piece in enumerate(pieces)
        if piece
    )


def _reference(match: re.Match[str]) -> str:
    return f"&#{ord(match[0])};"


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
    kept = _count_within(rows, room - size(head) - 60)
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
