"""V153, V155, V157, V159, V160: entries of a kustomization that do nothing, more than they say, or
are no longer to be used.

In: the levels of a kustomization. Out: findings.

Source: kubectl.docs.kubernetes.io/references/kustomize/kustomization, and what v5.5 and v5.8 do.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from modelmill.diagnostics import Diagnostic, Fix, did_you_mean, error, warning
from modelmill.regexes import regex
from modelmill.tree import Node, word
from modelmill.validation.manifests import data_of
from modelmill.validation.traps.scope import Level

GROUPS = frozenset({"LeaderWorkerSet"})
"""Custom resources with templates of pods, which kustomize does not know of."""
RENAMED = {"bases": "resources", "patchesJson6902": "patches"}
"""Keys whose entries mean the same under another one, where that is not there too."""
DEPRECATED = {
    "bases": "put its entries under `resources`",
    "patchesStrategicMerge": "put each entry under `patches`, as `path: …` or `patch: …`",
    "patchesJson6902": "put its entries under `patches`; they stay as they are",
    "vars": "use `replacements`",
    "imageTags": "use `images`",
}
MOVING = frozenset({"", "main", "master", "HEAD", "latest", "develop"})
_reference = regex(r"[?&](?:ref|version)=([^&]*)")


def findings(levels: Sequence[Level]) -> Iterator[Diagnostic]:
    for level in levels:
        yield from _images(level)
        yield from _labels(level)
        yield from _remotes(level)
        yield from _deprecated(level)


def _images(level: Level) -> Iterator[Diagnostic]:
    if not level.is_whole:
        return
    entries = level.tree.listed("images")
    known = {name for each in level.present for name in _named(each.resource.body)}
    for tree in level.tree.everything():
        known |= {name for p in tree.patches for c in p.contents for name in _named(data_of(c))}
        others = (entry.get("newName") for entry in tree.listed("images"))
        known |= {str(each.value) for each in others if each is not None}
    for entry in entries:
        name = entry.get("name")
        if name is None or word(name) in known:
            continue
        hint = did_you_mean(word(name), known) or f"there are {', '.join(sorted(known)[:6])}"
        message = f"no container has the image `{word(name)}`"
        yield error("V153", message, name.span, hint if known else "take the entry out")


def _named(value: Any) -> Iterator[str]:
    """Names of images, without tag and digest, wherever they are."""
    if isinstance(value, dict):
        if str(value.get("path", "")).endswith("/image") and isinstance(value.get("value"), str):
            yield _without_tag(value["value"])
        for key, each in value.items():
            if key == "image" and isinstance(each, str):
                yield _without_tag(each)
            else:
                yield from _named(each)
    elif isinstance(value, list):
        for each in value:
            yield from _named(each)


def _without_tag(image: str) -> str:
    name = image.partition("@")[0]
    folder, slash, last = name.rpartition("/")
    return folder + slash + last.partition(":")[0]


def _labels(level: Level) -> Iterator[Diagnostic]:
    groups = [each.resource for each in level.present if each.resource.kind in GROUPS]
    common = level.tree.field("commonLabels")
    if common is not None:
        message = "`commonLabels` also goes into selectors, which no one can change afterwards"
        hint = "use `labels` with `includeTemplates: true`"
        yield warning("V155", message, common.key_span, hint)
    for entry in level.tree.listed("labels"):
        templates = entry.get("includeTemplates") or entry.get("includeSelectors")
        if templates is not None and templates.value is True and groups:
            message = f"these labels do not reach the pods of LeaderWorkerSet `{groups[0].name}`"
            hint = "name its templates under `fields` of the entry, or write them there"
            if entry.get("fields") is None:
                yield warning("V157", message, templates.key_span, hint)


def _remotes(level: Level) -> Iterator[Diagnostic]:
    for entry in level.tree.remotes:
        found = _reference.search(str(entry.value))
        if (found[1] if found else "") in MOVING:
            message = f"`{entry.value}` is not pinned: what it is may change at any time"
            yield warning("V159", message, entry.span, "end it with `?ref=` and a commit or a tag")


def _deprecated(level: Level) -> Iterator[Diagnostic]:
    yield from deprecated(level.tree.node)


def deprecated(root: Node) -> Iterator[Diagnostic]:
    """Keys of a kustomization that kustomize wants to be rid of."""
    for key, instead in DEPRECATED.items():
        node = root.get(key)
        if node is not None:
            new = RENAMED.get(key)
            fixes = (Fix(key, new),) if new and root.get(new) is None else ()
            found = warning("V160", f"`{key}` is deprecated", node.key_span, instead)
            yield found._replace(fixes=fixes)
