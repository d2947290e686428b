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
from modelmill.names import MODEL, child_name, label_value
from modelmill.resolve import Memory, Resolved
from modelmill.shapes import Problems
from modelmill.spec.documents import Spec
from modelmill.spec.pod import Container, Pod
from modelmill.spec.role import ROLE_TYPES, Role
from modelmill.spec.routing import Pool, Route, Routing, Scheduler, Sidecar
from modelmill.tree import Node

T = TypeVar("T")


class Variant:
    """One model under one overlay (None: the base)."""

    def __init__(
        self,
        model: Document,
        overlay: Document | None,
        chain: tuple[Document, ...],
        tree: Node,
        spec: Spec,
        versions: VersionSet,
        memory: Memory,
    ) -> None:
        self.model = model
        self.overlay = overlay
        self.chain = chain
        self.tree = tree
        self.spec = spec
        self.versions = versions
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
        return self.is_disaggregated and self.role_type(key) != "prefill"

    def engine_port(self, key: str) -> int:
        return self.sidecar.model_server_port if self.has_sidecar(key) else self.routing.port

    def gpus(self, key: str) -> int:
        """Accelerators one pod of the role needs: tensor × pipeline × data parallel size."""
        parallelism = self.spec.roles[key].parallelism
        if parallelism is None:
            return 1
        sizes = (parallelism.tensor, parallelism.pipeline, parallelism.data)
        count = 1
        for size in sizes:
            count *= size or 1
        return count

    def workload_name(self, key: str) -> str:
        return child_name(self.name, key)

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
        pods: list[tuple[tuple[str, ...], Pod | None]] = [
            (("roles", key, "pod"), role.pod) for key, role in self.roles.items()
        ]
        if self.scheduler is not None:
            pods.append((("routing", "scheduler", "pod"), self.scheduler.pod))
        for place, pod in pods:
            if pod is not None:
                for name, container in pod.containers.items():
                    yield (*place, "containers", name), container
                for name, container in pod.init_containers.items():
                    yield (*place, "initContainers", name), container

    def image(self, name: str, given: str | None) -> str:
        """A component's image: the field's, or the version set's."""
        return given or self.versions.images[name]


def decode(resolved: Resolved, versions: VersionSet) -> Variant:
    """Types from the merged tree; a CompileError lists every value that does not fit."""
    problems = Problems(partial=False)
    spec: Any = Spec.shape().decode(resolved.tree, problems)
    if problems.found:
        raise CompileError(problems.found)
    return Variant(
        resolved.model,
        resolved.overlay,
        resolved.chain,
        resolved.tree,
        spec,
        versions,
        resolved.memory,
    )
