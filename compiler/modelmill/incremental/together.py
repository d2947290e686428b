"""What is said of all models together, again only where it could be something else.

In: the heads that hold, and what was compiled. Out: all findings, and the units of environments.
"""

from __future__ import annotations

import pickle
from collections.abc import Mapping, Sequence
from typing import Any

from modelmill import stamps
from modelmill.compilation import as_told, of_all
from modelmill.diagnostics import Diagnostic, Span
from modelmill.filetree import Unit
from modelmill.incremental.cache import Cache, sheet_kept
from modelmill.incremental.entries import Head, Shared, Sheet
from modelmill.incremental.parts import Irregular, Result
from modelmill.incremental.still import Still, shared_as_before
from modelmill.repository import MAX_VARIANTS, Repository
from modelmill.secret_scan import findings
from modelmill.sources import MAX_TOTAL
from modelmill.tuples import NamedTuple


class Together(NamedTuple):
    """All findings, the units of environments (None: as they stand), and what is said of all models
    together."""

    diagnostics: tuple[Diagnostic, ...]
    units: Mapping[str, Unit] | None
    whole: tuple[Diagnostic, ...]


def together(
    cache: Cache,
    repository: Repository,
    texts: Mapping[str, str],
    now: Shared,
    held: Still,
    results: Sequence[Result],
    *,
    is_whole: bool,
) -> Together:
    """`texts` has those of models too. Raises Irregular where models are too many, or share one
    name."""
    heads = dict(held.heads)
    heads.update((each.path, each.head) for each in results if each.head is not None)
    _limits(heads, repository, held)
    whole = _as_before(cache, now, held, heads, results) if is_whole else None
    if whole is not None:
        own = [d for each in _telling(cache, held, results) for d in each.compiled.diagnostics]
        return Together(as_told([*repository.problems, *own, *whole]), None, whole)
    return _anew(cache, repository, texts, held, results, is_whole=is_whole)


def _limits(heads: Mapping[str, Head], repository: Repository, held: Still) -> None:
    variants = sum(len(each.environments) for each in heads.values())
    size = sum(len(text.encode()) for text in repository.texts.values())
    if variants > MAX_VARIANTS or size + stamps.size_of(held.models.dates) > MAX_TOTAL:
        raise Irregular


def _as_before(
    cache: Cache,
    now: Shared,
    held: Still,
    heads: Mapping[str, Head],
    results: Sequence[Result],
) -> tuple[Diagnostic, ...] | None:
    """What was said of all models together the last time, where that is said now; None where it has
    to be found out."""
    state = cache.state
    if state is None or cache.heads.keys() != heads.keys() or not shared_as_before(cache, now):
        return None
    models = {each.name for each in heads.values()}
    if any(name not in held.units for name in state["outputs"] if name not in models):
        return None  # what environments own does not stand as it was made
    whole: tuple[Diagnostic, ...] = pickle.loads(state["whole"])
    for each in results:
        before = sheet_kept(cache, each.path, cache.heads[each.path])
        if before is None or each.sheet is None or not _alike(before, each.sheet, exactly=whole):
            return None
    for path, head in held.heads.items():
        if head.key != cache.heads[path].key:  # another branch's, kept from before
            return None
    return whole


def _alike(before: Sheet, after: Sheet, *, exactly: object) -> bool:
    """Whether two sheets are the same to whoever looks at all models together: where nothing is
    said of them, wherever things stand."""
    if before.stray or after.stray:
        return False
    one, other = (
        (each.known, each.compiled.facts, each.compiled.used, each.compiled.configs)
        for each in (before, after)
    )
    return one == other if exactly else _placeless(one) == _placeless(other)


def _placeless(value: Any) -> Any:
    """The same without spans."""
    if isinstance(value, Span):
        return None
    if isinstance(value, tuple):
        return tuple(map(_placeless, value))
    if isinstance(value, Mapping):
        return {key: _placeless(each) for key, each in value.items()}
    return value


def _telling(cache: Cache, held: Still, results: Sequence[Result]) -> list[Sheet]:
    """The sheets of models of which something is said, by name."""
    told = [_sheet(cache, path, head) for path, head in held.heads.items() if not head.is_silent]
    told += [each.sheet for each in results if each.sheet is not None]
    return sorted(told, key=lambda each: each.compiled.model)


def _sheet(cache: Cache, path: str, head: Head) -> Sheet:
    found = sheet_kept(cache, path, head)
    if found is None:
        raise Irregular
    return found


def _anew(
    cache: Cache,
    repository: Repository,
    texts: Mapping[str, str],
    held: Still,
    results: Sequence[Result],
    *,
    is_whole: bool,
) -> Together:
    sheets = [_sheet(cache, path, head) for path, head in held.heads.items()]
    sheets += [each.sheet for each in results if each.sheet is not None]
    named = {each.compiled.model: each for each in sheets}
    if len(named) < len(sheets):
        raise Irregular
    problems, unread = list(repository.problems), set(repository.catalog.unread)
    stray = [found for each in sheets for found in each.stray]
    for each in results:
        if each.fault is not None:
            problems += each.fault.diagnostics
            unread.add(each.fault.unread)
            stray += each.fault.stray
    stray += [each for path, text in repository.texts.items() for each in findings(path, text)]
    catalog = repository.catalog._replace(unread=frozenset(unread))
    here = repository._replace(catalog=catalog, problems=tuple(problems), texts=texts)
    roster = {name: named[name].known for name in sorted(named)}
    compiled = [named[name].compiled for name in roster]
    own = [d for each in compiled for d in each.diagnostics]
    whole, units, _ = of_all(here, compiled, roster, stray, own, is_whole=is_whole)
    return Together(as_told([*problems, *own, *whole]), units, tuple(whole))
