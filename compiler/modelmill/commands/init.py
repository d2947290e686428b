"""`modelmill init`: a fresh repository, ready for its first model."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import click

from modelmill import console, library
from modelmill.newfiles import Created, create
from modelmill.pins import LOCK, lock_text, made_lock
from modelmill.scaffold import SCHEMAS, overlay_text, project_text, schema_texts
from modelmill.sources import PROJECT, Sources, read_sources
from modelmill.spec.documents import Paths
from modelmill.syntax import parse
from modelmill.upgrading import shipped_presets

ENVIRONMENT = "dev"
ATTRIBUTES = ".gitattributes"
CRDS = f"{SCHEMAS}/crds"

HOOKS = """\
repos:
  - repo: local
    hooks:
      - id: modelmill-lint
        name: modelmill lint
        language: system
        entry: modelmill lint
        files: '^(models|presets|overlays)/.*\\.ya?ml$|^modelmill\\.(yaml|lock)$'
"""


@click.command(name="init")
@click.argument("folder", metavar="[DIR]", default=".", type=click.Path(file_okay=False))
@click.option(
    "--crds",
    is_flag=True,
    help="Also write the schemas of custom resources that `validate` goes by.",
)
@click.pass_obj
def command(directory: Path, folder: str, crds: bool) -> int:
    """Start a repository in DIR, here unless given. A file that exists is left as it is.

    Presets are copied into it: they are the repository's own from then on, to read and to change.
    """
    root = (directory / folder).resolve()
    if any((above / PROJECT).is_file() for above in root.parents):
        raise click.UsageError("a folder above is a modelmill repository; start one outside of it")
    present = read_sources(root) if (root / PROJECT).is_file() else None
    files = {**_files(present), **(_crds() if crds else {})}
    created = create(root, files)
    _tell(created)
    if crds and present is not None and CRDS not in present.project.validation.schemas:
        console.say(f"add to {PROJECT}: validation: {{schemas: [{CRDS}]}}")
    if ATTRIBUTES in created.left and files[ATTRIBUTES] not in (root / ATTRIBUTES).read_text():
        console.say(f"add to {ATTRIBUTES}: {files[ATTRIBUTES].rstrip()}")
    _tell_next(root, folder)
    return 0


def _files(present: Sources | None) -> Mapping[str, str]:
    """What a fresh repository holds; of one that exists, without what it has under other paths."""
    paths = present.project.paths if present else Paths()
    documents = present.documents if present else ()
    environment = f"{paths.overlays}/{ENVIRONMENT}/environment.yaml"
    files = {PROJECT: project_text()}
    if present is None or present.lock is not None:
        files[LOCK] = _lock_text()
    if not any(d.kind == "Overlay" and d.path != environment for d in documents):
        files[environment] = overlay_text(environment, ENVIRONMENT)
    presets = {d.name: d.path for d in documents if d.kind == "Preset"}
    for path, text in library.presets().items():
        target = f"{paths.presets}/{path}"
        name = parse(path, text.encode()).nearest("metadata", "name").value
        if presets.get(name, target) == target:
            files[target] = text
    files.update((f"{SCHEMAS}/{name}", text) for name, text in schema_texts().items())
    files[ATTRIBUTES] = f"{paths.generated}/** linguist-generated=true text eol=lf\n"
    return files


def _crds() -> Mapping[str, str]:
    """The schemas, and a Project that names their folder."""
    from modelmill.validation.vendored import vendored

    texts = {f"{CRDS}/{name}": text for name, text in vendored().items()}
    return {PROJECT: project_text(CRDS), **texts}


def _lock_text() -> str:
    """As what the presets are copied, for `upgrade` to know which of them somebody edited."""
    shipped = shipped_presets(library.presets())
    marks = {name: library.fingerprint(each.text) for name, each in shipped.items()}
    release = library.release()
    named = {"version": release} if release else {}
    return lock_text(made_lock({"library": {**named, "presets": marks}}))


def _tell(created: Created) -> None:
    for path in created.written:
        console.say(f"wrote {path}")
    for path in created.left:
        console.say(f"left  {path}, which exists")


def _tell_next(root: Path, folder: str) -> None:
    steps = [] if folder == "." else [f"cd {folder}"]
    if not any((each / ".git").exists() for each in (root, *root.parents)):
        steps.append("git init")
    steps += ["modelmill new NAME --uri hf://ORG/MODEL", "modelmill compile"]
    console.say("\nNext:\n" + "\n".join(f"  {step}" for step in steps))
    console.say("\nand commit what they write, generated/ included.")
    console.say(f"\nTo check every commit, in .pre-commit-config.yaml:\n\n{HOOKS}")
