"""The initramfs: Debian's dracut, run inside the tree with our module in it.

It is made in two segments, which the kernel unpacks one over the other. The first is dracut's, kept until the dracut
module, the list of binaries or the tree changes. The second is what `ignition_py.initrd.stage` writes, and is made
anew whenever our Python changes, in seconds: every file of it replaces the one of the same name, and the bytecode
that dracut put there before is taken out of the first segment, so nothing stale can answer in its place.
"""

from __future__ import annotations

import os
import shutil

from ignition_py.initrd.newc import folder_archive
from ignition_py.rehearsal.cache import Say, cached, files_below, key_of, silent
from ignition_py.rehearsal.image import SOURCES, kernel, put, run, tree, tree_key
from ignition_py.rehearsal.shape import Shape

HERE = os.path.dirname(os.path.abspath(__file__))
PREFIX = "usr/lib/ignition-py"
MAIN = f"{PREFIX}/ignition.py"  # what the dracut module makes of the launcher
_MODULE = "usr/lib/dracut/modules.d/30ignition"
# dracut's modules for what no test has; some of them start a network on every boot, or come only when dracut itself runs
# in a virtual machine.
_OMIT = "ifcfg kernel-modules-extra lunmask nvdimm overlay-root qemu-net resume systemd-networkd terminfo"
# What brings the network up -> (dracut's modules for it, those that must not come along).
NETWORKD = "systemd-networkd"
HANDLERS = {
    NETWORKD: ("", "dbus network network-legacy network-manager"),
    "network-manager": ("network-manager", "network-legacy"),
    "network-legacy": ("network-legacy", "dbus network-manager"),
}
# Private mounts; the tree itself stays as it is. $1 tree, $2 sources, $3 directory for results, then the command.
_INSIDE = """set -e
tree=$1 sources=$2 out=$3; shift 3
mount -t overlay -o "lowerdir=$tree,upperdir=$out/upper,workdir=$out/work" overlay "$out/root" 2>/dev/null || {
    umount "$out/root" 2>/dev/null || true; mount --bind "$tree" "$out/root"; }
root=$out/root
mount -t tmpfs tmpfs "$root/tmp"; mount -t tmpfs tmpfs "$root/var/tmp"
mkdir -p "$root/tmp/src" "$root/tmp/out" "$root/tmp/module"
for package in ignition_py butane_py; do
    mkdir "$root/tmp/src/$package"; mount --bind "$sources/$package" "$root/tmp/src/$package"
done
mount --bind "$out" "$root/tmp/out"
mount -t proc proc "$root/proc"; mount --rbind /dev "$root/dev"
mount -t sysfs sysfs "$root/sys" 2>/dev/null || mount --rbind /sys "$root/sys"
exec chroot "$root" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8 \\
    PYTHONPATH=/tmp/src PYTHONDONTWRITEBYTECODE=1 "$@"
"""


def inside(directory: str, sources: str, out: str, script: str) -> bytes:
    """Runs a shell script inside the tree; it sees our sources at /tmp/src and `out` at /tmp/out. Raises BuildError."""
    for name in ("root", "upper", "work"):
        os.makedirs(f"{out}/{name}", exist_ok=True)
    argv = ["unshare", "--mount", "--propagation", "private", "sh", "-c", _INSIDE, "inside", directory, sources, out]
    return run([*argv, "sh", "-c", script], "building the initramfs")


def python_sources(sources: str = SOURCES) -> list[str]:
    """Files that the executor's part of an initramfs is made from."""
    found = []
    for package in ("ignition_py", "butane_py"):
        found += files_below(os.path.join(sources, package), (".py", ".json"))
    return [path for path in found if not path.startswith(HERE + os.sep)]


def initramfs(sources: str = SOURCES, say: Say = silent, handler: str = NETWORKD) -> list[str]:
    """Segments of the initramfs, in the order in which they are to be loaded. Raises BuildError.

    `handler`: what brings the network up, a name of HANDLERS.
    """
    directory = tree(say)
    files = python_sources(sources)
    ours_key = key_of([tree_key(), *(os.path.relpath(path, sources) for path in files)], [__file__, *files])
    ours = cached("python", ours_key, lambda path: _build_python(directory, sources, path), "Initramfs: our Python", say)
    with open(f"{ours}/natives", encoding="utf-8") as file:
        natives = file.read()
    module = os.path.join(sources, "ignition_py/initrd/dracut/30ignition")
    dracut_key = key_of([tree_key(), natives], [__file__, *files_below(module)])
    kind = "dracut" if handler == NETWORKD else f"dracut.{handler}"
    base = cached(kind, dracut_key, lambda path: _build_dracut(directory, sources, path, handler), "Initramfs: dracut", say)
    return [base, f"{ours}/python.cpio"]


def _build_python(directory: str, sources: str, path: str) -> None:
    work = path + ".work"
    try:
        script = f"cd /tmp/out; python3 -m ignition_py.initrd.stage files >natives; mv files/usr/bin/ignition files/{MAIN}"
        inside(directory, sources, work, f"set -e; {script}")
        os.makedirs(path)
        with open(f"{path}/python.cpio", "wb") as file:
            file.write(folder_archive(f"{work}/files"))
        shutil.move(f"{work}/natives", f"{path}/natives")
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _build_dracut(directory: str, sources: str, path: str, handler: str) -> None:
    _, version = kernel(directory)
    added, omitted = HANDLERS[handler]
    work = path + ".work"
    script = f"""set -e
cp -r /tmp/src/ignition_py/initrd/dracut/30ignition /{_MODULE}
dracut --force --quiet --no-hostonly --no-early-microcode --no-compress --kver {version} \\
    --omit "{_OMIT} {omitted}" --add "ignition {added}" /tmp/out/full
mkdir /tmp/unpacked; cd /tmp/unpacked; cpio --quiet -idm <../out/full
rm -f {MAIN}; find {PREFIX} -name '*.pyc' -delete
find . | LC_ALL=C sort | cpio --quiet -o -H newc >../out/base
"""
    try:
        inside(directory, sources, work, script)
        shutil.move(f"{work}/base", path)
    finally:
        shutil.rmtree(work, ignore_errors=True)


def segment(shape: Shape, directory: str) -> list[str]:
    """The shape's own segment of the initramfs, written to `directory`; none where the shape adds nothing."""
    if not (shape.units or shape.segment):
        return []
    work = os.path.join(directory, "segment")
    for name, text in shape.units.items():
        put(work, f"etc/systemd/system/{name}", text)
        os.makedirs(f"{work}/etc/systemd/system/initrd.target.wants", exist_ok=True)
        os.symlink(f"../{name}", f"{work}/etc/systemd/system/initrd.target.wants/{name}")
    for path, text in shape.segment.items():
        put(work, path, text)
        os.chmod(f"{work}/{path}", 0o755)  # noqa: S103 - units run these, as any program of an initramfs
    path = os.path.join(directory, "segment.cpio")
    with open(path, "wb") as file:
        file.write(folder_archive(work))
    return [path]
