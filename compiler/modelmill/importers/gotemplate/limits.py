"""Bounds that keep a hostile template from hanging a compile or filling memory.

In: what a step is about to cost. Out: nothing, or a `Fault` of kind `limit`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from modelmill.importers.gotemplate.faults import Fault

MAX_TEXT = 1 << 20
"""Characters of a template's text."""
MAX_NESTING = 100
"""Blocks, parentheses and templates inside each other, and levels of a value."""
MAX_VARIABLES = 200
"""Variables that can be seen at one place."""
MAX_ITERATIONS = 100_000
"""Rounds of all loops of one rendering, and items of a list that a function makes."""
MAX_OUTPUT = 4 << 20
"""Characters a rendering writes, and of a value that a function takes or makes."""
MAX_WORK = 16 << 20
"""Units of one rendering: 16 for each part and command, 1 for each character or item that a
function sees."""

_STEP = 16


class Budget:
    """What is left to one rendering."""

    def __init__(self) -> None:
        self.work = MAX_WORK
        self.iterations = MAX_ITERATIONS
        self.output = MAX_OUTPUT

    def step(self) -> None:
        """One part or one command."""
        self.spend(_STEP)

    def spend(self, units: int) -> None:
        self.work -= units
        if self.work < 0:
            raise Fault("the template takes too much work to render", "limit")

    def iterate(self) -> None:
        self.iterations -= 1
        if self.iterations < 0:
            raise Fault(f"the loops take more than {MAX_ITERATIONS} rounds", "limit")

    def write(self, text: str) -> None:
        self.output -= len(text)
        check_size(MAX_OUTPUT - self.output)


def check_size(characters: int) -> None:
    if characters > MAX_OUTPUT:
        raise Fault(f"the text grows over {MAX_OUTPUT} characters", "limit")


def check_items(count: int) -> None:
    if count > MAX_ITERATIONS:
        raise Fault(f"the list grows over {MAX_ITERATIONS} items", "limit")


def weigh(value: Any) -> int:
    """Characters and items of a value with all it holds; what is shared counts each time, so that
    a value cannot be written out that is far larger than its memory. Ends on circles too."""
    total = 0
    waiting = [(value, 0)]
    while waiting:
        each, depth = waiting.pop()
        # Written out, an item is indented by its depth.
        total += 1 + 2 * depth
        if isinstance(each, str):
            total += len(each)
        elif isinstance(each, list | tuple):
            waiting.extend((child, depth + 1) for child in each)
        elif isinstance(each, Mapping):
            total += sum(map(len, each))
            waiting.extend((child, depth + 1) for child in each.values())
        if depth > MAX_NESTING:
            raise Fault(f"the value has more than {MAX_NESTING} levels", "limit")
        if len(waiting) > MAX_OUTPUT:
            break
        check_size(total)
    check_size(total + len(waiting))
    return total
