"""What a run tells at its end that is no fault.

In: what a server made of objects. Out: counts, kinds that nobody serves, and the fields that the
server sets by itself.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator

from api_server import Object
from kept import Kept, added


class Told:
    """What a run finds out that is no fault."""

    def __init__(self) -> None:
        self.version = ""
        self.environments = self.objects = self.pods = 0
        self.unserved: Counter[str] = Counter()
        self.completed: dict[str, Counter[str]] = defaultdict(Counter)

    def hear(self, kept: list[Kept], unserved: list[Object]) -> None:
        """What was applied of one environment, and what could not be."""
        self.environments += 1
        self.objects += len(kept)
        self.pods += sum(len(each.pods) for each in kept)
        self.unserved.update(f"{each['apiVersion']} {each['kind']}" for each in unserved)
        for each in kept:
            self.completed[each.sent["kind"]].update(set(added(each.sent, each.applied.body)))

    def lines(self) -> Iterator[str]:
        environments = f"{self.environments} environments"
        yield f"{self.objects} objects of {environments}, and {self.pods} pods of theirs"
        for kind, count in sorted(self.unserved.items()):
            yield f"not applied, for want of a definition: {count} {kind}"
        for kind, fields in sorted(self.completed.items()):
            if fields:
                yield f"the server completes {kind}: {', '.join(sorted(fields))}"
