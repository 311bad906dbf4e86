"""Machines that our files stage and the reference's provisioned: as the config says, and with one change at a time."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.check.conftest import Check
from tests.check.node import CHANGES, ROWS, line_of
from tests.check.roots import Copy

pytestmark = [pytest.mark.root, pytest.mark.subprocess]
SHELLS = {"dash": ("dash",), "bash": ("bash", "--posix"), "busybox": ("busybox", "sh")}


def rows(output: str) -> dict[str, dict[str, Any]]:
    (host,) = json.loads(output)["hosts"]
    return {f"{item['kind']} {item['name']}": item for item in host["items"]}


def differences(output: str) -> dict[str, tuple[str, str]]:
    """State and what was found, of the rows that are not ok."""
    return {name: (item["state"], item["found"]) for name, item in rows(output).items() if item["state"] != "ok"}


@pytest.mark.parametrize("shell", SHELLS)
def test_as_the_config_says(machine: tuple[Copy, Path], check: Check, shell: str) -> None:
    copy, config = machine
    status, output, _ = check(str(config), "--exec", copy.command(*SHELLS[shell]), "--format", "json")
    assert differences(output) == {}
    assert (status, len(rows(output))) == (0, ROWS)


def test_in_a_mounted_root(machine: tuple[Copy, Path], check: Check) -> None:
    copy, config = machine
    status, output, _ = check(str(config), "--root", copy.path, "--format", "json")
    assert differences(output) == {}
    assert (status, len(rows(output))) == (0, ROWS)


@pytest.mark.parametrize("machine", ["ours"], indirect=True)
@pytest.mark.parametrize("name", CHANGES)
def test_one_change(machine: tuple[Copy, Path], check: Check, name: str) -> None:
    """Exactly one row differs, by the script and in the mounted root, and it names the line of the YAML."""
    copy, config = machine
    change = CHANGES[name]
    with copy.below(Path(f"{config}.{name}")) as changed:
        changed.run(change.script)
        for way in (("--exec", changed.command()), ("--root", changed.path)):
            status, output, _ = check(str(config), *way, "--format", "json")
            found = differences(output)
            assert found.keys() == {change.row}, way
            state, text = found[change.row]
            assert state == "different"
            assert text == change.found or not change.found
            item = rows(output)[change.row]
            assert (item["file"], item["line"]) == (str(config), line_of(change.at))
            assert status == 1


def test_what_changes_by_design(machine: tuple[Copy, Path], check: Check) -> None:
    """A password and a key more are set by others: shown, and no difference. No hash is shown."""
    copy, config = machine
    with copy.below(Path(str(config) + ".design")) as changed:
        changed.run("echo 'keeper:$6$other$hash' | chpasswd -e; echo 'ssh-rsa BBBB' >/home/keeper/.ssh/authorized_keys")
        for way in (("--exec", changed.command()), ("--root", changed.path)):
            status, output, _ = check(str(config), *way, "--format", "json")
            assert differences(output) == {
                "password keeper": ("set by others", "set by others"), "ssh keys keeper": ("set by others", "1 and 1 set by others")
            }  # fmt: skip
            assert status == 0
            assert "$6$" not in output and "$y$" not in output


def test_what_only_root_may_read_is_not_looked_at(machine: tuple[Copy, Path], check: Check) -> None:
    """A user without sudo: never equal, also where it differs."""
    copy, config = machine
    with copy.below(Path(str(config) + ".user")) as changed:
        changed.run("echo other >/etc/secret")
        status, output, _ = check(str(config), "--exec", changed.command(uid=1717), "--format", "json")
        assert {name: state for name, (state, _) in differences(output).items()} == dict.fromkeys(
            ("file /etc/secret", "ssh keys keeper", "password keeper"), "not looked at"
        )
        assert status == 3
        changed.run("chmod 640 /etc/secret")  # what can be seen is a difference
        status, output, _ = check(str(config), "--exec", changed.command(uid=1717), "--format", "json")
        assert differences(output)["file /etc/secret"] == ("different", "640, contents not looked at: permission denied")
        changed.run("chmod 700 /srv")
        status, output, _ = check(str(config), "--exec", changed.command(uid=1717), "--format", "json")
        assert differences(output)["file /srv/plain"] == ("not looked at", "not looked at: permission denied")


def test_nothing_is_written(machine: tuple[Copy, Path], check: Check) -> None:
    """The upper layer of the overlay gets every write: it is empty afterwards, whatever the shell."""
    copy, config = machine
    folder = Path(str(config) + ".clean")
    with copy.below(folder) as clean:
        before = sorted(str(path) for path in (folder / "upper").rglob("*"))
        run = clean.run("find /run /tmp /dev")
        for shell in SHELLS.values():
            assert check(str(config), "--exec", clean.command(*shell))[0] == 0
        assert sorted(str(path) for path in (folder / "upper").rglob("*")) == before
        assert clean.run("find /run /tmp /dev") == run


@pytest.mark.skipif(shutil.which("strace") is None, reason="there is no strace")
def test_nothing_of_the_script_is_in_the_list_of_processes(machine: tuple[Copy, Path], check: Check, tmp_path: Path) -> None:
    """Arguments of every program that is started, as the kernel sees them."""
    copy, config = machine
    trace = tmp_path / "trace"
    wrapper = f"strace -f -qq -e trace=execve -s 100000 -o {trace} {copy.command()}"
    assert check(str(config), "--exec", wrapper)[0] == 0
    text = trace.read_text()
    assert "stat" in text
    for secret in ("a secret of the config", "$y$j9T", "AAAAC3Nz", "main()"):
        assert secret not in text
