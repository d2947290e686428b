"""`modelmill publish`: what is committed, compiled and pushed, with real repositories."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from hubs import (
    ALONE,
    DELIVERY,
    FILES,
    changed,
    clone,
    commit,
    compiled_cold,
    git,
    hub,
    message,
    publish,
    published,
    replicas,
    tip,
    trailers,
    tree,
)
from support import PROJECT, write_files


def test_the_branch_gets_what_a_compile_writes(tmp_path: Path) -> None:
    bare = hub(tmp_path)
    source = tip(bare)
    ran = published(clone(bare, tmp_path / "a"))
    assert ran.stdout == "main: published one, three, two (27 added)\n"
    assert tree(bare, tmp_path / "reader") == compiled_cold(bare, tmp_path / "cold")
    assert git(bare, "rev-parse", "main^") == source
    assert message(bare) == [
        "Compile one, three and two",
        "",
        f"Source-Commit: {source}",
        "Affected-Models: one, three, two",
    ]


def test_without_a_change_there_is_no_commit(tmp_path: Path) -> None:
    bare = hub(tmp_path)
    root = clone(bare, tmp_path / "a")
    published(root)
    before = tip(bare)
    assert published(root).stdout == "main: nothing changed\n"
    git(root, "pull", "-q")
    (root / "README.md").write_text("Ours.\n")
    commit(root, "Say whose it is")
    git(root, "push", "-q", "origin", "main")
    assert published(root).stdout == "main: nothing changed\n"
    assert git(bare, "rev-parse", "main^") == before


def test_only_what_changed_is_committed_and_every_source_commit_named(tmp_path: Path) -> None:
    bare = hub(tmp_path)
    root = clone(bare, tmp_path / "a")
    published(root)
    git(root, "pull", "-q")
    sources = [changed(root, "one", 3), changed(root, "two", 5)]
    assert published(root).stdout == "main: published one, two (4 changed)\n"
    assert message(bare)[0] == "Compile one and two"
    assert trailers(bare, "Source-Commit")[:2] == sources[::-1]
    assert tree(bare, tmp_path / "reader") == compiled_cold(bare, tmp_path / "cold")


def test_a_deleted_model_goes(tmp_path: Path) -> None:
    bare = hub(tmp_path)
    root = clone(bare, tmp_path / "a")
    published(root)
    git(root, "pull", "-q")
    (root / "models/two.yaml").unlink()
    commit(root, "Retire two")
    git(root, "push", "-q", "origin", "main")
    assert "published two (" in published(root).stdout
    assert not any(path.startswith("two/") for path in tree(bare, tmp_path / "reader"))


def test_the_clone_is_only_read(tmp_path: Path) -> None:
    bare = hub(tmp_path)
    root = clone(bare, tmp_path / "a")
    changed(root, "one", 3)
    (root / "models/two.yaml").write_text("never: committed\n")
    git(root, "add", "models/two.yaml")
    before = _state(root)
    published(root)
    assert _state(root) == before


def _state(root: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file()
    }


def test_what_is_not_committed_is_said_and_not_published(tmp_path: Path) -> None:
    bare = hub(tmp_path)
    root = clone(bare, tmp_path / "a")
    replicas(root, "one", 9)
    ran = published(root)
    assert "note: not committed, so not published: models/one.yaml" in ran.stderr
    assert b"replicas: 9" not in b"".join(tree(bare, tmp_path / "reader").values())


def test_what_is_not_pushed_is_refused(tmp_path: Path) -> None:
    bare = hub(tmp_path)
    root = clone(bare, tmp_path / "a")
    replicas(root, "one", 9)
    made = commit(root, "Scale one")
    before = tip(bare)
    ran = publish(root)
    assert ran.status == 1
    assert f"error[G921]: the commit {made[:12]} is not on `main` of `origin`" in ran.stderr
    assert tip(bare) == before


def test_a_newer_commit_of_the_branch_is_what_is_compiled(tmp_path: Path) -> None:
    bare = hub(tmp_path)
    root, other = clone(bare, tmp_path / "a"), clone(bare, tmp_path / "b")
    newer = changed(other, "one", 4)
    published(root)
    assert trailers(bare, "Source-Commit") == [newer]
    assert tree(bare, tmp_path / "reader") == compiled_cold(bare, tmp_path / "cold")


def test_errors_in_the_sources_publish_nothing(tmp_path: Path) -> None:
    bare = hub(tmp_path)
    root = clone(bare, tmp_path / "a")
    write_files(root, {"models/one.yaml": FILES["models/one.yaml"].replace("sim", "simm")})
    commit(root, "Break one")
    git(root, "push", "-q", "origin", "main")
    before = tip(bare)
    ran = publish(root)
    assert ran.status == 1
    assert "models/one.yaml:4:11: error[R301]" in ran.stderr
    assert tip(bare) == before


def test_files_of_others_are_left_alone_and_edited_ones_put_right(tmp_path: Path) -> None:
    bare = hub(tmp_path)
    root = clone(bare, tmp_path / "a")
    published(root)
    git(root, "pull", "-q")
    write_files(root, {"generated/one/NOTES.md": "Mine.\n"})
    service = root / "generated/one/base/service-one.yaml"
    service.write_text(service.read_text() + "# by hand\n")
    commit(root, "By hand")
    git(root, "push", "-q", "origin", "main")
    ran = published(root)
    assert "note: main: generated/one/base/service-one.yaml had been edited by hand" in ran.stderr
    assert "note: main: generated/one/NOTES.md is not modelmill's and was left alone" in ran.stderr
    assert tree(bare, tmp_path / "reader")["one/NOTES.md"] == b"Mine.\n"
    assert git(bare, "diff", "--name-only", "main^", "main") == str(service.relative_to(root))


def test_a_repository_in_a_folder_of_the_git_repository(tmp_path: Path) -> None:
    bare = hub(tmp_path, {f"serving/{path}": text for path, text in FILES.items()})
    root = clone(bare, tmp_path / "a")
    published(root / "serving/models")
    reader = tree(bare, tmp_path / "reader", folder="serving/generated")
    assert "one/modelmill.json" in reader
    assert published(root / "serving").stdout == "main: nothing changed\n"


@pytest.mark.parametrize("options", [("--depth=1",), ("--bare",), ("--mirror",)])
def test_any_clone_will_do(tmp_path: Path, options: tuple[str, ...]) -> None:
    bare = hub(tmp_path)
    changed(tmp_path / "first", "one", 2)
    root = tmp_path / "a"
    git(tmp_path, "clone", "-q", *options, f"file://{bare}", str(root))
    published(root)
    changed_again = clone(bare, tmp_path / "b")
    changed(changed_again, "two", 7)
    assert published(root).stdout == "main: published two (2 changed)\n"
    assert tree(bare, tmp_path / "reader") == compiled_cold(bare, tmp_path / "cold")


def test_a_clone_without_the_files_of_its_commits(tmp_path: Path) -> None:
    bare = hub(tmp_path)
    published(clone(bare, tmp_path / "a"))
    git(bare, "config", "uploadpack.allowFilter", "true")
    git(bare, "config", "uploadpack.allowAnySHA1InWant", "true")
    root = tmp_path / "b"
    git(tmp_path, "clone", "-q", "--filter=blob:none", f"file://{bare}", str(root))
    changed(root, "two", 7)
    assert published(root).stdout == "main: published two (2 changed)\n"
    assert tree(bare, tmp_path / "reader") == compiled_cold(bare, tmp_path / "cold")


def test_a_working_tree_beside_the_clone(tmp_path: Path) -> None:
    bare = hub(tmp_path)
    root = clone(bare, tmp_path / "a")
    git(root, "worktree", "add", "-q", "--detach", str(tmp_path / "beside"))
    assert published(tmp_path / "beside", "--branch", "main").stdout.startswith("main: published")


def test_objects_borrowed_from_another_clone(tmp_path: Path) -> None:
    bare = hub(tmp_path)
    lender = clone(bare, tmp_path / "a")
    root = clone(bare, tmp_path / "b", "--reference", str(lender))
    assert published(root).stdout.startswith("main: published")


def test_repositories_with_sha256(tmp_path: Path) -> None:
    bare = hub(tmp_path, FILES, "--object-format=sha256")
    root = clone(bare, tmp_path / "a")
    published(root)
    assert len(tip(bare)) == 64
    assert tree(bare, tmp_path / "reader") == compiled_cold(bare, tmp_path / "cold")
    assert published(root).stdout == "main: nothing changed\n"


def test_without_a_branch_one_must_be_named(tmp_path: Path) -> None:
    bare = hub(tmp_path)
    root = clone(bare, tmp_path / "a")
    git(root, "checkout", "-q", "--detach")
    ran = publish(root)
    assert ran.status == 1
    assert "error[G920]: no branch is checked out here" in ran.stderr
    published(root, "--branch", "main")


def test_the_branch_that_controllers_read_is_named_in_the_repository(tmp_path: Path) -> None:
    delivery = "delivery: {git: {url: 'https://git.example.com/a/b.git', branch: main}}\n"
    bare = hub(tmp_path, {**FILES, "modelmill.yaml": PROJECT + delivery})
    root = clone(bare, tmp_path / "a")
    git(root, "checkout", "-q", "--detach")
    assert published(root).stdout.startswith("main: published")


def test_a_dry_run_pushes_nothing(tmp_path: Path) -> None:
    bare = hub(tmp_path)
    before = tip(bare)
    ran = published(clone(bare, tmp_path / "a"), "--dry-run")
    assert ran.stdout == "main: would publish one, three, two (27 added)\n"
    assert tip(bare) == before


def test_as_json(tmp_path: Path) -> None:
    bare = hub(tmp_path)
    source = tip(bare)
    document = json.loads(published(clone(bare, tmp_path / "a"), "--format", "json").stdout)
    assert document == {
        "version": 1,
        "targets": [
            {
                "repository": None,
                "branch": "main",
                "environment": None,
                "result": "published",
                "commit": tip(bare),
                "source": source,
                "sources": [source],
                "models": ["one", "three", "two"],
                "added": 27,
                "changed": 0,
                "deleted": 0,
                "attempts": 1,
                "errors": [],
            }
        ],
    }


def test_nobody_in_particular_commits_where_git_knows_nobody(tmp_path: Path) -> None:
    bare = hub(tmp_path)
    unknown = {
        f"GIT_{who}_{what}": "" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")
    }
    published(clone(bare, tmp_path / "a"), **unknown)
    assert git(bare, "log", "-1", "--format=%an <%ae>", "main") == "modelmill <modelmill@localhost>"


def test_commits_are_by_whom_git_is_configured_for(tmp_path: Path) -> None:
    bare = hub(tmp_path)
    root = clone(bare, tmp_path / "a")
    git(root, "config", "user.name", "Bot")
    git(root, "config", "user.email", "bot@example.com")
    unknown = {
        f"GIT_{who}_{what}": "" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")
    }
    published(root, **unknown)
    assert git(bare, "log", "-1", "--format=%cn <%ce>", "main") == "Bot <bot@example.com>"


def test_a_target_that_fails_holds_up_no_other(tmp_path: Path) -> None:
    bare = hub(tmp_path, ALONE)
    root = clone(bare, tmp_path / "a")
    prod = root / "overlays/prod/environment.yaml"
    prod.write_text(prod.read_text() + "delivery: {publish: {sign: true}}\n")
    commit(root, "Sign prod")
    git(root, "push", "-q", "origin", "main")
    git(root, "config", "gpg.format", "ssh")
    git(root, "config", "user.signingKey", str(tmp_path / "nowhere"))
    ran = publish(root)
    assert ran.status == 1
    assert "error[G925]: env/prod: the commit cannot be signed" in ran.stderr
    assert ran.stdout.startswith("env/staging: published")


def test_commits_are_signed_where_git_is_configured_to(tmp_path: Path) -> None:
    import subprocess

    key = tmp_path / "key"
    made = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "bot", "-f", str(key)]
    subprocess.run(made, check=True, env={**os.environ})
    public = key.with_suffix(".pub").read_text()
    (tmp_path / "signers").write_text(f"ann@example.com {public}")
    bare = hub(tmp_path)
    root = clone(bare, tmp_path / "a")
    git(root, "config", "gpg.format", "ssh")
    git(root, "config", "user.signingKey", str(key))
    git(root, "config", "commit.gpgSign", "true")
    published(root)
    git(bare, "-c", f"gpg.ssh.allowedSignersFile={tmp_path / 'signers'}", "verify-commit", "main")


def test_a_commit_that_cannot_be_signed_is_not_made(tmp_path: Path) -> None:
    bare = hub(tmp_path)
    root = clone(bare, tmp_path / "a")
    git(root, "config", "gpg.format", "ssh")
    git(root, "config", "user.signingKey", str(tmp_path / "nowhere"))
    git(root, "config", "commit.gpgSign", "true")
    before = tip(bare)
    ran = publish(root)
    assert ran.status == 1
    assert "error[G925]: main: the commit cannot be signed" in ran.stderr
    assert tip(bare) == before


def test_an_environment_on_a_branch_of_its_own(tmp_path: Path) -> None:
    bare = hub(tmp_path, ALONE)
    source = tip(bare)
    ran = published(clone(bare, tmp_path / "a"))
    assert [line.partition(" (")[0] for line in ran.stdout.splitlines()] == [
        "env/prod: published one, three, two",
        "env/staging: published one, three, two",
    ]
    assert tip(bare) == source
    files = tree(bare, tmp_path / "reader", "env/prod", ".")
    files = {path: data for path, data in files.items() if not path.startswith(".git/")}
    assert {path.split("/")[0] for path in files} == {"generated", "hydrator.metadata"}
    assert not any("staging" in path or path.endswith("modelmill.json") for path in files)
    assert "generated/one/overlays/prod/deployment-one-decode.yaml" in files
    assert json.loads(files["hydrator.metadata"]) == {
        "drySha": source,
        "repoURL": str(bare),
        "author": "Ann Author <ann@example.com>",
        "date": git(bare, "log", "-1", "--format=%aI", source),
        "subject": "Start",
    }
    assert message(bare, "env/prod") == [
        "Publish one, three and two to prod",
        "",
        f"Source-Commit: {source}",
        "Affected-Models: one, three, two",
        "Argocd-reference-commit-author: Ann Author <ann@example.com>",
        f"Argocd-reference-commit-sha: {source}",
        "Argocd-reference-commit-subject: Start",
        f"Argocd-reference-commit-date: {git(bare, 'log', '-1', '--format=%aI', source)}",
    ]


def test_a_branch_whose_manifests_stay_gets_no_commit(tmp_path: Path) -> None:
    bare = hub(tmp_path, ALONE)
    root = clone(bare, tmp_path / "a")
    published(root)
    before = tip(bare, "env/staging")
    path = root / "models/one.yaml"
    more = "environments: {prod: {roles: {decode: {replicas: 7}}}}\n"
    path.write_text(path.read_text().replace("environments: {}\n", more))
    commit(root, "Scale one in prod")
    git(root, "push", "-q", "origin", "main")
    ran = published(root)
    assert ran.stdout == "env/prod: published one (1 changed)\nenv/staging: nothing changed\n"
    assert tip(bare, "env/staging") == before


def test_a_clone_of_one_commit_names_all_that_are_new(tmp_path: Path) -> None:
    bare = hub(tmp_path, ALONE)
    root = clone(bare, tmp_path / "a")
    published(root)
    sources = [changed(root, "one", 3), changed(root, "one", 4), changed(root, "two", 2)]
    git(tmp_path, "clone", "-q", "--depth=1", f"file://{bare}", str(tmp_path / "b"))
    published(tmp_path / "b")
    assert trailers(bare, "Source-Commit", "env/prod")[:3] == sources[::-1]


NEXT = ALONE["modelmill.yaml"].rstrip("}\n") + "}, publish: {next: true}}\n"


def test_branches_that_requests_are_opened_from(tmp_path: Path) -> None:
    """gitops-promoter's contract of a hydrator."""
    bare = hub(tmp_path, {**ALONE, "modelmill.yaml": NEXT})
    root = clone(bare, tmp_path / "a")
    first = tip(bare)
    published(root)
    assert git(bare, "ls-tree", "env/prod") == ""
    assert git(bare, "merge-base", "env/prod", "env/prod-next") == tip(bare, "env/prod")
    assert _noted(bare, "env/prod-next") == {"drySha": first}
    stays = tip(bare, "env/prod-next")
    (root / "README.md").write_text("Ours.\n")
    second = commit(root, "Say whose it is")
    git(root, "push", "-q", "origin", "main")
    assert published(root).stdout.splitlines()[0] == "env/prod-next: nothing changed"
    assert tip(bare, "env/prod-next") == stays
    assert _noted(bare, "env/prod-next") == {"drySha": second}
    assert _noted(bare, "env/staging-next") == {"drySha": second}


def test_a_branch_for_requests_that_was_deleted_is_started_again(tmp_path: Path) -> None:
    bare = hub(tmp_path, {**ALONE, "modelmill.yaml": NEXT})
    root = clone(bare, tmp_path / "a")
    published(root)
    git(bare, "update-ref", "refs/heads/env/prod", "env/prod-next")
    git(bare, "update-ref", "-d", "refs/heads/env/prod-next")
    assert published(root).stdout.splitlines()[0] == "env/prod-next: started"
    assert tip(bare, "env/prod-next") == tip(bare, "env/prod")


def _noted(bare: Path, branch: str) -> object:
    return json.loads(git(bare, "notes", "--ref=refs/notes/hydrator.metadata", "show", branch))


def test_a_commit_that_names_another_is_passed_on(tmp_path: Path) -> None:
    bare = hub(tmp_path, ALONE)
    root = clone(bare, tmp_path / "a")
    replicas(root, "one", 2)
    commit(
        root,
        "Bump one\n\nFor the release.\n\n"
        "Argocd-reference-commit-sha: 0123456789abcdef\n"
        "Argocd-reference-commit-author: Cody <cody@example.com>\n"
        'Argocd-reference-commit-body: "Two\\nlines"\n'
        "Argocd-reference-commit-repourl: https://git.example.com/code.git",
    )
    git(root, "push", "-q", "origin", "main")
    published(root)
    said = json.loads(git(bare, "show", "env/prod:hydrator.metadata"))
    assert said["references"] == [
        {
            "commit": {
                "sha": "0123456789abcdef",
                "repoURL": "https://git.example.com/code.git",
                "author": "Cody <cody@example.com>",
                "body": "Two\nlines",
            }
        }
    ]


def test_another_repository(tmp_path: Path) -> None:
    bare = hub(tmp_path)
    (tmp_path / "there").mkdir()
    there = hub(tmp_path / "there", {"README.md": "Manifests.\n"})
    root = clone(bare, tmp_path / "a")
    ran = published(root, "--to", str(there))
    assert ran.stdout == f"main of {there}: published one, three, two (27 added)\n"
    assert tree(there, tmp_path / "reader") == compiled_cold(bare, tmp_path / "cold")
    assert git(there, "show", "main:README.md") == "Manifests."
    assert json.loads(git(there, "show", "main:hydrator.metadata"))["drySha"] == tip(bare)
    assert published(root, "--to", str(there)).stdout == f"main of {there}: nothing changed\n"


def test_an_older_commit_does_not_take_the_place_of_a_newer_one(tmp_path: Path) -> None:
    bare = hub(tmp_path, ALONE)
    root = clone(bare, tmp_path / "a")
    older = tip(bare)
    newer = changed(root, "one", 4)
    published(root)
    before = tip(bare, "env/prod")
    ran = published(root, "--source", older)
    assert ran.stdout.splitlines()[0] == f"env/prod: made of {newer[:12]} already, which is newer"
    assert tip(bare, "env/prod") == before


def test_a_branch_written_anew_counts_as_it_is(tmp_path: Path) -> None:
    bare = hub(tmp_path, ALONE)
    root, other = clone(bare, tmp_path / "a"), clone(bare, tmp_path / "b")
    dropped = changed(root, "one", 4)
    published(root)
    replicas(other, "one", 6)
    kept = commit(other, "Scale one, thought over")
    git(other, "push", "-qf", "origin", "main")
    ran = published(root)
    assert f"note: {dropped[:12]} is no longer on `main` of `origin`" in ran.stderr
    assert json.loads(git(bare, "show", "env/prod:hydrator.metadata"))["drySha"] == kept


@pytest.mark.parametrize(
    ("delivery", "said"),
    [
        ("branch: '{environment}'", "would stand on `prod` beside sources"),
        ("branch: main, path: deploy", "controllers look for modelmill.yaml in `deploy/`"),
    ],
)
def test_manifests_that_cannot_stand_on_a_branch(tmp_path: Path, delivery: str, said: str) -> None:
    text = PROJECT + f"delivery: {{git: {{url: 'https://git.example.com/a', {delivery}}}}}\n"
    bare = hub(tmp_path, {**FILES, "modelmill.yaml": text})
    git(bare, "branch", "prod", "main")
    root = clone(bare, tmp_path / "a")
    branch = "prod" if "environment" in delivery else "main"
    git(root, "checkout", "-q", "-B", branch, f"origin/{branch}")
    ran = publish(root)
    assert ran.status == 1
    assert "error[G922]" in ran.stderr
    assert said in ran.stderr


assert DELIVERY in ALONE["modelmill.yaml"]
