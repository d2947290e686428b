"""What a comparison does beyond its lines: dangers, restarts, accelerators, as people read them.

In: a Comparison. Out: each finding once with all the environments it holds in, and counts by
environment. Never: layout of a format.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

from modelmill.comparison import Comparison, ModelChange
from modelmill.dangers import Danger, Level
from modelmill.diff_lines import MARKS, cause_text, counts, environment, environments
from modelmill.effects import Effect
from modelmill.reports.wording import visible
from modelmill.restarts import Restart
from modelmill.showing import counted
from modelmill.sizes import Amount, Product, amounts
from modelmill.tuples import NamedTuple

T = TypeVar("T")
SHOWN_CAUSES = 3
SHOWN_NAMES = 3
LEVELS: tuple[Level, ...] = ("danger", "notice")


class Told(NamedTuple):
    """A danger and the environments it holds in. Without a model: of what these own."""

    model: str
    environments: tuple[str, ...]
    danger: Danger


class Group(NamedTuple):
    """Dangers that differ in nothing but their objects' names."""

    environments: tuple[str, ...]
    names: tuple[str, ...]
    danger: Danger


class Rolled(NamedTuple):
    """A restart and the environments in which it is the same."""

    model: str
    environments: tuple[str, ...]
    restart: Restart


class Shift(NamedTuple):
    """Accelerators of the changed models in one environment."""

    environment: str
    product: Product
    before: Amount
    after: Amount


class Row(NamedTuple):
    """One environment in numbers. `pods` and `held`: what restarts, and its accelerators."""

    environment: str
    models: int
    objects: str
    shifts: tuple[Shift, ...]
    pods: int
    held: int
    dangers: int
    notices: int


def dangers(comparison: Comparison) -> list[Told]:
    """What is dangerous first, otherwise in order of models."""
    found = _grouped(comparison, lambda effect: effect.dangers)
    told = [Told(model, names, each) for model, names, each in found]
    return sorted(told, key=lambda each: LEVELS.index(each.danger.level))


def groups(comparison: Comparison) -> list[Group]:
    """Dangers as people read them, in the order of `dangers`."""
    found: list[Group] = []
    for told in dangers(comparison):
        nameless = told.danger._replace(name="")
        for index, group in enumerate(found):
            if group.environments == told.environments and group.danger == nameless:
                found[index] = group._replace(names=(*group.names, told.danger.name))
                break
        else:
            found.append(Group(told.environments, (told.danger.name,), nameless))
    return found


def restarts(comparison: Comparison) -> list[Rolled]:
    found = _grouped(comparison, lambda effect: effect.restarts)
    return [Rolled(model, names, each) for model, names, each in found]


def _grouped(
    comparison: Comparison, of: Callable[[Effect], Iterable[T]]
) -> list[tuple[str, tuple[str, ...], T]]:
    """Each finding of a model once, with the environments it is in."""
    found: list[tuple[str, list[str], T]] = []
    for change in comparison.models:
        mine: list[tuple[str, list[str], T]] = []
        for effect in change.effects:
            for each in of(effect):
                known = next((names for _, names, other in mine if other == each), None)
                if known is None:
                    mine.append((change.model, [effect.environment], each))
                elif effect.environment not in known:
                    known.append(effect.environment)
        found += mine
    return [(model, tuple(names), each) for model, names, each in found]


def rows(comparison: Comparison) -> list[Row]:
    """Every environment in which anything changes."""
    return [_row(name, comparison.models) for name in environments(comparison) if name]


def _row(name: str, models: Iterable[ModelChange]) -> Row:
    here = [m for m in models if any(name in part.environments for part in m.parts)]
    effects = [effect for m in models for effect in m.effects if effect.environment == name]
    found = [each.level for effect in effects for each in effect.dangers]
    rolled = [each for effect in effects for each in effect.restarts]
    objects = [r for m in here for p in m.parts if name in p.environments for r in p.objects]
    return Row(
        name,
        len([m for m in here if m.model]),
        counts(objects),
        tuple(_shifts(name, [e for m in here for e in m.effects if e.environment == name])),
        sum(each.pods for each in rolled),
        sum(each.accelerators for each in rolled),
        found.count("danger"),
        found.count("notice"),
    )


def _shifts(name: str, effects: Iterable[Effect]) -> Iterator[Shift]:
    several = list(effects)
    before = amounts(role for effect in several for role in effect.before)
    after = amounts(role for effect in several for role in effect.after)
    for product in sorted(before.keys() | after.keys()):
        old, new = before.get(product, Amount()), after.get(product, Amount())
        yield Shift(name, product, old, new)


def shift_text(shift: Shift) -> str:
    """`+8 nvidia.com/gpu (nvidia-h100)`, and what it is at most where a scaler decides."""
    before, after = shift.before, shift.after
    if before == after:
        return ""
    least = after.least - before.least
    text = f"{least:+d}" if least else "±0"
    if after.most is None or before.most is None:
        most = (
            ""
            if after.most == before.most
            else "without bound"
            if after.most is None
            else "bounded"
        )
    else:
        most = f"{after.most - before.most:+d}" if after.most - before.most != least else ""
    bound = f", at most {most}" if most else ""
    product = shift.product
    named = f" ({product.name})" if product.name and product.name != product.resource else ""
    return visible(f"{text} {product.resource}{named}") + bound


def amount_text(amount: Amount) -> str:
    if amount.most == amount.least:
        return str(amount.least)
    return f"{amount.least}–{'∞' if amount.most is None else amount.most}"


def where(names: Iterable[str]) -> str:
    several = [environment(name) for name in names]
    return ", ".join(several) if len(several) <= 5 else counted(len(several), "environment")


def object_text(group: Group) -> str:
    """`Deployment one-decode spec.selector`, `NetworkPolicy a, b, c and 20 more`"""
    rest = len(group.names) - SHOWN_NAMES
    names = ", ".join(group.names[:SHOWN_NAMES]) + (f" and {rest} more" if rest > 0 else "")
    return visible(" ".join(filter(None, (group.danger.kind, names, group.danger.path))))


def cause_texts(danger: Danger) -> list[str]:
    told = [f"{MARKS[each.act]} {cause_text(each)}" for each in danger.causes[:SHOWN_CAUSES]]
    rest = len(danger.causes) - SHOWN_CAUSES
    return [*told, *([f"and {counted(rest, 'further edit')}"] if rest > 0 else [])]


def restart_text(restart: Restart) -> str:
    """`4 pods, 1 at a time, 32 nvidia.com/gpu`"""
    each = [counted(restart.pods, "pod") if restart.pods else "pods on every node"]
    if restart.pods and restart.unavailable >= restart.pods and restart.pods > 1:
        each.append("all at one time")
    elif restart.unavailable and restart.pods > 1:
        each.append(f"{restart.unavailable} at a time")
    if restart.accelerators:
        each.append(f"{restart.accelerators} {restart.resource}")
    if restart.surge:
        each.append(f"{restart.surge} more needed while it lasts")
    each.extend([restart.note] if restart.note else [])
    return visible(", ".join(each))


def reasons_text(restart: Restart) -> str:
    shown = restart.reasons[:SHOWN_CAUSES]
    rest = len(restart.reasons) - len(shown)
    return visible(", ".join((*shown, *([f"{rest} more"] if rest else []))))


def totals_text(found: list[Row]) -> str:
    """`2 dangers, 6 pods restart`, or nothing."""
    risky, pods = sum(row.dangers for row in found), sum(row.pods for row in found)
    told = [counted(risky, "danger")] if risky else []
    told += [f"{counted(pods, 'pod')} restart{'s' if pods == 1 else ''}"] if pods else []
    return ", ".join(told)
