"""An ordinary user as the root of a user namespace: what makes our Debian image changes owners, mounts, and changes its root.

    ignition-py rehearse -> enter() -> unshare --map-auto --map-root-user ... ignition-py rehearse, the same words

Source: user_namespaces(7), unshare(1), newuidmap(1), subuid(5).
"""

from __future__ import annotations

import os
import subprocess
import sys

from ignition_py.system.host import write_all

_UNSHARE = ("unshare", "--user", "--map-auto", "--map-root-user")
_ALL = "4294967295"  # user ids; the first namespace has all of them


class Refused(Exception):
    """This user gets no namespace; the message says why and what to do."""


def inside() -> bool:
    """True in a user namespace other than the machine's first."""
    try:
        with open("/proc/self/uid_map", encoding="ascii") as file:
            return file.read().split()[2] != _ALL
    except (OSError, IndexError):
        return False


def needed() -> bool:
    """True for everybody but root, of the machine or of a namespace."""
    return os.geteuid() != 0


def enter(stdin: bytes | None = None) -> None:
    """Starts this program anew in a user namespace, in place of this process. `stdin`: what has been read of standard input already,
    which is there again. Raises Refused."""
    probe = subprocess.run([*_UNSHARE, "true"], capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
    if probe.returncode != 0:
        words = (probe.stderr.strip() or "unshare failed").splitlines()[-1]
        user = os.environ.get("USER", "USER")
        raise Refused(
            f"an ordinary user builds our Debian image in a user namespace, which cannot be made ({words}). That takes newuidmap (Debian's"
            f" package uidmap) and a range of ids (usermod --add-subuids 100000-165535 --add-subgids 100000-165535 {user}):"
            " root can add both, or run this. An image of your own (--image) needs neither"
        )
    if stdin is not None:
        again = os.memfd_create("stdin")
        write_all(again, stdin)
        os.lseek(again, 0, os.SEEK_SET)
        os.dup2(again, 0)
    argv = [*_UNSHARE, "--mount", "--pid", "--fork", "--kill-child", "--", sys.executable, *sys.orig_argv[1:]]
    os.execvp(argv[0], argv)  # noqa: S606 - words of this process and no shell
