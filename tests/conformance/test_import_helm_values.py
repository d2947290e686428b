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


QUIRKS = {
    "edge-data-dl-null-w": {"I817"},
    "edge-data-only-mn": {"I806"},
    "edge-dl-w-only": {"I806", "I817"},
    "edge-env-override": {"I807"},
    "edge-extra-affinity": {"I808"},
    "edge-proxy-null": {"I809"},
    "edge-requester-full": {"I810"},
    "edge-unknown-accel": {"I811"},
    "edge-uri-pvc-claim": {"I812"},
    "edge-uri-s3-b-k": {"I812"},
    "edge-warn-global": {"I813"},
    "edge-warn-role": {"I813"},
    "edge-workers-deploy": {"I806"},
}
REFUSED = {
    *("error-cmd-bogus", "error-cmd-custom-nocmd", "error-dp-notmult", "error-hpa-min"),
    *("error-labels-empty", "error-no-image", "error-pipeline"),
}
"""What no documentation of the chart promises; the others it does, and they are accepted."""


def test_every_case_is_decided() -> None:
    assert cases("edge-") == sorted(QUIRKS)
    assert set(cases("error-")) > REFUSED


@pytest.mark.parametrize("case", QUIRKS)
def test_quirk_is_told_and_mended(case: str, tmp_path: Path) -> None:
    """How each is mended is in `test_modelservice_render`; here the Model makes those objects."""
    status, said = imported(case, tmp_path)
    assert status == 0, said
    assert all(f"warning[{code}]" in said for code in QUIRKS[case])
    assert "I820" not in said, "the Model is not what the importer meant"
    assert run(tmp_path, "compile").status == 0
    (unit,) = (each for each in (tmp_path / "generated").iterdir() if each.is_dir())
    assert built(unit / "base")


@pytest.mark.parametrize("case", cases("error-"))
def test_what_the_chart_refuses_is_refused_better_or_accepted(case: str, tmp_path: Path) -> None:
    status, said = imported(case, tmp_path)
    if case in REFUSED:
        assert status == 1
        assert "error[I804]" in said
        assert not list(tmp_path.rglob("models/*"))
    else:
        assert status == 0, said
        assert "warning[I805]" in said
        assert run(tmp_path, "compile").status == 0
