"""What names stand for today: many look-ups side by side, none of which spoils the others.

In: images and models by the keys of the lock. Out: digests, commits, and why some were not found.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from queue import SimpleQueue
from threading import Thread

from modelmill.hub_client import commit_of
from modelmill.pins import HUB, Used
from modelmill.registry_client import digest_of
from modelmill.tuples import NamedTuple
from modelmill.web import LookupFault

AT_ONCE = 8
_Answer = tuple[str, str | Exception]


class Found(NamedTuple):
    """Digests and commits by their keys, and the fault of each that was not found."""

    images: Mapping[str, str]
    models: Mapping[str, str]
    faults: Mapping[str, LookupFault]


def look_up(
    wanted: Used,
    environment: Mapping[str, str],
    mirror: Callable[[str], str] = lambda image: image,
    seen: Callable[[int, int], None] | None = None,
) -> Found:
    """`mirror` says by which name an image is asked for. `seen` is told how many of how many are
    done."""

    def ask(key: str) -> str:
        if key in wanted.images:
            return digest_of(mirror(key), environment)
        name, _, revision = key.removeprefix(HUB).partition("@")
        return commit_of(name, revision, environment)

    found: dict[str, str] = {}
    faults: dict[str, LookupFault] = {}
    keys = [*sorted(wanted.images), *sorted(wanted.models)]
    for count, (key, answer) in enumerate(_side_by_side(ask, keys), 1):
        if isinstance(answer, str):
            found[key] = answer
        elif isinstance(answer, LookupFault):
            faults[key] = answer
        else:
            raise answer
        if seen is not None:
            seen(count, len(keys))
    return Found(
        {key: found[key] for key in keys if key in found and key in wanted.images},
        {key: found[key] for key in keys if key in found and key in wanted.models},
        dict(sorted(faults.items())),
    )


def _side_by_side(ask: Callable[[str], str], keys: list[str]) -> Iterator[_Answer]:
    """The answer to each key, in the order of their coming. Nobody waits for a thread: whoever
    interrupts the command is not held up by a server that hangs."""
    waiting: SimpleQueue[str | None] = SimpleQueue()
    answers: SimpleQueue[_Answer] = SimpleQueue()

    def work() -> None:
        while (key := waiting.get()) is not None:
            try:
                answers.put((key, ask(key)))
            except Exception as fault:
                answers.put((key, fault))

    for key in keys:
        waiting.put(key)
    for _ in range(AT_ONCE):
        waiting.put(None)
        Thread(target=work, daemon=True).start()
    for _ in keys:
        yield answers.get()
