"""What others publish holds no secrets: a finding there is a false one."""

from __future__ import annotations

from pathlib import Path

import pytest

from modelmill.secret_patterns import secrets_in

pytestmark = pytest.mark.conformance

SHARED = Path(__file__).resolve().parents[3] / "shared"
FILES = sorted(f for f in SHARED.glob("*/**/*") if f.suffix in (".yaml", ".yml", ".json", ".md"))


@pytest.mark.skipif(not FILES, reason="needs ../shared")
def test_nothing_published_is_taken_for_a_secret() -> None:
    texts = {f: f.read_text(errors="replace") for f in FILES}
    found = {f.name: [each.what for each in secrets_in(text)] for f, text in texts.items()}
    assert not {name: whats for name, whats in found.items() if whats}
