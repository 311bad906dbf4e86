"""A boot tree for PXELINUX: pxelinux.cfg/01-MAC for each machine, pxelinux.cfg/default for all others.

Source: wiki.syslinux.org, "PXELINUX" (which file is looked for), "Config" (directives). Paths are below the folder of pxelinux.0; URLs take
lpxelinux.0.
"""

from __future__ import annotations

from collections.abc import Iterable

from butane_py.deliver.pxe.model import SECONDS, Boot, Machine

_MACHINE = """# Made by butane-py pxe: {name}
DEFAULT {label}
PROMPT 0
SAY {name}: loading the kernel
LABEL {label}
  KERNEL {kernel}
{initrds}  APPEND {arguments}
"""
_DEFAULT = """# Made by butane-py pxe, for machines without a file of their own.
DEFAULT unknown
PROMPT 1
TIMEOUT {tenths}
SAY This machine is not in the inventory of {server}: nothing is installed.
SAY Add its MAC address to the inventory, then run butane-py build and butane-py pxe.
SAY The next boot device follows in {seconds} seconds.
LABEL unknown
  LOCALBOOT -1
"""
_ETHERNET = "01"  # the ARP hardware type, with which the names of machines' files begin


def write(boot: Boot, machines: Iterable[Machine]) -> dict[str, str]:
    """The files by their paths in the tree."""
    files = {"pxelinux.cfg/default": _DEFAULT.format(server=boot.base_url, seconds=SECONDS, tenths=10 * SECONDS)}
    initrds = f"  INITRD {','.join(boot.initrds)}\n" if boot.initrds else ""
    for machine in machines:
        arguments = " ".join(boot.command_line(machine))
        text = _MACHINE.format(name=machine.name, label="install", kernel=boot.kernel, initrds=initrds, arguments=arguments)
        files.update((f"pxelinux.cfg/{_ETHERNET}-{key.replace(':', '-')}", text) for key in machine.keys)
    return files
