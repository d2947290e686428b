"""etcd and kube-apiserver for as long as a test run lasts, and one connection to them.

In: $KUBEBUILDER_ASSETS, the folder of the two binaries, as controller-runtime's envtest has it.
Out: an `Api`. Ports are free ones of the loopback interface; certificate, token and data are of one
run.
"""

from __future__ import annotations

import http.client
import json
import os
import re
import secrets
import socket
import ssl
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlencode

Object = dict[str, Any]

ASSETS = "KUBEBUILDER_ASSETS"
LONGEST_START = 120.0
PATIENCE = 300
"""Seconds for one request."""
MANAGER = "argocd-controller"
"""The field manager of Argo CD's server-side apply (its docs, sync-options)."""
STRICT = {"fieldManager": MANAGER, "fieldValidation": "Strict"}
APPLIED = {**STRICT, "force": "true"}
DRY = {"dryRun": "All"}
WARNING = re.compile(r'299 \S+ "((?:[^"\\]|\\.)*)"')


class Answer(NamedTuple):
    """What a server says: the status of HTTP, the object or the `Status`, and its warnings."""

    status: int
    body: Object
    warnings: tuple[str, ...]

    @property
    def refusal(self) -> str:
        """Why the server refused; nothing where it did not."""
        return "" if self.status < 300 else str(self.body.get("message", self.body))


class Api:
    """One connection to an API server, as its administrator."""

    def __init__(self, port: int, certificate: Path, token: str) -> None:
        trust = ssl.create_default_context(cafile=str(certificate))
        self._connection = http.client.HTTPSConnection(
            "127.0.0.1", port, timeout=PATIENCE, context=trust
        )
        self._headers = {"Authorization": f"Bearer {token}"}
        self._served: dict[str, dict[str, tuple[str, bool]]] = {}

    def ask(
        self,
        method: str,
        path: str,
        body: Object | None = None,
        form: str = "application/json",
        **query: str,
    ) -> Answer:
        url = f"{path}?{urlencode(query)}" if query else path
        content = None if body is None else json.dumps(body)
        try:
            self._connection.request(method, url, content, {**self._headers, "Content-Type": form})
            answer = self._connection.getresponse()
            text = answer.read()
        except (OSError, http.client.HTTPException):
            self._connection.close()
            raise
        with suppress(ValueError):
            told = answer.headers.get_all("Warning") or []
            texts = (found[1] for each in told if (found := WARNING.match(each)))
            warnings = tuple(each.replace('\\"', '"') for each in texts)
            return Answer(answer.status, json.loads(text), warnings)
        return Answer(answer.status, {"message": text.decode(errors="replace")}, ())

    def apply(self, body: Object, **query: str) -> Answer:
        """Server-side apply, unknown fields refused."""
        return self.ask(
            "PATCH", self.path(body), body, "application/apply-patch+yaml", **APPLIED, **query
        )

    def create(self, body: Object, **query: str) -> Answer:
        collection = self.path(body).rpartition("/")[0]
        return self.ask("POST", collection, body, **STRICT, **query)

    def delete(self, body: Object) -> None:
        """Delete an object and what holds it back, since no controller lets it go."""
        path = self.path(body)
        left = self.ask("DELETE", path, {"propagationPolicy": "Background"})
        if left.body.get("metadata", {}).get("finalizers"):
            free = {"metadata": {"finalizers": None}}
            self.ask("PATCH", path, free, "application/merge-patch+json")

    def serves(self, body: Object) -> bool:
        return body["kind"] in self._kinds(body["apiVersion"])

    def path(self, body: Object) -> str:
        """Where an object is; one without a namespace is in `default`."""
        version, name = body["apiVersion"], body["metadata"]["name"]
        plural, namespaced = self._kinds(version)[body["kind"]]
        within = f"/namespaces/{namespace_of(body)}" if namespaced else ""
        return f"{_root(version)}{within}/{plural}/{name}"

    def namespaced(self, body: Object) -> bool:
        return self._kinds(body["apiVersion"])[body["kind"]][1]

    def _kinds(self, version: str) -> Mapping[str, tuple[str, bool]]:
        """The plural of each kind of a version, and whether it is in namespaces."""
        if version not in self._served:
            listed = self.ask("GET", _root(version)).body.get("resources", ())
            own = [each for each in listed if "/" not in each["name"]]
            self._served[version] = {r["kind"]: (r["name"], r["namespaced"]) for r in own}
        return self._served[version]


def namespace_of(body: Object) -> str:
    return str(body["metadata"].get("namespace", "default"))


def _root(version: str) -> str:
    return f"/apis/{version}" if "/" in version else f"/api/{version}"


@contextmanager
def api_server(place: Path) -> Iterator[Api]:
    """An API server with nothing on it, its data below `place`."""
    assets = Path(os.environ[ASSETS])
    store, peers, port = _free_ports(3)
    token = secrets.token_hex(16)
    (place / "tokens.csv").write_text(f"{token},modelmill,modelmill,system:masters\n")
    key, certificate = _certificate(place)
    client, peer = f"http://127.0.0.1:{store}", f"http://127.0.0.1:{peers}"
    etcd: list[str | Path] = [
        assets / "etcd",
        *(f"--data-dir={place / 'etcd'}", "--unsafe-no-fsync", "--log-level=error"),
        *(f"--listen-client-urls={client}", f"--advertise-client-urls={client}"),
        *(f"--listen-peer-urls={peer}", f"--initial-advertise-peer-urls={peer}"),
        f"--initial-cluster=default={peer}",
    ]
    server: list[str | Path] = [
        assets / "kube-apiserver",
        *(f"--etcd-servers={client}", "--bind-address=127.0.0.1", f"--secure-port={port}"),
        *(f"--tls-cert-file={certificate}", f"--tls-private-key-file={key}"),
        *(f"--token-auth-file={place / 'tokens.csv'}", "--authorization-mode=RBAC"),
        "--service-account-issuer=https://kubernetes.default.svc",
        *(f"--service-account-key-file={key}", f"--service-account-signing-key-file={key}"),
        "--service-cluster-ip-range=10.96.0.0/16",
        # The largest definitions take a busy machine longer than the minute that is the default.
        f"--request-timeout={PATIENCE}s",
        # As kubeadm, and all that is built on it, starts it.
        "--allow-privileged=true",
        # No controller makes the accounts and tokens it asks for.
        "--disable-admission-plugins=ServiceAccount",
    ]
    with _running(etcd, place / "etcd.log"), _running(server, place / "kube-apiserver.log") as run:
        api = Api(port, certificate, token)
        _wait(api, run, place / "kube-apiserver.log")
        yield api


def _free_ports(count: int) -> list[int]:
    """Ports that nobody listens on now."""
    taken = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [each.getsockname()[1] for each in taken]
    for each in taken:
        each.close()
    return ports


def _certificate(place: Path) -> tuple[Path, Path]:
    """A key, and a certificate for the loopback interface that it signed itself."""
    key, certificate = place / "server.key", place / "server.crt"
    made = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1"]
    named = ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"]
    argv = [*made, *named, "-keyout", str(key), "-out", str(certificate)]
    subprocess.run(argv, check=True, capture_output=True)
    return key, certificate


@contextmanager
def _running(argv: Sequence[str | Path], log: Path) -> Iterator[subprocess.Popen[bytes]]:
    with log.open("wb") as told:
        process = subprocess.Popen(argv, stdout=told, stderr=told)
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait(api: Api, process: subprocess.Popen[bytes], log: Path) -> None:
    """Until the server is ready, what it starts with included."""
    end = time.monotonic() + LONGEST_START
    while process.poll() is None and time.monotonic() < end:
        with suppress(OSError, http.client.HTTPException):
            ready = api.ask("GET", "/readyz")
            default = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "default"}}
            if ready.status == 200 and api.ask("GET", api.path(default)).status == 200:
                return
        time.sleep(0.2)
    raise RuntimeError("kube-apiserver did not start:\n" + log.read_text()[-4000:])
