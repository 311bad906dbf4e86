"""QEMU's command line, and which accelerator works on this machine.

/dev/kvm may exist and hang, so KVM is used only after a probe has booted a kernel with it; the answer is kept until the
machine restarts. Without KVM QEMU translates (TCG), which takes a boot from two seconds to about twenty.
"""

from __future__ import annotations

import os
import subprocess
import tempfile

from ignition_py.rehearsal.cache import cache_directory
from ignition_py.system.host import boot_id

QEMU = "qemu-system-x86_64"
PROBE_SECONDS = 8


def accelerator(kernel: str) -> list[str]:
    """QEMU's arguments for the fastest accelerator that works. `VM_ACCEL=tcg` or `kvm` overrides the probe.

    `kernel` is what the probe boots; without one an earlier answer counts, and no answer means no KVM.
    """
    wanted = os.environ.get("VM_ACCEL", "")
    if wanted == "kvm" or (wanted != "tcg" and _kvm_works(kernel)):
        return ["-accel", "kvm", "-cpu", "host"]
    return ["-accel", "tcg,thread=multi", "-cpu", "max"]


def _kvm_works(kernel: str) -> bool:
    if not os.access("/dev/kvm", os.R_OK | os.W_OK):
        return False
    remembered = os.path.join(cache_directory(), f".kvm-{boot_id()}")
    if os.path.exists(remembered):
        with open(remembered, encoding="ascii") as file:
            return file.read() == "yes"
    if not kernel:
        return False
    works = _probe(kernel)
    with open(remembered, "w", encoding="ascii") as file:
        file.write("yes" if works else "no")
    return works


def _probe(kernel: str) -> bool:
    """Boots the kernel without a root: it panics, and ends QEMU, within a second or two when KVM works."""
    argv = [
        QEMU, "-accel", "kvm", "-cpu", "host", "-m", "256", "-nodefaults", "-display", "none", "-no-reboot",
        "-serial", "stdio", "-kernel", kernel, "-append", "console=ttyS0 panic=-1 quiet",
    ]
    try:
        done = subprocess.run(argv, capture_output=True, timeout=PROBE_SECONDS, check=False, stdin=subprocess.DEVNULL)
    except (subprocess.TimeoutExpired, OSError):
        return False
    return done.returncode == 0 and b"Kernel panic" in done.stdout


def joined(segments: list[str], directory: str) -> str:
    """One file with all segments of an initramfs, each aligned to four bytes as the kernel wants it."""
    handle, path = tempfile.mkstemp(prefix="initramfs-", dir=directory)
    with os.fdopen(handle, "wb") as out:
        for segment in segments:
            with open(segment, "rb") as file:
                while block := file.read(1 << 20):
                    out.write(block)
            out.write(b"\0" * (-out.tell() % 4))
    return path
