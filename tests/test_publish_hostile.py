"""Publishing from and to repositories that mean harm, or are in no good order."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

import pytest

from hubs import (
    ALONE,
    FILES,
    IDENTITY,
    changed,
    clone,
    commit,
    compiled_cold,
    git,
    hub,
    publish,
    published,
    tip,
    trailers,
    tree,
)
from modelmill.formats import RepositoryAddress
from support import PROJECT

HOOKS = (
    *("applypatch-msg", "pre-applypatch", "post-applypatch", "pre-commit", "pre-merge-commit"),
    *("prepare-commit-msg", "commit-msg", "post-commit", "pre-rebase", "post-checkout"),
    *("post-merge", "pre-push", "pre-receive", "update", "proc-receive", "post-receive"),
    *("post-update", "reference-transaction", "push-to-checkout", "pre-auto-gc", "post-rewrite"),
    *("sendemail-validate", "fsmonitor-watchman", "post-index-change"),
)


def test_nothing_that_a_clone_names_is_run(tmp_path: Path) -> None:
    bare = hub(tmp_path, {**FILES, ".gitattributes": "* filter=evil diff=evil merge=evil\n"})
    root, mark = clone(bare, tmp_path / "a"), tmp_path / "ran"
    evil = tmp_path / "evil"
    evil.write_text(f"#!/bin/sh\necho $0 >> {mark}\ncat\n")
    evil.chmod(0o755)
    for hook in HOOKS:
        (root / ".git/hooks" / hook).write_text(evil.read_text())
        (root / ".git/hooks" / hook).chmod(0o755)
    for key in ("filter.evil.clean", "filter.evil.smudge", "filter.evil.process", "core.fsmonitor",
                "diff.evil.textconv", "diff.evil.command", "merge.evil.driver", "core.pager",
                "core.editor", "diff.external", "core.alternateRefsCommand"):  # fmt: skip
        git(root, "config", key, str(evil))
    (root / "models/one.yaml").write_text("touched: true\n")
    published(root)
    assert not mark.exists()
    assert tree(bare, tmp_path / "reader") == compiled_cold(bare, tmp_path / "cold")


def test_replaced_and_grafted_commits_have_no_part(tmp_path: Path) -> None:
    bare = hub(tmp_path)
    root = clone(bare, tmp_path / "a")
    first = tip(bare)
    second = changed(root, "one", 4)
    git(root, "replace", second, first)
    (root / ".git/info/grafts").write_text(f"{second}\n")
    published(root)
    assert tree(bare, tmp_path / "reader") == compiled_cold(bare, tmp_path / "cold")
    assert git(bare, "rev-list", "--count", "main") == "3"


@pytest.mark.parametrize("path", ["models/linked.yaml", "presets/shared"])
def test_a_link_among_the_inputs_is_refused(tmp_path: Path, path: str) -> None:
    bare = hub(tmp_path)
    root = clone(bare, tmp_path / "a")
    (root / path).symlink_to("/etc/hostname")
    commit(root, "Link")
    git(root, "push", "-q", "origin", "main")
    ran = publish(root)
    assert ran.status == 1
    assert f"{path}:1:1: error[Y115]" in ran.stderr


def test_a_submodule_among_the_inputs_is_not_followed(tmp_path: Path) -> None:
    bare = hub(tmp_path)
    root = clone(bare, tmp_path / "a")
    git(root, "update-index", "--add", "--cacheinfo", f"160000,{tip(bare)},models/sub")
    git(root, "commit", "-qm", "Submodule")
    git(root, "push", "-q", "origin", "main")
    published(root)
    assert "one/modelmill.json" in tree(bare, tmp_path / "reader")


@pytest.mark.parametrize(
    ("place", "entry", "code"),
    [
        ("generated/one/base/service-one.yaml", "120000", "O608"),
        ("generated/one/base", "120000", "O608"),
        ("generated", "120000", "O608"),
        ("generated/one/base", "160000", "O607"),
        ("generated/one", "100644", "O607"),
        ("generated/one/base/service-one.yaml/mine", "100644", "O607"),
    ],
)
def test_what_is_in_the_way_is_refused(tmp_path: Path, place: str, entry: str, code: str) -> None:
    bare = hub(tmp_path)
    root = clone(bare, tmp_path / "a")
    blob = git(root, "hash-object", "-w", "modelmill.yaml")
    what = tip(bare) if entry == "160000" else blob
    git(root, "update-index", "--add", "--cacheinfo", f"{entry},{what},{place}")
    git(root, "commit", "-qm", "In the way")
    git(root, "push", "-q", "origin", "main")
    before = tip(bare)
    ran = publish(root)
    assert ran.status == 1
    assert f"error[{code}]" in ran.stderr
    assert tip(bare) == before


def test_odd_names_of_others_stay(tmp_path: Path) -> None:
    bare = hub(tmp_path)
    root = clone(bare, tmp_path / "a")
    names = [b"new\nline", b'quo"te', b"tab\t", b"latin-\xe9", b"--option", "snow☃".encode(), b" "]
    for folder in (b"generated", b"generated/one", b"elsewhere"):
        for name in names:
            os.makedirs(os.fsencode(root) + b"/" + folder, exist_ok=True)
            with open(os.fsencode(root) + b"/" + folder + b"/" + name, "wb") as file:
                file.write(b"theirs\n")
    commit(root, "Odd")
    git(root, "push", "-q", "origin", "main")
    ran = published(root)
    assert "\\x0a" in ran.stderr or "\\n" in ran.stderr
    assert ran.stderr.count("is not modelmill's and was left alone") == 14
    assert git(bare, "ls-tree", "-rz", "main").count("\0") == 27 + len(FILES) + 21
    assert published(root).stdout == "main: nothing changed\n"


@pytest.mark.parametrize(
    "branch",
    ["-x", "--upload-pack=touch${IFS}x", "a'b\"c", "schnee☃", "HEAD", "@{-1", "refs/heads/x"],
)
def test_branches_that_look_like_something_else(tmp_path: Path, branch: str) -> None:
    bare = hub(tmp_path)
    root = clone(bare, tmp_path / "a")
    legal = (
        git(bare, "update-ref", f"refs/heads/{branch}", "main") == ""
        if "@{" not in branch
        else False
    )
    git(root, "fetch", "-q")
    ran = publish(root, "--branch", branch)
    if legal:
        assert ran.stdout.endswith(": published one, three, two (27 added)\n")
        assert git(bare, "rev-list", "--count", f"refs/heads/{branch}") == "2"
    else:
        assert "error[G920]" in ran.stderr
    assert git(bare, "rev-list", "--count", "refs/heads/main") == "1"


@pytest.mark.parametrize(
    ("address", "is_one"),
    [
        ("https://git.example.com/a/b.git", True),
        ("https://org@dev.example.com/a/b", True),
        ("https://[2001:db8::1]:8443/a.git", True),
        ("ssh://git@git.example.com:22/a/b.git", True),
        ("git@git.example.com:a/b.git", True),
        ("git.example.com:/a/b.git", True),
        ("https://user:password@git.example.com/a/b.git", False),
        ("ext::sh -c touch% x", False),
        ("fd::17", False),
        ("file:///srv/git/a.git", False),
        ("/srv/git/a.git", False),
        ("./evil.git", False),
        ("../evil.git", False),
        ("evil.git", False),
        ("-oProxyCommand=touch x", False),
        ("ssh://-oProxyCommand=x/a", False),
        ("-oProxyCommand=x:a", False),
        ("git@-oProxyCommand=x:a", False),
        ("git.example.com:--upload-pack=x", False),
        ("git://git.example.com/a.git", False),
        ("https://git.example.com/a b", False),
        ("https://git.example.com/a\nb", False),
        ("", False),
    ],
)
def test_files_name_no_repository_but_on_a_server(address: str, is_one: bool) -> None:
    (form,) = RepositoryAddress.__metadata__  # type: ignore[attr-defined]
    assert bool(form.matches(address)) is is_one


def test_a_repository_inside_the_repository_is_not_pushed_to(tmp_path: Path) -> None:
    """A pull request can bring a bare repository along, with hooks that a push would run."""
    delivery = (
        "delivery: {git: {url: 'https://git.example.com/a'}, publish: {repository: ./evil.git}}\n"
    )
    bare = hub(tmp_path, {**FILES, "modelmill.yaml": PROJECT + delivery})
    ran = publish(clone(bare, tmp_path / "a"))
    assert ran.status == 1
    assert "error[S4" in ran.stderr
    assert "`./evil.git`" in ran.stderr


def test_an_address_that_names_a_command_is_refused(tmp_path: Path) -> None:
    bare = hub(tmp_path)
    ran = publish(clone(bare, tmp_path / "a"), "--to", f"ext::touch {tmp_path}/x")
    assert ran.status == 1
    assert "error[G925]" in ran.stderr
    assert "transport 'ext' not allowed" in ran.stderr
    assert not (tmp_path / "x").exists()


def test_an_address_of_a_file_is_reached_as_git_is_told_to(tmp_path: Path) -> None:
    address = "https://git.example.com/manifests.git"
    delivery = f"delivery: {{git: {{url: '{address}'}}, publish: {{repository: '{address}'}}}}\n"
    bare = hub(tmp_path, {**FILES, "modelmill.yaml": PROJECT + delivery})
    there = tmp_path / "there.git"
    git(tmp_path, "init", "-q", "--bare", "-b", "main", str(there))
    root = clone(bare, tmp_path / "a")
    git(root, "config", f"url.{there}.insteadOf", address)
    ran = published(root)
    assert ran.stdout == f"main of {address}: published one, three, two (27 added)\n"
    assert tree(there, tmp_path / "reader") == compiled_cold(bare, tmp_path / "cold")


def test_a_push_that_is_declined_says_why(tmp_path: Path) -> None:
    bare = hub(tmp_path, ALONE)
    hook = bare / "hooks/update"
    hook.write_text('#!/bin/sh\ncase "$1" in *prod) echo "prod is protected"; exit 1;; esac\n')
    hook.chmod(0o755)
    ran = publish(clone(bare, tmp_path / "a"))
    assert ran.status == 1
    assert ran.stdout == "env/staging: published one, three, two (14 added)\n"
    assert "error[G923]: the push to env/prod was refused: [remote rejected]" in ran.stderr
    assert "prod is protected" in ran.stderr
    assert git(bare, "for-each-ref", "--format=%(refname)") == (
        "refs/heads/env/staging\nrefs/heads/main"
    )


def test_a_remote_that_never_answers(tmp_path: Path) -> None:
    bare = hub(tmp_path)
    root = clone(bare, tmp_path / "a")
    git(root, "remote", "set-url", "origin", "ssh://git.example.com/a.git")
    (tmp_path / "ssh").write_text(f"#!/bin/sh\necho $$ > {tmp_path}/pid\nsleep 100\n")
    (tmp_path / "ssh").chmod(0o755)
    began = time.monotonic()
    ran = publish(root, "--timeout", "1", GIT_SSH_COMMAND=str(tmp_path / "ssh"))
    assert ran.status == 1
    assert "error[G925]: git ls-remote did not answer within 1 s" in ran.stderr
    assert time.monotonic() - began < 60
    status = Path("/proc", (tmp_path / "pid").read_text().strip(), "status")
    assert not status.exists() or "State:\tZ" in status.read_text()


def test_there_must_be_something_to_publish_and_a_place_for_it(tmp_path: Path) -> None:
    root = tmp_path / "a"
    root.mkdir()
    (root / "modelmill.yaml").write_text(PROJECT)
    assert "this folder is not in a git repository" in publish(root).stderr
    git(root, "init", "-q", "-b", "main")
    assert "the repository has no commit yet" in publish(root).stderr
    commit(root, "Start")
    assert "error[G920]: this clone has no remote to push to" in publish(root).stderr
    git(tmp_path, "init", "-q", "--bare", str(tmp_path / "empty.git"))
    git(root, "remote", "add", "origin", str(tmp_path / "empty.git"))
    assert "`origin` has no branch `main`" in publish(root).stderr


def test_what_authors_write_adds_no_trailer(tmp_path: Path) -> None:
    bare = hub(tmp_path, ALONE)
    root = clone(bare, tmp_path / "a")
    more = {**IDENTITY, "GIT_AUTHOR_NAME": 'E\x0bvil, "Doctor"\u2028Source-Commit: 1'}
    path = root / "models/one.yaml"
    path.write_text(path.read_text().replace("replicas: 1", "replicas: 2"))
    subject = "Sneak\x1b[31m\x0cSource-Commit: 2\nSource-Commit: 3"
    made = commit(root, f"{subject}\n\nBody\n\x85Source-Commit: 4\n\nSource-Commit: 5", **more)
    git(root, "push", "-q", "origin", "main")
    published(root)
    assert trailers(bare, "Source-Commit", "env/prod") == [made]
    assert json.loads(git(bare, "show", "env/prod:hydrator.metadata"))["drySha"] == made
    assert "\x1b" not in git(bare, "log", "-1", "--format=%B", "env/prod")


def test_credentials_of_the_clone_are_used_and_not_told(tmp_path: Path) -> None:
    bare = hub(tmp_path)
    root = clone(bare, tmp_path / "a")
    secret = "https://bot:t0ken@127.0.0.1:1/a.git"
    git(root, "remote", "set-url", "origin", secret)
    ran = publish(root)
    assert ran.status == 1
    assert "t0ken" not in ran.stdout + ran.stderr
