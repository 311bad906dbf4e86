"""Deliveries on machines: a wrapped config as firmware user data, and a split pointer over HTTP, each through our initramfs."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from butane_py.deliver.common import split_common
from butane_py.deliver.ladder import Wish
from butane_py.deliver.model import Delivery, Part
from butane_py.deliver.wishes import wished
from ignition_py.rehearsal.hardware import Network
from tests.deliver.lab import delivery
from tests.vm.vmlab.machine import Boot, Machine
from tests.vm.vmlab.web import serving_folder

pytestmark = [pytest.mark.vm, pytest.mark.root, pytest.mark.slow]

HOST = "http://10.0.2.100"


def butane(name: str) -> str:
    """The config of a host: twenty files, one of which is its own."""
    files = [{"path": f"/etc/delivered/{number:02}", "mode": 0o640, "contents": {"inline": f"line {number}\n" * 60}} for number in range(20)]
    files[7] = {"path": "/etc/delivered/07", "mode": 0o600, "contents": {"inline": f"{name}\n"}}
    unit = {"name": "delivered.service", "enabled": True, "contents": "[Service]\nExecStart=/bin/true\n[Install]\nWantedBy=multi-user.target\n"}
    return json.dumps({"variant": "fcos", "version": "1.5.0", "storage": {"files": files}, "systemd": {"units": [unit]}})


def check(boot: Boot, name: str) -> None:
    """The machine has what the config says."""
    boot.wait_until_up()
    assert boot.ask("cat /etc/delivered/07").stdout == f"{name}\n"
    sums = boot.ask("cd /etc/delivered && stat --format '%n %a %s' *").stdout.split("\n")[:-1]
    assert sums == [f"{number:02} 600 {len(name) + 1}" if number == 7 else f"{number:02} 640 {len(f'line {number}') * 60 + 60}" for number in range(20)]
    assert boot.ask("systemctl is-enabled delivered.service").stdout == "enabled\n"


def test_wrapped_as_user_data(make_machine: Callable[..., Machine]) -> None:
    found = delivery(butane("wrapped"), wished("qemu", "wrapped", "ignition"))
    assert b"/etc/delivered" not in found.user_data
    with make_machine(config=found.user_data).boot() as boot:
        check(boot, "wrapped")


@pytest.mark.matrix  # test_published.py has parts of a config fetched in every run, from a bucket
def test_a_split_pointer_over_http(make_machine: Callable[..., Machine], tmp_path: Path) -> None:
    """Two hosts publish one common part; the machine fetches its user data, and what that names."""

    def address(part: Part) -> str:
        return f"{HOST}/{part.name}"

    wish: Wish = wished("metal", "pointer", "ignition", address, split=True)
    hosts: dict[str, Delivery] = split_common({name: delivery(butane(name), wish) for name in ("n1", "n2")}, wish)
    (part,) = hosts["n1"].parts
    folder = tmp_path / "www"
    folder.mkdir()
    (folder / "user-data").write_bytes(hosts["n1"].user_data)
    (folder / part.name).write_bytes(part.data)
    socket = str(tmp_path / "http")
    kargs = f"net.ifnames=0 ignition.config.url={HOST}/user-data ip=10.0.2.77::10.0.2.2:255.255.255.0:named:eth0:none"
    with serving_folder(socket, str(folder)):
        machine = make_machine(platform="metal", handler="network-manager", network=Network((80, socket)), kargs=kargs)
        with machine.boot() as boot:
            check(boot, "n1")
