"""Registries of npm, pip and Composer with one package each, on this machine, over plain HTTP."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import tarfile
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread


@dataclass
class Registry:
    """`pages` maps paths to what is served there; `asked` is what was asked for."""

    port: int = 0
    pages: dict[str, bytes] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


@contextmanager
def serving() -> Iterator[Registry]:
    registry = Registry()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            registry.asked.append(self.path)
            body = registry.pages.get(self.path)
            self.send_response(404 if body is None else 200)
            kind = "application/json" if self.path.endswith(".json") else "text/html"
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body or b"")))
            self.end_headers()
            self.wfile.write(body or b"")

        def log_message(self, format: str, *arguments: object) -> None:
            return None

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        registry.port = server.server_address[1]
        thread = Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield registry
        finally:
            server.shutdown()


def npm(registry: Registry) -> Mapping[str, str]:
    """Serves `greeting`, whose install script must never run; returns a project that uses it."""
    package = {
        "name": "greeting",
        "version": "1.0.0",
        "main": "index.js",
        "scripts": {"install": "touch /work/ran-a-script"},
    }
    files = {
        "package/package.json": json.dumps(package),
        "package/index.js": "module.exports = 'Good day';\n",
    }
    made = _tar(files)
    place = "/greeting/-/greeting-1.0.0.tgz"
    registry.pages[place] = made
    resolved = registry.url + place
    integrity = "sha512-" + base64.b64encode(hashlib.sha512(made).digest()).decode()
    lock = {
        "name": "site",
        "lockfileVersion": 3,
        "packages": {
            "": {"name": "site", "dependencies": {"greeting": "1.0.0"}},
            "node_modules/greeting": {
                "version": "1.0.0",
                "resolved": resolved,
                "integrity": integrity,
                "hasInstallScript": True,
            },
        },
    }
    project = {"name": "site", "dependencies": {"greeting": "1.0.0"}}
    return {"package.json": json.dumps(project), "package-lock.json": json.dumps(lock, indent=1)}


def pip(registry: Registry) -> Mapping[str, str]:
    made = io.BytesIO()
    info = "greeting-1.0.0.dist-info"
    files = {
        "greeting.py": "WORDS = 'Good day'\n",
        f"{info}/METADATA": "Metadata-Version: 2.1\nName: greeting\nVersion: 1.0.0\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{info}/RECORD": "",
    }
    with zipfile.ZipFile(made, "w") as wheel:
        for path, text in files.items():
            wheel.writestr(path, text)
    name = "greeting-1.0.0-py3-none-any.whl"
    digest = hashlib.sha256(made.getvalue()).hexdigest()
    registry.pages[f"/packages/{name}"] = made.getvalue()
    link = f'<a href="/packages/{name}#sha256={digest}">{name}</a>'
    registry.pages["/simple/greeting/"] = (
        f"<!DOCTYPE html><html><body>{link}</body></html>".encode()
    )
    lines = [
        f"-i {registry.url}/simple",
        "--trusted-host 127.0.0.1",
        f"greeting==1.0.0 --hash=sha256:{digest}",
    ]
    return {"requirements.txt": "\n".join(lines) + "\n"}


def composer(registry: Registry) -> Mapping[str, str]:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        about = {"name": "acme/greeting", "autoload": {"psr-4": {"Acme\\": "src/"}}}
        archive.writestr("greeting/composer.json", json.dumps(about))
        archive.writestr(
            "greeting/src/Greeting.php",
            "<?php\nnamespace Acme;\nclass Greeting { const WORDS = 'Good day'; }\n",
        )
    registry.pages["/greeting-1.0.0.zip"] = made.getvalue()
    package = {
        "name": "acme/greeting",
        "version": "1.0.0",
        "type": "library",
        "dist": {
            "type": "zip",
            "url": f"{registry.url}/greeting-1.0.0.zip",
            "shasum": hashlib.sha1(made.getvalue(), usedforsecurity=False).hexdigest(),
        },
        "autoload": {"psr-4": {"Acme\\": "src/"}},
    }
    config = {"secure-http": False}
    project = {"name": "acme/site", "require": {"acme/greeting": "1.0.0"}, "config": config}
    lock = {
        "packages": [package],
        "packages-dev": [],
        "aliases": [],
        "minimum-stability": "stable",
        "stability-flags": {},
        "prefer-stable": False,
        "prefer-lowest": False,
        "platform": {},
        "platform-dev": {},
        "content-hash": "0" * 32,
        "plugin-api-version": "2.3.0",
    }
    return {"composer.json": json.dumps(project), "composer.lock": json.dumps(lock, indent=1)}


def _tar(files: Mapping[str, str]) -> bytes:
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w:gz") as archive:
        for path, text in files.items():
            info = tarfile.TarInfo(path)
            info.size = len(text.encode())
            archive.addfile(info, io.BytesIO(text.encode()))
    return made.getvalue()
