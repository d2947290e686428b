"""`modelmill render`: the manifests of one model, as plain YAML."""

from __future__ import annotations

from pathlib import Path

import click

from modelmill import console, yamltext
from modelmill.as_modelservice import as_modelservice
from modelmill.commands.shared import environment_option, model_of, overlay_of, read
from modelmill.diagnostics import CompileError, Diagnostic
from modelmill.pipeline import rendered, variant_of
from modelmill.resolve import Resolver, environments_of


@click.command(name="render")
@click.argument("model")
@environment_option
@click.option(
    "--as",
    "form",
    type=click.Choice(["manifests", "modelservice"]),
    default="manifests",
    show_default=True,
    help="manifests, or one mapping like the dry run of the llm-d ModelService operator.",
)
@click.pass_obj
def command(directory: Path, model: str, environment: str | None, form: str) -> int:
    """Print the manifests MODEL compiles to, without an environment or in one."""
    sources, repository = read(directory)
    document = model_of(repository, model)
    overlay = overlay_of(repository, environment)
    if overlay is not None and overlay not in environments_of(repository.catalog, document):
        raise click.UsageError(f"the environment `{overlay.name}` does not take `{model}`")
    found: dict[str | None, list[Diagnostic]] = {}
    variant = variant_of(repository, Resolver(repository.catalog), document, overlay, found)
    if variant is None:
        return console.findings([d for each in found.values() for d in each], sources.texts, "text")
    try:
        objects = rendered(variant)
    except CompileError as fault:
        return console.findings(fault.diagnostics, sources.texts, "text")
    if form == "modelservice":
        console.result(yamltext.dump(as_modelservice(variant, objects)))
        return 0
    console.result("---\n".join(yamltext.dump(resource.body) for resource in objects))
    return 0
