"""A model in one environment, decoded: what checks judge and emitters read.

In: a resolved tree. Out: a Variant, whose `span_of` leads from any field back to its line.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import Any, TypeVar, cast

from modelmill import kserve_identity
from modelmill.catalog import Document
from modelmill.catalogues import VersionSet
from modelmill.diagnostics import CompileError, Span
from modelmill.groups import group_of, workers_serve
from modelmill.layers import with_workers
from modelmill.names import COMPONENT, MODEL, child_name, label_value, selector
from modelmill.registries import Pulls, whole
from modelmill.resolve import MADE, Memory, Resolved
from modelmill.shapes import Problems
from modelmill.spec.documents import Spec
from modelmill.spec.gateways import GatewayProvider, ManagedGateway
from modelmill.spec.kserve import KServeTarget
from modelmill.spec.role import ROLE_TYPES, Role
from modelmill.spec.routing import Gateway, Pool, Route, Routing, Scheduler, Sidecar
from modelmill.tree import Node
from modelmill.tuples import NamedTuple

T = TypeVar("T")
_NO_ROUTING, _NO_ROUTE, _NO_POOL, _NO_SIDECAR = Routing(), Route(), Pool(), Sidecar()


class BaseConfig(NamedTuple):
    """An LLMInferenceServiceConfig under a model's resource of KServe: its name, the preset it is
    made of, and its `spec`."""

    name: str
    preset: str
    spec: dict[str, Any]


class Variant:
    """One model under one overlay (None: the base), or a role's workers in it (`workers_of`)."""

    def __init__(
        self,
        model: Document,
        overlay: Document | None,
        chain: tuple[Document, ...],
        tree: Node,
        spec: Spec,
        versions: VersionSet,
        memory: Memory,
        *,
        kserve: KServeTarget | None = None,
        configs: tuple[BaseConfig, ...] = (),
        is_worker: bool = False,
    ) -> None:
        self.model = model
        self.overlay = overlay
        self.chain = chain
        self.tree = tree
        self.spec = spec
        self.versions = versions
        self.kserve = kserve
        """How its resource of KServe is written; None where it compiles to plain objects."""
        self.configs = configs
        self.is_worker = is_worker
        self.roles: dict[str, Role] = dict(spec.roles)
        self.routing = spec.routing or _NO_ROUTING
        self.route = self.routing.route or _NO_ROUTE
        self.made: dict[object, Any] = {}  # of it, by what made it: see `sharing`
        self._memory = memory
        memory[MADE, id(self)] = ((), self.made)
        self._workers: dict[str, Variant] = {}

    def once(self, inputs: tuple[object, ...], make: Callable[[], T]) -> T:
        """What `make` makes, or what another variant of this model made from the very same inputs:
        records that environments share are the same object (see `references`)."""
        target = self.kserve is None
        key = (target, *[each if type(each) is str else id(each) for each in inputs])
        known = self._memory.get(key)
        if known is None:
            # The inputs are kept beside the result: else an id could come to mean another one.
            known = self._memory[key] = (inputs, make())
        return cast(T, known[1])

    @cached_property
    def first(self) -> Variant:
        """The first of the model's variants, of those of its sort, that was asked for this."""
        place = ("first", self.kserve is None, self.is_worker, bool(self.configs))
        return cast(Variant, self._memory.setdefault(place, ((), self))[1])

    @property
    def name(self) -> str:
        return self.model.name

    @property
    def environment(self) -> str | None:
        return self.overlay.name if self.overlay else None

    @property
    def namespace(self) -> str | None:
        return self.overlay.record.namespace if self.overlay else None

    def span_of(self, *path: str | int) -> Span:
        """Where the value at `path` was set, or the nearest thing above it that was."""
        return self.tree.nearest(*path).span

    def key_span_of(self, *path: str | int) -> Span:
        return self.tree.nearest(*path).key_span

    # What follows from the spec; emitters and checks share these, so they cannot disagree.

    @cached_property
    def gateway(self) -> Gateway | None:
        """What its route attaches to, if it has one: settings without a `name` make none."""
        gateway = self.routing.gateway
        return gateway if gateway is not None and gateway.name is not None else None

    @cached_property
    def managed_gateway(self) -> ManagedGateway | None:
        """The environment's own Gateway of that name."""
        own = self.overlay.record.gateways if self.overlay else {}
        return own.get(self.gateway.name) if self.gateway else None

    @cached_property
    def gateway_provider(self) -> GatewayProvider | None:
        """Whose implementation the Gateway is: said by the model, or by the environment's own."""
        gateway, managed = self.routing.gateway, self.managed_gateway
        return (gateway and gateway.provider) or (managed.provider if managed else None)

    @property
    def pool(self) -> Pool:
        return self.routing.pool or _NO_POOL

    @property
    def sidecar(self) -> Sidecar:
        return self.routing.sidecar or _NO_SIDECAR

    @cached_property
    def scheduler(self) -> Scheduler | None:
        """The endpoint picker, if the model has one: settings without a `config` make none."""
        scheduler = self.routing.scheduler
        return scheduler if scheduler is not None and scheduler.config is not None else None

    def role_type(self, key: str) -> str:
        """The part of a request a role serves: given, or its key's. Without a prefill role every
        role does both."""
        given = self.spec.roles[key].type
        if given is not None:
            return given
        if self.is_disaggregated and key in ROLE_TYPES:
            return key
        return "prefill-decode"

    @cached_property
    def is_disaggregated(self) -> bool:
        return any((role.type or key) == "prefill" for key, role in self.spec.roles.items())

    def has_sidecar(self, key: str) -> bool:
        """Decode pods of a disaggregated model have the routing sidecar in front of the engine."""
        return self._is_proxied(key) and self.serves(key)

    def _is_proxied(self, key: str) -> bool:
        wanted = self.sidecar.enabled
        has = self.is_disaggregated if wanted is None else wanted
        return has and self.role_type(key) != "prefill"

    def serves(self, key: str) -> bool:
        """Whether these pods of the role take requests; a group's workers may only work for it."""
        return not self.is_worker or workers_serve(self.spec.roles[key])

    def engine_port(self, key: str) -> int:
        if not self._is_proxied(key):
            return self.routing.port
        behind = self.sidecar.model_server_port
        return behind if self.kserve is None else kserve_identity.PORT_BEHIND_SIDECAR

    def gpus(self, key: str) -> int:
        """Accelerators one pod of the role needs."""
        return group_of(self.spec.roles[key]).accelerators

    def workload_name(self, key: str) -> str:
        role = self.spec.roles[key]
        if self.kserve is None:
            return role.name or child_name(self.name, key)
        is_group = role.worker is not None
        return kserve_identity.workload_name(self.name, self.part(key), is_group=is_group)

    def part(self, key: str) -> str:
        """What KServe adds to the names of a role's objects."""
        return kserve_identity.PREFILL if self.role_type(key) == "prefill" else ""

    def selector(self, key: str) -> dict[str, str]:
        """Labels of the role's pods that serve, by which its workload knows them; with dual pods it
        knows requesters instead (`kinds.replica_set`)."""
        role = self.spec.roles[key]
        if self.kserve is not None:
            is_group, part = role.worker is not None, self.part(key)
            component = kserve_identity.serving_component(part, is_group=is_group)
            return kserve_identity.labels(self.name, component)
        given = role.selector if role.dual_pods is None else None
        return dict(given) if given else selector(self.name, key)

    def pods_of(self, key: str) -> dict[str, Any]:
        """LabelSelector of all pods of a role, those of a group's workers included."""
        chosen = self.selector(key)
        if self.kserve is None or self.spec.roles[key].worker is None:
            return {"matchLabels": chosen}
        values = kserve_identity.group_components(self.part(key))
        del chosen[COMPONENT]
        either = {"key": COMPONENT, "operator": "In", "values": values}
        return {"matchLabels": chosen, "matchExpressions": [either]}

    def component_labels(self, component: str) -> dict[str, str]:
        """Labels of the picker's pods and Service (`epp`), of the model's Service (`model`)."""
        if self.kserve is not None:
            return kserve_identity.component_labels(self.name, component)
        return selector(self.name, component)

    def is_bare(self, key: str) -> bool:
        """Whether the role's pods are only what is written, without what a server should have."""
        return self.spec.roles[key].defaults == "none"

    @cached_property
    def picker_name(self) -> str:
        """Name of the endpoint picker's workload."""
        if self.kserve is not None:
            return kserve_identity.picker_name(self.name)
        return child_name(self.name, "epp")

    @cached_property
    def picker_service(self) -> str:
        own = self.kserve is None
        return self.picker_name if own else kserve_identity.picker_service(self.name)

    def pool_name(self, model: str) -> str:
        """Name of the InferencePool of a model: this one, or another of its split."""
        return model if self.kserve is None else kserve_identity.pool_name(model)

    def service_name(self, model: str) -> str:
        """Name of the Service of a model's pods."""
        return model if self.kserve is None else kserve_identity.service_name(model)

    @cached_property
    def labels(self) -> dict[str, str]:
        """The model's own labels and its served name, for every object."""
        return {**self.model.record.metadata.labels, MODEL: label_value(self.spec.model.name)}

    @cached_property
    def pulls(self) -> Pulls:
        """Where images come from: the project's mirrors, over them the environment's; the lock."""
        own = self.overlay.record.registries if self.overlay else {}
        return Pulls({**self.versions.registries, **own}, self.versions.digests)

    def is_locked(self, image: str) -> bool:
        """Whether the lock says which image a name stands for."""
        return whole(image) in self.versions.digests

    def image(self, name: str, given: str | None) -> str:
        """A component's image: the field's, or the version set's."""
        return given or self.versions.images[name]

    def over(self, configs: tuple[BaseConfig, ...]) -> Variant:
        """The same with configurations under its resource."""
        return self._like(self.tree, self.spec, configs=configs)

    def workers_of(self, key: str) -> Variant:
        """The role's workers as pods of their own: what `worker` says is laid over the role, as any
        layer is over another."""
        known = self._workers.get(key)
        if known is None:
            tree = with_workers(self.tree, key)
            known = self._workers[key] = self._like(tree, _decoded(tree), is_worker=True)
        return known

    def _like(self, tree: Node, spec: Spec, **changed: Any) -> Variant:
        around = (self.model, self.overlay, self.chain, tree, spec, self.versions, self._memory)
        return Variant(*around, kserve=self.kserve, **changed)


def _decoded(tree: Node) -> Spec:
    problems = Problems(partial=False)
    spec: Any = Spec.shape().decode(tree, problems)
    if problems.found:
        raise CompileError(problems.found)
    return cast(Spec, spec)


def decode(resolved: Resolved, versions: VersionSet) -> Variant:
    """Types from the merged tree; a CompileError lists every value that does not fit."""
    model, overlay, chain, tree, memory, kserve = resolved
    spec = _decoded(tree)
    return Variant(model, overlay, chain, tree, spec, versions, memory, kserve=kserve)
