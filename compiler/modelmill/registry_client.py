"""The digest that an image's tag has in its registry, by the OCI distribution protocol.

In: an image's whole name. Out: the digest of its index, or of its manifest where it has one
platform; or a LookupFault. https://github.com/opencontainers/distribution-spec/blob/main/spec.md
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from urllib.parse import urlencode, urlsplit

from modelmill.jsontext import read_json
from modelmill.regexes import regex
from modelmill.registry_credentials import DOCKER_HUB, Credentials, credentials_of
from modelmill.web import LOCAL, Answer, LookupFault, ask, checked_host

# Indexes first: a cluster's nodes may be of several platforms.
ACCEPT = ", ".join(
    (
        "application/vnd.oci.image.index.v1+json",
        "application/vnd.docker.distribution.manifest.list.v2+json",
        "application/vnd.oci.image.manifest.v1+json",
        "application/vnd.docker.distribution.manifest.v2+json",
    )
)
HUB_HOST = "registry-1.docker.io"
DIGEST = "Docker-Content-Digest"
SCHEMA_1 = "application/vnd.docker.distribution.manifest.v1"
CLIENT = "modelmill"
_is_digest = regex(r"sha256:[0-9a-f]{64}")
_parameter = regex(r'([A-Za-z_]+)\s*=\s*"((?:[^"\\]|\\.)*)"')


def digest_of(image: str, environment: Mapping[str, str]) -> str:
    """The digest of an image's tag, `latest` where it has none."""
    registry, path, tag = _parts(image)
    host = HUB_HOST if registry == DOCKER_HUB else registry
    scheme = "http" if urlsplit(f"//{host}").hostname in LOCAL else "https"
    url = f"{scheme}://{host}/v2/{path}/manifests/{tag}"
    credentials = credentials_of(registry, environment)
    answer, authorization = _authorized(url, credentials, path)
    found = _checked(answer, image) if answer.status == 200 else ""
    if found:
        return found
    if answer.status == 200 or answer.status == 405:
        # A registry need not tell the digest of what it does not send.
        answer = ask(url, {"Accept": ACCEPT}, authorization=authorization)
    if answer.status != 200:
        raise _refusal(answer.status, image, host, has_credentials=credentials is not None)
    computed = f"sha256:{hashlib.sha256(answer.body).hexdigest()}"
    if _checked(answer, image) not in ("", computed):
        raise LookupFault(f"{host} sent a manifest that has not the digest it tells")
    return computed


def _parts(image: str) -> tuple[str, str, str]:
    registry, _, rest = image.partition("/")
    folder, slash, name = rest.rpartition("/")
    base, _, tag = name.partition(":")
    return registry, folder + slash + base, tag or "latest"


def _authorized(url: str, credentials: Credentials | None, path: str) -> tuple[Answer, str]:
    """The answer to a HEAD, once the registry said how it wants to be asked; and how that is."""
    headers = {"Accept": ACCEPT}
    answer = ask(url, headers, method="HEAD")
    if answer.status != 401:
        return answer, ""
    authorization = _authorization(answer, credentials, path, url)
    if not authorization:
        return answer, ""
    return ask(url, headers, method="HEAD", authorization=authorization), authorization


def _authorization(answer: Answer, credentials: Credentials | None, path: str, url: str) -> str:
    """What to send by a challenge (distribution, docs/spec/auth/token.md); "" for nothing."""
    for challenge in answer.headers.get_all("WWW-Authenticate") or ():
        scheme, _, rest = challenge.partition(" ")
        parameters = {name.lower(): value for name, value in _parameter.findall(rest)}
        if scheme.lower() == "bearer" and "realm" in parameters:
            return f"Bearer {_token(parameters, credentials, path, url)}"
        if scheme.lower() == "basic" and credentials is not None and credentials.user:
            return credentials.basic
    return ""


def _token(
    parameters: Mapping[str, str], credentials: Credentials | None, path: str, url: str
) -> str:
    realm = parameters["realm"]
    host = checked_host(realm)
    if realm.startswith("http:") and url.startswith("https:"):
        raise LookupFault(f"{host} is not asked for a token without https")
    wanted = {"scope": parameters.get("scope") or f"repository:{path}:pull"}
    if parameters.get("service"):
        wanted["service"] = parameters["service"]
    if credentials is not None and not credentials.user:
        form = {"grant_type": "refresh_token", "client_id": CLIENT, **wanted}
        data = urlencode({**form, "refresh_token": credentials.secret}).encode()
        answer = ask(realm, {}, method="POST", data=data)
    else:
        joint = "&" if urlsplit(realm).query else "?"
        basic = credentials.basic if credentials is not None else ""
        answer = ask(f"{realm}{joint}{urlencode(wanted)}", {}, authorization=basic)
    if answer.status in (400, 401, 403) and credentials is not None:
        raise LookupFault(f"{host} refuses the credentials there are for it", "log in again")
    if answer.status != 200:
        raise LookupFault(f"{host} gives no token (HTTP {answer.status})")
    try:
        said = read_json(answer.body)
        token = said.get("token") or said.get("access_token")
    except (ValueError, AttributeError):
        token = None
    if not isinstance(token, str) or not token.isprintable() or not token:
        raise LookupFault(f"{host} answers without a token")
    return token


def _checked(answer: Answer, image: str) -> str:
    """The digest a registry tells, "" where it tells none that could be used."""
    if answer.headers.get("Content-Type", "").startswith(SCHEMA_1):
        raise LookupFault(
            f"`{image}` has only a manifest of schema 1, which is signed anew each time"
        )
    told = answer.headers.get(DIGEST, "")
    return told if _is_digest.fullmatch(told) else ""


def _refusal(status: int, image: str, host: str, *, has_credentials: bool) -> LookupFault:
    if status == 404:
        return LookupFault(f"{host} has no such image", "look at its name and tag")
    if status in (401, 403):
        hint = "" if has_credentials else f"log in, for example by `docker login {host}`"
        return LookupFault(f"{host} does not let `{image}` be seen", hint)
    if status == 429:
        return LookupFault(f"{host} has had enough of questions for now", "try again later")
    return LookupFault(f"{host} answers with HTTP {status}")
