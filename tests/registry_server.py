"""A server that speaks the OCI distribution protocol and the Hugging Face Hub's API, with faults.

Run as a process of its own, it prints its port and answers until it is killed. What it holds and
how it misbehaves is told as JSON on its command line; each request is a line of JSON in a file.
"""

from __future__ import annotations

import base64
import hashlib
import json
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

INDEX = "application/vnd.oci.image.index.v1+json"
TOKEN = "opaque-token"


def manifest(image: str) -> bytes:
    """The index of an image, as text that no other image has."""
    return json.dumps(
        {"schemaVersion": 2, "mediaType": INDEX, "manifests": [], "x": image}
    ).encode()


def digest(image: str) -> str:
    return f"sha256:{hashlib.sha256(manifest(image)).hexdigest()}"


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    told: dict[str, Any] = {}
    log = Path("/dev/null")
    counts: dict[str, int] = {}

    def do_HEAD(self) -> None:
        self._answer()

    def do_GET(self) -> None:
        self._answer()

    def do_POST(self) -> None:
        self._answer()

    def log_message(self, *arguments: Any) -> None:
        """Nothing on the terminal."""

    def _answer(self) -> None:
        url = urlsplit(self.path)
        length = int(self.headers.get("Content-Length") or 0)
        said = {
            "method": self.command,
            "path": self.path,
            "host": self.headers.get("Host"),
            "authorization": self.headers.get("Authorization"),
            "accept": self.headers.get("Accept"),
            "body": self.rfile.read(length).decode(),
        }
        with self.log.open("a") as stream:
            stream.write(json.dumps(said) + "\n")
        if url.path == "/token":
            self._token(parse_qs(url.query), said["body"])
        elif url.path.startswith("/api/models/"):
            self._model(unquote(url.path.removeprefix("/api/models/")))
        elif url.path.startswith("/v2/"):
            self._image(url.path.removeprefix("/v2/"))
        else:
            self._send(404, b"")

    def _token(self, query: dict[str, list[str]], body: str) -> None:
        wanted = self.told.get("credentials")
        sent = self.headers.get("Authorization")
        basic = wanted and "Basic " + base64.b64encode(wanted.encode()).decode()
        refresh = self.told.get("refresh")
        if (refresh and refresh not in body) or (basic and sent != basic):
            self._send(401, b"{}")
        else:
            self._send(200, json.dumps({"token": TOKEN}).encode())

    def _model(self, rest: str) -> None:
        name, _, revision = rest.partition("/revision/")
        if self.told.get("hub_token") and self.headers.get("Authorization") != (
            f"Bearer {self.told['hub_token']}"
        ):
            self._send(401, b"{}")
            return
        moved = self.told.get("moved", {}).get(name)
        if moved:
            self._send(307, b"", {"Location": f"{moved}/api/models/{name}/revision/{revision}"})
            return
        commit = self.told.get("models", {}).get(f"{name}@{revision}")
        body = {"sha": commit, "id": name} if commit else {"error": "Repository not found"}
        self._send(200 if commit else 404, json.dumps(body).encode())

    def _image(self, rest: str) -> None:
        repository, _, tag = rest.partition("/manifests/")
        image = f"{repository}:{tag}"
        fault = self.told.get("faults", {}).get(image, "")
        bearer = f"Bearer {TOKEN}"
        if self.told.get("auth") and self.headers.get("Authorization") != bearer:
            self._challenge(repository)
            return
        self.counts[image] = self.counts.get(image, 0) + 1
        if (fault == "busy" and self.counts[image] == 1) or fault == "busy for ever":
            self._send(503, b"", {"Retry-After": "0"})
        elif fault == "hangs":
            time.sleep(60)
        elif fault == "cut":
            self.close_connection = True
            self.connection.close()
        elif fault == "moved" and "/moved/" not in self.path:
            place = f"{self.told['elsewhere']}/v2/moved/{repository}/manifests/{tag}"
            self._send(307, b"", {"Location": place})
        elif fault.startswith("status "):
            self._send(int(fault.removeprefix("status ")), b"")
        elif image in self.told.get("images", []) or "/moved/" in self.path:
            self._manifest(image, fault)
        else:
            self._send(404, b"{}")

    def _manifest(self, image: str, fault: str) -> None:
        body = manifest(image)
        headers = {"Content-Type": INDEX, "Docker-Content-Digest": digest(image)}
        if fault == "no digest" or (fault == "wrong digest" and self.command == "HEAD"):
            del headers["Docker-Content-Digest"]
        elif fault == "wrong digest":
            headers["Docker-Content-Digest"] = f"sha256:{0:064}"
        elif fault == "no head" and self.command == "HEAD":
            self._send(405, b"")
            return
        elif fault == "floods":
            del headers["Docker-Content-Digest"]
            body = b"x" * (9 << 20)
        self._send(200, body, headers)

    def _challenge(self, repository: str) -> None:
        realm = self.told.get("realm") or f"http://{self.headers['Host']}/token"
        scope = f"repository:{repository}:pull"
        said = f'Bearer realm="{realm}",service="registry.test",scope="{scope}"'
        self._send(401, b"{}", {"WWW-Authenticate": said})

    def _send(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)


def main() -> None:
    Handler.told, Handler.log = json.loads(sys.argv[1]), Path(sys.argv[2])
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    print(server.server_address[1], flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
