"""What commits on published branches say: a subject, trailers, and hydrator.metadata.

In: what changed and the source commits behind it. Out: text. What authors wrote stands on one line
each and holds no control character, so that it can neither add a trailer nor hide one.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence

from modelmill.git.history import Said
from modelmill.jsontext import read_json
from modelmill.output import ENVIRONMENTS, Survey
from modelmill.output.ledger import unit_of
from modelmill.publishing.targets import Target
from modelmill.regexes import regex

SOURCE = "Source-Commit"
LISTED = 50
"""So many source commits and models are named one by one."""
_FEW = 3
_REFERENCE = "argocd-reference-commit-"
# https://argo-cd.readthedocs.io/en/stable/user-guide/source-hydrator/#commit-tracing
_sha = regex(r"[0-9a-f]{5,64}")
_control = regex(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")
_words = regex(r"[\w' -]+")


def units_of(survey: Survey) -> list[str]:
    """Models whose files change."""
    changes = survey.changes
    units = {unit_of(path) for paths in changes for path in paths}
    return sorted(unit for unit in units if not unit.startswith("_"))


def message(
    target: Target, survey: Survey, source: Said, others: Sequence[Said], since: str | None
) -> str:
    """A commit's message. `others`: source commits since the last published one, the newest first
    and `source` among them; `since`: that one, where they are not all."""
    lines = [_subject(target, survey), ""]
    named = [each.id for each in others] or [source.id]
    lines += [f"{SOURCE}: {identity}" for identity in named[:LISTED]]
    lines += [f"Source-Range: {since}..{source.id}"] if since and len(named) > LISTED else []
    models = units_of(survey)
    more = f" and {len(models) - LISTED} more" if len(models) > LISTED else ""
    lines += [f"Affected-Models: {', '.join(models[:LISTED])}{more}"] if models else []
    lines += [] if target.has_sources else _trailers(source)
    return "\n".join(lines) + "\n"


def _subject(target: Target, survey: Survey) -> str:
    models = units_of(survey)
    units = {unit_of(path) for paths in survey.changes for path in paths}
    where = "" if target.environment is None else f" to {target.environment}"
    verb = "Publish" if not target.has_sources else "Compile"
    if not models:
        own = sorted(unit.rpartition("/")[2] for unit in units if unit.startswith(ENVIRONMENTS))
        what = f"the environment {own[0]}" if len(own) == 1 else "the environments"
        return f"{verb} {what}{'' if own == [target.environment] else where}"
    named = " and ".join([*[", ".join(models[:-1])][: len(models) - 1], models[-1]])
    if len(models) > _FEW or len(named) > LISTED:
        named = f"{len(models)} models" if len(models) > 1 else "1 model"
    return f"{verb} {named}{where}"


def _trailers(source: Said) -> Iterable[str]:
    """The source commit as Argo CD has references to commits in trailers."""
    said = {
        "author": _mailbox(source),
        "sha": source.id,
        "subject": line(source.subject),
        "body": json.dumps(source.body) if source.body else "",
        "date": source.date,
    }
    return [f"Argocd-reference-commit-{key}: {value}" for key, value in said.items() if value]


def metadata(source: Said, url: str) -> bytes:
    """hydrator.metadata, from which gitops-promoter and Argo CD tell what was hydrated:
    https://github.com/argoproj-labs/gitops-promoter/blob/main/docs/advanced-usage/custom-hydrator.md"""
    said = {
        "drySha": source.id,
        "repoURL": url,
        "author": f"{line(source.author)} <{line(source.email)}>",
        "date": source.date,
        "subject": line(source.subject),
        "body": source.body,
        "references": [{"commit": each} for each in (_reference(source),) if each],
    }
    return (json.dumps({k: v for k, v in said.items() if v}, indent=2) + "\n").encode()


def recorded(data: bytes | None) -> str | None:
    """The source commit that hydrator.metadata names; None where it names none."""
    try:
        said = read_json(data or b"")
    except ValueError:
        return None
    sha = said.get("drySha") if isinstance(said, dict) else None
    return sha if isinstance(sha, str) and _sha.fullmatch(sha) else None


def _reference(source: Said) -> dict[str, str]:
    """The commit of another repository that a source commit says it is made for."""
    given = {
        key.removeprefix(_REFERENCE): line(value)
        for key, value in source.trailers.items()
        if key.startswith(_REFERENCE)
    }
    if not _sha.fullmatch(given.get("sha", "")):
        return {}
    names = {"sha": "sha", "repourl": "repoURL", "author": "author", "date": "date"}
    found = {name: given[key] for key, name in names.items() if given.get(key)}
    found.update({"subject": given["subject"]} if given.get("subject") else {})
    try:
        body = read_json(given.get("body", ""))
    except ValueError:
        body = None
    return {**found, "body": body} if isinstance(body, str) and body else found


def _mailbox(source: Said) -> str:
    """The author as RFC 5322 has it: a name that is more than words stands in quotes."""
    name = line(source.author)
    if not _words.fullmatch(name):
        name = '"' + name.replace("\\", "\\\\").replace('"', '\\"') + '"'
    return f"{name} <{line(source.email)}>"


def line(text: str) -> str:
    """Text on one line, without what a terminal or a reader of trailers would act on."""
    return _control.sub(" ", text).strip()
