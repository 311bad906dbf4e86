"""Platform hyperv: the kernel's device is a socket that keeps messages apart, as the device does."""

from __future__ import annotations

import json
import os
import socket
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from ignition_py import cli
from ignition_py.providers import (
    Machine,
    hyperv,
    load,
)
from ignition_py.report.diag import IgnitionError
from ignition_py.spec.dataurl import decode as decode_data_url
from tests.providers.fakes import program
from tests.providers.network import config, settings

CONFIG = config("hyperv")


def pair(key: bytes, value: bytes, pool: int = 0, operation: int = 1) -> bytes:
    """struct hv_kvp_msg with a pair, as the kernel hands it on: sizes count the zero at the end."""
    sizes = b"".join(number.to_bytes(4, "little") for number in (1, len(key) + 1, len(value) + 1))
    return (bytes((operation, pool, 0, 0)) + sizes + key.ljust(512, b"\0") + value.ljust(2048, b"\0")).ljust(
        7432, b"\0"
    )


class Kernel:
    """The kernel's end of the device: waits to be registered with, sends, and takes an answer for each message."""

    def __init__(self, messages: list[bytes]) -> None:
        self.here, self.there = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.answers: list[bytes] = []
        self._messages = messages
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _run(self) -> None:
        registration = self.here.recv(10_000)
        assert (len(registration), registration.strip(b"\0")) == (7432, b"d")
        self.here.send(bytes((100,)).ljust(7432, b"\0"))
        for message in self._messages:
            self.here.send(message)
            self.answers.append(self.here.recv(10_000))


@pytest.fixture
def kernel(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Kernel]:
    monkeypatch.setattr(hyperv, "SILENCE", 0.1)
    Path(machine.path(hyperv.DRIVER)).mkdir(parents=True)

    def make(*messages: bytes) -> Kernel:
        made = Kernel(list(messages))
        made.there.setblocking(False)
        monkeypatch.setattr(hyperv, "_open", lambda machine: os.dup(made.there.fileno()))
        return made

    return make


def pool_files(machine: Machine) -> dict[str, bytes]:
    assert all(output["mode"] == 0o600 and output["overwrite"] is True for output in machine.outputs)
    return {output["path"]: decode_data_url(output["contents"]["source"]) for output in machine.outputs}


def test_hyperv_single(kernel: Callable[..., Kernel], machine: Machine) -> None:
    host = kernel(pair(b"other", b"x", pool=3), pair(b"ignition.config", CONFIG), pair(b"ignition.config.0", b"no"))
    assert load("hyperv")(machine) == CONFIG
    assert host.answers == [bytes(7432)] * 3
    files = pool_files(machine)
    assert sorted(files) == [f"/var/lib/hyperv/.kvp_pool_{number}" for number in range(5)]
    assert files["/var/lib/hyperv/.kvp_pool_3"] == b"other".ljust(512, b"\0") + b"x".ljust(2048, b"\0")
    assert len(files["/var/lib/hyperv/.kvp_pool_0"]) == 2 * 2560
    assert files["/var/lib/hyperv/.kvp_pool_1"] == b""


def test_hyperv_split(kernel: Callable[..., Kernel], machine: Machine) -> None:
    big = config("x" * 20_000)
    pieces = [big[at : at + 1000] for at in range(0, len(big), 1000)]
    messages = [pair(b"ignition.config.%d" % number, piece) for number, piece in enumerate(pieces)]
    kernel(*reversed(messages), pair(b"ignition.config.40", b"left out"))
    assert hyperv.fetch(machine) == big


@pytest.mark.parametrize(
    "messages",
    [
        [],
        [pair(b"ignition.config", CONFIG, pool=1)],
        [pair(b"ignition.config.1", CONFIG)],
        [pair(b"ignition.config", b"")],
    ],
    ids=["nothing", "another pool", "no beginning", "empty"],
)
def test_hyperv_without_a_config(kernel: Callable[..., Kernel], machine: Machine, messages: list[bytes]) -> None:
    kernel(*messages)
    assert hyperv.fetch(machine) == b""
    assert len(pool_files(machine)) == 5


def test_hyperv_other_operations_are_refused(kernel: Callable[..., Kernel], machine: Machine) -> None:
    host = kernel(pair(b"k", b"v", operation=0), pair(b"ignition.config", CONFIG), pair(b"k", b"v", pool=9))
    assert hyperv.fetch(machine) == CONFIG
    failed = (0x80004005).to_bytes(4, "little").ljust(7432, b"\0")
    assert host.answers == [failed, bytes(7432), failed]


def test_hyperv_second_run_of_a_boot(kernel: Callable[..., Kernel], machine: Machine) -> None:
    """fetch-offline has read the pairs, needs the network for something else, and fetch finds the host silent."""
    kernel(pair(b"ignition.config.0", CONFIG[:10]), pair(b"ignition.config.1", CONFIG[10:]), pair(b"k", b"v", pool=2))
    assert hyperv.fetch(machine) == CONFIG
    before = pool_files(machine)
    kernel()
    assert hyperv.fetch(machine) == CONFIG
    assert pool_files(machine) == before


def test_hyperv_impossible_messages(kernel: Callable[..., Kernel], machine: Machine) -> None:
    kernel(b"\1" * 100)
    with pytest.raises(IgnitionError, match="delivers messages of 100 instead of 7432 bytes"):
        hyperv.fetch(machine)
    kernel(pair(b"k", b"v")[:8] + b"\xff\xff\0\0" + pair(b"k", b"v")[12:])
    with pytest.raises(IgnitionError, match="impossible sizes"):
        hyperv.fetch(machine)


def test_hyperv_too_much(kernel: Callable[..., Kernel], machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hyperv, "LIMIT", 100)
    kernel(*[pair(b"k%d" % number, b"v" * 50) for number in range(3)])
    with pytest.raises(IgnitionError, match="more than 100 bytes of key-value pairs"):
        hyperv.fetch(machine)


@pytest.mark.subprocess
def test_hyperv_without_its_driver(machine: Machine, fake_programs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hyperv, "DEVICE_WAIT", 0.0)
    note = program(fake_programs, "modprobe")
    with pytest.raises(IgnitionError, match="opening /dev/vmbus/hv_kvp: No such file"):
        hyperv.fetch(machine)
    assert note.read_text() == "hv_utils\n"


@pytest.mark.subprocess
def test_hyperv_pools_reach_the_files_stage(
    kernel: Callable[..., Kernel], tmp_path: Path, fake_programs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The whole program: what the provider wants written is in the state file, for root only."""
    program(fake_programs, "modprobe")
    for name, value in settings(tmp_path).items():
        monkeypatch.setenv(name, value)
    kernel(pair(b"ignition.config", CONFIG))
    files = {flag: str(tmp_path / flag) for flag in ("config-cache", "neednet", "state-file")}
    argv = [word for flag, path in files.items() for word in (f"-{flag}", path)]
    assert cli.main(["ignition", "-platform", "hyperv", "-stage", "fetch-offline", "-log-to-stdout", *argv]) == 0
    state = json.loads(Path(files["state-file"]).read_text())
    assert [output["path"][-1] for output in state["providerOutputFiles"]] == list("01234")
    assert Path(files["state-file"]).stat().st_mode & 0o777 == 0o600
    assert not Path(files["neednet"]).exists()
