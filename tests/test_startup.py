"""What a command imports: its time to start is a count of modules, which no busy machine changes.

Each runs in a process of its own, as a person or a hook starts it.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from support import ROOT, SMALL, write_files

LOADED = """
import json, sys
from modelmill.cli import run
status = run(sys.argv[1:])
print("\\n" + json.dumps([status, sorted(sys.modules)]))
"""
PURE = """
import importlib, json, pkgutil, re._compiler, sys
import modelmill, modelmill.libyaml
done = []
def hook(event, details):
    if event == "open" and not str(details[0]).endswith((".py", ".pyc", ".so")):
        done.append([event, str(details[0])])
    elif event.partition(".")[0] in ("subprocess", "socket") or event in ("os.fork", "os.scandir"):
        done.append([event, ""])
made = re._compiler.compile
def compile(pattern, flags=0):
    asking = sys._getframe(3).f_globals["__name__"]
    if asking.startswith("modelmill"):
        done.append(["re.compile", asking])
    return made(pattern, flags)
re._compiler.compile = compile
sys.addaudithook(hook)
for each in pkgutil.walk_packages(modelmill.__path__, "modelmill."):
    if not each.name.endswith("__main__"):
        importlib.import_module(each.name)
sys.stdout.write(json.dumps([done, len(sys.modules)]))
"""

OTHERS = {"GitPython", "asyncio", "cel", "concurrent", "git", "http", "jsonschema", "re2", "ruamel"}
HEAVY = OTHERS | {
    "dataclasses",
    "datetime",
    "difflib",
    "fractions",
    "hashlib",
    "inspect",
    "multiprocessing",
    "pathlib",
    "pickle",
    "shutil",
    "socket",
    "subprocess",
    "tempfile",
    "unicodedata",
    "urllib",
}
"""Modules of others that take 1 ms or more, and what checks one file asks nothing of."""
PARTS = {"importlib.metadata", "importlib.resources", "importlib.util", "yaml.reader"}
UNUSED = (
    "editing",
    "git",
    "importers",
    "incremental",
    "kserve",
    "output",
    "publishing",
    "validation",
)
"""Rooms that a plain repository needs nothing of to be checked."""


def loaded(root: Path, *arguments: str) -> set[str]:
    """The modules that a command ends with."""
    command = [sys.executable, "-c", LOADED, "-C", str(root), *arguments]
    ran = subprocess.run(command, capture_output=True, text=True, check=True)
    status, modules = json.loads(ran.stdout.splitlines()[-1])
    assert status == 0, ran.stderr
    return set(modules)


def ours(modules: set[str]) -> set[str]:
    return {each for each in modules if each.partition(".")[0] == "modelmill"}


def tops(modules: set[str]) -> set[str]:
    return {each.partition(".")[0] for each in modules}


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_files(tmp_path_factory.mktemp("small"), SMALL)


def test_the_version_is_told_by_next_to_nothing() -> None:
    script = LOADED.replace("sys.argv[1:]", '["--version"]')
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    _, modules = json.loads(ran.stdout.splitlines()[-1])
    assert ours(set(modules)) == {"modelmill", "modelmill.cli", "modelmill.console"}
    assert not {"re", "typing", "click"} & set(modules) - _preloaded()


def _preloaded() -> set[str]:
    """What a bare interpreter has, by whatever its environment installs."""
    script = "import json, sys; print(json.dumps(sorted(sys.modules)))"
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return set(json.loads(ran.stdout))


def test_a_file_is_checked_without_what_it_does_not_need(small: Path) -> None:
    modules = loaded(small, "lint", str(small / "models" / "tiny.yaml"))
    assert not tops(modules) & (HEAVY | {"click"}) - _preloaded()
    assert not modules & PARTS - _preloaded()
    assert not {
        each for each in ours(modules) if each.split(".")[1:2] and each.split(".")[1] in UNUSED
    }
    assert len(ours(modules)) <= 180


def test_what_one_model_says_is_imported_for_it(small: Path) -> None:
    modules = loaded(small, "lint", str(small / "models" / "tiny.yaml"))
    assert {"modelmill.kinds.deployment", "modelmill.checks.weights"} <= modules
    assert (
        not {
            "modelmill.kinds.leader_worker_set",
            "modelmill.kinds.scaled_object",
            "modelmill.checks.kserve_roles",
            "modelmill.checks.dual_pods",
            "modelmill.delivery.argo_cd",
            "modelmill.delivery.flux",
            "modelmill.policies.custom",
        }
        & modules
    )


def test_a_compile_imports_no_other_command(small: Path) -> None:
    modules = loaded(small, "compile")
    assert not tops(modules) & OTHERS
    assert not {"importlib.metadata", "importlib.resources", "yaml.reader"} & modules
    assert not {
        each
        for each in ours(modules)
        if each.startswith(("modelmill.importers", "modelmill.validation", "modelmill.publishing"))
    }
    assert len(ours(modules)) <= 240


def test_importing_does_nothing() -> None:
    """No file is read, no pattern or document compiled and no process started by an import."""
    ran = subprocess.run([sys.executable, "-c", PURE], capture_output=True, text=True, check=True)
    done, count = json.loads(ran.stdout)
    assert count > 400
    assert done == []


def test_named_tuples_are_made_the_cheap_way() -> None:
    files = (ROOT / "compiler" / "modelmill").rglob("*.py")
    slow = [each.name for each in files if "typing import NamedTuple" in each.read_text()]
    assert slow == ["tuples.py"]
