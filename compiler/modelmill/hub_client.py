"""The commit that a branch or tag of a model has on the Hugging Face Hub.

In: a model's name and revision. Out: the commit; or a LookupFault. The address and the token are
those of huggingface_hub: HF_ENDPOINT, HF_TOKEN. https://huggingface.co/docs/hub/api
"""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import quote

from modelmill.jsontext import read_json
from modelmill.regexes import regex
from modelmill.web import LookupFault, ask

ENDPOINT = "https://huggingface.co"
DEFAULT_REVISION = "main"
_is_commit = regex(r"[0-9a-f]{40}")


def commit_of(name: str, revision: str, environment: Mapping[str, str]) -> str:
    """The commit of `ORG/MODEL` at a branch or tag, `main` where none is named."""
    endpoint = (environment.get("HF_ENDPOINT") or ENDPOINT).rstrip("/")
    token = environment.get("HF_TOKEN", "").strip()
    wanted = quote(revision or DEFAULT_REVISION, safe="")
    url = f"{endpoint}/api/models/{quote(name)}/revision/{wanted}"
    answer = ask(url, {"Accept": "application/json"}, authorization=token and f"Bearer {token}")
    if answer.status != 200:
        raise _refusal(answer.status, name, revision, has_token=bool(token))
    try:
        commit = read_json(answer.body).get("sha")
    except (ValueError, AttributeError):
        commit = None
    if not isinstance(commit, str) or not _is_commit.fullmatch(commit):
        raise LookupFault("the hub answers without a commit")
    return commit


def _refusal(status: int, name: str, revision: str, *, has_token: bool) -> LookupFault:
    if status == 404:
        where = f" with a branch or tag `{revision}`" if revision else ""
        return LookupFault(f"the hub has no model `{name}`{where}", "look at its name and revision")
    if status in (401, 403):
        hint = "" if has_token else "set HF_TOKEN to a token that may read it"
        message = f"the hub does not let `{name}` be seen: it is private, gated, or not there"
        return LookupFault(message, hint)
    if status == 429:
        return LookupFault("the hub has had enough of questions for now", "try again later")
    return LookupFault(f"the hub answers with HTTP {status}")
