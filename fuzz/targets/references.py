"""`${…}`: replaced or refused, and never longer than the limit.

In: lines, each a string somewhere in a spec; with them a tree of references to each other.
"""

from __future__ import annotations

from collections.abc import Iterator

from fuzz.holds import twice
from modelmill.references import MAX_SIZE, substitute
from modelmill.tree import Node, plain, plant

PLACE = ("f.yaml", 1, 1, 1)
AROUND = {
    "metadata": plant({"name": "m", "labels": {"a.b/c": "x"}}, PLACE),
    "environment": plant({"name": "prod", "namespace": "llm"}, PLACE),
}
MANY = 64


def seeds() -> Iterator[bytes]:
    yield b"${model.name}\n${slug(b)}-${c}\n${json(model)}\n$${x}\n${roles.decode.a}\n${list[0]}"
    yield b"\n".join(b"${%c}${%c}" % (97 + n + 1, 97 + n + 1) for n in range(20))
    yield b"\n".join(b"${json(%c)}${json(%c)}" % (97 + n + 1, 97 + n + 1) for n in range(20))
    yield b'${metadata.labels["a.b/c"]} ${environment.name} ${basename(model.uri)} ${lower(b)}'


def check(data: bytes) -> None:
    lines = data.decode("utf-8", "replace").split("\n")[:MANY]
    values = {chr(97 + n) if n < 26 else f"v{n}": line for n, line in enumerate(lines)}
    spec = {
        "model": {"name": "acme/Big", "uri": "hf://acme/Big", "size": 5, "on": True, "none": None},
        "list": [lines[0], {"x": lines[-1]}, list(lines[:4])],
        "roles": {"decode": dict(values), "prefill": {"a": lines[-1], "b": {"c": lines[0]}}},
        **values,
    }
    found = twice(lambda: _Shown(substitute(plant(spec, PLACE), AROUND)))
    if isinstance(found, _Shown):
        assert len(repr(found)) < 4 * MAX_SIZE * (MANY + 8)


class _Shown:
    """A tree that is compared by what it says."""

    def __init__(self, node: Node) -> None:
        self.text = repr(plain(node))

    def __repr__(self) -> str:
        return self.text
