"""Platform virtualbox: its driver is played by hosts.c, with the structures of the kernel's headers."""

from __future__ import annotations

import ctypes
import errno
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from ignition_py.providers import (
    Machine,
    load,
    virtualbox,
)
from ignition_py.report.diag import IgnitionError
from tests.providers.hosts import Hosts
from tests.providers.network import config

CONFIG = config("virtualbox")


@pytest.fixture
def properties(hosts: Hosts, machine: Machine, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hosts]:
    """The driver's device: a file whose ioctls go to hosts.c."""
    device = Path(machine.path(virtualbox.DEVICE))
    device.parent.mkdir(parents=True)
    device.touch()
    hosts.library.virtualbox_ioctl.argtypes = [ctypes.c_ulong, ctypes.c_void_p]

    def ioctl(fd: int, request: int, message: bytearray, mutate: bool) -> int:
        assert os.readlink(f"/proc/self/fd/{fd}") == str(device)
        room = (ctypes.c_char * len(message)).from_buffer(message)
        status: int = hosts.library.virtualbox_ioctl(request, ctypes.addressof(room))
        if status:
            raise OSError(-status, os.strerror(-status))
        return status

    monkeypatch.setattr("ignition_py.providers.virtualbox.ioctl", ioctl)
    yield hosts
    assert hosts.setting("connected").value == 0


@pytest.mark.subprocess
@pytest.mark.parametrize("size", [1, 10, 100_000])
def test_virtualbox(properties: Hosts, machine: Machine, size: int) -> None:
    properties[virtualbox.CONFIG] = CONFIG * size
    assert load("virtualbox")(machine) == CONFIG * size


@pytest.mark.subprocess
def test_virtualbox_without_a_config(properties: Hosts, machine: Machine) -> None:
    assert virtualbox.fetch(machine) == b""
    properties[virtualbox.CONFIG] = b""
    properties[virtualbox.ENCODING] = b""
    assert virtualbox.fetch(machine) == b""


@pytest.mark.subprocess
def test_virtualbox_with_an_encoding(properties: Hosts, machine: Machine) -> None:
    properties[virtualbox.CONFIG] = CONFIG
    properties[virtualbox.ENCODING] = b"base64"
    with pytest.raises(IgnitionError, match="no encoding is supported"):
        virtualbox.fetch(machine)


@pytest.mark.subprocess
def test_virtualbox_property_that_grows(properties: Hosts, machine: Machine) -> None:
    properties[virtualbox.CONFIG] = b"short"
    properties.setting("grows").value = 1
    assert virtualbox.fetch(machine) == b"grown and grown and grown"


@pytest.mark.subprocess
@pytest.mark.parametrize(
    ("fault", "words"),
    [("no_end", "it has no end"), ("no_service", "guest property service: it answers with error -37")],
)
def test_virtualbox_faults(properties: Hosts, machine: Machine, fault: str, words: str) -> None:
    properties[virtualbox.CONFIG] = CONFIG
    properties.setting(fault).value = 1
    with pytest.raises(IgnitionError, match=words):
        virtualbox.fetch(machine)


@pytest.mark.subprocess
def test_virtualbox_delete(properties: Hosts, machine: Machine) -> None:
    virtualbox.delete(machine)
    properties[virtualbox.CONFIG] = CONFIG
    virtualbox.delete(machine)
    assert properties[virtualbox.CONFIG] is None
    properties.setting("read_only").value = 1
    with pytest.raises(IgnitionError, match=r"deleting the guest property .* error -10.*read-only"):
        virtualbox.delete(machine)


def test_virtualbox_without_its_driver(machine: Machine) -> None:
    with pytest.raises(IgnitionError, match="opening /dev/vboxguest: No such file"):
        virtualbox.fetch(machine)
    device = Path(machine.path(virtualbox.DEVICE))
    device.parent.mkdir(parents=True)
    device.touch()
    with pytest.raises(IgnitionError, match=f"for its version: {os.strerror(errno.ENOTTY)}"):
        virtualbox.fetch(machine)
