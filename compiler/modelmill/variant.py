"""A model in one environment, decoded: what checks judge and emitters read.

In: a resolved tree. Out: a Variant, whose `span_of` leads from any field back to its line.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cached_property
from typing import Any, TypeVar, cast

from modelmill.catalog import Document
from modelmill.catalogues import VersionSet
from modelmill.diagnostics import CompileError, Span
from modelmill.groups import SIMULATOR, group_of, workers_serve
from modelmill.merge import merge
from modelmill.names import MODEL, child_name, label_value, selector
from modelmill.resolve import Memory, Resolved
from modelmill.shapes import Problems
from modelmill.spec.documents import Spec
from modelmill.spec.pod import Container, ContainerFields, Pod
from modelmill.spec.role import ROLE_TYPES, Role
from modelmill.spec.routing import Pool, Route, Routing, Scheduler, Sidecar
from modelmill.tree import Node

T = TypeVar("T")

# What `worker` says of the engine, and of the pod it is in.
WORKER_ENGINE = ("command", "args", "argv", "env")
WORKER_POD = ("resources", "probes", "pod", "container")


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
        is_worker: bool = False,
    ) -> None:
        self.model = model
        self.overlay = overlay
        self.chain = chain
        self.tree = tree
        self.spec = spec
        self.versions = versions
        self.is_worker = is_worker
        self._memory = memory

    def once(self, inputs: tuple[object, ...], make: Callable[[], T]) -> T:
        """What `make` makes, or what another variant of this model made from the very same inputs:
        records that environments share are the same object (see `references`)."""
        key = tuple(each if isinstance(each, str) else id(each) for each in inputs)
        known = self._memory.get(key)
        if known is None:
            # The inputs are kept beside the result: else an id could come to mean another one.
            known = self._memory[key] = (inputs, make())
        return cast(T, known[1])

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
    def routing(self) -> Routing:
        return self.spec.routing or Routing()

    @cached_property
    def route(self) -> Route:
        return self.routing.route or Route()

    @cached_property
    def pool(self) -> Pool:
        return self.routing.pool or Pool()

    @cached_property
    def sidecar(self) -> Sidecar:
        return self.routing.sidecar or Sidecar()

    @cached_property
    def scheduler(self) -> Scheduler | None:
        """The endpoint picker, if the model has one: settings without a `config` make none."""
        scheduler = self.routing.scheduler
        return scheduler if scheduler is not None and scheduler.config is not None else None

    @cached_property
    def roles(self) -> dict[str, Role]:
        return dict(self.spec.roles)

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
        return self.sidecar.model_server_port if self._is_proxied(key) else self.routing.port

    def gpus(self, key: str) -> int:
        """Accelerators one pod of the role needs."""
        return group_of(self.spec.roles[key]).accelerators

    def workload_name(self, key: str) -> str:
        return self.spec.roles[key].name or child_name(self.name, key)

    def selector(self, key: str) -> dict[str, str]:
        """Labels of the role's pods that serve, by which its workload knows them; with dual pods it
        knows requesters instead (`kinds.replica_set`)."""
        role = self.spec.roles[key]
        given = role.selector if role.dual_pods is None else None
        return dict(given) if given else selector(self.name, key)

    def is_bare(self, key: str) -> bool:
        """Whether the role's pods are only what is written, without what a server should have."""
        return self.spec.roles[key].defaults == "none"

    @cached_property
    def picker_name(self) -> str:
        return child_name(self.name, "epp")

    @cached_property
    def labels(self) -> dict[str, str]:
        """The model's own labels and its served name, for every object."""
        return {
            **self.model.record.metadata.labels,
            MODEL: label_value(self.spec.model.name),
        }

    def containers_beside(self) -> Iterator[tuple[tuple[str, ...], Container]]:
        """Containers people added to pods, with the place each is written at."""
        for place, pod in self.pods_written():
            for name, container in pod.containers.items():
                yield (*place, "containers", name), container
            for name, container in pod.init_containers.items():
                yield (*place, "initContainers", name), container

    def pods_written(self) -> Iterator[tuple[tuple[str, ...], Pod]]:
        """What people wrote of pods, with the place of each."""
        for key, role in self.roles.items():
            if role.pod is not None:
                yield ("roles", key, "pod"), role.pod
            if role.worker is not None and role.worker.pod is not None:
                yield ("roles", key, "worker", "pod"), role.worker.pod
        if self.scheduler is not None and self.scheduler.pod is not None:
            yield ("routing", "scheduler", "pod"), self.scheduler.pod
        cache = self.spec.model.cache
        if cache is not None and cache.download is not None and cache.download.pod is not None:
            yield ("model", "cache", "download", "pod"), cache.download.pod

    def containers_written(self) -> Iterator[tuple[tuple[str, ...], ContainerFields]]:
        """What people wrote of containers, derived ones and their own, with the place of each."""
        found: list[tuple[tuple[str, ...], ContainerFields | None]] = [
            (("routing", "sidecar", "container"), self.sidecar.container)
        ]
        for key, role in self.roles.items():
            found.append((("roles", key, "container"), role.container))
            if role.worker is not None:
                found.append((("roles", key, "worker", "container"), role.worker.container))
            if role.dual_pods is not None:
                found.append((("roles", key, "dualPods", "container"), role.dual_pods.container))
        if self.scheduler is not None:
            found.append((("routing", "scheduler", "container"), self.scheduler.container))
        yield from ((place, fields) for place, fields in found if fields is not None)
        yield from self.containers_beside()

    @cached_property
    def registries(self) -> dict[str, str]:
        """Registries that stand for others: the project's, and over them the environment's."""
        own = self.overlay.record.registries if self.overlay else {}
        return {**self.versions.registries, **own}

    def image(self, name: str, given: str | None) -> str:
        """A component's image: the field's, or the version set's."""
        return given or self.versions.images[name]

    def workers_of(self, key: str) -> Variant:
        """The role's workers as pods of their own: what `worker` says is laid over the role, as any
        layer is over another."""
        tree = _with_workers(self.tree, key)
        beside = (self.model, self.overlay, self.chain)
        return Variant(*beside, tree, _decoded(tree), self.versions, self._memory, is_worker=True)


def _with_workers(tree: Node, key: str) -> Node:
    """The tree with the role `key` as its workers are. A simulator stands for any pod of an engine,
    which it knows nothing of."""
    role, worker = tree.nearest("roles", key), tree.get("roles", key, "worker")
    kind = tree.nearest("roles", key, "engine", "type").value
    if worker is None or kind == SIMULATOR:
        return tree
    said: dict[str, Node] = {k: worker.value[k] for k in WORKER_POD if k in worker.value}
    engine = {k: worker.value[k] for k in WORKER_ENGINE if k in worker.value}
    if engine:
        said["engine"] = Node(engine, worker.place, worker.key)
    laid = merge(role, Node(said, role.place, role.key), Role.shape())
    roles = tree.nearest("roles")
    entries = {**roles.value, key: laid}
    return Node({**tree.value, "roles": Node(entries, roles.place, roles.key)}, tree.place)


def _decoded(tree: Node) -> Spec:
    problems = Problems(partial=False)
    spec: Any = Spec.shape().decode(tree, problems)
    if problems.found:
        raise CompileError(problems.found)
    return cast(Spec, spec)


def decode(resolved: Resolved, versions: VersionSet) -> Variant:
    """Types from the merged tree; a CompileError lists every value that does not fit."""
    return Variant(
        resolved.model,
        resolved.overlay,
        resolved.chain,
        resolved.tree,
        _decoded(resolved.tree),
        versions,
        resolved.memory,
    )
