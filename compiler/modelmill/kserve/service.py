"""A model as one LLMInferenceService.

In: a variant. Out: the resource: all of it, or what the configurations under it do not say.
"""

from __future__ import annotations

from modelmill import names
from modelmill.containers import Manifest, given
from modelmill.kserve.difference import Impossible
from modelmill.kserve.specification import full_spec
from modelmill.kserve.thin import thin_spec
from modelmill.resource import Resource, resource
from modelmill.spec.kserve import KServe
from modelmill.variant import Variant

KIND = "LLMInferenceService"
GROUP_LABEL = "serving.kserve.io/routing-group"


def service(variant: Variant) -> Resource:
    """The resource. KServe's webhook adds a label, which a comparison with Git would call drift."""
    own, full = variant.spec.kserve or KServe(), full_spec(variant)
    group = ((full.get("router") or {}).get("route") or {}).get("group")
    added = given(**{GROUP_LABEL: group})
    return resource(
        variant.versions.apis[KIND],
        KIND,
        variant.name,
        labels=names.labels(variant.name, "model", {**variant.labels, **own.labels, **added}),
        annotations=dict(sorted(own.annotations.items())),
        spec=_shortest(variant, full),
    )


def _shortest(variant: Variant, full: Manifest) -> Manifest:
    try:
        return thin_spec(full, variant.configs)
    except Impossible:
        return full
