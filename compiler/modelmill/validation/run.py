"""Everything that is judged, in its order.

In: objects, alone and in the sets that meet in one cluster. Out: a Result.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from modelmill import kustomize
from modelmill.diagnostics import CompileError, Diagnostic, tidy
from modelmill.redaction import literals, scrub
from modelmill.resource import Resource
from modelmill.tuples import NamedTuple
from modelmill.validation import cel_rules
from modelmill.validation.demands import NONE, Demands, demanded
from modelmill.validation.faults import Fault
from modelmill.validation.generated import Locator, Unit, by_environment, united
from modelmill.validation.inputs import Given
from modelmill.validation.judging import Judged, judge
from modelmill.validation.kustomizations import built
from modelmill.validation.references import faults_between
from modelmill.validation.references.objects import Objects
from modelmill.validation.schemas import Kind, Schemas
from modelmill.validation.subjects import Subject, finding
from modelmill.validation.traps import traps

BY_NAME = frozenset({"V205", "V208", "V209", "V211", "V212", "V213"})
"""Names of what is not there."""
INSTALL = "pip install 'modelmill[cel]'"


class Result(NamedTuple):
    """What was found. `notes`: what could not be judged, each told once."""

    objects: int
    findings: tuple[Diagnostic, ...]
    notes: tuple[str, ...] = ()
    secrets: tuple[str, ...] = ()
    """Values in the objects that nothing may show, where anything is shown at all."""


class _Unjudged:
    """Kinds without a schema, rules that cannot be evaluated, and how many objects they are of."""

    def __init__(self, *, strict_kinds: bool) -> None:
        self.strict_kinds = strict_kinds
        self.kinds: dict[Kind, int] = {}
        self.rules: dict[cel_rules.Unevaluated, int] = {}
        self.with_rules = cel_rules.is_available()

    def seen(self, judged: Judged) -> Iterator[Fault]:
        """Counts what was not judged; strictly it is a fault that there is no schema."""
        for each in dict.fromkeys(judged.unevaluated):
            self.rules[each] = self.rules.get(each, 0) + 1
        if judged.unknown is None:
            return
        if self.strict_kinds:
            message = (
                f"there is no schema of {judged.unknown.kind} in `{judged.unknown.api_version}`"
            )
            hint = "give its CustomResourceDefinition with --schemas"
            yield Fault("V102", ("kind",), message, hint)
        else:
            self.kinds[judged.unknown] = self.kinds.get(judged.unknown, 0) + 1

    def notes(self) -> Iterator[str]:
        for kind, count in sorted(self.kinds.items()):
            yield f"there is no schema of {kind}: {_objects(count)} checked without; give --schemas"
        if not self.with_rules:
            yield f"CEL rules of custom resources are not checked: {INSTALL}"
        for rule, count in sorted(self.rules.items()):
            told = " ".join(rule.rule.split())
            yield f"a CEL rule of {_objects(count)} is not checked: {told} ({rule.why})"


def judge_units(
    units: Sequence[Unit],
    schemas: Schemas,
    locator: Locator,
    *,
    strict_kinds: bool,
    are_some: bool = False,
) -> Result:
    """What this repository compiles to. `are_some`: what other models bring is not among it."""
    unjudged = _Unjudged(strict_kinds=strict_kinds)
    found: list[tuple[str | None, Diagnostic]] = []
    meeting = by_environment(units)
    for environment, together in meeting.items():
        owners = {id(each): unit for unit in together for each in unit.resources}
        resources = [each for unit in together for each in unit.resources]
        for resource, fault in _faults(resources, schemas, unjudged, with_programs=False):
            if not (are_some and fault.code in BY_NAME):
                diagnostic = locator.finding(owners[id(resource)], resource, fault)
                found.append((environment, diagnostic))
    resources = [each for unit in units for each in unit.resources]
    return _result(united(found, meeting), resources, unjudged.notes())


def judge_given(
    directory: Path,
    given: Given,
    schemas: Schemas,
    demands: Demands = NONE,
    *,
    strict_kinds: bool,
    environ: Mapping[str, str],
) -> Result:
    """What people name: loose manifests together, and each kustomization by itself."""
    unjudged = _Unjudged(strict_kinds=strict_kinds)
    findings = list(given.findings)
    notes: list[str] = []
    sets: list[tuple[Subject, ...]] = [given.loose]
    tool = None
    try:
        tool = kustomize.find(None, environ) if given.kustomizations else None
    except CompileError as fault:
        findings += fault.diagnostics
    for tree in given.kustomizations:
        if tool is None:
            findings += traps(tree, (), schemas)
            continue
        if any(each.remotes for each in tree.everything()):
            notes.append(f"{tree.folder} takes in what is remote, which is not fetched: not built")
            findings += traps(tree, (), schemas)
            continue
        try:
            made = built(tool, directory, tree)
        except CompileError as fault:
            findings += [*fault.diagnostics, *traps(tree, (), schemas)]
            continue
        findings += traps(tree, made, schemas)
        sets.append(made)
    for subjects in sets:
        around = [s.resource for others in sets if others is not subjects for s in others]
        findings += _findings(subjects, around, schemas, unjudged)
        findings += demanded(subjects, around, demands)
    resources = [each.resource for subjects in sets for each in subjects]
    return _result(_explained(findings), resources, (*notes, *unjudged.notes()))


def _result(
    findings: Sequence[Diagnostic], resources: Sequence[Resource], notes: Iterable[str]
) -> Result:
    """What is printed, without the secrets that objects hold."""
    secrets = literals(each.body for each in resources) if findings else ()
    shown = [d._replace(message=scrub(d.message, secrets)) for d in findings]
    return Result(len(resources), tidy(shown), tuple(notes), secrets)


def _explained(findings: Sequence[Diagnostic]) -> list[Diagnostic]:
    """Without names of nothing at places that kustomize is told to be the cause of."""
    renamed = {each.span for each in findings if each.code == "V154"}
    return [d for d in findings if d.code not in BY_NAME or d.span not in renamed]


def _findings(
    subjects: Sequence[Subject],
    around: Sequence[Resource],
    schemas: Schemas,
    unjudged: _Unjudged,
) -> Iterator[Diagnostic]:
    owners = {id(each.resource): each for each in subjects}
    resources = [each.resource for each in subjects]
    for resource, fault in _faults(resources, schemas, unjudged, around):
        yield finding(owners[id(resource)], fault)


def _faults(
    resources: Sequence[Resource],
    schemas: Schemas,
    unjudged: _Unjudged,
    around: Sequence[Resource] = (),
    *,
    with_programs: bool = True,
) -> Iterator[tuple[Resource, Fault]]:
    """`with_programs`: what pods run, too. Of models lint judges that, and models may accept it."""
    for resource in resources:
        judged = judge(
            resource, schemas, with_rules=unjudged.with_rules, with_programs=with_programs
        )
        for fault in (*judged.faults, *unjudged.seen(judged)):
            yield resource, fault
    yield from faults_between(Objects(resources, around))


def _objects(count: int) -> str:
    return "1 object" if count == 1 else f"{count} objects"
