"""Bad input that cannot be kept as files: too large, not text, a link, a disk that fails.

In: a fresh folder that holds one good model. Out: what modelmill prints once the fault is there.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from pathlib import Path

from modelmill import kustomize
from modelmill.diagnostics import CompileError
from modelmill.files import DiskFiles, EditedFiles
from modelmill.output import DISK, Unit, lock, survey, write
from modelmill.reports import render
from modelmill.repository import index
from modelmill.sources import read_sources
from stories import LINT, printed
from stories_git import MADE_BY_GIT

SEED = Path(__file__).parent / "corpus" / "seed"
MODEL = "models/llama.yaml"
CHECK = ("compile", "--check", "--format", "text")
HEAD = b"apiVersion: modelmill.dev/v1alpha1\nkind: Model\nmetadata: {name: llama}\n"


def lint(repository: Path, data: bytes) -> str:
    (repository / MODEL).write_bytes(data)
    return printed(repository, LINT)


def check(repository: Path) -> str:
    return printed(repository, CHECK)


def compiled(repository: Path) -> Path:
    """The folder generated/, up to date."""
    printed(repository, ("compile",))
    return repository / "generated"


def failure(act: Callable[[], object]) -> str:
    """What is printed of the CompileError that an act ends in."""
    try:
        act()
    except CompileError as fault:
        return render("text", fault.diagnostics, {})
    raise AssertionError("it did not fail")


def not_utf8(repository: Path) -> str:
    return lint(repository, HEAD + "# Modèle\n".encode("latin-1"))


def byte_order_mark(repository: Path) -> str:
    return lint(repository, b"\xef\xbb\xbf" + HEAD)


def utf16(repository: Path) -> str:
    return lint(repository, HEAD.decode().encode("utf-16"))


def fifty_megabytes(repository: Path) -> str:
    return lint(repository, HEAD + b"# padding\n" * (5 << 20))


def nested_100_000_deep(repository: Path) -> str:
    return lint(repository, HEAD + b"spec: " + b"[" * 100_000 + b"]" * 100_000 + b"\n")


def mappings_100_000_deep(repository: Path) -> str:
    return lint(repository, HEAD + b"spec: " + b"{a: " * 100_000 + b"1" + b"}" * 100_000 + b"\n")


def alias_bomb(repository: Path) -> str:
    levels = [f"  a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 10)]
    return lint(repository, HEAD + b"spec:\n  a0: &a0 [lol]\n" + "".join(levels).encode())


def too_many_values(repository: Path) -> str:
    return lint(repository, HEAD + b"spec: {tags: [" + b"1,\n" * 100_000 + b"]}\n")


def control_character(repository: Path) -> str:
    return lint(repository, HEAD + b"# a bell: \x07\n")


def symbolic_link(repository: Path) -> str:
    (repository / MODEL).unlink()
    (repository / MODEL).symlink_to("/etc/hostname")
    return printed(repository, LINT)


def linked_folder(repository: Path) -> str:
    (repository / "models" / "shared").symlink_to("/etc")
    return printed(repository, LINT)


def named_pipe(repository: Path) -> str:
    (repository / MODEL).unlink()
    os.mkfifo(repository / MODEL)
    return printed(repository, LINT)


def out_of_date(repository: Path) -> str:
    compiled(repository)
    text = (repository / MODEL).read_text()
    (repository / MODEL).write_text(text + "  sharedMemory: 8Gi\n")
    return check(repository)


def edited_by_hand(repository: Path) -> str:
    path = compiled(repository) / "llama/base/deployment-llama-decode.yaml"
    path.write_text(path.read_text().replace("replicas: 1", "replicas: 9"))
    return check(repository)


def ledger_in_conflict(repository: Path) -> str:
    path = compiled(repository) / "llama/modelmill.json"
    path.write_text("<<<<<<< ours\n" + path.read_text())
    return check(repository)


def model_removed(repository: Path) -> str:
    compiled(repository)
    (repository / "models/qwen.yaml").unlink()
    return check(repository)


def file_deleted(repository: Path) -> str:
    (compiled(repository) / "llama/base/service-llama.yaml").unlink()
    return check(repository)


def cut_off(repository: Path) -> str:
    (compiled(repository) / ".modelmill-unfinished").write_text('"llama/modelmill.json"\n')
    return check(repository)


def two_compiles(repository: Path) -> str:
    with lock(repository):
        return check(repository)


def file_in_the_way(repository: Path) -> str:
    place = repository / "generated/llama/base"
    place.mkdir(parents=True)
    (place / "service-llama.yaml").write_text("kind: Service\n")
    return printed(repository, ("compile", "--format", "text"))


def link_in_the_way(repository: Path) -> str:
    path = compiled(repository) / "llama/base/service-llama.yaml"
    path.unlink()
    path.symlink_to("/etc/hostname")
    return printed(repository, ("compile", "--format", "text"))


def disk_full(repository: Path) -> str:
    def refuse(fd: int, data: bytes) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    units = {"llama": Unit({"base/kustomization.yaml": "resources: []\n"}, "0", ())}
    found = survey(repository, "generated", units)
    return failure(lambda: write(found, DISK._replace(write=refuse)))


def many_models_in_many_environments(repository: Path) -> str:
    """In memory: 300 of each."""
    head = "apiVersion: modelmill.dev/v1alpha1\nkind: "
    project = f"{head}Project\nversions: {{set: llm-d-v0.9}}\n"
    texts: dict[str, str | None] = {"modelmill.yaml": project}
    for name in (f"m{number:03}" for number in range(300)):
        model = "spec: {model: {name: a/b, uri: hf://a/b}}"
        texts[f"models/{name}.yaml"] = f"{head}Model\nmetadata: {{name: {name}}}\n{model}\n"
        overlay = f"{head}Overlay\nmetadata: {{name: {name}}}\nnamespace: {name}\n"
        texts[f"overlays/{name}/environment.yaml"] = overlay
    files = EditedFiles(DiskFiles(repository / "generated"), texts)
    return failure(lambda: index(read_sources(repository, {}, files)))


def left_alone(repository: Path) -> str:
    (compiled(repository) / "NOTES.md").write_text("Mine.\n")
    return check(repository)


def no_kustomize(repository: Path) -> str:
    return failure(lambda: kustomize.find(None, {"PATH": ""}))


def _tool(repository: Path, script: str) -> kustomize.Kustomize:
    path = repository / "kustomize"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return kustomize.Kustomize((str(path), "build"), "v5.8.0")


def _built(repository: Path, script: str, timeout: float = 30.0) -> str:
    (repository / "generated/llama").mkdir(parents=True)
    tool, root = _tool(repository, script), str(repository)
    return failure(
        lambda: kustomize.build(tool, "generated/llama", timeout, root=root, most_output=1000)
    )


def build_fails(repository: Path) -> str:
    return _built(
        repository, "echo 'Error: accumulating resources: x.yaml: no such file' >&2; exit 1"
    )


def build_hangs(repository: Path) -> str:
    return _built(repository, "sleep 60", timeout=0.3)


def build_never_ends(repository: Path) -> str:
    return _built(repository, "yes")


MADE: dict[str, Callable[[Path], str]] = {
    "Y106-nested-100-000-deep": nested_100_000_deep,
    "Y106-mappings-100-000-deep": mappings_100_000_deep,
    "Y104-alias-bomb": alias_bomb,
    "Y107-not-utf-8": not_utf8,
    "Y107-utf-16": utf16,
    "Y108-byte-order-mark": byte_order_mark,
    "Y109-fifty-megabytes": fifty_megabytes,
    "Y114-control-character": control_character,
    "Y115-symbolic-link": symbolic_link,
    "Y115-linked-folder": linked_folder,
    "Y115-named-pipe": named_pipe,
    "Y116-too-many-values": too_many_values,
    "N210-many-models-in-many-environments": many_models_in_many_environments,
    "O601-out-of-date": out_of_date,
    "O602-edited-by-hand": edited_by_hand,
    "O602-ledger-in-conflict": ledger_in_conflict,
    "O603-model-removed": model_removed,
    "O604-file-deleted": file_deleted,
    "O605-compile-cut-off": cut_off,
    "O606-two-compiles-at-once": two_compiles,
    "O607-file-in-the-way": file_in_the_way,
    "O608-link-in-the-way": link_in_the_way,
    "O609-disk-full": disk_full,
    "O610-file-left-alone": left_alone,
    "K701-no-kustomize": no_kustomize,
    "K702-build-fails": build_fails,
    "K703-build-hangs": build_hangs,
    "K704-build-never-ends": build_never_ends,
    **MADE_BY_GIT,
}
