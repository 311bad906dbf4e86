"""What a rehearsal asks the machine that has come up, and the answers as text.

    questions(config) -> one shell script -> the machine's agent -> answers() -> findings.py

The script needs sh, base64 and what a system with systemd has (util-linux, coreutils, getent, systemctl). Each question is one line
of output, in base64, so that no answer can be taken for another.
"""

from __future__ import annotations

import base64
import re
import shlex
from collections.abc import Iterable

from ignition_py.spec.tables import Config

BLOCKS, MOUNTS, NODES, SUMS, USERS, GROUPS, UNITS, FAILED, CMDLINE, RESULT, ALIASES, KEYS, MEMBERS = (
    "blocks", "mounts", "nodes", "sums", "users", "groups", "units", "failed", "cmdline", "result", "aliases", "keys", "members",
)  # fmt: skip
# Where the result of provisioning lies: ours and the reference's; the other of two directories that images can choose.
RESULTS = ("/etc/.ignition-result.json", "/var/lib/ignition/.ignition-result.json")
CONFIG = "/run/ignition.json"
_COLUMNS = "NAME,KNAME,PATH,TYPE,SIZE,FSTYPE,LABEL,UUID,PARTLABEL,PARTUUID,PARTTYPE,PTTYPE,PKNAME"
_SHOWN = "Id,LoadState,ActiveState,UnitFileState,Result"
SETTLE = "timeout 90 systemctl is-system-running --wait"  # until services have been started
READ_CONFIG = f"cat {CONFIG}"  # the config as the machine has merged it, nothing where it keeps none


def questions(config: Config) -> dict[str, str]:
    """Name of each question -> the commands that answer it."""
    storage, passwd = config.storage, config.passwd
    users = [user.name for user in passwd.users]
    nodes = [node.path for node in (*storage.directories, *storage.files, *storage.links)]
    units = [unit.name for unit in config.systemd.units]
    names = _listed(users)
    return {
        BLOCKS: f"udevadm settle; lsblk -J -b -o {_COLUMNS}",
        MOUNTS: "findmnt -J -l -o TARGET,SOURCE,FSTYPE",
        # A name may hold anything but a NUL; it comes last.
        NODES: _each(nodes, "stat --printf '%a %U %G %u %g %s %F/%n\\0' --"),
        SUMS: _each([file.path for file in storage.files], "sha256sum -z --"),
        ALIASES: f"for name in {_listed(devices(config))}; do echo \"$(readlink -f \"$name\")\"; done",
        USERS: f"for name in {names}; do getent passwd \"$name\" || echo; done",
        MEMBERS: f"for name in {names}; do id -nG \"$name\" || echo; done",
        KEYS: f"for name in {names}; do home=$(getent passwd \"$name\" | cut -d: -f6)/.ssh; "
        "cat \"$home\"/authorized_keys \"$home\"/authorized_keys.d/* | grep -c '^[^#]'; done",
        GROUPS: f"for name in {_listed(group.name for group in passwd.groups)}; do getent group \"$name\" || echo; done",
        UNITS: f"for name in {_listed(units)}; do systemctl show -p {_SHOWN} -- \"$name\" | tr '\\n' ' '; echo; done",
        FAILED: "systemctl --failed --no-legend --plain | cut -d' ' -f1",
        CMDLINE: "cat /proc/cmdline",
        RESULT: f"cat {_listed(RESULTS)}",
    }  # fmt: skip


def script(asked: dict[str, str]) -> str:
    """One shell script for all questions."""
    return "".join(f"{{ {commands}\n}} 2>/dev/null | base64 | tr -d '\\n'; echo\n" for commands in asked.values())


def answers(asked: dict[str, str], output: str) -> dict[str, str]:
    """What the script printed, by question. Raises ValueError where it is not all there."""
    lines = output.split("\n")[:-1]
    if len(lines) != len(asked):
        raise ValueError(f"the machine gave {len(lines)} answers to {len(asked)} questions")
    return {name: base64.b64decode(line).decode("utf-8", "replace") for name, line in zip(asked, lines, strict=True)}


def mount_points(config: Config) -> set[str]:
    """Where the config's mount units mount something."""
    texts = [unit.contents or "" for unit in config.systemd.units if unit.name.endswith(".mount")]
    return {found[1].strip() for text in texts if (found := re.search(r"^Where=(.*)$", text, re.MULTILINE))}


def devices(config: Config) -> list[str]:
    """Devices that the config names, in the order of the answers to ALIASES."""
    storage = config.storage
    names = [disk.device for disk in storage.disks]
    names += [filesystem.device for filesystem in storage.filesystems]
    names += [volume.device or "" for volume in storage.luks]
    names += [f"/dev/md/{array.name}" for array in storage.raid]
    return names


def _listed(words: Iterable[str]) -> str:
    return " ".join(shlex.quote(word) for word in words)


def _each(paths: list[str], command: str) -> str:
    """The command on all paths, as many at a time as an argument list takes."""
    if not paths:
        return ":"
    text = "\0".join(paths).encode("utf-8", "surrogateescape")
    return f"echo {base64.b64encode(text).decode()} | base64 -d | xargs -0 {command}"
