"""The main job, end to end: YAML compiled, a machine booted with it, and the real root asked what it is like."""

from __future__ import annotations

import json
import os
import re
import time
from collections.abc import Callable

import pytest

from ignition_py.rehearsal.failure_screen import read
from ignition_py.rehearsal.hardware import Network
from tests.vm.vmlab.frames import dhcp_requests, frames
from tests.vm.vmlab.machine import Boot, BootFailed, Machine
from tests.vm.vmlab.quickstart import CHECKS, DISK, compile_config, inspect
from tests.vm.vmlab.web import serving

pytestmark = [pytest.mark.vm, pytest.mark.root, pytest.mark.slow]
MakeMachine = Callable[..., Machine]
STAGES = ["fetch-offline", "kargs", "disks", "mount", "files", "umount"]
WANTED = [(item, wanted) for item, _, wanted in CHECKS]


def stages_run(boot: Boot) -> list[str]:
    """Stages in the order in which the executor began them in this boot, from the journal."""
    lines = boot.ask("journalctl --boot --output=cat --identifier=ignition --no-pager").stdout.splitlines()
    return [line.partition(": stage ")[2].split()[0] for line in lines if ": stage " in line and " on platform " in line]


def check_provisioned(boot: Boot) -> None:
    assert [(item, found) for item, _, found in inspect(boot)] == WANTED


def test_quickstart_is_provisioned_once(make_machine: MakeMachine, tmp_path: os.PathLike[str]) -> None:
    capture = os.path.join(tmp_path, "frames")
    machine = make_machine(disks=[DISK], config=compile_config(), network=Network(capture=capture))
    assert machine.first_boot_pending()
    with machine.boot() as boot:
        boot.wait_until_up()
        check_provisioned(boot)
        assert stages_run(boot) == STAGES
        progress = [text for _, text in boot.console.lines if text.startswith("ignition: ")]
        boot.power_off()
    assert not machine.first_boot_pending()
    assert frames(capture) == [], "the network was touched, and nothing had asked for it"
    for stage in STAGES:
        assert any(re.fullmatch(rf"ignition: stage {stage} is done in [0-9.]+ s", text) for text in progress), progress
    assert "ignition: disks: making ext4 on /dev/disk/by-partlabel/data" in progress

    with machine.boot() as boot:
        boot.wait_until_up()
        check_provisioned(boot)
        assert stages_run(boot) == []
        assert "did not end" not in boot.console.text()
        assert "Ignition (" not in boot.console.text()
        assert len(boot.ask("sort -u /var/lib/data/greetings").stdout.splitlines()) == 2
        uuid = boot.ask("blkid -s UUID -o value /dev/vdb1").stdout
        boot.ask("touch /boot/ignition.firstboot")  # again on purpose, as docs/first-boot.md says
        boot.power_off()

    with machine.boot() as boot:
        boot.wait_until_up()
        assert stages_run(boot) == STAGES
        assert "did not end" not in boot.console.text()
        assert boot.ask("blkid -s UUID -o value /dev/vdb1").stdout == uuid != ""
        assert len(boot.ask("sort -u /var/lib/data/greetings").stdout.splitlines()) == 3


def partition_table_written(disk: str) -> bool:
    """Whether the primary GPT header is on the disk (LBA 1)."""
    with open(disk, "rb") as file:
        file.seek(512)
        return file.read(8) == b"EFI PART"


def filesystem_begun(disk: str) -> bool:
    """Whether mkfs has written an ext4 superblock into the first partition (1 MiB in, 1024 bytes on, magic at 56)."""
    with open(disk, "rb") as file:
        file.seek(2**20 + 1024 + 56)
        return file.read(2) == b"\x53\xef"


@pytest.mark.parametrize("moment", [pytest.param(partition_table_written, marks=pytest.mark.matrix), filesystem_begun])
def test_power_cut_in_the_disks_stage(make_machine: MakeMachine, moment: Callable[[str], bool]) -> None:
    """Whatever the moment, the next boot provisions the machine as an undisturbed one would."""
    machine = make_machine(disks=[DISK], config=compile_config())
    with machine.boot() as boot:
        assert boot.console.wait_for(r"Starting.*Ignition \(disks\)", 120) is not None, boot.console.text(40)
        end = time.monotonic() + 60
        while not moment(machine.disks[1]):
            assert time.monotonic() < end, boot.console.text(40)
            time.sleep(0.005)
        boot.kill()
        assert "Finished ignition-disks" not in boot.console.text(), "the stage was over before the plug was pulled"
    assert machine.first_boot_pending()

    with machine.boot() as boot:
        boot.wait_until_up()
        assert boot.console.wait_for("ignition: an earlier first boot of this machine did not end: it began at 20", 1), boot.console.text()
        check_provisioned(boot)
        assert stages_run(boot) == STAGES
        boot.ask("systemctl start ignition-firstboot-complete.service")
        assert "ignition" not in boot.ask("ls -A /boot").stdout


def test_a_machine_that_hangs_before_its_first_line(tmp_path: os.PathLike[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """It is switched off and on again. Here QEMU holds the processors the first time (-S)."""

    class Hanging(Machine):
        starts = 0

        def argv(self, append: str) -> list[str]:
            self.starts += 1
            return [*super().argv(append), *(["-S"] if self.starts == 1 else [])]

    monkeypatch.setattr("ignition_py.rehearsal.machine.SILENT_SECONDS", 2)
    said: list[str] = []
    with Hanging(str(tmp_path), say=said.append, tpm=True) as hanging, hanging.boot(first_boot=False) as boot:
        boot.wait_until_up()
        assert hanging.starts == 2
        assert said[-1] == "the machine has printed nothing for 2 s; switching it off and on again ..."


def test_a_failed_boot_says_why(make_machine: MakeMachine) -> None:
    """A config that cannot be had ends in a message that names the stage and the mistake, on the console."""
    machine = make_machine(config=b'{"ignition": {"version": "3.4.0"}, "storage": {"files": [{"path": "relative"}]}}')
    with machine.boot() as boot, pytest.raises(BootFailed) as failure:
        boot.wait_until_up()
    first = str(failure.value).split("first failing line: ")[1].split("last lines of its console:")[0]
    assert "Ignition failed in stage fetch-offline" in first
    screen = read([line for _, line in boot.console.lines])
    assert screen is not None
    assert (screen.stage, screen.line, screen.column) == ("fetch-offline", 1, 67), screen.lines
    assert "'relative'" in " ".join(screen.lines)
    assert machine.first_boot_pending()
    kept = machine.read(("", "/etc/.ignition-failure.json"))
    assert kept is not None and json.loads(kept)["stage"] == "fetch-offline"


@pytest.mark.matrix
def test_a_command_line_that_cannot_change(make_machine: MakeMachine) -> None:
    """ignition.firstboot=auto: the machine ID of the root decides."""
    machine = make_machine(disks=[DISK], config=compile_config(), kargs="ignition.firstboot=auto")
    for stages in (STAGES, []):
        with machine.boot(first_boot=False) as boot:
            boot.wait_until_up()
            check_provisioned(boot)
            assert stages_run(boot) == stages
            boot.power_off()


def test_metal_fetches_its_config_over_http(make_machine: MakeMachine, tmp_path: os.PathLike[str]) -> None:
    config = {
        "ignition": {"version": "3.5.0"},
        "storage": {"files": [{"path": "/etc/from-http", "mode": 0o600, "contents": {"source": "data:,fetched%0A"}}]},
    }
    address, capture = os.path.join(tmp_path, "http"), os.path.join(tmp_path, "frames")
    with serving(address, json.dumps(config).encode()) as server:
        machine = make_machine(
            platform="metal", network=Network((80, address), capture=capture),
            kargs="ignition.config.url=http://10.0.2.100/config.ign",
        )  # fmt: skip
        with machine.boot() as boot:
            boot.wait_until_up()
            assert boot.ask("stat -c '%a %U' /etc/from-http; cat /etc/from-http").stdout == "600 root\nfetched\n"
            assert stages_run(boot) == ["fetch-offline", "fetch", *STAGES[1:]]
            assert boot.console.wait_for("Finished ignition-network", 1) is not None
    assert [path for path, _ in server.requests] == ["/config.ign"]
    assert "Ignition" in server.requests[0][1]
    assert dhcp_requests(capture) > 0


def test_a_machine_for_other_tests(vm_shell: Callable[[list[str]], Boot]) -> None:
    """The working tree can be used inside a machine, with disks, pytest and our packages."""
    boot = vm_shell(["64M", "32M"])
    assert boot.ask("lsblk -dnro NAME,SIZE | sort").stdout.split("\n")[1:3] == ["vdb 64M", "vdc 32M"]
    environment = "cd /src && PYTHONPATH=/src:/site PYTHONDONTWRITEBYTECODE=1"
    answer = boot.ask(f"{environment} python3 -c 'import ignition_py, parted, pytest; print(pytest.__name__)'")
    assert (answer.rc, answer.stdout) == (0, "pytest\n"), answer
    assert boot.ask("journalctl --boot --output=cat --identifier=ignition").stdout == ""
