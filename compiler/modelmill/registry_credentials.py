"""A person's own credentials of registries, as docker and podman keep them.

In: the configuration file of this user, and a registry's host. Out: a name and a secret, or none.
A helper it names is run by argv, as docker would; nothing in a repository can name one.
"""

from __future__ import annotations

import base64
import binascii
import os
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from modelmill.jsontext import read_json
from modelmill.regexes import regex
from modelmill.tuples import NamedTuple
from modelmill.web import LookupFault

HELPER_SECONDS = 30
DOCKER_HUB = "docker.io"
# What docker calls its hub among `auths` (docker/cli, registry/config.go: IndexServer).
_HUB_KEY = "https://index.docker.io/v1/"
_TOKEN_USER = "<token>"
_is_helper = regex(r"[A-Za-z0-9_.-]+")


class Credentials(NamedTuple):
    """A user and a password; without a user the secret is an identity token (OAuth2)."""

    user: str
    secret: str

    @property
    def basic(self) -> str:
        """As an Authorization header has them."""
        return "Basic " + base64.b64encode(f"{self.user}:{self.secret}".encode()).decode()


def credentials_of(registry: str, environment: Mapping[str, str]) -> Credentials | None:
    """Those of a registry; None where the user has none. `credHelpers` come before `credsStore`,
    and that before `auths` (docker/cli, cli/config/configfile)."""
    config = _config(environment)
    keys = [_HUB_KEY, DOCKER_HUB, "index.docker.io"] if registry == DOCKER_HUB else [registry]
    keys += [f"https://{key}" for key in keys if "://" not in key]
    helpers = _mapping(config.get("credHelpers"))
    helper = next((helpers[key] for key in keys if key in helpers), config.get("credsStore"))
    if isinstance(helper, str) and helper:
        found = _asked(helper, keys[0], environment)
        if found is not None:
            return found
    auths = {_plain(key): entry for key, entry in _mapping(config.get("auths")).items()}
    entries = (_mapping(auths.get(_plain(key))) for key in keys)
    return next((found for entry in entries if (found := _entry(entry)) is not None), None)


def _config(environment: Mapping[str, str]) -> Mapping[str, Any]:
    """The first file there is: docker's, then podman's (containers-auth.json(5))."""
    home = Path(environment.get("HOME") or os.path.expanduser("~"))
    docker = Path(environment.get("DOCKER_CONFIG") or home / ".docker") / "config.json"
    named = environment.get("REGISTRY_AUTH_FILE")
    runtime = environment.get("XDG_RUNTIME_DIR")
    places = [Path(named)] if named else [docker]
    places += [Path(runtime) / "containers" / "auth.json"] if runtime and not named else []
    for place in places:
        try:
            return _mapping(read_json(place.read_text(encoding="utf-8")))
        except OSError:
            continue
        except ValueError:
            raise LookupFault(f"{place.name} of registries' credentials is not JSON") from None
    return {}


def _plain(key: str) -> str:
    """`https://ghcr.io/v2/` as ghcr.io; the hub's key as it is."""
    return key if key == _HUB_KEY else key.partition("://")[2].partition("/")[0] or key


def _entry(entry: Mapping[str, Any]) -> Credentials | None:
    if entry.get("identitytoken"):
        return Credentials("", str(entry["identitytoken"]))
    if entry.get("auth"):
        try:
            text = base64.b64decode(str(entry["auth"])).decode()
        except (binascii.Error, UnicodeDecodeError):
            return None
        user, _, secret = text.partition(":")
        return Credentials(user, secret.rstrip("\0"))
    if entry.get("username") and entry.get("password"):
        return Credentials(str(entry["username"]), str(entry["password"]))
    return None


def _asked(helper: str, key: str, environment: Mapping[str, str]) -> Credentials | None:
    """What `docker-credential-HELPER get` answers (docker/docker-credential-helpers)."""
    if not _is_helper.fullmatch(helper):
        raise LookupFault(f"`{helper}` cannot be a credential helper")
    program = f"docker-credential-{helper}"
    try:
        done = subprocess.run(
            [program, "get"],
            input=key.encode(),
            env=dict(environment),
            capture_output=True,
            timeout=HELPER_SECONDS,
            check=False,
        )
        answer = _mapping(read_json(done.stdout)) if done.returncode == 0 else {}
    except (OSError, subprocess.TimeoutExpired):
        raise LookupFault(f"the credential helper {program} cannot be run") from None
    except ValueError:
        raise LookupFault(f"the credential helper {program} did not answer in JSON") from None
    user, secret = answer.get("Username"), answer.get("Secret")
    if not isinstance(user, str) or not isinstance(secret, str) or not secret:
        return None
    return Credentials("" if user == _TOKEN_USER else user, secret)


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}
