"""C528, S402: values of environment variables hold no secrets, and are what is written."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from modelmill.diagnostics import Diagnostic, error, warning
from modelmill.redaction import is_secret
from modelmill.variant import Variant

Place = tuple[str, ...]
HINT = "keep secrets out of Git: use `valueFrom: {secretKeyRef: {name: …, key: …}}`"
# How tokens of Hugging Face, OpenAI, GitHub, GitLab, Slack and AWS begin.
_is_token = re.compile(
    r"(hf_|sk-|gh[opsu]_|github_pat_|glpat-|xox[abprs]-|AKIA)[A-Za-z0-9_-]{8,}"
).fullmatch


def check(variant: Variant) -> Iterable[Diagnostic]:
    for place, env in _environments(variant):
        for name, value in env.items():
            span = variant.span_of(*place, name)
            if isinstance(value, float):
                yield error(
                    "S402",
                    f"`{name}` must be a string, as a number is not passed on as it is written",
                    span,
                    "put it in quotes",
                )
            elif isinstance(value, str) and _is_token(value):
                yield error(
                    "C528", f"`{name}` holds a token, and its value stands here", span, HINT
                )
            elif isinstance(value, str) and value and is_secret(("env", name)):
                yield warning(
                    "C528", f"`{name}` may be a secret whose value stands here", span, HINT
                )


def _environments(variant: Variant) -> Iterable[tuple[Place, Mapping[str, Any]]]:
    for key, role in variant.roles.items():
        if role.engine is not None:
            yield ("roles", key, "engine", "env"), role.engine.env
        if role.pod is not None:
            for name, each in role.pod.containers.items():
                yield ("roles", key, "pod", "containers", name, "env"), each.env
            for name, each in role.pod.init_containers.items():
                yield ("roles", key, "pod", "initContainers", name, "env"), each.env
    if variant.routing.scheduler is not None:
        yield ("routing", "scheduler", "env"), variant.routing.scheduler.env
    yield ("routing", "sidecar", "env"), variant.sidecar.env
