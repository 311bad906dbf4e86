"""A machine to throw away: a shell of an ordinary user and one of root, in an overlay over a root filesystem.

What is installed, written or removed in it is gone afterwards. It is this machine's root filesystem (DOCS_ROOT names another
one, such as a minimal Debian), with this machine's /dev, /proc, /sys and network, and with /run and /tmp of its own. That takes root.
Without root there is only the user's shell, in a folder of its own on this machine.
"""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parents[2]
NAME, ID = "newcomer", 1717
HOME = f"/home/{NAME}"
CLONE = f"{HOME}/ignition-py"
PROGRAMS = "/opt/ignition-py"  # a virtual environment with both programs
BELOW = os.environ.get("DOCS_ROOT", "/")
_PATH = {"user": "/usr/local/bin:/usr/bin:/bin:/usr/local/games:/usr/games", "root": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"}
_NOT_CLONED = (".git", ".venv", "__pycache__", ".mypy_cache", ".ruff_cache", ".pytest_cache", ".hypothesis", "*.egg-info")
# $0 is where the machine is mounted, $1 the root filesystem that it begins with, $2 shared folders; then the layers over that, the
# lowest first.
_ENTER = """
set -e
below=$1 shared=$2; shift 2
for layer; do
    mkdir -p "$layer.work" "$layer.mounted"
    mount -t overlay overlay -o "lowerdir=$below,upperdir=$layer,workdir=$layer.work" "$layer.mounted"
    below=$layer.mounted
done
mount --rbind "$below" "$0"
for name in dev proc sys; do mount --rbind "/$name" "$0/$name"; done
mount -t proc proc "$0/proc"
mount -t tmpfs tmpfs "$0/run"
mount -t tmpfs -o mode=1777 tmpfs "$0/tmp"
if [ -e "$0/etc/resolv.conf" ]; then mount --bind /etc/resolv.conf "$0/etc/resolv.conf"; fi
for name in $shared; do
    mkdir -p "$0$name"
    mount --rbind "$name" "$0$name"
done
# Not chroot: what is in one may not make user namespaces.
cd "$0"
pivot_root . .
umount --lazy .
cd /
echo ready
exec sleep infinity
"""


class Shell:
    """A bash that is given one command after the other; what a command sets holds for those after it."""

    def __init__(self, argv: list[str]) -> None:
        """`argv` is what starts the shell."""
        self._process = subprocess.Popen(
            [*argv, "bash", "--norc", "--noprofile"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )

    def run(self, command: str) -> tuple[int, str]:
        """Exit status, and standard output and error together. Raises EOFError where the command has ended the shell."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        mark = f"end-{os.urandom(8).hex()}"
        self._process.stdin.write(f"eval {shlex.quote(command)} </dev/null\nprintf '\\n{mark} %s\\n' $?\n".encode())
        self._process.stdin.flush()
        lines: list[bytes] = []
        for line in self._process.stdout:
            if line.startswith(mark.encode()):
                return int(line.split()[1]), b"".join(lines)[:-1].decode(errors="replace")
            lines.append(line)
        raise EOFError(f"the shell ended in: {command}\n" + b"".join(lines).decode(errors="replace"))

    def close(self) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait(60)
        self._process.stdout.close()


class Machine:
    """The shells "user" and "root" (the latter only where these tests run as root), both in the clone."""

    def __init__(self, shells: dict[str, Shell]) -> None:
        self._shells = shells

    def run(self, who: str, command: str) -> tuple[int, str]:
        """As `Shell.run`."""
        return self._shells[who].run(command)

    def must(self, who: str, command: str) -> str:
        """What a command prints that has to succeed."""
        status, output = self.run(who, command)
        assert status == 0, f"{command}\n{output}"
        return output


def _environment(who: str, programs: str, home: str, folder: str) -> list[str]:
    """A command line that sets the environment of a shell in `folder`."""
    kept = {name: value for name, value in os.environ.items() if name.startswith(("PIP_", "UV_")) or name.lower().endswith("_proxy")}
    name = NAME if who == "user" else "root"
    path = f"{programs}/bin:{_PATH[who]}" if programs else _PATH[who]
    names = {**kept, "PATH": path, "HOME": home, "USER": name, "LOGNAME": name, "LANG": "C.UTF-8", "TERM": "dumb"}
    return ["env", "--ignore-environment", f"--chdir={folder}", *(f"{name}={value}" for name, value in names.items())]


def clone(target: Path) -> None:
    """Copies the sources of the project as they stand in the working tree."""
    shutil.copytree(ROOT, target, symlinks=True, ignore=shutil.ignore_patterns(*_NOT_CLONED))


def lay_base(folder: Path, below: str = BELOW) -> None:
    """What every machine of a test run has in common, as the lower of two layers: a user, and a clone in the user's home."""
    (folder / "etc").mkdir(parents=True)
    for name, line in (("passwd", f"{NAME}:x:{ID}:{ID}::{HOME}:/bin/bash"), ("group", f"{NAME}:x:{ID}:")):
        (folder / "etc" / name).write_text(Path(below, "etc", name).read_text() + line + "\n")
    (folder / CLONE[1:]).parent.mkdir(parents=True)
    clone(folder / CLONE[1:])
    subprocess.run(["chown", "-R", f"{ID}:{ID}", str(folder / HOME[1:])], check=True)


@contextmanager
def machine(
    upper: Path, base: Path | None, programs: str = PROGRAMS, *, folder: str = CLONE, below: str = BELOW, shared: Sequence[str] = ()
) -> Iterator[Machine]:
    """A machine whose changes go to `upper`, over `base` and the root filesystem `below`; only for root. The shells begin in `folder`.
    `shared`: folders of this machine that it has too, and may change."""
    mounted = upper.with_name(upper.name + ".machine")
    for path in (upper, mounted):
        path.mkdir(parents=True, exist_ok=True)
    layers = [str(layer) for layer in (base, upper) if layer]
    script = ["sh", "-c", _ENTER, str(mounted), below, " ".join(shared), *layers]
    argv = ["unshare", "--mount", "--pid", "--fork", "--kill-child", *script]
    with subprocess.Popen(argv, stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        try:
            assert holder.stdout.readline() == b"ready\n", "the machine cannot be mounted"
            inner = Path(f"/proc/{holder.pid}/task/{holder.pid}/children").read_text().split()[0]
            enter = ["nsenter", f"--target={inner}", "--mount", "--pid", "--"]
            drop = ["setpriv", f"--reuid={ID}", f"--regid={ID}", "--clear-groups", "--"]
            shells = {
                "root": Shell([*enter, *_environment("root", programs, "/root", folder)]),
                "user": Shell([*enter, *drop, *_environment("user", programs, HOME, folder)]),
            }
            yield Machine(shells)
            for shell in shells.values():
                shell.close()
        finally:
            holder.kill()


@contextmanager
def user_only(folder: Path, programs: str) -> Iterator[Machine]:
    """Only the user's shell, on this machine, with a home and a clone in `folder`."""
    clone(folder / "ignition-py")
    shell = Shell(_environment("user", programs, str(folder), str(folder / "ignition-py")))
    yield Machine({"user": shell})
    shell.close()
