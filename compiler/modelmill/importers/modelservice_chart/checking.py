"""Everything there is to say about a release whose keys are in order.

In: a release, its templates evaluated. Out: findings: errors for what cannot be taken over,
warnings for what was corrected and for what runs with a defect.
"""

from __future__ import annotations

from collections.abc import Iterator

from modelmill.diagnostics import Diagnostic
from modelmill.importers.modelservice_chart import (
    accelerator,
    container_checks,
    identity,
    multinode,
    parallelism,
    requester,
    role_checks,
    sidecar,
    weights,
)
from modelmill.importers.modelservice_chart.facts import ROLES
from modelmill.importers.modelservice_chart.release import Release


def errors(release: Release) -> Iterator[Diagnostic]:
    """What makes the rest of a release meaningless."""
    yield from role_checks.errors(release)
    yield from container_checks.errors(release)


def findings(release: Release) -> Iterator[Diagnostic]:
    """What is to be said of a release without such errors."""
    yield from weights.findings(release)
    yield from sidecar.findings(release)
    yield from identity.findings(release)
    for role in ROLES:
        if release.get(role, "create"):
            yield from parallelism.findings(release, role)
            yield from accelerator.findings(release, role)
            yield from multinode.findings(release, role)
            yield from role_checks.findings(release, role)
            yield from container_checks.findings(release, role)
    yield from requester.findings(release)
