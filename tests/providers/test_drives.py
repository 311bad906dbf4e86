"""Platforms with a config drive: real filesystems with the real label, on loop devices.

This machine's kernel has no iso9660, vfat or udf; those are in tests/vm/test_providers_vm.py.
"""

from __future__ import annotations

import os
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from ignition_py.fetch.fetcher import NeedNetwork
from ignition_py.providers import Machine, cdrom, drive, ibmcloud, labelled, load, proxmoxve
from ignition_py.report.diag import IgnitionError
from tests.helpers.servers import MemoryLog, body
from tests.providers.network import Namespace, config

pytestmark = [pytest.mark.root, pytest.mark.subprocess]

OPENSTACK, NOCLOUD, CLOUDSTACK = drive.OPENSTACK, drive.NOCLOUD, "/cloudstack/userdata/user_data.txt"
Attach = Callable[..., str]
PIPE = "|"


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drive, "POLL", 0.02)
    for module in (ibmcloud, labelled, proxmoxve):
        monkeypatch.setattr(module, "WAIT", 0.1)
    monkeypatch.setattr(drive, "LONG_WAIT", 0.1)


@pytest.fixture
def attach(machine: Machine, tmp_path: Path) -> Iterator[Attach]:
    """`attach("cidata", {"/user-data": b"…"})`: an ext4 filesystem on a loop device, with the link that udev makes."""
    with ExitStack() as stack:

        def make(label: str, files: dict[str, bytes], links: dict[str, str] | None = None) -> str:
            content = tmp_path / f"content-{label}"
            content.mkdir()
            for path, data in files.items():
                target = content / path.lstrip("/")
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(data)
            for path, link in (links or {}).items():
                target = content / path.lstrip("/")
                target.parent.mkdir(parents=True, exist_ok=True)
                os.mkfifo(target) if link == PIPE else target.symlink_to(link)
            return connect(label, content)

        def connect(label: str, content: Path) -> str:
            image = tmp_path / f"{label}.img"
            subprocess.run(["truncate", "-s", "4M", str(image)], check=True)
            subprocess.run(["mkfs.ext4", "-q", "-L", label, "-d", str(content), str(image)], check=True)
            argv = ["losetup", "--find", "--show", "--read-only", str(image)]
            device = subprocess.run(argv, check=True, capture_output=True, text=True).stdout.strip()
            stack.callback(subprocess.run, ["losetup", "--detach", device], check=True)
            link = Path(machine.path(f"{drive.BY_LABEL}/{label}"))
            link.parent.mkdir(parents=True, exist_ok=True)
            link.symlink_to(device)
            return device

        yield make
    assert "ignition-config-" not in Path("/proc/mounts").read_text()


# platform, label, file: everything that needs no network
DRIVES = [
    ("powervs", "config-2", OPENSTACK),
    ("powervs", "CONFIG-2", OPENSTACK),
    ("nutanix", "config-2", OPENSTACK),
    ("nutanix", "CONFIG-2", OPENSTACK),
    ("ibmcloud", "cidata", NOCLOUD),
    ("ibmcloud", "CIDATA", NOCLOUD),
    ("kubevirt", "cidata", NOCLOUD),
    ("kubevirt", "CIDATA", NOCLOUD),
    ("kubevirt", "config-2", OPENSTACK),
    ("proxmoxve", "cidata", NOCLOUD),
    ("proxmoxve", "CIDATA", NOCLOUD),
]
# the same, where a metadata service could be asked as well
EITHER = [
    ("openstack", "config-2", OPENSTACK),
    ("openstack", "CONFIG-2", OPENSTACK),
    ("brightbox", "config-2", OPENSTACK),
    ("cloudstack", "config-2", CLOUDSTACK),
    ("cloudstack", "CONFIG-2", CLOUDSTACK),
]
everywhere = pytest.mark.parametrize(("platform", "label", "path"), [*DRIVES, *EITHER])
OTHER = {"config-2": "cidata", "CONFIG-2": "cidata", "cidata": "config-2", "CIDATA": "config-2"}


@everywhere
def test_good(machine: Machine, attach: Attach, platform: str, label: str, path: str) -> None:
    attach(label, {path: config(platform), "/other": b"other"})
    machine.fetcher.offline = (platform, label, path) in DRIVES
    assert load(platform)(machine) == config(platform)


@everywhere
@pytest.mark.parametrize("files", [{"other": b"x"}, None], ids=["missing", "empty"])
def test_no_config(
    machine: Machine, attach: Attach, platform: str, label: str, path: str, files: dict[str, bytes] | None
) -> None:
    attach(label, {path: b""} if files is None else files)
    assert load(platform)(machine) == b""


@pytest.mark.parametrize(("platform", "label", "path"), DRIVES)
def test_a_file_that_leads_out_of_the_drive(
    machine: Machine, attach: Attach, platform: str, label: str, path: str
) -> None:
    attach(label, {}, {path: "/etc/passwd"})
    with pytest.raises(IgnitionError, match="is a link to a file that is not on it"):
        load(platform)(machine)


@pytest.mark.parametrize("target", ["/real/config", "../../real/config"])
def test_a_link_inside_the_drive(machine: Machine, attach: Attach, target: str) -> None:
    """Its root is the drive's, whatever the machine has at that path."""
    attach("config-2", {"/real/config": config("powervs")}, {OPENSTACK: target})
    assert load("powervs")(machine) == config("powervs")


@pytest.mark.parametrize(("platform", "label", "path"), DRIVES[:1])
def test_a_pipe_is_no_config(machine: Machine, attach: Attach, platform: str, label: str, path: str) -> None:
    attach(label, {}, {path: PIPE})
    with pytest.raises(IgnitionError, match="is not an ordinary file"):
        load(platform)(machine)


@pytest.mark.parametrize(("platform", "label", "path"), DRIVES)
def test_a_folder_is_no_config(machine: Machine, attach: Attach, platform: str, label: str, path: str) -> None:
    attach(label, {f"{path}/sub": b"x"})
    with pytest.raises(IgnitionError, match="is not an ordinary file"):
        load(platform)(machine)


def test_huge(machine: Machine, attach: Attach, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drive, "CONFIG_LIMIT", 1000)
    attach("config-2", {OPENSTACK: b"x" * 1001})
    with pytest.raises(IgnitionError, match="has more than 1000 bytes"):
        load("powervs")(machine)


@pytest.mark.parametrize("platform", ["powervs", "nutanix", "kubevirt"])
def test_a_drive_that_must_be_there(machine: Machine, platform: str) -> None:
    with pytest.raises(IgnitionError, match=r"no config drive labelled .*config-2.* appeared within 0\.1 seconds"):
        load(platform)(machine)


@pytest.mark.parametrize("platform", ["ibmcloud", "proxmoxve"])
def test_a_drive_that_need_not_be_there(machine: Machine, platform: str, log: MemoryLog) -> None:
    assert load(platform)(machine) == b""
    assert "no drive labelled cidata appeared within 0.1 seconds" in log.text


@pytest.mark.parametrize(("platform", "label", "path"), DRIVES)
def test_a_drive_that_comes_late(
    machine: Machine, attach: Attach, platform: str, label: str, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (ibmcloud, labelled, proxmoxve):
        monkeypatch.setattr(module, "WAIT", 10.0)
    monkeypatch.setattr(drive, "LONG_WAIT", 10.0)
    attach(label, {path: config(platform)})
    link = Path(machine.path(f"{drive.BY_LABEL}/{label}"))
    away = link.rename(link.with_name("elsewhere"))
    threading.Timer(0.1, lambda: away.rename(link)).start()
    assert load(platform)(machine) == config(platform)


@pytest.mark.parametrize(("platform", "label", "path"), DRIVES)
def test_a_drive_that_cannot_be_mounted(machine: Machine, platform: str, label: str, path: str) -> None:
    link = Path(machine.path(f"{drive.BY_LABEL}/{label}"))
    link.parent.mkdir(parents=True)
    link.symlink_to("/dev/null")
    with pytest.raises(IgnitionError, match=f"mounting the config drive {label}: mount failed"):
        load(platform)(machine)


@pytest.mark.parametrize("label", ["cidata", "config-2"])
def test_kubevirt_reads_the_drive_that_is_there(machine: Machine, attach: Attach, label: str) -> None:
    """Both kinds of file on both kinds of drive: each drive has its own."""
    attach(label, {NOCLOUD: config("nocloud"), OPENSTACK: config("openstack")})
    assert load("kubevirt")(machine) == config("nocloud" if label == "cidata" else "openstack")


CLOUD_CONFIG = b"#cloud-config\nusers: []\n"


@pytest.mark.parametrize(
    ("user", "vendor", "wanted"),
    [
        (config("user"), config("vendor"), config("user")),
        (CLOUD_CONFIG, config("vendor"), config("vendor")),
        (b"", config("vendor"), config("vendor")),
        (None, config("vendor"), config("vendor")),
        (CLOUD_CONFIG, CLOUD_CONFIG, b""),
        (CLOUD_CONFIG, None, b""),
        (b"#cloud-config", None, b"#cloud-config"),
    ],
    ids=["user", "cloud-config", "empty", "missing", "both cloud-config", "only cloud-config", "not quite"],
)
def test_proxmox_vendor_data(
    machine: Machine, attach: Attach, user: bytes | None, vendor: bytes | None, wanted: bytes
) -> None:
    files = {NOCLOUD: user, proxmoxve.VENDOR_DATA: vendor}
    attach("cidata", {path: data for path, data in files.items() if data is not None})
    assert load("proxmoxve")(machine) == wanted


@pytest.mark.sockets
def test_openstack_prefers_a_drive_that_is_there(network: Namespace, machine: Machine, attach: Attach) -> None:
    network.at[f"GET {OPENSTACK}"] = body(config("service"))
    attach("config-2", {OPENSTACK: config("drive")})
    assert network.call(lambda: load("openstack")(machine)) == config("drive")
    assert network.asked == []


@pytest.mark.sockets
@pytest.mark.parametrize("status", [503, 401])
def test_openstack_takes_a_drive_that_comes_while_the_service_fails(
    network: Namespace, machine: Machine, attach: Attach, status: int
) -> None:
    network.at[f"GET {OPENSTACK}"] = body(b"", status=status)
    timer = threading.Timer(0.2, attach, ("CONFIG-2", {OPENSTACK: config("drive")}))
    timer.start()
    assert network.call(lambda: load("openstack")(machine)) == config("drive")
    timer.join()
    assert network.asked


@pytest.mark.sockets
def test_openstack_asks_the_service_where_the_drive_is_broken(
    network: Namespace, machine: Machine, log: MemoryLog
) -> None:
    link = Path(machine.path(f"{drive.BY_LABEL}/config-2"))
    link.parent.mkdir(parents=True)
    link.symlink_to("/dev/null")
    network.at[f"GET {OPENSTACK}"] = body(config("service"))
    assert network.call(lambda: load("openstack")(machine)) == config("service")
    assert "mounting the config drive config-2: mount failed" in log.text
    network.at.clear()  # the service has nothing either: then the drive would have had the config
    with pytest.raises(IgnitionError, match="mounting the config drive config-2"):
        network.call(lambda: load("openstack")(machine))


@pytest.mark.parametrize("platform", ["openstack", "cloudstack"])
def test_offline_is_not_enough_where_the_network_counts_too(machine: Machine, attach: Attach, platform: str) -> None:
    attach("config-2", {OPENSTACK: config("drive"), CLOUDSTACK: config("drive")})
    machine.fetcher.offline = True
    with pytest.raises(NeedNetwork):
        load(platform)(machine)


@pytest.fixture
def cd(attach: Attach, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Attach:
    """A loop device that passes for a CD-ROM drive with a disc; ext4, as this kernel has no filesystem of CD-ROMs."""
    monkeypatch.setattr(cdrom, "WAIT", 0.3)
    monkeypatch.setattr(cdrom, "POLL", 0.05)
    devices: list[str] = []
    monkeypatch.setattr(cdrom, "disc_present", lambda device: device in devices)
    monkeypatch.setattr(cdrom, "_devices", lambda machine, kind: devices if kind == "ext4" else [])

    def insert(*args: object) -> str:
        devices.append(attach(*args))
        return devices[-1]

    return insert


def test_custom_data(machine: Machine, cd: Attach) -> None:
    cd("other", {"/CustomData.bin": config("other")})
    cd("cd", {"/ovf-env.xml": b"<x/>", "/CustomData.bin": config("custom")})
    assert cdrom.custom_data(machine, ("udf", "ext4")) == config("custom")


def test_custom_data_that_is_not_there(machine: Machine, cd: Attach) -> None:
    cd("cd", {"/ovf-env.xml": b"<x/>"})
    assert cdrom.custom_data(machine, ("ext4",)) == b""


def test_a_cd_that_is_not_for_provisioning(machine: Machine, cd: Attach) -> None:
    device = cd("cd", {"/CustomData.bin": config("custom")})
    with pytest.raises(IgnitionError, match=rf"no provisioning CD-ROM .* appeared .*{device} has no ovf-env\.xml"):
        cdrom.custom_data(machine, ("ext4",))


def test_a_disk_is_no_cd(machine: Machine, attach: Attach, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cdrom, "WAIT", 0.0)
    device = attach("cd", {"/ovf-env.xml": b"", "/CustomData.bin": config("custom")})
    assert not cdrom.disc_present(device)
    assert not cdrom.disc_present("/dev/none")
    with pytest.raises(IgnitionError, match=rf"{device} is no CD-ROM drive"):
        cdrom.custom_data(machine, ("ext4",))


def test_azurestack_waits_for_its_cd(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cdrom, "WAIT", 0.0)
    with pytest.raises(IgnitionError, match=r"no provisioning CD-ROM \(udf or iso9660\) appeared"):
        load("azurestack")(machine)


@pytest.mark.sockets
def test_azure_without_user_data_looks_for_the_cd(
    network: Namespace, machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cdrom, "WAIT", 0.0)
    path = "/metadata/instance/compute/userData?api-version=2021-01-01&format=text"
    network.at[f"GET {path}"] = body(b"")
    begun = time.monotonic()
    with pytest.raises(IgnitionError, match=r"no provisioning CD-ROM \(udf\) appeared"):
        network.call(lambda: load("azure")(machine))
    assert time.monotonic() - begun < 60


@pytest.fixture
def microos(machine: Machine) -> Machine:
    machine.environ = {"IGNITION_MICROOS": "1"}
    return machine


@pytest.mark.parametrize("label", labelled.LABELS)
def test_a_filesystem_labelled_ignition(microos: Machine, attach: Attach, label: str) -> None:
    microos.fetcher.offline = True
    attach(label, {"/ignition/config.ign": config("stick"), "/combustion/script": b"#!/bin/sh"})
    assert labelled.fetch(microos) == config("stick")
    assert microos.source == f"/ignition/config.ign on the filesystem {label}"


def test_a_filesystem_labelled_ignition_without_a_config(microos: Machine, attach: Attach) -> None:
    attach("ignition", {"/combustion/script": b"#!/bin/sh"})
    assert labelled.fetch(microos) is None


def test_no_filesystem_labelled_ignition(microos: Machine) -> None:
    assert labelled.fetch(microos) is None


@pytest.mark.parametrize("value", [None, "", "0", "no"])
def test_a_filesystem_labelled_ignition_that_the_image_does_not_want(
    machine: Machine, attach: Attach, value: str | None
) -> None:
    machine.environ = {} if value is None else {"IGNITION_MICROOS": value}
    attach("ignition", {"/ignition/config.ign": config("stick")})
    assert labelled.fetch(machine) is None


def test_a_filesystem_labelled_ignition_that_cannot_be_read(microos: Machine, attach: Attach) -> None:
    attach("ignition", {}, {"/ignition/config.ign": "/etc/passwd-of-the-machine"})
    with pytest.raises(IgnitionError, match="is a link to a file that is not on it"):
        labelled.fetch(microos)
