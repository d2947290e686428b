"""G910-G915: what Flux, or its API, does not take of what is said of an environment."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from modelmill.delivery import flux_timeout
from modelmill.delivery.sites import Site
from modelmill.diagnostics import Diagnostic, Note, Span, cut, did_you_mean, error, warning
from modelmill.promql import milliseconds
from modelmill.regexes import regex
from modelmill.resource import Resource
from modelmill.spec.delivery import Flux
from modelmill.tuples import NamedTuple
from modelmill.variant import Variant

PLACE = "flux"


class _Fields(NamedTuple):
    """What the API takes of a field that is handed on as it is; what must be there, and a hint."""

    known: tuple[str, ...]
    required: str
    hint: str


class _Source(NamedTuple):
    """What the API of a kind of source takes (source.toolkit.fluxcd.io/v1)."""

    noun: str
    schemes: tuple[str, ...]
    providers: tuple[str, ...]
    verify: _Fields


SOURCES = {
    "GitRepository": _Source(
        noun="a GitRepository",
        schemes=("https", "http", "ssh"),
        providers=("generic", "aws", "azure", "github"),
        verify=_Fields(
            ("mode", "secretRef"), "secretRef", "name the Secret with the keys of those who sign"
        ),
    ),
    "OCIRepository": _Source(
        noun="an OCIRepository",
        schemes=("oci",),
        providers=("generic", "aws", "azure", "gcp"),
        verify=_Fields(
            ("matchOIDCIdentity", "provider", "secretRef", "trustedRootSecretRef"),
            "provider",
            "it is cosign or notation",
        ),
    ),
}
DECRYPTION = _Fields(("provider", "secretRef", "serviceAccountName"), "provider", "it is sops")
# Below it, what is done that often costs more than what it finds; and what to do instead.
SHORTEST = {
    "interval": ("1m", ": what is new in the source is applied at once anyway"),
    "retryInterval": ("10s", ""),
    "fetchInterval": ("10s", "; a Receiver that the Git server calls is quicker than any"),
}
_scp = regex(r"([^@:/]+@[^@:/]+):(?!/)(.+)")
_is_name = regex(r"[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?")


def site_faults(site: Site) -> Iterator[Diagnostic]:
    """What holds whatever the models of the environment are."""
    flux = site.delivery.flux
    if flux is None:
        return
    if site.delivery.argo_cd is not None:
        yield error(
            "G910",
            f"the environment `{site.environment}` is delivered by Flux and by Argo CD",
            _key_span(site),
            "set one of them to null in the environment's `delivery`: they would undo each other's "
            "changes",
            [Note("Argo CD is chosen here", site.node.nearest("argoCD").key_span)],
        )
    yield from _address(site, flux)
    yield from _provider(site, flux)
    yield from _further_fields(site, flux)
    yield from _intervals(site, flux)
    yield from _dependencies(site, flux)


def faults(site: Site, variant: Variant, resources: Sequence[Resource]) -> Iterator[Diagnostic]:
    """What does not fit one model."""
    flux = site.delivery.flux
    if flux is None:
        return
    name = site.model_name(variant.name)
    for place, each in enumerate(flux.depends_on):
        if _key(flux, each) == (flux.namespace, name):
            yield _circle(site, place, f"the Kustomization of `{variant.name}` itself")
    seconds = flux_timeout.startup_seconds(variant, resources)
    if flux.wait and flux.timeout and milliseconds(flux.timeout) < seconds * 1000:
        fitting = flux_timeout.duration(seconds)
        yield warning(
            "G914",
            f"`timeout` is {flux.timeout}, but `{variant.name}` may take {fitting} to start",
            _span(site, "timeout"),
            f"leave it out: it is {fitting} for this model then",
        )


def _address(site: Site, flux: Flux) -> Iterator[Diagnostic]:
    """G911: a source reads what is at its address."""
    url = flux.url or site.delivery.git.url
    source = SOURCES[flux.source]
    scheme, separator, rest = url.partition("://")
    if separator and scheme in source.schemes:
        return
    if flux.source == "OCIRepository" and not flux.url:
        message = "an OCIRepository needs the address of the artifact"
        yield error("G911", message, _span(site, "source"), "set `url`: oci://ghcr.io/acme/models")
        return
    span = _span(site, "url") if flux.url else site.node.nearest("git", "url").span
    scp = _scp.fullmatch(url)
    if flux.source == "OCIRepository":
        hint = f"an artifact is at oci://{rest or url}"
    elif scheme == "oci":
        hint = "set `source: OCIRepository` to read an artifact"
    elif scp:
        hint = f"write it as ssh://{scp[1]}/{scp[2]}" + (
            "" if flux.url else ", here or in `flux.url`"
        )
    else:
        hint = "it reads https://, http:// and ssh://"
    yield error("G911", f"{source.noun} cannot read `{cut(url)}`", span, hint)


def _provider(site: Site, flux: Flux) -> Iterator[Diagnostic]:
    """G912: settings that are of the other kind of source."""
    known = SOURCES[flux.source].providers
    if flux.provider not in known:
        message = f"{SOURCES[flux.source].noun} has no provider `{flux.provider}`"
        yield error("G912", message, _span(site, "provider"), "it has " + ", ".join(known))
    if flux.provider == "github" and flux.secret_name is None:
        hint = "set `secretName`: a Secret with the key of a GitHub App"
        message = "the provider `github` needs a Secret"
        yield error("G912", message, _span(site, "provider"), hint)
    if flux.artifact_tag is not None and flux.source == "GitRepository":
        hint = "a GitRepository reads the branch `git.branch`"
        message = "`artifactTag` is of an OCIRepository"
        yield error("G912", message, _key_span(site, "artifactTag"), hint)


def _further_fields(site: Site, flux: Flux) -> Iterator[Diagnostic]:
    """G912: what is handed on as it is."""
    if flux.verify is not None:
        yield from _unknown(site, "verify", flux.verify, SOURCES[flux.source].verify)
    if flux.decryption is not None:
        yield from _unknown(site, "decryption", flux.decryption, DECRYPTION)


def _unknown(
    site: Site, place: str, found: Mapping[str, Any], fields: _Fields
) -> Iterator[Diagnostic]:
    for key in found:
        if key not in fields.known:
            hint = did_you_mean(key, fields.known) or "there are " + ", ".join(fields.known)
            message = f"`{place}` has no field `{key}`"
            yield error("G912", message, _key_span(site, place, key), hint)
    if fields.required not in found:
        message = f"`{place}` needs `{fields.required}`"
        yield error("G912", message, _key_span(site, place), fields.hint)


def _intervals(site: Site, flux: Flux) -> Iterator[Diagnostic]:
    """G913: how often is looked for what is rarely there."""
    given = {
        "interval": flux.interval,
        "retryInterval": flux.retry_interval,
        "fetchInterval": flux.fetch_interval,
    }
    for key, said in given.items():
        shortest, hint = SHORTEST[key]
        if milliseconds(said) < milliseconds(shortest):
            message = f"`{key}` is {said}, which is too short"
            yield warning("G913", message, _span(site, key), f"{shortest} or more{hint}")


def _dependencies(site: Site, flux: Flux) -> Iterator[Diagnostic]:
    """G915: Kustomizations of the platform, by name."""
    own = {
        site.environment_name: "the Kustomization of the environment",
        site.delivery_name: "the Kustomization that brings this environment in",
    }
    for place, each in enumerate(flux.depends_on):
        namespace, name = _key(flux, each)
        if not _is_name.fullmatch(name) or not _is_name.fullmatch(namespace) or each.count("/") > 1:
            message = f"`{cut(each)}` is no Kustomization's name"
            span = site.node.nearest(PLACE, "dependsOn", place).span
            yield error("G915", message, span, "write `name`, or `namespace/name`")
        elif namespace == flux.namespace and name in own:
            yield _circle(site, place, own[name])


def _circle(site: Site, place: int, what: str) -> Diagnostic:
    span = site.node.nearest(PLACE, "dependsOn", place).span
    hint = "leave it out; models come after their environment anyway"
    return error("G915", f"this is {what}, which would wait for itself", span, hint)


def _key(flux: Flux, each: str) -> tuple[str, str]:
    """Namespace and name."""
    namespace, separator, name = each.rpartition("/")
    return (namespace if separator else flux.namespace, name)


def _span(site: Site, *path: str) -> Span:
    return site.node.nearest(PLACE, *path).span


def _key_span(site: Site, *path: str) -> Span:
    return site.node.nearest(PLACE, *path).key_span
