"""The GitHub Action, the workflows to call and the GitLab component: well formed, safe by the
auditors of the field, and run: every script of theirs in a real repository, with the variables CI
would set and a recorder in the place of what talks to the forge."""

from __future__ import annotations

import json
import os
import re
import shutil
import stat
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml

from support import ROOT, run
from test_danger import FILES
from test_diff import commit, committed, edit, git

ACTION = ROOT / "action.yml"
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yaml"))
GITLAB = ROOT / "templates" / "modelmill.yml"
STICKY = ROOT / ".ci" / "sticky-comment"
BIN = Path(sys.executable).parent
PINNED = re.compile(r"[\w./-]+@[0-9a-f]{40}")
EXPRESSION = re.compile(r"\$\{\{.*?\}\}|\$\[\[.*?\]\]", re.DOTALL)


class Done(NamedTuple):
    status: int
    text: str


def tool(name: str, *arguments: str | Path) -> Done:
    done = subprocess.run(
        [BIN / name, *arguments], capture_output=True, text=True, check=False, cwd=ROOT
    )
    return Done(done.returncode, done.stdout + done.stderr)


def load(path: Path) -> Any:
    return yaml.load(path.read_text(), yaml.BaseLoader)


def steps_of(document: Any) -> Iterator[dict[str, Any]]:
    if "runs" in document:
        yield from document["runs"]["steps"]
    for job in document.get("jobs", {}).values():
        yield from job.get("steps", [])


@pytest.mark.parametrize("path", [ACTION, *WORKFLOWS], ids=lambda path: path.name)
def test_its_schema_takes_it(path: Path) -> None:
    name = "github-actions" if path == ACTION else "github-workflows"
    done = tool("check-jsonschema", "--builtin-schema", f"vendor.{name}", path)
    assert done.status == 0, done.text


def test_gitlabs_schema_takes_the_component(tmp_path: Path) -> None:
    """The header of a component is a document of its own, which the schema knows as `spec`."""
    header, jobs = yaml.safe_load_all(GITLAB.read_text())
    file = tmp_path / "gitlab-ci.yml"
    file.write_text(yaml.safe_dump({**header, **jobs}))
    done = tool("check-jsonschema", "--builtin-schema", "vendor.gitlab-ci", file)
    assert done.status == 0, done.text


def test_the_auditor_of_workflows_finds_nothing() -> None:
    done = tool("zizmor", "--offline", "--persona=auditor", ACTION, ROOT / ".github" / "workflows")
    assert done.status == 0, done.text


@pytest.mark.parametrize("path", [ACTION, *WORKFLOWS], ids=lambda path: path.name)
def test_actions_are_pinned_and_inputs_are_no_text_of_scripts(path: Path) -> None:
    for step in steps_of(load(path)):
        uses = step.get("uses", "./")
        assert uses.startswith("./") or PINNED.fullmatch(uses), uses
        assert not EXPRESSION.search(step.get("run", ""))
        if uses.startswith("actions/checkout@"):
            assert step["with"]["persist-credentials"] == "false"


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_a_workflow_may_do_nothing_but_what_a_job_asks_for(path: Path) -> None:
    document = load(path)
    assert document["permissions"] == {}
    assert "concurrency" in document
    for job in document["jobs"].values():
        assert "timeout-minutes" in job
        assert "write-all" not in str(job["permissions"])
    writes = {name for job in document["jobs"].values() for name in _written(job)}
    wanted = {"comment.yaml": {"pull-requests"}, "publish.yaml": {"contents"}}
    assert writes == wanted.get(path.name, {"contents"} if path.name == "compile.yaml" else set())
    assert "pull_request_target" not in document["on"]


def _written(job: Mapping[str, Any]) -> set[str]:
    return {name for name, right in job["permissions"].items() if right == "write"}


def scripts() -> dict[str, str]:
    found = {STICKY.name: STICKY.read_text()}
    for path in (ACTION, *WORKFLOWS):
        for index, step in enumerate(steps_of(load(path))):
            if "run" in step:
                found[f"{path.name}-{index}"] = f"#!/bin/bash\nset -euo pipefail\n{step['run']}"
    for name, job in jobs_of_gitlab().items():
        lines = [*job.get("before_script", []), *job.get("script", [])]
        found[name] = "#!/bin/bash\nset -euo pipefail\n" + "\n".join(lines)
    return found


def jobs_of_gitlab() -> dict[str, Any]:
    _, document = yaml.load_all(GITLAB.read_text(), yaml.BaseLoader)
    hidden = document.pop(".modelmill")
    return {name: {**hidden, **job} for name, job in document.items()}


@pytest.mark.parametrize("script", scripts().values(), ids=scripts())
def test_shellcheck_finds_nothing(script: str, tmp_path: Path) -> None:
    file = tmp_path / "script"
    file.write_text(script)
    # SC2016: the helper is for git, which runs it with what it knows then.
    done = tool("shellcheck", "--exclude=SC2016", "--shell=bash", file)
    assert done.status == 0, done.text


class Runner:
    """A machine of CI: a clone of a repository, and what the forge would tell of it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.origin = committed(folder / "origin", FILES)
        run(self.origin, "compile")
        self.base = commit(self.origin)
        git(self.origin, "config", "receive.denyCurrentBranch", "ignore")
        self.clone = folder / "clone"
        git(folder, "clone", "--quiet", str(self.origin), str(self.clone))
        self.temp = folder / "temp"
        (self.temp / "modelmill").mkdir(parents=True)
        (self.temp / "modelmill" / "bin").symlink_to(BIN)
        self.tools = folder / "tools"
        self.tools.mkdir()
        self.calls = folder / "calls"

    def change(self, old: str, new: str) -> str:
        edit(self.clone, "models/one.yaml", old, new)
        return commit(self.clone)

    def recorder(self, name: str, answer: str = "") -> None:
        """An executable that writes down its words, and what it was given to send."""
        file = self.tools / name
        (self.folder / "answer").write_text(answer)
        file.write_text(
            f"#!/bin/sh\nprintf '%s\\n' \"$*\" >> {self.calls}\n"
            f'case "$*" in *--config*) cat >> {self.calls} ;; esac\n'
            f'case "$*" in *POST*|*PATCH*|*PUT*) ;; *) cat {self.folder}/answer ;; esac\n'
        )
        file.chmod(file.stat().st_mode | stat.S_IXUSR)

    def run(self, script: str, given: Mapping[str, str], *, ambient: str = "") -> Done:
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("GIT_", "GITHUB_", "CI"))}
        environ = {
            **kept,
            "PATH": f"{self.tools}:{ambient}{os.environ['PATH']}",
            "GIT_CONFIG_GLOBAL": os.devnull,
            "RUNNER_TEMP": str(self.temp),
            "GITHUB_ACTION_PATH": str(ROOT),
            "GITHUB_OUTPUT": str(self.temp / "output"),
            "GITHUB_REPOSITORY": "acme/models",
            "GITHUB_SERVER_URL": "https://github.com",
            "GITHUB_STEP_SUMMARY": str(self.temp / "summary"),
            **given,
        }
        done = subprocess.run(
            ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", script],
            cwd=self.clone,
            env=environ,
            capture_output=True,
            text=True,
            check=False,
        )
        return Done(done.returncode, done.stdout + done.stderr)

    def step(self, name: str, **given: str) -> Done:
        step = next(each for each in steps_of(load(ACTION)) if each.get("name") == name)
        assert given.keys() <= step.get("env", {}).keys() | {"GITHUB_ACTION_PATH"}
        missing = step.get("env", {}).keys() - given.keys()
        return self.run(step["run"], {**dict.fromkeys(missing, ""), "DIRECTORY": ".", **given})

    def outputs(self) -> dict[str, str]:
        lines = (self.temp / "output").read_text().splitlines()
        return dict(line.split("=", 1) for line in lines)

    def called(self) -> str:
        return self.calls.read_text() if self.calls.exists() else ""


@pytest.fixture
def runner(tmp_path: Path) -> Runner:
    return Runner(tmp_path)


def test_the_action_installs_itself_and_nothing_else_of_its_name(tmp_path: Path) -> None:
    """From a copy, as a runner has it: without a virtual environment or generated files."""
    runner = Runner(tmp_path)
    shutil.rmtree(runner.temp / "modelmill")
    copy = tmp_path / "action"
    ignored = shutil.ignore_patterns(
        ".git", ".venv", "generated", "tests", ".*_cache", "__pycache__"
    )
    shutil.copytree(ROOT, copy, ignore=ignored)
    install = next(each for each in steps_of(load(ACTION)) if each.get("name") == "Install")
    environ = {"GITHUB_ACTION_PATH": str(copy), "PIP_CONSTRAINT": str(copy / "constraints.txt")}
    done = runner.run(install["run"], environ)
    assert done.status == 0, done.text
    version = subprocess.check_output(
        [runner.temp / "modelmill" / "bin" / "modelmill", "--version"], text=True
    )
    assert version.startswith("modelmill")
    assert runner.step("Lint").status == 0


def test_lint_annotates_and_fails(runner: Runner) -> None:
    assert runner.step("Lint").status == 0
    runner.change("replicas: 4", "replicas: many")
    done = runner.step("Lint")
    assert done.status == 1
    assert "::error file=models/one.yaml" in done.text


def test_the_summary_and_the_outputs_tell_the_change(runner: Runner) -> None:
    runner.change("replicas: 4", "replicas: 0")
    done = runner.step("Show what changes", BASE=runner.base)
    assert done.status == 0, done.text
    outputs = runner.outputs()
    assert (outputs["changed"], outputs["dangers"], outputs["notices"]) == ("true", "1", "0")
    markdown = Path(outputs["markdown"]).read_text()
    assert (runner.temp / "summary").read_text() == markdown
    assert "Danger: 1" in markdown
    assert json.loads(Path(outputs["json"]).read_text())["version"] == 1


def test_no_change_is_an_output_as_well(runner: Runner) -> None:
    assert runner.step("Show what changes", BASE=runner.base).status == 0
    assert runner.outputs()["changed"] == "false"


def test_only_what_the_branch_did_is_told(runner: Runner) -> None:
    """The base moved on since the branch left it: that is none of the pull request's."""
    runner.change("replicas: 4", "replicas: 5")
    edit(runner.origin, "models/two.yaml", "replicas: 1", "replicas: 9")
    moved = commit(runner.origin)
    git(runner.clone, "fetch", "--quiet", "origin")
    assert runner.step("Show what changes", BASE=moved).status == 0
    found = json.loads(Path(runner.outputs()["json"]).read_text())
    assert [each["model"] for each in found["models"]] == ["one"]


@pytest.mark.parametrize("base", ["", "--output=pwned", "$(touch pwned)", "0" * 40])
def test_a_base_that_is_none_is_refused_and_never_run(runner: Runner, base: str) -> None:
    done = runner.step("Show what changes", BASE=base)
    assert done.status != 0
    assert not list(runner.folder.rglob("pwned"))


def test_a_check_fails_where_generated_is_stale(runner: Runner) -> None:
    assert runner.step("Check that generated/ is current").status == 0
    runner.change("replicas: 4", "replicas: 5")
    assert runner.step("Check that generated/ is current").status == 1


@pytest.mark.parametrize(
    ("fail_on", "dangers", "notices", "status"),
    [
        ("danger", "0", "3", 0),
        ("danger", "1", "0", 1),
        ("notice", "0", "1", 1),
        ("notice", "0", "0", 0),
        ("never", "0", "0", 2),
    ],
)
def test_a_judgement_by_level(
    runner: Runner, fail_on: str, dangers: str, notices: str, status: int
) -> None:
    done = runner.step("Judge", FAIL_ON=fail_on, DANGERS=dangers, NOTICES=notices)
    assert done.status == status


def comment(runner: Runner, number: str = "7") -> Done:
    runner.change("replicas: 4", "replicas: 0")
    assert runner.step("Show what changes", BASE=runner.base).status == 0
    markdown = runner.outputs()["markdown"]
    return runner.step("Comment", NUMBER=number, MARKDOWN=markdown, GH_TOKEN="secret")


def test_the_first_comment_is_new(runner: Runner) -> None:
    runner.recorder("gh")
    assert comment(runner).status == 0
    asked, posted = runner.called().splitlines()
    assert "--paginate repos/acme/models/issues/7/comments" in asked
    assert 'select(.user.type == "Bot" and (.body | startswith(env.MARKER)))' in asked
    assert "--method POST repos/acme/models/issues/7/comments --field body=@" in posted
    assert "secret" not in runner.called()


def test_a_further_one_is_written_into_the_first(runner: Runner) -> None:
    runner.recorder("gh", "41\n42\n")
    assert comment(runner).status == 0
    assert "--method PATCH repos/acme/models/issues/comments/41 --field" in runner.called()
    assert "POST" not in runner.called()


@pytest.mark.parametrize("number", ["", "1; touch pwned", "../1", "--help"])
def test_a_number_that_is_none_is_refused(runner: Runner, number: str) -> None:
    runner.recorder("gh")
    assert comment(runner, number).status == 2
    assert not runner.called()
    assert not list(runner.folder.rglob("pwned"))


def test_only_a_comment_of_modelmill_is_written(tmp_path: Path) -> None:
    runner = Runner(tmp_path)
    runner.recorder("gh")
    (tmp_path / "other.md").write_text("hello\n")
    done = runner.run(f"{STICKY} 7 {tmp_path}/other.md", {})
    assert done.status == 2
    assert not runner.called()


def test_publish_pushes_what_the_branch_compiles_to(runner: Runner) -> None:
    runner.change("replicas: 4", "replicas: 5")
    git(runner.clone, "push", "--quiet", "origin", "HEAD:main")
    done = runner.step("Publish", BRANCH="main", TOKEN="secret")
    assert done.status == 0, done.text
    assert "::add-mask::" in done.text
    assert "secret" not in done.text
    git(runner.origin, "reset", "--quiet", "--hard", "main")
    assert run(runner.origin, "compile", "--check").status == 0
    assert git(runner.origin, "rev-parse", "main~2") == runner.base
    assert "secret" not in (runner.clone / ".git" / "config").read_text()


def called_steps(name: str) -> dict[str, str]:
    document = load(ROOT / ".github" / "workflows" / name)
    return {each["name"]: each["run"] for each in steps_of(document) if "run" in each}


def test_the_reviewers_artifact_becomes_a_comment(runner: Runner) -> None:
    """What `review.yaml` keeps, `comment.yaml` writes: for a fork, in a run of its own."""
    head = runner.change("replicas: 4", "replicas: 0")
    assert runner.step("Show what changes", BASE=runner.base).status == 0
    keep = called_steps("review.yaml")["Keep the comment"]
    given = {"MARKDOWN": runner.outputs()["markdown"], "NUMBER": "7"}
    assert runner.run(keep, given).status == 0
    artifact = runner.temp / "modelmill-comment"
    assert sorted(each.name for each in artifact.iterdir()) == ["comment.md", "number"]
    (runner.clone / ".modelmill").symlink_to(ROOT)
    runner.recorder("gh")
    gh = runner.tools / "gh"
    head_of = f'case "$*" in *pulls/7*) echo {head}; exit ;; *pulls/*) echo other; exit ;; esac\n'
    gh.write_text(gh.read_text().replace("#!/bin/sh\n", f"#!/bin/sh\n{head_of}", 1))
    write = called_steps("comment.yaml")["Comment"]
    wanted = {"HEAD_SHA": head, "RUN_ID": "5", "GH_TOKEN": "secret"}
    done = runner.run(write, wanted)
    assert done.status == 0, done.text
    assert "run download 5 --repo acme/models --name modelmill-comment" in runner.called()
    assert "--method POST repos/acme/models/issues/7/comments" in runner.called()
    (artifact / "number").write_text("8\n")
    runner.calls.unlink()
    assert runner.run(write, wanted).status == 1
    assert "POST" not in runner.called()


GITLAB_GIVEN = {
    "MODELMILL_DIRECTORY": ".",
    "MODELMILL_FAIL_ON": "",
    "CI_API_V4_URL": "https://gitlab.example/api/v4",
    "CI_PROJECT_ID": "3",
    "CI_MERGE_REQUEST_IID": "7",
    "CI_COMMIT_BRANCH": "main",
}


def gitlab(runner: Runner, job: str, **given: str) -> Done:
    """A job's script, where `before_script` put the command on the PATH."""
    script = "\n".join(jobs_of_gitlab()[job]["script"])
    found = {**GITLAB_GIVEN, "CI_MERGE_REQUEST_DIFF_BASE_SHA": runner.base, **given}
    return runner.run(script, found, ambient=f"{BIN}:")


def test_gitlab_lints_with_a_report_and_a_log(runner: Runner) -> None:
    assert gitlab(runner, "modelmill-lint").status == 0
    runner.change("replicas: 4", "replicas: many")
    done = gitlab(runner, "modelmill-lint")
    assert done.status == 1
    assert "error[S402]" in done.text
    assert "<failure" in (runner.clone / "modelmill-lint.xml").read_text()


def test_gitlab_checks(runner: Runner) -> None:
    assert gitlab(runner, "modelmill-check").status == 0
    runner.change("replicas: 4", "replicas: 5")
    assert gitlab(runner, "modelmill-check").status == 1


def test_gitlab_without_a_token_writes_no_note(runner: Runner) -> None:
    runner.recorder("curl", "[]")
    runner.change("replicas: 4", "replicas: 0")
    done = gitlab(runner, "modelmill-diff")
    assert done.status == 0, done.text
    assert "Danger: 1" in (runner.clone / "modelmill-diff.md").read_text()
    assert not runner.called()
    assert gitlab(runner, "modelmill-diff", MODELMILL_FAIL_ON="danger").status == 1


@pytest.mark.parametrize(
    ("notes", "request_line"),
    [
        ([], "--request POST"),
        ([{"id": 4, "body": "hello"}, {"id": 5, "body": "<!-- modelmill diff -->\n"}], "/notes/5"),
    ],
    ids=["new", "again"],
)
def test_gitlab_keeps_one_note(runner: Runner, notes: list[Any], request_line: str) -> None:
    runner.recorder("curl", json.dumps(notes))
    runner.change("replicas: 4", "replicas: 0")
    done = gitlab(runner, "modelmill-diff", MODELMILL_NOTES_TOKEN="secret")
    assert done.status == 0, done.text
    words = [line for line in runner.called().splitlines() if line.startswith("--config")]
    assert request_line in words[-1]
    assert "merge_requests/7/notes" in words[-1]
    # The token goes by standard input: anybody on the machine sees a command's words.
    assert "secret" not in "".join(words)
    assert 'header = "PRIVATE-TOKEN: secret"' in runner.called()


def test_gitlab_publishes(runner: Runner) -> None:
    runner.change("replicas: 4", "replicas: 5")
    git(runner.clone, "push", "--quiet", "origin", "HEAD:main")
    bare = runner.folder / "models.git"
    git(runner.folder, "clone", "--quiet", "--bare", str(runner.origin), str(bare))
    given = {"CI_PROJECT_URL": str(bare.with_suffix("")), "MODELMILL_PUSH_TOKEN": "secret"}
    done = gitlab(runner, "modelmill-publish", **given)
    assert done.status == 0, done.text
    assert git(bare, "rev-parse", "main~2") == runner.base
    assert "secret" not in (runner.clone / ".git" / "config").read_text()


def test_gitlab_jobs_take_inputs_as_variables() -> None:
    for job in jobs_of_gitlab().values():
        assert not EXPRESSION.search("\n".join([*job["before_script"], *job["script"]]))


PAGE = ROOT / "docs" / "pull-requests.md"
BLOCKS = re.findall(r"(?s)```yaml\n(.*?)```", PAGE.read_text())
RECIPES = [block for block in BLOCKS if "\njobs:\n" in block]


def test_the_recipes_are_workflows_that_pass_the_same_audit(tmp_path: Path) -> None:
    assert len(RECIPES) == 4
    folder = tmp_path / ".github" / "workflows"
    folder.mkdir(parents=True)
    for index, recipe in enumerate(RECIPES):
        (folder / f"{index}.yaml").write_text(recipe)
    files = sorted(folder.iterdir())
    done = tool("check-jsonschema", "--builtin-schema", "vendor.github-workflows", *files)
    assert done.status == 0, done.text
    done = tool("zizmor", "--offline", "--pedantic", *files)
    assert done.status == 0, done.text


def test_the_recipes_give_what_the_workflows_and_the_action_take() -> None:
    for recipe in RECIPES:
        document = yaml.load(recipe, yaml.BaseLoader)
        for caller in (*document["jobs"].values(), *steps_of(document)):
            called = caller.get("uses", "")
            if not called.startswith("acme/modelmill"):
                continue
            path = called.partition("@")[0].removeprefix("acme/modelmill").strip("/")
            if path:
                takes = load(ROOT / path)["on"]["workflow_call"]
                job = next(iter(load(ROOT / path)["jobs"].values()))
                assert job["permissions"].items() <= caller["permissions"].items()
            else:
                takes = load(ACTION)
            assert caller.get("with", {}).keys() <= takes["inputs"].keys()
            assert caller.get("secrets", {}).keys() <= takes.get("secrets", {}).keys()


def test_the_include_gives_what_the_component_takes() -> None:
    (block,) = (block for block in BLOCKS if "component:" in block)
    (include,) = yaml.safe_load(block)["include"]
    header, _ = yaml.safe_load_all(GITLAB.read_text())
    assert include["inputs"].keys() <= header["spec"]["inputs"].keys()
    assert include["component"].endswith(f"/{GITLAB.stem}@0a1b2c3d4e5f60718293a4b5c6d7e8f901234567")
