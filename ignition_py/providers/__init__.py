"""Platforms: where a machine's config comes from. A table of names; each platform is one small file.

A platform's file has `fetch(machine: Machine) -> bytes | None`: the config as it was found, b"" for "there is none, go
on without one", None for "this platform has no config source". Adding one is a file and its row in PLATFORMS. Shared: metadata.py,
drive.py, either.py (a drive or a metadata service), cdrom.py.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from ignition_py import module
from ignition_py.fetch.fetcher import Fetcher
from ignition_py.record import KW_ONLY, Record, field
from ignition_py.report.diag import IgnitionError
from ignition_py.system.log import Log

Fetch: TypeAlias = "Callable[[Machine], bytes | None]"

CONFIG_LIMIT = 256 << 20  # bytes, as for everything that is kept in memory
# Every name that `--platform` knows -> the module of this package.
PLATFORMS = {
    "akamai": "akamai",
    "aliyun": "aliyun",
    "applehv": "applehv",
    "aws": "aws",
    "azure": "azure",
    "azurestack": "azurestack",
    "brightbox": "openstack",
    "cloudstack": "cloudstack",
    "digitalocean": "digitalocean",
    "exoscale": "exoscale",
    "file": "file",
    "gcp": "gcp",
    "hetzner": "hetzner",
    "hyperv": "hyperv",
    "ibmcloud": "ibmcloud",
    "kubevirt": "kubevirt",
    "metal": "metal",
    "nutanix": "nutanix",
    "nvidiabluefield": "nvidiabluefield",
    "openstack": "openstack",
    "oraclecloud": "oraclecloud",
    "packet": "packet",
    "powervs": "powervs",
    "proxmoxve": "proxmoxve",
    "qemu": "qemu",
    "scaleway": "scaleway",
    "upcloud": "upcloud",
    "virtualbox": "virtualbox",
    "vmware": "vmware",
    "vultr": "vultr",
    "zvm": "zvm",
}
# Platforms that are told how each stage ended: their modules have `report(machine, stage, error)`.
REPORTING = ("packet",)
# Platforms whose config can be deleted: their modules have `delete(machine)`.
DELETING = ("virtualbox", "vmware")


class Machine(Record):
    """What a provider may look at: the kernel's files below `root`, the environment, and the fetcher.

    `root` is "/" on a machine; a test points it at a tree of its own. `outputs` takes files that the provider wants
    written to the new root, as in a config's `storage.files` (JSON form). `source` is where the config was found.
    """

    _: KW_ONLY
    log: Log
    fetcher: Fetcher
    environ: Mapping[str, str]
    root: str = "/"
    outputs: list[dict[str, Any]] = field(default_factory=list)
    source: str = ""

    def path(self, absolute: str) -> str:
        """Where an absolute path of the machine is."""
        return absolute if self.root == "/" else self.root + absolute

    def found(self, place: str) -> None:
        """Notes where the config was found; the first of several places counts."""
        self.source = self.source or place
        self.log.info(f"the config is from {place}")

    def setting(self, name: str, default: str) -> str:
        """An `IGNITION_…` setting of the image from the environment; empty counts as not set."""
        return self.environ.get(f"IGNITION_{name}") or default


def read_whole(path: str) -> bytes:
    """The bytes of a file or device that may hold a config. Raises OSError; EFBIG where there are more than CONFIG_LIMIT."""
    data = bytearray()
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        while chunk := os.read(fd, 1 << 20):
            data += chunk
            if len(data) > CONFIG_LIMIT:
                raise OSError(
                    errno.EFBIG,
                    f"it holds more than {CONFIG_LIMIT >> 20} MiB; name a config of that size by a URL",
                    path,
                )
    finally:
        os.close(fd)
    return bytes(data)


def load(platform: str) -> Fetch:
    """The fetch function of a platform, a name of PLATFORMS."""
    fetch: Fetch = module(f"ignition_py.providers.{PLATFORMS[platform]}").fetch
    return fetch


def report(platform: str, machine: Machine, stage: str, error: IgnitionError | None) -> None:
    """Tells the platform that `stage` is done, or failed with `error`, if it wants to know. Raises IgnitionError."""
    if platform in REPORTING:
        module(f"ignition_py.providers.{PLATFORMS[platform]}").report(machine, stage, error)


def delete(platform: str, machine: Machine) -> None:
    """Deletes the config from where the platform keeps it. Raises IgnitionError, also where it cannot be done."""
    if platform not in DELETING:
        raise IgnitionError(f"platform {platform} has no way to delete a config")
    module(f"ignition_py.providers.{PLATFORMS[platform]}").delete(machine)
