"""Recorded dry runs of the ModelService operator: imported, compiled, built, and the same."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest
import yaml

from support import ROOT, Ran, built, run

pytestmark = pytest.mark.conformance

CONFORMANCE = ROOT.parent / "shared" / "conformance"
OPERATOR = CONFORMANCE / "operator"
SAMPLES = OPERATOR / "samples"
PROBE = ("--epp-cluster-role", "pod-read")
CONTROLLER = (
    *("--epp-cluster-role", "epp-cluster-role", "--epp-pull-secrets", "epp-pull-secret"),
    *("--pd-pull-secrets", "secret1,secret2"),
)
REFUSED = {
    "e13-unknown-var": "I832",
    "e14-unknown-func": "I832",
    "e17-oci": "I834",
    "e22-empty-uri": "I834",
    "e26-bad-yaml-after-render": "I831",
    "e27-wrong-type": "I834",
    "e29-unknown-key-template-error": "I832",
    "e30-comment-template": "I832",
    # The operator gave these an output, which docs/import-modelservice.md says why we do not: it
    # read its own environment, made nothing, made two objects of one name, one without a name.
    "e32-sprig-env": "I833",
    "e35-epp-in-msvc-no-base": "I831",
    "e40-name-63-collision": "I843",
    "controller-bad-baseconfig": "C501",
}
REFUSED_WHEN_CORRECTED = {
    "controller-hf": "I846",
    "e15-unknown-port": "I844",
    "e18-pvc-no-path": "I846",
    "e21-hf-three-parts": "I846",
}


class Case(NamedTuple):
    modelservice: Path
    baseconfig: Path | None
    settings: tuple[str, ...]
    output: Path | None


def _samples() -> dict[str, Case]:
    pairs = {
        "simple-model": ("simple-model/granite3.2.yaml", "simple-model/simple-baseconfig.yaml"),
        "nixl-xpyd": ("nixl-xpyd/facebook-nixl.yaml", "nixl-xpyd/universal-baseconfig-hf.yaml"),
        "pvc": ("pvc/llama4.yaml", "pvc/universal-baseconfig-pvc.yaml"),
        "test-msvc": ("test/msvc.yaml", "test/baseconfig.yaml"),
        "test-msvc-hf": ("test/msvc-hf.yaml", "test/baseconfig.yaml"),
        "test-msvc-nobase": ("test/msvc.yaml", ""),
    }
    return {
        name: Case(
            SAMPLES / file,
            SAMPLES / base if base else None,
            PROBE,
            OPERATOR / "generated" / f"{name}.yaml",
        )
        for name, (file, base) in pairs.items()
    }


def _probes(folder: str, settings: tuple[str, ...]) -> dict[str, Case]:
    found = {}
    for place in sorted((OPERATOR / folder).glob("*/")):
        base, output = place / "baseconfig.yaml", place / "out.yaml"
        found[place.name] = Case(
            place / "msvc.yaml",
            base if base.exists() else None,
            settings,
            output if output.exists() else None,
        )
    return found


CASES = {**_samples(), **_probes("tests", CONTROLLER), **_probes("experiments", PROBE)}
RECORDED = [name for name, case in CASES.items() if case.output and name not in REFUSED]


def test_every_case_is_decided() -> None:
    assert {name for name, case in CASES.items() if not case.output} <= REFUSED.keys()
    assert REFUSED.keys() | REFUSED_WHEN_CORRECTED.keys() <= CASES.keys()


def imported(case: Case, place: Path, *further: str) -> Ran:
    base = ["--baseconfig", str(case.baseconfig)] if case.baseconfig else []
    command = ("import", "modelservice", str(case.modelservice), *base, *case.settings, *further)
    return run(place, *command)


def units(place: Path) -> list[Path]:
    return [each for each in (place / "generated").iterdir() if each.is_dir()]


@pytest.mark.parametrize("name", RECORDED)
def test_as_it_is(name: str, tmp_path: Path) -> None:
    case = CASES[name]
    ran = imported(case, tmp_path, "--as-is")
    assert ran.status == 0, ran.stderr
    assert "I820" not in ran.stderr, "what runs would be replaced"
    compiled = run(tmp_path, "compile")
    assert compiled.status == 0, compiled.stderr
    (unit,) = units(tmp_path)
    actual = tmp_path / "actual.yaml"
    actual.write_text(yaml.safe_dump_all(built(unit / "base")))
    assert judged(case.output, actual) == "equivalent\n"


@pytest.mark.parametrize("name", RECORDED)
def test_dry_run(name: str, tmp_path: Path) -> None:
    """`render --as modelservice` prints what the operator's `generate` did."""
    case = CASES[name]
    imported(case, tmp_path, "--as-is")
    (model,) = (path.stem for path in (tmp_path / "models").iterdir())
    printed = run(tmp_path, "render", model, "--as", "modelservice")
    assert printed.status == 0, printed.stderr
    actual = tmp_path / "actual.yaml"
    actual.write_text(printed.stdout)
    assert judged(case.output, actual) == "equivalent\n"
    recorded = yaml.safe_load(case.output.read_text()) if case.output else {}
    named = {
        key
        for key, value in recorded.items()
        if isinstance(value, list) or value["metadata"].get("name")
    }
    assert set(yaml.safe_load(printed.stdout)) == named


@pytest.mark.parametrize("name", REFUSED)
def test_refused(name: str, tmp_path: Path) -> None:
    ran = imported(CASES[name], tmp_path, "--as-is")
    assert ran.status == 1
    assert f"error[{REFUSED[name]}]" in ran.stderr


@pytest.mark.parametrize("name", RECORDED)
def test_corrected(name: str, tmp_path: Path) -> None:
    """What is corrected is in `test_modelservice_dry_run`; here the Model of it makes objects."""
    ran = imported(CASES[name], tmp_path)
    if name in REFUSED_WHEN_CORRECTED:
        assert ran.status == 1
        assert f"error[{REFUSED_WHEN_CORRECTED[name]}]" in ran.stderr
        return
    assert ran.status == 0, ran.stderr
    assert "I820" not in ran.stderr, "the Model is not what the importer meant"
    assert run(tmp_path, "compile").status == 0
    (unit,) = units(tmp_path)
    assert built(unit / "base")


def judged(expected: Path | None, actual: Path) -> str:
    done = subprocess.run(
        [sys.executable, CONFORMANCE / "equivalent.py", str(expected), actual],
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout + done.stderr
