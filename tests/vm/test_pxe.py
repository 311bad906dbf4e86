"""Machines that boot from the network: one tree of `butane-py pxe`, dnsmasq with its file, a web server, and the network card's iPXE.

All of it is in a network namespace, which a tap device leads into. Machines differ in their MAC addresses alone.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from butane_py.cli.main import main
from butane_py.deliver import initrd
from tests.providers.network import Namespace, remove_stale
from tests.vm.vmlab.machine import Machine

pytestmark = [pytest.mark.vm, pytest.mark.root, pytest.mark.slow]

CONFIG = """variant: fcos
version: 1.6.0
vars:
  mac: {type: mac, unique: true}
storage:
  files:
    - path: /etc/of
      contents: {inline: "${{ host.name }}"}
"""
MACS = {"n1": "52:54:00:00:01:01", "n2": "52:54:00:00:01:02"}
UNKNOWN, BY_MATCHBOX = "52:54:00:00:01:03", "52:54:00:00:01:04"
SERVER, NETWORK = "10.77.0.1", "10.77.0"
BASE = f"http://{SERVER}"
KARGS = "console=ttyS0 panic=-1 mitigations=off no_timer_check rd.udev.log_level=err rd.shell=0 rd.emergency=poweroff root=LABEL=root"


class PxeMachine(Machine):
    """Its firmware boots from the network card, and prints to the serial console."""

    namespace = mac = ""

    def argv(self, append: str) -> list[str]:
        argv = [word.replace(",bootindex=1", "") for word in super().argv(append)]
        card = ["-netdev", "tap,id=net,ifname=tap0,script=no,downscript=no"]
        card += ["-device", f"virtio-net-pci,netdev=net,mac={self.mac},bootindex=0"]
        return ["ip", "netns", "exec", self.namespace, *argv, "-machine", "graphics=off", "-no-reboot", *card]


class _Files(SimpleHTTPRequestHandler):
    def address_string(self) -> str:
        return "machine"

    def log_message(self, *_: object) -> None:
        """Quiet."""


@contextmanager
def serving(namespace: Namespace, tree: Path, *settings: str) -> Iterator[None]:
    """dnsmasq with these settings and a web server in the namespace, at the other end of the machine's card."""
    namespace.inside("tuntap", "add", "tap0", "mode", "tap")
    namespace.inside("addr", "add", f"{SERVER}/24", "dev", "tap0")
    namespace.inside("link", "set", "tap0", "up")
    files = partial(_Files, directory=str(tree))
    server = namespace.call(lambda: ThreadingHTTPServer((SERVER, 80), files))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    words = ["--keep-in-foreground", *settings, "--port=0", "--interface=tap0", "--user=root", "--pid-file="]
    words += [f"--dhcp-range={NETWORK}.100,{NETWORK}.200", f"--dhcp-leasefile={tree}/leases", "--log-facility=-"]
    dnsmasq = subprocess.Popen(["ip", "netns", "exec", namespace.name, "dnsmasq", *words], stderr=subprocess.DEVNULL)
    try:
        yield
    finally:
        dnsmasq.terminate()
        dnsmasq.wait()
        server.shutdown()
        server.server_close()


@pytest.fixture(name="namespace")
def _namespace() -> Iterator[Namespace]:
    remove_stale("pxe-")
    namespace = Namespace(f"pxe-{os.getpid()}")
    yield namespace
    namespace.close()


def make_tree(folder: Path, layout: str, kernel: str, initramfs: str) -> Path:
    """The tree, with the kernel and the initramfs in it."""
    (folder / "hosts.csv").write_text("name,mac\n" + "".join(f"{name},{mac}\n" for name, mac in MACS.items()))
    (folder / "node.bu").write_text(CONFIG)
    tree = folder / "tree"
    build = ["build", f"{folder}/node.bu", "--inventory", f"{folder}/hosts.csv", "--output-dir", f"{folder}/out"]
    pxe = ["pxe", f"{folder}/out", "--layout", layout, "--output-dir", str(tree), "--base-url", BASE]
    pxe += ["--kernel", "vmlinuz", "--initrd", "initrd.img", "--append", KARGS]
    assert [main(["butane-py", *words]) for words in (build, pxe)] == [0, 0]
    (tree / "vmlinuz").symlink_to(kernel)
    (tree / "initrd.img").symlink_to(initramfs)
    return tree


def test_each_machine_gets_its_own_config(tmp_path: Path, namespace: Namespace) -> None:
    """Two boot with their own configs; two that are not in the inventory say so: one led by boot.ipxe, one as matchbox does it."""
    with ExitStack() as stack:
        machines = {mac: stack.enter_context(PxeMachine(str(tmp_path), platform="metal", say=print)) for mac in (UNKNOWN, *MACS.values())}
        first = machines[UNKNOWN]
        packed = f"{first.initrd}.zst"  # a third of it for iPXE to load
        subprocess.run(["zstd", "-q", "-1", first.initrd, "-o", packed], check=True)
        tree = make_tree(tmp_path, "dnsmasq", first.kernel, packed)
        script = tree / f"machines/{BY_MATCHBOX.replace(':', '-')}.ipxe"
        script.write_text(f"#!ipxe\nkernel {BASE}/default.ipxe\nboot\n")
        for mac, machine in machines.items():
            machine.kernel, machine.namespace, machine.mac = "", namespace.name, mac
        stack.enter_context(serving(namespace, tree, f"--conf-file={tree}/dnsmasq.conf"))
        for mac in (UNKNOWN, BY_MATCHBOX):
            first.mac = mac
            with first.boot(first_boot=True) as boot:
                found = [boot.console.wait_for(text, 300) for text in ("nothing is installed", f"MAC address {mac}")]
                assert None not in found, boot.console.text(40)
        for name, mac in MACS.items():
            with machines[mac].boot(first_boot=True) as boot:
                boot.wait_until_up()
                assert boot.ask("cat /etc/of").stdout == name
                assert "ignition.config.hash=sha512-" in boot.ask("cat /proc/cmdline").stdout
                said = boot.ask("journalctl --boot --output=cat | grep 'kernel command line pins'").stdout
                assert "the config is the one that the kernel command line pins (sha512)" in said


def with_grub(tree: Path) -> str:
    """Puts GRUB's image for the network, with its modules, into the tree; its name there."""
    subprocess.run(["grub-mknetdir", f"--net-directory={tree}", "--subdir=grub", "-d", "/usr/lib/grub/i386-pc"], check=True, capture_output=True)
    return "grub/i386-pc/core.0"


def with_pxelinux(tree: Path) -> str:
    """Puts PXELINUX and the module that it loads into the tree; its name there."""
    for path in ("/usr/lib/PXELINUX/pxelinux.0", "/usr/lib/syslinux/modules/bios/ldlinux.c32"):
        shutil.copy(path, tree)
    return "pxelinux.0"


@pytest.mark.matrix
@pytest.mark.parametrize(("layout", "loader"), [("grub", with_grub), ("pxelinux", with_pxelinux)])
def test_other_boot_loaders(tmp_path: Path, namespace: Namespace, layout: str, loader: Callable[[Path], str]) -> None:
    """Debian's GRUB and PXELINUX, over TFTP: each machine's kernel gets its own command line; where it would boot from is not there."""
    empty = tmp_path / "empty.img"
    empty.write_bytes(initrd.wrap(b"{}"))
    with PxeMachine(str(tmp_path), platform="metal", say=print) as machine:
        tree = make_tree(tmp_path, layout, machine.kernel, str(empty))
        settings = ("--conf-file=/dev/null", f"--dhcp-boot={loader(tree)}", "--enable-tftp", f"--tftp-root={tree}", "--tftp-no-fail")
        machine.kernel, machine.namespace = "", namespace.name
        with serving(namespace, tree, *settings):
            for mac, expected in ((UNKNOWN, "nothing is installed"), *((mac, f"{name}: loading the kernel") for name, mac in MACS.items())):
                machine.mac = mac
                with machine.boot(first_boot=True) as boot:
                    assert boot.console.wait_for(expected, 300) is not None, boot.console.text(40)
                    if mac != UNKNOWN:
                        name = next(name for name, each in MACS.items() if each == mac)
                        digest = json.loads((tmp_path / "out/manifest.json").read_text())["hosts"][name]["sha512"]
                        found = boot.console.wait_for(f"Command line: .*ignition.config.hash=sha512-{digest}.* root=LABEL=root", 300)
                        assert found is not None, boot.console.text(40)


@pytest.mark.matrix
def test_the_kernel_unpacks_a_wrapped_config(tmp_path: Path, make_machine: Callable[..., Machine]) -> None:
    """`butane-py pxe-initrd wrap`, behind the initramfs: compressed by xz, with the checksum that the kernel takes."""
    config = tmp_path / "config.ign"
    config.write_text('{"ignition": {"version": "3.4.0"}, "storage": {"files": [{"path": "/etc/of", "contents": {"source": "data:,the-image"}}]}}')
    archive = tmp_path / "config.img"
    assert main(["butane-py", "pxe-initrd", "wrap", str(config), "--for", "ignition", "-o", str(archive)]) == 0
    with make_machine(platform="metal", segments=[str(archive)]).boot() as boot:
        boot.wait_until_up()
        assert boot.ask("cat /etc/of").stdout == "the-image"
