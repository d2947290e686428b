"""Named tuples are what `typing` makes of the same class."""

from __future__ import annotations

import pickle
import typing
from typing import Any

import pytest

from modelmill import tuples


class Ours(tuples.NamedTuple):
    """What it is."""

    name: str
    size: int = 1
    """Said of a field."""
    tags: tuple[str, ...] = ()

    @property
    def double(self) -> int:
        return self.size * 2

    def __str__(self) -> str:
        return f"<{self.name}>"


class Theirs(typing.NamedTuple):
    """What it is."""

    name: str
    size: int = 1
    """Said of a field."""
    tags: tuple[str, ...] = ()

    @property
    def double(self) -> int:
        return self.size * 2

    def __str__(self) -> str:
        return f"<{self.name}>"


GIVEN: tuple[tuple[tuple[Any, ...], dict[str, Any]], ...] = (
    (("a",), {}),
    (("a", 2, ("x",)), {}),
    ((), {"size": 3, "name": "b"}),
    ((), {}),
    (("a", 1, (), 4), {}),
    (("a",), {"colour": "red"}),
    (("a",), {"name": "b"}),
)


@pytest.mark.parametrize(("given", "named"), GIVEN)
def test_they_are_made_alike_or_not_at_all(given: tuple[Any, ...], named: dict[str, Any]) -> None:
    def told(kind: Any) -> object:
        try:
            made = kind(*given, **named)
        except TypeError as fault:
            return str(fault).replace(kind.__name__, "")
        return tuple(made), made.double, str(made), repr(made).replace(kind.__name__, "")

    assert told(Ours) == told(Theirs)


def test_a_tuple_is_a_value() -> None:
    one = Ours("a", 2)
    assert one == ("a", 2, ()) == Theirs("a", 2)
    assert hash(one) == hash(("a", 2, ()))
    assert one._replace(size=5) == Ours("a", 5)
    assert one._asdict() == {"name": "a", "size": 2, "tags": ()}
    assert pickle.loads(pickle.dumps(one)) == one
    assert type(pickle.loads(pickle.dumps(one))) is Ours
    with pytest.raises(AttributeError):
        one.size = 3  # type: ignore[misc]
    with pytest.raises(AttributeError):
        one.other = 3  # type: ignore[attr-defined]
    with pytest.raises(ValueError, match="unexpected field names"):
        one._replace(other=3)  # type: ignore[call-arg]
    match one:
        case Ours(name, size):
            assert (name, size) == ("a", 2)


@pytest.mark.parametrize("part", ["_fields", "_field_defaults", "__doc__", "__match_args__"])
def test_the_class_tells_the_same(part: str) -> None:
    assert getattr(Ours, part) == getattr(Theirs, part)


def test_one_made_from_another_class_has_its_own_constructor() -> None:
    class Below(Ours):
        pass

    assert Below("a").double == 2
    assert type(Ours._make(["a", 1, ()])) is Ours
    with pytest.raises(TypeError, match="Expected 3 arguments, got 1"):
        Ours._make(["a"])
