"""NamedTuple, as `typing` has it, without what its making costs.

In: a class of annotated fields. Out: what `typing.NamedTuple` makes of it. That compiles every
annotation and a constructor for each class: 0.1 ms, and a command's modules define a hundred.
Here a constructor is compiled when the first tuple is made.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from typing import NamedTuple as NamedTuple
else:
    from _collections import _tuplegetter

    class _Maker(type):
        def __new__(cls, name: str, bases: tuple[type, ...], body: dict[str, Any]) -> type:
            if not bases:
                return super().__new__(cls, name, bases, body)
            fields = tuple(body.get("__annotations__", ()))
            defaults = {field: body[field] for field in fields if field in body}
            body |= {field: _tuplegetter(n, None) for n, field in enumerate(fields)}
            body |= {"_fields": fields, "_field_defaults": defaults, "__match_args__": fields}
            shared = {name: each for name, each in _SHARED.items() if name not in body}
            return type(name, (tuple,), {"__slots__": (), **shared, **body})

    class NamedTuple(metaclass=_Maker):
        pass

    def _new(cls, /, *given, **named):
        """For the first tuple of a class: makes the constructor of all."""
        owner = next(each for each in cls.__mro__ if "_fields" in each.__dict__)
        names = ", ".join(owner._fields)
        made = eval(f"lambda _cls, {names}: _new(_cls, ({names},))", {"_new": tuple.__new__})
        made.__defaults__ = tuple(owner._field_defaults.values())
        made.__qualname__ = f"{owner.__qualname__}.__new__"
        owner.__new__ = made
        return made(cls, *given, **named)

    def _make(cls, values):
        made = tuple.__new__(cls, values)
        if len(made) != len(cls._fields):
            raise TypeError(f"Expected {len(cls._fields)} arguments, got {len(made)}")
        return made

    def _replace(self, /, **named):
        made = self._make(map(named.pop, self._fields, self))
        if named:
            raise ValueError(f"Got unexpected field names: {list(named)!r}")
        return made

    def _repr(self):
        inside = ", ".join(f"{n}={each!r}" for n, each in zip(self._fields, self, strict=True))
        return f"{type(self).__name__}({inside})"

    _SHARED = {
        "__new__": _new,
        "_make": classmethod(_make),
        "_replace": _replace,
        "_asdict": lambda self: dict(zip(self._fields, self, strict=True)),
        "__repr__": _repr,
        "__getnewargs__": lambda self: tuple(self),
    }
