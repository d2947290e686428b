"""What a container runs, and the flags it is given.

In: a container. Out: the program, its version where the image tells it, and its words, each with
its place in the container. Shell scripts are read as far as they are plain words.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from importlib.resources import files
from typing import Any

from modelmill.regexes import regex
from modelmill.syntax import parse
from modelmill.tree import plain
from modelmill.tuples import NamedTuple
from modelmill.validation.faults import Path

ENGINES = ("vllm", "sglang", "inference-sim")
SHELLS = frozenset({"sh", "bash", "/bin/sh", "/bin/bash", "/usr/bin/bash", "ash", "/bin/ash"})
_is_release = regex(r"v?[0-9]+(\.[0-9]+)+")
_is_end = regex(r"[;&|]+|\)")


class Word(NamedTuple):
    """One word of a command line, and where it stands in its container."""

    text: str
    path: Path


class Flag(NamedTuple):
    """A flag as it is given: its name without dashes, its values, and its place."""

    name: str
    values: tuple[str, ...]
    path: Path


class CommandLine(NamedTuple):
    """A program, its release (None where nothing tells it) and what it is given."""

    program: str
    release: str | None
    words: tuple[Word, ...]

    def flags(self) -> Iterator[Flag]:
        at = 0
        while at < len(self.words):
            text, path = self.words[at]
            at += 1
            if not _is_flag(text):
                continue
            name, has_value, value = text.lstrip("-").partition("=")
            values = [value] if has_value else []
            while at < len(self.words) and not _is_flag(self.words[at].text):
                values.append(self.words[at].text)
                at += 1
            yield Flag(name, tuple(values), path)

    def number(self, *names: str) -> int | None:
        """The last value of a flag by any of its names, if it is a number."""
        found = None
        for flag in self.flags():
            if flag.name.replace("_", "-") in names and flag.values and flag.values[0].isdigit():
                found = int(flag.values[0])
        return found

    def has(self, *names: str) -> bool:
        return any(flag.name.replace("_", "-") in names for flag in self.flags())


def command_line(container: Mapping[str, Any]) -> CommandLine | None:
    """What a container runs; None for what is not known here."""
    words = [*_words(container, "command"), *_words(container, "args")]
    image = str(container.get("image") or "")
    known = programs()["images"].get(image_name(image))
    release = release_of(image) if known is not None and known["version"] else None
    started = _started(_unscripted(words))
    if started is not None:
        program, rest = started
        same = known is not None and known["program"] == program
        return CommandLine(program, release if same else None, tuple(rest))
    if known is None or container.get("command"):
        return None
    return CommandLine(known["program"], release, tuple(words))


@cache
def programs() -> Any:
    """data/programs.yaml."""
    resource = files("modelmill").joinpath("data", "programs.yaml")
    return plain(parse("programs.yaml", resource.read_bytes()))


def image_name(image: str) -> str:
    """`vllm-openai` of docker.io/vllm/vllm-openai:v0.11.0."""
    return image.partition("@")[0].rpartition("/")[2].partition(":")[0]


def release_of(image: str) -> str | None:
    """The release an image's tag names; None for a tag that moves, a digest, or another word."""
    tag = image.partition("@")[0].rpartition("/")[2].partition(":")[2]
    found = _is_release.match(tag)
    return f"v{found[0].lstrip('v')}" if found else None


def _words(container: Mapping[str, Any], key: str) -> Iterator[Word]:
    given = container.get(key)
    for place, each in enumerate(given if isinstance(given, list) else []):
        yield Word(str(each), (key, place))


def _unscripted(words: Sequence[Word]) -> list[Word]:
    """The words of a script in place of the shell that reads it."""
    for place, word in enumerate(words[:-1]):
        is_script = word.text.startswith("-") and word.text.endswith("c")
        if is_script and words[0].text in SHELLS:
            script = words[place + 1]
            return [Word(each, script.path) for each in _split(script.text)]
    return list(words)


def _split(script: str) -> list[str]:
    """Words of a script, operators being words of their own; none where it cannot be read."""
    reader = shlex.shlex(
        script.replace("\\\n", " ").replace("\n", " ; "), punctuation_chars=";&|()"
    )
    reader.whitespace_split = True
    reader.commenters = ""
    try:
        return list(reader)
    except ValueError:
        return []


def _started(words: Sequence[Word]) -> tuple[str, list[Word]] | None:
    """The engine that is started, and the words after it."""
    texts = [word.text for word in words]
    for at, text in enumerate(texts):
        following = texts[at + 1 : at + 2]
        name = text.rpartition("/")[2]
        if name == "vllm" and following == ["serve"]:
            return "vllm", _until_end(words[at + 2 :])
        if text == "-m" and following == ["vllm.entrypoints.openai.api_server"]:
            return "vllm", _until_end(words[at + 2 :])
        if text == "-m" and following == ["sglang.launch_server"]:
            return "sglang", _until_end(words[at + 2 :])
        if name == "llm-d-inference-sim":
            return "inference-sim", _until_end(words[at + 1 :])
        if name == "pd-sidecar":
            return "routingSidecar", _until_end(words[at + 1 :])
    return None


def _until_end(words: Sequence[Word]) -> list[Word]:
    ends = [place for place, word in enumerate(words) if _is_end.fullmatch(word.text)]
    return list(words[: ends[0]] if ends else words)


def _is_flag(text: str) -> bool:
    return text.startswith("-") and text != "-" and not text.lstrip("-")[:1].isdigit()
