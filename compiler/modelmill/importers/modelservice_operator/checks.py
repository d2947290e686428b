"""Where the operator's merge does something else than its files say.

In: a ModelService's spec with every value that is written down, and the parts it is merged of.
Out: a finding for each place: that it is kept, or what it becomes.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from modelmill.diagnostics import Diagnostic, Note, Span, warning
from modelmill.importers.modelservice_operator import merging, words
from modelmill.importers.modelservice_operator.artifacts import MOUNT, VOLUME
from modelmill.importers.modelservice_operator.children import (
    REQUIRED,
    Parts,
    accelerator_terms,
    is_made,
)
from modelmill.importers.modelservice_operator.facts import ROLES
from modelmill.importers.modelservice_operator.merging import Tree
from modelmill.importers.modelservice_operator.places import Places
from modelmill.tuples import NamedTuple

_LISTS = ("initContainers", "containers")
_POD = ("spec", "template", "spec")


class Seen(NamedTuple):
    """What is looked at. `spec` is the ModelService's with its empty values."""

    spec: Tree
    parts: Parts
    places: Places

    def said(
        self,
        code: str,
        message: str,
        mend: str,
        span: Span,
        hint: str = "",
        below: Span | None = None,
    ) -> Diagnostic:
        tail = "this is kept" if self.parts.as_is else mend
        notes = [Note("set here in the BaseConfig", below)] if below else []
        return warning(code, f"{message}: {tail}", span, hint, notes)


def findings(seen: Seen) -> Iterator[Diagnostic]:
    """Everything there is to say of a merge."""
    for stanza, key in (
        ("decode", "decodeDeployment"),
        ("prefill", "prefillDeployment"),
        ("endpointPicker", "eppDeployment"),
    ):
        if stanza in seen.spec:
            yield from _replicas(seen, stanza, key)
            for listed in _LISTS:
                yield from _containers(seen, stanza, key, listed)
    yield from _volumes(seen)
    yield from _affinity(seen)
    yield from _parents(seen)
    yield from _components(seen)


def _base_pod(seen: Seen, key: str) -> Tree:
    spec = seen.parts.base.get(key, {}).get("spec", {})
    pod: Tree = spec.get("template", {}).get("spec", {})
    return pod


def _replicas(seen: Seen, stanza: str, key: str) -> Iterator[Diagnostic]:
    below = seen.parts.base.get(key, {}).get("spec", {}).get("replicas")
    given = seen.spec[stanza].get("replicas")
    base = seen.places.base(key, "spec", "replicas")
    if given == 0 and below:
        span = seen.places.spec(stanza, "replicas")
        message = f"`replicas: 0` loses to the BaseConfig's {below}, as every empty value does"
        yield seen.said("I836", message, "it becomes 0", span, below=base)
    elif given is None and below is not None and below != 1 and stanza != "endpointPicker":
        span = seen.places.spec(stanza)
        message = (
            f"`{stanza}` says no `replicas`: in a cluster the API server makes it 1, "
            f"the dry run takes the BaseConfig's {below}"
        )
        hint = "write `replicas` in the ModelService to be sure"
        yield warning("I836", f"{message}, and so does this", span, hint, [Note("here", base)])


def _containers(seen: Seen, stanza: str, key: str, listed: str) -> Iterator[Diagnostic]:
    below = {each.get("name"): (at, each) for at, each in _indexed(_base_pod(seen, key), listed)}
    known: set[str] = set()
    for at, given in _indexed(seen.spec[stanza], listed):
        span = seen.places.spec(stanza, listed, at)
        name = given.get("name", "")
        if name in known:
            message = f"`{name}` stands twice in `{stanza}.{listed}`"
            yield seen.said("I838", message, "the later one lies over the first", span)
        known.add(name)
        yield from _mounted(seen, (stanza, listed, at), given)
        if name in below:
            base_at, base = below[name]
            path = (*_POD, listed, base_at)
            yield from _over(seen, (stanza, listed, at), given, base, (key, *path))


def _indexed(holder: Tree, listed: str) -> list[tuple[int, Tree]]:
    return list(enumerate(holder.get(listed, [])))


def _mounted(seen: Seen, path: tuple[Any, ...], given: Tree) -> Iterator[Diagnostic]:
    if not given.get("mountModelVolume"):
        return
    name = given.get("name", "")
    if path[0] == "endpointPicker":
        span = seen.places.spec(*path, "mountModelVolume")
        message = f"`mountModelVolume` of `{name}` is ignored: the endpoint picker has no weights"
        yield warning("I835", message, span, "take it out")
        return
    lost = [str(each.get("name")) for each in given.get("env", ())]
    if lost:
        span = seen.places.spec(*path, "env")
        message = f"`mountModelVolume` drops the `env` of `{name}`: {', '.join(lost)}"
        yield seen.said("I839", message, "it is kept", span)


def _over(
    seen: Seen, path: tuple[Any, ...], given: Tree, base: Tree, at: tuple[Any, ...]
) -> Iterator[Diagnostic]:
    """A container of both sides; `at` is the base's key and path."""
    name = given.get("name", "")
    key, *below = at
    for field in ("image", "command"):
        if field in given and not given[field] and base.get(field):
            span = seen.places.spec(*path, field)
            message = f"the empty `{field}` of `{name}` loses to the BaseConfig's"
            where = seen.places.base(key, *below, field)
            yield seen.said("I836", message, "it becomes empty", span, below=where)
    both = words.repeated(base.get("args", ()), given.get("args", ()))
    if both:
        span = seen.places.spec(*path, "args")
        flags = ", ".join(dict.fromkeys(both))
        message = f"`{name}` gets {flags} twice, and the BaseConfig's, which comes last, may win"
        where = seen.places.base(key, *below, "args")
        yield seen.said("I837", message, "the ModelService's counts", span, below=where)
    if given.get("envFrom") and any(each in base.get("envFrom", ()) for each in given["envFrom"]):
        span = seen.places.spec(*path, "envFrom")
        yield seen.said("I838", f"`{name}` has an `envFrom` twice", "it stands once", span)
    if given.get("mountModelVolume") and path[0] in ROLES:
        yield from _mounts(seen, name, base, (key, *below))
        if seen.parts.as_is:
            return
    yield from _variables(seen, path, given, base, (key, *below))


def _mounts(seen: Seen, name: str, base: Tree, at: tuple[Any, ...]) -> Iterator[Diagnostic]:
    for index, mount in enumerate(base.get("volumeMounts", ())):
        if mount.get("mountPath") == MOUNT:
            span = seen.places.base(at[0], *at[1:], "volumeMounts", index)
            message = f"`{name}` gets two mounts at {MOUNT}, which the API server refuses"
            yield seen.said("I838", message, "it gets one", span)


def _variables(
    seen: Seen, path: tuple[Any, ...], given: Tree, base: Tree, at: tuple[Any, ...]
) -> Iterator[Diagnostic]:
    below = {each.get("name"): (n, each) for n, each in enumerate(base.get("env", ()))}
    for index, each in enumerate(given.get("env", ())):
        name = each.get("name", "")
        if name not in below:
            continue
        number, other = below[name]
        span = seen.places.spec(*path, "env", index)
        where = seen.places.base(at[0], *at[1:], "env", number)
        if each.get("value") == "" and other.get("value"):
            message = f"the empty `value` of `{name}` loses to the BaseConfig's"
            yield seen.said("I836", message, "it becomes empty", span, below=where)
        elif ("value" in each and "valueFrom" in other) or (
            "valueFrom" in each and (other.get("value") or _other_source(each, other))
        ):
            message = f"`{name}` gets two sources, which the API server refuses"
            yield seen.said("I840", message, "the ModelService's counts", span, below=where)


def _other_source(given: Tree, base: Tree) -> bool:
    sources = base.get("valueFrom", {}).keys()
    return bool(sources) and sources != given["valueFrom"].keys()


def _volumes(seen: Seen) -> Iterator[Diagnostic]:
    for role in ROLES:
        key = f"{role}Deployment"
        if not (is_made(seen.parts, role) and seen.parts.artifacts.volume):
            continue
        for at, volume in enumerate(_base_pod(seen, key).get("volumes", ())):
            if volume.get("name") == VOLUME:
                span = seen.places.base(key, *_POD, "volumes", at)
                message = (
                    f"the {role} pods get two volumes `{VOLUME}`, which the API server refuses"
                )
                mend = "the ModelService's is merged into the BaseConfig's"
                yield seen.said("I838", message, mend, span)


def _affinity(seen: Seen) -> Iterator[Diagnostic]:
    for role in ROLES:
        stanza = seen.spec.get(role, {})
        if "acceleratorTypes" not in stanza:
            continue
        span = seen.places.spec(role, "acceleratorTypes")
        if not accelerator_terms(stanza):
            message = "`acceleratorTypes` needs a `labelKey` and `labelValues`: it is ignored"
            yield warning("I834", message, span, "write both, or take it out")
            continue
        affinity = _base_pod(seen, f"{role}Deployment").get("affinity", {})
        node = affinity.get("nodeAffinity", {})
        if node.get(REQUIRED, {}).get("nodeSelectorTerms"):
            message = (
                "`acceleratorTypes` is one more term beside the BaseConfig's, of which any will do"
            )
            where = seen.places.base(
                f"{role}Deployment", *_POD, "affinity", "nodeAffinity", REQUIRED
            )
            yield seen.said("I841", message, "it is added to each of them", span, below=where)


def _parents(seen: Seen) -> Iterator[Diagnostic]:
    base = seen.parts.base.get("httpRoute", {}).get("spec", {}).get("parentRefs", [])
    given = seen.spec.get("routing", {}).get("gatewayRefs", [])
    if not base or not given:
        return
    space = seen.parts.namespace
    made = merging.as_made({"parentRefs": base}, {"parentRefs": given})["parentRefs"]
    wanted = merging.parents(base, given, space)
    if _keys(made, space) != _keys(wanted, space):
        message = "gateways of one name are taken for one, whatever their namespace and section"
        span = seen.places.spec("routing", "gatewayRefs")
        where = seen.places.base("httpRoute", "spec", "parentRefs")
        yield seen.said("I842", message, "each stands for itself", span, below=where)


def _keys(references: Sequence[Tree], namespace: str) -> list[tuple[Any, ...]]:
    return [merging.parent_key(each, namespace) for each in references]


def _components(seen: Seen) -> Iterator[Diagnostic]:
    base = seen.parts.base
    if "prefillDeployment" in base and "prefill" not in seen.spec:
        span = seen.places.base("prefillDeployment")
        message = "the operator makes prefill pods though the ModelService has no `prefill`"
        hint = "write `prefill: {}` in the ModelService to have them"
        yield seen.said("I847", message, "they are left out", span, hint)
    if "endpointPicker" in seen.spec and "eppDeployment" not in base:
        span = seen.places.spec("endpointPicker")
        message = "`endpointPicker` has no effect: the BaseConfig has no `eppDeployment`"
        yield warning("I847", message, span, "give the BaseConfig an `eppDeployment`")
    for key, made in (
        ("decodeService", is_made(seen.parts, "decode")),
        ("prefillService", is_made(seen.parts, "prefill")),
        ("eppService", "eppDeployment" in base),
    ):
        if key in base and not made:
            message = f"`{key}` has no Deployment, and the dry run prints it without a name"
            yield warning("I849", f"{message}: it is left out", seen.places.base(key))
