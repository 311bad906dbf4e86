"""What docs/images.md says, on a newer Debian (newer.py): its commands are run, what they make is booted, and the machine asked for its config."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest

from ignition_py.rehearsal.cache import locked, machine_lock
from ignition_py.rehearsal.console import Console
from tests.vm.newer import (
    FIRMWARE,
    WORKSHOP,
    NewerMachine,
    PxeMachine,
    UefiMachine,
    archive,
    built,
    commands,
    mirror,
    run_in_folder,
)
from tests.vm.test_matrix import CHECKS, CONFIG
from tests.vm.vmlab.image import REPOSITORY, kernel, tree
from tests.vm.vmlab.machine import Boot
from tests.vm.vmlab.quickstart import compile_config
from tests.vm.vmlab.web import serving_folder

pytestmark = [pytest.mark.vm, pytest.mark.root, pytest.mark.slow, pytest.mark.matrix]
SERVER = "10.0.2.100"


@pytest.fixture
def config(tmp_path: Path) -> bytes:
    (tmp_path / "newer.bu").write_text(CONFIG)
    return compile_config(str(tmp_path / "newer.bu"))


def check(boot: Boot) -> None:
    boot.wait_until_up()
    boot.ask("systemctl is-system-running --wait", timeout=120)
    found = [boot.ask(question).stdout.strip() for question, _ in CHECKS]
    assert found == [answer for _, answer in CHECKS], boot.console.text(80)


@pytest.mark.parametrize("build", ["dracut", "dracut --add", "initrd build", "initramfs-tools"])
def test_an_initramfs_of_the_page(tmp_path: Path, config: bytes, build: str) -> None:
    segments = [built(build, print)]
    with (
        NewerMachine(str(tmp_path), segments, disks=["512M"], config=config, say=print) as machine,
        machine.boot(first_boot=True) as boot,
    ):
        check(boot)


@pytest.mark.parametrize("firmware", ["bios", "uefi"])
def test_ipxe(tmp_path: Path, config: bytes, firmware: str) -> None:
    """The page's script, with the machine's kernel arguments behind those of the page. QEMU's iPXE does not pad the archive on UEFI."""
    script = commands("#!ipxe").replace("boot.example", SERVER).replace("/config.ign", "/config.ign {}")
    (tmp_path / "config.ign").write_bytes(config)
    ours = archive(print, "--compress gzip" if firmware == "uefi" else "")
    files = {"initrd.img": built("foreign", print), "ignition.cpio": ours, "config.ign": f"{tmp_path}/config.ign"}
    address = f"{tmp_path}/http"
    rom = os.path.join(tree(print, WORKSHOP), FIRMWARE) if firmware == "uefi" else ""
    with (
        PxeMachine(
            str(tmp_path), script, files, firmware=rom, disks=["512M"], platform="metal", memory=2048, forward=(80, address), say=print
        ) as machine,
        serving_folder(address, machine.served),
        machine.boot(first_boot=True) as boot,
    ):
        check(boot)


@pytest.fixture
def parts(tmp_path: Path) -> Path:
    """A folder with the files that the page's ukify takes."""
    folder = tmp_path / "parts"
    folder.mkdir()
    newer, _ = kernel(tree(print, WORKSHOP))
    for name, path in {"vmlinuz": newer, "initrd.img": built("foreign", print), "ignition.cpio": archive(print)}.items():
        shutil.copy(path, folder / name)
    return folder


KARGS = "console=ttyS0 panic=-1 rd.emergency=poweroff root=LABEL=root ignition.firstboot ignition.platform.id=qemu"


def unified_kernel(parts: Path, esp: Path) -> None:
    make(parts, esp, commands("ukify build --linux=vmlinuz --initrd=initrd.img --initrd=ignition.cpio"), "EFI/BOOT/BOOTX64.EFI", "linux.efi")


def add_on(parts: Path, esp: Path) -> None:
    make(parts, esp, "ukify build --linux=vmlinuz --initrd=initrd.img --cmdline=@cmdline --output=linux.efi", "EFI/Linux/linux.efi", "linux.efi")
    make(parts, esp, commands("ukify build --initrd=ignition.cpio"), "EFI/Linux/linux.efi.extra.d/ignition.addon.efi", "ignition.addon.efi")
    boot_loader(esp)


def two_initrds(parts: Path, esp: Path) -> None:
    for name in ("vmlinuz", "initrd.img", "ignition.cpio"):
        shutil.copy(parts / name, esp / name)
    entry = esp / "loader/entries/newer.conf"
    entry.parent.mkdir(parents=True)
    entry.write_text(commands("title").replace("root=LABEL=root ignition.firstboot ignition.platform.id=metal", KARGS))
    boot_loader(esp)


def make(parts: Path, esp: Path, script: str, target: str, made: str) -> None:
    (parts / "cmdline").write_text(KARGS)
    run_in_folder(tree(print, WORKSHOP), str(parts), script)
    (esp / target).parent.mkdir(parents=True, exist_ok=True)
    shutil.move(parts / made, esp / target)


def boot_loader(esp: Path) -> None:
    (esp / "EFI/BOOT").mkdir(parents=True)
    shutil.copy(f"{tree(print, WORKSHOP)}/usr/lib/systemd/boot/efi/systemd-bootx64.efi", esp / "EFI/BOOT/BOOTX64.EFI")


@pytest.mark.parametrize("way", [unified_kernel, two_initrds, add_on])
def test_uefi(tmp_path: Path, config: bytes, parts: Path, way: object) -> None:
    esp = tmp_path / "esp"
    esp.mkdir()
    way(parts, esp)  # type: ignore[operator] # one of the three above
    with UefiMachine(str(tmp_path), str(esp), disks=["512M"], config=config, memory=2048, say=print) as machine, machine.boot() as boot:
        check(boot)


# What fails, and how often that is said: by the stage itself (or the unit's journal), and once more by the hook, when the splash screen
# would have gone.
FAILURES = {
    "disks": ({"disks": [{"device": "/dev/nowhere", "wipeTable": True}]}, "Ignition failed"),
    "network": ({"files": [{"path": "/a", "contents": {"source": "http://10.0.2.100/a"}}]}, "Ignition failed in stage fetch"),
}


@pytest.mark.parametrize("stage", FAILURES)
def test_a_failure_is_shown_by_a_newer_dracut(tmp_path: Path, parts: Path, stage: str) -> None:
    """The archive appended to an initramfs that has dracut's emergency shell: the failure screen, then off. The machine has no network."""
    storage, said = FAILURES[stage]
    config = json.dumps({"ignition": {"version": "3.4.0"}, "storage": storage}).encode()
    join = commands("ignition-py initrd build --format cpio --output ignition.cpio\ncp").partition("\n")[2]
    subprocess.run(["sh", "-euc", join], cwd=parts, check=True)
    segments = [str(parts / "initrd-with-ignition.img")]
    with NewerMachine(str(tmp_path), segments, config=config, say=print) as machine, machine.boot(first_boot=True) as boot:
        boot.wait_until_off()
        assert boot.console.text(300).count(said) == 2, boot.console.text(300)


# Shown on the console by the system that has been provisioned.
MKOSI = """variant: fcos
version: 1.6.0
storage:
  files:
    - {path: /etc/made-by, mode: 0644, contents: {inline: "ignition"}}
systemd:
  units:
    - name: tell.service
      enabled: true
      contents: |
        [Unit]
        ConditionPathExists=!/etc/initrd-release
        [Service]
        Type=oneshot
        ExecStart=/bin/sh -c 'echo "tell: $(cat /etc/made-by) $(findmnt -no SOURCE,FSTYPE / | xargs)" >/dev/ttyS0; systemctl poweroff'
        [Install]
        WantedBy=multi-user.target
"""


def test_mkosi(tmp_path: Path) -> None:
    """The example, built and booted by the page's commands; the mirror is the machine's own."""
    example = tmp_path / "examples/mkosi"
    shutil.copytree(f"{REPOSITORY}/examples/mkosi", example, symlinks=True)
    option = f"--local-mirror={mirror()}" if mirror() else ""
    script = commands("cd examples/mkosi").replace("mkosi build", f"mkosi {option} build")
    run_in_folder(tree(print, WORKSHOP), str(tmp_path), script)
    (tmp_path / "mkosi.bu").write_text(MKOSI)
    (example / "config.ign").write_bytes(compile_config(str(tmp_path / "mkosi.bu")))
    argv = shlex.split(commands("qemu-system-x86_64 -m 2G").replace("\\\n", " "))
    with locked(machine_lock()), subprocess.Popen(argv, cwd=example, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        console = Console(process.stdout)
        try:
            assert console.wait_for(r"tell: ignition /dev/vda1 ext4", 400), console.text(80)
            process.wait(100)
        finally:
            process.kill()


# A real plymouthd on a terminal of its own; in a network namespace, in which its socket is.
SPLASH = """import os, pty, subprocess, sys, time
from ignition_py.system.console import _SPLASH_RUNS, Console
master, slave = pty.openpty()
os.makedirs("/run/plymouth", exist_ok=True)
words = ["--no-daemon", "--mode=boot", f"--tty={os.ttyname(slave)}", f"--pid-file={_SPLASH_RUNS}", "--debug"]
daemon = subprocess.Popen(["plymouthd", *words, "--debug-file=/tmp/out/log", "--kernel-command-line=splash"])
while subprocess.run(["plymouth", "--ping"]).returncode:
    time.sleep(0.2)
subprocess.run(["plymouth", "show-splash"], check=True)
console = Console(consoles="/dev/null")
for text in ("disks: making ext4 on /dev/vda1", "files: \u00e4" + 200 * "\u00fc", "after it"):
    console.say(text)
assert console._splash
subprocess.run(["plymouth", "quit"], check=True)
daemon.wait(30)
"""


def test_plymouth_shows_progress(tmp_path: Path) -> None:
    (tmp_path / "splash.py").write_text(SPLASH)
    run_in_folder(tree(print, WORKSHOP), str(tmp_path), """mount -t devpts -o newinstance,ptmxmode=0666 devpts /dev/pts
timeout 60 unshare --net python3 splash.py""")  # fmt: skip
    log = (tmp_path / "log").read_text(errors="surrogateescape")
    shown = [line.partition("displaying message ")[2] for line in log.splitlines() if "displaying message " in line]
    assert shown == ["disks: making ext4 on /dev/vda1", "files: \u00e4" + 122 * "\u00fc", "after it"]
