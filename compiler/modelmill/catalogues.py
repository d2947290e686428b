"""Facts about engines and API versions that ship with the package as data.

In: a name. Out: frozen values. Read from the package itself, never from a user's repository, and
only when asked for. People write the YAML below data/; what is read is its JSON (`make data`),
because a catalogue takes 3 ms to parse, and most runs are about one file.
"""

from __future__ import annotations

import json
import os.path
import re
from collections.abc import Mapping
from functools import cache
from types import MappingProxyType
from typing import Any

from modelmill.tuples import NamedTuple

COMPILED = os.path.join(os.path.dirname(__file__), "data", "compiled")
SPELLINGS = ("portFlag", "modelServerPortFlag", "connectorFlag", "dataParallelSizeFlag")


class Flag(NamedTuple):
    """One command line flag of an engine. `owner` is the input field that sets it."""

    name: str
    type: str
    choices: tuple[str, ...] = ()
    owner: str = ""
    since: str = ""
    deprecated: str = ""
    removed: str = ""
    use: str = ""
    renamed: bool = False
    """`use` is the same flag by another name, which takes the same values."""


class EngineCatalogue(NamedTuple):
    """The flags an engine knows, by name, and other spellings of them."""

    engine: str
    latest: str
    flags: Mapping[str, Flag]
    aliases: Mapping[str, str]

    def find(self, name: str) -> Flag | None:
        """The flag a name stands for. vLLM reads `_` as `-`, and `json-flag.key` sets one key."""
        flag = self.flags.get(self.aliases.get(name, name))
        if flag is None and self.engine == "vllm":
            spelled = name.replace("_", "-").partition(".")[0]
            flag = self.flags.get(self.aliases.get(spelled, spelled))
        return flag


class Component(NamedTuple):
    """A component's command line in one release: the flags it knows, and those that follow from the
    input, with what they follow from."""

    says: str
    flags: tuple[str, ...]
    owned: Mapping[str, str]


class Parameter(NamedTuple):
    """A parameter of a picker's plugin: its type, bounds and choices. `kinds` are those of the
    plugin it names; `above` is a minimum that is not allowed itself."""

    type: str
    kinds: tuple[str, ...] = ()
    choices: tuple[str, ...] = ()
    minimum: float | None = None
    above: float | None = None
    maximum: float | None = None
    default: object = None
    deprecated: str = ""
    use: str = ""


class PluginType(NamedTuple):
    """A type of plugin in one release: the kinds of place it fits, and its parameters by dotted
    path. `open`: it has others too. `automatic`: it comes by itself where others read what it
    makes. `use` stands for one that is deprecated, or removed."""

    kinds: tuple[str, ...]
    stability: str = "beta"
    parameters: Mapping[str, Parameter] = MappingProxyType({})
    open: bool = False
    automatic: bool = False
    deprecated: str = ""
    removal: str = ""
    removed: str = ""
    use: str = ""


class PickerCatalogue(NamedTuple):
    """What the endpoint picker of one release knows: feature gates with their defaults, types of
    plugins."""

    release: str
    gates: Mapping[str, bool]
    plugins: Mapping[str, PluginType]


class VersionSet(NamedTuple):
    """Which API versions, images and flag names belong together.

    apis             kind to `group/version`
    images           name to image
    sidecar          what the routing sidecar of this release calls its flags
    watched_groups   API groups of the objects the endpoint picker watches beside its pool
    components       command lines of endpointPicker and routingSidecar
    picker           name of the endpoint picker's catalogue
    registries       the project's registries that stand for others
    digests          what the lock says of images, by their whole names
    """

    name: str
    apis: Mapping[str, str]
    images: Mapping[str, str]
    sidecar: Mapping[str, str]
    watched_groups: tuple[str, ...]
    components: Mapping[str, Component]
    picker: str
    registries: Mapping[str, str] = MappingProxyType({})
    digests: Mapping[str, str] = MappingProxyType({})


@cache
def engine_catalogue(engine: str) -> EngineCatalogue:
    """What is known of an engine's flags; nothing where it ships without a catalogue."""
    if not os.path.isfile(f"{COMPILED}/engines/{engine}.json"):
        return EngineCatalogue(engine, "", {}, {})
    data = _read("engines", engine)
    flags = {
        name: Flag(name, **{**entry, "choices": tuple(map(str, entry.get("choices", ())))})
        for name, entry in data["flags"].items()
    }
    return EngineCatalogue(data["engine"], data["latest"], flags, data.get("aliases") or {})


@cache
def version_set(name: str) -> VersionSet:
    data = _read("versions", name)
    picker = data["endpointPicker"]
    components = {
        "endpointPicker": Component("the endpoint picker", tuple(picker["flags"]), picker["owned"]),
        "routingSidecar": Component(
            "the routing sidecar", tuple(data["sidecar"]["flags"]), data["sidecar"]["owned"]
        ),
    }
    spelling = {key: data["sidecar"][key] for key in SPELLINGS}
    watched = tuple(picker["watchedGroups"])
    return VersionSet(
        data["name"], data["apis"], data["images"], spelling, watched, components, picker["plugins"]
    )


@cache
def picker_catalogue(name: str) -> PickerCatalogue:
    """What is known of an endpoint picker's release."""
    data = _read("pickers", name)
    plugins = {plugin: _plugin_type(entry) for plugin, entry in data["plugins"].items()}
    return PickerCatalogue(data["release"], data["gates"], plugins)


def _plugin_type(entry: Any) -> PluginType:
    parameters = {path: _parameter(row) for path, row in entry.get("parameters", {}).items()}
    return PluginType(**{**entry, "kinds": tuple(entry["kinds"]), "parameters": parameters})


def _parameter(row: Any) -> Parameter:
    lists = {key: tuple(value) for key, value in row.items() if isinstance(value, list)}
    return Parameter(**{**row, **lists})


@cache
def health_expressions() -> dict[str, dict[str, str]]:
    """When Flux is to take objects for healthy: by kind, its group and its expressions in CEL."""
    found: dict[str, dict[str, str]] = _read("health", "flux")
    return found


@cache
def version_sets() -> tuple[str, ...]:
    """Names of the version sets, oldest first."""
    files = (each for each in os.listdir(f"{COMPILED}/versions") if not each.startswith("."))
    names = (each.removesuffix(".json") for each in files if each.endswith(".json"))
    return tuple(sorted(names, key=version_key))


def version_key(version: str) -> tuple[int, ...]:
    """`v0.26.0` as (0, 26, 0), to compare releases."""
    return tuple(int(number) for number in re.findall(r"[0-9]+", version))


def _read(folder: str, name: str) -> Any:
    with open(f"{COMPILED}/{folder}/{name}.json", encoding="utf-8") as file:
        return json.load(file)
