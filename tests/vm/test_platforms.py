"""Platforms whose drives or devices only a machine has, in one boot: vfat, ISO 9660 and UDF with links by the real
udev, CD-ROM drives, virtual sockets, and VMware's port as far as QEMU plays it.
"""

from __future__ import annotations

import json
import subprocess
import sysconfig
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.vm.vmlab.image import REPOSITORY
from tests.vm.vmlab.machine import Answer, Boot, Machine
from tests.vm.vmlab.shell import in_tree, mount_tree

pytestmark = [pytest.mark.vm, pytest.mark.root, pytest.mark.slow]

PATH_2 = "openstack/latest/user_data"
# Answers every GET with nothing, as Azure's service for a machine without user data; and a host behind a virtual socket.
SERVICES = """
import http.server, socket, sys, threading
class Empty(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200 if self.headers["Metadata"] == "true" else 400)
        self.send_header("Content-Length", "0")
        self.end_headers()
class Host(Empty):
    def do_GET(self):
        data = open("/run/applehv.ign", "rb").read()
        self.send_response(200)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)
    def address_string(self):
        return "host"
class Vsock(http.server.HTTPServer):
    address_family = socket.AF_VSOCK
    def server_bind(self):
        self.socket.bind((socket.VMADDR_CID_ANY, 1024))
        self.server_name, self.server_port = "host", 1024
azure = http.server.HTTPServer(("169.254.169.254", 80), Empty)
threading.Thread(target=azure.serve_forever, daemon=True).start()
Vsock(None, Host).serve_forever()
"""
PORT = """
import ctypes
from ignition_py.providers import vmware_rpc
assert ctypes.CDLL(None).iopl(3) == 0
registers = vmware_rpc._backdoor(cx=vmware_rpc._GET_VERSION)
print(hex(registers[0] & 0xFFFFFFFF), hex(registers[1] & 0xFFFFFFFF), vmware_rpc.present())
"""


def config(name: str) -> str:
    """A config that can be told from others."""
    return json.dumps({"ignition": {"version": "3.4.0"}, "passwd": {"groups": [{"name": name}]}})


class WithDiscs(Machine):
    """A machine with discs in CD-ROM drives."""

    discs: tuple[str, ...] = ()

    def argv(self, append: str) -> list[str]:
        argv = super().argv(append)
        for path in self.discs:
            argv += ["-drive", f"file={path},if=ide,media=cdrom,format=raw,readonly=on"]
        return argv


def disc(folder: Path, label: str, files: dict[str, str], *options: str) -> str:
    """An ISO 9660 image, with UDF where the options say so."""
    content = folder / f"content {label}"
    for path, text in files.items():
        (content / path).parent.mkdir(parents=True, exist_ok=True)
        (content / path).write_text(text)
    image = folder / f"{label}.iso"
    argv = ["genisoimage", "-quiet", "-r", "-V", label, *options, "-o", str(image), str(content)]
    subprocess.run(argv, check=True, capture_output=True)
    return str(image)


@pytest.fixture(scope="module")
def boot(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Boot]:
    """A machine with every drive, all filled, and the services running."""
    folder = tmp_path_factory.mktemp("platforms")
    shares = {"src": REPOSITORY, "site": sysconfig.get_path("purelib")}
    with WithDiscs(str(folder), disks=["4M", "4M", "4M", "4M"], shares=shares, say=print) as machine:
        subprocess.run(["mkfs.vfat", "-n", "CIDATA", machine.disks[1]], check=True, capture_output=True)
        drive = disc(folder, "config-2", {PATH_2: config("iso9660"), "cloudstack/userdata/user_data.txt": config("cs")})
        Path(machine.disks[2]).write_bytes(Path(drive).read_bytes())
        stick = folder / "stick" / "ignition"
        stick.mkdir(parents=True)
        (stick / "config.ign").write_text(config("stick"))
        label = ["mkfs.ext4", "-q", "-L", "ignition", "-d", str(stick.parent), machine.disks[3]]
        subprocess.run(label, check=True, capture_output=True)
        custom = {"ovf-env.xml": "<x/>", "CustomData.bin": config("udf")}
        machine.discs = (
            disc(folder, "tools", {"CustomData.bin": config("not for provisioning")}, "-udf"),
            disc(folder, "provisioning", custom, "-udf", "-iso-level", "3"),
        )
        with machine.boot(first_boot=False) as running:
            running.wait_until_up()
            mount_tree(running)
            prepare(running)
            yield running


def ok(answer: Answer) -> str:
    assert answer.rc == 0, answer
    return answer.stdout


def prepare(boot: Boot) -> None:
    ok(
        boot.ask(
            "mkdir /run/drive && mount -t vfat /dev/vdb /run/drive && cat > /run/drive/user-data && umount /run/drive",
            stdin=config("vfat"),
        )
    )
    ok(boot.ask("cat > /run/applehv.ign", stdin=config("applehv")))
    ok(boot.ask("cat > /run/services.py", stdin=SERVICES))
    ok(boot.ask("modprobe vsock_loopback && ip link set lo up && ip addr add 169.254.169.254/32 dev lo"))
    ok(boot.ask("systemd-run --unit=services python3 /run/services.py && udevadm settle"))


def fetch(boot: Boot, platform: str, stage: str = "fetch", setting: str = "IGNITION_=") -> tuple[Answer, Any]:
    """Runs the stage, with a setting of the image; what it said, and the names of the config's groups."""
    folder = f"/run/{platform}"
    files = f"-config-cache {folder}/cache -state-file {folder}/state -neednet {folder}/neednet"
    argv = ["env", setting, "python3", "-m", "ignition_py", "-platform", platform, "-stage", stage, "-log-to-stdout"]
    argv += ["-fetch-timeout", "20s", *files.split()]
    answer = boot.run(in_tree(argv), timeout=600)
    cache = boot.ask(f"cat {folder}/cache").stdout
    groups = json.loads(cache).get("passwd", {}).get("groups", []) if cache else None
    return answer, groups and [group["name"] for group in groups]


@pytest.mark.parametrize(
    ("platform", "stage", "wanted"),
    [
        ("ibmcloud", "fetch-offline", "vfat"),
        ("proxmoxve", "fetch-offline", "vfat"),
        ("kubevirt", "fetch-offline", "vfat"),
        ("powervs", "fetch-offline", "iso9660"),
        ("nutanix", "fetch-offline", "iso9660"),
        ("openstack", "fetch", "iso9660"),
        ("brightbox", "fetch", "iso9660"),
        ("cloudstack", "fetch", "cs"),
        ("azure", "fetch", "udf"),
        ("azurestack", "fetch-offline", "udf"),
        ("applehv", "fetch-offline", "applehv"),
    ],
)
def test_platform(boot: Boot, platform: str, stage: str, wanted: str) -> None:
    answer, groups = fetch(boot, platform, stage)
    assert (answer.rc, groups) == (0, [wanted]), answer.stdout + answer.stderr
    assert "ignition-config-" not in boot.ask("cat /proc/mounts").stdout


def test_filesystem_labelled_ignition(boot: Boot) -> None:
    """Only where the image wants it, and then before the platform."""
    assert fetch(boot, "metal", "fetch-offline")[1] == []
    answer, groups = fetch(boot, "metal", "fetch-offline", "IGNITION_MICROOS=1")
    assert (answer.rc, groups) == (0, ["stick"]), answer.stdout + answer.stderr


def test_vmware_port(boot: Boot) -> None:
    """QEMU knows one command of the port; and says that it is not VMware, so the platform leaves it alone."""
    said = boot.run(in_tree(["python3", "-c", PORT]))
    if "tcg" in " ".join(boot.machine.argv("")):
        assert said.stdout.split() == ["0x6", "0x564d5868", "False"], said
    answer, _ = fetch(boot, "vmware")
    assert answer.rc == 1
    assert "this is not a virtual machine of VMware's" in answer.stdout


def test_unit_that_deletes_the_config(boot: Boot) -> None:
    """systemd has nothing against it, and leaves it alone on platforms that cannot delete one."""
    unit = "ignition-delete-config.service"
    ok(boot.ask(f"cp /src/ignition_py/initrd/firstboot/{unit} /run/systemd/system && systemctl daemon-reload"))
    said = boot.ask(f"systemctl show -P LoadState {unit} && systemctl start {unit}; systemctl show -P ConditionResult {unit}")
    assert said.stdout.split() == ["loaded", "no"], said


def test_reports_to_a_vsock(boot: Boot) -> None:
    """The tests of the sink that need a kernel with a vsock loopback."""
    argv = ["python3", "-m", "pytest", "-q", "-rs", "-p", "no:cacheprovider", "/src/tests/notify/test_platforms.py", "-k", "test_vsock"]
    answer = boot.run(in_tree(argv), timeout=600)
    assert answer.rc == 0, answer.stdout + answer.stderr
    assert " skipped" not in answer.stdout, answer.stdout
