"""A boot tree for iPXE, and dnsmasq.conf: dnsmasq names each machine, and sends iPXE to boot.ipxe.

Source: dnsmasq(8), dhcp-host, dhcp-boot, dhcp-match; RFC 4578 for the architectures; ipxe.org/howto/dhcpd for option 175.
"""

from __future__ import annotations

from collections.abc import Iterable

from butane_py.deliver.pxe import ipxe
from butane_py.deliver.pxe.model import Boot, Machine

CONFIG = "dnsmasq.conf"
_HEAD = """# Made by butane-py pxe, for conf-file= of dnsmasq: addresses come from a dhcp-range= of your own.
# Network cards without iPXE load it first, from the folder of tftp-root=: undionly.kpxe for a BIOS, ipxe.efi for UEFI.
dhcp-match=set:ipxe,175
dhcp-match=set:efi,option:client-arch,7
dhcp-match=set:efi,option:client-arch,9
dhcp-boot=tag:ipxe,{script}
dhcp-boot=tag:!ipxe,tag:efi,ipxe.efi
dhcp-boot=tag:!ipxe,tag:!efi,undionly.kpxe
"""


def write(boot: Boot, machines: Iterable[Machine]) -> dict[str, str]:
    """The files by their paths in the tree."""
    machines = list(machines)
    lines = [_HEAD.format(script=boot.url(ipxe.ENTRY))]
    for machine in machines:
        words = [*machine.keys, *([machine.address] if machine.address else []), machine.name]
        lines.append(f"dhcp-host={','.join(words)}\n")
    return {**ipxe.write(boot, machines), CONFIG: "".join(lines)}
