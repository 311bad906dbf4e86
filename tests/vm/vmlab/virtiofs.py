"""A directory of the host that a machine can mount by virtiofs and write to: QEMU's words for it, and the daemon behind it.

The daemon (of Debian's qemu-system-common) serves one boot and ends with it. The machine's memory has to be shared with it.
"""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager

DAEMON = "/usr/lib/qemu/virtiofsd"


def words(tag: str, socket: str, memory: int) -> list[str]:
    """For `Machine(hardware=...)`; `memory` in MiB, as the machine's."""
    return [
        "-object", f"memory-backend-memfd,id=shared,size={memory}M,share=on", "-machine", "memory-backend=shared",
        "-chardev", f"socket,id=virtiofs,path={socket}", "-device", f"vhost-user-fs-pci,chardev=virtiofs,tag={tag}",
    ]  # fmt: skip


@contextmanager
def sharing(directory: str, socket: str) -> Iterator[None]:
    """The daemon listens at `socket` until the boot in this block is over."""
    if os.path.exists(socket):
        os.unlink(socket)
    argv = [DAEMON, f"--socket-path={socket}", "-o", f"source={directory}", "-o", "cache=none"]
    process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    end = time.monotonic() + 30
    try:
        while not os.path.exists(socket):
            assert process.poll() is None, f"{DAEMON} did not start"
            assert time.monotonic() < end
            time.sleep(0.02)
        yield
    finally:
        process.terminate()
        process.wait()
