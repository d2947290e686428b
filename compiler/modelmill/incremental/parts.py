"""What one process does: reads models, compiles them, compares their units with the disk, and
writes them when told to.

In: the repository without its models, and paths of their files. Out: a Result for each, and a
summary of how generated/ differs; then an answer to each order of the one who holds the journal.
Texts of units stay in this process, and documents only as long as they are compiled.
"""

from __future__ import annotations

import pickle
from collections.abc import Callable, Sequence
from hashlib import sha256

from modelmill.cachefile import content
from modelmill.catalog import read_document
from modelmill.coverage import known
from modelmill.diagnostics import CompileError, Diagnostic
from modelmill.files import Files
from modelmill.incremental.cache import Cache, keep
from modelmill.incremental.entries import Head, Shared, Sheet, head_of
from modelmill.output import LEDGER, Part, Summary, add, contents, obey, summary
from modelmill.pipeline import compile_model
from modelmill.repository import Repository
from modelmill.resolve import Resolver
from modelmill.secret_scan import findings
from modelmill.sources import named_by
from modelmill.syntax import parse
from modelmill.tuples import NamedTuple
from modelmill.workers import Part as Work
from modelmill.workers import let_go


class Irregular(Exception):
    """A repository that is not a matter of one model after the other: the plain way has it all."""


class Fault(NamedTuple):
    """A file that cannot be read as a model: what is wrong, the kind and name it would have, and
    what looks like a secret in it."""

    diagnostics: tuple[Diagnostic, ...]
    unread: tuple[str, str]
    stray: tuple[Diagnostic, ...]


class Result(NamedTuple):
    """What became of a model's file: its size, the digest of what it held, and the model or what is
    wrong. A model with errors has no head: what it depends on is not known."""

    path: str
    size: int
    content: bytes
    head: Head | None = None
    sheet: Sheet | None = None
    fault: Fault | None = None


class Answer(NamedTuple):
    """What a process has when it has compiled; the summary of its part where that is elsewhere."""

    results: tuple[Result, ...]
    summary: Summary | None


class Task(NamedTuple):
    """What all processes share."""

    repository: Repository
    now: Shared
    files: Files
    cache: Cache


def work(
    task: Task,
    part: Part,
    paths: Sequence[str],
    told: Callable[[int], None] | None,
    *,
    is_elsewhere: bool,
) -> Work:
    """Compile, compare, and then obey. Raises Irregular for a document that is no model."""
    resolver, results = Resolver(task.repository.catalog), []
    for count, path in enumerate(paths, 1):
        results.append(_result(task, resolver, part, path))
        resolver.forget()
        let_go(count)
        if told is not None:
            told(count)
    order = yield Answer(tuple(results), summary(part) if is_elsewhere else None)
    while True:
        order = yield obey(part, order)


def _result(task: Task, resolver: Resolver, part: Part, path: str) -> Result:
    data, text, repository = b"", "", task.repository
    try:
        data = task.files.read(path)
        text = data.decode("utf-8", "replace")
        document = read_document(path, parse(path, data))
    except CompileError as fault:
        unread = named_by(repository.catalog.project.paths, path, text)
        told = Fault(fault.diagnostics, unread, tuple(findings(path, text)))
        return Result(path, len(data), content(data), fault=told)
    if document.kind != "Model":
        raise Irregular
    texts = {**repository.texts, path: text}
    compiled = compile_model(repository._replace(texts=texts), resolver, document)
    sheet = Sheet(known(repository.catalog, document), compiled, tuple(findings(path, text)))
    own, head = content(data), None
    if compiled.unit is not None:
        written = contents(compiled.unit)
        add(part, document.name, compiled.unit, written)
        ledger = sha256(written[LEDGER]).hexdigest()
        head = head_of(task.now, sheet, document, own, written, ledger)
    sheet = sheet._replace(compiled=compiled._replace(unit=None))
    if head is not None:
        keep(task.cache, path, head, pickle.dumps(sheet, protocol=pickle.HIGHEST_PROTOCOL))
    return Result(path, len(data), own, head, sheet)
