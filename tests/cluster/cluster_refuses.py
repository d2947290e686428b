"""What modelmill says an API server refuses, asked of a real one. Run by `make test-cluster`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from api_server import DRY, Api, Object
from deployed import deployed, unchecked
from kept import admitted, platform

from stories import BAD, code_of, copy, stories

CODES = (
    *("V101", "V103", "V104", "V105", "V108", "V110", "V111", "V115", "V116", "V117"),
    *("V200", "V253", "V258"),
)
"""What `validate` finds and whose pages say that an API server refuses the object."""
VALIDATED = [each for each in stories(BAD) if code_of(each) in CODES]
FOUND = re.compile(r"error\[(V\d+)\]: .*?^note: in (\w+) `([^`]+)` at", re.DOTALL | re.MULTILINE)
LINTED = [
    "C532-more-ranks-than-a-pool-has-ports",
    "C535-claims-without-devices",
    "C535-container-uses-no-claim-of-its-pod",
    "C536-last-mile-patch",
    "C536-what-baseline-refuses",
    "C536-what-restricted-refuses",
    "C548-more-than-a-route-holds",
    "C556-claim-without-access-mode",
    "C576-more-than-the-limit",
    "C576-two-of-one-name",
    "C584-what-kserve-refuses",
]
"""What `lint` finds for the same reason: nothing is compiled of these."""


def refusals(api: Api, body: Object) -> list[str]:
    """What the server has against an object, or against the pods of it."""
    if not api.serves(body):
        return [f"there is no {body['kind']} in {body['apiVersion']}"]
    answers = (api.apply(body, **DRY), *admitted(api, body))
    return [each.refusal for each in answers if each.refusal]


@pytest.mark.parametrize("story", VALIDATED)
def test_what_validate_finds_is_refused(api: Api, tmp_path: Path, story: str) -> None:
    found = FOUND.findall((BAD / story / "expected.txt").read_text())
    named = {(kind, name) for code, kind, name in found if code in CODES}
    objects = list(_objects(tmp_path, story))
    prepare(api, objects)
    refused = {(b["kind"], b["metadata"]["name"]) for b in objects if refusals(api, b)}
    assert named
    assert refused >= named


def _objects(place: Path, story: str) -> Iterator[Object]:
    manifests = BAD / story / "manifests.yaml"
    if manifests.exists():
        yield from yaml.load_all(manifests.read_text(), yaml.CSafeLoader)
    else:
        yield from (body for each in deployed(copy(BAD / story, place)) for body in each.objects)


@pytest.mark.parametrize("story", LINTED)
def test_what_lint_finds_is_refused(api: Api, tmp_path: Path, story: str) -> None:
    objects = unchecked(copy(BAD / story, tmp_path))
    prepare(api, objects)
    assert [text for each in objects for text in refusals(api, each)]


def prepare(api: Api, objects: list[Object]) -> None:
    """Have namespaces and classes there."""
    own = [each for each in objects if each["kind"] == "Namespace"]
    for each in (*own, *platform(api, own, [o for o in objects if api.serves(o)])):
        api.apply(each)
