"""The root disk as it leaves the factory: the furnished Debian tree on one filesystem, or laid out as a shape says.

The plain one is a raw file with one ext4 filesystem labelled `root`. For a shape (`shape.py`) the tree is rearranged
and spread over partitions.
"""

from __future__ import annotations

import os
import shutil
import stat

from ignition_py.rehearsal import image
from ignition_py.rehearsal.cache import Say, cached, files_below, key_of, silent
from ignition_py.rehearsal.image import FIRST_BOOT_UNIT, GUEST, furnish, link, put, run, tree, tree_key
from ignition_py.rehearsal.shape import PLAIN, Part, Shape

ROOT_SIZE = 2 * 1024**3  # bytes, sparse
MIB = 1 << 20
_SECTORS = MIB // 512
# Filesystems that have no program which fills them: mounted for a moment. $1 filesystem, $2 contents, $3 SELinux's file
# contexts (cp does not copy labels), then subvolumes.
_FILL = """set -e
mount -o loop "$1" "$0"; trap 'umount "$0"' EXIT
contents=$2 labels=$3; shift 3
if [ $# = 0 ]; then
    cp -a "$contents/." "$0/"
    [ -z "$labels" ] || setfiles -F -r "$0" "$labels" "$0"
    exit
fi
btrfs -q subvolume create "$0/@"
for name; do mkdir -p "$(dirname "$0/@/$name")"; btrfs -q subvolume create "$0/@/$name"; done
mkdir -p "$0/@/.snapshots/1"; btrfs -q subvolume create "$0/@/.snapshots/1/snapshot"
for name; do
    mkdir -p "$contents/$name"; cp -a "$contents/$name/." "$0/@/$name/"
    rm -rf "$contents/$name"; mkdir -p "$contents/$name"
done
cp -a "$contents/." "$0/@/.snapshots/1/snapshot/"
btrfs property set -ts "$0/@/.snapshots/1/snapshot" ro true
btrfs -q subvolume set-default "$0/@/.snapshots/1/snapshot"
"""


def root_disk(say: Say = silent, shape: Shape = PLAIN) -> str:
    """The root disk as it leaves the factory, a sparse raw file that must not be changed. Raises BuildError."""
    directory = tree(say, shape)
    made_by = [os.path.abspath(__file__), os.path.abspath(image.__file__), FIRST_BOOT_UNIT, *files_below(GUEST)]
    key = key_of([tree_key(shape), str(ROOT_SIZE), repr(shape)], made_by)
    kind = f"{shape.name}root"
    return cached(kind, key, lambda path: _build_root(directory, path, shape), f"Root disk {shape.name}".strip(), say)


def _build_root(directory: str, path: str, shape: Shape) -> None:
    copy = path + ".tree"
    shutil.rmtree(copy, ignore_errors=True)
    try:
        run(["cp", "-a", "--reflink=auto", directory, copy], "copying the Debian tree")
        furnish(copy)
        if shape.parts:
            shape_tree(copy, shape)
            make_disk(copy, path, shape)
            return
        with open(path, "wb") as file:
            file.truncate(ROOT_SIZE)
        run(["mkfs.ext4", "-q", "-L", "root", "-d", copy, "-E", "lazy_itable_init=1", path], "making the root disk")
    finally:
        shutil.rmtree(copy, ignore_errors=True)


def shape_tree(root: str, shape: Shape) -> None:
    """Moves and writes what the shape has elsewhere than Debian, and labels the tree where it has SELinux."""
    for source, target in shape.moves:
        os.makedirs(os.path.dirname(f"{root}/{target}"), exist_ok=True)
        os.rename(f"{root}/{source}", f"{root}/{target}")
        os.mkdir(f"{root}/{source}")
    for path, text in shape.files.items():
        put(root, path, text)
    for path, target in shape.links.items():
        link(target, f"{root}/{path}")
    for path, number in shape.owners.items():
        os.chown(f"{root}/{path}", number, number, follow_symlinks=False)
    if shape.stamp is None and os.path.exists(f"{root}/boot/ignition.firstboot"):
        os.unlink(f"{root}/boot/ignition.firstboot")
    if shape.selinux:
        run(["setfiles", "-F", "-r", root, contexts(root, shape), root], "labelling the tree for SELinux")


def contexts(root: str, shape: Shape) -> str:
    """SELinux's file contexts of the shape, "" where it has none."""
    return f"{root}/etc/selinux/{shape.selinux}/contexts/files/file_contexts" if shape.selinux else ""


def offset(shape: Shape, name: str) -> int:
    """Where the partition begins, in bytes."""
    at = MIB
    for part in shape.parts:
        if part.name == name:
            return at
        at += part.size * MIB
    raise KeyError(name)


def make_disk(root: str, path: str, shape: Shape) -> None:
    """Writes partition table and filesystems. Raises BuildError."""
    with open(path, "wb") as file:
        file.truncate((sum(part.size for part in shape.parts) + 2) * MIB)
    table = ["label: gpt", "unit: sectors"]
    for part in shape.parts:
        uuid = f", uuid={part.uuid}" if part.uuid else ""
        start = offset(shape, part.name) // 512
        table.append(f'start={start}, size={part.size * _SECTORS}, name="{part.name}"{uuid}')
    script = path + ".table"
    with open(script, "w", encoding="utf-8") as file:
        file.write("\n".join(table) + "\n")
    try:
        run(["sh", "-c", 'sfdisk --quiet "$0" <"$1"', path, script], "partitioning the disk")
        # The part that holds the rest of the tree comes last, when the others have taken theirs out.
        for part in sorted(shape.parts, key=lambda part: part.path == ""):
            if part.filesystem:
                _fill(root, path, shape, part)
    finally:
        os.unlink(script)


def _fill(root: str, disk: str, shape: Shape, part: Part) -> None:
    contents = f"{root}/{part.path}".rstrip("/")
    os.makedirs(contents, exist_ok=True)
    filesystem = f"{disk}.{part.name}"
    try:
        with open(filesystem, "wb") as file:
            file.truncate(part.size * MIB)
        if part.filesystem == "ext4":
            run(["mkfs.ext4", "-q", "-L", part.name, "-d", contents, filesystem], f"making {part.name}")
        else:
            run([f"mkfs.{part.filesystem}", "-q", "-L", part.name, filesystem], f"making {part.name}")
            argv = ["unshare", "--mount", "--propagation", "private", "sh", "-c", _FILL, _mount_point(disk)]
            run([*argv, filesystem, contents, contexts(root, shape), *part.subvolumes], f"filling {part.name}")
        seek = offset(shape, part.name) // MIB
        copy = ["dd", f"if={filesystem}", f"of={disk}", "bs=1M", f"seek={seek}", "conv=notrunc,sparse", "status=none"]
        run(copy, f"copying {part.name} to the disk")
    finally:
        os.unlink(filesystem)
        if os.path.isdir(f"{disk}.mnt"):
            os.rmdir(f"{disk}.mnt")
    if part.path:
        _empty(contents)


def _mount_point(disk: str) -> str:
    path = f"{disk}.mnt"
    os.makedirs(path, exist_ok=True)
    return path


def _empty(directory: str) -> None:
    """Leaves the mount point; its mode and attributes stay."""
    for name in os.listdir(directory):
        path = f"{directory}/{name}"
        if stat.S_ISDIR(os.lstat(path).st_mode):
            shutil.rmtree(path)
        else:
            os.unlink(path)
