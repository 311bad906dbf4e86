"""The layouts of boot trees, a row each."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from butane_py.deliver.pxe import dnsmasq, grub, ipxe, matchbox, pxelinux
from butane_py.deliver.pxe.model import MAC, UUID, Boot, Machine
from ignition_py.record import KW_ONLY, Record


class Layout(Record):
    """A layout: `write` makes the files' texts by their paths. `by`: what machines can be told by; `folder`: where configs go."""

    title: str
    write: Callable[[Boot, Iterable[Machine]], dict[str, str]]
    _: KW_ONLY
    by: tuple[str, ...] = (MAC,)
    folder: str = "ign"


LAYOUTS = {
    "ipxe": Layout("iPXE scripts over HTTP", ipxe.write, by=(MAC, UUID)),
    "grub": Layout("GRUB over HTTP or TFTP", grub.write),
    "pxelinux": Layout("PXELINUX over HTTP or TFTP", pxelinux.write),
    "dnsmasq": Layout("iPXE scripts, and the machines for dnsmasq", dnsmasq.write),
    "matchbox": Layout("the data folder of matchbox", matchbox.write, by=(MAC, UUID), folder="assets/ign"),
}
