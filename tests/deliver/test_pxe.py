"""`butane-py pxe`: what is made of a build's folder for each boot loader, and what is refused. Booted in tests/vm/test_pxe.py."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from butane_py.cli.main import main
from butane_py.deliver.pxe.layouts import LAYOUTS

CONFIG = """variant: fcos
version: 1.6.0
vars:
  mac: {type: mac, unique: true}
storage:
  files:
    - path: /etc/hostname
      contents: {inline: "${{ host.name }}"}
"""
HOSTS = "name,mac\nn1,52:54:00:00:00:01\nn2,52-54-00-00-00-0A\n"
BASE = "http://boot.example"


class Lab:
    """A folder with a build in `out`, and `lab("ipxe", ...)` to make a tree of it in `tree`."""

    def __init__(self, folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
        self.folder = folder
        self.tree = folder / "tree"
        self._capfd = capfd
        self.said = ""
        self.out = ""

    def run(self, *words: str) -> int:
        status = main(["butane-py", *words])
        self.out, self.said = self._capfd.readouterr()
        return status

    def build(self, hosts: str = HOSTS, config: str = CONFIG, *more: str) -> None:
        (self.folder / "hosts.csv").write_text(hosts)
        (self.folder / "node.bu").write_text(config)
        assert self.run("build", "node.bu", "-i", "hosts.csv", "--output-dir", "out", *more) == 0, self.said

    def __call__(self, layout: str, *more: str, base: str = BASE) -> int:
        words = ["--layout", layout, "-o", "tree", "--base-url", base, "--kernel", "vmlinuz", "--initrd", "initrd.img"]
        return self.run("pxe", "out", *words, *more)

    def read(self, path: str) -> str:
        return (self.tree / path).read_text()

    def files(self) -> list[str]:
        return sorted(str(path.relative_to(self.tree)) for path in self.tree.rglob("*") if path.is_file())

    def reports(self) -> list[str]:
        """`FILE:LINE:COLUMN: SEVERITY[CODE]: MESSAGE` of each report."""
        return [f"{place}: {first}" for first, place in re.findall(r"^(\w+\[[\w-]+\]: .*)\n +--> (.*)", self.said, re.M)]

    def sha512(self, host: str) -> str:
        found: str = json.loads((self.folder / "out/manifest.json").read_text())["hosts"][host]["sha512"]
        return found

    def arguments(self, host: str, folder: str = "ign") -> str:
        digest = self.sha512(host)
        url = f"{BASE}/{folder}/{digest[:16]}.ign"
        return f"ignition.firstboot ignition.platform.id=metal ignition.config.url={url} ignition.config.hash=sha512-{digest}"


@pytest.fixture(name="lab")
def _lab(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Lab:
    monkeypatch.chdir(tmp_path)
    return Lab(tmp_path, capfd)


def test_ipxe(lab: Lab) -> None:
    lab.build()
    assert lab("ipxe", "--append", "console=ttyS0 quiet") == 0
    assert lab.said == "2 machines: 6 files written, 0 unchanged\n"
    configs = [f"ign/{lab.sha512(host)[:16]}.ign" for host in ("n1", "n2")]
    scripts = ["machines/52-54-00-00-00-01.ipxe", "machines/52-54-00-00-00-0a.ipxe"]
    assert lab.files() == sorted(["boot.ipxe", "default.ipxe", "pxe.json", *configs, *scripts])
    assert (lab.tree / configs[0]).read_bytes() == (lab.folder / "out/n1.ign").read_bytes()
    assert lab.read(scripts[1]).splitlines() == [
        "#!ipxe",
        "# Made by butane-py pxe: n2",
        "echo n2: loading the kernel",
        f"kernel {BASE}/vmlinuz initrd=initrd0 {lab.arguments('n2')} console=ttyS0 quiet || goto failed",
        f"initrd --name initrd0 {BASE}/initrd.img || goto failed",
        "boot || goto failed",
        ":failed",
        "echo n2: the kernel or the initramfs could not be loaded from the boot server; the machine starts again in 30 seconds",
        "sleep 30",
        "reboot",
    ]
    assert lab.read("boot.ipxe").splitlines()[2] == (
        f"chain --autofree {BASE}/machines/${{netX/mac:hexhyp}}.ipxe || chain --autofree {BASE}/default.ipxe"
    )
    default = lab.read("default.ipxe")
    assert f"echo This machine is not in the inventory of {BASE}: nothing is installed." in default
    assert "kernel" not in default
    assert "boot\n" not in default
    assert lab("ipxe", "--append", "console=ttyS0 quiet") == 0
    assert lab.said == "2 machines: 0 files written, 6 unchanged\n"


def test_grub(lab: Lab) -> None:
    lab.build()
    assert lab("grub", "--initrd", "http://mirror.example/more.img", "--append", "a=b") == 0
    quoted = " ".join(f"'{word}'" for word in [*lab.arguments("n1").split(), "a=b"])
    text = lab.read("grub/machines/52:54:00:00:00:01.cfg").splitlines()
    assert text[2:7] == [
        f"if linux '/vmlinuz' {quoted}; then",
        "  if initrd '/initrd.img' '(http,mirror.example)/more.img'; then",
        "    boot",
        "  fi",
        "fi",
    ]
    assert "nothing is installed" in lab.read("grub/grub.cfg")
    assert lab("grub", "--initrd", "http://mirror.example:8080/more.img") == 1
    assert "it has neither https nor ports" in lab.said


@pytest.mark.subprocess
def test_grub_reads_its_files(lab: Lab) -> None:
    lab.build()
    assert lab("grub", "--append", "x=[a] y=*") == 0
    for path in lab.tree.rglob("*.cfg"):
        subprocess.run(["grub-script-check", path], check=True)


def test_pxelinux(lab: Lab) -> None:
    lab.build()
    assert lab("pxelinux", "--initrd", "more.img", "--append", "a=b") == 0
    assert lab.read("pxelinux.cfg/01-52-54-00-00-00-0a").splitlines()[1:] == [
        "DEFAULT install",
        "PROMPT 0",
        "SAY n2: loading the kernel",
        "LABEL install",
        "  KERNEL vmlinuz",
        "  INITRD initrd.img,more.img",
        f"  APPEND {lab.arguments('n2')} a=b",
    ]
    default = lab.read("pxelinux.cfg/default")
    assert "KERNEL" not in default
    assert "nothing is installed" in default
    assert "LOCALBOOT" in default


@pytest.mark.subprocess
def test_dnsmasq_reads_its_file(lab: Lab) -> None:
    lab.build("name,mac,address\nn1,52:54:00:00:00:01;52:54:00:00:00:02,10.1.1.1/24\nn2,52:54:00:00:00:03,fd00::3\n",
              CONFIG.replace("  mac: {type: mac, unique: true}\n", "  mac: {type: [mac]}\n  address: string\n"))  # fmt: skip
    assert lab("dnsmasq", "--address-var", "address") == 0, lab.said
    text = lab.read("dnsmasq.conf")
    assert "dhcp-host=52:54:00:00:00:01,52:54:00:00:00:02,10.1.1.1,n1\ndhcp-host=52:54:00:00:00:03,[fd00::3],n2\n" in text
    assert f"dhcp-boot=tag:ipxe,{BASE}/boot.ipxe\n" in text
    assert "machines/52-54-00-00-00-02.ipxe" in lab.files()
    subprocess.run(["dnsmasq", "--test", "-C", lab.tree / "dnsmasq.conf"], check=True, capture_output=True)
    (lab.tree / "dnsmasq.conf").write_text(text + "dhcp-hosts=x\n")
    assert subprocess.run(["dnsmasq", "--test", "-C", lab.tree / "dnsmasq.conf"], check=False, capture_output=True).returncode


def selected(folder: Path, labels: dict[str, str]) -> dict[str, Any] | None:
    """The profile that matchbox serves a machine with these labels: groups with most selectors first, then by their selectors' text
    (matchbox, server.go, SelectGroup). A stand-in, since no package here has matchbox."""
    groups = [json.loads(path.read_text()) for path in (folder / "groups").glob("*.json")]
    groups.sort(key=lambda each: (len(each["selector"]), ",".join(sorted(f"{k}={v}" for k, v in each["selector"].items()))), reverse=True)
    for group in groups:
        if all(labels.get(key) == value for key, value in group["selector"].items()):
            profile = folder / "profiles" / f"{group['profile']}.json"
            return json.loads(profile.read_text())["boot"] if profile.exists() else None  # type: ignore[no-any-return] # of JSON
    return None


@pytest.mark.parametrize("by", ["mac", "uuid"])
def test_matchbox(lab: Lab, by: str) -> None:
    """Each machine gets its own profile, all others the script that says so; host n1-2 and the second card of n1 are told apart."""
    uuids = ["4c4c4544-0044-4710-8031-B7C04F4E3432", "4c4c4544-0044-4710-8031-b7c04f4e3433"]
    keys = ["52:54:00:00:00:01;52:54:00:00:00:02", "52:54:00:00:00:03"] if by == "mac" else uuids
    lab.build(f"name,key\nn1,{keys[0]}\nn1-2,{keys[1]}\n", CONFIG.replace("mac: {type: mac, unique: true}", "key: {type: [string]}"))
    assert lab("matchbox", f"--{by}-var", "key") == 0, lab.said
    for key, host in zip([*keys[0].split(";"), keys[1]], ["n1", *["n1"] * keys[0].count(";"), "n1-2"], strict=True):
        boot = selected(lab.tree, {by: key.lower(), "serial": "x"})
        assert boot is not None
        assert boot["kernel"] == f"{BASE}/vmlinuz"
        assert boot["initrd"] == [f"--name initrd0 {BASE}/initrd.img"]
        assert " ".join(boot["args"]) == f"initrd=initrd0 {lab.arguments(host, 'assets/ign')}"
        assert (lab.tree / f"assets/ign/{lab.sha512(host)[:16]}.ign").exists()
    assert selected(lab.tree, {"mac": "52:54:00:00:00:99", "uuid": "x"}) == {"kernel": f"{BASE}/assets/unknown.ipxe"}
    assert "nothing is installed" in lab.read("assets/unknown.ipxe")


def test_ipxe_by_uuid(lab: Lab) -> None:
    lab.build("name,id\nn1,4C4C4544-0044-4710-8031-B7C04F4E3432\n", CONFIG.replace("mac: {type: mac, unique: true}", "id: string"))
    assert lab("ipxe", "--uuid-var", "id") == 0, lab.said
    assert "machines/4c4c4544-0044-4710-8031-b7c04f4e3432.ipxe" in lab.files()
    assert "machines/${uuid}.ipxe" in lab.read("boot.ipxe")
    for layout in ("grub", "pxelinux", "dnsmasq"):
        assert lab(layout, "--uuid-var", "id") == 2
    assert lab("ipxe", "--address-var", "id") == 2


# What is wrong is told at the line of the inventory, or of the manifest

NO_MAC = CONFIG.replace("vars:\n  mac: {type: mac, unique: true}\n", "")


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ("n1,\n", "hosts.csv:2:1: error[pxe-key-missing]: n1 has no MAC address: no variable mac"),
        ("n1,52:54:00:00:00\n", "hosts.csv:2:4: error[pxe-key]: the MAC address '52:54:00:00:00' of n1 is no MAC address"),
        ("n1,52:54:00:00:00:0g\n", "hosts.csv:2:4: error[pxe-key]"),
        ("n1,5254.0000.0001\n", "hosts.csv:2:4: error[pxe-key]"),
        ("n1,01:00:5e:00:00:01\n", "hosts.csv:2:4: error[pxe-key]: the MAC address '01:00:5e:00:00:01' of n1 is the address of a group"),
        ("n1,ff:ff:ff:ff:ff:ff\n", "hosts.csv:2:4: error[pxe-key]"),
        ("n1,52:54:00:00:00:01\nn2,52-54-00-00-00-01\n", "hosts.csv:3:4: error[pxe-key-twice]: the MAC address 52:54:00:00:00:01 of n2 is that of n1"),
        ("n1,52:54:00:00:00:01;52:54:00:00:00:02\nn2,52:54:00:00:00:02\n", "hosts.csv:3:4: error[pxe-key-twice]"),
        ("n 1,52:54:00:00:00:01\n", "hosts.csv:2:1: error[pxe-name]: the name 'n 1' has characters"),
        ("${net0/mac},52:54:00:00:00:01\n", "error[inventory-name]"),
        ("a;reboot,52:54:00:00:00:01\n", "hosts.csv:2:1: error[pxe-name]"),
        ("a'b,52:54:00:00:00:01\n", "hosts.csv:2:1: error[pxe-name]"),
        ("_n1,52:54:00:00:00:01\n", "hosts.csv:2:1: error[pxe-name]"),
    ],
)
def test_what_is_wrong_with_a_machine(lab: Lab, rows: str, expected: str) -> None:
    lab.build("name,mac\ngood,52:54:00:ff:ff:ff\n", NO_MAC)
    hosts = "name,mac\n" + rows
    (lab.folder / "hosts.csv").write_text(hosts)
    if "inventory-name" not in expected:
        lab.build(hosts, NO_MAC)
    assert lab("ipxe", "-i", "hosts.csv") == 1
    assert [report for report in lab.reports() if expected in report], lab.said
    assert "help: " in lab.said
    assert not lab.tree.exists()


def test_without_an_inventory_the_manifest_is_named(lab: Lab) -> None:
    lab.build(config=NO_MAC)
    assert lab("ipxe") == 1
    line = next(number for number, text in enumerate((lab.folder / "out/manifest.json").read_text().splitlines(), 1) if '"n1": {' in text)
    assert f"out/manifest.json:{line}:5: error[pxe-key-missing]: n1 has no MAC address: no variable mac" in lab.reports()
    assert lab.said.count("pxe-key-missing") == 2


def test_a_host_that_was_not_built(lab: Lab) -> None:
    lab.build(HOSTS, CONFIG, "--limit", "n1")
    assert lab("ipxe", "-i", "hosts.csv") == 0
    assert lab.reports() == ["hosts.csv:3:1: warning[pxe-config]: n2 has no config in out, so it gets what unknown machines get"]
    assert lab.said.endswith("1 machine: 4 files written, 0 unchanged\n")


def test_arguments_of_a_machine(lab: Lab) -> None:
    lab.build("name,mac,kargs\nn1,52:54:00:00:00:01,ip=10.0.0.1::10.0.0.254 quiet\nn2,52:54:00:00:00:02,\n")
    assert lab("ipxe", "-i", "hosts.csv", "--append-var", "kargs", "--append", "a") == 0
    assert f"{lab.arguments('n1')} a ip=10.0.0.1::10.0.0.254 quiet || goto" in lab.read("machines/52-54-00-00-00-01.ipxe")
    assert f"{lab.arguments('n2')} a || goto" in lab.read("machines/52-54-00-00-00-02.ipxe")
    for bad in ("a || shell", "${uuid}", "x'", 'x"', "a;b", "a\\b", "#a", "a&b", "ä"):
        assert lab("ipxe", "--append", bad) == 1
        assert "--append has the character" in lab.said
        cell = '"' + bad.replace('"', '""') + '"'
        (lab.folder / "hosts.csv").write_text(f"name,mac,kargs\nn1,52:54:00:00:00:01,{cell}\nn2,52:54:00:00:00:02,\n")
        if ";" in bad:  # which in a cell of CSV stands between the items of a list
            continue
        assert lab("ipxe", "-i", "hosts.csv", "--append-var", "kargs") == 1
        assert [report.partition("]")[0] for report in lab.reports()] in (
            [f"hosts.csv:2:{column}: error[pxe-arguments"] for column in (22, 23)  # behind a quote
        )


def test_the_longest_command_line(lab: Lab) -> None:
    lab.build("name,mac\nn1,52:54:00:00:00:01\n")
    room = 2047 - len(lab.arguments("n1")) - 1
    assert lab("pxelinux", "--append", "x" * room) == 0, lab.said
    assert lab("pxelinux", "--append", "x" * (room + 1)) == 1
    assert "error[pxe-arguments]: the kernel command line of n1 has 2,048 bytes; kernels take 2,047" in lab.said


@pytest.mark.parametrize("url", ["boot.example", "ftp://boot.example", "http://", "http://a b/", "http://u:s3cr3t@h/", "http://h/?t=s3cr3t", "http://h/${uuid}"])
def test_a_base_url_that_is_none(lab: Lab, url: str) -> None:
    lab.build()
    assert lab("ipxe", base=url) == 1
    assert "--base-url" in lab.said
    assert "s3cr3t" not in lab.said
    assert not lab.tree.exists()


# The folder


def test_a_changed_config_is_refused(lab: Lab) -> None:
    lab.build()
    path = lab.folder / "out/n2.ign"
    path.write_bytes(path.read_bytes() + b" ")
    assert lab("ipxe") == 1
    assert "out/n2.ign has been changed since it was built" in lab.said
    path.unlink()
    assert lab("ipxe") == 1
    assert "out/n2.ign: No such file or directory" in lab.said or "names no file of n2" in lab.said


def test_no_build(lab: Lab) -> None:
    (lab.folder / "out").mkdir()
    assert lab("ipxe") == 1
    assert lab.reports() == ["out/manifest.json: error[pxe-config]: there is no manifest of a build"]
    assert "help: build the folder first: butane-py build CONFIG --inventory FILE --output-dir out" in lab.said
    for text in ("[]", "{}", '{"hosts": 1}', '{"hosts": {"n1": 1}}', "{", '{"version": 1, "hosts": {"n1": {"file": "../../etc/passwd", "sha512": "0"}}}'):
        (lab.folder / "out/manifest.json").write_text(text)
        assert lab("ipxe") == 1, text
        assert "error[pxe-config]" in lab.said
        assert not lab.tree.exists()


def test_a_manifest_with_keys_twice(lab: Lab) -> None:
    lab.build()
    path = lab.folder / "out/manifest.json"
    path.write_text(path.read_text().replace('"mac": "52:54:00:00:00:01"', '"mac": {"a": 1, "a": 2}'))
    assert lab("ipxe") == 1
    assert "error[pxe-config]: the key 'a' is given twice" in lab.said


def test_machine_configs_are_refused(lab: Lab) -> None:
    text = CONFIG.replace("variant: fcos\nversion: 1.6.0\n", "variant: openshift\nversion: 4.18.0\nmetadata:\n  name: x\n  labels: {machineconfiguration.openshift.io/role: worker}\n")
    lab.build(config=text)
    assert lab("ipxe") == 1
    assert "is not an Ignition config" in lab.said
    shutil.rmtree(lab.folder / "out")
    lab.build(HOSTS, text, "--raw")
    assert lab("ipxe") == 0


def test_files_of_others_stay(lab: Lab) -> None:
    lab.build()
    lab.tree.mkdir()
    (lab.tree / "boot.ipxe").write_text("mine")
    assert lab("ipxe") == 1
    assert "tree/boot.ipxe was not written by butane-py pxe and would be lost" in lab.said
    assert lab.files() == ["boot.ipxe"]
    assert lab.read("boot.ipxe") == "mine"


def test_machines_that_are_gone(lab: Lab) -> None:
    """Their files are named, and removed with --prune; those of others never are."""
    lab.build()
    assert lab("ipxe") == 0
    (lab.tree / "vmlinuz").write_text("kernel")
    old = f"ign/{lab.sha512('n2')[:16]}.ign"
    lab.build("name,mac\nn1,52:54:00:00:00:01\n", CONFIG, "--prune")
    for _ in range(2):  # a second run remembers
        assert lab("ipxe") == 0
        assert f"{old}, machines/52-54-00-00-00-0a.ipxe: of machines that are gone" in lab.said
    assert lab("ipxe", "--prune") == 0
    assert f"removed {old}: its machine is gone" in lab.said
    assert old not in lab.files()
    assert "machines/52-54-00-00-00-0a.ipxe" not in lab.files()
    assert "vmlinuz" in lab.files()
    record = json.loads(lab.read("pxe.json"))
    assert record["stale"] == []
    assert list(record["machines"]) == ["n1"]


def test_a_record_that_leads_elsewhere(lab: Lab) -> None:
    lab.build()
    assert lab("ipxe") == 0
    (lab.folder / "mine").write_text("mine")
    record = json.loads(lab.read("pxe.json"))
    record["files"] += ["../mine", str(lab.folder / "mine"), 7]
    (lab.tree / "pxe.json").write_text(json.dumps(record))
    assert lab("ipxe", "--prune") == 0
    assert (lab.folder / "mine").read_text() == "mine"


def test_private_configs_stay_private(lab: Lab) -> None:
    lab.build(HOSTS, CONFIG, "--private")
    assert lab("ipxe") == 0
    modes = {path.suffix: path.stat().st_mode & 0o777 for path in lab.tree.rglob("*.*") if path.is_file()}
    assert modes[".ign"] == 0o600
    assert "2 configs with mode 0600" in lab.said


def test_reports_as_data(lab: Lab) -> None:
    lab.build(config=NO_MAC)
    assert lab("ipxe", "--format", "json") == 1
    assert [entry["code"] for entry in json.loads(lab.out)["reports"]] == ["pxe-key-missing"] * 2
    assert lab("ipxe", "--format", "sarif") == 1
    assert json.loads(lab.out)["runs"]


def test_every_layout_is_in_the_help(lab: Lab) -> None:
    assert lab.run("pxe", "--help") == 0
    for name in LAYOUTS:
        assert name in lab.out
