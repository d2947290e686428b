"""What a model's variants have in common, made once.

In: a pure function of a variant, and what of a variant it never looks at. Out: the function, which
hands out what it made for another variant of the model wherever the two differ in nothing but what
it ignores. Environments change little of a model, and much of that alike, so that most of what is
made of them is the same object, which later stages tell by identity.

What may be ignored has a name: `namespace`, `environment` and `registries` of the environment; a
field of the spec, as `tracing`, or of `routing` and its scheduler; a field of any role, as
`roles.replicas`; of its engine, pod or container, as `roles.engine.env`. Nobody changes what such a
function returns.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, wraps
from types import MappingProxyType
from typing import Any, Concatenate, ParamSpec, TypeVar, cast

from modelmill.record import EMPTY, Record
from modelmill.variant import Variant

Keys = ParamSpec("Keys")
T = TypeVar("T")

PLACE = ("namespace", "environment", "registries")
"""Where it is deployed."""
SCALE = ("roles.replicas", "roles.autoscaling")
"""How many pods a role has."""
VARIABLES = ("roles.engine.env",)
"""Variables that only engines read; those of `READ` are not among them."""
FLAGS = ("roles.engine.args",)
SIZES = ("roles.resources",)
PODS = ("roles.pod", "roles.container")
"""Fields of pods and containers that are handed on."""
SECURITY = tuple(f"{part}.security_context" for part in PODS)
"""What environments harden of them."""
INSIDE = (*SCALE, *VARIABLES, *FLAGS, *SIZES)
"""What pods are, of which others know nothing."""
MONITORS = (
    "prometheus",
    "alerts",
    "dashboard",
    "roles.pod_monitor",
    "routing.scheduler.pod_monitor",
)
"""What measures it."""
BUDGETS = ("roles.pod_disruption_budget", "routing.scheduler.pod_disruption_budget")
GATEWAY = ("routing.gateway", "gateways")
OUTSIDE = (*PLACE, *MONITORS, *BUDGETS, *GATEWAY)
"""What pods know nothing of."""
READ = ("PYTHONHASHSEED", "VLLM_MOONCAKE_BOOTSTRAP_PORT")
"""Variables of engines that others go by: each is `roles.engine.env.NAME`."""

Make = Callable[Concatenate[Variant, Keys], T]
_NOTHING = object()
_DEEP = frozenset({"roles.engine", *PODS, "routing", "routing.scheduler"})
"""Records of which more than a name is told."""
_APART = "another model"
"""What no function ignores."""
_ignored: dict[frozenset[str], frozenset[str]] = {}


def shared(*ignored: str) -> Callable[[Make[Keys, T]], Make[Keys, T]]:
    """A function of a variant, and of keys that tell what of it, that looks at none of these."""
    # One object for all that ignore the same, so that no look for it compares sets.
    ignores = _ignored.setdefault(frozenset(ignored), frozenset(ignored))

    def decorate(make: Make[Keys, T]) -> Make[Keys, T]:
        @wraps(make)
        def get(variant: Variant, *keys: Any) -> Any:
            made, place = variant.made, (make, *keys)
            found = made.get(place, _NOTHING)
            if found is not _NOTHING:
                return found
            left = made.get(ignores)
            if left is None:
                left = made[ignores] = _left(variant, ignores)
            in_common, common = variant.first.made, (left, place)
            found = in_common.get(common, _NOTHING)
            if found is _NOTHING:
                found = in_common[common] = make(variant, *keys)  # type: ignore[call-arg]
            made[place] = found
            return found

        return cast(Make[Keys, T], get)

    return decorate


def _left(variant: Variant, ignores: frozenset[str]) -> frozenset[tuple[str, int]]:
    """What of a variant's differences from the first of its model a function may see."""
    return frozenset(
        [
            (name, number)
            for name, number in differences(variant).items()
            if name not in ignores and _whole(name) not in ignores
        ]
    )


@cache
def _whole(name: str) -> str:
    """Of a field of what is handed on to pods, the name of that."""
    above = name.rpartition(".")[0]
    return above if above in PODS else name


def changes(variant: Variant) -> frozenset[str]:
    """The names of what differs between a variant and the first of its model."""
    return frozenset(map(_whole, differences(variant)))


def differences(variant: Variant) -> dict[str, int]:
    """By the name of what differs, which of the values it is that the model's variants have."""
    known: dict[str, int] | None = variant.made.get(differences)
    if known is None:
        first = variant.first
        values: dict[str, list[Any]] = first.made.setdefault(_number, {})
        known = variant.made[differences] = {
            name: _number(values.setdefault(name, []), _value(variant, name))
            for name in _changes(first, variant)
        }
    return known


def _number(values: list[Any], value: Any) -> int:
    """The place of a value among those that are known, where it now is."""
    for place, each in enumerate(values):
        if is_same(each, value):
            return place
    values.append(value)
    return len(values) - 1


def _value(variant: Variant, name: str) -> Any:
    """What a variant has by a name."""
    if name == _APART:
        return object()
    if name in ("namespace", "environment"):
        return getattr(variant, name)
    if name in ("registries", "gateways"):
        return getattr(variant.overlay.record, name) if variant.overlay else EMPTY
    part, _, field = name.partition(".")
    if part != "roles" or not field:
        return _within(variant.spec, name)
    return [_within(role, field) for role in variant.roles.values()]


def _within(found: Any, path: str) -> Any:
    for name in path.split("."):
        if found is None or found is _NOTHING:
            break
        found = (vars(found) if isinstance(found, Record) else found).get(name, _NOTHING)
    return found


def _changes(one: Variant, other: Variant) -> set[str]:
    if (
        one.model is not other.model
        or one.versions is not other.versions
        or one.is_worker is not other.is_worker
        or one.configs is not other.configs
        or not is_same(one.kserve, other.kserve)
    ):
        return {_APART}
    found: set[str] = set()
    if one.overlay is not other.overlay:
        names = ("namespace", "environment")
        found.update(n for n in names if getattr(one, n) != getattr(other, n))
        overlays = [each.overlay.record if each.overlay else None for each in (one, other)]
        for name in ("registries", "gateways"):
            if not is_same(*(getattr(each, name, EMPTY) for each in overlays)):
                found.add(name)
    _compare(one.spec, other.spec, "", found)
    return found


def _compare(one: Record, other: Record, above: str, found: set[str]) -> None:
    """Add the names of the fields in which two records of a type differ, or that only one says."""
    if one is other:
        return
    mine, its = vars(one), vars(other)
    for name, value in mine.items():
        if name not in its:
            found.add(above + name)
        elif value is not its[name]:
            _compare_field(above + name, value, its[name], found)
    found.update(above + name for name in its.keys() - mine.keys())


def _compare_field(name: str, one: Any, other: Any, found: set[str]) -> None:
    if name == "roles" and list(one) == list(other):
        for key, role in one.items():
            _compare(role, other[key], "roles.", found)
    elif name in _DEEP and one is not None and other is not None:
        _compare(one, other, f"{name}.", found)
        if name == "roles.engine" and VARIABLES[0] in found:
            found.update(f"{VARIABLES[0]}.{n}" for n in READ if one.env.get(n) != other.env.get(n))
    elif not is_same(one, other):
        found.add(name)


def is_same(one: Any, other: Any) -> bool:
    """Equal in type, in value and in the order of keys: made of either, all comes out the same."""
    if one is other:
        return True
    kind = type(one)
    if kind is not type(other):
        return False
    if kind is dict or kind is MappingProxyType:
        if len(one) != len(other):
            return False
        for (name, value), (beside, its) in zip(one.items(), other.items(), strict=True):
            if name != beside or (value is not its and not is_same(value, its)):
                return False
        return True
    if kind is tuple or kind is list:
        return len(one) == len(other) and all(map(is_same, one, other))
    if isinstance(one, Record):
        found: set[str] = set()
        _compare(one, other, "within ", found)
        return not found
    return bool(one == other)
