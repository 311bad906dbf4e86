"""system/device_timeout.py: how long to wait for a device, asked from systemd, else read from the kernel command line."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from ignition_py.system import device_timeout, host, udev
from ignition_py.system.device_timeout import FOREVER, device_timeouts, seconds_of
from tests.helpers.servers import MemoryLog


@pytest.mark.parametrize(
    ("span", "seconds"),
    [
        ("90", 90), ("15s", 15), ("1min 30s", 90), ("2h 5min", 7500), ("1.5min", 90), ("500ms", 0.5), ("1d", 86400), ("1w", 604800), ("1M", 2630016),
        ("1y 1us", 31557600.000001), ("3 min", 180), ("1min30", 90), ("infinity", FOREVER), ("0", 0), ("", None), ("soon", None), ("1 fortnight", None),
        ("-5", None), ("1..2s", None), ("s", None),
    ],
)  # fmt: skip
def test_time_spans(span: str, seconds: float | None) -> None:
    assert seconds_of(span) == (None if seconds is None else pytest.approx(seconds))


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A folder: its `cmdline` is the kernel's, and `booted` is there where systemd runs; programs in it come first."""
    monkeypatch.setattr(host, "COMMAND_LINE", str(tmp_path / "cmdline"))
    monkeypatch.setattr(device_timeout, "BOOTED", str(tmp_path / "booted"))
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    (tmp_path / "cmdline").write_text("quiet\n")
    return tmp_path


def systemctl(machine: Path, script: str) -> None:
    """systemd runs, and its systemctl is a script."""
    (machine / "booted").mkdir()
    (machine / "systemctl").write_text(f'#!/bin/sh\necho "$@" >{machine}/asked\n{script}\n')
    (machine / "systemctl").chmod(0o755)


@pytest.mark.parametrize(
    ("words", "seconds"),
    [
        ("quiet", 90), (f"{device_timeout.ARGUMENT}=15", 15), ("systemd.default-device-timeout-sec=2min", 120),
        (f"{device_timeout.ARGUMENT}=5 x {device_timeout.ARGUMENT}=7", 7), (f"{device_timeout.ARGUMENT}=0", FOREVER),
        (f"{device_timeout.ARGUMENT}=infinity", FOREVER), (f"{device_timeout.ARGUMENT}=soon", 90), (device_timeout.ARGUMENT, 90),
    ],
)  # fmt: skip
def test_without_systemd_the_kernel_command_line_counts(machine: Path, log: MemoryLog, words: str, seconds: float) -> None:
    (machine / "cmdline").write_text(f"{words}\n")
    assert device_timeouts(log, ["/dev/vda"], 90) == {"/dev/vda": seconds}
    (machine / "cmdline").unlink()
    assert device_timeouts(log, ["/dev/vda"], 90) == {"/dev/vda": 90}


@pytest.mark.subprocess
def test_systemd_is_asked_for_each_device(machine: Path, log: MemoryLog) -> None:
    blocks = ("1min 30s", "infinity"), ("15s", "infinity"), ("1min 30s", "10s"), ("infinity", "infinity")
    text = "\n\n".join(f"JobTimeoutUSec={total}\nJobRunningTimeoutUSec={running}" for running, total in blocks)
    systemctl(machine, f"cat <<'EOF'\n{text}\nEOF")
    devices = ["/dev/vda", "/dev/disk/by-id/late", "/dev//vdc", "/dev/vdd", "/run/link"]
    (machine / "cmdline").write_text(f"{device_timeout.ARGUMENT}=33\n")
    assert device_timeouts(log, devices, 90) == dict(zip(devices, (90, 15, 10, FOREVER, 33), strict=True))
    assert (machine / "asked").read_text().endswith(" -- /dev/vda /dev/disk/by-id/late /dev/vdc /dev/vdd\n")


@pytest.mark.subprocess
@pytest.mark.parametrize("script", ["echo no bus >&2; exit 1", "exit 0", "echo x; echo; echo y", "echo JobTimeoutUSec=whenever"])
def test_a_systemd_that_does_not_say(machine: Path, log: MemoryLog, script: str) -> None:
    systemctl(machine, script)
    assert device_timeouts(log, ["/dev/vda"], 90) == {"/dev/vda": 90}
    assert ("no bus" in log.text) == ("no bus" in script)


@pytest.mark.subprocess
def test_each_device_is_waited_for_as_long_as_it_has(machine: Path, log: MemoryLog, monkeypatch: pytest.MonkeyPatch) -> None:
    systemctl(machine, "printf 'JobRunningTimeoutUSec=200ms\\n\\nJobRunningTimeoutUSec=300ms\\n'")
    monkeypatch.setattr("ignition_py.system.waiting.INTERVAL", 0.1)
    missing = udev.absent(log, ["/dev/none-1", "/dev/none-2"])
    assert missing["/dev/none-1"].startswith("did not appear within 0.2 seconds; block devices are ")
    assert missing["/dev/none-2"].startswith("did not appear within 0.3 seconds; ")
    assert "waiting for /dev/none-1, /dev/none-2, 0." in log.text
    missing = udev.absent(log, ["/dev/none-1"], patient=False)
    assert missing["/dev/none-1"].startswith("did not appear; ")


@pytest.mark.subprocess
@pytest.mark.root
@pytest.mark.skipif(not os.path.isdir(device_timeout.BOOTED), reason="tests/vm/test_disks.py runs it in a machine with systemd")
def test_settings_of_a_real_systemd(log: MemoryLog) -> None:
    def limits() -> list[float]:
        return list(device_timeouts(log, ["/dev/disk/by-id/late-disk", "/dev/disk/by-id/other"], 1234).values())

    assert limits() == [90, 90]
    conf, unit = Path("/run/systemd/system.conf.d"), Path("/run/systemd/system/dev-disk-by\\x2did-other.device.d")
    for folder in (conf, unit):
        folder.mkdir(parents=True)
    (conf / "slow.conf").write_text("[Manager]\nDefaultDeviceTimeoutSec=17\n")
    (unit / "50-device-timeout.conf").write_text("[Unit]\nJobRunningTimeoutSec=2\n")  # as systemd-fstab-generator writes it
    try:
        subprocess.run(["systemctl", "daemon-reload"], check=True)
        assert limits() == [17, 2]
        assert "did not appear within 2 seconds" in udev.absent(log, ["/dev/disk/by-id/other"])["/dev/disk/by-id/other"]
    finally:
        for path in (conf / "slow.conf", unit / "50-device-timeout.conf"):
            path.unlink()
        subprocess.run(["systemctl", "daemon-reload"], check=True)
