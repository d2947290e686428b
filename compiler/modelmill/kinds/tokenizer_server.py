"""Deployment and Service of an endpoint picker's tokenizer, where it is not beside the picker."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial

from modelmill import names, tokenizer
from modelmill.claims import picker_claims, pod_entries
from modelmill.containers import Manifest
from modelmill.pod_specs import pod_spec
from modelmill.resource import Resource, resource
from modelmill.spec.picker import Tokenizer
from modelmill.variant import Variant

COMPONENT = tokenizer.COMPONENT
# A prompt is turned into tokens in milliseconds.
GRACE_SECONDS = 30


def emit(variant: Variant) -> Iterable[Resource]:
    found = tokenizer.tokenizer_of(variant)
    if found is None or not found.separate:
        return ()
    inputs = ("tokenizer", variant.spec.routing, variant.spec.model)
    return variant.once(inputs, partial(_objects, variant, found))


def _objects(variant: Variant, found: Tokenizer) -> tuple[Resource, ...]:
    return (_deployment(variant, found), _service(variant))


def _deployment(variant: Variant, found: Tokenizer) -> Resource:
    metadata = found.metadata
    said = metadata.labels if metadata else {}
    noted = dict(metadata.annotations) if metadata else {}
    return resource(
        "apps/v1",
        "Deployment",
        tokenizer.name(variant),
        labels=names.labels(variant.name, COMPONENT, {**variant.labels, **said}),
        annotations=dict(sorted(noted.items())),
        spec={
            "replicas": found.replicas,
            "selector": {"matchLabels": names.selector(variant.name, COMPONENT)},
            "strategy": {
                "type": "RollingUpdate",
                "rollingUpdate": {"maxSurge": "25%", "maxUnavailable": "25%"},
            },
            "template": _template(variant, found),
        },
    )


def _template(variant: Variant, found: Tokenizer) -> Manifest:
    pod, metadata = found.pod, found.metadata
    assert variant.scheduler is not None
    picker = variant.scheduler.pod
    own = {
        **variant.labels,
        **(metadata.labels if metadata else {}),
        **(pod.labels if pod else {}),
    }
    annotations = {
        **(metadata.annotations if metadata else {}),
        **(pod.annotations if pod else {}),
    }
    head: Manifest = {"labels": names.labels(variant.name, COMPONENT, own)}
    if annotations:
        head["annotations"] = dict(sorted(annotations.items()))
    return {
        "metadata": head,
        "spec": pod_spec(
            pod,
            account=(picker and picker.service_account_name) or variant.picker_name,
            uses_token=False,
            grace_seconds=GRACE_SECONDS,
            selector=names.selector(variant.name, COMPONENT),
            containers=[tokenizer.container(variant)],
            volumes=tokenizer.volumes(variant),
            claims=pod_entries(picker_claims(variant, COMPONENT, pod)),
        ),
    }


def _service(variant: Variant) -> Resource:
    port = tokenizer.port(variant)
    return resource(
        "v1",
        "Service",
        tokenizer.name(variant),
        labels=names.labels(variant.name, COMPONENT, variant.labels),
        spec={
            "type": "ClusterIP",
            "selector": names.selector(variant.name, COMPONENT),
            "ports": [
                {
                    "name": tokenizer.PORT_NAME,
                    "port": port,
                    "protocol": "TCP",
                    "targetPort": port,
                    "appProtocol": "http",
                }
            ],
        },
    )
