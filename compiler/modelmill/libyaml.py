"""libyaml's events by PyYAML's C parser, without the Python twin of it that `import yaml` brings.

In: text. Out: what gives its events one by one. The whole package takes 13 ms to import, as long as
Python itself, for classes that nothing here asks for. So `yaml` has its submodules alone at first,
and becomes whole when it is asked for anything else: for a parser's error, or by whoever uses it.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType
from typing import Any

ERRORS = {
    "reader": "ReaderError",
    "scanner": "ScannerError",
    "parser": "ParserError",
    "composer": "ComposerError",
    "constructor": "ConstructorError",
    "emitter": "EmitterError",
    "serializer": "SerializerError",
    "representer": "RepresenterError",
}
"""What the C parser imports from the Python twin: a module, and the error of it."""


class _Lean(ModuleType):
    """`yaml` as long as nobody asks for more than its submodules."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") or self.__spec__ is None or self.__spec__.loader is None:
            raise AttributeError(name)
        self.__class__ = ModuleType  # type: ignore[assignment]
        self.__spec__.loader.exec_module(self)
        for module, error in ERRORS.items():
            setattr(sys.modules["yaml._yaml"], error, _of_package(module, error))
        return getattr(self, name)


@contextmanager
def _lean() -> Iterator[None]:
    """`yaml` within: lean, unless it is there already or is not what this room knows."""
    spec = PathFinder.find_spec("yaml")
    if "yaml" not in sys.modules and spec is not None:
        try:
            _load(spec)
        except (ImportError, AttributeError):  # one without libyaml
            for name in [each for each in sys.modules if each.partition(".")[0] == "yaml"]:
                del sys.modules[name]
    yield


def _load(spec: ModuleSpec) -> None:
    package = sys.modules["yaml"] = _Lean("yaml")
    package.__spec__, package.__loader__, package.__file__ = spec, spec.loader, spec.origin
    package.__path__ = spec.submodule_search_locations or []
    for module, error in ERRORS.items():
        twin = sys.modules[f"yaml.{module}"] = ModuleType(f"yaml.{module}")
        setattr(twin, error, _late(module, error))
        setattr(package, module, twin)
    for module in ("error", "tokens", "events", "nodes", "_yaml"):
        import_module(f"yaml.{module}")
    for module in ERRORS:
        del sys.modules[f"yaml.{module}"]
        delattr(package, module)


def _late(module: str, error: str) -> Callable[..., Any]:
    """What makes an error of the Python twin, which is imported for it."""
    return lambda *given: _of_package(module, error)(*given)


def _of_package(module: str, name: str) -> Any:
    return getattr(import_module(f"yaml.{module}"), name)


with _lean():
    from yaml.error import YAMLError as YAMLError
    from yaml.events import AliasEvent as AliasEvent
    from yaml.events import DocumentStartEvent as DocumentStartEvent
    from yaml.events import Event as Event
    from yaml.events import MappingEndEvent as MappingEndEvent
    from yaml.events import MappingStartEvent as MappingStartEvent
    from yaml.events import NodeEvent as NodeEvent
    from yaml.events import ScalarEvent as ScalarEvent
    from yaml.events import SequenceEndEvent as SequenceEndEvent
    from yaml.events import SequenceStartEvent as SequenceStartEvent
    from yaml.events import StreamEndEvent as StreamEndEvent


def events_of(text: str) -> Callable[[], Any]:
    """What returns the text's next event, or raises a YAMLError."""
    try:
        from yaml._yaml import CParser
    except ImportError:  # the same events, slower
        from yaml import SafeLoader

        return SafeLoader(text).get_event
    parser: Callable[[], Any] = CParser(text).get_event
    return parser
