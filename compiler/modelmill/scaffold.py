"""The files a person starts from.

In: names, and the presets a repository has. Out: texts by path that compile as they are. What a
preset is for is told from its spec, never from its name; nothing is read or written here.
"""

from __future__ import annotations

import os
import textwrap
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import product
from typing import Any, get_args

from modelmill.catalog import Catalog, Document, read_document
from modelmill.catalogues import version_sets
from modelmill.compilation import compile_repository
from modelmill.diagnostics import CompileError, Diagnostic, error, has_errors
from modelmill.model_uri import UriFault, parse_uri
from modelmill.repository import Repository
from modelmill.resolve import Resolver
from modelmill.schema import KINDS, schema_text
from modelmill.shapes import Problems
from modelmill.spec.documents import API_VERSION, Identity
from modelmill.spec.engine import EngineType
from modelmill.spec.model import ModelSource
from modelmill.syntax import parse
from modelmill.tree import Node, plant
from modelmill.tuples import NamedTuple
from modelmill.yamltext import scalar

SCHEMAS = "schemas"
STARTER_URI = "hf://Qwen/Qwen3-0.6B"
"""Weights that need no token and fit every accelerator, so that a first model serves at once."""

_MOST_TRIES = 64
_ENGINES: tuple[str, ...] = get_args(EngineType)


class Offer(NamedTuple):
    """What a preset brings, its parents included: engine type, accelerator vendor, roles; and how
    many values it sets itself."""

    preset: str
    engine: str | None
    accelerator: str | None
    roles: tuple[str, ...]
    settings: int

    @property
    def brings(self) -> set[str]:
        brought = {
            "engine": self.engine is not None,
            "accelerator": self.accelerator is not None,
            "roles": bool(self.roles),
        }
        return {what for what, is_there in brought.items() if is_there}


class Scaffold(NamedTuple):
    """A model file's text, the presets it extends, and what compiling it would find."""

    text: str
    extends: tuple[str, ...]
    findings: tuple[Diagnostic, ...]


def project_text(schemas: str | None = None) -> str:
    """modelmill.yaml, with the newest version set, and with the folder of schemas that the
    repository has of its own."""
    body = f"versions:\n  set: {scalar(version_sets()[-1])}\n"
    own = f"validation:\n  schemas: [{schemas}]\n" if schemas else ""
    return _head("modelmill.yaml", "Project") + body + own


def overlay_text(path: str, name: str) -> str:
    """One environment that takes every model."""
    return f"{_head(path, 'Overlay')}metadata:\n  name: {name}\nnamespace: llm-{name}\n"


def schema_texts() -> Mapping[str, str]:
    """Every schema by its file's name."""
    return {f"{name}.json": schema_text(name) for name in KINDS}


def check_name(name: str) -> None:
    """Refuse what cannot be the name of a document."""
    problems = Problems(partial=False)
    Identity.shape().decode(plant({"name": name}, ("", 1, 1, 1)), problems)
    if problems.found:
        raise CompileError(d._replace(span=None) for d in problems.found)


def served_name(name: str, uri: str) -> str:
    """What a model of these weights is usually asked for by."""
    try:
        return parse_uri(uri, ModelSource.mount_path).hub_name or name
    except UriFault as fault:
        raise CompileError([error("C502", str(fault), hint=fault.hint)]) from None


def scaffold_model(
    repository: Repository, path: str, name: str, uri: str, presets: Sequence[str]
) -> Scaffold:
    """The first choice of presets, the given ones among them, that compiles; else the first."""
    offers = offers_of(repository.catalog)
    tries = []
    for extends, _ in zip(
        _choices(offers, repository.catalog, presets), range(_MOST_TRIES), strict=False
    ):
        text = _model_text(path, name, uri, extends, offers)
        tries.append(Scaffold(text, extends, _findings(repository, path, name, text)))
        if not has_errors(tries[-1].findings):
            return tries[-1]
    return tries[0]


def offers_of(catalog: Catalog) -> Mapping[str, Offer]:
    """What each usable preset brings, by its name."""
    resolver = Resolver(catalog)
    found = {}
    for preset in catalog.presets.values():
        try:
            chain = (*resolver.chain(preset.record.extends, preset), preset)
        except CompileError:
            continue
        found[preset.name] = _offer(preset.name, chain)
    return found


def _offer(name: str, chain: Sequence[Document]) -> Offer:
    engine = accelerator = None
    roles: list[str] = []
    for each in chain:
        spec = each.record.spec
        kind, product_name = spec.get("engine", "type"), spec.get("accelerator", "name")
        vendor = spec.get("accelerator", "vendor")
        engine = str(kind.value) if kind else engine
        if product_name:
            accelerator = str(vendor.value) if vendor else ""
        named = spec.get("roles")
        roles += named.value if named else ()
    settings = _leaves(chain[-1].record.spec)
    return Offer(name, engine, accelerator, tuple(dict.fromkeys(roles)), settings)


def _leaves(node: Node) -> int:
    inside = node.value.values() if isinstance(node.value, dict) else ()
    return sum(map(_leaves, inside)) or 1


def _choices(
    offers: Mapping[str, Offer], catalog: Catalog, given: Sequence[str]
) -> Iterator[tuple[str, ...]]:
    """Presets to extend: the given ones, and what they lack of engine, accelerator and roles.

    The likeliest first: what the repository's models extend already, then the engine modelmill
    names first, an accelerator of the maker most presets are for, and the fewest roles, of which
    least is said.
    """
    uses = Counter(p for model in catalog.models.values() for p in model.record.extends)
    makers = Counter(o.accelerator for o in offers.values() if o.accelerator)
    brought = set().union(*(offers[name].brings for name in given if name in offers))

    def lacking(what: str, order: Callable[[Offer], Any]) -> list[tuple[str, ...]]:
        fitting = [o for o in offers.values() if o.brings == {what} and what not in brought]
        fitting.sort(key=lambda o: (-uses[o.preset], order(o), o.preset))
        return [(o.preset,) for o in fitting] or [()]

    engines = lacking("engine", lambda o: _ENGINES.index(o.engine) if o.engine in _ENGINES else 99)
    accelerators = lacking("accelerator", lambda o: -makers[o.accelerator or ""])
    roles = lacking("roles", lambda o: (len(o.roles), o.settings))
    hardware = {n for n, o in offers.items() if o.brings & {"engine", "accelerator"}}
    split = max((i for i, name in enumerate(given, 1) if name in hardware), default=0)
    for engine, role, accelerator in product(engines, roles, accelerators):
        yield (*engine, *given[:split], *accelerator, *role, *given[split:])


def _findings(repository: Repository, path: str, name: str, text: str) -> tuple[Diagnostic, ...]:
    """What compiling the file in this repository would find about it."""
    document = read_document(path, parse(path, text.encode()))
    catalog = repository.catalog._replace(models={**repository.catalog.models, name: document})
    there = repository._replace(
        catalog=catalog, texts={**repository.texts, path: text}, problems=()
    )
    return compile_repository(there, [name]).diagnostics


def _model_text(
    path: str, name: str, uri: str, extends: Sequence[str], offers: Mapping[str, Offer]
) -> str:
    lines = [
        _head(path, "Model") + "metadata:",
        f"  name: {scalar(name)}",
        *_available(offers),
        f"extends: [{', '.join(map(scalar, extends))}]",
        "spec:",
        "  model:",
        f"    name: {scalar(served_name(name, uri))}",
        f"    uri: {scalar(uri)}",
        "    # size: 20Gi                      # space for downloaded weights",
        "    # auth: {secretName: hf-token}    # the Secret of a gated model's token",
    ]
    roles = dict.fromkeys(role for each in extends if each in offers for role in offers[each].roles)
    if roles:
        lines.append(f"  # roles: {{{', '.join(f'{role}: {{replicas: 1}}' for role in roles)}}}")
    else:
        lines += ["  roles:", "    decode: {replicas: 1}"]
    lines.append("  # routing: {gateway: {name: inference-gateway}}    # adds an HTTPRoute")
    return "\n".join(lines) + "\n"


def _available(offers: Mapping[str, Offer]) -> list[str]:
    """Comments that name the repository's presets by what they bring."""
    rows = {
        what: [o.preset for o in offers.values() if what in o.brings]
        for what in ("engine", "accelerator", "roles")
    }
    text = "; ".join(f"{what}: {', '.join(names)}" for what, names in rows.items() if names)
    return textwrap.wrap(
        text, 100, initial_indent="# ", subsequent_indent="#   ", break_on_hyphens=False
    )


def _head(path: str, kind: str) -> str:
    schema = f"{SCHEMAS}/{kind.lower()}.json"
    from_here = os.path.relpath(schema, os.path.dirname(path) or ".")
    return f"# yaml-language-server: $schema={from_here}\napiVersion: {API_VERSION}\nkind: {kind}\n"
