"""The engine of a role of the chart, and what of its words stays live.

In: the engine's container as it is rendered, and its facts. Out: `engine.type`, and words and
environment in which the model's name, ports and sizes are references to where they are set.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from modelmill.catalogues import Flag, engine_catalogue
from modelmill.importers.model_text import Live
from modelmill.importers.modelservice_chart import Rendered, RoleFacts
from modelmill.importers.pod_fields import text
from modelmill.jsontext import read_json
from modelmill.regexes import regex

SIMULATOR = "llm-d-inference-sim"
_SHORT_FLAG = regex(r"-[A-Za-z]")
# Sizes by the flag and by the variable that the chart tells them with.
_SIZES = {
    "--tensor-parallel-size": "tensor",
    "--data-parallel-size": "data",
    "--data-parallel-size-local": "dataLocal",
    "TP_SIZE": "tensor",
    "DP_SIZE": "data",
    "DP_SIZE_LOCAL": "dataLocal",
}


def engine_type(container: Mapping[str, Any], command: str) -> str:
    """vllm, sglang, inference-sim or custom, from what the container runs."""
    if command == "vllmServe":
        return "vllm"
    image = str(container.get("image", ""))
    if SIMULATOR in image:
        return "inference-sim"
    words = " ".join(
        map(str, (image, *(container.get("command") or ()), *(container.get("args") or ())))
    )
    known = next((name for name in ("sglang", "vllm") if name in words), None)
    return known or ("vllm" if command == "imageDefault" else "custom")


def live_words(
    rendered: Rendered, facts: RoleFacts, sizes: Mapping[str, Any], words: Sequence[str]
) -> list[str]:
    """The words; what follows a flag of the chart and is set elsewhere refers to it."""
    found: list[str] = []
    for before, word in zip((None, *words), words, strict=False):
        found.append(_live_word(rendered, facts, sizes, before, text(word)))
    return found


def _live_word(
    rendered: Rendered, facts: RoleFacts, sizes: Mapping[str, Any], before: str | None, word: str
) -> str:
    if before == "--port" and word == str(facts.engine_port):
        return port_reference(facts)
    if before == "--served-model-name" and rendered.model and word == rendered.model.name:
        return Live("${model.name}")
    return _live_size(sizes, before, word)


def port_reference(facts: RoleFacts) -> Live:
    place = "routing.sidecar.modelServerPort" if facts.sidecar else "routing.port"
    return Live("${" + place + "}")


def live_env(sizes: Mapping[str, Any], env: Mapping[str, Any]) -> dict[str, Any]:
    """The environment; variables of the chart that hold a size refer to it."""
    return {
        name: _live_size(sizes, name, value) if isinstance(value, str) else value
        for name, value in env.items()
    }


def _live_size(sizes: Mapping[str, Any], flag: str | None, word: str) -> str:
    size = _SIZES.get(flag or "")
    return Live("${parallelism." + size + "}") if size and str(sizes.get(size)) == word else word


def flags_of(
    rendered: Rendered, facts: RoleFacts, sizes: Mapping[str, Any], words: Sequence[str]
) -> dict[str, Any] | None:
    """Words of vLLM's command line as `engine.args`, without those that follow from other fields.

    None where that would not say the same: a short flag, a flag twice, a value of another type, or
    a flag that another field sets to something else.
    """
    found = _flags(words)
    if found is None:
        return None
    catalogue = engine_catalogue("vllm")
    known = _followed(rendered, facts, sizes)
    kept: dict[str, Any] = {}
    for name, value in found.items():
        flag = catalogue.find(name)
        if flag is None or not flag.owner:
            kept[name] = _typed(flag, value)
            if not _fits(flag, kept[name]):
                return None
        elif known.get(flag.name) != str(value):
            return None
    return kept


def _flags(words: Sequence[str]) -> dict[str, Any] | None:
    """Values by flag; True where there is none. None where a flag is short or stands twice."""
    found: dict[str, Any] = {}
    name = ""
    for word in words:
        if word.startswith("--"):
            name, equals, value = word.removeprefix("--").partition("=")
            if name in found:
                return None
            found[name] = value if equals else True
        elif _SHORT_FLAG.match(word):
            return None
        elif name:
            before = found[name]
            found[name] = word if before is True else [*_listed(before), word]
    return found


def _followed(rendered: Rendered, facts: RoleFacts, sizes: Mapping[str, Any]) -> dict[str, str]:
    """What the compiler says itself to the leader of a group whose pods have ranks."""
    assert rendered.model is not None
    known = {flag.removeprefix("--"): str(sizes.get(key)) for flag, key in _SIZES.items()}
    scheme, _, place = rendered.model.uri.partition("://")
    return {
        **known,
        "port": str(facts.engine_port),
        "served-model-name": rendered.model.name,
        **({"model": place} if scheme == "hf" else {}),
        "data-parallel-address": "$(LWS_LEADER_ADDRESS)",
        "data-parallel-rpc-port": "5555",
        "data-parallel-start-rank": "0",
    }


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _fits(flag: Flag | None, value: Any) -> bool:
    """Whether the value is of the type and among the choices of the flag."""
    if flag is None:
        return True
    if flag.choices and isinstance(value, str) and value not in flag.choices:
        return False
    if flag.type in ("switch", "flag"):
        return value is True
    if flag.type == "string":
        return isinstance(value, str)
    wanted = {"integer": int, "number": int | float, "json": dict | list}.get(flag.type)
    return wanted is None or (isinstance(value, wanted) and not isinstance(value, bool))


def _typed(flag: Flag | None, value: Any) -> Any:
    """The value in the type the flag is of; as it stands where it is none of it."""
    if flag is None or not isinstance(value, str) or flag.type not in ("integer", "number", "json"):
        return value
    try:
        return read_json(value)
    except ValueError:
        return value
