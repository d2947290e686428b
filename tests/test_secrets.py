"""No secret's value is let into the repository, and none comes out of any command."""

from __future__ import annotations

import base64
import json
import random
import string
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelmill.console import FORMATS
from modelmill.secret_patterns import masked, secrets_in
from stories import BAD, GOOD, stories
from support import PROJECT, ROOT, SIM, model, overlay, run, write_files

LETTERS = string.ascii_letters + string.digits


def made(length: int, letters: str = LETTERS, seed: int = 7) -> str:
    """Text as an issuer makes it, the same on every run."""
    chosen = random.Random(seed)
    return "".join(chosen.choice(letters) for _ in range(length))


HEX = "0123456789abcdef"
BODY = base64.b64encode(made(96).encode()).decode()
TOKENS = {
    "a GitHub token": [f"ghp_{made(36)}", f"ghs_{made(36)}", f"github_pat_{made(22)}_{made(59)}"],
    "a GitLab token": [f"glpat-{made(20)}"],
    "a Hugging Face token": [f"hf_{made(34, string.ascii_letters)}"],
    "an Anthropic key": [f"sk-ant-api03-{made(93)}AA"],
    "an OpenAI key": [f"sk-proj-{made(48)}", f"sk-{made(48)}"],
    "an OpenRouter key": [f"sk-or-v1-{made(64, HEX)}"],
    "an AWS key": [f"AKIA{made(16, string.ascii_uppercase + '234567')}"],
    "a Google API key": [f"AIza{made(35)}"],
    "a Google access token": [f"ya29.{made(60)}"],
    "a key of an Azure account": [f"AccountName=a;AccountKey={made(86)}==;EndpointSuffix=x"],
    "an Azure client secret": [f"{made(3)}8Q~{made(34)}"],
    "a Slack token": [f"xoxb-{made(12, string.digits)}-{made(24)}"],
    "a Slack webhook": [f"https://hooks.slack.com/services/T{made(8)}/B{made(8)}/{made(24)}"],
    "an npm token": [f"npm_{made(36)}"],
    "a PyPI token": [f"pypi-AgEIcHlwaS5vcmc{made(80)}"],
    "a Docker Hub token": [f"dckr_pat_{made(27)}"],
    "an NGC key": [f"nvapi-{made(64)}"],
    "a Groq key": [f"gsk_{made(52)}"],
    "a Replicate token": [f"r8_{made(37)}"],
    "a Databricks token": [f"dapi{made(32, HEX)}"],
    "a LangSmith key": [f"lsv2_pt_{made(32, HEX)}_{made(10, HEX)}"],
    "a Vault token": [f"hvs.{made(90)}"],
    "a Grafana token": [f"glsa_{made(32)}_{made(8, HEX)}"],
    "a DigitalOcean token": [f"dop_v1_{made(64, HEX)}"],
    "a Stripe key": [f"sk_live_{made(24)}"],
    "a SendGrid key": [f"SG.{made(22)}.{made(43)}"],
    "an age key": [f"AGE-SECRET-KEY-1{made(58, string.ascii_uppercase + string.digits)}"],
    "a JSON web token": [f"eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3{made(20)}.{made(43)}"],
    "a private key": [
        f"-----BEGIN RSA PRIVATE KEY-----\n{BODY}\n{BODY}\n-----END RSA PRIVATE KEY-----",
        json.dumps({"private_key": f"-----BEGIN PRIVATE KEY-----\n{BODY}\n-----END"}),
    ],
    "a password in an address": ["postgres://admin:c0rrect-h0rse@db.acme.io/llm"],
    "a registry's password": [json.dumps({"auths": {"ghcr.io": {"auth": made(40)}}})],
}
NONE = [
    f"sha256:{made(64, HEX)}",
    f"revision: {made(40, HEX)}",
    f"image: ghcr.io/acme/a@sha256:{made(64, HEX)}",
    "uri: hf://meta-llama/Llama-3.3-70B-Instruct",
    "secretName: llm-d-hf-token-for-production-2",
    "secretKeyRef: {name: hf-token-for-all-of-them, key: HF_TOKEN}",
    "tokenizer: meta-llama/Meta-Llama-3.1-70B-Instruct-FP8",
    "max-num-batched-tokens: 8192000000000000",
    "HF_TOKEN: ${secrets.huggingface.production.token}",
    "HF_TOKEN: hf_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
    "api-key: your-own-key-goes-here-1234567890",
    "password: <path:secret/data/hub#password-of-production>",
    "https://user:password@example.com",
    "https://${USER}:${PASSWORD}@example.com",
    "tokenSecretName: infrastructure-token-v2-2024",
    "-----BEGIN PRIVATE KEY----- is how a key begins",
    f"logo: data:image/png;base64,{base64.b64encode(bytes(range(256)) * 4).decode()}",
    f"-----BEGIN CERTIFICATE-----\n{BODY}\n-----END CERTIFICATE-----",
    "token: 8b8f4d4e-2f6a-4c3a-9d55-0123456789ab-is-in-vault",
    "accessKey: arn:aws:iam::123456789012:role/llm-production-reader",
]
SERVED = {
    "modelmill.yaml": PROJECT,
    "presets/sim.yaml": SIM,
    "models/one.yaml": model("one", "roles: {server: {type: prefill-decode}}", extends="[sim]"),
    "overlays/prod/environment.yaml": overlay("prod"),
}
SECRET = f"ghp_{made(36)}"


@pytest.mark.parametrize(
    ("what", "text"), [(what, each) for what, texts in TOKENS.items() for each in texts]
)
def test_a_token_is_known_for_what_it_is(what: str, text: str) -> None:
    found = list(secrets_in(f"a: {text}\nb: c\n"))
    assert [each.what for each in found] == [what]


@pytest.mark.parametrize("text", NONE)
def test_what_is_no_secret_is_not_taken_for_one(text: str) -> None:
    assert not list(secrets_in(f"{text}\n"))


@pytest.mark.parametrize(
    "text",
    [
        "apiKey: 9f8Qz2LmT7vXc1RbKe4Wn6",
        "env: [{name: SEARCH_API_KEY, value: 9f8Qz2LmT7vXc1RbKe4Wn6}]",
        "- name: SEARCH_API_KEY\n  value: 9f8Qz2LmT7vXc1RbKe4Wn6",
        "args: [--api-key, 9f8Qz2LmT7vXc1RbKe4Wn6]",
        "args:\n  - --api-key\n  - 9f8Qz2LmT7vXc1RbKe4Wn6",
        "args: [--api-key=9f8Qz2LmT7vXc1RbKe4Wn6]",
        '{"client_secret": "9f8Qz2LmT7vXc1RbKe4Wn6"}',
        "# DB_PASSWORD=9f8Qz2LmT7vXc1RbKe4Wn6",
    ],
)
def test_random_text_under_the_name_of_a_secret_is_one(text: str) -> None:
    (found,) = secrets_in(text)
    assert text[found.start : found.end] == "9f8Qz2LmT7vXc1RbKe4Wn6"


def test_this_repository_and_every_story_that_compiles_hold_none() -> None:
    folders = [ROOT / each for each in ("models", "presets", "overlays", "generated", "templates")]
    folders += [GOOD / each for each in stories(GOOD)]
    files = [f for folder in folders for f in folder.rglob("*") if f.is_file()]
    assert files
    assert not [f for f in files if list(secrets_in(f.read_text(errors="replace")))]


@given(st.text(), st.text())
def test_a_masked_text_keeps_its_lines_and_not_the_secret(before: str, after: str) -> None:
    text = f"{before} {SECRET} {after}"
    hidden = masked(text)
    assert SECRET not in hidden
    assert hidden.count("\n") == text.count("\n")
    assert len(hidden) == len(text)


PLACES = {
    "a comment": {"models/one.yaml": SERVED["models/one.yaml"] + f"# {SECRET}\n"},
    "the project": {"modelmill.yaml": f"{PROJECT}metadata: {{name: {SECRET}}}\n"},
    "an annotation": {
        "models/one.yaml": SERVED["models/one.yaml"].replace(
            "metadata: {name: one}", f"metadata: {{name: one, annotations: {{a: {SECRET}}}}}"
        )
    },
    "a patch": {
        "overlays/prod/environment.yaml": overlay(
            "prod", more="patches: {p: {target: {kind: Deployment}, path: p.yaml}}\n"
        ),
        "overlays/prod/p.yaml": "- {op: add, path: /metadata/annotations, value: {a: "
        f"{SECRET}}}}}\n",
    },
    "a wrong value": {
        "models/one.yaml": SERVED["models/one.yaml"].replace("prefill-decode", SECRET)
    },
    "a name nobody knows": {
        "models/one.yaml": SERVED["models/one.yaml"].replace(
            "extends: [sim]", f"extends: [{SECRET}]"
        )
    },
}


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("form", FORMATS)
def test_no_report_shows_it(place: str, form: str, tmp_path: Path) -> None:
    write_files(tmp_path, {**SERVED, **PLACES[place]})
    said = run(tmp_path, "lint", "--format", form)
    assert said.status == 1
    assert SECRET not in said.stdout + said.stderr


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize(
    "command", ["compile", "explain one", "render one -e prod", "validate", "impact"]
)
def test_no_command_shows_it_or_writes_it(place: str, command: str, tmp_path: Path) -> None:
    write_files(tmp_path, {**SERVED, **PLACES[place]})
    said = run(tmp_path, *command.split())
    assert SECRET not in said.stdout + said.stderr
    written = [f.read_text() for f in (tmp_path / "generated").rglob("*") if f.is_file()]
    assert not [text for text in written if SECRET in text]


def test_a_value_that_is_none_is_allowed_with_a_reason_and_a_day(tmp_path: Path) -> None:
    held = (
        'extraObjects: {c: {apiVersion: v1, kind: ConfigMap, metadata: {name: c}, data: {k: "%s"}}}'
    )
    one = model(
        "one", f"roles: {{server: {{type: prefill-decode}}}}\n{held % SECRET}", extends="[sim]"
    )
    allowed = (
        "policies: {secrets: {fixture: {file: models/one.yaml, path: spec.extraObjects.c.data.k, "
        'reason: it is of a test, until: "2027-03-31"}}}\n'
    )
    write_files(tmp_path, {**SERVED, "models/one.yaml": one})
    assert "error[V330]" in run(tmp_path, "lint").stderr
    write_files(tmp_path, {"modelmill.yaml": PROJECT + allowed})
    assert run(tmp_path, "lint", "--today", "2027-01-01").status == 0
    late = run(tmp_path, "lint", "--today", "2027-04-01").stderr
    assert "`fixture` is allowed until 2027-03-31, which is past" in late
    # Another one in the same file is another matter.
    write_files(tmp_path, {"models/one.yaml": f"{one}# npm_{made(36)}\n"})
    assert "error[V330]" in run(tmp_path, "lint").stderr


@pytest.mark.parametrize(
    ("secret", "is_refused"),
    [
        ("data: {a: aHVudGVy}", True),
        ("stringData: {a: hunter}", True),
        ("stringData: {a: ''}", False),
        ("type: kubernetes.io/service-account-token", False),
        (
            "stringData: {a: 'ENC[AES256_GCM,data:x,iv:y,tag:z,type:str]'}\nsops: {version: '3'}",
            False,
        ),
        ("stringData: {a: '${TOKEN}'}", False),
        ("stringData: {a: '<path:secret/data/a#b>'}", False),
        ("data: {a: 'ref+vault://secret/a#b'}", False),
    ],
)
def test_a_secret_may_only_say_where_its_value_is(
    secret: str, is_refused: bool, tmp_path: Path
) -> None:
    text = f"apiVersion: v1\nkind: Secret\nmetadata: {{name: a}}\n{secret}\n"
    write_files(tmp_path, {"a.yaml": text})
    assert ("error[V332]" in run(tmp_path, "validate", "a.yaml").stderr) == is_refused


@pytest.mark.parametrize("story", [each for each in stories(BAD) if each.startswith("V33")])
def test_what_stories_print_holds_no_secret(story: str) -> None:
    assert not list(secrets_in((BAD / story / "expected.txt").read_text()))
