"""V114: what kustomize makes of generated/ is what the models compile to.

In: the folder of a repository and what its models compile to. Out: findings, at files of
generated/. Builds run side by side.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from modelmill import kustomize
from modelmill.diagnostics import CompileError, Diagnostic, Span, error
from modelmill.patch import Path as FieldPath
from modelmill.patch import diff, same
from modelmill.resource import Resource
from modelmill.validation.faults import spelled
from modelmill.validation.generated import Unit
from modelmill.validation.manifests import read

COMPILE = "run `modelmill compile`, and leave generated/ to it"
MOST_TOLD = 3


def differing(
    tool: kustomize.Kustomize, root: Path, generated: str, units: Sequence[Unit], jobs: int
) -> tuple[list[Diagnostic], int]:
    """Findings of all kustomizations of models, and how many of these are not there."""
    wanted = [(each, _folder(generated, each)) for each in units if each.model is not None]
    there = [(unit, folder) for unit, folder in wanted if (root / folder).is_dir()]
    with ThreadPoolExecutor(jobs) as pool:
        found = pool.map(lambda each: list(_differences(tool, root, *each)), there)
        return [d for each in found for d in each], len(wanted) - len(there)


def _folder(generated: str, unit: Unit) -> str:
    inside = "base" if unit.environment is None else f"overlays/{unit.environment}"
    return f"{generated}/{unit.model}/{inside}"


def _differences(
    tool: kustomize.Kustomize, root: Path, unit: Unit, folder: str
) -> Iterator[Diagnostic]:
    try:
        text = kustomize.build(tool, folder, root=str(root), gomaxprocs=1)
    except CompileError as fault:
        yield from fault.diagnostics
        return
    place = Span(f"{folder}/{kustomize_file(root, folder)}", 1, 1)
    made = {each.identity: each for each, _ in read(folder, text.encode()).objects}
    differences = [told for each in unit.resources if (told := _told(each, made))]
    wanted = {each.identity for each in unit.resources}
    differences += [f"{r.kind} `{r.name}` is there" for i, r in made.items() if i not in wanted]
    if differences:
        message = f"kustomize builds other objects than `{unit.model}` compiles to: "
        more = f", and {len(differences) - MOST_TOLD} more" if len(differences) > MOST_TOLD else ""
        yield error("V114", message + "; ".join(differences[:MOST_TOLD]) + more, place, COMPILE)


def kustomize_file(root: Path, folder: str) -> str:
    names = ("kustomization.yaml", "kustomization.yml", "Kustomization")
    return next((each for each in names if (root / folder / each).is_file()), names[0])


def _told(resource: Resource, made: dict[tuple[str, str, str], Resource]) -> str:
    """How one object differs; "" where it does not."""
    other = made.get(resource.identity)
    named = f"{resource.kind} `{resource.name}`"
    if other is None:
        return f"{named} is missing"
    if same(resource.body, other.body):
        return ""
    path: FieldPath = diff(resource.body, other.body)[0].path
    return f"{named} differs at `{spelled(resource.body, path)}`"
