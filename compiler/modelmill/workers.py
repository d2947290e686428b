"""Many models on many cores: the same results in the same order, whatever the number of processes.

In: a function of a model, and models. Out: its results, in the models' order. Children are forked,
so they share what was parsed, and hand results back through a pipe.
"""

from __future__ import annotations

import os
import pickle
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from modelmill.catalog import Document

T = TypeVar("T")
S = TypeVar("S")
# Below this many models a fork costs more than it saves.
WORTHWHILE = 100


def map_models(
    work: Callable[[Document, S], T],
    state: Callable[[], S],
    models: Sequence[Document],
    jobs: int,
    seen: Callable[[int, int], None] | None = None,
) -> list[T]:
    """`work` for each model; `state` makes what one process keeps from model to model. `seen` is
    told how far this process has come, the others being taken to be as far."""
    jobs = min(jobs, len(models) // WORTHWHILE + 1) if hasattr(os, "fork") else 1
    size = -(-len(models) // max(jobs, 1)) or 1
    chunks = [models[start : start + size] for start in range(0, len(models), size)] or [()]
    children = [_start(work, state, chunk) for chunk in chunks[1:]]
    kept = state()
    results = []
    for count, model in enumerate(chunks[0], 1):
        results.append(work(model, kept))
        if seen is not None:
            seen(min(count * len(chunks), len(models)), len(models))
    for process, pipe in children:
        results.extend(_finish(process, pipe))
    return results


def _start(
    work: Callable[[Document, S], T], state: Callable[[], S], models: Sequence[Document]
) -> tuple[int, int]:
    reading, writing = os.pipe()
    process = os.fork()
    if process:
        os.close(writing)
        return process, reading
    status = 1
    try:
        os.close(reading)
        kept = state()
        answer: Any
        try:
            answer = [work(model, kept) for model in models]
        except Exception as fault:
            answer = fault
        with os.fdopen(writing, "wb") as stream:
            pickle.dump(answer, stream, protocol=pickle.HIGHEST_PROTOCOL)
        status = 0
    finally:
        # Not sys.exit: the child must not run the parent's clean-up.
        os._exit(status)


def _finish(process: int, pipe: int) -> list[Any]:
    with os.fdopen(pipe, "rb") as stream:
        data = stream.read()
    _, status = os.waitpid(process, 0)
    if status or not data:
        raise RuntimeError(f"a worker process ended with status {status}")
    answer = pickle.loads(data)
    if isinstance(answer, Exception):
        raise answer
    return list(answer)
