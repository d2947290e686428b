"""Recorded releases of the llm-d ModelService chart: imported, compiled, built, and the same."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from support import ROOT, built, run

pytestmark = pytest.mark.conformance

CONFORMANCE = ROOT.parent / "shared" / "conformance"
CASES = CONFORMANCE / "modelservice"
RELEASES = {"cpu": "cpu-sim", "gaie-v0.2.16-cpu": "cpu", "gaie-v0.2.16-pd": "pd"}
"""Releases that are not called like their case; those of our own cases are `ms`."""
OWN = frozenset(
    {
        "autoscaling",
        "autoscaling-lws",
        "dp-data-only",
        "dp-derived",
        "dra-rebellions",
        "lora-by-args",
        "proxy-off-init",
    }
)


def cases(prefix: str = "") -> list[str]:
    names = [path.name.removesuffix(".values.yaml") for path in CASES.glob("*.values.yaml")]
    if prefix:
        return sorted(name for name in names if name.startswith(prefix))
    return sorted(n for n in names if not n.startswith(("edge-", "error-")))


def release_of(case: str) -> str:
    return RELEASES.get(case) or ("ms" if case in OWN or case.startswith(("e", "m")) else case)


def imported(case: str, place: Path) -> tuple[int, str]:
    """Import a case into an empty folder, and compile it."""
    values = str(CASES / f"{case}.values.yaml")
    version = ["--chart-version", "v0.2.16"] if "v0.2.16" in case else []
    ran = run(place, "import", "helm-values", values, "--release", release_of(case), *version)
    return ran.status, ran.stdout + ran.stderr


@pytest.mark.parametrize("case", cases())
def test_runs_on_as_it_is(case: str, tmp_path: Path) -> None:
    status, said = imported(case, tmp_path)
    assert status == 0, said
    assert "I820" not in said, "pods would be replaced"
    compiled = run(tmp_path, "compile")
    assert compiled.status == 0, compiled.stderr
    (unit,) = (each for each in (tmp_path / "generated").iterdir() if each.is_dir())
    actual = tmp_path / "actual.yaml"
    actual.write_text(yaml.safe_dump_all(built(unit / "base")))
    judged = subprocess.run(
        [sys.executable, CONFORMANCE / "equivalent.py", CASES / f"{case}.yaml", actual],
        capture_output=True,
        text=True,
        check=False,
    )
    assert judged.stdout == "equivalent\n", judged.stdout + judged.stderr


@pytest.mark.parametrize("case", cases("edge-"))
def test_quirk_is_told_and_mended(case: str, tmp_path: Path) -> None:
    status, said = imported(case, tmp_path)
    assert status == 0, said
    assert "warning[I" in said
    assert run(tmp_path, "compile").status == 0


@pytest.mark.parametrize("case", cases("error-"))
def test_what_the_chart_refuses_is_refused_better_or_accepted(case: str, tmp_path: Path) -> None:
    status, said = imported(case, tmp_path)
    if status == 0:
        assert "warning[I805]" in said
        assert run(tmp_path, "compile").status == 0
    else:
        assert "error[I804]" in said
        assert not list(tmp_path.rglob("models/*"))
