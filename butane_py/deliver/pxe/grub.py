"""A boot tree for GRUB over the network: grub/grub.cfg reads the file of the machine's MAC address, or says that there is none.

`test -f` would find no file there, since GRUB lists no folders over a network: the file is read, and only a machine without one comes
to the lines below. Source: GNU GRUB manual, "Network", "Shell-like scripting", net_default_mac; GRUB 2.06, tried.
"""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import urlsplit

from butane_py.deliver.pxe.model import SECONDS, Boot, Machine
from butane_py.deliver.pxe.words import WordError

_CONFIG = """# Made by butane-py pxe. Each machine has a file of its own, which boots it; all others install nothing.
source "$prefix/machines/$net_default_mac.cfg"
echo 'This machine is not in the inventory of {server}: nothing is installed.'
echo "MAC address $net_default_mac"
echo 'Add it to the inventory, then run butane-py build and butane-py pxe.'
echo 'The next boot device follows in {seconds} seconds.'
sleep {seconds}
exit
"""
_MACHINE = """# Made by butane-py pxe: {name}
echo '{name}: loading the kernel'
if linux {kernel} {arguments}; then
{initrds}fi
echo '{name}: the kernel or the initramfs could not be loaded from the boot server; the machine starts again in {seconds} seconds'
sleep {seconds}
reboot
"""
_INITRDS = "  if initrd {paths}; then\n    boot\n  fi\n"


def write(boot: Boot, machines: Iterable[Machine]) -> dict[str, str]:
    """The files by their paths in the tree. Raises WordError for a URL that GRUB has no name for."""
    files = {"grub/grub.cfg": _CONFIG.format(server=boot.base_url, seconds=SECONDS)}
    kernel, initrds = _named(boot.kernel), [_named(path) for path in boot.initrds]
    load = _INITRDS.format(paths=" ".join(initrds)) if initrds else "  boot\n"
    for machine in machines:
        arguments = " ".join(f"'{word}'" for word in boot.command_line(machine))
        text = _MACHINE.format(name=machine.name, kernel=kernel, arguments=arguments, initrds=load, seconds=SECONDS)
        files.update((f"grub/machines/{key}.cfg", text) for key in machine.keys)
    return files


def _named(path: str) -> str:
    """GRUB's name of a file: on the server that GRUB itself came from, or (http,HOST)/PATH. Raises WordError."""
    if "://" not in path:
        return f"'/{path}'"
    url = urlsplit(path)
    if url.scheme == "https" or url.port not in (None, 80 if url.scheme == "http" else 69):
        raise WordError(
            f"GRUB cannot load {path}: it has neither https nor ports",
            hint="Name a path on the server that GRUB came from, or an http URL of port 80",
        )
    return f"'({url.scheme},{url.hostname}){url.path}'"
