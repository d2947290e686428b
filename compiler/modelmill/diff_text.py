"""A comparison for a terminal, and for programs.

In: a Comparison. Out: text, or a versioned JSON document whose keys are never renamed.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from modelmill import diff_effects
from modelmill.comparison import Comparison, ModelChange
from modelmill.diff_effects import Group, Rolled, Row, Shift, Told
from modelmill.diff_lines import Line, lines, name_of, summary
from modelmill.reports.wording import visible

VERSION = 1
LEVEL_COLORS = {"danger": "1;31", "notice": "1;33"}
COLORS = {"+": "32", "-": "31", "~": "33"}


def render(comparison: Comparison, *, color: bool) -> str:
    if not comparison.models:
        return "the manifests do not change\n"
    blocks = ["\n".join(_block(change, color)) for change in comparison.models]
    blocks += ["\n".join(part) for part in _effects(comparison, color) if part]
    rows = diff_effects.rows(comparison)
    end = "; ".join(filter(None, (summary(comparison.models), diff_effects.totals_text(rows))))
    return "\n\n".join([*blocks, end]) + "\n"


def _effects(comparison: Comparison, color: bool) -> Iterator[list[str]]:
    """What is worth most last, where a terminal ends: restarts, accelerators, dangers."""
    rolled = diff_effects.restarts(comparison)
    yield [_title("restarts", color), *(_rolled(each) for each in rolled)] if rolled else []
    shifts = [s for row in diff_effects.rows(comparison) for s in row.shifts]
    told = [f"  {_shift(each)}" for each in shifts if each.before != each.after]
    yield [_title("accelerators", color), *told] if told else []
    found = diff_effects.groups(comparison)
    for level in reversed(diff_effects.LEVELS):
        mine = [line for each in found if each.danger.level == level for line in _danger(each)]
        yield [_title(level, color, LEVEL_COLORS[level]), *mine] if mine else []


def _title(text: str, color: bool, code: str = "1") -> str:
    return f"\x1b[{code}m{text}\x1b[0m" if color else text


def _rolled(each: Rolled) -> str:
    restart = each.restart
    head = visible(f"{restart.kind} {restart.name}")
    amount, why = diff_effects.restart_text(restart), diff_effects.reasons_text(restart)
    return f"  {diff_effects.where(each.environments)}: {head}: {amount}\n    {why}"


def _shift(shift: Shift) -> str:
    before, after = map(diff_effects.amount_text, (shift.before, shift.after))
    amount = f"{diff_effects.shift_text(shift)}, {before} → {after} of the models above"
    return f"{diff_effects.where([shift.environment])}: {amount}"


def _danger(group: Group) -> Iterator[str]:
    danger = group.danger
    head = diff_effects.object_text(group)
    yield f"  {diff_effects.where(group.environments)}: {head}: {visible(danger.message)}"
    yield from (f"    {line}" for line in diff_effects.cause_texts(danger))
    if danger.hint:
        yield f"    hint: {visible(danger.hint)}"


def render_json(comparison: Comparison, revision: str) -> str:
    document = {
        "version": VERSION,
        "revision": revision,
        "summary": summary(comparison.models),
        "environments": [_row_json(row) for row in diff_effects.rows(comparison)],
        "dangers": [_danger_json(each) for each in diff_effects.dangers(comparison)],
        "restarts": [
            {
                "model": each.model or None,
                "environments": list(each.environments),
                **each.restart._asdict(),
            }
            for each in diff_effects.restarts(comparison)
        ],
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


def _row_json(row: Row) -> dict[str, Any]:
    return {
        "environment": row.environment,
        "models": row.models,
        "objects": row.objects,
        "accelerators": [
            {
                "resource": shift.product.resource,
                "product": shift.product.name,
                "before": shift.before._asdict(),
                "after": shift.after._asdict(),
            }
            for shift in row.shifts
        ],
        "restarts": {"pods": row.pods, "accelerators": row.held},
        "dangers": row.dangers,
        "notices": row.notices,
    }


def _danger_json(told: Told) -> dict[str, Any]:
    return {
        "model": told.model or None,
        "environments": list(told.environments),
        **told.danger._asdict(),
        "causes": [cause._asdict() for cause in told.danger.causes],
    }


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
