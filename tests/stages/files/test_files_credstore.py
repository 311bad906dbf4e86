"""Credentials sealed to the machine: by the real systemd-creds, to a TPM (swtpm) and to the key of the new root."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from ignition_py.report.diag import StageError
from ignition_py.stages.files import credstore
from ignition_py.system.host import which
from tests.helpers.programs import only_programs_in
from tests.stages.files.files_machine import Machine

SECRET = "correct-horse-battery"
SEALED = "/etc/credstore.encrypted/token"

pytestmark = pytest.mark.subprocess


def config(**more: Any) -> dict[str, Any]:
    file = {"path": "/etc/credstore/token", "contents": {"source": f"data:,{SECRET}"}, **more}
    return {"storage": {"files": [file, {"path": "/etc/motd", "contents": {"source": "data:,hello"}}]}}


def in_plain(root: str) -> list[str]:
    """The files below a root that hold the secret."""
    return [str(path) for path in Path(root).rglob("*") if path.is_file() and SECRET.encode() in path.read_bytes()]


def _two_ports() -> int:
    """The first of two free ports in a row."""
    while True:
        with socket.socket() as one, socket.socket() as two:
            one.bind(("127.0.0.1", 0))
            port = int(one.getsockname()[1])
            with suppress(OSError, OverflowError):
                two.bind(("127.0.0.1", port + 1))
                return port


@pytest.fixture
def tpm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A TPM 2.0 for systemd-creds. The program's environment has only what `run` gives it: a script tells it where the TPM is."""
    for program in ("swtpm", "systemd-creds"):
        if which(program) is None:
            (pytest.fail if os.environ.get("CI") else pytest.skip)(f"{program} is not installed")
    (tmp_path / "tpm").mkdir()
    port = _two_ports()
    control = port + 1  # where libtss2 looks for it
    argv = ["swtpm", "socket", "--tpm2", "--tpmstate", f"dir={tmp_path}/tpm", "--server", f"type=tcp,port={port},disconnect", "--ctrl", f"type=tcp,port={control}",
            "--flags", "not-need-init,startup-clear"]  # fmt: skip
    process = subprocess.Popen(argv)
    for _ in range(600):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", control)) == 0:
                break
        time.sleep(0.1)
    (tmp_path / "bin").mkdir()
    script = tmp_path / "bin" / "systemd-creds"
    script.write_text(f"#!/bin/sh\nSYSTEMD_TPM2_DEVICE=swtpm:port={port} exec {shutil.which('systemd-creds')} \"$@\"\n")
    script.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}/bin:{os.environ['PATH']}")
    yield
    process.terminate()
    process.wait()


def opened(path: str, name: str = "token") -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(["systemd-creds", "decrypt", f"--name={name}", path, "-"], capture_output=True, check=False)


@pytest.mark.sockets
@pytest.mark.parametrize("key", ["tpm2", "auto"])
def test_a_credential_is_sealed_to_the_tpm(machine: Machine, tpm: None, key: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "class" / "tpmrm0").mkdir(parents=True)
    monkeypatch.setattr(credstore, "_TPM_DEVICES", str(tmp_path / "class"))
    monkeypatch.setenv("IGNITION_CREDSTORE_KEY", key)
    for _ in range(2):  # a second run ends as the first
        machine.run(**config())
        assert opened(machine.path(SEALED)).stdout == SECRET.encode()
    assert machine.mode(SEALED) == 0o600
    assert opened(machine.path(SEALED), "other").returncode != 0  # a credential cannot be taken for another
    assert machine.read("/etc/motd") == "hello"
    assert not os.path.lexists(machine.path("/etc/credstore"))
    assert in_plain(machine.root) == []
    assert SECRET not in "\n".join(text for _, text in machine.log.lines)


@pytest.mark.sockets
def test_parts_of_a_credential_are_sealed_together(machine: Machine, tpm: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IGNITION_CREDSTORE_KEY", "tpm2")
    machine.run(**config(mode=0o640, append=[{"source": "data:,%00-more"}]))
    assert opened(machine.path(SEALED)).stdout == SECRET.encode() + b"\0-more"
    assert machine.mode(SEALED) == 0o640


_ON_HOST = """
import os, subprocess, sys
from tests.stages.files.test_files_credstore import SEALED, config, in_plain
from tests.stages.files.files_machine import Machine, fill
root, machine_id = sys.argv[1:]
fill(root)
for name in ("usr", "bin", "lib", "lib64"):
    os.makedirs(f"{root}/{name}", exist_ok=True)
    subprocess.run(["mount", "--rbind", "--make-private", f"/{name}", f"{root}/{name}"], check=True)
os.makedirs(f"{root}/var/lib/systemd")
os.makedirs(f"{root}/proc")
with open(f"{root}/etc/machine-id", "w") as file:
    file.write(machine_id)
os.environ["IGNITION_CREDSTORE_KEY"] = "host"
Machine(root).run(**config())
argv = ["chroot", root, "systemd-creds", "decrypt", "--name=token", SEALED, "-"]
print(subprocess.run(argv, capture_output=True, check=True, text=True).stdout)
for name in ("usr", "bin", "lib", "lib64"):
    subprocess.run(["umount", "--lazy", f"{root}/{name}"], check=True)
print(in_plain(root))
"""


def on_host(root: Path, machine_id: str) -> subprocess.CompletedProcess[str]:
    """The stage in a mount namespace of its own, where the new root has the programs of this machine."""
    argv = ["unshare", "--mount", sys.executable, "-c", _ON_HOST, str(root), machine_id]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])}
    return subprocess.run(argv, capture_output=True, text=True, check=False, env=environment, cwd=root.parent)


@pytest.mark.root
def test_a_credential_is_sealed_with_the_key_of_the_new_root(tmp_path: Path) -> None:
    (tmp_path / "root").mkdir()
    done = on_host(tmp_path / "root", "0123456789abcdef0123456789abcdef\n")
    assert (done.returncode, done.stdout) == (0, f"{SECRET}\n[]\n"), done.stderr
    assert (tmp_path / "root/var/lib/systemd/credential.secret").exists()


@pytest.mark.root
@pytest.mark.parametrize("machine_id", ["", "uninitialized\n"])
def test_a_root_without_a_machine_id_has_no_key(tmp_path: Path, machine_id: str) -> None:
    (tmp_path / "root").mkdir()
    done = on_host(tmp_path / "root", machine_id)
    assert done.returncode != 0
    assert "sealing the credential token: chroot failed" in done.stderr or "sealing the credential token: systemd-creds failed" in done.stderr
    assert SECRET not in done.stdout + done.stderr
    assert not (tmp_path / "root" / SEALED[1:]).exists()


def test_without_the_program_the_way_out_is_said(machine: Machine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IGNITION_CREDSTORE_KEY", "tpm2")
    only_programs_in(monkeypatch, tmp_path)
    with pytest.raises(StageError, match="sealing the credential token") as caught:
        machine.run(**config())
    assert "IGNITION_CREDSTORE_KEY=host" in caught.value.hint
    assert SECRET not in str(caught.value)
    assert in_plain(machine.root) == []


@pytest.mark.parametrize(("value", "message"), [("tpm", "IGNITION_CREDSTORE_KEY is 'tpm'"), ("true", "IGNITION_CREDSTORE_KEY is 'true'")])
def test_an_unknown_setting(machine: Machine, value: str, message: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IGNITION_CREDSTORE_KEY", value)
    with pytest.raises(StageError, match=message):
        machine.run(**config())


def test_a_credential_without_contents_of_its_own_is_refused(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IGNITION_CREDSTORE_KEY", "tpm2")
    parts = config()
    parts["storage"]["files"][0] = {"path": "/etc/credstore/token", "append": [{"source": "data:,x"}]}
    with pytest.raises(StageError, match="nothing can be appended to a sealed one"):
        machine.run(**parts)


def test_without_the_setting_credentials_are_files_as_others(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("IGNITION_CREDSTORE_KEY", raising=False)
    machine.run(**config())
    assert machine.read("/etc/credstore/token") == SECRET
