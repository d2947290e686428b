"""The keys and patterns that docs/promotion.md gives to bots, tried on this repository's files."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
import re2

from modelmill.editing.spots import spots, walk
from modelmill.editing.values import value_at, with_value
from support import ROOT, inputs_of, model, tree, with_nulls

PAGE = (ROOT / "docs" / "promotion.md").read_text(encoding="utf-8")
INPUTS = inputs_of(ROOT)
COMMIT = "0123456789abcdef0123456789abcdef01234567"
DIGEST = "sha256:" + "c" * 64
COMMITS = re.compile(r"revision: ([0-9a-f]{40})")
OF_A_COMMIT = [path for path, text in INPUTS.items() if "models/" in path and COMMITS.search(text)]
PINNED = model(
    "pinned",
    f"""
    engine:
      image: registry.example.com:5000/acme/vllm:v1@sha256:{"a" * 64}
    model:
      name: acme/pinned
      uri: hf://acme/pinned
      lora: {{adapters: {{sql: {{uri: "hf://acme/sql", revision: {"b" * 40}}}}}}}
    """,
)


def managers() -> list[dict[str, Any]]:
    block = PAGE.partition("<!-- renovate -->\n\n```json\n")[2].partition("```")[0]
    found: list[dict[str, Any]] = json.loads(block)["customManagers"]
    return found


def reads(manager: dict[str, Any], path: str) -> bool:
    return any(re.search(each.strip("/"), path) for each in manager["managerFilePatterns"])


def bumps(manager: dict[str, Any], text: str) -> Iterator[tuple[str, str, str]]:
    """What a manager finds: the dependency, what it has, and the text with the next one.
    Renovate looks by RE2 and replaces the value inside of what it found."""
    for pattern in manager["matchStrings"]:
        for found in re2.finditer(pattern.replace("(?<", "(?P<"), text):
            groups = found.groupdict()
            for name, new in (("currentDigest", COMMIT), ("currentValue", "v9.9.9")):
                old = groups.get(name)
                if old is None:
                    continue
                new = DIGEST if old.startswith("sha256:") else new
                changed = found.group(0).replace(old, new)
                after = text[: found.start()] + changed + text[found.end() :]
                yield groups["depName"], old, after


def differing(before: Any, after: Any, at: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    if isinstance(before, dict) and isinstance(after, dict) and before.keys() == after.keys():
        return [p for key in before for p in differing(before[key], after[key], (*at, key))]
    return [] if before == after else [at]


def found_in(path: str, text: str) -> dict[tuple[str, str], tuple[Any, ...]]:
    """Paths of the values that would be bumped; each edit changes just one."""
    before, paths = with_nulls(tree(text, path)), {}
    for manager in managers():
        if reads(manager, path):
            for name, old, after in bumps(manager, text):
                (changed,) = differing(before, with_nulls(tree(after, path)))
                assert (
                    len(
                        [
                            1
                            for a, b in zip(text.split("\n"), after.split("\n"), strict=True)
                            if a != b
                        ]
                    )
                    == 1
                )
                paths[name, old] = changed
    return paths


@pytest.mark.parametrize("path", OF_A_COMMIT)
def test_renovate_finds_every_commit_of_a_model(path: str) -> None:
    text = INPUTS[path]
    found = found_in(path, text)
    assert sorted(old for _, old in found) == sorted(COMMITS.findall(text))
    weights = with_nulls(tree(text, path))["spec"]["model"]
    name = "/".join(weights["uri"].split("/")[-2:])
    assert found[name, weights["revision"]] == ("spec", "model", "revision")


def test_renovate_finds_every_image_of_the_presets() -> None:
    found = {path: found_in(path, text) for path, text in INPUTS.items() if "presets/" in path}
    images = {name for each in found.values() for name, _ in each}
    assert {"docker.io/vllm/vllm-openai", "docker.io/lmsysorg/sglang"} <= images
    for path, text in INPUTS.items():
        if path.startswith("presets/"):
            document = with_nulls(tree(text, path))
            engine = (document.get("spec") or {}).get("engine") or {}
            own_version = "version" in engine and "image" in engine
            assert not own_version or found[path], path


def test_renovate_finds_images_by_digest_and_adapters_in_braces() -> None:
    found = found_in("models/pinned.yaml", PINNED)
    image = "registry.example.com:5000/acme/vllm"
    assert found[image, "sha256:" + "a" * 64] == ("spec", "engine", "image")
    assert found["acme/sql", "b" * 40][-3:] == ("adapters", "sql", "revision")
    project = f"versions:\n  images:\n    endpointPicker: ghcr.io/acme/epp@sha256:{'a' * 64}\n"
    assert list(found_in("modelmill.yaml", project).values()) == [
        ("versions", "images", "endpointPicker")
    ]


def by_kargo(text: str, key: str, value: str) -> str:
    """Kargo's `yaml-update`: the value goes over all that stands on the rest of its line.
    https://github.com/akuity/kargo/blob/0ee8e3992466ea25681c16bbca8fe7da7ca847de/pkg/yaml/yaml.go"""
    path = tuple(key.split("."))
    trail = walk(spots(text), path)
    assert len(trail) == len(path)
    start = trail[-1].value.start
    return text[:start] + value + text[text.index("\n", start) :]


@pytest.mark.parametrize("path", OF_A_COMMIT)
def test_kargo_bumps_a_model_by_its_key(path: str) -> None:
    text = INPUTS[path]
    before = with_nulls(tree(text, path))
    after = with_nulls(tree(by_kargo(text, "spec.model.revision", COMMIT), path))
    assert after == with_value(before, ("spec", "model", "revision"), COMMIT)
    assert "key: spec.model.revision," in PAGE


def test_kargo_bumps_an_engine_by_its_key() -> None:
    path = next(path for path in INPUTS if path.endswith("/vllm.yaml"))
    before = with_nulls(tree(INPUTS[path], path))
    after = with_nulls(tree(by_kargo(INPUTS[path], "spec.engine.version", "v9.9.9"), path))
    assert value_at(after, ("spec", "engine", "version")) == "v9.9.9"
    assert differing(before, after) == [("spec", "engine", "version")]
