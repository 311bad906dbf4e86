"""A boot tree for iPXE: boot.ipxe leads each machine to the script of its MAC address or UUID, and all others to default.ipxe.

Source: ipxe.org/cmd, ipxe.org/cfg (netX: the network card that booted), ipxe.org/scripting.
"""

from __future__ import annotations

from collections.abc import Iterable

from butane_py.deliver.pxe.model import MAC, SECONDS, Boot, Machine

ENTRY, DEFAULT = "boot.ipxe", "default.ipxe"
_KEYS = {MAC: "${netX/mac:hexhyp}", "uuid": "${uuid}"}

_BOOT = """#!ipxe
# Made by butane-py pxe. Each machine has a script of its own; all others get default.ipxe, which installs nothing.
chain --autofree {script} || chain --autofree {default}
"""
_MACHINE = """#!ipxe
# Made by butane-py pxe: {name}
echo {name}: loading the kernel
kernel {kernel} {arguments} || goto failed
{initrds}boot || goto failed
:failed
echo {name}: the kernel or the initramfs could not be loaded from the boot server; the machine starts again in {seconds} seconds
sleep {seconds}
reboot
"""
_DEFAULT = """#!ipxe
# Made by butane-py pxe, for machines without a script.
echo
echo This machine is not in the inventory of {server}: nothing is installed.
echo MAC address ${{netX/mac}}
echo UUID ${{uuid}}
echo serial number ${{serial}}
echo Add it to the inventory, then run butane-py build and butane-py pxe.
echo The next boot device follows in {seconds} seconds.
sleep {seconds}
exit
"""


def write(boot: Boot, machines: Iterable[Machine]) -> dict[str, str]:
    """The scripts by their paths in the tree."""
    files = {
        ENTRY: _BOOT.format(script=boot.url(_path(_KEYS[boot.by])), default=boot.url(DEFAULT)),
        DEFAULT: unknown(boot),
    }
    for machine in machines:
        text = _script(boot, machine)
        files.update((_path(key.replace(":", "-")), text) for key in machine.keys)
    return files


def unknown(boot: Boot) -> str:
    """The script for machines that are not in the inventory."""
    return _DEFAULT.format(server=boot.base_url, seconds=SECONDS)


def _path(key: str) -> str:
    return f"machines/{key}.ipxe"


def _script(boot: Boot, machine: Machine) -> str:
    names = [f"initrd{number}" for number in range(len(boot.initrds))]
    initrds = [f"initrd --name {name} {boot.url(path)} || goto failed\n" for name, path in zip(names, boot.initrds, strict=True)]
    words = [f"initrd={name}" for name in names]  # for UEFI: a BIOS does not look at it
    return _MACHINE.format(
        name=machine.name,
        kernel=boot.url(boot.kernel),
        arguments=" ".join([*words, *boot.command_line(machine)]),
        initrds="".join(initrds),
        seconds=SECONDS,
    )
