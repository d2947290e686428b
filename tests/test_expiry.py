"""What holds until a day: `lint` asks which day it is, and nothing else does."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from modelmill.expiry import expired
from support import SIM, SMALL, Ran, model, overlay, repository, run, texts_below, write_files

UNTIL = "2026-03-31"
LATEST = "engine: {image: 'ghcr.io/acme/sim:latest'}\nroles: {decode: {}}\n"
ACCEPTING = model("tiny", LATEST, "[sim]").replace(
    "spec:\n", f"accept:\n  C504: {{reason: pinned soon, until: '{UNTIL}'}}\nspec:\n", 1
)
EXEMPT = overlay(
    "prod",
    more=f"""
    podSecurity: restricted
    podSecurityExemptions: {{tiny: {{level: baseline, reason: root, until: '{UNTIL}'}}}}
    """,
)
ROOT_IMAGE = "pod: {securityContext: {runAsNonRoot: false}}\nroles: {decode: {}}\n"
CASES = {
    "accepted": {**SMALL, "models/tiny.yaml": ACCEPTING},
    "exempt": {
        **SMALL,
        "models/tiny.yaml": model("tiny", ROOT_IMAGE, "[sim]"),
        "overlays/prod/environment.yaml": EXEMPT,
    },
}


@pytest.fixture(params=CASES.values(), ids=CASES)
def root(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    return write_files(tmp_path, request.param)


def on(root: Path, day: str, *arguments: str) -> Ran:
    return run(root, "lint", *arguments, "--today", day)


@pytest.mark.parametrize(
    ("day", "said"),
    [
        ("2025-12-31", ""),
        ("2026-03-16", ""),
        ("2026-03-17", "warning[C571]: `{}` is {} until 2026-03-31, which is in 14 days"),
        ("2026-03-30", "warning[C571]: `{}` is {} until 2026-03-31, which is tomorrow"),
        ("2026-03-31", "warning[C571]: `{}` is {} until 2026-03-31, which is today"),
        ("2026-04-01", "error[C571]: `{}` is {} until 2026-03-31, which is past"),
    ],
)
def test_lint_tells_in_time(root: Path, day: str, said: str) -> None:
    ran = on(root, day)
    accepts = "C504" in (root / "models/tiny.yaml").read_text()
    assert said.format(*(("C504", "accepted") if accepts else ("tiny", "exempt"))) in ran.stderr
    assert ("C571" in ran.stderr) == bool(said)
    assert ran.status == said.startswith("error")


def test_the_day_may_come_from_a_reproducible_build(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    noon = datetime(2026, 4, 1, 12, tzinfo=UTC)
    monkeypatch.setenv("SOURCE_DATE_EPOCH", str(int(noon.timestamp())))
    assert "which is past" in run(root, "lint").stderr
    assert "which is past" not in on(root, "2026-01-01").stderr
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "yesterday")
    assert run(root, "lint").status == 2


def test_without_either_it_is_the_clocks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SOURCE_DATE_EPOCH", raising=False)
    for days, status in ((-2, 1), (2, 0)):
        day = (datetime.now(UTC) + timedelta(days=days)).date().isoformat()
        write_files(tmp_path, {**SMALL, "models/tiny.yaml": ACCEPTING.replace(UNTIL, day)})
        assert run(tmp_path, "lint").status == status


def test_a_compile_never_asks(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same input gives the same output on any day; a merge is not undone by a date."""
    results = []
    for day in ("1", "4102444800"):
        monkeypatch.setenv("SOURCE_DATE_EPOCH", day)
        ran = run(root, "compile")
        assert ran.status == 0, ran.stderr
        assert "C571" not in ran.stderr
        results.append((ran.stderr, texts_below(root, "generated")))
    assert results[0][1] == results[1][1]


def test_it_is_told_of_the_files_that_were_asked_about(tmp_path: Path) -> None:
    other = model("other", "roles: {decode: {}}", "[sim]")
    write_files(
        tmp_path, {**CASES["accepted"], "models/other.yaml": other, "presets/sim.yaml": SIM}
    )
    assert on(tmp_path, "2027-01-01", "models/other.yaml").status == 0
    assert "C571" in on(tmp_path, "2027-01-01", "models/tiny.yaml").stderr


def test_the_rule_is_of_a_day_alone(tmp_path: Path) -> None:
    catalog = repository(tmp_path, CASES["exempt"]).catalog
    assert expired(catalog, lambda: date(2026, 3, 1)) == []
    assert [d.severity for d in expired(catalog, lambda: date(2026, 3, 20))] == ["warning"]
    assert [d.severity for d in expired(catalog, lambda: date(2026, 4, 20))] == ["error"]
