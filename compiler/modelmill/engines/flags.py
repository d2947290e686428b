"""An engine's flags as words of its command line.

In: flags by name, from fields and from people, and the engine's catalogue. Out: sorted words, one
flag a word (`--name=value`) wherever the engine reads it so. A flag the catalogue does not know is
written by its value's own type. Of a pod's place in its group, words say what Kubernetes puts in
for them, or a shell computes.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from modelmill.catalogues import EngineCatalogue

# Variables of every container of a LeaderWorkerSet (kubernetes-sigs/lws, pkg/utils/pod).
LEADER_ADDRESS = "$(LWS_LEADER_ADDRESS)"
WORKER_INDEX = "$(LWS_WORKER_INDEX)"
_has_arithmetic = re.compile(r"--[a-z-]+=\$\(\(LWS_WORKER_INDEX \* [0-9]+\)\)").fullmatch


def times_index(number: int) -> str:
    """`number` × the index of a pod in its group. Kubernetes puts variables into words, and cannot
    count: a product is a shell's (see `in_shell`)."""
    return WORKER_INDEX if number == 1 else f"$((LWS_WORKER_INDEX * {number}))"


def in_shell(command: list[str], arguments: list[str]) -> tuple[list[str], list[str]]:
    """Command and arguments; where one is arithmetic, a shell computes it and becomes the command.
    It reads that word alone, so that no other needs quotes."""
    computed = [word for word in arguments if _has_arithmetic(word)]
    if not computed:
        return command, arguments
    script = " ".join(['exec "$0" "$@"', *computed])
    return ["/bin/sh", "-c", script], [*command, *(w for w in arguments if w not in computed)]


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
