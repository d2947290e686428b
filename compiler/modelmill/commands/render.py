"""`modelmill render`: the manifests of one model, as plain YAML."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from modelmill import console, yamltext
from modelmill.as_modelservice import as_modelservice
from modelmill.commands.options import environment_option
from modelmill.commands.shared import model_of, overlay_of, read, read_files
from modelmill.diagnostics import CompileError, Diagnostic, has_errors
from modelmill.kserve.service import KIND as SERVICE
from modelmill.kserve.thin import KIND as CONFIG
from modelmill.kserve.thin import configs_used, environment_configs
from modelmill.pipeline import brought_by, rendered, variant_of
from modelmill.policies.project import secrets
from modelmill.policies.settings import NOTHING
from modelmill.repository import Repository
from modelmill.resolve import Resolver, environments_of
from modelmill.resource import Resource
from modelmill.scopes import Scope
from modelmill.secret_scan import findings
from modelmill.spec.kserve import KServeTarget
from modelmill.variant import Variant


@click.command(name="render")
@click.argument("model")
@environment_option
@click.option(
    "--as",
    "form",
    type=click.Choice(["manifests", "modelservice", "llmisvc-children"]),
    default="manifests",
    show_default=True,
    help="manifests; one mapping like the dry run of the llm-d ModelService operator; or what "
    "KServe's controller makes of an LLMInferenceService.",
)
@click.option(
    "--with",
    "beside",
    multiple=True,
    metavar="FILE|FOLDER",
    help="LLMInferenceServiceConfigs and ConfigMaps of KServe, its own presets included; "
    "repeatable. For llmisvc-children.",
)
@click.option(
    "--delivery",
    "delivered",
    is_flag=True,
    help="What brings the manifests into the environment instead: an Application of Argo CD, a "
    "Kustomization of Flux.",
)
@click.pass_obj
def command(
    directory: Path,
    model: str,
    environment: str | None,
    form: str,
    beside: tuple[str, ...],
    delivered: bool,
) -> int:
    """Print the manifests MODEL compiles to, without an environment or in one.

    With --as llmisvc-children it is one whose target is kserve, or MODEL is a file with
    LLMInferenceServices instead.
    """
    if form == "llmisvc-children" and (directory / model).is_file():
        return _children(directory, (model,), beside)
    # What KServe makes of a service is told beside what other models' services refer to.
    only = Scope(frozenset((model,)), alone=True) if form != "llmisvc-children" else None
    sources, repository = read(directory, only=only)
    document = model_of(repository, model)
    overlay = overlay_of(repository, environment)
    if overlay is not None and overlay not in environments_of(repository.catalog, document):
        raise click.UsageError(f"the environment `{overlay.name}` does not take `{model}`")
    held = repository.policies.get(None, NOTHING)
    texts = sources.texts
    stray = (each for path, text in texts.items() for each in findings(path, text))
    stated = list(secrets(stray, texts, held))
    if has_errors(stated):
        return console.findings(stated, sources.texts, "text")
    found: dict[str | None, list[Diagnostic]] = {}
    variant = variant_of(repository, Resolver(repository.catalog), document, overlay, found)
    if variant is None:
        return console.findings([d for each in found.values() for d in each], sources.texts, "text")
    try:
        objects = rendered(repository, variant)
    except CompileError as fault:
        return console.findings(fault.diagnostics, sources.texts, "text")
    if form == "llmisvc-children":
        return _children_of(directory, repository, variant, objects, beside)
    if delivered:
        objects = brought_by(repository, variant, objects)
        if not objects:
            raise click.UsageError("--delivery needs an environment that is delivered: see -e")
    if form == "modelservice":
        console.result(yamltext.dump(as_modelservice(variant, objects)))
        return 0
    console.result("---\n".join(yamltext.dump(resource.body) for resource in objects))
    return 0


def _children(directory: Path, files: tuple[str, ...], beside: tuple[str, ...]) -> int:
    """What KServe makes of the services in the files."""
    texts: dict[str, str] = {}
    return _judged(read_files(directory, files, texts), read_files(directory, beside, texts), texts)


def _children_of(
    directory: Path,
    repository: Repository,
    variant: Variant,
    objects: Sequence[Resource],
    beside: tuple[str, ...],
) -> int:
    """What KServe makes of the service that a model compiles to."""
    if variant.kserve is None:
        raise click.UsageError("--as llmisvc-children needs an environment whose target is kserve")
    configs: tuple[Resource, ...] = ()
    if variant.overlay is not None:
        resolver = Resolver(repository.catalog)
        used = configs_used(resolver, repository.versions, variant.overlay)
        configs = environment_configs(repository.versions, variant.overlay, used)
    texts: dict[str, str] = {}
    emitted = [
        (f"{each.kind} {each.name}", yamltext.dump(each.body).encode())
        for each in (*configs, *objects)
        if each.kind in (CONFIG, SERVICE)
    ]
    return _judged(emitted, read_files(directory, beside, texts), texts, variant.kserve)


def _judged(
    files: Sequence[tuple[str, bytes]],
    beside: Sequence[tuple[str, bytes]],
    texts: dict[str, str],
    target: KServeTarget | None = None,
) -> int:
    """Prints the children, or why there are none."""
    from modelmill.importers.llmisvc import judged, read

    try:
        given = read(files, beside)
    except CompileError as fault:
        return console.findings(fault.diagnostics, texts, "text")
    if target is not None:
        platform = given.platform._replace(
            prefix=target.preset_prefix, namespace=target.system_namespace
        )
        given = given._replace(platform=platform)
    found = judged(given)
    findings = [*given.findings, *(each for one in found for each in one.findings)]
    if not has_errors(findings):
        made = [child for one in found for child in one.children]
        console.result("---\n".join(yamltext.dump(each) for each in made))
    return console.findings(findings, texts, "text")
