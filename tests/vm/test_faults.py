"""Faults of a first boot, seen on the console of a machine: the failure screen names stage, entry, line of the YAML, cause and way out.

All twenty are played by tests/stages/test_faults.py, which runs in a machine here; some of them are boots.
"""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from ignition_py.programs.inputs import Input, compile_butane
from ignition_py.record import KW_ONLY, Record
from ignition_py.rehearsal.failure_screen import read
from tests.vm.test_disks import run_in
from tests.vm.vmlab.machine import Boot, Machine

pytestmark = [pytest.mark.vm, pytest.mark.root, pytest.mark.slow]


class Fault(Record):
    """A config (Butane, below its two first lines) with what its screen says: stage, line and column of web.bu, cause, what to do."""

    config: str
    stage: str
    line: int
    column: int
    cause: str
    way: str
    _: KW_ONLY
    disks: tuple[str, ...] = ()
    waits: str = ""


FAULTS = {
    "unknown group": Fault(
        "storage:\n  files:\n    - {path: /etc/a, group: {name: web}}\n", "files", 5, 7,
        "there is no group web in the new root", "Create it by an entry of `passwd.groups` (`name: web`), or give the id",
    ),
    "bad mkfs option": Fault(
        "storage:\n  filesystems:\n    - {device: /dev/vdb, format: ext4, options: [-O, nonsense]}\n", "disks", 5, 7,
        "Invalid filesystem option set: nonsense", "Correct or remove what mkfs.ext4 refuses of `options:", disks=("64M",),
    ),
    "absent disk": Fault(
        "storage:\n  disks:\n    - device: /dev/vdz\n      wipe_table: true\n", "disks", 5, 7,
        r"/dev/vdz did not appear within 90 seconds; block devices are .*vdb \(64 MiB\)", "Name a device that exists", disks=("64M",),
        waits=r"waiting for /dev/vdz, \d+ s so far, \d+ s more at most",
    ),
    "too large": Fault(
        "storage:\n  disks:\n    - device: /dev/vdb\n      partitions:\n        - {number: 1, size_mib: 4096}\n", "disks", 7, 11,
        "cannot have 8388608 sectors", "Set `size_mib` to 62 at most", disks=("64M",),
    ),
    "no DHCP": Fault(
        "storage:\n  files:\n    - path: /etc/a\n      contents: {source: 'http://192.0.2.1/a'}\n", "fetch", 6, 17,
        "http://192.0.2.1/a needs the network, and no interface got an address", "Check the cable or the virtual network card",
        waits=r"network: waiting for an address \(no network interface\), 10 s so far, 80 s more at most",
    ),
}  # fmt: skip
IN_EVERY_RUN = ("unknown group",)


@pytest.mark.parametrize("name", [name if name in IN_EVERY_RUN else pytest.param(name, marks=pytest.mark.matrix) for name in FAULTS])
def test_the_screen_of_a_boot(make_machine: Callable[..., Machine], name: str) -> None:
    fault = FAULTS[name]
    text = f"variant: fcos\nversion: 1.5.0\n{fault.config}".encode()
    config = compile_butane(Input("web.bu", text), source_map=True).data
    machine = make_machine(config=config, disks=fault.disks, kargs="systemd.log_color=0")
    with machine.boot() as boot:
        boot.wait_until_off()
        console = [line for _, line in boot.console.lines]
    screen = read(console)
    assert screen is not None, "\n".join(console[-80:])
    assert len(screen.lines) <= 24 and max(map(len, screen.lines)) <= 80
    shown = "\n".join(screen.lines)
    assert (screen.stage, screen.source, screen.line, screen.column) == (fault.stage, "web.bu", fault.line, fault.column), shown
    whole = re.sub(r"\n {6,}", " ", shown)
    assert re.search(fault.cause, whole), shown
    assert f"what to do: {fault.way}" in whole, shown
    assert any(re.search(fault.waits, line) for line in console), "\n".join(console[-80:])


def test_every_fault_in_a_machine(vm_shell: Callable[..., Boot]) -> None:
    run_in(vm_shell(()), "test_faults.py", timeout=2400)
