"""One work in several processes: the same answers in the same order, whatever their number.

In: the parts of a work, as generators. Out: their answers. The first part runs in this process; the
others are forked, so they share what was read before, and answer through a pipe.
"""

from __future__ import annotations

import gc
import os
import pickle
import signal
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from types import TracebackType
from typing import Any, BinaryIO, TypeVar

from modelmill.tuples import NamedTuple

T = TypeVar("T")
Item = TypeVar("Item")
S = TypeVar("S")
Part = Generator[Any, Any, None]
"""A part of a work: yields what it has, and then an answer to each order that is sent to it."""

# Below this many models a fork costs more than it saves.
WORTHWHILE = 100


class _Child(NamedTuple):
    process: int
    answers: BinaryIO
    orders: BinaryIO


class Crew:
    """Processes that each do a part, until the end of the context."""

    def __init__(self, parts: Sequence[Callable[[], Part]]) -> None:
        self._children = [_start(part) for part in parts[1:]]
        self._own = parts[0]()

    def __enter__(self) -> Crew:
        return self

    def first(self) -> list[Any]:
        """Every part's first answer. What one raises is raised here, when all have answered."""
        answers = [_answer(self._own, None)]
        answers += [_receive(child.answers) for child in self._children]
        faults = [answer for is_done, answer in answers if not is_done]
        if faults:
            raise faults[0]
        return [answer for _, answer in answers]

    def tell(self, order: object) -> Callable[[], list[Any]]:
        """Send an order to the other processes. What comes back waits for all their answers: None
        of one that died. An interrupt meanwhile is raised when all have answered, so that none is
        left in the middle of something."""
        for child in self._children:
            with suppress(BrokenPipeError):  # its end is told where its answer is awaited
                _send(child.orders, order)
        return self._await

    def _await(self) -> list[Any]:
        answers: list[Any] = []
        with _no_interrupt():
            for child in self._children:
                is_done, answer = _receive(child.answers)
                answers.append(answer if is_done else None)
        return answers

    def __exit__(
        self,
        kind: type[BaseException] | None,
        fault: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._own.close()
        for child in self._children:
            if fault is not None:
                os.kill(child.process, signal.SIGTERM)
            with suppress(BrokenPipeError):
                child.orders.close()
            child.answers.close()
        for child in self._children:
            os.waitpid(child.process, 0)


@contextmanager
def _no_interrupt() -> Iterator[None]:
    """Keep an interrupt until the end; only the main thread can be interrupted."""
    caught: list[None] = []
    try:
        before = signal.signal(signal.SIGINT, lambda *_: caught.append(None))
    except ValueError:
        yield
        return
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
    if caught:
        raise KeyboardInterrupt


def _start(part: Callable[[], Part]) -> _Child:
    answers, answering = os.pipe()
    ordered, orders = os.pipe()
    process = os.fork()
    if process:
        os.close(answering)
        os.close(ordered)
        return _Child(process, os.fdopen(answers, "rb"), os.fdopen(orders, "wb"))
    try:
        os.close(answers)
        os.close(orders)
        with os.fdopen(answering, "wb") as writing, os.fdopen(ordered, "rb") as reading:
            _serve(part, writing, reading)
    finally:
        # Not sys.exit: the child must not run the parent's clean-up.
        os._exit(0)


def _serve(part: Callable[[], Part], answers: BinaryIO, orders: BinaryIO) -> None:
    work, order = part(), None
    with suppress(EOFError, BrokenPipeError):  # nobody asks any more
        while True:
            is_done, answer = _answer(work, order)
            # Whoever asks decides what an interrupt means for all.
            signal.signal(signal.SIGINT, signal.SIG_IGN)
            _send(answers, (is_done, answer if is_done else _portable(answer)))
            order = pickle.load(orders)


def _answer(work: Part, order: object) -> tuple[bool, Any]:
    """Whether a part did as it was told, and its answer or what it raised."""
    try:
        return True, work.send(order)
    except BaseException as fault:
        return False, fault


def _portable(fault: BaseException) -> BaseException:
    """An exception that can be sent, with the place it comes from."""
    import traceback

    fault.add_note("in a worker process:\n" + "".join(traceback.format_exception(fault)))
    try:
        pickle.loads(pickle.dumps(fault))
    except Exception:
        return RuntimeError("\n".join([repr(fault), *fault.__notes__]))
    return fault


def _send(stream: BinaryIO, content: object) -> None:
    pickle.dump(content, stream, protocol=pickle.HIGHEST_PROTOCOL)
    stream.flush()


def _receive(stream: BinaryIO) -> tuple[bool, Any]:
    try:
        found: tuple[bool, Any] = pickle.load(stream)
    except (EOFError, pickle.UnpicklingError):  # a signal, or no memory left
        return False, RuntimeError("a worker process ended in the middle")
    return found


def chunks(items: Sequence[Item], jobs: int) -> list[Sequence[Item]]:
    """Items in as many contiguous runs as are worth a process, one at least."""
    jobs = min(jobs, len(items) // WORTHWHILE + 1) if hasattr(os, "fork") else 1
    size = -(-len(items) // max(jobs, 1)) or 1
    return [items[start : start + size] for start in range(0, len(items), size)] or [()]


def let_go(count: int) -> None:
    """Free what refers to itself after every few models, as no collector runs (`__main__`). Only
    what is new is looked at."""
    if count % 32 == 0:
        gc.collect(1)


def map_models(
    work: Callable[[Item, S], T],
    state: Callable[[], S],
    models: Sequence[Item],
    jobs: int,
    seen: Callable[[int, int], None] | None = None,
) -> list[T]:
    """`work` for each model; `state` makes what one process keeps from model to model. `seen` is
    told how far this process has come, the others being taken to be as far."""
    runs = chunks(models, jobs)

    def told(count: int) -> None:
        if seen is not None:
            seen(min(count * len(runs), len(models)), len(models))

    tell = [told, *[None] * (len(runs) - 1)]
    parts = [partial(_mapped, work, state, run, each) for run, each in zip(runs, tell, strict=True)]
    with Crew(parts) as crew:
        return [result for answer in crew.first() for result in answer]


def _mapped(
    work: Callable[[Item, S], T],
    state: Callable[[], S],
    models: Sequence[Item],
    told: Callable[[int], None] | None,
) -> Part:
    kept, results = state(), []
    for count, model in enumerate(models, 1):
        results.append(work(model, kept))
        let_go(count)
        if told is not None:
            told(count)
    yield results
