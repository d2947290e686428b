"""What kept a model safe and does no longer: encryption, policies, guards against deletion."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from modelmill.dangers.finding import Danger, api_group, at, danger, listed, notice, quoted
from modelmill.patch import same
from modelmill.regexes import regex
from modelmill.resource import Resource

STANDARDS = ("privileged", "baseline", "restricted")
ENFORCE = "pod-security.kubernetes.io/enforce"
TLS_KINDS = {
    "BackendTLSPolicy": "the Gateway no longer encrypts to it, nor checks who answers",
    "Certificate": "nobody renews the Secret of its certificate",
}
GUARDS: Mapping[str, Mapping[str, str]] = {
    "argocd.argoproj.io/sync-options": {
        "Delete=confirm": "deleted",
        "Delete=false": "deleted",
        "Prune=confirm": "pruned",
        "Prune=false": "pruned",
    },
    "helm.sh/resource-policy": {"keep": "pruned"},
    "kustomize.toolkit.fluxcd.io/prune": {"disabled": "pruned"},
}
"""Annotations, and what their values keep an object from, or ask about first. Any controller's will
do: which of them there is, an object does not say."""
PLAIN = (None, "DISABLE")
DELIVERY = frozenset({"argoproj.io", "kustomize.toolkit.fluxcd.io"})
DESTRUCTIVE: Mapping[str, tuple[tuple[tuple[str, ...], frozenset[object], str], ...]] = {
    "Kustomization": (
        (("spec", "prune"), frozenset({True}), "what leaves Git is now deleted"),
        (
            ("spec", "deletionPolicy"),
            frozenset({"Delete", "WaitForTermination", "MirrorPrune"}),
            "deleting the Kustomization now may delete what it made",
        ),
    ),
    "Application": (
        (
            ("spec", "syncPolicy", "automated", "prune"),
            frozenset({True}),
            "what leaves Git is now deleted",
        ),
    ),
    "ApplicationSet": (
        (
            ("spec", "syncPolicy", "preserveResourcesOnDeletion"),
            frozenset({False, None}),
            "deleting an Application now deletes what it made",
        ),
    ),
}
PLACES = (
    ("path",),
    ("source", "path"),
    ("source", "repoURL"),
    ("sourceRef",),
    ("destination",),
    ("targetNamespace",),
)
"""Where an Application or Kustomization reads objects, and where it brings them."""
_tls_flag = regex(r"--?(?:[a-z-]*-)?(?:ssl|tls|cert|secure)[a-z-]*", re.IGNORECASE)


def judge(old: Resource, new: Resource) -> Iterable[Danger]:
    if old.api_version != new.api_version:
        change = f"{quoted(old.api_version)} → {quoted(new.api_version)}"
        message = f"{change}: the cluster must serve the new version"
        yield notice("api-version", new, "apiVersion", message)
    yield from _guards(old, new)
    if new.kind == "Namespace":
        yield from _standard(old, new)
    if new.kind == "NetworkPolicy":
        yield from _policy(old, new)
    if new.kind == "Gateway":
        yield from _listeners(old, new)
    if new.kind == "DestinationRule":
        yield from _connections(old, new)
    yield from _flags(old, new)
    if api_group(new) in DELIVERY:
        yield from _delivery(old, new)


def judge_removed(old: Resource) -> Iterable[Danger]:
    if old.kind in TLS_KINDS:
        yield danger("tls-off", old, "", f"it is deleted: {TLS_KINDS[old.kind]}")
    if old.kind == "NetworkPolicy":
        message = "it is deleted: pods may be reached from everywhere, and reach everything"
        yield danger("network-isolation", old, "", message)


def _guards(old: Resource, new: Resource) -> Iterator[Danger]:
    was, now = (_guarded(each) for each in (old, new))
    for what in sorted(was.keys() - now.keys()):
        annotation, value = was[what]
        path = f'metadata.annotations["{annotation}"]'
        message = f"{quoted(value)} is gone: it may be {what} without a question"
        yield danger("deletion-guard", new, path, message)


def _guarded(resource: Resource) -> dict[str, tuple[str, str]]:
    """What an object is kept from, and the annotation and value that keep it."""
    found = {}
    for annotation, values in GUARDS.items():
        said = at(resource.body, "metadata", "annotations", annotation)
        for value in (each.strip() for each in str(said or "").split(",")):
            if value in values:
                found[values[value]] = (annotation, value)
    return found


def _standard(old: Resource, new: Resource) -> Iterator[Danger]:
    was, now = (str(at(each.body, "metadata", "labels", ENFORCE)) for each in (old, new))
    ranks = [STANDARDS.index(each) if each in STANDARDS else 0 for each in (was, now)]
    if ranks[1] < ranks[0]:
        after = "none" if now == "None" else quoted(now)
        message = f"{quoted(was)} → {after}: pods may do more than before"
        yield danger("pod-security", new, f'metadata.labels["{ENFORCE}"]', message)


def _policy(old: Resource, new: Resource) -> Iterator[Danger]:
    was, now = (set(map(str, listed(at(e.body, "spec", "policyTypes")))) for e in (old, new))
    if was - now:
        message = f"{', '.join(map(quoted, sorted(was - now)))} is no longer limited"
        yield danger("network-isolation", new, "spec.policyTypes", message)
    for field in ("ingress", "egress"):
        was_rules, now_rules = (listed(at(e.body, "spec", field)) for e in (old, new))
        if any(not any(same(rule, each) for each in was_rules) for rule in now_rules):
            message = "its rules changed: look at who may connect now"
            yield notice("network-isolation", new, f"spec.{field}", message)


def _listeners(old: Resource, new: Resource) -> Iterator[Danger]:
    after = {str(at(e, "name")): e for e in listed(at(new.body, "spec", "listeners"))}
    for each in listed(at(old.body, "spec", "listeners")):
        name = str(at(each, "name"))
        if name in after and at(each, "tls") is not None and at(after[name], "tls") is None:
            message = "clients' connections are no longer encrypted"
            yield danger("tls-off", new, f"spec.listeners[{name}].tls", message)


def _connections(old: Resource, new: Resource) -> Iterator[Danger]:
    """https://istio.io/latest/docs/reference/config/networking/destination-rule/#ClientTLSSettings"""
    path = ("spec", "trafficPolicy", "tls")
    was, now = (at(each.body, *path) for each in (old, new))
    if at(was, "mode") not in PLAIN and at(now, "mode") in PLAIN:
        yield danger("tls-off", new, ".".join(path), "the mesh no longer encrypts to it")
    elif at(now, "insecureSkipVerify") is True and at(was, "insecureSkipVerify") is not True:
        message = "nobody checks who answers any more"
        yield danger("tls-off", new, ".".join((*path, "insecureSkipVerify")), message)


def _flags(old: Resource, new: Resource) -> Iterator[Danger]:
    """Arguments of containers that are about TLS and are gone, where the container is not."""
    after = dict(containers(new.body))
    for name, words in containers(old.body):
        flags = {flag for word in words if (flag := _flag(word))}
        gone = flags - {_flag(word) for word in after.get(name, words)}
        if gone:
            message = f"{quoted(name)} is no longer told {', '.join(map(quoted, sorted(gone)))}"
            yield danger("tls-off", new, f"containers[{name}].args", message)


def _flag(word: object) -> str:
    flag = str(word).partition("=")[0]
    return flag if _tls_flag.fullmatch(flag) else ""


def containers(body: Any) -> Iterator[tuple[str, list[Any]]]:
    """Each container of an object's pod templates, with its arguments."""
    spec = at(body, "spec")
    group = at(spec, "leaderWorkerTemplate")
    templates = {
        "": at(spec, "template"),
        "prefill ": at(spec, "prefill", "template"),
        "leader ": at(group, "leaderTemplate"),
        "worker ": at(group, "workerTemplate"),
    }
    for prefix, template in templates.items():
        for field in ("initContainers", "containers"):
            # KServe's templates are the pod's spec itself.
            pod = at(template, "spec") or template
            for each in listed(at(pod, field)):
                yield f"{prefix}{at(each, 'name')}", listed(at(each, "args"))


def _delivery(old: Resource, new: Resource) -> Iterator[Danger]:
    for path, values, message in DESTRUCTIVE.get(new.kind, ()):
        was, now = at(old.body, *path), at(new.body, *path)
        if was not in values and now in values:
            yield danger("deletion-guard", new, ".".join(path), message)
    finalizers = [listed(at(each.body, "metadata", "finalizers")) for each in (old, new)]
    if new.kind == "Application" and finalizers[1] and not finalizers[0]:
        message = "deleting the Application now deletes what it made"
        yield danger("deletion-guard", new, "metadata.finalizers", message)
    for path in PLACES:
        was, now = at(old.body, "spec", *path), at(new.body, "spec", *path)
        if was is not None and not same(was, now):
            message = "what it made before is deleted, unless the new place has the same objects"
            yield danger("re-owned", new, ".".join(("spec", *path)), message)
    if not same(at(old.body, "spec", "syncPolicy"), at(new.body, "spec", "syncPolicy")):
        yield notice("sync-policy", new, "spec.syncPolicy", "it is synced in another way")
