"""A machine: its own copy of the root disk, blank disks, a config. It can be booted, asked, killed and booted again.

    with Machine(directory, disks=["1G"], config=ignition_json) as machine:
        with machine.boot() as boot:
            boot.wait_until_up()
            print(boot.ask("systemctl is-active hello.service").stdout)
        assert not machine.first_boot_pending()

`boot()` does what a bootloader does: it passes `ignition.firstboot` for as long as /boot/ignition.firstboot is on the
root disk. One machine runs at a time on a host (a lock), since two under TCG slow each other down into time limits.

An `Image` in place of our own Debian is seen through a snapshot: it is never written to. It boots with its own boot loader, or
with the kernel that is given for it.
"""

from __future__ import annotations

import base64
import json
import os
import re
import shlex
import shutil
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import IO, Any, Self

from ignition_py.record import KW_ONLY, Record
from ignition_py.rehearsal.cache import Say, locked, machine_lock, silent
from ignition_py.rehearsal.console import FAILURES, Console
from ignition_py.rehearsal.hardware import Drive, Network, drive_words, image_format
from ignition_py.rehearsal.image import SOURCES, kernel, run, tree
from ignition_py.rehearsal.initramfs import NETWORKD, initramfs, segment
from ignition_py.rehearsal.layout import offset, root_disk
from ignition_py.rehearsal.qemu import QEMU, accelerator, joined
from ignition_py.rehearsal.shape import PLAIN, Shape

UP_SECONDS = 400  # until the real root answers; under TCG it takes 30, beside other work three times that and more
SILENT_SECONDS = 150  # until the console's first line; it takes 8, and 25 beside three other machines
GIVE_UP_SECONDS = 10  # after the first sign of a failure, for the rest of what the console has to say
_KARGS = (
    "console=ttyS0 panic=-1 mitigations=off no_timer_check loglevel=4 systemd.show_status=1 rd.udev.log_level=err "
    "rd.shell=0 rd.emergency=poweroff"
)


class BootFailed(Exception):
    """A machine did not come up. The message names the first failing line and ends with the console's last lines."""


class Answer(Record):
    """What a program in the machine printed, and its exit status (None where it ran out of time)."""

    rc: int | None
    stdout: str
    stderr: str


class Image(Record):
    """A disk image of somebody's own. Without `kernel` it boots by itself (BIOS, from its boot loader)."""

    path: str
    _: KW_ONLY
    kernel: str = ""
    initrd: str = ""
    append: str = ""


class Machine:
    """Disks and settings of one virtual machine, in a directory of its own below `directory`."""

    def __init__(
        self, directory: str, *, disks: Sequence[str] = (), config: bytes | None = None, platform: str = "qemu",
        kargs: str = "", forward: tuple[int, str] | None = None, shares: dict[str, str] | None = None,
        memory: int = 1536, segments: Sequence[str] = (), sources: str = SOURCES, say: Say = silent,
        watch: Callable[[float, str], None] | None = None, shape: Shape = PLAIN, image: Image | None = None,
        drives: Sequence[Drive] = (), network: Network | None = None, handler: str = NETWORKD, tpm: bool = False,
        hardware: Sequence[str] = (),
    ) -> None:
        """Builds what is not in the cache. Raises BuildError.

        `disks`: sizes of blank disks ("1G"), which become /dev/vdb and on, with serials disk1 and on. `config`: handed
        over as QEMU's firmware setting opt/com.coreos/config. `forward`: a TCP port at 10.0.2.100 in the machine, and
        the Unix socket on the host that answers there; nothing else of the network can be reached. `shares`: tag and
        directory of read-only 9p shares. `memory`: MiB. `segments`: more initramfs segments. `sources`: the tree that
        the executor is taken from. `watch`: called with each console line. `shape`: the image's layout. `image`: somebody's
        own, in place of ours. `drives`: more drives, behind the disks. `network`: a network card, in place of `forward`.
        `handler`: what brings the network up in the initramfs, a name of `initramfs.HANDLERS`. `tpm`: the machine has a TPM
        2.0, whose state outlives a boot. `hardware`: more words of QEMU's command line.
        """
        self.path = tempfile.mkdtemp(prefix="machine-", dir=directory)
        self.platform, self.kargs, self.memory = platform, kargs, memory
        self.watch, self.say, self.image, self.tpm = watch, say, image, tpm
        self.shape, self.hardware = shape, tuple(hardware)
        self.network = network or (Network(forward) if forward is not None else None)
        self.shares = shares or {}
        self.kernel, self.initrd = (image.kernel, image.initrd) if image is not None else ("", "")
        self.disks = [image.path if image is not None else os.path.join(self.path, "root.img")]
        if image is None:
            self.kernel, _ = kernel(tree(say))
            self.initrd = joined([*initramfs(sources, say, handler), *segments, *segment(shape, self.path)], self.path)
            run(["cp", "--reflink=auto", "--sparse=always", root_disk(say, shape), self.disks[0]], "copying the root disk")
        for number, size in enumerate(disks, 1):
            self.disks.append(os.path.join(self.path, f"disk{number}.img"))
            run(["truncate", "-s", size, self.disks[-1]], "making a blank disk")
        self.drives = [*(Drive(path, f"disk{number}") for number, path in enumerate(self.disks[1:], 1)), *drives]
        self.config = os.path.join(self.path, "config.ign") if config is not None else None
        if config is not None:
            with open(os.path.join(self.path, "config.ign"), "wb") as file:
                file.write(config)

    def read(self, where: tuple[str, str]) -> str | None:
        """A file of a partition (ext2 to ext4; "" for a whole disk), read as a bootloader does: without mounting. None for no file."""
        disk = f"{self.disks[0]}?offset={offset(self.shape, where[0])}" if where[0] else self.disks[0]
        if b"Inode:" not in run(["debugfs", "-R", f"stat {where[1]}", disk], f"looking for {where[1]}"):
            return None
        return run(["debugfs", "-R", f"cat {where[1]}", disk], f"reading {where[1]}").decode()

    def first_boot_pending(self) -> bool:
        """True if the stamp of the first boot is on the root disk. Raises ValueError for a shape without a stamp."""
        if self.shape.stamp is None:
            raise ValueError("this shape has no stamp to look at")
        return self.read(self.shape.stamp) is not None

    def options(self) -> str:
        """The options of the boot entry, less what the boot loader puts in place of variables."""
        text = self.read(self.shape.entry) if self.shape.entry else None
        lines = [line.partition(" ")[2] for line in (text or "").splitlines() if line.startswith("options ")]
        return " ".join(word for word in " ".join(lines).split() if not word.startswith("$"))

    def boot(self, *, first_boot: bool | None = None, kargs: str = "") -> Boot:
        """Power on. `first_boot` None lets the stamp decide; an image that is not ours is always on its first boot."""
        pending = (self.image is not None or self.first_boot_pending()) if first_boot is None else first_boot
        ours = [_KARGS, self.shape.kargs, self.options()]
        words = [*(ours if self.image is None else [self.image.append]), self.shape.platform.format(self.platform), self.kargs, kargs]
        if pending:
            words.append(self.shape.first_boot)
        return Boot(self, " ".join(word for word in words if word))

    def argv(self, append: str) -> list[str]:
        """QEMU's command line. The machine ends when its system powers off, panics or, where we are its boot loader, restarts."""
        argv = [
            QEMU, *accelerator(self.kernel), "-smp", "2", "-m", str(self.memory), "-nodefaults", "-display", "none",
            "-serial", "stdio", "-device", "virtio-rng-pci", "-device", "virtio-serial",
            "-chardev", f"socket,id=agent,path={self.path}/agent,server=on,wait=off",
            "-device", "virtserialport,chardev=agent,name=ignition-py.agent",
        ]
        if self.kernel:
            argv += ["-no-reboot", "-kernel", self.kernel, "-append", append]
            argv += ["-initrd", self.initrd] if self.initrd else []
        argv += drive_words([self._root(), *self.drives])
        if self.config is not None:
            argv += ["-fw_cfg", f"name=opt/com.coreos/config,file={self.config}"]
        for tag, directory in self.shares.items():
            argv += ["-virtfs", f"local,path={directory},mount_tag={tag},security_model=none,readonly=on,multidevs=remap"]
        if self.tpm:
            argv += ["-chardev", f"socket,id=tpm,path={self.path}/tpm.socket", "-tpmdev", "emulator,id=tpm0,chardev=tpm"]
            argv += ["-device", "tpm-tis,tpmdev=tpm0"]
        return [*argv, *(self.network.words() if self.network is not None else []), *self.hardware]

    def _root(self) -> Drive:
        """Our own root disk is a copy already; one that is somebody else's is not written to."""
        if self.image is None:
            return Drive(self.disks[0], "root")
        return Drive(self.image.path, "root", image_format=image_format(self.image.path), snapshot=True)

    def remove(self) -> None:
        """Deletes the machine's directory."""
        shutil.rmtree(self.path, ignore_errors=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.remove()


def start_tpm(directory: str) -> subprocess.Popen[bytes]:
    """swtpm as QEMU's TPM, with its state in `directory`; it listens when this returns. Raises BootFailed."""
    os.makedirs(f"{directory}/tpm", exist_ok=True)
    address = f"{directory}/tpm.socket"
    if os.path.exists(address):
        os.unlink(address)
    argv = ["swtpm", "socket", "--tpm2", "--tpmstate", f"dir={directory}/tpm", "--ctrl", f"type=unixio,path={address}"]
    process = subprocess.Popen([*argv, "--terminate"], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    end = time.monotonic() + 30
    while not os.path.exists(address):
        if process.poll() is not None or time.monotonic() > end:
            process.kill()
            raise BootFailed("swtpm, the machine's TPM, did not start")
        time.sleep(0.02)
    return process


class Boot:
    """One run of a machine, from power on until it is off."""

    def __init__(self, machine: Machine, append: str) -> None:
        self.machine = machine
        self.append = append
        self._lock = locked(machine_lock(), lambda: machine.say("waiting for another machine to end ..."))
        self._lock.__enter__()
        self._log = open(os.path.join(machine.path, "qemu.log"), "ab")  # noqa: SIM115 - closed in kill()
        self._socket: socket.socket | None = None
        self._stream: IO[bytes] | None = None
        self._power_on()

    def _power_on(self) -> None:
        machine = self.machine
        self._tpm = start_tpm(machine.path) if machine.tpm else None
        self._started = time.monotonic()
        self.process = subprocess.Popen(
            machine.argv(self.append), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=self._log,
            env={**os.environ, "TMPDIR": machine.path},  # where QEMU keeps what it writes to a snapshot
        )
        assert self.process.stdout is not None
        self.console = Console(self.process.stdout, machine.watch)

    def wait_until_up(self, timeout: float = UP_SECONDS) -> float:
        """Waits until the real root answers; returns the seconds since power on. Raises BootFailed."""
        if timeout > SILENT_SECONDS and self.machine.image is None:
            self._wait_until_heard()
        end = self._started + timeout
        try:
            self._connect(end)
            ready = self._receive(end)
        except TimeoutError:
            raise BootFailed(self._why(f"no answer within {timeout:g} s")) from None
        except (OSError, ValueError) as error:
            late = time.monotonic() >= end
            raise BootFailed(self._why(f"no answer within {timeout:g} s" if late else str(error) or "no answer")) from None
        if not ready.get("ready"):
            raise BootFailed(self._why(f"an answer to nothing: {ready}"))
        return time.monotonic() - self._started

    def _wait_until_heard(self) -> None:
        """Waits for the first line of the console. Without one the machine is switched off and on again, once.

        Under TCG a kernel that hung before it printed anything was seen once in some hundred boots. Nothing has been written by then.
        """
        if self.console.wait_for("", SILENT_SECONDS) is not None or self.process.poll() is not None:
            return
        self.machine.say(f"the machine has printed nothing for {SILENT_SECONDS:.0f} s; switching it off and on again ...")
        self._end()
        self._power_on()

    def give_up_after(self, pattern: re.Pattern[str], seconds: float = GIVE_UP_SECONDS) -> None:
        """Pulls the plug some seconds after a console line that matches: for images that then wait for somebody to type."""

        def seen() -> None:
            while not self.console.closed:
                if self.console.wait_for(pattern.pattern, 3600) is not None:
                    time.sleep(seconds)
                    self.process.kill()
                    return

        threading.Thread(target=seen, daemon=True).start()

    def wait_until_off(self, timeout: float = UP_SECONDS) -> None:
        """Waits until the machine has gone. Raises BootFailed where it has not in time."""
        try:
            self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            raise BootFailed(self._why(f"the machine is still on after {timeout:.0f} s")) from None
        self.console.join(5)

    def ask(self, script: str, timeout: float = 300, stdin: str = "") -> Answer:
        """Runs a shell script in the booted system. Raises BootFailed where the machine goes away meanwhile."""
        return self.run(["sh", "-c", script], timeout, stdin)

    def feed(self, script: bytes, timeout: float = 300) -> Answer:
        """Runs a shell script of any length and any bytes, which is no argument of a program."""
        question = {"argv": ["sh"], "stdin": f"echo {base64.b64encode(script).decode()} | base64 -d | sh\n"}
        return self._answer({"script64": base64.b64encode(script).decode(), **question, "timeout": timeout}, "the script", timeout)

    def run(self, argv: Sequence[str], timeout: float = 300, stdin: str = "") -> Answer:
        """Runs a program in the booted system."""
        question = {"argv": list(argv), "timeout": timeout, "stdin": stdin}
        if list(argv[:2]) == ["sh", "-c"]:  # all that guest/agent.sh understands
            question = {"script64": base64.b64encode(argv[2].encode()).decode(), **question}
        return self._answer(question, shlex.join(argv), timeout)

    def _answer(self, question: dict[str, Any], what: str, timeout: float) -> Answer:
        assert self._socket is not None, "wait_until_up() comes first"
        try:
            self._socket.sendall(json.dumps(question).encode() + b"\n")
            answer = self._receive(time.monotonic() + timeout + 30)
        except (OSError, ValueError) as error:
            raise BootFailed(self._why(f"no answer to {what!r}: {error}")) from None
        encoded = answer.get("stdout64")
        output = answer["stdout"] if encoded is None else base64.b64decode(encoded).decode("utf-8", "replace")
        return Answer(answer["rc"], output, answer["stderr"])

    def power_off(self) -> None:
        """Shuts the system down in order, so that everything is on its disks."""
        assert self._socket is not None
        self._socket.sendall(json.dumps({"argv": ["systemctl", "poweroff"]}).encode() + b"\n")
        self.wait_until_off(600)  # of a busy machine

    def kill(self) -> None:
        """Pulls the plug."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None
        self._end()
        if not self._log.closed:
            self._log.close()
            self._lock.__exit__(None, None, None)

    def _end(self) -> None:
        """Ends QEMU and the TPM; the lock stays."""
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self.console.join(5)
        if self._tpm is not None:  # it ends by itself when QEMU does
            self._tpm.terminate()
            self._tpm.wait()

    def _connect(self, end: float) -> None:
        while True:
            self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            try:
                self._socket.connect(os.path.join(self.machine.path, "agent"))
                break
            except OSError:
                self._socket.close()
                if self.process.poll() is not None or time.monotonic() > end:
                    raise
                time.sleep(0.1)
        self._stream = self._socket.makefile("rb")

    def _receive(self, end: float) -> dict[str, Any]:
        assert self._socket is not None and self._stream is not None
        self._socket.settimeout(max(0.1, end - time.monotonic()))
        line = self._stream.readline()
        if not line:
            raise ValueError("the machine has gone")
        message: dict[str, Any] = json.loads(line)
        return message

    def _why(self, what: str) -> str:
        self.console.join(2) if self.process.poll() is not None else None
        first = self.console.first_failure()
        with open(self._log.name, encoding="utf-8", errors="replace") as file:
            stderr = file.read().strip()
        parts = [f"the machine did not come up: {what}"]
        parts += [f"first failing line: {first}"] if first else []
        waited = self.console.waited_for() if self.process.poll() is None else ""
        parts += [f"it was waiting for: {waited}"] if waited else []
        parts += [f"QEMU said: {stderr}"] if stderr else []
        return "\n".join([*parts, "last lines of its console:", self.console.text(last=60)])

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.kill()


__all__ = ["FAILURES", "Answer", "Boot", "BootFailed", "Image", "Machine"]
