"""What a model compiled to, and what that depends on.

In: the shared inputs of a repository as they are now, and what was kept. Out: whether it still
holds. A model depends on its own file, on the settings, on the environments that take it with all
their files, on the presets in its chains, on what the lock has of what it names, and on us.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from modelmill.cachefile import content
from modelmill.catalog import Catalog, Document
from modelmill.coverage import Known
from modelmill.diagnostics import Diagnostic
from modelmill.pins import LOCK, Used, used_of
from modelmill.pipeline import Compiled
from modelmill.selectors import selects
from modelmill.sources import PROJECT
from modelmill.tuples import NamedTuple


class Sheet(NamedTuple):
    """A model that was compiled, but for its texts: what the repository has to know of it, what it
    compiled to, and values of secrets in its file."""

    known: Known
    compiled: Compiled
    stray: tuple[Diagnostic, ...]


class Head(NamedTuple):
    """By which a sheet is known.

    key           a digest of all it was made from
    name          the model's
    labels        the model's, by which environments take it
    mentioned     the environments that its file has entries for
    environments  those that take it
    sources       paths of the shared files that took part
    images        and `models`: what it names that a lock may pin
    has_configs   whether names of other presets matter to it
    files         its unit's in lines, the ledger among them; "" where its stamps have them
    ledger        sha256 of that
    is_silent     whether nothing is said of it
    """

    key: bytes
    name: str
    labels: tuple[tuple[str, str], ...]
    mentioned: tuple[str, ...]
    environments: tuple[str, ...]
    sources: tuple[str, ...]
    images: tuple[str, ...]
    models: tuple[str, ...]
    has_configs: bool
    files: str
    ledger: str
    is_silent: bool


class Shared(NamedTuple):
    """What all models may depend on, as it is now.

    contents  digests of all files but the models', by path
    context   a digest of the settings and of us
    presets   a digest of all presets' names
    """

    catalog: Catalog
    contents: Mapping[str, bytes]
    context: bytes
    presets: bytes


def digest(*parts: bytes) -> bytes:
    """A hash over parts that cannot run into each other."""
    return content(b"".join(b"%d:%b" % (len(part), part) for part in parts))


def shared(catalog: Catalog, contents: Mapping[str, bytes], tool: bytes) -> Shared:
    """`tool` tells versions of us apart, and how we were asked."""
    context = digest(tool, contents[PROJECT])
    return Shared(catalog, contents, context, digest("\n".join(catalog.presets).encode()))


def head_of(
    now: Shared, sheet: Sheet, document: Document, own: bytes, files: Iterable[str], ledger: str
) -> Head:
    """`own`: the digest of the model's file."""
    entries, unit = document.node.get("environments"), sheet.compiled.unit
    apart = (document.path, PROJECT, LOCK)
    sources = (each for each in unit.sources if each not in apart) if unit is not None else ()
    used = sheet.compiled.used
    head = Head(
        b"",
        document.name,
        tuple(sorted(document.record.metadata.labels.items())),
        tuple(entries.value) if entries is not None else (),
        sheet.known.environments,
        tuple(sources),
        tuple(sorted(used.images)),
        tuple(sorted(used.models)),
        bool(sheet.compiled.configs),
        "\n".join(files),
        ledger,
        not (sheet.compiled.diagnostics or sheet.stray),
    )
    return head._replace(key=_key(now, head, document.path, own) or b"")


def holds(now: Shared, head: Head, path: str, own: bytes) -> bool:
    """Whether compiling the file again would make the same."""
    labels, overlays = dict(head.labels), now.catalog.overlays
    taken = tuple(name for name, o in overlays.items() if selects(o.record.selector, labels))
    if taken != head.environments or not overlays.keys() >= set(head.mentioned):
        return False
    return _key(now, head, path, own) == head.key


def _key(now: Shared, head: Head, path: str, own: bytes) -> bytes | None:
    """None where a file is gone."""
    parts = [now.context, path.encode(), own]
    for source in head.sources:
        if source not in now.contents:
            return None
        parts += [source.encode(), now.contents[source]]
    parts.append(_locked(now, head))
    # Names of configurations keep clear of every preset's.
    parts.append(now.presets if head.has_configs else b"")
    return digest(*parts)


def _locked(now: Shared, head: Head) -> bytes:
    """What the lock has of what a model names; all of it where it lacks something, as a finding
    then tells what it has instead."""
    lock = now.catalog.lock
    if lock is None:
        return b""
    found = used_of(lock, Used(frozenset(head.images), frozenset(head.models)))
    if len(found) < len(head.images) + len(head.models):
        return now.contents.get(LOCK, b"")
    return repr(found).encode()
