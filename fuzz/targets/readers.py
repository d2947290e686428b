"""Every other reader of bytes that a pull request brings: values, manifests, CRDs, locks, ledgers.

In: a byte that names the reader, and what it reads.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from fuzz.corpus import sources
from fuzz.holds import readable, twice
from modelmill.importers.documents import Words, in_file, read_documents
from modelmill.importers.gotemplate.faults import Fault
from modelmill.importers.gotemplate.functions.yaml_values import from_yaml
from modelmill.importers.helm.reading import read_file
from modelmill.output.ledger import read_ledger, resembles_ledger
from modelmill.pins import lock_text, read_lock
from modelmill.publishing import messages
from modelmill.syntax import parse
from modelmill.validation.manifests import read as read_manifests
from modelmill.validation.plain_yaml import documents
from modelmill.yaml_faults import text_of

LOCK = b"""apiVersion: modelmill.dev/v1alpha1
kind: Lock
versions: llm-d-v0.9
library: {version: "1", presets: {sim: "sha256:0"}}
images: {"ghcr.io/a/b:v1": "sha256:%s"}
models: {"hf://a/b@main": "%s"}
""" % (b"0" * 64, b"1" * 40)
LEDGER = b'{"digest": "sha256:00", "files": {"base/a.yaml": "sha256:0"}, "sources": ["a"]}'
ALIASES = b"a: &a [x, &b {c: d}]\nb: *a\nc:\n  <<: *b\n  e: *b\n---\nk: 1\n"


def _lock(data: bytes) -> None:
    """What is read is written as it was meant."""
    lock = read_lock(parse("modelmill.lock", data))
    again = read_lock(parse("modelmill.lock", lock_text(lock).encode()))
    assert lock_text(again) == lock_text(lock)


def _manifests(data: bytes) -> Any:
    found = read_manifests("m.yaml", data)
    readable(found.findings)
    return [resource for resource, _ in found.objects]


def _template_yaml(data: bytes) -> Any:
    try:
        return from_yaml(data.decode("utf-8", "replace"))
    except (Fault, ValueError) as fault:
        return str(fault)


def _documents(data: bytes) -> None:
    words = Words("I831", "I835", "a reader")
    readable(read_documents(text_of("f.yaml", data), in_file("f.yaml"), words).findings)


READERS: Sequence[tuple[Callable[[bytes], Any], bytes]] = (
    (lambda data: read_file("v.yaml", data).comments, b"# head\na: 1 # one\nb:\n  # two\n  - c\n"),
    (_documents, ALIASES),
    (lambda data: list(documents("c.yaml", data)), b"apiVersion: v1\nkind: A\n---\n- b\n"),
    (_manifests, ALIASES),
    (_lock, LOCK),
    (lambda data: (read_ledger(data), resembles_ledger(data)), LEDGER),
    (messages.recorded, b'{"drySha": "0123", "repoURL": "https://x", "subject": "s"}'),
    (_template_yaml, ALIASES),
)


def seeds() -> Iterator[bytes]:
    for which, (_, sample) in enumerate(READERS):
        yield bytes([which]) + sample
    for each in sources():
        yield b"\0" + each
        yield b"\1" + each


def check(data: bytes) -> None:
    reader, _ = READERS[(data[0] if data else 0) % len(READERS)]
    twice(lambda: reader(data[1:]))
