"""Rules are asked of an environment only where it differs in what they read, and miss nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from modelmill import checks, sharing
from modelmill.compilation import compile_repository
from modelmill.diagnostics import CompileError
from modelmill.record import Record
from modelmill.relevant import modules
from modelmill.repository import index
from modelmill.resolve import Resolver, environments_of
from modelmill.sources import read_sources
from modelmill.spec.documents import OverlayDocument, Spec
from modelmill.spec.engine import Engine
from modelmill.spec.role import Role
from modelmill.spec.routing import Routing, Scheduler
from modelmill.tree import Node
from modelmill.variant import Variant, decode
from stories import BAD, GOOD, stories
from support import PROJECT, model, overlay, repository

STORIES = {
    "good": [GOOD / each for each in stories(GOOD)],
    "bad": [BAD / each for each in stories(BAD) if (BAD / each / "modelmill.yaml").is_file()],
}
RULES = modules("modelmill.checks", *checks.VARIANT_RULES)
READS = {rule: {*rule.READS.split(), *checks.EVERYONES} for rule in RULES if hasattr(rule, "READS")}
ABOVE: Mapping[type[Record], str] = {
    Spec: "",
    Role: "",
    Engine: "engine.",
    Routing: "routing.",
    Scheduler: "routing.scheduler.",
}
"""What stands before a field's name in the words of rules."""
OF_VARIANT = dict.fromkeys(("overlay", "namespace", "environment"), checks.ENVIRONMENT) | {
    "route": "routing.route"
}
Note = Callable[[str], None]


def variants_of(root: Path) -> Iterator[Variant]:
    """Each model's base, then what it is in each environment, as far as they can be read."""
    try:
        repository = index(read_sources(root))
    except CompileError:
        return
    resolver = Resolver(repository.catalog)
    for each in repository.catalog.models.values():
        for place in (None, *environments_of(repository.catalog, each)):
            try:
                found = resolver.variant(each, place) if place else resolver.base(each)
                yield decode(found, repository.versions)
            except CompileError:
                continue


def afresh(variant: Variant, tree: Node | None = None) -> Variant:
    """The same, of which nothing was asked yet."""
    around = (variant.model, variant.overlay, variant.chain, tree or variant.tree, variant.spec)
    beside = {"kserve": variant.kserve, "configs": variant.configs}
    return Variant(*around, variant.versions, {}, **beside)  # type: ignore[arg-type]


class Variables(dict[str, Any]):
    """Variables of an engine: each is read by its name, or all of them are."""

    def __init__(self, own: Mapping[str, Any], note: Note) -> None:
        super().__init__(own)
        self.note = note

    def get(self, name: str, default: Any = None) -> Any:
        self.note(f"engine.env.{name}")
        return super().get(name, default)

    def __contains__(self, name: object) -> bool:
        self.note(f"engine.env.{name}")
        return super().__contains__(name)

    def __iter__(self) -> Iterator[str]:
        self.note("engine.env")
        return super().__iter__()

    def items(self) -> Any:
        self.note("engine.env")
        return super().items()


class Tree(Node):
    """A spec's tree that tells what is asked of it."""

    __slots__ = ("asked", "note")

    def get(self, *path: str | int) -> Node | None:
        words = [WORDS.get(str(each), str(each)) for each in path]
        self.note(".".join(words[2:] if words[0] == "roles" else words))
        return super().get(*path)


WORDS = {key: own.name for each in ABOVE for key, own in each._declared.items()}


def watching(tree: Node, note: Note) -> Tree:
    made = Tree(tree.value, tree.place, tree.key, tree.under, tree.source)
    made.note = note
    return made


def is_said(word: str, reads: set[str]) -> bool:
    """Whether a rule says that it reads a word, or what stands above it."""
    parts = word.split(".")
    return any(".".join(parts[: length + 1]) in reads for length in range(len(parts)))


@pytest.mark.parametrize("kind", STORIES)
def test_a_rule_reads_no_more_than_it_says(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: set[str] = set()
    quiet = 0

    def note(word: str) -> None:
        if not quiet:
            seen.add(word)

    def read(self: Record, name: str) -> Any:
        value, above = object.__getattribute__(self, name), ABOVE.get(type(self))
        if type(self) is OverlayDocument:
            note(checks.ENVIRONMENT)
        elif above == "engine." and name == "env":
            return Variables(value, note)
        elif above is not None and name in WORDS.values():
            note(above + name)
        return value

    def read_of_variant(self: Variant, name: str) -> Any:
        if name in OF_VARIANT:
            note(OF_VARIANT[name])
        return object.__getattribute__(self, name)

    def silently(function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*given: Any) -> Any:
            nonlocal quiet
            quiet += 1
            try:
                return function(*given)
            finally:
                quiet -= 1

        return call

    # To compare two variants, or to lay a role's workers over it, is not yet to read of them.
    monkeypatch.setattr(sharing, "_changes", silently(sharing._changes))
    monkeypatch.setattr(Variant, "workers_of", silently(Variant.workers_of))
    monkeypatch.setattr(Record, "__getattribute__", read)
    monkeypatch.setattr(Variant, "__getattribute__", read_of_variant)
    unsaid = {}
    for root in STORIES[kind]:
        for variant in variants_of(root):
            for rule, reads in READS.items():
                own = afresh(variant, watching(variant.tree, note))
                seen.clear()
                list(rule.check(own))
                found = {each for each in seen if not is_said(each, reads)}
                if found:
                    unsaid[rule.__name__, root.name] = found
    assert not unsaid


@pytest.mark.parametrize("kind", STORIES)
def test_what_is_found_is_what_all_rules_find(kind: str) -> None:
    for root in STORIES[kind]:
        for variant in variants_of(root):
            alone = [found for rule in RULES for found in rule.check(afresh(variant))]
            assert list(checks.of_variant(variant)) == alone, (root, variant.environment)


def found_in(root: Path, spec: str, **environments: str) -> set[tuple[str, str]]:
    """Codes of what is found of a model, with the environments they are found in."""
    texts = {f"overlays/{n}/environment.yaml": overlay(n, s) for n, s in environments.items()}
    texts |= {"modelmill.yaml": PROJECT, "models/tiny.yaml": model("tiny", spec)}
    found = compile_repository(repository(root, texts)).diagnostics
    return {(each.code, "".join(note.message for note in each.notes[-1:])) for each in found}


ONE = """
engine: {type: vllm, version: v0.26.0, image: "vllm:v0.26.0", args: {max-model-len: 1024}}
accelerator: {name: a, vendor: nvidia, resource: nvidia.com/gpu, perNode: 8}
roles: {decode: {type: prefill-decode, parallelism: {tensor: 2}}}
routing: {port: 8000}
"""
LAYERS = {
    "C506": "roles: {decode: {parallelism: {tensor: 16}}}",
    "C513": "engine: {args: {max-num-seqs: many}}",
    "C526": "pod: {labels: {app.kubernetes.io/name: other}}",
    "C528": "engine: {env: {TOKEN: hunter2}}",
    "C532": "routing: {sidecar: {enabled: true}, port: 8200}",
    "C537": "pod: {fields: {volumes: []}}",
}


@pytest.mark.parametrize("code", LAYERS)
def test_a_fault_of_one_environment_is_found_there(code: str, tmp_path: Path) -> None:
    found = found_in(tmp_path, ONE, dev="", prod=LAYERS[code], staging="replicas: 2")
    assert (code, "in the environment `prod`") in found
    assert {each for each, _ in found} == {code}


PICKER = """
    port: 8000
    scheduler:
      config:
        name: own
        plugins: {session-affinity-scorer: {}, max-score-picker: {}}
        schedulingProfiles:
          default: {plugins: {session-affinity-scorer: {weight: 1}, max-score-picker: {}}}
      flags: {allow-experimental-plugins: true}
"""
OF_PICKERS = {
    "C515": "config: {schedulingProfiles: {default: {plugins: {no-such: {}}}}}",
    "C552": "flags: {allow-experimental-plugins: null}",
    "C553": "config: {plugins: {max-score-picker: {parameters: {maxNumOfEndpoints: many}}}}",
}


@pytest.mark.parametrize("code", OF_PICKERS)
def test_a_fault_of_a_picker_in_one_environment_is_found_there(code: str, tmp_path: Path) -> None:
    fault = f"routing: {{scheduler: {{{OF_PICKERS[code]}}}}}"
    spec = ONE.replace("routing: {port: 8000}", f"routing:{PICKER}")
    found = found_in(tmp_path, spec, dev="", prod=fault, staging="replicas: 2")
    assert (code, "in the environment `prod`") in found
    assert {each for each, _ in found} == {code}
