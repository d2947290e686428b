"""What differs between two objects, as a JSON patch (RFC 6902), and the strict application of one.

In: JSON data (dict, list, str, int, float, bool, None). Out: operations, or a new document.
Nothing given is ever mutated, and no operation is ignored or mended: the law is
`same(apply(diff(a, b), a), b)`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import pairwise
from operator import is_
from typing import Any, Literal, get_args

from modelmill.diagnostics import did_you_mean
from modelmill.regexes import regex
from modelmill.tuples import NamedTuple

Path = tuple[str | int, ...]
Verb = Literal["add", "replace", "remove", "test"]

_Mapping = dict[str, object]

WHOLE_LISTS = frozenset({"args", "command"})
"""Lists whose order and neighbours are their meaning: a flag apart from its value tells nothing."""

_INDEX = regex(r"0|[1-9][0-9]{0,8}", re.ASCII)
_NO_ESCAPE = regex(r"~(?![01])")
_MEMBERS = dict.fromkeys(get_args(Verb), ("op", "path", "value")) | {"remove": ("op", "path")}


class Operation(NamedTuple):
    """One step of a patch. `value` has no meaning for `remove`. `diff` never makes a `test`."""

    op: Verb
    path: Path
    value: object = None


class PatchError(ValueError):
    """A patch that cannot be read (`operation` is None) or does not fit its document.

    `position` is the operation's place in its list, from 0; None when the patch is not a list.
    """

    def __init__(self, operation: Operation | None, reason: str, position: int | None = None):
        self.operation, self.reason, self.position = operation, reason, position
        where = f"{operation.op} {pointer(operation.path)}: " if operation else ""
        super().__init__(where + reason)


def pointer(path: Path) -> str:
    """The path as a JSON pointer (RFC 6901)."""
    return "".join(f"/{str(part).replace('~', '~0').replace('/', '~1')}" for part in path)


def as_document(operations: Iterable[Operation]) -> list[dict[str, object]]:
    """The patch as plain data in RFC 6902 form, members in the order people write them."""
    return [
        {"op": o.op, "path": pointer(o.path)} | ({} if o.op == "remove" else {"value": o.value})
        for o in operations
    ]


def same(a: Any, b: Any) -> bool:
    """Equal in type as in value: True, 1, 1.0, "1" all differ. The order of keys is no matter."""
    if a is b:
        return True
    kind = type(a)
    if kind is not type(b):
        return False
    if kind is dict:
        if a.keys() != b.keys():
            return False
        for key, value in a.items():
            # Most values are one object in both, and a call for each would cost as much again.
            if value is not b[key] and not same(value, b[key]):
                return False
        return True
    if kind is list:
        return len(a) == len(b) and (all(map(is_, a, b)) or all(map(same, a, b)))
    return bool(a == b)


def diff(base: object, variant: object) -> tuple[Operation, ...]:
    """The operations that turn `base` into `variant`; each finds its target when its turn comes.

    Both must be mappings, as a patch cannot replace a whole document; ValueError if they are not.
    """
    if base is variant:
        return ()
    if not isinstance(base, dict) or not isinstance(variant, dict):
        raise ValueError("a patch is between two mappings")
    return tuple(_between_mappings((), base, variant))


def _between(path: Path, old: object, new: object) -> list[Operation]:
    if isinstance(old, dict) and isinstance(new, dict):
        return _between_mappings(path, old, new)
    if isinstance(old, list) and isinstance(new, list):
        return _between_lists(path, old, new)
    return [] if same(old, new) else [Operation("replace", path, new)]


def _between_mappings(path: Path, old: _Mapping, new: _Mapping) -> list[Operation]:
    is_alike = old.keys() == new.keys()
    gone = [] if is_alike else sorted(old.keys() - new.keys())
    operations = [Operation("remove", (*path, key)) for key in gone]
    for key, value in old.items():
        if key in new and value is not new[key]:
            operations += _between((*path, key), value, new[key])
    if not is_alike:
        operations += [Operation("add", (*path, key), new[key]) for key in new if key not in old]
    return operations


def _between_lists(path: Path, old: list[object], new: list[object]) -> list[Operation]:
    if len(old) == len(new) and all(map(is_, old, new)):
        return []
    if path[-1] in WHOLE_LISTS or not old or not new:
        return [] if same(old, new) else [Operation("replace", path, new)]
    return _shorter(_between_elements(path, old, new), [Operation("replace", path, new)])


def _between_elements(path: Path, old: list[object], new: list[object]) -> list[Operation]:
    by_name = _pairs_by_name(old, new)
    pairs = _pairs_by_place(old, new) if by_name is None else by_name
    operations: list[Operation] = []
    if not len(old) == len(new) == len(pairs):
        kept_old, kept_new = {i for i, _ in pairs}, {j for _, j in pairs}
        # Removed from the end so that no index moves before its turn; then added from the start, so
        # that each new element finds everything before it in place; then every index is the
        # variant's.
        removals = [i for i in range(len(old) - 1, -1, -1) if i not in kept_old]
        additions = [j for j in range(len(new)) if j not in kept_new]
        operations = [Operation("remove", (*path, i)) for i in removals]
        operations += [Operation("add", (*path, j), new[j]) for j in additions]
    for i, j in pairs:
        if old[i] is not new[j]:
            operations += _between_two((*path, j), old[i], new[j])
    return operations


def _between_two(path: Path, old: object, new: object) -> list[Operation]:
    """Of two elements of lists. Without a name in common, one is another thing in its place."""
    changes = _between(path, old, new) if _name(old) == _name(new) else None
    if changes is not None and len(changes) < 2:
        return changes
    whole = [Operation("replace", path, new)]
    return whole if changes is None else _shorter(changes, whole)


def _pairs_by_name(old: list[object], new: list[object]) -> list[tuple[int, int]] | None:
    """Elements of equal name; None if a list is not keyed by name, or common ones change order."""
    places, new_places = _places(old), _places(new)
    if places is None or new_places is None:
        return None
    pairs = [(i, new_places[name]) for name, i in places.items() if name in new_places]
    return pairs if all(a[1] < b[1] for a, b in pairwise(pairs)) else None


def _places(elements: list[object]) -> dict[str, int] | None:
    """Where each name is, when every element is a mapping with a name of its own."""
    places: dict[str, int] = {}
    for i, element in enumerate(elements):
        name = element.get("name") if isinstance(element, dict) else None
        if not isinstance(name, str) or name in places:
            return None
        places[name] = i
    return places


def _name(element: object) -> object:
    return element.get("name") if isinstance(element, dict) else None


def _pairs_by_place(old: list[object], new: list[object]) -> list[tuple[int, int]]:
    """Equal elements at both ends, and between these as many as both have, one by one."""
    shared = min(len(old), len(new))
    start = 0
    while start < shared and same(old[start], new[start]):
        start += 1
    end = 0
    while end < shared - start and same(old[-1 - end], new[-1 - end]):
        end += 1
    front = [(k, k) for k in range(shared - end)]
    return front + [(len(old) - k, len(new) - k) for k in range(end, 0, -1)]


def _shorter(changes: list[Operation], whole: list[Operation]) -> list[Operation]:
    """The patch with fewer lines to read; the particular one when they tie."""
    if len(changes) < 2:  # its value is a part of the whole one
        return changes
    few = _lines_of(changes)
    # Most often the whole is longer already by the lines of its elements, whatever is below these.
    is_longer = few <= 3 + _least_lines(whole[0].value)
    return changes if is_longer or few <= _lines_of(whole) else whole


def _least_lines(value: object) -> int:
    if isinstance(value, list):
        return sum([len(child) if isinstance(child, dict) else 1 for child in value])
    return len(value) if isinstance(value, dict) else 0


def _lines_of(operations: list[Operation]) -> int:
    return sum(2 if o.op == "remove" else 3 + _lines_below(o.value) for o in operations)


def _lines_below(value: object) -> int:
    """How many lines YAML needs for the value below its key; 0 if it fits beside the key."""
    if isinstance(value, dict):
        deeper = [child for child in value.values() if isinstance(child, dict | list)]
        return len(value) + sum(map(_lines_below, deeper))
    if isinstance(value, list):
        return sum([_lines_below(child) or 1 for child in value])
    return 0


def apply(operations: Iterable[Operation], document: object) -> object:
    """The document after all operations, or a PatchError for the first that does not fit.

    What no operation touches is shared with the document given, and values with the operations.
    """
    for position, operation in enumerate(operations):
        try:
            document = _after(operation, document)
        except PatchError as error:
            raise PatchError(operation, error.reason, position) from None
    return document


def _after(operation: Operation, document: object) -> object:
    if not operation.path:
        raise PatchError(None, "a patch cannot act on the whole document")
    root = holder = _copy(document, ())
    for depth, part in enumerate(operation.path[:-1]):
        place = _place(part, holder, operation.path[:depth])
        child = holder[place] = _copy(holder[place], operation.path[: depth + 1])
        holder = child
    _act(operation, holder)
    return root


def _copy(node: object, path: Path) -> Any:
    """A copy of one container, its children shared. Any: both kinds are used by key or index."""
    if isinstance(node, dict | list):
        return node.copy()
    raise PatchError(None, f"{_spoken(path)} is neither a mapping nor a list")


def _act(operation: Operation, holder: Any) -> None:
    """The last step, in place, on the copied container that holds the target."""
    parent, part = operation.path[:-1], operation.path[-1]
    if operation.op == "add":
        if isinstance(holder, list):
            # RFC 6901 §4: `-` is the place after the last element.
            end = len(holder)
            holder.insert(end if part == "-" else _index(part, end + 1, parent), operation.value)
        else:
            holder[str(part)] = operation.value
        return
    place = _place(part, holder, parent)
    if operation.op == "replace":
        holder[place] = operation.value
    elif operation.op == "remove":
        del holder[place]
    elif not same(holder[place], operation.value):
        raise PatchError(None, "the value there is another one")


def _place(part: str | int, holder: Any, parent: Path) -> str | int:
    """The key or index that `part` means; there must be something."""
    if isinstance(holder, list):
        return _index(part, len(holder), parent)
    key = str(part)
    if key not in holder:
        hint = did_you_mean(key, holder)
        raise PatchError(None, f"{_spoken(parent)} has no `{key}`" + (f"; {hint}" if hint else ""))
    return key


def _index(part: str | int, limit: int, parent: Path) -> int:
    """An index below the limit. kustomize is laxer: it reads `01` as 1 and `-1` as the last one."""
    if not _INDEX.fullmatch(str(part)):
        raise PatchError(None, f"{_spoken(parent)} is a list, and `{part}` is not an index")
    if int(part) >= limit:
        allowed = f"the last index is {limit - 1}" if limit else "the list is empty"
        raise PatchError(None, f"{_spoken(parent)} has no place {part}: {allowed}")
    return int(part)


def _spoken(path: Path) -> str:
    return pointer(path) or "the document"


def parse(document: object) -> tuple[Operation, ...]:
    """The operations of a patch written by hand. Whether they fit is seen when they are applied."""
    if not isinstance(document, list):
        raise PatchError(None, "a patch is a list of operations, each with `op` and `path`")
    operations = []
    for position, entry in enumerate(document):
        try:
            operations.append(_parsed(entry))
        except PatchError as error:
            raise PatchError(None, error.reason, position) from None
    return tuple(operations)


def _parsed(entry: object) -> Operation:
    if not isinstance(entry, dict):
        raise PatchError(None, "an operation is a mapping with `op`, `path` and `value`")
    members = _MEMBERS.get(str(entry.get("op")), ())
    if not members:
        raise PatchError(None, "`op` must be `add`, `replace`, `remove` or `test`")
    for name in entry:
        if name not in members:
            raise PatchError(None, f"`{name}` does not belong to `{entry['op']}`")
    for name in members:
        if name not in entry:
            raise PatchError(None, f"the operation has no `{name}`")
    return Operation(entry["op"], _parsed_pointer(entry["path"]), entry.get("value"))


def _parsed_pointer(text: object) -> Path:
    if not isinstance(text, str) or not text.startswith("/"):
        raise PatchError(None, "`path` must be text that starts with `/`, such as /spec/replicas")
    if _NO_ESCAPE.search(text):
        raise PatchError(None, "in a key of a `path`, `~` is written `~0` and `/` is written `~1`")
    return tuple(part.replace("~1", "/").replace("~0", "~") for part in text[1:].split("/"))
