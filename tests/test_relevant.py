"""What is passed over as irrelevant would have found, or made, nothing: asked of every story."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest

from modelmill import checks, kinds
from modelmill.diagnostics import CompileError
from modelmill.kserve.thin import configs_of
from modelmill.relevant import Rows, fields_of
from modelmill.repository import index
from modelmill.resolve import Resolver, environments_of
from modelmill.sources import read_sources
from modelmill.variant import Variant, decode

CORPUS = Path(__file__).parent / "corpus"
STORIES = sorted(p.parent for p in CORPUS.glob("*/*/modelmill.yaml"))


def variants(root: Path) -> Iterator[Variant]:
    """Every variant of a repository that can be read."""
    try:
        repository = index(read_sources(root))
    except CompileError:
        return
    resolver = Resolver(repository.catalog)
    for model in repository.catalog.models.values():
        for overlay in (None, *environments_of(repository.catalog, model)):
            try:
                laid = resolver.variant(model, overlay) if overlay else resolver.base(model)
                variant = decode(laid, repository.versions)
                if variant.kserve is not None:
                    variant = variant.over(configs_of(resolver, variant))
            except CompileError:
                continue
            yield variant


def passed_over(rows: Rows, variant: Variant) -> list[str]:
    said = fields_of(variant)
    return [name for name, fields in rows.items() if fields and not said & set(fields.split())]


@pytest.mark.parametrize("folder", ["good", "bad"])
def test_rules_and_kinds_that_are_passed_over_have_nothing_to_say(folder: str) -> None:
    asked = 0
    for root in (each for each in STORIES if each.parent.name == folder):
        for variant in variants(root):
            for name in passed_over(checks.VARIANT_RULES, variant):
                found = list(import_module(f"modelmill.checks.{name}").check(variant))
                assert found == [], (root.name, variant.environment, name)
                asked += 1
            for name in passed_over(kinds.ROWS, variant):
                if variant.kserve is not None and name in kinds.MADE_BY_KSERVE:
                    continue
                made = list(import_module(f"modelmill.kinds.{name}").emit(variant))
                assert made == [], (root.name, variant.environment, name)
                asked += 1
    assert asked > 1000


def test_every_field_of_a_row_is_one_of_the_language() -> None:
    from modelmill.record import Record

    known = {field.name for record in _below(Record) for field in record._declared.values()}
    rows = {**checks.VARIANT_RULES, **kinds.ROWS}
    words = {word for fields in rows.values() for word in fields.split()} - {"KServe"}
    assert words <= known


def _below(record: type) -> Iterator[type]:
    for each in record.__subclasses__():
        yield each
        yield from _below(each)
