"""What an image's disk looks like, as data: its partitions, what is where, and what its own initramfs adds.

`image.py` and `layout.py` build a `Shape` from the same Debian tree as the plain image (`PLAIN`: one ext4 filesystem on
the whole disk). Those of distributions are in the tests.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple


class Part(NamedTuple):
    """A partition: name and filesystem label, size in MiB, filesystem ("" leaves it empty), and the directory of the tree
    that it holds ("" for what no other partition holds). `subvolumes` of btrfs hold the directories of their names."""

    name: str
    size: int
    filesystem: str = ""
    path: str | None = None
    uuid: str = ""
    subvolumes: Sequence[str] = ()


class Shape(NamedTuple):
    """A layout. `moves` happen before `files` are written, `links` made and `owners` (ids) set; all paths are in the tree without
    a leading slash.

    `kargs` are the words that the boot loader passes, `first_boot` what it adds at a first boot, `{}` in `platform` is the name of the
    platform. `stamp` tells the first boot and `entry` (a boot entry, whose options are passed) where they lie: partition and path.
    `suite` is the release of Debian that the tree is of; `packages` come on top of those of the plain image, less those whose names
    begin with `without`. `units` are run in the initramfs; `segment` holds other files of it.
    """

    name: str
    kargs: str = "root=LABEL=root"
    platform: str = "ignition.platform.id={}"
    first_boot: str = "ignition.firstboot"
    stamp: tuple[str, str] | None = ("", "/boot/ignition.firstboot")
    entry: tuple[str, str] | None = None
    parts: Sequence[Part] = ()
    suite: str = "bookworm"
    packages: Sequence[str] = ()
    without: str = ""
    selinux: str = ""
    moves: Sequence[tuple[str, str]] = ()
    files: Mapping[str, str] = {}
    links: Mapping[str, str] = {}
    owners: Mapping[str, int] = {}
    units: Mapping[str, str] = {}
    segment: Mapping[str, str] = {}


PLAIN = Shape("")
