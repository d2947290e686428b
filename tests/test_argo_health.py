"""The Lua by which Argo CD judges health, run by a Lua of the version and the libraries it has."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from lupa.lua51 import LuaRuntime, lua_type

from modelmill.delivery.argo_health import PREFIX, checks

STATUSES = yaml.safe_load((Path(__file__).parent / "argo_health.yaml").read_text())
CASES = [
    pytest.param(key, case, id=f"{key.partition('_')[2]}: {case['why']}")
    for key, cases in STATUSES.items()
    for case in cases
]
KNOWN = {"Healthy", "Progressing", "Degraded", "Suspended", "Missing", "Unknown"}


def judged(key: str, body: dict[str, Any]) -> dict[str, Any]:
    """What the Lua returns for an object. Argo CD's has no `os`, `io`, `debug` or `require`
    (util/lua, VM.runLua)."""
    lua = LuaRuntime(register_eval=False, register_builtins=False)
    for name in ("os", "io", "debug", "require", "package", "dofile", "loadfile"):
        lua.globals()[name] = None
    lua.globals().obj = lua.table_from(body, recursive=True)
    found = lua.execute(checks()[PREFIX + key])
    assert lua_type(found) == "table"
    return dict(found.items())


@pytest.mark.parametrize(("key", "case"), CASES)
def test_health(key: str, case: dict[str, Any]) -> None:
    body = {"metadata": {"name": "llama", **{k: case[k] for k in ("generation",) if k in case}}}
    body |= {field: case[field] for field in ("spec", "status") if field in case}
    found = judged(key, body)
    assert found["status"] == case["is"]
    assert isinstance(found["message"], str)
    assert found["message"] == case.get("says", found["message"])


def test_every_check_is_tried() -> None:
    assert {PREFIX + key for key in STATUSES} == set(checks())


@pytest.mark.parametrize("key", STATUSES)
def test_health_is_one_that_argo_cd_knows(key: str) -> None:
    """It refuses any other."""
    assert {case["is"] for case in STATUSES[key]} <= KNOWN
