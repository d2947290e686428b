"""What can be said only of the whole repository: who deploys what, and what reaches nothing.

In: the catalog, what is known of every model, and the facts of all variants. Out: diagnostics. Not
asked when only some models are compiled, as the others may be what is missed.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

from modelmill.catalog import Catalog, Document
from modelmill.checks.facts import Facts
from modelmill.diagnostics import CompileError, Diagnostic, Note, Span, did_you_mean, error, warning
from modelmill.gateways import namespace_of
from modelmill.pod_security import weakest
from modelmill.resolve import Resolver, environments_of
from modelmill.spec.documents import Patch
from modelmill.tuples import NamedTuple


class Known(NamedTuple):
    """What the repository has to know of a model: its file, where its name stands, and the names of
    the environments that take it."""

    path: str
    span: Span
    environments: tuple[str, ...]


Roster = Mapping[str, Known]
"""All models, by name, in order of name."""


def known(catalog: Catalog, model: Document) -> Known:
    taken = tuple(each.name for each in environments_of(catalog, model))
    return Known(model.path, model.span, taken)


def coverage(
    catalog: Catalog, roster: Roster, facts: Sequence[Facts], delivered: Collection[str] = ()
) -> list[Diagnostic]:
    """Every finding of this kind. `facts` lacks the models that have errors; `delivered`: names of
    environments that a controller brings models to."""
    return [
        *_without_models(catalog, roster, delivered),
        *_without_environment(catalog, roster),
        *_without_model(catalog, roster),
        *_missed_patches(catalog, roster, facts),
        *_missed_splits(catalog, roster, facts),
        *_shared_gateways(catalog),
        *_missed_exemptions(catalog, roster, facts),
        *_broken_presets(catalog),
    ]


def _without_models(
    catalog: Catalog, roster: Roster, delivered: Collection[str]
) -> Iterable[Diagnostic]:
    """What is delivered may have none yet, or no more: what controllers then take from clusters is
    for `delivery` to say."""
    if roster or _unread(catalog, "Model"):
        return
    folder = catalog.project.paths.models
    if not delivered:
        yield error(
            "N203",
            f"the repository has no models: `{folder}/` holds none",
            hint="run `modelmill new NAME` to write one",
        )
        return
    for name in delivered:
        yield warning(
            "C522",
            f"the environment `{name}` takes no model: `{folder}/` holds none",
            catalog.overlays[name].span,
            "run `modelmill new NAME` to write one",
        )


def _without_environment(catalog: Catalog, roster: Roster) -> Iterable[Diagnostic]:
    if not catalog.overlays or _unread(catalog, "Overlay"):
        return
    for name, model in roster.items():
        if not model.environments:
            yield warning(
                "C521",
                f"no environment takes the model `{name}`, so nothing deploys it",
                model.span,
                "give it the labels that an overlay's `selector` asks for",
            )


def _without_model(catalog: Catalog, roster: Roster) -> Iterable[Diagnostic]:
    if not roster or _unread(catalog, "Model"):
        return
    taken = {name for model in roster.values() for name in model.environments}
    for overlay in catalog.overlays.values():
        if overlay.name not in taken:
            yield warning(
                "C522",
                f"the environment `{overlay.name}` takes no model",
                overlay.node.nearest("selector").key_span,
                "its `selector` matches the labels of no model",
            )


def _missed_patches(
    catalog: Catalog, roster: Roster, facts: Sequence[Facts]
) -> Iterable[Diagnostic]:
    """Patches that hit no object of any model; kustomize would say nothing."""
    for overlay in catalog.overlays.values():
        if not overlay.record.patches:
            continue
        taken = {name for name, model in roster.items() if overlay.name in model.environments}
        here = {each.model: each for each in facts if each.environment == overlay.name}
        for name, patch in overlay.record.patches.items():
            model = patch.target.model
            wanted = taken if model is None else taken & {model}
            found = [here[each] for each in (here if model is None else wanted) if each in here]
            if not patch.operations:
                yield _without_operations(overlay, name)
            elif _unread(catalog, "Model"):
                continue
            elif model is not None and model not in roster:
                yield _unknown_model(roster, overlay, name, model)
            elif taken and len(found) == len(wanted):
                yield from _missed(overlay, name, patch, found)


def _without_operations(overlay: Document, name: str) -> Diagnostic:
    span = overlay.node.nearest("patches", name).key_span
    message = f"the patch `{name}` has no operations"
    return error("C523", message, span, "set `operations`, or `path` to a file of them")


def _unknown_model(roster: Roster, overlay: Document, name: str, model: str) -> Diagnostic:
    span = overlay.node.nearest("patches", name, "target", "model").span
    message = f"the patch `{name}` is for the model `{model}`, which does not exist"
    return error("C524", message, span, did_you_mean(model, roster))


def _missed(
    overlay: Document, name: str, patch: Patch, facts: Sequence[Facts]
) -> Iterable[Diagnostic]:
    kind, wanted = patch.target.kind, patch.target.name
    names = {n for each in facts for k, n, _ in each.objects if k == kind}
    if names and (wanted is None or wanted in names):
        return
    named = sorted(names)
    kinds = sorted({k for each in facts for k, _, _ in each.objects})
    hint = did_you_mean(kind, kinds) or "there are " + ", ".join(kinds)
    if named:
        hint = did_you_mean(wanted or "", named) or "there are " + ", ".join(named[:8])
    what = f"{kind} `{wanted}`" if wanted else kind
    owner = f"`{patch.target.model}`" if patch.target.model else "any model"
    yield error(
        "C524",
        f"the patch `{name}` hits nothing: there is no {what} of {owner} in `{overlay.name}`",
        overlay.node.nearest("patches", name, "target", "name" if named else "kind").span,
        hint if facts else "the environment does not take this model",
    )


def _missed_splits(
    catalog: Catalog, roster: Roster, facts: Sequence[Facts]
) -> Iterable[Diagnostic]:
    """Models that a route sends requests to, and that are not where it is."""
    if _unread(catalog, "Model"):
        return
    for each in facts:
        for part in each.split:
            model = roster.get(part.model)
            if model is None:
                hint = did_you_mean(part.model, roster)
                message = f"`{part.model}` is to take a part of the requests, and does not exist"
                yield error("C545", message, part.span, hint)
            elif each.environment not in model.environments:
                yield error(
                    "C545",
                    f"`{part.model}` is to take a part of the requests, and the environment "
                    f"`{each.environment}` does not take it",
                    part.span,
                    f"give it the labels of `{each.model}`, or unset its weight there",
                )


def _missed_exemptions(
    catalog: Catalog, roster: Roster, facts: Sequence[Facts]
) -> Iterable[Diagnostic]:
    """Exemptions of models that the environment does not have, or that need less."""
    if _unread(catalog, "Model"):
        return
    needed = {(each.environment, each.model): each.pod_security for each in facts}
    for overlay in catalog.overlays.values():
        own = overlay.record.pod_security
        for name, exemption in overlay.record.pod_security_exemptions.items():
            node = overlay.node.nearest("podSecurityExemptions", name)
            model, level = roster.get(name), needed.get((overlay.name, name))
            if model is None:
                message = f"`{name}` is exempt, and does not exist"
                yield error("C570", message, node.key_span, did_you_mean(name, roster))
            elif overlay.name not in model.environments:
                message = f"`{name}` is exempt, and `{overlay.name}` does not take it"
                yield error("C570", message, node.key_span, "take it out")
            elif own and level and weakest([own, level]) != weakest([own, exemption.level]):
                yield warning(
                    "C570",
                    f"`{name}` is exempt up to {exemption.level}, and needs no more than {level}",
                    node.nearest("level").span,
                    "take it out" if weakest([own, level]) == own else f"set it to {level}",
                )


def _shared_gateways(catalog: Catalog) -> Iterable[Diagnostic]:
    """One Gateway that two environments of a cluster generate: each would undo the other's."""
    owners: dict[tuple[str, str, str], Document] = {}
    for overlay in catalog.overlays.values():
        for name, gateway in overlay.record.gateways.items():
            namespace = namespace_of(overlay, gateway)
            place = (overlay.record.cluster or overlay.name, namespace, name)
            owner = owners.setdefault(place, overlay)
            if owner is not overlay:
                yield error(
                    "C563",
                    f"the environments `{owner.name}` and `{overlay.name}` both generate the "
                    f"Gateway `{name}` in the namespace `{namespace}` of the cluster `{place[0]}`",
                    overlay.node.nearest("gateways", name).key_span,
                    "let one of them generate it, and the other's models name it",
                    [Note("the first is here", owner.node.nearest("gateways", name).key_span)],
                )


def _broken_presets(catalog: Catalog) -> Iterable[Diagnostic]:
    """Presets no model extends are held to the same rules."""
    resolver = Resolver(catalog)
    for preset in catalog.presets.values():
        try:
            resolver.chain(preset.record.extends, preset)
        except CompileError as fault:
            yield from fault.diagnostics


def _unread(catalog: Catalog, kind: str) -> bool:
    return any(each == kind for each, _ in catalog.unread)
