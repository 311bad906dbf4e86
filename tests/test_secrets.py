"""Secrets are planted wherever a config and a machine can hold them; then everything that a boot leaves is searched for them.

Real processes, one a stage, as a boot starts them; their arguments and those of what they start are watched through /proc.
"""

from __future__ import annotations

import base64
import json
import os
import stat
import subprocess
import sys
import tarfile
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.helpers.servers import Server, body
from tests.stages.files.files_machine import fill

pytestmark = [pytest.mark.root, pytest.mark.subprocess, pytest.mark.sockets]

REPOSITORY = Path(__file__).parents[1]
WORD = "s3cr3t"
PRIVATE = ("cache", "cache.sources", "config.ign", "fetched")  # hold the config by their purpose; only root may read them


def secret(name: str) -> str:
    return f"{WORD}-{name}"


def url_of(text: str) -> str:
    return "data:;base64," + base64.b64encode(text.encode()).decode()


def config_of(server: Server, *more: dict[str, Any]) -> dict[str, Any]:
    host = server.url("").removeprefix("http://")
    source = f"http://user:{secret('password')}@{host}/f?token={secret('query')}#{secret('fragment')}"
    return {
        "ignition": {"version": "3.4.0"},
        "passwd": {
            "users": [{"name": "keeper", "passwordHash": f"$6${secret('hash')}", "sshAuthorizedKeys": [f"ssh-rsa {secret('key')}"]}],
            "groups": [{"name": "crew", "passwordHash": f"$6${secret('group')}"}],
        },
        "storage": {"files": [
            {"path": "/etc/a", "mode": 0o600, "contents": {"source": f"data:,{secret('data')}"}},
            {"path": "/etc/b", "mode": 0o600, "contents": {"source": url_of(secret("base64"))}, "append": [{"source": url_of(secret("part"))}]},
            {"path": "/etc/c", "mode": 0o600,
             "contents": {"source": source, "httpHeaders": [{"name": "Authorization", "value": f"Bearer {secret('header')}"}]}},
            *more,
        ]},
        "systemd": {"units": [{"name": "a.service", "contents": f"[Service]\nEnvironment=X={secret('unit')}\n"}]},
    }  # fmt: skip


# What makes a run fail, each time at another place, with secrets near it.
FAILURES: dict[str, dict[str, Any]] = {
    "nothing": {},
    "owner": {"path": "/x", "user": {"name": "nobody-here"}, "contents": {"source": f"data:,{secret('owner')}"}},
    "digest": {"path": "/x", "contents": {"source": url_of(secret("digest")), "verification": {"hash": "sha256-" + "0" * 64}}},
    "gzip": {"path": "/x", "contents": {"source": f"data:,{secret('gzip')}", "compression": "gzip"}},
    "not found": {"path": "/x", "contents": {"source": f"/gone?{secret('gone')}", "httpHeaders": [{"name": "X", "value": secret("x")}]}},
    "there": {"path": "/etc/passwd", "contents": {"source": f"data:,{secret('there')}"}},
    "invalid": {"path": "/x", "mode": -1, "contents": {"source": f"data:,{secret('mode')}"}},
    "bad url": {"path": "/x", "contents": {"source": f"gopher://u:{secret('url')}@h/?{secret('q')}"}},
    "unknown field": {"path": "/x", "contentz": {"source": f"data:,{secret('unknown')}"}},
}


class Watch(threading.Thread):
    """Reads the arguments of every process of the session, over and over."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.seen: set[bytes] = set()
        self.done = False

    def run(self) -> None:
        while not self.done:
            time.sleep(0.001)  # the other thread has work to do
            for name in os.listdir("/proc"):
                if name.isdigit():
                    try:
                        with open(f"/proc/{name}/cmdline", "rb") as file:
                            self.seen.add(file.read())
                    except OSError:
                        continue


@pytest.fixture
def place() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="ignition-secrets-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        (folder / "root").mkdir()
        fill(str(folder / "root"))
        yield folder


def program(folder: Path, *argv: str) -> subprocess.CompletedProcess[bytes]:
    code = "import sys; from ignition_py.cli import main; sys.exit(main(sys.argv[1:]))"
    env = {"PATH": os.environ["PATH"], "PYTHONPATH": str(REPOSITORY), "IGNITION_CONFIG_FILE": str(folder / "config.ign")}
    return subprocess.run([sys.executable, "-c", code, *argv], cwd=folder, env=env, capture_output=True, check=False)


def boot(folder: Path) -> tuple[bytes, list[int]]:
    """What the stages say on all their outputs, and how they end."""
    said, codes = b"", []
    for stage in ("fetch", "files"):
        places = ["-config-cache", str(folder / "cache"), "-neednet", str(folder / "net"), "-state-file", str(folder / "state")]
        argv = ["ignition", "-platform", "file", "-stage", stage, "-root", str(folder / "root"), "-fetch-timeout", "5s", *places]
        done = program(folder, *argv, "-log-to-stdout")
        said += done.stdout + done.stderr
        codes.append(done.returncode)
    for words in (["status"], ["status", "-format", "json"], ["analyze"], ["analyze", "svg"]):
        report = [] if words[0] == "status" else ["-report", str(folder / "report.jsonl")]
        done = program(folder, "ignition-py", *words, *(report or ["-root", str(folder / "root")]))
        said += done.stdout + done.stderr
    done = program(folder, "ignition-py", "collect-logs", "-root", str(folder / "root"), "-output", "logs.tar.gz")
    assert done.returncode == 0, done.stderr
    with tarfile.open(folder / "logs.tar.gz") as tar:
        for member in tar:
            said += tar.extractfile(member).read()  # type: ignore[union-attr]
    return said, codes


@pytest.mark.parametrize("why", FAILURES)
def test_what_a_boot_says_and_leaves(place: Path, server: Server, why: str) -> None:
    server.at["/f"] = body(secret("contents").encode())
    more = json.loads(json.dumps(FAILURES[why]).replace("/gone", server.url("/gone")))
    (place / "config.ign").write_text(json.dumps(config_of(server, *([more] if more else []))))
    (place / "config.ign").chmod(0o600)
    watch = Watch()
    watch.start()
    try:
        said, codes = boot(place)
    finally:
        watch.done = True
        watch.join()
    assert codes == [0, 0] if why in ("nothing", "unknown field") else 1 in codes, said.decode()
    assert WORD.encode() not in said, said.decode()
    assert not [argv for argv in watch.seen if WORD.encode() in argv]
    for folder, _, names in os.walk(place):
        for name in names:
            path = Path(folder) / name
            status = path.lstat()
            if not stat.S_ISREG(status.st_mode) or name.startswith(PRIVATE) or (place / "fetched") in path.parents:
                assert not status.st_mode & 0o077 or not stat.S_ISREG(status.st_mode), path
                continue
            if WORD.encode() in path.read_bytes():
                inside = path.relative_to(place)
                assert str(inside) in MAY_HOLD, inside
                assert str(inside) == UNIT or not status.st_mode & 0o007, f"{inside} is for all to read"


UNIT = "root/etc/systemd/system/a.service"  # units are for all to read by what they are
MAY_HOLD = {UNIT, *(f"root/etc/{name}" for name in ("a", "b", "c", "shadow", "gshadow", "shadow-", "gshadow-"))} | {
    "root/home/keeper/.ssh/authorized_keys.d/ignition"
}
