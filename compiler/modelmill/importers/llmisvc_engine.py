"""The container of an LLMInferenceService's engine as fields of a role.

In: container `main` of a pod. Out: `engine` and what stands beside it in a role. Without a command
of its own the container runs the script of KServe's preset, which reads its arguments once more as
bash words.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from modelmill.catalogues import EngineCatalogue, Flag, engine_catalogue
from modelmill.engines.flags import POD_ADDRESS, compact
from modelmill.engines.vllm_kv import NIXL_PORT
from modelmill.importers.pod_fields import Tree, engine_trees, pod_tree, said
from modelmill.jsontext import read_json
from modelmill.regexes import regex
from modelmill.tuples import NamedTuple

MAIN = "main"
TRANSFER = "kv-transfer-config"
NIXL = {"kv_connector": "NixlConnector", "kv_role": "kv_both"}
_NIXL_ENV = {
    "VLLM_NIXL_SIDE_CHANNEL_HOST": POD_ADDRESS,
    "VLLM_NIXL_SIDE_CHANNEL_PORT": str(NIXL_PORT),
}
SHARED_MEMORY = "dshm"
"""The volume that KServe's presets mount at /dev/shm."""
# Words that bash and shlex read alike: nothing in them is expanded.
_word = r"""(?:[A-Za-z0-9_@%+=:,./-]|'[^']*'|"[^"$`\\!]*")++"""
_are_plain = regex(rf"\s*+(?:{_word}(?:\s++{_word})*+)?\s*+", re.DOTALL)


class Template(NamedTuple):
    """A PodSpec as fields of a role, and what of it has none."""

    tree: Tree
    rest: Tree


def template_tree(pod: Mapping[str, Any], *, verbatim: bool) -> Template | None:
    """A PodSpec; None where its containers have no place in a Model. `verbatim`: arguments stay
    word for word."""
    containers = pod.get("containers") or []
    main = next((each for each in containers if each.get("name") == MAIN), None)
    beside = [each for each in containers if each is not main]
    inits = pod.get("initContainers") or []
    if not _are_whole(beside) or not all(map(is_named, (*containers, *inits))):
        return None
    if not all(each.get("name") for each in pod.get("resourceClaims") or []):
        return None
    rest: Tree = {}
    if inits and not _are_whole(inits):
        # KServe's own, which presets complete: a Model's init containers have an image.
        rest["initContainers"] = inits
        pod = {key: value for key, value in pod.items() if key != "initContainers"}
    tree = _engine(main, verbatim=verbatim) if main is not None else {}
    size, pod = _shared_memory(pod)
    return Template(said({**tree, "sharedMemory": size, "pod": pod_tree(pod, beside)}), rest)


def is_named(container: Mapping[str, Any]) -> bool:
    """Whether it and all in it have the names by which a Model has them."""
    return (
        bool(container.get("name"))
        and all(each.get("name") for each in container.get("env") or [])
        and all("containerPort" in each for each in container.get("ports") or [])
    )


def _are_whole(containers: Sequence[Mapping[str, Any]]) -> bool:
    names = [each.get("name") for each in containers]
    return all(each.get("image") for each in containers) and len(set(names)) == len(names)


def _engine(main: Mapping[str, Any], *, verbatim: bool) -> Tree:
    role, engine = engine_trees(main)
    role.get("container", {}).pop("name", None)
    words = engine.get("argv")
    command = engine.get("command")
    if command:
        serves = [str(each) for each in command[:2]] == ["vllm", "serve"]
        engine = {"type": "vllm" if serves else "custom", **engine}
    elif words and not verbatim:
        role, engine = _by_flags(role, engine, [str(word) for word in words])
    return said({"engine": engine, **role})


def _by_flags(role: Tree, engine: Tree, words: list[str]) -> tuple[Tree, Tree]:
    """The engine with flags instead of words, if they are flags that a Model may set, and the
    transfer of KV cache under its own field."""
    flags = every_flag(words)
    if flags is None:
        return role, engine
    transfer = flags.pop(TRANSFER, None)
    if transfer is not None:
        moved = _without_transfer(role, engine) if transfer == NIXL else None
        if moved is None:
            return role, engine
        role, engine = moved
    if any(flag.owner for flag in map(engine_catalogue("vllm").find, flags) if flag is not None):
        return role, engine
    rest = {key: each for key, each in engine.items() if key != "argv"}
    return role, said({**rest, "args": flags})


def _without_transfer(role: Tree, engine: Tree) -> tuple[Tree, Tree] | None:
    """Role and engine without what follows from a transfer by NIXL; None where it is not there as
    it follows."""
    env = dict(engine.get("env") or {})
    container = dict(role.get("container") or {})
    ports = dict(container.get("ports") or {})
    if any(env.pop(name, None) != value for name, value in _NIXL_ENV.items()):
        return None
    if ports.pop("nixl", None) != {"containerPort": NIXL_PORT, "protocol": "TCP"}:
        return None
    container = said({**container, "ports": ports})
    return (
        said({**role, "container": container, "kvTransfer": {"connector": "nixl"}}),
        said({**engine, "env": env}),
    )


def _shared_memory(pod: Mapping[str, Any]) -> tuple[str | None, Mapping[str, Any]]:
    """The size of /dev/shm, and the pod without the volume that says it."""
    for volume in pod.get("volumes") or []:
        disk = volume.get("emptyDir") or {}
        is_memory = set(disk) == {"medium", "sizeLimit"} and disk["medium"] == "Memory"
        if (
            volume.get("name") == SHARED_MEMORY
            and set(volume) == {"name", "emptyDir"}
            and is_memory
        ):
            others = [each for each in pod["volumes"] if each is not volume]
            return str(disk["sizeLimit"]), {**pod, "volumes": others}
    return None, pod


def every_flag(words: Sequence[str]) -> Tree | None:
    """vLLM's flags by name, those that fields of a Model own included; None where a word is no flag
    that is known, or bash would make another word of it."""
    joined = " ".join(words)
    if not _are_plain.fullmatch(joined):
        return None
    try:
        found = list(_flags(shlex.split(joined), engine_catalogue("vllm")))
    except _Unknown:
        return None
    flags: Tree = {}
    for name, value in found:
        if name in flags:
            return None
        flags[name] = value
    return flags


class _Unknown(Exception):
    """A word that cannot be said by `args`."""


def _flags(words: Sequence[str], catalogue: EngineCatalogue) -> Iterator[tuple[str, Any]]:
    at = 0
    while at < len(words):
        name, has_value, value = words[at].removeprefix("--").partition("=")
        if not words[at].startswith("--") or not name:
            raise _Unknown
        at += 1
        positive = name.removeprefix("no-")
        flag = catalogue.find(name)
        if flag is None and positive != name and not has_value:
            flag = catalogue.find(positive)
            if flag is None or flag.type != "switch":
                raise _Unknown
            yield positive, False
            continue
        if flag is None or flag.removed:
            raise _Unknown
        following: list[str] = []
        while at < len(words) and not words[at].startswith("--"):
            following.append(words[at])
            at += 1
        yield name, _value(flag, [value] if has_value else [], following)


def _value(flag: Flag, own: list[str], following: list[str]) -> Any:
    values = [*own, *following]
    if flag.type in ("flag", "switch"):
        if values:
            raise _Unknown
        return True
    if flag.type == "words":
        return values
    if len(values) != 1:
        raise _Unknown
    return scalar(values[0])


def scalar(text: str) -> Any:
    """A word as the value that is written as the same word again."""
    if text[:1] in ("{", "["):
        try:
            value = read_json(text)
        except ValueError:
            return text
        return value if isinstance(value, dict) and compact(value) == text else text
    for kind in (int, float):
        try:
            value = kind(text)
        except ValueError:
            continue
        if str(value) == text:
            return value
    return text
