"""Models, Presets and environments of LLMInferenceServices as text.

In: trees, and the resources they are of. Out: the files.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from modelmill.importers.folding import fold
from modelmill.importers.llmisvc.reading import Document
from modelmill.importers.llmisvc_model import together
from modelmill.importers.llmisvc_proof import repository_of
from modelmill.importers.model_text import literal, model_text
from modelmill.importers.pod_fields import said, texts
from modelmill.importers.writing import SCHEMA, base_name
from modelmill.layers import lay
from modelmill.names import FROZEN, MODEL, label_value
from modelmill.reference_text import FUNCTIONS
from modelmill.spec.documents import API_VERSION
from modelmill.tree import Node, plain, plant

Tree = dict[str, Any]
LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
WEBHOOKS = ("serving.kserve.io/routing-group",)
"""Labels that KServe's webhook sets by itself."""
_PLACE = ("", 1, 1, 1)


def service_text(
    service: Document, extends: Sequence[str], accept: Mapping[str, str], spec: Tree
) -> str:
    """The Model of a service."""
    labels, annotations = noted(service, spec)
    if annotations:
        spec = {**spec, "kserve": {"annotations": annotations, **(spec.get("kserve") or {})}}
    tree = {
        "apiVersion": API_VERSION,
        "kind": "Model",
        "metadata": {"name": service.name, **said({"labels": labels})},
        **said({"extends": list(extends), "accept": dict(sorted(accept.items()))}),
        "spec": spec,
    }
    origin = (
        f"Imported from {base_name(service.node.place[0])}, LLMInferenceService {service.name}."
    )
    return model_text((f"{SCHEMA}model.json", origin), tree, {})


def noted(service: Document, spec: Tree) -> tuple[Tree, Tree]:
    """Labels and annotations of a service that its Model has; others come by themselves."""
    metadata = service.metadata
    served = (MODEL, label_value(str((spec.get("model") or {}).get("name", ""))))
    labels = texts(metadata.get("labels") or {})
    annotations = texts(metadata.get("annotations") or {})
    known = {*FROZEN, *WEBHOOKS}
    return (
        {k: v for k, v in labels.items() if k not in known and (k, v) != served},
        {k: v for k, v in annotations.items() if k != LAST_APPLIED},
    )


def environment_text(name: str, namespace: str, mode: str, *, target: str = "kserve") -> str:
    """An Overlay of a namespace that is there: services run in it."""
    tree: Tree = {
        "apiVersion": API_VERSION,
        "kind": "Overlay",
        "metadata": {"name": name},
        "namespace": namespace,
        "createNamespace": False,
        "target": target,
    }
    if mode != "full":
        tree["kserve"] = {"mode": mode}
    return model_text((f"{SCHEMA}overlay.json",), tree, {})


def preset_names(configs: Sequence[Document]) -> dict[int, str]:
    """Names of Presets, by the identity of their configuration: a Preset's has no dot."""
    found: dict[int, str] = {}
    for config in configs:
        name = free = str(FUNCTIONS["slug"](config.name))
        number = 1
        while free in found.values():
            number += 1
            free = f"{name}-{number}"
        found[id(config)] = free
    return found


def over_presets(spec: Tree, presets: Sequence[Tree]) -> Tree:
    """What a Model says over Presets so that it is `spec`; what roles say alike once."""
    below = _laid(presets)
    left = fold(below, spec) if presets else spec
    if (left.get("roles") or {}).keys() == (spec.get("roles") or {}).keys():
        left = together(left)
    return _without_known_roles(left, (below.get("roles") or {}).keys())


def _laid(specs: Sequence[Tree]) -> Tree:
    """Specs of Presets, laid over each other as a Model's are."""
    catalog = repository_of({}).catalog
    below = Node({}, _PLACE)
    for each in specs:
        below = lay(catalog, below, plant(literal(each), _PLACE))
    found = plain(below)
    return found if isinstance(found, dict) else {}


def _without_known_roles(spec: Tree, known: Collection[str]) -> Tree:
    """The spec without roles of which it says nothing and Presets do."""
    roles = {k: v for k, v in (spec.get("roles") or {}).items() if v != {} or k not in known}
    found = {key: roles if key == "roles" else each for key, each in spec.items()}
    return {key: each for key, each in found.items() if each != {}}
