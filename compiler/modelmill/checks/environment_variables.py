"""C528, S402: environment variables and flags hold no secrets, and are what is written."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any

from modelmill.diagnostics import Diagnostic, error, warning
from modelmill.picker_parameters import helpers
from modelmill.redaction import is_secret
from modelmill.regexes import regex
from modelmill.variant import Variant
from modelmill.written import containers_beside

READS = (
    "engine.args engine.env model pod routing.scheduler.config routing.scheduler.env "
    "routing.scheduler.latency_predictor routing.scheduler.pod routing.scheduler.tokenizer "
    "routing.sidecar worker"
)
Place = tuple[str, ...]
HINT = "keep secrets out of Git: use `valueFrom: {secretKeyRef: {name: …, key: …}}`"
FLAG_HINT = "keep secrets out of Git: most engines read it from a variable, which `env` can set"
# How tokens of Hugging Face, OpenAI, GitHub, GitLab, Slack and AWS begin.
_is_token = regex(r"(hf_|sk-|gh[opsu]_|github_pat_|glpat-|xox[abprs]-|AKIA)[A-Za-z0-9_-]{8,}")


def check(variant: Variant) -> Iterable[Diagnostic]:
    for place, values in _values(variant):
        is_environment = place[-1] == "env"
        for name, value in values.items():
            if isinstance(value, str) and _is_token.fullmatch(value):
                hint = HINT if is_environment else FLAG_HINT
                message = f"`{name}` holds a token, and its value stands here"
                yield error("C528", message, variant.span_of(*place, name), hint)
            elif is_environment and isinstance(value, str) and value and _is_named(name):
                message = f"`{name}` may be a secret whose value stands here"
                yield warning("C528", message, variant.span_of(*place, name), HINT)
            elif is_environment and isinstance(value, float):
                yield error(
                    "S402",
                    f"`{name}` must be a string, as a number is not passed on as it is written",
                    variant.span_of(*place, name),
                    "put it in quotes",
                )


@lru_cache(maxsize=4096)
def _is_named(name: str) -> bool:
    return is_secret(("env", name))


def _values(variant: Variant) -> Iterable[tuple[Place, Mapping[str, Any]]]:
    """Environments, and engine flags, which end up in the process list as well."""
    for key, role in variant.roles.items():
        if role.engine is not None:
            yield ("roles", key, "engine", "env"), role.engine.env
            yield ("roles", key, "engine", "args"), role.engine.args
        if role.worker is not None:
            yield ("roles", key, "worker", "env"), role.worker.env
            yield ("roles", key, "worker", "args"), role.worker.args
    for place, container in containers_beside(variant):
        yield (*place, "env"), container.env
    cache = variant.spec.model.cache
    if cache is not None and cache.download is not None:
        yield ("model", "cache", "download", "env"), cache.download.env
    sync = variant.spec.model.adapter_sync
    if sync is not None:
        yield ("model", "adapterSync", "env"), sync.env
    if variant.scheduler is not None:
        yield ("routing", "scheduler", "env"), variant.scheduler.env
    for place, helper in helpers(variant):
        yield (*place, "env"), helper.env
    yield ("routing", "sidecar", "env"), variant.sidecar.env
