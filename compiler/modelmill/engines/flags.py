"""An engine's flags as words of its command line.

In: flags by name, from fields and from people, and the engine's catalogue. Out: sorted words, one
flag a word (`--name=value`) wherever the engine reads it so. A flag the catalogue does not know is
written by its value's own type.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from modelmill.catalogues import EngineCatalogue


def render(catalogue: EngineCatalogue, flags: Mapping[str, Any]) -> list[str]:
    """Words for all flags, in order of flag name. A null flag is left out."""
    words: list[str] = []
    for name in sorted(flags):
        if flags[name] is not None:
            words.extend(_words(catalogue, name, flags[name]))
    return words


def _words(catalogue: EngineCatalogue, name: str, value: Any) -> list[str]:
    flag = catalogue.find(name)
    if value is True:
        return [f"--{name}"]
    if value is False:
        # argparse's BooleanOptionalAction: absence would leave the engine's own default in force.
        return [f"--no-{name}"] if flag is not None and flag.type == "switch" else []
    if isinstance(value, Mapping):
        return [f"--{name}={compact(value)}"]
    if isinstance(value, list | tuple):
        kind = flag.type if flag is not None else "repeat"
        if kind == "words":
            return [f"--{name}", *(_text(each) for each in value)] if value else []
        if kind in ("json", "any"):
            return [f"--{name}={compact(value)}"]
        return [f"--{name}={_text(each)}" for each in value]
    return [f"--{name}={_text(value)}"]


def compact(value: Any) -> str:
    """JSON without spaces, keys sorted: their order in a file must not restart a pod."""
    return json.dumps(_unfrozen(value), separators=(",", ":"), ensure_ascii=False, sort_keys=True)


def _unfrozen(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _unfrozen(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_unfrozen(each) for each in value]
    return value


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return compact(value) if isinstance(value, Mapping | list | tuple) else str(value)
