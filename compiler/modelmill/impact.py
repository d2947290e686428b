"""What an edit reaches, counted: models and environments, accelerators, restarts.

In: uses of files (`reach`), or a Comparison. Out: text, Markdown or a versioned JSON document whose
keys are never renamed. Never: a use that does not compile.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any

from modelmill.comparison import Comparison
from modelmill.diff_markdown import code
from modelmill.reach import Use, totals
from modelmill.reports.wording import visible
from modelmill.showing import counted
from modelmill.tuples import NamedTuple

VERSION = 1
ROWS = 500
"""Rows of a table in Markdown: of more, GitHub shows no comment."""


class Reached(NamedTuple):
    """A use, and what happens to it where that is known: pods that restart, dangers."""

    use: Use
    pods: int | None = None
    dangers: int = 0


def of_comparison(comparison: Comparison) -> list[Reached]:
    """Every model in every environment where it changes."""
    return [
        Reached(
            Use(change.model, effect.environment, effect.after or effect.before),
            sum(each.pods for each in effect.restarts),
            sum(each.level == "danger" for each in effect.dangers),
        )
        for change in comparison.models
        if change.model
        for effect in change.effects
        if any(effect.environment in part.environments for part in change.parts)
    ]


def render(found: Sequence[Reached], what: str) -> str:
    """A line for each use, for each environment, and for all."""
    if not found:
        return f"{visible(what)} reaches no model\n"
    rows = [(r.use.model, r.use.environment or "(none)", _amount([r]), _detail(r)) for r in found]
    rows += [("", name, _amount(part), _happens(part)) for name, part in _by_environment(found)]
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    lines = ["  ".join(f"{c:<{w}}" for c, w in zip(row, widths, strict=False)) for row in rows]
    ends = [visible(f"{line}  {row[3]}".rstrip()) for line, row in zip(lines, rows, strict=True)]
    split = len(found)
    return "\n".join([*ends[:split], "", *ends[split:], "", _total(found)]) + "\n"


def render_markdown(found: Sequence[Reached], what: str) -> str:
    if not found:
        return f"{code(what)} reaches no model.\n"
    head = "| model | environment | accelerators | |\n|---|---|---|---|\n"
    lines = [
        f"| {code(r.use.model)} | {code(r.use.environment or '(none)')} "
        f"| {code(_amount([r]))} | {code(_detail(r))} |\n"
        for r in found[:ROWS]
    ]
    rest = f"\n… and {len(found) - ROWS} more\n" if len(found) > ROWS else ""
    per = "".join(
        f"- {code(name)}: {counted(len(part), 'model')}, {code(_amount(part))}"
        f"{_joined(_happens(part))}\n"
        for name, part in _by_environment(found)
    )
    table = (
        f"<details><summary>Each of them</summary>\n\n{head}{''.join(lines)}{rest}\n</details>\n"
    )
    return f"{code(what)} reaches **{code(_total(found))}**\n\n{per}\n{table}"


def render_json(found: Sequence[Reached], key: str, value: object) -> str:
    document = {
        "version": VERSION,
        key: value,
        "models": len({each.use.model for each in found}),
        "uses": [_use(each) for each in found],
        "environments": {
            name: totals(each.use for each in part) for name, part in _by_environment(found)
        },
        "accelerators": totals(each.use for each in found),
    }
    return json.dumps(document, indent=2) + "\n"


def _use(each: Reached) -> dict[str, Any]:
    happens = {} if each.pods is None else {"restarts": each.pods, "dangers": each.dangers}
    return {
        "model": each.use.model,
        "environment": each.use.environment,
        "accelerators": totals([each.use]),
        "roles": [role._asdict() for role in each.use.roles],
        **happens,
    }


def _detail(each: Reached) -> str:
    if each.pods is not None:
        return _happens([each])
    return ", ".join(f"{r.name} {r.replicas} × {r.gpus}" for r in each.use.roles)


def _happens(found: Sequence[Reached]) -> str:
    """`4 pods restart, 1 danger`"""
    pods = sum(each.pods or 0 for each in found)
    dangers = sum(each.dangers for each in found)
    told = [f"{counted(pods, 'pod')} restart{'s' if pods == 1 else ''}"] if pods else []
    return ", ".join([*told, *([counted(dangers, "danger")] if dangers else [])])


def _joined(text: str) -> str:
    return f", {text}" if text else ""


def _by_environment(found: Sequence[Reached]) -> list[tuple[str, list[Reached]]]:
    names = sorted({each.use.environment for each in found if each.use.environment})
    return [(name, [each for each in found if each.use.environment == name]) for name in names]


def _amount(found: Iterable[Reached]) -> str:
    counts = totals(each.use for each in found)
    told = ", ".join(f"{n} {resource}" for resource, n in counts.items() if n)
    return told or "no accelerators"


def _total(found: Sequence[Reached]) -> str:
    models = counted(len({each.use.model for each in found}), "model")
    parts = _by_environment(found)
    where = counted(len(parts), "environment")
    return f"{models}, {where}: {_amount(found)}{_joined(_happens(found))}"
