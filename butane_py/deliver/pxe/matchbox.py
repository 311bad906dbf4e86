"""The data folder of matchbox: a group and a profile for each machine, and a group without a selector for all others.

Configs are under assets/: what is in matchbox's own ignition/ is parsed and written anew, at most as spec 3.4, so that its bytes are others
than those of the digest. matchbox has iPXE run `kernel FILE ARGUMENTS` and `boot`; for machines that it does not know, the file is an
iPXE script, which iPXE runs in place of a kernel. Source: matchbox.psdn.io/matchbox, "Profiles", "Groups", "Assets".
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from butane_py.deliver.pxe import ipxe
from butane_py.deliver.pxe.model import Boot, Machine

UNKNOWN = "+unknown"  # as no host is called
_SCRIPT = "assets/unknown.ipxe"


def write(boot: Boot, machines: Iterable[Machine]) -> dict[str, str]:
    """The files by their paths in the folder."""
    files = {
        _SCRIPT: ipxe.unknown(boot),
        f"groups/{UNKNOWN}.json": _group(UNKNOWN, "machines that are not in the inventory", UNKNOWN, {}),
        f"profiles/{UNKNOWN}.json": _profile(UNKNOWN, "says so, and installs nothing", {"kernel": boot.url(_SCRIPT)}),
    }
    initrds = [boot.url(path) for path in boot.initrds]
    names = [f"--name initrd{number} {url}" for number, url in enumerate(initrds)]
    words = [f"initrd=initrd{number}" for number in range(len(initrds))]
    for machine in machines:
        arguments = [*words, *boot.command_line(machine)]
        loaded = {"kernel": boot.url(boot.kernel), "initrd": names, "args": arguments}
        files[f"profiles/{machine.name}.json"] = _profile(machine.name, machine.name, loaded)
        for number, key in enumerate(machine.keys):
            name = f"{machine.name}+{number + 1}" if number else machine.name
            files[f"groups/{name}.json"] = _group(name, machine.name, machine.name, {boot.by: key})
    return files


def _group(name: str, title: str, profile: str, selector: dict[str, str]) -> str:
    return _text({"id": name, "name": title, "profile": profile, "selector": selector})


def _profile(name: str, title: str, boot: dict[str, Any]) -> str:
    return _text({"id": name, "name": title, "boot": boot})


def _text(data: dict[str, Any]) -> str:
    return json.dumps(data, indent=2) + "\n"
