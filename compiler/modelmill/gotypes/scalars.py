"""How Go's templates print a scalar."""

from __future__ import annotations

from typing import Any


def written(value: Any) -> str:
    """A scalar as Go's templates print it."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e21:
        return str(int(value))
    return str(value)
