"""G902, G903, G904: where controllers read generated/ from can be read, and by them alone."""

from __future__ import annotations

from collections.abc import Iterator

from modelmill.delivery.sites import PLACEHOLDER, Site
from modelmill.diagnostics import Diagnostic, Span, cut, error
from modelmill.regexes import regex

_with_user = regex(r"[A-Za-z][A-Za-z0-9+.-]*://([^/@\s]*)@")
_blank = regex(r"[\s\x00-\x1f\x7f]|\{\{")
_folder = regex(r"[A-Za-z0-9_@+=-][A-Za-z0-9._@+=-]*")
# git-check-ref-format(1), of a branch.
_refused = regex(r"[\x00-\x20\x7f~^:?*\[\\]|\.\.|@\{|//")
ADDRESSES = (("git", "url"), ("publish", "repository"), ("flux", "url"))


def site_faults(site: Site) -> Iterator[Diagnostic]:
    """What holds whoever delivers the environment."""
    yield from _addresses(site)
    yield from _branch(site)
    yield from _path(site)


def _addresses(site: Site) -> Iterator[Diagnostic]:
    for path in ADDRESSES:
        node = site.node.get(*path)
        if node is None:
            continue
        if not node.value or _blank.search(node.value):
            yield error(
                "G902",
                f"`{path[-1]}` is no address of a repository",
                node.span,
                "such as https://github.com/acme/models.git",
            )
        elif holds_credentials(node.value):
            yield error(
                "G902",
                f"`{path[-1]}` holds credentials, which all who read this repository can use",
                node.key_span,
                "leave them out, and revoke them; controllers take theirs from a Secret",
            )


def holds_credentials(url: str) -> bool:
    """Whether an address has a password in it, or a token for a user; ssh needs a user's name."""
    user = _with_user.match(url)
    return user is not None and (":" in user[1] or not url.startswith(("ssh:", "git+ssh:")))


def _branch(site: Site) -> Iterator[Diagnostic]:
    """G903"""
    branch, span = site.delivery.git.branch, _span(site, "branch")
    plain = branch.replace(PLACEHOLDER, site.environment, 1)
    if PLACEHOLDER in plain:
        yield error("G903", f"`{PLACEHOLDER}` stands twice in `branch`", span, "write it once")
    elif "{" in plain or "}" in plain:
        yield error(
            "G903",
            f"`{cut(branch)}` has braces that stand for nothing",
            span,
            f"the environment's name is `{PLACEHOLDER}`",
        )
    elif branch.startswith("refs/"):
        yield error(
            "G903",
            f"`{cut(branch)}` is a whole ref; `branch` is the name of a branch",
            span,
            f"write `{cut(branch.removeprefix('refs/heads/'))}`",
        )
    elif _is_refused(plain):
        yield error("G903", f"Git takes no branch of the name `{cut(branch)}`", span)


def _is_refused(branch: str) -> bool:
    parts = branch.split("/")
    return (
        branch in ("", "@", "HEAD")
        or branch.startswith("-")
        or branch.endswith(".")
        or _refused.search(branch) is not None
        or any(not part or part.startswith(".") or part.endswith(".lock") for part in parts)
    )


def _path(site: Site) -> Iterator[Diagnostic]:
    """G904"""
    path = site.delivery.git.path
    if path and not all(_folder.fullmatch(part) for part in path.removesuffix("/").split("/")):
        yield error(
            "G904",
            f"`{cut(path)}` is no folder of the repository",
            _span(site, "path"),
            "write it from the repository's top, of plain names: `platform/models`",
        )


def _span(site: Site, field: str) -> Span:
    return site.node.nearest("git", field).span
