"""The boot scripts for initramfs-tools, run inside an initramfs that mkinitramfs has made, in namespaces of their own.

Booting it is a row of test_matrix.py. Here: which stages run, in which order, when, and what happens where one fails. `panic`
and `configure_networking` of initramfs-tools, which end or wait for a machine, are replaced by ones that say that they were called.
"""

from __future__ import annotations

import gzip
import json
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.vm.formats import segments

pytestmark = [pytest.mark.root, pytest.mark.subprocess, pytest.mark.slow]

REPLACED = """
panic() { echo "PANIC $*"; exit 9; }
configure_networking() { echo NETWORK; [ -z "$lease" ] || echo "IPV4DNS0='192.0.2.53' IPV4DNS1='0.0.0.0'" >/run/net-eth0.conf; }
"""
# $1 the initramfs, $2 the kernel's command line, then settings of initramfs-tools.
BOOT = """set -e
root=$1; echo "$2" >"$root/cmdline"; shift 2
mount --bind "$root" "$root"
mount -t proc proc "$root/proc"; mount --bind "$root/cmdline" "$root/proc/cmdline"
for name in dev run root; do mount -t tmpfs tmpfs "$root/$name"; done
for name in null zero urandom; do : >"$root/dev/$name"; mount --bind "/dev/$name" "$root/dev/$name"; done
mkdir -p "$root/root/etc/selinux"; mount -o remount,ro "$root/root"
exec "$(command -v chroot)" "$root" env -i PATH=/sbin:/usr/sbin:/bin:/usr/bin quiet=n panic= readonly=y rootmnt=/root "$@" sh -c '
for at in init-premount local-bottom; do
    echo "AT $at"; "/scripts/$at/"*ignition || exit
done
grep -q " /root tmpfs ro," /proc/mounts && echo "ROOT read-only"
cat /root/etc/made 2>/dev/null' 2>&1
"""
CONFIG = {"ignition": {"version": "3.5.0"}, "storage": {"files": [{"path": "/etc/made", "contents": {"source": "data:,MADE"}}]}}


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("initramfs")
    (image,) = segments("initramfs-tools", print)
    data = gzip.decompress(Path(image).read_bytes())
    subprocess.run(["cpio", "-idm", "--quiet"], input=data, cwd=root, check=True)
    for name in ("proc", "dev", "root"):
        (root / name).mkdir(exist_ok=True)
    with (root / "scripts/functions").open("a") as file:
        file.write(REPLACED)
    return root


def boot(root: Path, cmdline: str, *settings: str) -> list[str]:
    """What the boot says that is ours: order of stages, calls, the end. The console is a file."""
    unshare = shutil.which("unshare") or "unshare is missing"
    argv = [unshare, "--mount", "--pid", "--net", "--fork", "sh", "-c", BOOT, "sh", str(root), cmdline, *settings]
    done = subprocess.run(argv, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL, timeout=300)
    lines = [line.rpartition(": stage ")[2] if " on platform " in line else line for line in done.stdout.splitlines()]
    return [line for line in lines if line.split(" ")[0] in ("AT", "NETWORK", "PANIC", "ROOT", "MADE") or " on platform " in line]


def test_stages_run_around_the_mount_of_the_root(unpacked: Path) -> None:
    (unpacked / "config.ign").write_text(json.dumps(CONFIG))
    said = boot(unpacked, "ignition.firstboot ignition.platform.id=file", "IGNITION_CONFIG_FILE=/config.ign",
                "IGNITION_ARGS=--log-to-stdout")  # fmt: skip
    assert said == [
        "AT init-premount",
        *(f"{stage} on platform file" for stage in ("fetch-offline", "kargs", "disks")),
        "AT local-bottom",
        *(f"{stage} on platform file" for stage in ("mount", "files", "umount")),
        "MADE",
    ]


def test_later_boots_run_nothing(unpacked: Path) -> None:
    said = boot(unpacked, "quiet ignition.platform.id=file", "IGNITION_ARGS=--log-to-stdout")
    assert said == ["AT init-premount", "AT local-bottom", "ROOT read-only"]


def test_the_network_comes_up_when_it_is_asked_for(unpacked: Path) -> None:
    cmdline = "ignition.firstboot ignition.platform.id=metal ignition.config.url=http://192.0.2.1/config.ign"
    arguments = "IGNITION_ARGS=--log-to-stdout --fetch-timeout=1s"
    assert boot(unpacked, cmdline, arguments) == [
        "AT init-premount",
        "fetch-offline on platform metal",
        "NETWORK",
        "fetch on platform metal",
        "PANIC Ignition failed: stage fetch failed. This machine is not provisioned.",
    ]
    assert boot(unpacked, cmdline, arguments, "lease=1") == [
        "AT init-premount",
        "fetch-offline on platform metal",
        "NETWORK",
        "fetch on platform metal",
        "PANIC Ignition failed: stage fetch failed. This machine is not provisioned.",
    ]
    assert (unpacked / "etc/resolv.conf").read_text() == "nameserver 192.0.2.53\n"


def test_the_network_comes_up_for_what_a_config_names(unpacked: Path) -> None:
    """The config itself is there, and one of its files is not."""
    remote = {"ignition": {"version": "3.5.0", "timeouts": {"httpTotal": 1}}, "storage": {"files": [{"path": "/etc/far", "contents": {"source": "http://192.0.2.1/x"}}]}}
    (unpacked / "config.ign").write_text(json.dumps(remote))
    said = boot(unpacked, "ignition.firstboot ignition.platform.id=file", "IGNITION_CONFIG_FILE=/config.ign",
                "IGNITION_ARGS=--log-to-stdout --fetch-timeout=1s", "lease=1")  # fmt: skip
    assert said[:5] == [
        "AT init-premount", "fetch-offline on platform file", "NETWORK", "kargs on platform file", "disks on platform file",
    ]  # fmt: skip


def test_a_failure_stops_the_boot(unpacked: Path) -> None:
    (unpacked / "config.ign").write_text('{"ignition": {"version": "3.5.0"}, "storage": {"files": [{"path": "relative"}]}}')
    said = boot(unpacked, "ignition.firstboot ignition.platform.id=file", "IGNITION_CONFIG_FILE=/config.ign",
                "IGNITION_ARGS=--log-to-stdout")  # fmt: skip
    assert said == [
        "AT init-premount",
        "fetch-offline on platform file",
        "PANIC Ignition failed: stage fetch-offline failed. This machine is not provisioned.",
    ]
