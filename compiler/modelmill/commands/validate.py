"""`modelmill validate`: what a cluster would refuse, or take for something else, before it gets
there."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from modelmill import console
from modelmill.commands.options import environment_option, fix_options, format_option, jobs_option
from modelmill.commands.shared import chosen, overlay_of, read, write_fixes
from modelmill.compilation import compile_repository
from modelmill.diagnostics import CompileError, Diagnostic, tidy
from modelmill.output import ENVIRONMENTS
from modelmill.pod_security import LEVELS, Level
from modelmill.repository import Repository
from modelmill.secret_scan import with_secrets, without
from modelmill.sources import Sources, find_root, read_sources
from modelmill.spec.validation import Validation
from modelmill.tree import Node
from modelmill.tuples import NamedTuple

if TYPE_CHECKING:
    from modelmill.validation.generated import Unit
    from modelmill.validation.run import Result
    from modelmill.validation.schemas import Schemas

STDIN = "-"


class Wanted(NamedTuple):
    """What of this repository is asked for, and by what it is judged."""

    models: tuple[str, ...]
    environment: str | None
    kubernetes: str | None
    schemas: tuple[str, ...]
    cache: Path | None
    strict_kinds: bool
    build: bool | None
    jobs: int
    policies: str | None
    pod_security: Level | None
    fix: bool
    dry_run: bool


@click.command(name="validate")
@click.argument("paths", nargs=-1, metavar="[PATH]...")
@click.option("-m", "--model", "models", multiple=True, metavar="MODEL", help="Only these models.")
@environment_option
@click.option(
    "--kubernetes",
    metavar="VERSION",
    help="Version of the clusters' Kubernetes, such as 1.34.",
    show_default="that of modelmill.yaml, or the newest known",
)
@click.option(
    "--schemas",
    multiple=True,
    metavar="FOLDER|FILE|URL",
    help="Where schemas of custom resources are: CustomResourceDefinitions, a dump of a cluster's, "
    "or a cache as kubeconform has it, https://…/{{.Group}}/{{.ResourceKind}}_"
    "{{.ResourceAPIVersion}}.json; repeatable.",
)
@click.option(
    "--schema-cache",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="FOLDER",
    help="Where schemas that were fetched are kept.",
)
@click.option(
    "--build/--no-build",
    default=None,
    help="Hold what kustomize builds of generated/ against what the models compile to.",
    show_default="if kustomize is there",
)
@click.option("--strict-kinds", is_flag=True, help="A kind without a schema is an error.")
@jobs_option
@click.option(
    "--policies",
    metavar="FILE",
    help="The Project whose `policies` manifests at PATHS are held to.",
    show_default="modelmill.yaml of the repository around",
)
@click.option(
    "--pod-security",
    type=click.Choice(LEVELS),
    help="The Pod Security Standard that pods at PATHS are held to.",
    show_default="that of the Namespace beside them",
)
@fix_options
@format_option
@click.pass_obj
def command(
    directory: Path,
    paths: tuple[str, ...],
    models: tuple[str, ...],
    environment: str | None,
    kubernetes: str | None,
    schemas: tuple[str, ...],
    schema_cache: Path | None,
    strict_kinds: bool,
    build: bool | None,
    jobs: int | None,
    policies: str | None,
    pod_security: Level | None,
    fix: bool,
    dry_run: bool,
    format_name: str,
) -> int:
    """Validate what this repository compiles to, or the manifests and kustomizations at PATHS.

    A PATH is a file, a folder or a kustomization; - is standard input: helm template … | modelmill
    validate -
    """
    cores = jobs or os.cpu_count() or 1
    judged_by = (kubernetes, schemas, schema_cache, strict_kinds, build, cores)
    wanted = Wanted(models, environment, *judged_by, policies, pod_security, fix, dry_run)
    if fix and (not paths or STDIN in paths):
        raise click.UsageError("--fix needs files; what models are written in, `lint --fix` mends")
    if not paths:
        return _repository(directory, wanted, format_name)
    if models or environment:
        raise click.UsageError(
            "--model and --environment choose from this repository; leave PATH out"
        )
    part = _part_of_generated(directory, paths)
    if part is not None:
        return _repository(
            directory, wanted._replace(models=part[0], environment=part[1]), format_name
        )
    return _given(directory, paths, wanted, format_name)


def _part_of_generated(
    directory: Path, paths: Sequence[str]
) -> tuple[tuple[str, ...], str | None] | None:
    """The models and the environment whose folders of generated/ the paths are; None where one is
    anything else. Findings are then at the lines that people write."""
    try:
        sources = read_sources(find_root(directory.resolve()))
    except CompileError:
        return None
    top = sources.root / sources.project.paths.generated
    models: dict[str, None] = {}
    environments: dict[str | None, None] = {}
    for path in paths:
        whole = (directory / path).resolve()
        if not whole.is_dir() or not whole.is_relative_to(top.resolve()):
            return None
        model, _, environment, *_ = (*whole.relative_to(top.resolve()).parts, "", "", "")
        if model == ENVIRONMENTS:
            return None
        models[model] = None
        environments[environment or None] = None
    named = () if "" in models else tuple(models)
    return named, next(iter(environments)) if len(environments) == 1 else None


def _repository(directory: Path, wanted: Wanted, format_name: str) -> int:
    """What the models compile to."""
    from modelmill.validation.generated import Locator, compiled_units
    from modelmill.validation.run import judge_units

    sources, repository = read(directory, format_name)
    if wanted.models:
        chosen("model", wanted.models, repository.catalog.models)
    overlay_of(repository, wanted.environment)
    try:
        settings = _settings(sources.settings.node, repository.catalog.project.validation, wanted)
        schemas = _schemas(directory, sources, settings, wanted)
    except CompileError as fault:
        return console.findings(fault.diagnostics, sources.texts, format_name)
    units = compiled_units(repository, wanted.models, wanted.environment, wanted.jobs)
    if units is None or repository.problems:
        return _does_not_compile(repository, sources.texts, wanted, format_name)
    result = judge_units(
        units,
        schemas,
        Locator(repository),
        strict_kinds=settings.strict_kinds,
        are_some=bool(wanted.models),
    )
    findings, notes = _built(sources.root, sources.project.paths.generated, units, wanted)
    return _told(
        result._replace(
            findings=tidy([*result.findings, *findings]), notes=(*result.notes, *notes)
        ),
        schemas.kubernetes,
        sources.texts,
        format_name,
    )


def _built(
    root: Path, generated: str, units: list[Unit], wanted: Wanted
) -> tuple[list[Diagnostic], list[str]]:
    """What kustomize makes of generated/, if it is asked for or there."""
    from modelmill import kustomize
    from modelmill.validation.builds import differing

    if wanted.build is False or not (root / generated).is_dir():
        return [], []
    try:
        tool = kustomize.find(None, os.environ)
    except CompileError as fault:
        if wanted.build:
            return list(fault.diagnostics), []
        return [], ["kustomize is not there: what it builds of generated/ is not looked at"]
    findings, missing = differing(tool, root, generated, units, wanted.jobs)
    return findings, ["generated/ is not complete: run `modelmill compile`"] if missing else []


def _does_not_compile(
    repository: Repository, texts: dict[str, str], wanted: Wanted, format_name: str
) -> int:
    found = compile_repository(repository, wanted.models or None, wanted.jobs).diagnostics
    console.say("note: what does not compile is not validated")
    return console.findings(found, texts, format_name) or 1


def _given(directory: Path, paths: Sequence[str], wanted: Wanted, format_name: str) -> int:
    """What is at the paths."""
    from modelmill.validation.demands import Demands, policies_at
    from modelmill.validation.inputs import read_given
    from modelmill.validation.run import judge_given

    texts: dict[str, str] = {}
    try:
        settings = _settings(None, Validation(), wanted)
        schemas = _schemas(directory, None, settings, wanted)
        given = read_given(directory, paths, sys.stdin.buffer.read, texts)
        demands = Demands(policies_at(directory, wanted.policies, texts), wanted.pod_security)
        is_strict, environ = wanted.strict_kinds, os.environ
        result = judge_given(
            directory, given, schemas, demands, strict_kinds=is_strict, environ=environ
        )
    except CompileError as fault:
        return console.findings(fault.diagnostics, texts, format_name)
    if wanted.fix:
        from modelmill.validation.mending import mended

        step = mended(texts, result.findings, schemas)
        write_fixes(directory, texts, step.texts, step.done, dry_run=wanted.dry_run)
        if step.texts and not wanted.dry_run:
            return _given(directory, paths, wanted._replace(fix=False), format_name)
    found, notes = tidy(with_secrets(result.findings, texts)), (*given.notes, *result.notes)
    result = result._replace(findings=found, notes=notes)
    return _told(result, schemas.kubernetes, texts, format_name)


def _told(result: Result, version: str, texts: Mapping[str, str], format_name: str) -> int:
    for note in result.notes:
        console.say(f"note: {note}")
    status = console.findings(result.findings, without(result.secrets, texts), format_name)
    if format_name == "text":
        of = "1 object" if result.objects == 1 else f"{result.objects} objects"
        console.say(f"{of} {'validated' if result.findings else 'valid'} for Kubernetes {version}")
    return status


def _settings(node: Node | None, own: Validation, wanted: Wanted) -> Validation:
    from modelmill.validation.settings import settings_of

    try:
        return settings_of(node, own, wanted.kubernetes, strict_kinds=wanted.strict_kinds)
    except ValueError as fault:
        raise click.UsageError(str(fault)) from None


def _schemas(
    directory: Path, sources: Sources | None, settings: Validation, wanted: Wanted
) -> Schemas:
    from modelmill.validation.settings import schemas_of

    return schemas_of(directory, sources, settings, wanted.schemas, wanted.cache)
