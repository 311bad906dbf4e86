"""What each stage imports when it runs as in a boot: from the bundle of an initramfs, its messages to a journal. Of this package
and of third parties exactly what imports.json says, of the standard library nothing heavy. `UPDATE_IMPORTS=1 pytest tests/test_imports.py`
writes imports.json anew; look at what changed.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from ignition_py.fetch.schemes.data import encode
from ignition_py.stages import STAGES
from tests.helpers.bundle import Executor
from tests.helpers.journal import Journal
from tests.helpers.servers import Server, body, make_certificate

pytestmark = [pytest.mark.subprocess, pytest.mark.sockets]

LIST = Path(__file__).with_name("imports.json")
HEAVY = frozenset(
    [
        "argparse",
        "asyncio",
        "dataclasses",
        "email",
        "enum",
        "hashlib",
        "inspect",
        "json",
        "logging",
        "pathlib",
        "re",
        "shutil",
        "socket",
        "ssl",
        "subprocess",
        "tempfile",
        "threading",
        "traceback",
        "typing",
        "unittest",
        "urllib",
        "http",
        "zipfile",
    ]
)
ALLOWED = {"files": frozenset({"hashlib"})}  # for the result file
# What requests and urllib3 import in their turn; it depends on their version and on what else is installed.
OF_REQUESTS = frozenset(
    (
        *("OpenSSL", "brotli", "brotlicffi", "certifi", "chardet", "charset_normalizer", "cryptography"),
        *("idna", "simplejson", "socks", "zstandard"),
    )
)
# Runs a stage and prints every module that doing so has brought in.
PROBE = """
import sys
before = set(sys.modules)
from ignition_py.cli import main
status = main(sys.argv[1:])
print("\\n" + " ".join(sorted(set(sys.modules) - before)))
sys.exit(status)
"""
EMPTY: dict[str, object] = {}
CONTENTS: dict[str, object] = {"storage": {"files": [{"path": "/a", "contents": {"source": "data:;base64,eA=="}}]}}
MERGE = "data:,%7B%22ignition%22:%7B%22version%22:%223.4.0%22%7D%7D"


@pytest.fixture(scope="module")
def executor(tmp_path_factory: pytest.TempPathFactory) -> Executor:
    return Executor(tmp_path_factory.mktemp("executor"))


@pytest.fixture(scope="module")
def probe(executor: Executor, tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    return executor.program(tmp_path_factory.mktemp("probe") / "probe", PROBE)


def test_every_module_can_be_imported(executor: Executor) -> None:
    done = subprocess.run(executor.check, capture_output=True, text=True, check=False)
    assert not done.stderr
    assert done.returncode == 0


Probe = Callable[..., set[str]]


@pytest.fixture
def modules(probe: list[str], tmp_path: Path) -> Probe:
    """Runs a stage on a config with `sections` and settings in a process of its own; what it imports."""

    def imported(stage: str, sections: dict[str, object], **ignition: object) -> set[str]:
        return _modules(probe, tmp_path, stage, sections, ignition)

    return imported


def _modules(probe: list[str], folder: Path, stage: str, sections: dict[str, object], ignition: dict[str, object]) -> set[str]:
    root = folder / "root"
    root.mkdir(exist_ok=True)
    (folder / "config.ign").write_text(json.dumps({"ignition": {"version": "3.4.0", **ignition}, **sections}))
    env = dict(os.environ)
    for name in ("RUNTIME_", "LOCAL_", ""):
        env[f"IGNITION_SYSTEM_{name}CONFIG_DIR"] = str(folder / "none")

    def run(name: str) -> set[str]:
        argv = ["ignition", "-platform", "file", "-stage", name, "-root", str(root)]
        argv += ["-config-cache", "cache", "-neednet", "neednet", "-state-file", "state"]
        with Journal(folder / "journal") as journal:
            command = journal.within([*probe, *argv])
            done = subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, check=False)
        assert done.returncode == 0, "\n".join([*journal.messages, done.stdout, done.stderr])
        assert f"stage {name} is done" in journal.messages[-1]
        assert bool(journal.entries) == name.startswith("fetch")
        return set(done.stdout.splitlines()[-1].split())

    if not stage.startswith("fetch"):
        run("fetch")
    return run(stage)


def ours(found: set[str]) -> list[str]:
    """Modules of this package by their full name, packages of third parties by their first."""
    standard = sys.stdlib_module_names
    firsts = {name.partition(".")[0] for name in found if name.partition(".")[0] not in standard}
    firsts = {name for name in firsts if not name.startswith(("_", "cython"))} - OF_REQUESTS
    return sorted({name for name in found if name.startswith("ignition_py")} | (firsts - {"ignition_py"}))


def compare(name: str, found: set[str]) -> None:
    lists: dict[str, list[str]] = json.loads(LIST.read_text()) if LIST.exists() else {}
    if os.environ.get("UPDATE_IMPORTS"):
        lists[name] = ours(found)
        LIST.write_text(json.dumps(dict(sorted(lists.items())), indent=1) + "\n")
    assert ours(found) == lists[name]


@pytest.mark.parametrize("stage", sorted(STAGES))
def test_stage_with_nothing_to_do(stage: str, modules: Probe) -> None:
    found = modules(stage, EMPTY)
    assert not found & HEAVY - ALLOWED.get(stage, frozenset())
    compare(stage, found)


def test_fetching_from_data_urls(modules: Probe) -> None:
    found = modules("fetch", CONTENTS, config={"merge": [{"source": MERGE}]})
    assert not found & HEAVY - {"enum", "json", "re"}  # for the place of what is merged
    compare("fetch, data URLs", found)


def test_fetching_over_http(modules: Probe, server: Server) -> None:
    server.at["/c.ign"] = body(b'{"ignition": {"version": "3.4.0"}}')
    found = modules("fetch", EMPTY, config={"merge": [{"source": server.url("/c.ign")}]})
    assert not found & {"asyncio", "unittest", "argparse"}
    compare("fetch, http", found)


def test_downloads_over_http(modules: Probe, server: Server) -> None:
    """Side by side; a name in place of the address, which Python would give to the codec for names."""
    paths = ("/a", "/b")
    server.at.update(dict.fromkeys(paths, body(b"x")))
    url = server.url("").replace("127.0.0.1", "localhost")
    files = [{"path": path, "contents": {"source": url + path}} for path in paths]
    found = modules("fetch", {"storage": {"files": files}})
    assert not found & {"asyncio", "unittest", "argparse"}
    compare("fetch, downloads", found)


def test_fetching_through_a_proxy(modules: Probe, server: Server) -> None:
    url = "http://somewhere.example/c.ign"
    server.at[url] = body(b'{"ignition": {"version": "3.4.0"}}')
    found = modules("fetch", EMPTY, config={"merge": [{"source": url}]}, proxy={"httpProxy": server.url("")})
    assert not found & {"asyncio", "unittest", "argparse"}
    compare("fetch, proxy", found)


def test_later_stages_do_not_import_http_for_settings(modules: Probe, tmp_path: Path) -> None:
    """Proxies, time limits and certificate authorities in the config are no reason to load an http client or TLS."""
    make_certificate(tmp_path, "ca")
    tls = {"certificateAuthorities": [{"source": encode((tmp_path / "ca.pem").read_bytes())}]}
    proxy = {"noProxy": ["a.example"]}
    found = modules("kargs", EMPTY, timeouts={"httpTotal": 5}, proxy=proxy, security={"tls": tls})
    assert not found & HEAVY
    assert "requests" not in found
