"""Policies of the repository itself: its files, its environments, and what it says of policies.

In: the catalog, what is Held in each environment, and the texts of all files. Out: findings.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping

from modelmill.catalog import Catalog, Document
from modelmill.diagnostics import CompileError, Diagnostic, Span, did_you_mean, error, warning
from modelmill.dotted import parse_path
from modelmill.pod_security import LEVELS, weakest
from modelmill.policies.settings import NAMES, Held
from modelmill.spec.policies import AllowedSecret
from modelmill.syntax import parse_any

SECRETS = ("secrets",)


def secrets(
    found: Iterable[Diagnostic], texts: Mapping[str, str], held: Held
) -> Iterator[Diagnostic]:
    """What `findings` tell of all files but for what is allowed, and what is allowed in vain."""
    allowed = held.policies.secrets
    used: set[str] = set()
    for each in found:
        name = next((n for n, place in allowed.items() if _is_at(place, texts, each)), None)
        if name is None:
            yield each
        else:
            used.add(name)
    for name in allowed:
        if name not in used and held.node is not None:
            span = held.node.nearest(*SECRETS, name).key_span
            message = f"`{name}` is allowed, and nothing there looks like a secret"
            yield warning("V323", message, span, "take it out")


def _is_at(allowed: AllowedSecret, texts: Mapping[str, str], found: Diagnostic) -> bool:
    if found.span is None or found.span.path != allowed.file:
        return False
    path = parse_path(allowed.path)
    try:
        node = parse_any(allowed.file, texts[allowed.file].encode()).get(*(path or ()))
    except CompileError:
        return False
    if node is None or not path:
        return False
    last = node.span.line + (str(node.value).count("\n") if isinstance(node.value, str) else 0)
    return node.span.line <= found.span.line <= last


def of_project(
    catalog: Catalog, models: Collection[str], held: Mapping[str | None, Held]
) -> Iterator[Diagnostic]:
    """What is said of policies and cannot hold. `models`: the names of all."""
    # Environments that say nothing of policies share what holds.
    for here in {id(each.policies): each for each in held.values()}.values():
        if here.policies.rules:
            from modelmill.policies import custom

            yield from custom.faulty(here)
        yield from _exemptions(catalog, models, here)
    for overlay in catalog.overlays.values():
        yield from _standard(overlay, held[overlay.name])
        yield from _environments(catalog, held[overlay.name])


def _exemptions(catalog: Catalog, models: Collection[str], held: Held) -> Iterator[Diagnostic]:
    known = (*NAMES, *(f"rules.{name}" for name in held.policies.rules))
    models = {*models, *(name for kind, name in catalog.unread if kind == "Model")}
    for model, exemptions in held.policies.exemptions.items():
        if model not in models:
            message = f"`{model}` is exempt, and there is no such model"
            yield error("V323", message, _exempt(held, model), did_you_mean(model, models))
        for policy in exemptions:
            if policy not in known:
                message = f"`{policy}` is no policy that a model can be exempt of"
                hint = did_you_mean(policy, known) or f"one of {', '.join(known)}"
                yield error("V323", message, _exempt(held, model, policy), hint)
            elif policy in NAMES and held.level(policy) == "off":
                message = f"`{model}` is exempt of `{policy}`, which nobody demands"
                yield warning("V323", message, _exempt(held, model, policy), "take it out")


def _environments(catalog: Catalog, held: Held) -> Iterator[Diagnostic]:
    for name, rule in held.policies.rules.items():
        for place, environment in enumerate(rule.environments):
            if environment not in catalog.overlays and held.node is not None:
                span = held.node.nearest("rules", name, "environments", place).span
                message = f"the rule `{name}` is for `{environment}`, which is no environment"
                hint = did_you_mean(environment, catalog.overlays)
                yield error("V321", message, span, hint)


def _standard(overlay: Document, held: Held) -> Iterator[Diagnostic]:
    """The weakest Pod Security Standard that an environment may enforce."""
    wanted, own = held.policies.pod_security, overlay.record.pod_security
    if wanted is None or weakest([own or "privileged", wanted]) == wanted:
        return
    says = f"enforces {own}" if own is not None else "enforces no Pod Security Standard"
    node = overlay.node.get("podSecurity") or overlay.node.nearest("metadata", "name")
    allowed = " or ".join(reversed(LEVELS[: LEVELS.index(wanted) + 1]))
    hint = f"set `podSecurity` to {allowed}; `podSecurityExemptions` lets a model be more"
    message = f"`{overlay.name}` {says}, and {wanted} is the least"
    yield error("V306", message, node.span, hint, held.told("podSecurity"))


def _exempt(held: Held, *path: str) -> Span:
    assert held.node is not None
    return held.node.nearest("exemptions", *path).key_span
