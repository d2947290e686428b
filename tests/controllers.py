"""Argo CD and Flux, played from the objects that are in Git alone.

In: the objects that a person applies once. Out: what comes of them: each source that they name is
fetched into a clone of its own, and built with the real kustomize. Of Argo CD the Git file
generator is played too. tests/peers asks Argo CD and Flux themselves.
"""

from __future__ import annotations

import fnmatch
import itertools
import subprocess
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from modelmill.importers.gotemplate import HELM, parse
from support import built

Object = dict[str, Any]


def git(folder: Path, environ: Mapping[str, str], *arguments: str) -> str:
    done = subprocess.run(
        ["git", *arguments],
        cwd=folder,
        env=environ,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"git {arguments}: {done.stderr}"
    return done.stdout.rstrip("\n")


class Forge(NamedTuple):
    """Git as a controller sees it.

    environ  in which addresses lead where they should
    folder   where clones are kept
    """

    environ: Mapping[str, str]
    folder: Path

    def checkout(self, url: str, branch: str) -> Path:
        """A new clone with nothing but that branch, at its tip."""
        place = next(path for n in itertools.count() if not (path := self.folder / str(n)).exists())
        self.folder.mkdir(exist_ok=True)
        options = ("--quiet", "--single-branch", "--no-tags", "--depth=1", "--branch", branch)
        git(self.folder, self.environ, "clone", *options, "--", url, str(place))
        return place


def objects_below(folder: Path, pattern: str = "*") -> list[Object]:
    """Objects of all YAML files whose path below the folder is like the pattern."""
    files = sorted(file for file in folder.rglob("*.yaml") if file.name != "kustomization.yaml")
    return [
        each
        for file in files
        if fnmatch.fnmatch(file.relative_to(folder).as_posix(), pattern)
        for each in yaml.load_all(file.read_text(), yaml.CSafeLoader)
    ]


def identity(each: Object) -> tuple[str, str, str, str]:
    """What an API server tells objects apart by."""
    meta = each["metadata"]
    return (
        each["apiVersion"].rpartition("/")[0],
        each["kind"],
        meta.get("namespace", ""),
        meta["name"],
    )


def of_kind(objects: Iterable[Object], kind: str) -> list[Object]:
    return [each for each in objects if each["kind"] == kind]


Generate = Callable[[Forge, Object, Sequence[Object]], list[Object]]
"""An ApplicationSet and what else there is, to its Applications."""


def argo_cd(forge: Forge, applied: Sequence[Object], generate: Generate) -> dict[str, list[Object]]:
    """What each Application syncs, by its name, once all that comes of `applied` has come."""
    known: dict[tuple[str, str, str, str], Object] = {}
    synced: dict[str, list[Object]] = {}
    waiting = list(applied)
    while waiting:
        each = waiting.pop(0)
        if not each["apiVersion"].startswith("argoproj.io/"):
            continue
        if known.get(identity(each)) == each:
            continue
        known[identity(each)] = each
        if each["kind"] == "ApplicationSet":
            waiting += generate(forge, each, [*known.values(), *waiting])
        elif each["kind"] == "Application":
            assert each["metadata"]["name"] not in synced, f"two of {identity(each)}"
            waiting += synced.setdefault(each["metadata"]["name"], _synced(forge, each))
    return synced


def _synced(forge: Forge, application: Object) -> list[Object]:
    source = application["spec"]["source"]
    branch = source["targetRevision"].removeprefix("refs/heads/")
    assert branch != source["targetRevision"], "a ref that could be a tag's too"
    folder = forge.checkout(source["repoURL"], branch) / source["path"]
    if "directory" not in source:
        return built(folder)
    assert source["directory"].get("recurse"), "only folders within are expected"
    return objects_below(folder, source["directory"].get("include", "*"))


def git_files(forge: Forge, each: Object, others: Sequence[Object]) -> list[Object]:
    """Applications of an ApplicationSet with generators of Git files."""
    spec = each["spec"]
    assert spec["goTemplate"]
    made = []
    for generator in spec["generators"]:
        source = generator["git"]
        clone = forge.checkout(source["repoURL"], source["revision"].removeprefix("refs/heads/"))
        names = {
            name
            for wanted in source["files"]
            for name in git(clone, forge.environ, "ls-files", "-z", "--", wanted["path"]).split(
                "\0"
            )
        }
        for name in sorted(names - {""}):
            read = yaml.load((clone / name).read_text(), yaml.CSafeLoader)
            folder, _, filename = name.rpartition("/")
            read["path"] = {"path": folder, "filename": filename, "segments": folder.split("/")}
            made.append(_rendered(spec, read, each["metadata"]["namespace"]))
    return made


def _rendered(spec: Object, parameters: Object, namespace: str) -> Object:
    def text(template: str) -> str:
        return parse(template).render(parameters, HELM, missing="error")

    def rendered(value: Any) -> Any:
        if isinstance(value, dict):
            return {text(key): rendered(each) for key, each in value.items()}
        if isinstance(value, list):
            return [rendered(each) for each in value]
        return text(value) if isinstance(value, str) else value

    application = {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Application",
        **rendered(spec["template"]),
    }
    if "templatePatch" in spec:
        patch = yaml.load(text(spec["templatePatch"]), yaml.CSafeLoader)
        application = _merged(application, patch or {})
    application["metadata"]["namespace"] = namespace
    return application


def _merged(below: Any, above: Any) -> Any:
    """A strategic merge patch, as far as an Application has nothing but maps and whole lists."""
    if not isinstance(below, dict) or not isinstance(above, dict):
        return above
    return {
        key: _merged(below[key], above[key]) if key in below and key in above else both[key]
        for both in ({**below, **above},)
        for key in both
    }


def flux(forge: Forge, applied: Sequence[Object]) -> dict[str, list[Object]]:
    """What each Kustomization applies, by its name, once all that comes of `applied` has come."""
    sources = {identity(each): each for each in applied if each["kind"].endswith("Repository")}
    made: dict[str, list[Object]] = {}
    waiting = of_kind(applied, "Kustomization")
    while waiting:
        each = waiting.pop(0)
        if each["metadata"]["name"] in made:
            continue
        reference = each["spec"]["sourceRef"]
        (source,) = (
            found
            for (_, kind, _, name), found in sources.items()
            if (kind, name) == (reference["kind"], reference["name"])
        )
        artifact = artifact_of(forge, source)
        found = _applied(artifact / each["spec"].get("path", ""))
        made[each["metadata"]["name"]] = found
        sources.update({identity(o): o for o in found if o["kind"].endswith("Repository")})
        waiting += of_kind(found, "Kustomization")
    return made


def artifact_of(forge: Forge, source: Object) -> Path:
    """A clone without what the source ignores; git's own rules stand for source-controller's."""
    spec = source["spec"]
    clone = forge.checkout(spec["url"], spec["ref"]["branch"])
    (clone / ".git/info/exclude").write_text(spec.get("ignore", ""))
    tracked = git(clone, forge.environ, "ls-files", "-z")
    ignored = subprocess.run(
        ["git", "check-ignore", "--no-index", "-z", "--stdin"],
        cwd=clone,
        env={**forge.environ},
        input=tracked,
        capture_output=True,
        text=True,
        check=False,
    ).stdout
    for name in ignored.split("\0")[:-1]:
        (clone / name).unlink()
    return clone


def _applied(folder: Path) -> list[Object]:
    """kustomize-controller builds a kustomization that is there, else one of all files it finds."""
    if (folder / "kustomization.yaml").exists():
        return built(folder)
    return objects_below(folder)
