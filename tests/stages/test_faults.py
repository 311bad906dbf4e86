"""Twenty faults of a first boot: each screen names stage, entry, file and line of the author's, the cause, and what to do about it.

Stages run one after the other, as in a boot, on loop devices and mounts. tests/vm/test_faults.py runs this file in a machine with a
kernel, udev and programs of an image, and boots some of the faults.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import ssl
import subprocess
import threading
from collections.abc import Callable, Iterator
from http.server import HTTPServer, SimpleHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest

from ignition_py.stages.disks import aliases, progress
from ignition_py.stages.disks.luks import clevis
from tests.fetch.test_tls import make_certificate_of
from tests.helpers.devices import wait_at_most
from tests.helpers.servers import Server, body, make_certificate
from tests.stages.disks.conftest import loop
from tests.test_failure import Machine, machine

__all__ = ["loop", "machine"]
pytestmark = [pytest.mark.root, pytest.mark.subprocess, pytest.mark.sockets]
HEAD = "variant: fcos\nversion: 1.5.0\n"
Loop = Callable[..., str]


@pytest.fixture(name="boot")
def _boot(machine: Machine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    """A machine whose stages leave nothing in the host's /run, and that waits for nothing long."""
    monkeypatch.setattr(aliases, "DIRECTORY", str(tmp_path / "run/dev_aliases"))
    monkeypatch.setattr(progress, "PATH", str(tmp_path / "run/disks-progress"))
    wait_at_most(monkeypatch, 0.2)
    return machine


class Shown:
    """The failure screen of a stage, by the names of its lines."""

    def __init__(self, machine: Machine, stage: str, config: str) -> None:
        machine.config(config)
        stages = ["fetch"] if stage == "fetch" else ["fetch", stage]
        *before, last = [machine(name) for name in stages]
        assert all(status == 0 for status, _ in before), before
        self.status, lines = last
        assert self.status == 1
        self.lines = lines[lines.index(f"Ignition failed in stage {stage}") :]
        self.what = self.lines[1].strip()
        self.text = "\n".join(self.lines)

    def line(self, name: str) -> str:
        """The value of `  name: value`."""
        return next(line.removeprefix(f"  {name}: ") for line in self.lines if line.startswith(f"  {name}: "))

    def holds(self, place: str, cause: str, way: str, changed: str | None = "nothing") -> None:
        assert self.line("asked for by") == place, self.text
        assert re.search(cause, self.text), self.text
        assert re.search(way, self.line("what to do")), self.text
        if changed is not None:
            assert self.line("changed so far") == changed
        assert "Command:" not in self.line("what to do") and "changed" not in self.line("what to do").lower()


# -- fetch ---------------------------------------------------------------------------------------------------------------------------


def test_wrong_hash(boot: Machine, server: Server) -> None:
    server.at["/motd"] = body(b"new\n")
    found = hashlib.sha512(b"new\n").hexdigest()
    wanted = hashlib.sha512(b"old\n").hexdigest()
    shown = Shown(boot, "fetch", f"""{HEAD}storage:
  files:
    - path: /etc/motd
      contents:
        source: {server.url("/motd")}
        verification: {{hash: sha512-{wanted}}}
""")
    shown.holds(
        "$.storage.files.0.contents, line 7 col 9 of file",
        f"contents of /etc/motd: the contents have the hash sha512-{found[:16]}…, but the config expects {wanted[:16]}…",
        f"set `hash: sha512-{found}`$",
    )


def test_a_merged_child_that_is_not_there(boot: Machine, server: Server) -> None:
    shown = Shown(boot, "fetch", f"{HEAD}ignition:\n  config:\n    merge:\n      - source: {server.url('/base.ign')}\n")
    shown.holds("$.ignition.config.merge.0, line 6 col 9 of file", r"/base.ign does not exist \(status 404\)", "Correct the `source`")


def test_an_entry_of_a_merged_child(boot: Machine, server: Server) -> None:
    """A child in Butane too has its own lines."""
    child = f"{HEAD}storage:\n  files:\n    - path: /a\n      contents: {{source: '{server.url('/gone')}'}}\n"
    server.at["/base.bu"] = body(child.encode())
    shown = Shown(boot, "fetch", f"{HEAD}ignition:\n  config:\n    merge:\n      - source: {server.url('/base.bu')}\n")
    shown.holds(f"$.storage.files.0.contents, line 6 col 17 of {server.url('/base.bu')}", "status 404", "Correct the `source`")


def test_a_config_of_several_files(boot: Machine, server: Server) -> None:
    """A source map of version 2 names the file that the entry stands in (docs/source-maps.md)."""
    shown = Shown(boot, "fetch", json.dumps({
        "ignition": {"version": "3.4.0"},
        "storage": {"files": [{"path": "/a"}, {"path": "/b", "contents": {"source": server.url("/gone")}}]},
        "sourceMap": {"version": 2, "files": ["node.bu", "base.bu"], "places": {"$.storage.files.0": [0, 5, 7], "$.storage.files.1": [1, 12, 7]}},
    }))  # fmt: skip
    assert shown.line("written as") == "$.storage.files.1.contents, line 12 col 7 of base.bu"
    shown.holds("$.storage.files.1.contents, line 1 col 102 of file", "status 404", "Correct the `source`")


def test_a_newer_spec(boot: Machine) -> None:
    shown = Shown(boot, "fetch", '{"ignition": {"version": "3.99.0"}}')
    shown.holds("$.ignition.version, line 1 col 26 of file", "3.99.0 is newer than this program, which knows .*3.6.0.*; boot an image with a newer one",
                "Write a version that the message names")


def test_yaml_with_a_tab(boot: Machine) -> None:
    shown = Shown(boot, "fetch", f"{HEAD}storage:\n\tfiles: []\n")
    shown.holds("line 4 col 1 of file", "a tab indents this line", "Replace each tab at the beginning of a line by spaces")


class Files(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the base class names it
        pass


@pytest.fixture(name="tls")
def _tls(tmp_path: Path) -> Iterator[Callable[..., str]]:
    """A server with the certificate `NAME.pem` of the test's folder: `tls(NAME)` is its URL."""
    running: list[HTTPServer] = []

    def make(name: str) -> str:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(tmp_path / f"{name}.pem", tmp_path / f"{name}.key")
        server = HTTPServer(("127.0.0.1", 0), Files)
        server.handle_error = lambda *_: None  # type: ignore[method-assign]  # clients that refuse the certificate are the test
        server.socket = context.wrap_socket(server.socket, server_side=True)
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        running.append(server)
        return f"https://127.0.0.1:{server.server_address[1]}/motd"

    yield make
    for server in running:
        server.shutdown()
        server.server_close()


def over_tls(url: str, tls: str = "") -> str:
    limits = "  timeouts: {http_total: 4, http_response_headers: 4}\n"
    return f"{HEAD}ignition:\n{limits}{tls}storage:\n  files:\n    - path: /etc/motd\n      contents: {{source: '{url}'}}\n"


def test_an_unknown_authority(boot: Machine, tls: Callable[..., str], tmp_path: Path) -> None:
    make_certificate(tmp_path, "server", "-addext", "subjectAltName=IP:127.0.0.1")
    Shown(boot, "fetch", over_tls(tls("server"))).holds(
        "$.storage.files.0.contents, line 8 col 17 of file",
        "could not fetch https://127.0.0.1:.* within 4 s; last error: the certificate of 127.0.0.1 is not accepted: self-signed certificate",
        "Add the authority that signed it to `ignition.security.tls.certificate_authorities`",
    )


def test_a_clock_that_is_years_off(boot: Machine, tls: Callable[..., str], tmp_path: Path) -> None:
    """Seen from here: a certificate whose time has not come yet."""
    make_certificate_of(tmp_path, "20690101", "20790101")
    url = tls("dated")
    authority = (boot.folder / "dated.pem").read_text().replace("\n", "\n            ")
    trusted = f"  security:\n    tls:\n      certificate_authorities:\n        - inline: |\n            {authority}\n"
    shown = Shown(boot, "fetch", over_tls(url, trusted))
    assert re.search(r"valid from 2069-01-01 to 2079-01-01, but the clock of this machine says 20\d\d-", shown.text), shown.text
    assert shown.line("what to do").startswith("Set the machine's clock in its firmware, or IGNITION_TRUSTED_TIME in the image")
    assert shown.line("asked for by").startswith("$.storage.files.0.contents, line ")


def test_no_dhcp(boot: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    """As initrd/dracut/30ignition/network-up tells it; tests/vm boots a machine without a network."""
    monkeypatch.setenv("IGNITION_NO_NETWORK", "no interface got an address within 90 seconds (networkd): eth0 up")
    Shown(boot, "fetch", f"{HEAD}storage:\n  files:\n    - path: /etc/motd\n      contents: {{source: 'http://192.0.2.1/x'}}\n").holds(
        "$.storage.files.0.contents, line 6 col 17 of file",
        r"http://192.0.2.1/x needs the network, and no interface got an address within 90 seconds \(networkd\): eth0 up",
        "Check the cable or the virtual network card, and that a DHCP server answers",
    )


# -- disks ---------------------------------------------------------------------------------------------------------------------------


def disk_config(node: str, partition: str, filesystem: str = "") -> str:
    text = f"{HEAD}storage:\n  disks:\n    - device: {node}\n      partitions:\n        - {partition}\n"
    return text + (f"  filesystems:\n    - {filesystem}\n" if filesystem else "")


def test_an_absent_disk(boot: Machine) -> None:
    Shown(boot, "disks", disk_config("/dev/nosuch", "{number: 1}")).holds(
        "$.storage.disks.0, line 5 col 7 of file", r"/dev/nosuch did not appear within \S+ seconds; block devices are \w+ \(\d+ [GM]iB\)",
        "Name a device that exists, best by its link below /dev/disk/by-id",
    )


def test_a_partition_that_is_too_large(boot: Machine, loop: Loop) -> None:
    node = loop(64)
    Shown(boot, "disks", disk_config(node, "{number: 1, label: data, size_mib: 4096}")).holds(
        "$.storage.disks.0.partitions.0, line 7 col 11 of file", f'{node}, partition 1 .*: cannot have 8388608 sectors from sector 2048: only',
        "Set `size_mib` to 62 at most, or to 0 for all that is free",
    )


def test_a_partition_that_differs(boot: Machine, loop: Loop) -> None:
    node = loop(64)
    subprocess.run(["sgdisk", "-n", "1:2048:+8M", "-c", "1:old", node], check=True, capture_output=True)
    shown = Shown(boot, "disks", disk_config(node, "{number: 1, label: new, size_mib: 8, start_mib: 1}"))
    shown.holds(
        "$.storage.disks.0.partitions.0, line 7 col 11 of file", "its label is 'old' instead of 'new'",
        "Set `wipe_partition_entry: true` to delete it and make it again",
    )
    shown = Shown(boot, "disks", disk_config(node, "{number: 1, label: old, size_mib: 16, start_mib: 1}"))
    assert "or `resize: true` to resize it with what it holds" in shown.line("what to do")


def test_a_filesystem_that_differs(boot: Machine, loop: Loop) -> None:
    node = loop(64)
    subprocess.run(["mkfs.ext4", "-q", "-F", "-L", "old", node], check=True)
    Shown(boot, "disks", f"{HEAD}storage:\n  filesystems:\n    - {{device: {node}, format: xfs}}\n").holds(
        "$.storage.filesystems.0, line 5 col 7 of file", f'{node} holds ext4 with label "old" and UUID .*, the config wants xfs',
        "Set `wipe_filesystem: true` to destroy what is there; to keep it, write `format: ext4`",
    )


def test_several_conflicts_each_with_its_place(boot: Machine, loop: Loop) -> None:
    node = loop(64)
    subprocess.run(["mkfs.ext4", "-q", "-F", "-L", "old", node], check=True)
    text = json.dumps({"ignition": {"version": "3.4.0"}, "storage": {
        "disks": [{"device": "/dev/nosuch", "wipeTable": True}], "filesystems": [{"device": node, "format": "vfat"}],
    }}, indent=1)  # fmt: skip
    shown = Shown(boot, "disks", text)
    assert shown.what == "disks: 2 conflicts"
    places = [re.search(r"\(\$\.storage\.(\w+)\.0, line (\d+) col \d+ of file\)\. (\w+) ", line) for line in shown.lines[4:6]]
    assert [place and place.groups() for place in places] == [("disks", "7", "Name"), ("filesystems", "13", "Set")], shown.text
    assert "`wipeFilesystem: true`" in shown.text, "JSON has its own spelling"


def test_no_tpm(boot: Machine, loop: Loop, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "dev").mkdir()
    monkeypatch.setattr(clevis, "_TPM_DEVICES", str(tmp_path / "dev"))
    shown = Shown(boot, "disks", f"{HEAD}storage:\n  luks:\n    - {{name: root, device: {loop(64)}, clevis: {{tpm2: true}}}}\n")
    assert "LUKS volume root is to be bound to the machine's TPM 2.0, but there is none" in shown.text
    assert "($.storage.luks.0, line 5 col 7 of file)" in shown.text or shown.line("asked for by") == "$.storage.luks.0, line 5 col 7 of file"
    assert "Give the machine a TPM 2.0, or switch it on in the firmware; without one, take `tpm2` out of `clevis`" in shown.text


def test_a_tang_server_that_is_down(boot: Machine, loop: Loop) -> None:
    tang = "{tang: [{url: 'http://127.0.0.1:1', thumbprint: abc}]}"
    limits = "ignition:\n  timeouts: {http_total: 1}\n"
    shown = Shown(boot, "disks", f"{HEAD}{limits}storage:\n  luks:\n    - {{name: root, device: {loop(64)}, clevis: {tang}}}\n")
    assert re.search("advertisement of the Tang server http://127.0.0.1:1.*within 1 s; last error: Connection refused", shown.text), shown.text
    assert "$.storage.luks.0.clevis.tang.0, line 7 col" in shown.text
    assert "Start the server, or correct host and port of the URL" in shown.text


def test_a_bad_option_of_mkfs(boot: Machine, loop: Loop) -> None:
    text = f"{HEAD}storage:\n  filesystems:\n    - {{device: {loop(64)}, format: ext4, options: [-O, nonsense]}}\n"
    shown = Shown(boot, "disks", text)
    shown.holds(
        "$.storage.filesystems.0, line 5 col 7 of file", "Invalid filesystem option set: nonsense",
        r"Correct or remove what mkfs.ext4 refuses of `options: \[.*nonsense", changed=None,
    )
    assert shown.line("command").startswith("mkfs.ext4 -O nonsense ")


def test_a_disk_that_is_write_protected(boot: Machine, loop: Loop) -> None:
    node = loop(64)
    subprocess.run(["blockdev", "--setro", node], check=True)
    try:
        shown = Shown(boot, "disks", disk_config(node, "{number: 1}"))
    finally:
        subprocess.run(["blockdev", "--setrw", node], check=True)  # the next loop device of this name would be too
    shown.holds("$.storage.disks.0, line 5 col 7 of file", f"{node} is read-only", "Switch its write protection off")


# -- files ---------------------------------------------------------------------------------------------------------------------------


def file_config(entry: str, more: str = "") -> str:
    return f"{HEAD}storage:\n  files:\n    - {entry}\n{more}"


@pytest.fixture(name="mounted")
def _mounted(boot: Machine) -> Iterator[Callable[[str, str], Path]]:
    """Mounts a tmpfs with options below the new root."""
    made: list[Path] = []

    def mount(path: str, options: str) -> Path:
        target = boot.folder / "root" / path
        target.mkdir()
        subprocess.run(["mount", "-t", "tmpfs", "-o", options, "none", str(target)], check=True)
        made.append(target)
        return target

    yield mount
    for target in made:
        subprocess.run(["umount", str(target)], check=True)


def test_a_file_that_is_there(boot: Machine) -> None:
    (boot.folder / "root/etc/motd").write_text("old")
    Shown(boot, "files", file_config("{path: /etc/motd, contents: {inline: new}}")).holds(
        "$.storage.files.0, line 5 col 7 of file", "file /etc/motd: a file is there already",
        "Set `overwrite: true` to replace it, or take `contents` out to keep it", changed=None,
    )


def test_an_unknown_group(boot: Machine) -> None:
    Shown(boot, "files", file_config("{path: /etc/a, group: {name: web}}")).holds(
        "$.storage.files.0, line 5 col 7 of file", "there is no group web in the new root",
        r"Create it by an entry of `passwd.groups` \(`name: web`\), or give the id", changed=None,
    )


def test_a_link_out_of_a_filesystem(boot: Machine, mounted: Callable[[str, str], Path]) -> None:
    mounted("var", "size=1m")
    (boot.folder / "root/etc/a").write_text("a")
    Shown(boot, "files", f"{HEAD}storage:\n  links:\n    - {{path: /var/a, target: /etc/a, hard: true}}\n").holds(
        "$.storage.links.0, line 5 col 7 of file", "hard link /var/a: Invalid cross-device link",
        "Make both of them on one filesystem", changed=None,
    )


def test_a_filesystem_that_is_read_only(boot: Machine, mounted: Callable[[str, str], Path]) -> None:
    mounted("usr", "ro")
    Shown(boot, "files", file_config("{path: /usr/a, contents: {inline: a}}")).holds(
        "$.storage.files.0, line 5 col 7 of file", "file /usr/a: Read-only file system",
        "Choose a path on a filesystem that is mounted for writing", changed=None,
    )


def test_a_filesystem_that_is_full(boot: Machine, mounted: Callable[[str, str], Path]) -> None:
    mounted("var", "size=64k")
    shown = Shown(boot, "files", file_config(f"{{path: /var/a, contents: {{inline: {'x' * 100_000}}}}}"))
    shown.holds(
        "$.storage.files.0, line 5 col 7 of file", "file /var/a: No space left on device",
        "Make the filesystem that the path is on larger, or write less to it", changed=None,
    )  # fmt: skip


# -- no error, and a surprise later --------------------------------------------------------------------------------------------------


def test_a_unit_that_does_not_exist(boot: Machine, capsys: pytest.CaptureFixture[str]) -> None:
    """And a file where nobody will see it: warnings on the console and in `status`."""
    boot.config(f"{HEAD}storage:\n  files: [{{path: /run/a}}]\nsystemd:\n  units: [{{name: nosuch.service, enabled: true}}]\n")
    assert [boot(stage)[0] for stage in ("fetch", "files")] == [0, 0]
    report = [json.loads(line) for line in (boot.run / "report.jsonl").read_text().splitlines()]
    warnings = [record["what"] for record in report if record["kind"] == "warning"]
    assert any("unit nosuch.service is to be enabled, but there is no such unit in the new root" in text for text in warnings)
    assert any("/run/a will not be there later: it is empty at each boot" in text for text in warnings)
    from ignition_py.boot_report import load
    from ignition_py.programs import status

    found: Any = load("/", str(boot.run / "report.jsonl"))
    assert [line for line in status.lines(found) if line.startswith("warning, stage files: ")]
    assert {warning["message"] for warning in status.data(found)["warnings"]} == set(warnings)
    assert os.listdir(boot.folder / "root/run") == ["a"]


@pytest.mark.parametrize(
    ("paths", "warning"),
    [
        (["/proc/a"], "/proc/a will not be there later: the kernel mounts its own there"),
        (["/sys/a"], "/sys/a will not be there later: the kernel mounts its own there; for its settings use sysctl.d or tmpfiles.d"),
        (["/tmp/a", "/tmp/b", "/tmp/c/d"], "/tmp/a and 2 more below /tmp will not be there later: it may be empty after each boot"),
        (["/var/run/a"], "/var/run/a will not be there later: it is empty at each boot"),
        (["/var/tmp/a", "/etc/run/a", "/runner"], ""),
    ],
)  # fmt: skip
def test_files_that_will_not_be_there_later(boot: Machine, paths: list[str], warning: str) -> None:
    (boot.folder / "root/var").mkdir()
    (boot.folder / "root/var/run").symlink_to("../run")
    entries = "".join(f"    - path: {path}\n" for path in paths)
    boot.config(f"{HEAD}storage:\n  files:\n{entries}")
    assert [boot(stage)[0] for stage in ("fetch", "files")] == [0, 0]
    report = [json.loads(line) for line in (boot.run / "report.jsonl").read_text().splitlines()]
    warnings = [record["what"] for record in report if record["kind"] == "warning"]
    assert [text.startswith(f"files: {warning}") for text in warnings] == ([True] if warning else []), warnings
