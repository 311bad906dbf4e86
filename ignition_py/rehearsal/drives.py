"""Config drives: images of small filesystems with a label and a config in a file, as platforms attach them; for rehearsals and for
`butane-py drive`.

    LAYOUTS[name]       what is on the drive
    FILESYSTEMS[name]   how the image is made, by programs, without mounting anything

The same config gives the same bytes with xorriso and with mkfs.vfat: times are SOURCE_DATE_EPOCH of the environment, or 0. genisoimage and
mkfs.ext4 write the time of the day.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable

from ignition_py.record import KW_ONLY, Record
from ignition_py.rehearsal.image import BuildError, run
from ignition_py.system.host import which

_SPARE = 4 << 20  # bytes of a filesystem besides its files
_WHAT = "making the config drive"


class Layout(Record):
    """A drive: its label, where the config is on it, and the texts of other files. `{digest}` in one is the config's SHA-256."""

    label: str
    config: str
    _: KW_ONLY
    others: dict[str, str] = {}  # noqa: RUF012  # never changed
    used: str = ""


class Filesystem(Record):
    """A kind of filesystem: `make(folder, label, image, digest)` writes the image of a folder, with the config's SHA-256 for what has to be
    unique. `groups` are the programs that it takes, of each group one; `package` is Debian's."""

    make: Callable[[str, str, str, str], None]
    groups: tuple[tuple[str, ...], ...]
    _: KW_ONLY
    package: str = ""


LAYOUTS = {
    "config-2": Layout("config-2", "openstack/latest/user_data", used="OpenStack, KubeVirt, Nutanix, PowerVS, Brightbox"),
    "cidata": Layout("cidata", "user-data", others={"meta-data": "instance-id: {digest}\n"}, used="Proxmox VE, IBM Cloud, NoCloud"),
    "cloudstack": Layout("config-2", "cloudstack/userdata/user_data.txt", used="CloudStack"),
    "ignition": Layout("ignition", "ignition/config.ign", used="openSUSE MicroOS, SLE Micro"),
}


def make(layout: str, filesystem: str, config: bytes, folder: str) -> str:
    """The path of the image, made in `folder`, which is private to the caller. Raises BuildError, OSError."""
    row, kind = LAYOUTS[layout], FILESYSTEMS[filesystem]
    for group in kind.groups:
        if not any(map(which, group)):
            raise BuildError(f"there is no {' or '.join(group)} on PATH; Debian has it in {kind.package}")
    content, digest = os.path.join(folder, "drive"), hashlib.sha256(config).hexdigest()
    files = {row.config: config, **{path: text.format(digest=digest).encode() for path, text in row.others.items()}}
    for path, data in files.items():
        target = os.path.join(content, path)
        os.makedirs(os.path.dirname(target), exist_ok=True)
        with open(target, "wb") as file:
            file.write(data)
    image = os.path.join(folder, "drive.img")
    kind.make(content, row.label, image, digest)
    return image


def _environment() -> dict[str, str]:
    """What makes the programs write the same times. Raises BuildError."""
    epoch = os.environ.get("SOURCE_DATE_EPOCH", "0")
    if not (epoch.isascii() and epoch.isdecimal()):
        raise BuildError(f"SOURCE_DATE_EPOCH={epoch} of the environment is not a number of seconds since 1970")
    return {"SOURCE_DATE_EPOCH": epoch, "TZ": "UTC", "MTOOLS_SKIP_CHECK": "1"}


def _dated(folder: str) -> None:
    """Gives everything in a folder the time that the image shall have, and modes that do not depend on the umask. Raises OSError."""
    epoch = int(_environment()["SOURCE_DATE_EPOCH"])
    for place, _, names in os.walk(folder, topdown=False):
        for path, mode in [*((os.path.join(place, name), 0o644) for name in names), (place, 0o755)]:
            os.chmod(path, mode)
            os.utime(path, (epoch, epoch))


def _iso9660(folder: str, label: str, image: str, _: str) -> None:
    _dated(folder)
    program = ["xorriso", "-as", "mkisofs"] if which("xorriso") else ["genisoimage"]
    run([*program, "-quiet", "-r", "-V", label, "-o", image, folder], _WHAT, env=_environment())


def _vfat(folder: str, label: str, image: str, digest: str) -> None:
    """vfat has its labels in capitals, which providers look for too."""
    _dated(folder)
    with open(image, "wb") as file:
        file.truncate(_size(folder))
    environment = _environment()
    run(["mkfs.vfat", "--invariant", "-i", digest[:8], "-n", label.upper(), image], _WHAT, env=environment)
    names = [os.path.join(folder, name) for name in sorted(os.listdir(folder))]
    run(["mcopy", "-s", "-m", "-Q", "-i", image, *names, "::/"], _WHAT, env=environment)


def _ext4(folder: str, label: str, image: str, _: str) -> None:
    with open(image, "wb") as file:
        file.truncate(_size(folder))
    run(["mkfs.ext4", "-q", "-L", label, "-d", folder, image], _WHAT)


def _size(folder: str) -> int:
    """Bytes for a filesystem with these files: multiples of a MiB."""
    data = sum(os.path.getsize(os.path.join(place, name)) for place, _, names in os.walk(folder) for name in names)
    return -(-(2 * data + _SPARE) >> 20) << 20


FILESYSTEMS = {
    "iso9660": Filesystem(_iso9660, (("xorriso", "genisoimage"),), package="xorriso and genisoimage"),
    "vfat": Filesystem(_vfat, (("mkfs.vfat",), ("mcopy",)), package="dosfstools and mtools"),
    "ext4": Filesystem(_ext4, (("mkfs.ext4",),), package="e2fsprogs"),
}
