"""The schemas in the editor: the real yaml-language-server from npm, asked over its own protocol.

It is installed into a cache directory (YAML_LANGUAGE_SERVER names one that is there already). Without npm or a registry the test
fails where CI is set, and is skipped elsewhere.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytestmark = [pytest.mark.slow, pytest.mark.subprocess]
ROOT = Path(__file__).parents[2]
VERSION = "1.18.0"
SCHEMA = ROOT / "schemas" / "strict" / "butane" / "fcos-1.6.0.json"


def _program() -> str:
    """The server's program, installed if need be."""
    named = os.environ.get("YAML_LANGUAGE_SERVER")
    if named:
        return named
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / f"ignition-py/yaml-language-server-{VERSION}"
    program = cache / "node_modules" / ".bin" / "yaml-language-server"
    if not program.exists():
        why = "npm is not installed"
        if shutil.which("npm"):
            argv = ["npm", "install", "--no-audit", "--no-fund", "--prefix", str(cache), f"yaml-language-server@{VERSION}"]
            why = subprocess.run(argv, capture_output=True, text=True, check=False).stderr[-400:]
        if not program.exists():
            (pytest.fail if os.environ.get("CI") else pytest.skip)(f"yaml-language-server cannot be installed: {why}")
    return str(program)


class Server:
    """A language server on standard input and output. Source: the Language Server Protocol, base protocol."""

    def __init__(self, program: str) -> None:
        self.process = subprocess.Popen([program, "--stdio"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        self.number = 0
        self.settings = {"yaml": {"schemas": {SCHEMA.as_uri(): "*.bu"}, "validate": True, "hover": True, "completion": True}}
        folder = {"uri": ROOT.as_uri(), "name": "root"}
        self.ask("initialize", {"processId": None, "rootUri": ROOT.as_uri(), "capabilities": {"workspace": {"configuration": True}},
                                "workspaceFolders": [folder]})  # fmt: skip
        self.tell("initialized", {})
        self.tell("workspace/didChangeConfiguration", {"settings": self.settings})

    def send(self, message: dict[str, Any]) -> None:
        data = json.dumps({"jsonrpc": "2.0", **message}).encode()
        assert self.process.stdin is not None
        self.process.stdin.write(b"Content-Length: %d\r\n\r\n%s" % (len(data), data))
        self.process.stdin.flush()

    def tell(self, method: str, params: Any) -> None:
        self.send({"method": method, "params": params})

    def read(self) -> dict[str, Any]:
        """The next message; questions of the server are answered on the way."""
        assert self.process.stdout is not None
        length = 0
        while (line := self.process.stdout.readline()) not in (b"\r\n", b""):
            name, _, value = line.partition(b":")
            if name.lower() == b"content-length":
                length = int(value)
        message: dict[str, Any] = json.loads(self.process.stdout.read(length))
        if "id" in message and "method" in message:
            answer: Any = None
            if message["method"] == "workspace/configuration":
                answer = [self.settings.get(item.get("section", ""), {}) for item in message["params"]["items"]]
            self.send({"id": message["id"], "result": answer})
        return message

    def ask(self, method: str, params: Any) -> Any:
        self.number += 1
        self.send({"id": self.number, "method": method, "params": params})
        while True:
            message = self.read()
            if message.get("id") == self.number and "method" not in message:
                return message.get("result")

    def opened(self, name: str, text: str) -> list[dict[str, Any]]:
        """Opens a document; the diagnostics that the server publishes for it."""
        uri = f"file:///{name}"
        self.tell("textDocument/didOpen", {"textDocument": {"uri": uri, "languageId": "yaml", "version": 1, "text": text}})
        while True:
            message = self.read()
            if message.get("method") == "textDocument/publishDiagnostics" and message["params"]["uri"] == uri:
                found: list[dict[str, Any]] = message["params"]["diagnostics"]
                return found


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    if not SCHEMA.exists():
        pytest.fail("the schemas have not been generated")
    running = Server(_program())
    yield running
    running.process.kill()
    running.process.wait()


HEAD = "variant: fcos\nversion: 1.6.0\n"


def test_good_file(server: Server) -> None:
    text = HEAD + "storage:\n  files:\n    - path: /etc/motd\n      mode: 0644\n      contents:\n        inline: hello\n"
    assert server.opened("good.bu", text) == []


@pytest.mark.parametrize(
    ("name", "text", "line", "words"),
    [
        ("key", HEAD + "storage:\n  fles: []\n", 3, "fles"),
        ("type", HEAD + "storage:\n  files:\n    - path: /a\n      mode: abc\n", 5, "integer"),
        ("missing", HEAD + "storage:\n  files:\n    - mode: 0644\n", 4, "path"),
        ("layout", HEAD + "boot_device:\n  layout: riscv64\n", 3, "x86_64"),
        ("variant", "variant: flatcar\nversion: 1.6.0\n", 0, "fcos"),
        ("newer", HEAD + "systemd:\n  quadlets: []\n", 3, "quadlets"),
    ],
)
def test_bad_files(server: Server, name: str, text: str, line: int, words: str) -> None:
    found = server.opened(f"{name}.bu", text)
    assert any(each["range"]["start"]["line"] == line and words in each["message"] for each in found), found


def test_completion_and_hover(server: Server) -> None:
    text = HEAD + "storage:\n  files:\n    - path: /a\n      \n"
    server.opened("complete.bu", text)
    document = {"uri": "file:///complete.bu"}
    answer = server.ask("textDocument/completion", {"textDocument": document, "position": {"line": 5, "character": 6}})
    assert {"mode", "contents", "overwrite"} <= {item["label"] for item in answer["items"]}
    answer = server.ask("textDocument/hover", {"textDocument": document, "position": {"line": 4, "character": 8}})
    assert "Absolute path" in json.dumps(answer)


def test_schema_named_in_the_file(server: Server) -> None:
    other = SCHEMA.with_name("flatcar-1.1.0.json").as_uri()
    text = f"# yaml-language-server: $schema={other}\nvariant: flatcar\nversion: 1.1.0\nboot_device: {{}}\n"
    assert any("boot_device" in each["message"] for each in server.opened("named.bu", text))
