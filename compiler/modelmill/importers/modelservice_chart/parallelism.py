"""How many ranks a role has, in a pod and in all.

In: a release and a role. Out: effective sizes, and what was corrected to reach them. The chart
derives what is unset, but sets all four keys to 1 itself, so that nothing ever is unset
(_helpers.tpl, dataParallelism and its neighbours).
"""

from __future__ import annotations

from collections.abc import Iterator

from modelmill.diagnostics import Diagnostic, error, warning
from modelmill.importers.modelservice_chart.facts import Parallelism, Role
from modelmill.importers.modelservice_chart.release import Release, is_former
from modelmill.tuples import NamedTuple

KEYS = ("tensor", "data", "dataLocal", "workers")


class Sizes(NamedTuple):
    """Sizes as numbers: what the chart renders, or what is rendered here."""

    tensor: int
    data: int
    data_local: int
    workers: int

    @property
    def accelerators(self) -> int:
        """Accelerators of one pod."""
        return self.tensor * self.data_local


def sizes(release: Release, role: Role) -> Sizes:
    """The effective sizes of a role."""
    charted = chart_sizes(release, role)
    if is_former(release):
        return charted
    if release.get("multinode"):
        return _of_group(release, role, charted)
    return _of_pod(release, role, charted)


def chart_sizes(release: Release, role: Role) -> Sizes:
    """The sizes the chart renders."""
    set_to = {key: release.get(role, "parallelism", key) or None for key in KEYS}
    if is_former(release):
        data = set_to["data"] or 1
        return Sizes(set_to["tensor"] or 1, data, 1, data)
    return _derived(set_to["tensor"], set_to["data"], set_to["dataLocal"], set_to["workers"])


def facts(release: Release, role: Role) -> Parallelism:
    """The sizes, with None for what the user leaves unset and is 1."""
    found = sizes(release, role)
    asked = (release.user.get(role, "parallelism", key) for key in KEYS)
    left = (
        None if value == 1 and node is None else value
        for value, node in zip(found, asked, strict=True)
    )
    return Parallelism(*left)


def _derived(tensor: int | None, data: int | None, local: int | None, workers: int | None) -> Sizes:
    """What is unset (None) from what is set; a remainder is dropped."""
    all_ranks = data or (local or 1) * (workers if local and workers else 1)
    in_pod = local or (data // workers if data and workers else data) or 1
    pods = workers or (data // local if data and local else 1) or 1
    return Sizes(tensor or 1, all_ranks, in_pod, pods)


def _asked(release: Release, role: Role) -> dict[str, int | None]:
    """What the user set: a key left out is unset, as a null is."""
    nodes = {key: release.user.get(role, "parallelism", key) for key in KEYS}
    return {key: (node.value or None) if node else None for key, node in nodes.items()}


def _of_group(release: Release, role: Role, charted: Sizes) -> Sizes:
    asked = _asked(release, role)
    found = _derived(asked["tensor"], asked["data"], asked["dataLocal"], asked["workers"])
    if found.data != found.data_local * found.workers and found.data > 1:
        return charted
    return found


def _of_pod(release: Release, role: Role, charted: Sizes) -> Sizes:
    """A Deployment's pod is one node: it has no ranks but its own."""
    unset = "dataLocal" not in _mapping(release, role)
    if charted.data == charted.data_local or (unset and _asked(release, role)["data"]):
        return charted
    return charted._replace(data=charted.data_local)


def _mapping(release: Release, role: Role) -> dict[str, object]:
    node = release.user.get(role, "parallelism")
    return node.value if node and isinstance(node.value, dict) else {}


def findings(release: Release, role: Role) -> Iterator[Diagnostic]:
    """What cannot be divided, what was corrected, and what runs short of accelerators."""
    if is_former(release):
        return
    indivisible = _indivisible(release, role)
    if indivisible:
        yield indivisible
        return
    charted, found = chart_sizes(release, role), sizes(release, role)
    span = release.at(role, "parallelism")
    pods = found.workers if release.get("multinode") else 1
    if found != charted:
        yield warning(
            "I806",
            f"`{role}.parallelism` cannot run as the chart renders it: {_said(charted)}; "
            f"taken over as {_said(found)}",
            span,
            "the chart sets every key left out to 1, so that it derives nothing; "
            "write the sizes you mean"
            if release.get("multinode")
            else "pods of a Deployment are no group: give the ranks of one pod, or set `multinode`",
        )
    elif found.data > 1 and found.data != found.data_local * pods:
        yield warning(
            "I814",
            f"`{role}.parallelism` gives the engine {found.data} data-parallel ranks but the pods "
            f"of a replica {found.accelerators} accelerators each: kept as it runs",
            span,
            "set `dataLocal` (and `workers` with multinode) so that data = dataLocal × workers",
        )


def _indivisible(release: Release, role: Role) -> Diagnostic | None:
    set_to = {key: release.get(role, "parallelism", key) or None for key in KEYS}
    data = set_to["data"]
    pods_of_group = [("dataLocal", "workers")] if release.get("multinode") else []
    for divisor, derived in (("workers", "dataLocal"), *pods_of_group):
        by = set_to[divisor]
        if data and by and not set_to[derived] and data % by:
            return error(
                "I804",
                f"`{role}.parallelism.data` is {data}, which is no multiple of `{divisor}` {by}",
                release.at(role, "parallelism", "data"),
                f"give `data` a multiple of {by}, or change `{divisor}`",
            )
    return None


def _said(found: Sizes) -> str:
    return (
        f"data {found.data}, dataLocal {found.data_local}, workers {found.workers}, "
        f"accelerators of a pod {found.accelerators}"
    )
