"""Runs a program as root in a throw-away copy of this machine's root, and tells what it wrote.

The copy is an overlay on a tmpfs, in mount, UTS and network namespaces of its own: nothing of the machine is changed. /dev has no disks,
/proc/sys is read-only.
"""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any, NamedTuple

_CLONE = Path(__file__).parents[2]
_INSIDE = r"""
set -euo pipefail
top=$1 input=$2
mount -t tmpfs -o size=1g overlay "$top"
mkdir "$top"/upper "$top"/work "$top"/root
mount -t overlay overlay -o "lowerdir=/,upperdir=$top/upper,workdir=$top/work" "$top/root"
root=$top/root
mount -t proc proc "$root/proc"
mount --bind "$root/proc/sys" "$root/proc/sys"
mount -o remount,bind,ro "$root/proc/sys"
mount -t tmpfs tmpfs "$root/run"
mount -t tmpfs tmpfs "$root/tmp"
mount -t tmpfs tmpfs "$root/dev"
mknod -m 666 "$root/dev/null" c 1 3
mknod -m 666 "$root/dev/zero" c 1 5
mknod -m 666 "$root/dev/urandom" c 1 9
ln -s /proc/self/fd "$root/dev/fd"
case $4 in /tmp/*)  # a clone there has the programs
    mkdir -p "$root$4"
    mount --bind "$4" "$root$4"
esac
mkdir "$root/run/input"
mount --bind "$input" "$root/run/input"
status=0
chroot "$root" bash /run/input/apply >"$top/log" 2>&1 || status=$?
umount --recursive "$root/tmp"
umount "$root/run/input" "$root/run"
python3 -c "$3" "$root" "$top/upper" "$top/log" "$status"
"""
_TREE = r"""
import hashlib, json, os, stat, sys
root, upper, log, status = sys.argv[1:]
def table(path):
    with open(root + path) as file:
        return [line.rstrip("\n").split(":") for line in file if ":" in line]
users = {int(row[2]): row[0] for row in table("/etc/passwd")}
groups = {int(row[2]): row[0] for row in table("/etc/group")}
nodes = {}
for folder, dirs, files in os.walk(upper):
    for name in [*dirs, *files]:
        full = os.path.join(folder, name)
        status_of = os.lstat(full)
        kind = {stat.S_IFDIR: "directory", stat.S_IFLNK: "link", stat.S_IFREG: "file"}.get(stat.S_IFMT(status_of.st_mode), "absent")
        what = ""
        if kind == "link":
            what = os.readlink(full)
        elif kind == "file":
            with open(full, "rb") as file:
                what = hashlib.sha256(file.read()).hexdigest()
        mode = "" if kind in ("link", "absent") else "%04o" % (status_of.st_mode & 0o7777)
        owner = "%s:%s" % (users.get(status_of.st_uid, status_of.st_uid), groups.get(status_of.st_gid, status_of.st_gid))
        nodes[full[len(upper):]] = [kind, mode, owner, what]
shadow = {row[0]: row[1] for row in table("/etc/shadow")}
accounts = {
    row[0]: {"passwd": row[2:], "password": shadow.get(row[0], ""), "groups": sorted(each[0] for each in table("/etc/group") if row[0] in each[3].split(","))}
    for row in table("/etc/passwd")
}
with open(log, errors="replace") as file:
    text = file.read()
print(json.dumps({"nodes": nodes, "accounts": accounts, "groups": {row[0]: int(row[2]) for row in table("/etc/group")}, "log": text, "status": int(status)}))
"""


class Node(NamedTuple):
    """One node: file, directory, link or absent (it was removed); its mode, its owner by name, its digest or target."""

    kind: str
    mode: str
    owner: str
    what: str


class Tree(NamedTuple):
    """What was written: nodes by path, accounts by name (passwd fields from the uid on, password hash, groups), ids of groups, output, exit status."""

    nodes: dict[str, Node]
    accounts: dict[str, Any]
    groups: dict[str, int]
    log: str
    status: int


def applied(folder: Path, script: str, files: dict[str, bytes]) -> Tree:
    """Runs a shell script in the copy, with `files` below /run/input. `folder` is an empty folder of the test's own."""
    files_dir, top = folder / "input", folder / "top"
    files_dir.mkdir()
    top.mkdir()
    for name, data in {**files, "apply": script.encode()}.items():
        (files_dir / name).write_bytes(data)
    command = ["unshare", "--mount", "--uts", "--net", "--propagation", "private", "bash", "-c", _INSIDE, "inside", str(top), str(files_dir), _TREE, str(_CLONE)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    data = json.loads(done.stdout)
    return Tree({path: Node(*node) for path, node in data["nodes"].items()}, data["accounts"], data["groups"], data["log"], data["status"])
