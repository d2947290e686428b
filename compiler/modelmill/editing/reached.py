"""Which models an edit reaches, so that no others are judged again.

In: a repository before and after. Out: names of models. A model's objects follow from its inputs
alone; what rules say of several models follows from what each is known by.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from modelmill.catalog import Document
from modelmill.checks.facts import Facts
from modelmill.diagnostics import Span
from modelmill.repository import Repository
from modelmill.resolve import environments_of
from modelmill.sides import Side


def reached(
    before: Repository, after: Repository, edited: Collection[str]
) -> frozenset[str] | None:
    """The models some of whose inputs differ. None where more than models is concerned: who takes
    a model, what an environment owns, which presets there are."""
    if not _same_frame(before, after, edited):
        return None
    old, new = Side(before), Side(after)
    texts = ((name, old.texts(name), new.texts(name)) for name in new.models)
    return frozenset(name for name, was, now in texts if was is None or was != now)


def same_to_others(before: Sequence[Facts], after: Sequence[Facts]) -> bool:
    """Whether models are known by the same to all others. Where their numbers of replicas are
    written, only rules on one model ask."""
    return [_bare(f._replace(replicas=())) for f in before] == [
        _bare(f._replace(replicas=())) for f in after
    ]


def _same_frame(before: Repository, after: Repository, edited: Collection[str]) -> bool:
    frames = []
    for repository in (before, after):
        catalog = repository.catalog
        models = {each.path: each for each in catalog.models.values()}
        presets = {each.path: each for each in catalog.presets.values()}
        if not all(path in models or path in presets for path in edited):
            return False
        frames.append(
            (
                [_taken(repository, models[path]) for path in edited if path in models],
                [(p.name, p.record.extends) for path in edited if (p := presets.get(path))],
                catalog.unread,
            )
        )
    return frames[0] == frames[1]


def _taken(repository: Repository, model: Document) -> tuple[str, list[str]]:
    return model.name, [each.name for each in environments_of(repository.catalog, model)]


def _bare(value: Any) -> Any:
    """Facts without the places they stand at, which an edit above them moves."""
    if isinstance(value, Span):
        return None
    if isinstance(value, Mapping):
        return {key: _bare(each) for key, each in value.items()}
    return tuple(map(_bare, value)) if isinstance(value, tuple) else value
