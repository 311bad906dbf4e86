"""Machines without a kernel of their own: copies of this machine's root, provisioned by a files stage, which a sh in a chroot answers for.

A copy is an overlay in a mount namespace that a process holds; `Copy.below()` makes another one over it, to be changed. systemctl in a
chroot tells the state of unit files, not whether units run; tests/vm/test_check.py has what only a machine that runs can tell.
"""

from __future__ import annotations

import contextlib
import json
import os
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
PEER = os.environ.get("IGNITION_PEER", "/usr/lib/dracut/modules.d/30ignition/ignition")
_HOLD = """set -e
mount -t overlay overlay -o "lowerdir=$2,upperdir=$1/upper,workdir=$1/work" "$1/root"
for name in run tmp dev; do mount -t tmpfs tmpfs "$1/root/$name"; done
mount -t proc proc "$1/root/proc"
for name in null urandom zero; do touch "$1/root/dev/$name"; mount --bind "/dev/$name" "$1/root/dev/$name"; done
chmod 1777 "$1/root/tmp"
echo ready
exec sleep infinity
"""


class Copy:
    """A copy that is mounted in the namespace of process `pid`. `folder` holds its layers."""

    def __init__(self, folder: Path, pid: int) -> None:
        self._folder = folder
        self._pid = pid

    @property
    def root(self) -> str:
        """Its root, for a program in its namespace."""
        return f"{self._folder}/root"

    @property
    def path(self) -> str:
        """Its root, for a program of this machine."""
        return f"/proc/{self._pid}/root{self.root}"

    def outside(self, *argv: str) -> list[str]:
        """A command line that runs in its namespace, with this machine's programs."""
        return ["nsenter", f"--target={self._pid}", "--mount", "--", *argv]

    def inside(self, *argv: str, uid: int = 0) -> list[str]:
        """A command line that runs in its root, as that user."""
        user = ["setpriv", f"--reuid={uid}", f"--regid={uid}", "--clear-groups", "--"] if uid else []
        return self.outside("chroot", self.root, *user, *argv)

    def command(self, *shell: str, uid: int = 0) -> str:
        """The same as text for --exec."""
        return shlex.join(self.inside(*(shell or ("sh",)), uid=uid))

    def run(self, script: str | bytes) -> str:
        """Runs a script as its root; what it prints. It has to succeed."""
        data = script if isinstance(script, bytes) else script.encode("utf-8", "surrogateescape")
        done = subprocess.run(self.inside("sh", "-eu"), input=data, capture_output=True)
        assert done.returncode == 0, done.stderr.decode(errors="replace")
        return done.stdout.decode("utf-8", "surrogateescape")

    def provision(self, config: bytes, binary: str = "") -> None:
        """Runs the files stage, ours or the reference's (`binary`), and enables units as systemd does at a first boot."""
        work = self._folder / "stage"
        work.mkdir()
        (work / "config.ign").write_bytes(config)
        names = ["-config-cache", f"{work}/cache", "-state-file", f"{work}/state", "-neednet", f"{work}/neednet"]
        program = [binary] if binary else [sys.executable, "-B", "-m", "ignition_py"]
        (work / "setfiles").write_text("#!/bin/sh\n")  # this machine's root may have a policy, and its kernel none
        (work / "setfiles").chmod(0o755)
        path = f"{work}:{os.environ['PATH']}" if binary else os.environ["PATH"]
        environment = {**os.environ, "PATH": path, "IGNITION_CONFIG_FILE": f"{work}/config.ign", "PYTHONPATH": str(ROOT)}
        for stage in ("fetch", "files"):
            argv = [*program, "-platform", "file", "-root", self.root, "-stage", stage, "-log-to-stdout", *names]
            done = subprocess.run(self.outside(*argv), capture_output=True, text=True, env=environment)
            assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
        units = [unit["name"] for unit in json.loads(config).get("systemd", {}).get("units", []) if "enabled" in unit]
        if units:
            subprocess.run(self.outside("systemctl", "--root", self.root, "preset", "--", *units), check=True, capture_output=True)

    @contextlib.contextmanager
    def below(self, folder: Path) -> Iterator[Copy]:
        """A copy of this copy."""
        with copy(folder, self) as other:
            yield other


@contextlib.contextmanager
def copy(folder: Path, other: Copy | None = None) -> Iterator[Copy]:
    """A copy of this machine's root, or of another copy's."""
    for name in ("upper", "work", "root"):
        (folder / name).mkdir(parents=True)
    folder.chmod(0o755)
    for name in ("upper", "root"):
        (folder / name).chmod(0o755)
    argv = ["unshare", "--mount", "--propagation", "private", "sh", "-c", _HOLD, "sh", str(folder), other.root if other else "/"]
    argv = other.outside(*argv) if other else argv
    with subprocess.Popen(argv, stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        try:
            assert holder.stdout.readline() == b"ready\n", "the copy cannot be mounted"
            yield Copy(folder, holder.pid)
        finally:
            holder.kill()
