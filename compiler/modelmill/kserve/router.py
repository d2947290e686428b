"""How requests reach a model that KServe serves: route, Gateway, endpoint picker, pool, tokenizer.

In: a variant. Out: `router` of its resource (kserve/kserve, pkg/apis/serving/v1alpha2, RouterSpec).
"""

from __future__ import annotations

from typing import Any

from modelmill import kserve_identity, latency_predictor
from modelmill.catalogues import engine_catalogue
from modelmill.containers import (
    Manifest,
    container_fields,
    env_list,
    flag_words,
    given,
    resources,
)
from modelmill.engines.flags import render
from modelmill.http_routes import route_specs
from modelmill.kserve.engine import MAIN, quoted
from modelmill.kserve.pods import pod_spec
from modelmill.names import NAME
from modelmill.picker_config import picker_config
from modelmill.routes import is_abroad
from modelmill.spec.picker import PredictorServer, Tokenizer
from modelmill.spec.routing import Pool, Scheduler
from modelmill.tokenizer import COMPONENT as TOKENIZER
from modelmill.variant import Variant

EXT_PROC_PORT = 9002
PICKER = "epp"
SERVED = "kserve.io/component"


def router(variant: Variant) -> Manifest:
    """Route and picker, where the model has them. A route in another namespace than the model's
    KServe cannot make: that one is emitted beside the resource."""
    found: Manifest = {}
    if variant.gateway is not None and not is_abroad(variant):
        spec = route_specs(variant)[0]
        (parent,) = spec["parentRefs"]
        reference = {
            key: parent[key] for key in ("name", "namespace", "sectionName") if key in parent
        }
        route = {key: value for key, value in spec.items() if key != "parentRefs"}
        found = {"gateway": {"refs": [reference]}, "route": {"http": {"spec": route}}}
    if variant.scheduler is not None:
        found["scheduler"] = _scheduler(variant, variant.scheduler)
    return found


def _scheduler(variant: Variant, scheduler: Scheduler) -> Manifest:
    assert scheduler.config is not None
    pod, metadata = scheduler.pod, scheduler.metadata
    labels = {**(metadata.labels if metadata else {}), **(pod.labels if pod else {})}
    noted = {**(metadata.annotations if metadata else {}), **(pod.annotations if pod else {})}
    template = pod_spec(
        pod,
        selector=variant.component_labels(PICKER),
        containers=[*_named(MAIN, _picker(variant, scheduler)), *_predictor(scheduler)],
    )
    found = given(
        replicas=scheduler.replicas if scheduler.replicas > 1 else None,
        labels=dict(sorted(labels.items())),
        annotations=dict(sorted(noted.items())),
        config={"inline": picker_config(variant, scheduler.config)},
        template=template,
        pool=_pool(variant),
    )
    if scheduler.tokenizer is not None:
        found["tokenizer"] = _tokenizer(variant, scheduler.tokenizer)
    return found


def _named(name: str, said: Manifest) -> list[Manifest]:
    """A container of the presets', where something is said of it."""
    return [{"name": name, **said}] if said else []


def _picker(variant: Variant, scheduler: Scheduler) -> Manifest:
    """What is said of the picker's container, over the preset's."""
    return given(
        image=scheduler.image,
        args=flag_words(_flags(variant, scheduler)),
        env=env_list(scheduler.env),
        resources=resources(scheduler.resources),
        **container_fields(scheduler.container, bare=True),
    )


def _flags(variant: Variant, scheduler: Scheduler) -> dict[str, Any]:
    flags: dict[str, Any] = {}
    if scheduler.pod_monitor is not None or scheduler.service_monitor is not None:
        flags["metrics-endpoint-auth"] = False
    if variant.gateway_provider == "agentgateway":
        # Its gateways speak to pickers without TLS.
        flags["secure-serving"] = False
    return {**flags, **dict(sorted(scheduler.flags.items()))}


def _predictor(scheduler: Scheduler) -> list[Manifest]:
    """What is said of the servers that the preset of latency prediction has."""
    predictor = scheduler.latency_predictor
    servers = [(predictor.training, latency_predictor.TRAINING)] if predictor else []
    servers += [(predictor.prediction, latency_predictor.PREDICTION)] if predictor else []
    return [
        each
        for server, name in servers
        if server is not None
        for each in _named(name, _server(server))
    ]


def _server(server: PredictorServer) -> Manifest:
    return given(
        image=server.image,
        env=env_list(server.env),
        resources=resources(server.resources),
        **container_fields(server.container, bare=True),
    )


def _pool(variant: Variant) -> Manifest | None:
    """The pool, where it is another than the preset's; complete, as its schema asks for."""
    if variant.pool == Pool():
        return None
    selector = {
        NAME: variant.name,
        kserve_identity.PART_OF: kserve_identity.OWNER,
        SERVED: "workload",
    }
    return {
        "spec": {
            "selector": {"matchLabels": selector},
            "targetPorts": [{"number": kserve_identity.PORT}],
            "appProtocol": variant.pool.app_protocol,
            "endpointPickerRef": {
                "group": "",
                "kind": "Service",
                "name": variant.picker_service,
                "port": {"number": EXT_PROC_PORT},
                "failureMode": variant.pool.failure_mode,
            },
        }
    }


def _tokenizer(variant: Variant, tokenizer: Tokenizer) -> Manifest:
    """What is said of the tokenizer's pods, which KServe always runs apart from the picker's. Its
    schema wants containers: one is named, if nothing is said of it."""
    own = tokenizer.container
    main = {
        "name": MAIN,
        **given(
            image=tokenizer.image,
            args=[quoted(word) for word in render(engine_catalogue("vllm"), tokenizer.flags)],
            env=env_list(tokenizer.env),
            resources=resources(tokenizer.resources),
            **container_fields(own, bare=True),
        ),
    }
    template = pod_spec(
        tokenizer.pod, selector=variant.component_labels(TOKENIZER), containers=[main]
    )
    return {"template": template} if template != {"containers": [{"name": MAIN}]} else {}
