"""The wheel, built and installed for real: what a user gets, away from this repository.

The new environment sees the distributions that the wheel itself declares and no other, so that a
dependency which only development has cannot hide. They are linked from here; nothing is downloaded.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import venv
import zipfile
from collections.abc import Iterator
from email.parser import HeaderParser
from importlib.metadata import distribution
from pathlib import Path

import pytest

from support import ROOT


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dist")
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder)]
    subprocess.run([*build, str(ROOT)], check=True, capture_output=True)
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="session")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The `modelmill` command of a fresh environment."""
    home = tmp_path_factory.mktemp("environment")
    venv.create(home, with_pip=False)
    install = ["install", "--no-deps", "--no-index", "--quiet", str(wheel)]
    pip = [sys.executable, "-m", "pip", "--python", str(home), *install]
    subprocess.run(pip, check=True, capture_output=True)
    (site,) = home.glob("lib/python*/site-packages")
    for requirement in declared(wheel):
        link(requirement, site)
    return home / "bin" / "modelmill"


def declared(wheel: Path) -> Iterator[str]:
    """Names of the distributions the wheel needs, extras aside."""
    with zipfile.ZipFile(wheel) as archive:
        (path,) = (name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        metadata = HeaderParser().parsestr(archive.read(path).decode())
    for requirement in metadata.get_all("Requires-Dist", []):
        if "extra ==" not in requirement:
            yield re.split(r"[^A-Za-z0-9._-]", requirement)[0]


def link(name: str, site: Path) -> None:
    found = distribution(name)
    for top in {
        path.parts[0] for path in found.files or () if path.parts[0] not in ("..", "__pycache__")
    }:
        (site / top).symlink_to(Path(str(found.locate_file(top))))


def ran(command: Path, folder: Path, *arguments: str) -> str:
    environ = {k: v for k, v in os.environ.items() if k in ("HOME", "LANG", "PATH")}
    done = subprocess.run(
        [str(command), *arguments], cwd=folder, env=environ, text=True, capture_output=True
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_repository_from_the_installed_wheel(installed: Path, tmp_path: Path) -> None:
    ran(installed, tmp_path, "init", "fresh")
    repo = tmp_path / "fresh"
    assert ran(installed, repo, "new", "hello") == "models/hello.yaml\n"
    ran(installed, repo, "compile")
    ran(installed, repo, "compile", "--check")
    ran(installed, repo, "lint")
    assert "kind: Deployment" in ran(installed, repo, "render", "hello", "-e", "dev")
    assert '"title": "Model"' in ran(installed, repo, "schema", "model")


def test_the_installed_package_is_the_wheels_own(installed: Path, tmp_path: Path) -> None:
    python = installed.with_name("python")
    shown = ran(python, tmp_path, "-c", "import modelmill; print(modelmill.__file__)")
    assert Path(shown.strip()).is_relative_to(installed.parent.parent)


def test_the_wheel_holds_all_presets_and_data_and_no_more(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        held = {name for name in archive.namelist() if ".dist-info/" not in name}
    package = {
        f"modelmill/{path.relative_to(ROOT / 'compiler/modelmill').as_posix()}"
        for path in (ROOT / "compiler/modelmill").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    presets = {
        f"modelmill/library/presets/{path.relative_to(ROOT / 'presets').as_posix()}"
        for path in (ROOT / "presets").rglob("*")
        if path.is_file()
    }
    assert held == package | presets


def test_a_wheel_built_from_the_source_distribution_is_the_same(
    wheel: Path, tmp_path: Path
) -> None:
    build = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(tmp_path), str(ROOT)]
    subprocess.run(build, check=True, capture_output=True)
    (again,) = tmp_path.glob("*.whl")
    assert again.read_bytes() == wheel.read_bytes()
