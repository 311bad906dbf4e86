"""The network in the initramfs: brought up through what the image has for it, with the addresses of the kernel command line,
and only where a stage has asked for it. QEMU keeps every frame.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable

import pytest

from ignition_py.rehearsal.hardware import Network
from ignition_py.rehearsal.initramfs import HANDLERS
from tests.vm.vmlab.frames import dhcp_requests
from tests.vm.vmlab.machine import Machine
from tests.vm.vmlab.web import serving

pytestmark = [pytest.mark.vm, pytest.mark.root, pytest.mark.slow]

CONFIG = {
    "ignition": {"version": "3.5.0"},
    "storage": {"files": [{"path": "/etc/from-http", "contents": {"source": "data:,fetched%0A"}}]},
}
DHCP, STATIC = "", "ip=10.0.2.77::10.0.2.2:255.255.255.0:named:{}:none nameserver=10.0.2.3"
CASES = [
    pytest.param(handler, addresses, id=f"{handler} {'static' if addresses else 'DHCP'}",
                 marks=[] if (handler, addresses) in (("network-manager", STATIC), ("network-legacy", DHCP)) else [pytest.mark.matrix])
    for handler in HANDLERS for addresses in (DHCP, STATIC)
]  # fmt: skip


@pytest.mark.parametrize(("handler", "addresses"), CASES)
def test_config_over_http(make_machine: Callable[..., Machine], tmp_path: os.PathLike[str], handler: str, addresses: str) -> None:
    address, capture = os.path.join(tmp_path, "http"), os.path.join(tmp_path, "frames")
    kargs = f"net.ifnames=0 ignition.config.url=http://10.0.2.100/config.ign {addresses.format('eth0')}"
    with serving(address, json.dumps(CONFIG).encode()) as server:
        network = Network((80, address), capture=capture)
        machine = make_machine(platform="metal", handler=handler, network=network, kargs=kargs)
        with machine.boot() as boot:
            boot.wait_until_up()
            assert boot.ask("cat /etc/from-http").stdout == "fetched\n"
            said = boot.ask("journalctl --boot --output=cat --unit=ignition-network.service").stdout
    assert [path for path, _ in server.requests] == ["/config.ign"]
    assert bool(dhcp_requests(capture)) == (not addresses), said
