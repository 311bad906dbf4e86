"""The target combustion: a script that shells accept, that linters accept, and that runs (test_tree.py runs it whole)."""

from __future__ import annotations

import gzip
import hashlib
import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.helpers.overlay import applied
from tests.helpers.servers import Server, body
from tests.helpers.targets import codes, emitted
from tests.targets.test_tree import CONFIG

ARGUMENTS = "kernel_arguments: {should_exist: ['console=ttyS0,115200n8', quiet], should_not_exist: [rhgb, 'a*b']}\n"


def script(text: str) -> bytes:
    """The script of a config without errors."""
    result = emitted(text, "combustion")
    assert [entry.raw() for entry in result.report if entry.severity == "error"] == []
    return next(iter(result.outputs.values()))


@pytest.mark.subprocess
@pytest.mark.parametrize("text", [CONFIG, ARGUMENTS + CONFIG + "  combustion: {packages: [vim], script: 'echo hi'}\n", "{}\n"])
def test_shells_and_shellcheck_accept_it(text: str, tmp_path: Path) -> None:
    head = {"head": "{variant: machine, version: 1.0.0-experimental}\n"} if text == "{}\n" else {}
    result = emitted("" if head else text, "combustion", **head)
    path = tmp_path / "script"
    path.write_bytes(next(iter(result.outputs.values())))
    assert subprocess.run(["bash", "-n", path], capture_output=True).stderr == b""
    if shutil.which("shellcheck"):
        done = subprocess.run(["shellcheck", "-e", "SC2016,SC1003", path], capture_output=True, text=True)
        assert done.returncode == 0, done.stdout


def test_the_head_says_what_combustion_reads() -> None:
    plain = script("machine: {hostname: a}\n")
    assert plain.startswith(b"#!/bin/bash\n# Made by butane-py from node.bu for combustion. Do not edit.\n") and b"# combustion: network" not in plain
    network = script("machine: {hostname: a}\ntargets: {combustion: {packages: ['a b', c]}}\n")
    assert b"\n# combustion: network\n" in network
    assert b"zypper --non-interactive install --no-recommends 'a b' c\n" in network


@pytest.mark.root
@pytest.mark.subprocess
@pytest.mark.parametrize(
    ("files", "path", "expected"),
    [
        ({"cmdline": b"rhgb root=/dev/sda quiet"}, "/etc/kernel/cmdline", "root=/dev/sda quiet console=ttyS0,115200n8"),
        ({"grub": b'A=1\nGRUB_CMDLINE_LINUX_DEFAULT="x rhgb aXb a*b"\nB=2\n'}, "/etc/default/grub", "x aXb console=ttyS0,115200n8 quiet"),
    ],
)
def test_kernel_arguments(files: dict[str, bytes], path: str, expected: str, tmp_path: Path) -> None:
    assert codes(emitted(ARGUMENTS, "combustion")) == [("target-reboot", 3)]
    tools = "for tool in sdbootutil grub2-mkconfig; do printf '#!/bin/sh\\n' >/usr/bin/$tool; chmod +x /usr/bin/$tool; done\n"
    put = f"mkdir -p {Path(path).parent}\ncp /run/input/{next(iter(files))} {path}\n"
    tree = applied(tmp_path, f"set -e\n{tools}{put}bash /run/input/script\nbash /run/input/script\ncat {path}\n", {**files, "script": script(ARGUMENTS)})
    assert tree.status == 0, tree.log
    assert expected in tree.log.replace('"', "\n").splitlines(), tree.log


def test_a_kernel_argument_that_a_shell_would_change() -> None:
    assert codes(emitted("kernel_arguments:\n  should_exist:\n    - 'a=\"b\"'\n    - a=$b\n    - a=b\n", "combustion")) == [("target-reboot", 4), ("target-value", 5), ("target-value", 6)]


@pytest.mark.subprocess
@pytest.mark.sockets
def test_downloads_are_unpacked_and_checked(tmp_path: Path) -> None:
    if shutil.which("curl") is None:
        pytest.skip("needs curl")
    plain = b"contents\n" * 99
    server = Server()
    server.at["*"] = body(gzip.compress(plain))
    try:
        for digest, good in ((hashlib.sha512(plain).hexdigest(), True), ("0" * 128, False)):
            target = tmp_path / f"file-{good}"
            text = f"""storage:
  files:
    - path: {target}
      mode: 0600
      contents: {{source: '{server.url('/a?b=[1]')}', compression: gzip, http_headers: [{{name: X, value: 's"ecret'}}], verification: {{hash: sha512-{digest}}}}}
"""
            made = script(text)
            assert b"\n# combustion: network\n" in made
            commands = [line for line in made.decode().splitlines() if line.startswith("curl")]
            assert commands and not any("ecret" in command for command in commands)  # not in the list of processes
            done = subprocess.run(["bash", "-s"], input=made, capture_output=True)
            assert (done.returncode == 0) is good, done.stderr
            assert not good or (target.read_bytes() == plain and target.stat().st_mode & 0o777 == 0o600)
        assert server.seen[0][0] == "/a?b=[1]" and server.seen[0][1]["x"] == 's"ecret'
    finally:
        server.close()


def test_what_it_cannot_say() -> None:
    text = """storage:
  disks: [{device: /dev/a, wipe_table: true, partitions: [{number: 1, resize: true}]}]
  filesystems: [{device: /dev/b, format: ext4, options: [-x]}]
  raid: [{name: a, level: raid1, devices: [/dev/c, /dev/d]}]
  luks: [{name: l, device: /dev/e}]
"""
    result = emitted(text, "combustion")
    assert codes(result) == [("target-no-disks", 4), ("target-no-disks", 5), ("target-no-raid", 6), ("target-no-luks", 7)]
    assert all("--target microos" in entry.hint for entry in result.report)


NAMES = st.text(st.characters(exclude_characters="\0/", exclude_categories=["Cs"]), min_size=1, max_size=20).filter(lambda name: name not in (".", ".."))


@pytest.mark.root  # the script gives files to root
@pytest.mark.subprocess
@settings(max_examples=25, deadline=None)
@given(st.dictionaries(NAMES.filter(lambda name: len(name.encode()) < 200), st.binary(max_size=100), min_size=1, max_size=5))
def test_names_and_contents_come_back(files: dict[str, bytes]) -> None:
    import base64
    import json
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        nodes = [{"path": f"{folder}/{name}", "contents": {"source": "data:;base64," + base64.b64encode(data).decode()}} for name, data in files.items()]
        text = json.dumps({"variant": "machine", "version": "1.0.0-experimental", "storage": {"files": nodes}})
        result = emitted(text.encode("ascii").decode(), "combustion", head="")
        if any(entry.severity == "error" for entry in result.report):
            return  # a path that the language refuses
        done = subprocess.run(["bash", "-s"], input=next(iter(result.outputs.values())), capture_output=True)
        assert done.returncode == 0, done.stderr
        assert {path.name: path.read_bytes() for path in Path(folder).iterdir()} == files
