"""`modelmill import`: models made of what another tool runs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from modelmill import console
from modelmill.commands.options import format_option
from modelmill.commands.shared import read_files
from modelmill.diagnostics import CompileError, Diagnostic, has_errors
from modelmill.importers.helm_release import Release, import_releases
from modelmill.importers.modelservice_chart import CURRENT, generation
from modelmill.importers.writing import Imported
from modelmill.newfiles import create
from modelmill.sources import PROJECT, find_root, read_sources
from modelmill.spec.documents import Paths

STARTER = """\
apiVersion: modelmill.dev/v1alpha1
kind: Project
metadata: {{name: {name}}}
versions: {{set: {versions}}}
"""


@click.group(name="import")
def command() -> None:
    """Take over what another tool runs, under the same names, labels and selectors."""


@command.command(name="helm-values")
@click.argument("files", nargs=-1, required=True, metavar="FILE...")
@click.option(
    "--release",
    "releases",
    multiple=True,
    required=True,
    metavar="NAME",
    help="Name of the Helm release. With several, there is one FILE each, in the same order; "
    "`base.yaml,own.yaml` are files of one.",
)
@click.option("--namespace", default="default", show_default=True, help="Namespace of the release.")
@click.option(
    "--chart-version",
    default=CURRENT,
    show_default=True,
    help="Version of the llm-d-modelservice chart it was installed with.",
)
@click.option(
    "--preset",
    default="helm-values",
    show_default=True,
    metavar="NAME",
    help="Name of the preset that gets what several releases say alike.",
)
@click.option("--stdout", is_flag=True, help="Print the files instead of writing them.")
@format_option
@click.pass_obj
def helm_values(
    directory: Path,
    files: tuple[str, ...],
    releases: tuple[str, ...],
    namespace: str,
    chart_version: str,
    preset: str,
    stdout: bool,
    format_name: str,
) -> int:
    """Make Models of values files of the llm-d-modelservice chart.

    With one --release, the FILEs are laid over each other in their order, as by `helm -f`.
    """
    texts: dict[str, str] = {}
    chosen, told = generation(chart_version)
    if chosen is None:
        return console.findings(told, texts, format_name)
    wanted = [
        Release(read_files(directory, group, texts), name, namespace, chosen)
        for group, name in zip(_grouped(files, releases), releases, strict=True)
    ]
    root, paths = _repository(directory, write=not stdout)
    try:
        imported = import_releases(wanted, (paths.models, paths.presets), preset)
    except CompileError as fault:
        return console.findings(fault.diagnostics, texts, format_name)
    _deliver(root, imported, stdout)
    findings: list[Diagnostic] = [*told, *imported.findings]
    status = console.findings(findings, {**texts, **imported.files}, format_name)
    return status if has_errors(findings) else 0


@command.command(name="modelservice")
@click.argument("files", nargs=-1, required=True, metavar="MSVC.yaml...")
@click.option(
    "--baseconfig",
    "baseconfigs",
    multiple=True,
    metavar="FILE",
    help="A BaseConfig; repeatable. ModelServices find theirs by its name.",
)
@click.option("--epp-cluster-role", default="", metavar="ROLE", help="As the operator was started.")
@click.option("--epp-pull-secrets", default="", metavar="A,B", help="As the operator was started.")
@click.option("--pd-pull-secrets", default="", metavar="A,B", help="As the operator was started.")
@click.option(
    "--as-is", is_flag=True, help="Keep the operator's quirks, so that what runs is not replaced."
)
@click.option("--stdout", is_flag=True, help="Print the files instead of writing them.")
@format_option
@click.pass_obj
def modelservice(
    directory: Path,
    files: tuple[str, ...],
    baseconfigs: tuple[str, ...],
    epp_cluster_role: str,
    epp_pull_secrets: str,
    pd_pull_secrets: str,
    as_is: bool,
    stdout: bool,
    format_name: str,
) -> int:
    """Make Models of ModelServices of the llm-d operator, and Presets of their BaseConfigs.

    What the operator got wrong is corrected, and told, unless --as-is says to keep it.
    """
    from modelmill.importers.modelservice import Request, import_modelservices
    from modelmill.importers.modelservice_operator import Settings

    texts: dict[str, str] = {}
    settings = Settings(epp_cluster_role, _listed(epp_pull_secrets), _listed(pd_pull_secrets))
    request = Request(
        read_files(directory, files, texts),
        read_files(directory, baseconfigs, texts),
        settings,
        as_is,
    )
    root, paths = _repository(directory, write=not stdout)
    try:
        imported = import_modelservices(request, (paths.models, paths.presets))
    except CompileError as fault:
        return console.findings(fault.diagnostics, texts, format_name)
    _deliver(root, imported, stdout)
    status = console.findings(imported.findings, {**texts, **imported.files}, format_name)
    return status if has_errors(imported.findings) else 0


@command.command(name="llmisvc")
@click.argument("files", nargs=-1, required=True, metavar="FILE...")
@click.option(
    "--with",
    "beside",
    multiple=True,
    metavar="FILE|FOLDER",
    help="LLMInferenceServiceConfigs, KServe's own presets and its ConfigMap; repeatable.",
)
@click.option("--namespace", default="", help="Namespace of services that say none.")
@click.option(
    "--environment",
    default="",
    metavar="NAME",
    help="Environment of KServe's target that is written where there is none; its namespace "
    "unless given.",
)
@click.option(
    "--self-contained",
    is_flag=True,
    help="Write out what KServe's presets say too, so that the Model needs none of them.",
)
@click.option("--stdout", is_flag=True, help="Print the files instead of writing them.")
@format_option
@click.pass_obj
def llmisvc(
    directory: Path,
    files: tuple[str, ...],
    beside: tuple[str, ...],
    namespace: str,
    environment: str,
    self_contained: bool,
    stdout: bool,
    format_name: str,
) -> int:
    """Make Models of KServe's LLMInferenceServices, and Presets of their Configs.

    They compile to the same resources in an environment of `target: kserve`. KServe's own presets
    are the cluster's, and are not taken over.
    """
    from modelmill.importers.llmisvc_import import Request, import_services

    texts: dict[str, str] = {}
    root, paths = _repository(directory, write=not stdout)
    request = Request(
        read_files(directory, files, texts),
        read_files(directory, beside, texts),
        namespace,
        paths,
        self_contained,
        None if _has_target(root) else environment,
    )
    try:
        imported = import_services(request)
    except CompileError as fault:
        return console.findings(fault.diagnostics, texts, format_name)
    _deliver(root, imported, stdout)
    status = console.findings(imported.findings, {**texts, **imported.files}, format_name)
    return status if has_errors(imported.findings) else 0


def _has_target(root: Path) -> bool:
    """Whether an environment of the repository compiles to KServe's resources."""
    try:
        documents = read_sources(root, {}).documents
    except CompileError:
        return False
    return any(each.kind == "Overlay" and each.record.target == "kserve" for each in documents)


def _listed(text: str) -> tuple[str, ...]:
    return tuple(each.strip() for each in text.split(",") if each.strip())


def _deliver(root: Path, imported: Imported, stdout: bool) -> None:
    if stdout:
        console.result("---\n".join(imported.files.values()))
    else:
        made = create(root, imported.files)
        for path in made.written:
            console.result(f"{path}\n")
        if made.left:
            left = ", ".join(f"`{path}`" for path in made.left)
            was = "exists, and was left as it is" if len(made.left) == 1 else "exist, and were left"
            raise click.UsageError(f"{left} {was}")
    for line in imported.lost:
        console.say(f"a comment has no place in the model: # {line}")


def _grouped(files: Sequence[str], releases: Sequence[str]) -> list[list[str]]:
    """The files of each release."""
    if len(releases) == 1:
        return [[name for each in files for name in each.split(",")]]
    if len(files) != len(releases):
        raise click.UsageError(
            f"{len(releases)} releases need {len(releases)} FILEs, one each; there are {len(files)}"
        )
    return [each.split(",") for each in files]


def _repository(directory: Path, *, write: bool) -> tuple[Path, Paths]:
    """The repository, and its folders; one is begun where there is none."""
    from modelmill.catalogues import version_sets

    try:
        root = find_root(directory.resolve())
    except CompileError:
        root = directory.resolve()
        text = STARTER.format(name=_name(root), versions=version_sets()[-1])
        if write and create(root, {PROJECT: text}).written:
            console.say(f"{PROJECT} was not there, and is written")
        return root, Paths()
    return root, read_sources(root, {}).project.paths


def _name(root: Path) -> str:
    from modelmill.reference_text import FUNCTIONS

    return FUNCTIONS["slug"](root.name) or "models"
