"""G900, G907, G908: what brings models and environments in is told apart.

`a` in the environment `b-c` and `a-b` in `c` would be one Application.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from modelmill.delivery.sites import Site
from modelmill.diagnostics import Diagnostic, Note, Span, error
from modelmill.tuples import NamedTuple


class Named(NamedTuple):
    """A model in an environment, and where its name stands."""

    model: str
    environment: str
    span: Span


class _Owner(NamedTuple):
    what: str
    span: Span


_Key = tuple[str, str, str]
"""Kind, namespace and name."""


def environments_collide(sites: Mapping[str, Site]) -> Iterator[Diagnostic]:
    """Environments whose own objects share a name, or a place."""
    yield from _twice((key, owner) for site in sites.values() for key, owner in _own(site))
    yield from _one_namespace(sites)
    yield from _named_like_files(sites)


def models_collide(sites: Mapping[str, Site], models: Iterable[Named]) -> Iterator[Diagnostic]:
    """Models that share a name with another model's or an environment's."""
    taken = [each for site in sites.values() for each in _own(site)]
    first = dict(reversed(taken))
    named = [
        ((kind, namespace, sites[each.environment].model_name(each.model)), _of_model(each))
        for each in models
        if each.environment in sites
        for kind, namespace in _kinds(sites[each.environment])
    ]
    yield from _twice([*first.items(), *named])


def _of_model(named: Named) -> _Owner:
    return _Owner(f"the model `{named.model}` in `{named.environment}`", named.span)


def _kinds(site: Site) -> Iterator[tuple[str, str]]:
    """Kind and namespace of what brings a model in."""
    if site.delivery.argo_cd is not None:
        yield "Application", site.delivery.argo_cd.namespace
    if site.delivery.flux is not None:
        yield "Kustomization", site.delivery.flux.namespace


def _own(site: Site) -> Iterator[tuple[_Key, _Owner]]:
    """What there is once in an environment."""
    owner = _Owner(f"the environment `{site.environment}`", site.overlay.span)
    for kind, namespace in _kinds(site):
        for name in (site.environment_name, site.delivery_name):
            yield (kind, namespace, name), owner
        beside = "AppProject" if kind == "Application" else "source"
        for name in (site.name, site.delivery_name):
            yield (beside, namespace, name), owner
        if site.delivery.argo_cd is not None and kind == "Application":
            yield (site.delivery.argo_cd.applications, namespace, site.name), owner


def _twice(named: Iterable[tuple[_Key, _Owner]]) -> Iterator[Diagnostic]:
    owners: dict[_Key, _Owner] = {}
    for key, owner in named:
        first = owners.setdefault(key, owner)
        if first != owner:
            kind, namespace, name = key
            yield error(
                "G900",
                f"{owner.what} and {first.what} are both delivered by the {kind} `{name}` in the "
                f"namespace `{namespace}`",
                owner.span,
                "rename one of them",
                [Note(f"{first.what} is here", first.span)],
            )


def _one_namespace(sites: Mapping[str, Site]) -> Iterator[Diagnostic]:
    """A Namespace that two environments make is two controllers' to change and to delete."""
    makers: dict[tuple[str, str], Site] = {}
    for site in sites.values():
        record = site.overlay.record
        if not record.create_namespace or not record.cluster:
            continue
        first = makers.setdefault((record.cluster, record.namespace), site)
        if first is not site:
            yield error(
                "G907",
                f"`{site.environment}` and `{first.environment}` both make the Namespace "
                f"`{record.namespace}` of the cluster `{record.cluster}`",
                site.overlay.node.nearest("namespace").span,
                "give them namespaces of their own, or write `createNamespace: false` in one",
                [Note("the other one", first.overlay.node.nearest("namespace").span)],
            )


def _named_like_files(sites: Mapping[str, Site]) -> Iterator[Diagnostic]:
    """An ApplicationSet finds the files of models by the environment's name, and where `*` of its
    pattern stands for several folders it would take one of these for one."""
    files = {"kustomization", "configmap-argocd-cm"}
    for each in sites.values():
        files |= {f"appproject-{name}" for name in (each.name, each.delivery_name)}
        files |= {f"applicationset-{each.name}", f"application-{each.name}"}
        files |= {f"application-{name}" for name in (each.environment_name, each.delivery_name)}
    for site in sites.values():
        if site.delivery.argo_cd is not None and site.environment in files:
            yield error(
                "G908",
                f"an environment that Argo CD delivers cannot be named `{site.environment}`, like "
                "a file that is generated beside it",
                site.overlay.span,
                "give it another name",
            )
