"""An engine's flags as words of its command line.

In: flags by name, from fields and from people, and the engine's catalogue. Out: sorted words, one
flag a word (`--name=value`) wherever the engine reads it so. A flag the catalogue does not know is
written by its value's own type. Of a pod's place in its group, words say what Kubernetes puts in
for them, or a shell computes.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from modelmill.catalogues import EngineCatalogue
from modelmill.regexes import regex

# Variables of every container of a LeaderWorkerSet (kubernetes-sigs/lws, pkg/utils/pod).
LEADER_ADDRESS = "$(LWS_LEADER_ADDRESS)"
WORKER_INDEX = "$(LWS_WORKER_INDEX)"
POD_ADDRESS = {"valueFrom": {"fieldRef": {"apiVersion": "v1", "fieldPath": "status.podIP"}}}
"""The source of a variable that holds the pod's address."""
_COMPUTED = r"\(\([0-9 -]*LWS_WORKER_INDEX[0-9 *]*\)\)"
_has_arithmetic = regex(rf"--[a-z-]+=.*\${_COMPUTED}.*")
_is_plain = regex(rf"--[a-z-]+=\${_COMPUTED}")
# What a shell reads inside double quotes; $(NAME) is Kubernetes', which puts it in before.
_is_read = regex(rf'["\\`]|\$(?!{_COMPUTED}|\([A-Za-z_][A-Za-z0-9_]*\))')


def times_index(number: int) -> str:
    """`number` × the index of a pod in its group. Kubernetes puts variables into words, and cannot
    count: a product is a shell's (see `in_shell`)."""
    return WORKER_INDEX if number == 1 else f"$((LWS_WORKER_INDEX * {number}))"


def less_index(number: int, step: int) -> str:
    """`number` less `step` × the index of a pod in its group, for a shell (see `in_shell`)."""
    return f"$(({number} - LWS_WORKER_INDEX * {step}))"


def in_shell(command: list[str], arguments: list[str]) -> tuple[list[str], list[str]]:
    """Command and arguments; where one has arithmetic, a shell computes it and becomes the command.
    It reads that word alone, so that no other needs quotes."""
    computed = [word for word in arguments if "$((" in word and _has_arithmetic.fullmatch(word)]
    if not computed:
        return command, arguments
    script = " ".join(['exec "$0" "$@"', *map(_quoted, computed)])
    return ["/bin/sh", "-c", script], [*command, *(w for w in arguments if w not in computed)]


def _quoted(word: str) -> str:
    """A word for a shell, which computes in it and reads nothing else."""
    if _is_plain.fullmatch(word):
        return word
    escaped = _is_read.sub(lambda found: "\\" + found[0], word)
    return f'"{escaped}"'


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
        if kind in ("json", "any"):
            return [f"--{name}={compact(value)}"]
        texts = [_text(each) for each in value if each is not None]
        if kind == "words":
            return [f"--{name}", *texts] if texts else []
        return [f"--{name}={text}" for text in texts]
    return [f"--{name}={_text(value)}"]


def certificate(folder: str) -> dict[str, str]:
    """What an engine serves with, of a folder with a certificate: every engine calls it so. Nothing
    where there is no folder."""
    if not folder:
        return {}
    return {"ssl-certfile": f"{folder}/tls.crt", "ssl-keyfile": f"{folder}/tls.key"}


def reloaded(folder: str) -> dict[str, Any]:
    """The same of vLLM and SGLang, which watch the files for a renewed certificate."""
    return {**certificate(folder), "enable-ssl-refresh": True} if folder else {}


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
