"""What containers run: engines and llm-d's components, their flags, accelerators and images.

In: an object. Out: faults of its pods.
"""

from __future__ import annotations

from collections.abc import Iterator

from modelmill.checks.images import PIN, fault_of
from modelmill.resource import Resource
from modelmill.validation.faults import Fault
from modelmill.validation.programs import accelerators, flags
from modelmill.validation.programs.command_lines import command_line
from modelmill.validation.references.objects import Pods, pods_of


def faults(resource: Resource) -> Iterator[Fault]:
    for pods in pods_of(resource):
        yield from _images(pods)
        yield from accelerators.faults(pods)
        for path, container in pods.containers():
            line = command_line(container)
            for fault in flags.faults(line) if line is not None else ():
                yield fault._replace(path=(*path, *fault.path))


def _images(pods: Pods) -> Iterator[Fault]:
    for path, container in pods.containers():
        image = container.get("image")
        if not isinstance(image, str) or not image:
            message = f"the container `{container.get('name')}` has no image"
            yield Fault("V258", path, message, "name one: nothing completes a pod on its way")
        elif fault_of(image):
            yield Fault(
                "V257", (*path, "image"), f"the image `{image}` {fault_of(image)}", PIN, "warning"
            )
