"""V300–V307, V320, V332: what is demanded of anyone's manifests, though a cluster would take them.

In: objects that meet in one cluster, policies, and a Pod Security Standard. Out: findings.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path as Folder

from modelmill.diagnostics import CompileError, Diagnostic
from modelmill.files import DiskFiles
from modelmill.pod_security import LEVELS, Level, refusals, templates_of, told
from modelmill.policies.broken import pods_of
from modelmill.policies.custom import broken_by
from modelmill.policies.objects import CODES, broken
from modelmill.policies.settings import NOTHING, SEVERITIES, Held, policies_alone
from modelmill.registries import POD_SPECS
from modelmill.resource import Resource
from modelmill.secret_scan import values_of
from modelmill.sources import PROJECT, find_root, read_one
from modelmill.tuples import NamedTuple
from modelmill.validation.faults import Fault, Path, at, mapping
from modelmill.validation.judging import in_lists
from modelmill.validation.subjects import Subject, finding

ENFORCE = "pod-security.kubernetes.io/enforce"
SAID_OF_PROGRAMS = "resources.accelerators"
"""What no cluster takes is told without a policy (V253)."""
REFER = "let External Secrets, Sealed Secrets or SOPS put it there"


class Demands(NamedTuple):
    """What is held against objects. `standard`: for pods in every namespace; that of the Namespace
    beside them unless given."""

    held: Held = NOTHING
    standard: Level | None = None


NONE = Demands()


def policies_at(directory: Folder, file: str | None, texts: dict[str, str]) -> Held:
    """The policies of a Project: of the file named, or of the repository around, if any is."""
    try:
        root = directory if file is not None else find_root(directory.resolve())
        project = read_one(DiskFiles(root), file or PROJECT, texts)
    except CompileError:
        if file is not None:
            raise
        return NOTHING
    return policies_alone(project.node.get("policies"))


def demanded(
    subjects: Sequence[Subject], around: Sequence[Resource], demands: Demands
) -> Iterator[Diagnostic]:
    """`around`: objects of other sets, which may be applied beside these."""
    resources = [each.resource for each in subjects]
    standards = _standards([*resources, *around])
    for subject in subjects:
        level = demands.standard or _standard(subject.resource, standards)
        for fault in _faults(subject.resource, [*resources, *around], demands.held, level):
            yield finding(subject, fault)
        for each in broken_by(subject.resource, demands.held):
            yield each._replace(span=subject.span_of((), False))


def _faults(
    resource: Resource, beside: Sequence[Resource], held: Held, level: Level
) -> Iterator[Fault]:
    for place, what in values_of(resource):
        yield Fault("V332", place, f"{what} itself", REFER)
    for each in (b for b in broken(resource, beside, held) if b.policy != SAID_OF_PROGRAMS):
        path = _place(resource, each.part, each.path)
        severity = SEVERITIES[held.level(each.policy)]
        yield Fault(CODES[each.policy], path, each.what, each.hint, severity)
    for part, template in templates_of(resource):
        if part in {pods.part for pods in pods_of(resource)}:
            for refusal in refusals(template, level):
                path = _place(resource, part, refusal.path)
                mend = "set it" if refusal.is_missing else "take it out"
                yield Fault("V307", path, told(refusal, level), mend)


def _place(resource: Resource, part: str, path: tuple[str, ...]) -> Path:
    """A path in one of an object's pods as one in the object."""
    for spec in POD_SPECS.get(resource.kind, ()):
        if part in ("", *spec):
            in_metadata = path[:1] == ("annotations",)
            top: Path = (*spec[:-1], "metadata") if in_metadata else spec
            return (*top, *in_lists(at(resource.body, *top), path))
    return ()


def _standards(resources: Sequence[Resource]) -> dict[str, Level]:
    """What Namespaces enforce, by their names."""
    found: dict[str, Level] = {}
    for each in resources:
        labels = mapping(mapping(each.body.get("metadata")).get("labels"))
        if each.kind == "Namespace" and labels.get(ENFORCE) in LEVELS:
            found[each.name] = next(level for level in LEVELS if level == labels[ENFORCE])
    return found


def _standard(resource: Resource, standards: Mapping[str, Level]) -> Level:
    namespace = mapping(resource.body.get("metadata")).get("namespace")
    if namespace is None and len(standards) == 1:
        return next(iter(standards.values()))
    return standards.get(str(namespace), "privileged")
