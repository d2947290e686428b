"""Fewer replicas than run: taken from the manifest, lowered, or no longer protected."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from modelmill.dangers.finding import Danger, at, danger, notice, number, quoted
from modelmill.resource import Resource

SCALED = frozenset(
    {"Deployment", "ReplicaSet", "StatefulSet", "LeaderWorkerSet", "LLMInferenceService"}
)
REPLICAS = (("spec", "replicas"), ("spec", "prefill", "replicas"))
"""The second of an LLMInferenceService alone."""
HAND_OVER = (
    "hand the field over first: apply the field alone with "
    "`kubectl apply --server-side --field-manager=handover`, then merge"
)
FIELDS = {
    "HorizontalPodAutoscaler": ("minReplicas", "maxReplicas"),
    "ScaledObject": ("minReplicaCount", "maxReplicaCount"),
}

BOUNDS = {"minAvailable": 1, "maxUnavailable": -1}
"""Fields of a PodDisruptionBudget, and which way they are stricter."""


def judge(old: Resource, new: Resource) -> Iterable[Danger]:
    if new.kind in SCALED:
        for path in REPLICAS:
            yield from _replicas(old, new, path)
    if new.kind in FIELDS:
        yield from _limits(old, new)
    if new.kind == "PodDisruptionBudget":
        yield from _budget(old, new)


def judge_removed(old: Resource) -> Iterable[Danger]:
    if old.kind == "PodDisruptionBudget":
        message = "a drain of nodes may now stop all its pods at once"
        yield notice("disruption-budget", old, "", message)


def _replicas(old: Resource, new: Resource, path: tuple[str, ...]) -> Iterator[Danger]:
    """https://kubernetes.io/docs/reference/using-api/server-side-apply/#transferring-ownership"""
    before, after = (at(side.body, *path) for side in (old, new))
    was, now, field = number(before), number(after), ".".join(path)
    if before is not None and after is None and (was is None or was > 1):
        message = (
            f"the field leaves the manifest: with server-side apply its {shown(was)} fall to the "
            "default of 1 at once, until the scaler acts"
        )
        yield danger("replicas-removed", new, field, message, HAND_OVER)
    elif before is None and now is not None:
        message = f"the field comes back: the first sync sets {shown(now)}, however many run"
        yield notice("replicas-returned", new, field, message, "compare it with what runs now")
    elif was is not None and now == 0 < was:
        message = f"{was} → 0: nothing runs any more"
        yield danger("replicas-lowered", new, field, message)
    elif was is not None and now is not None and now < was:
        yield notice("replicas-lowered", new, field, f"{was} → {now}: less capacity")


def shown(count: int | None) -> str:
    return "replicas" if count is None else f"{count} replica{'' if count == 1 else 's'}"


def _limits(old: Resource, new: Resource) -> Iterator[Danger]:
    for field in FIELDS[new.kind]:
        was, now = (number(at(side.body, "spec", field)) for side in (old, new))
        if was is not None and now is not None and now < was:
            message = f"{was} → {now}: " + (
                "less capacity at the peak" if field.startswith("max") else "less to start from"
            )
            yield notice("scaler-limits", new, f"spec.{field}", message)


def _budget(old: Resource, new: Resource) -> Iterator[Danger]:
    """What could be compared is: two counts, or two percentages."""
    is_limited = any(at(new.body, "spec", each) is not None for each in BOUNDS)
    for field, sign in BOUNDS.items():
        was, now = (at(side.body, "spec", field) for side in (old, new))
        counts = [_count(each) for each in (was, now)]
        gone = was is not None and not is_limited and sign == 1
        looser = (
            counts[0] is not None
            and counts[1] is not None
            and type(was) is type(now)
            and sign * counts[1] < sign * counts[0]
        )
        if gone or looser:
            after = quoted(now) if now is not None else "none"
            message = f"{quoted(was)} → {after}: more pods may stop at once"
            yield notice("disruption-budget", new, f"spec.{field}", message)


def _count(value: object) -> int | None:
    text = str(value).removesuffix("%")
    return int(text) if text.isdecimal() and text.isascii() else None
