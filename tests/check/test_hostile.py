"""Names as bad as they get, in every kind, through every shell; roots, answers and keys whose owners mean harm."""

from __future__ import annotations

import base64
import json
import os
import shlex
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from ignition_py.check import folder, script
from ignition_py.check import questions as ask
from ignition_py.check.contents import Contents
from ignition_py.check.findings import rows
from ignition_py.fetch.schemes.data import encode
from ignition_py.spec.tables import Config
from tests.check.conftest import Check
from tests.check.test_findings import config

SHELLS = ("dash", "bash --posix", "busybox sh")
NAMES = {
    "newline": "a\nb\n", "quotes": "a 'b\" $(touch x) `id` \\n \\", "dash": "-rf", "long": "n" * 255, "bytes": "\udcff\udc80x",
    "control": "\x01\x7f\x1b[31m", "control bytes": "\udc81\udc88\udc99", "denied": "x: Permission denied", "marks": "!denied", "glob": "*?[a]", "equal": "a=b;c&d|e",
    "percent": "%s%n%d", "blank": "  ", "snow": "\N{SNOWMAN}\u2028", "end": "'; } 2>&1; echo 'ignition-check 1 end",
}  # fmt: skip


def asked_by(shell: str, made: Config) -> dict[str, str]:
    """The answers of this machine through a shell that gets the script as standard input."""
    asked = ask.questions(made, Contents())
    done = subprocess.run(shlex.split(shell), input=script.script(asked), capture_output=True, check=True)
    return script.answers(asked, done.stdout)


@pytest.mark.subprocess
@pytest.mark.parametrize("shell", SHELLS)
def test_names_of_files(shell: str, tmp_path: Path) -> None:
    """Each name twice: what is right is ok, what is wrong differs; and nothing of a name is run."""
    folders = {"right": tmp_path / "right", "wrong": tmp_path / "wrong"}
    storage: dict[str, Any] = {"files": [], "directories": [], "links": []}
    for where, below in folders.items():
        below.mkdir()
        for kind in "fdl":
            (below / kind).mkdir()
        for name in NAMES.values():
            (below / "f" / name).write_text(where)
            (below / "f" / name).chmod(0o600)
            (below / "d" / name).mkdir(0o700 if where == "right" else 0o711)
            (below / "l" / name).symlink_to(name if where == "right" else "x")
            owner = {"user": {"id": os.getuid()}, "group": {"id": os.getgid()}}
            storage["files"].append({"path": f"{below}/f/{name}", "mode": 0o600, "contents": {"source": encode(b"right")}, **owner})
            storage["directories"].append({"path": f"{below}/d/{name}", "mode": 0o700})
            storage["links"].append({"path": f"{below}/l/{name}", "target": name})
    made = _config(storage)
    before = sorted(tmp_path.rglob("*"))
    for answers in (asked_by(shell, made), folder.answers(ask.questions(made, Contents()), "/")):
        found = rows(made, answers)
        assert len(found) == 6 * len(NAMES)
        assert [(row.kind, row.name, row.found) for row in found if row.ok != ("/right/" in row.name)] == []
    assert sorted(tmp_path.rglob("*")) == before


def _config(storage: dict[str, Any]) -> Config:
    """A config of these nodes; half of surrogate pairs, which stand for bytes, come through JSON as they do from a config."""
    from ignition_py.spec.tables import Directory, File, Link, NodeGroup, NodeUser, Resource, Storage

    def owners(each: dict[str, Any]) -> dict[str, Any]:
        return {"user": NodeUser(**each.get("user", {})), "group": NodeGroup(**each.get("group", {}))}

    files = tuple(File(path=each["path"], mode=each["mode"], contents=Resource(**each["contents"]), **owners(each)) for each in storage["files"])
    directories = tuple(Directory(path=each["path"], mode=each["mode"]) for each in storage["directories"])
    links = tuple(Link(path=each["path"], target=each["target"]) for each in storage["links"])
    return config().but(storage=Storage(files=files, directories=directories, links=links))


@pytest.mark.subprocess
@pytest.mark.parametrize("shell", SHELLS)
def test_names_of_everything_else(shell: str, tmp_path: Path) -> None:
    """Accounts, units, drop-ins, devices, kernel arguments that no machine has: absent, in every shell, and nothing of a name is run."""
    from ignition_py.spec.tables import (
        Disk,
        Filesystem,
        KernelArguments,
        Luks,
        Passwd,
        PasswdGroup,
        PasswdUser,
        Raid,
        Storage,
        Systemd,
        Unit,
    )

    names = list(NAMES.values())
    made = config().but(
        passwd=Passwd(
            users=tuple(PasswdUser(name=name, password_hash="x", groups=(name,), ssh_authorized_keys=(name,)) for name in names),
            groups=tuple(PasswdGroup(name=name) for name in names),
        ),
        systemd=Systemd(units=tuple(Unit(name=f"{name}.service", enabled=True) for name in names)),
        storage=Storage(
            disks=tuple(Disk(device=f"/dev/{name}") for name in names),
            filesystems=tuple(Filesystem(device=f"/dev/{name}", format="ext4") for name in names),
            luks=tuple(Luks(name=name, device=f"/dev/{name}") for name in names),
            raid=tuple(Raid(name=name, level="raid1") for name in names),
        ),
        kernel_arguments=KernelArguments(should_exist=tuple(names)),
    )
    answers = asked_by(f"env -C {shlex.quote(str(tmp_path))} {shell}", made)
    found = rows(made, answers)
    # Nothing of that kind is here; an argument of blanks alone has no words that could be absent.
    assert {row.kind for row in found if row.ok} <= {"kernel argument"}
    assert [row.name for row in found if row.ok] in ([], ["  "])
    assert {row.kind for row in found} >= {"user", "group", "unit"}
    assert list(tmp_path.iterdir()) == []


@pytest.mark.subprocess
@pytest.mark.skipif(shutil.which("shellcheck") is None, reason="there is no shellcheck")
def test_the_script_is_posix() -> None:
    done = subprocess.run(["shellcheck", "--shell=sh", "-"], input=script.FUNCTIONS, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "")


@pytest.mark.subprocess
@pytest.mark.parametrize("shell", SHELLS)
def test_half_a_script_runs_nothing(shell: str, tmp_path: Path) -> None:
    """A connection that breaks while the script is sent."""
    made = config(storage={"files": [{"path": "/etc/passwd"}]})
    text = script.script(ask.questions(made, Contents()))
    for part in (0.1, 0.5, 0.9):
        done = subprocess.run(shlex.split(shell), input=text[: int(len(text) * part)], capture_output=True, cwd=tmp_path)
        assert done.stdout == b""
    assert list(tmp_path.iterdir()) == []


def test_links_of_a_mounted_root_lead_nowhere_else(tmp_path: Path) -> None:
    """Links to the machine that looks, in every place that is read."""
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret").write_text("secret")
    root = tmp_path / "root"
    (root / "etc").mkdir(parents=True)
    (root / "out").symlink_to(outside)
    (root / "up").symlink_to("../../outside")
    (root / "etc/shadow").symlink_to(outside / "shadow")
    (outside / "shadow").write_text("u:hash:\n")
    (outside / ".ssh").mkdir()
    (outside / ".ssh/authorized_keys").write_text("ssh-ed25519 AAAA\n")
    (root / "etc/passwd").write_text(f"u:x:1:1::{outside}:/bin/sh\nv:x:2:2::/out:/bin/sh\n")
    (root / "etc/systemd").symlink_to(outside)
    made = config(
        storage={"files": [{"path": f"{prefix}/secret", "contents": {"source": encode(b"secret")}} for prefix in ("/out", "/up", str(outside))]},
        passwd={"users": [{"name": name, "passwordHash": "hash", "sshAuthorizedKeys": ["ssh-ed25519 AAAA"]} for name in ("u", "v")]},
        systemd={"units": [{"name": "a.service", "enabled": True}]},
    )
    found = rows(made, folder.answers(ask.questions(made, Contents()), str(root)))
    assert {(row.kind, row.name, row.found) for row in found if row.ok} == {
        ("user", "u", "present"), ("user", "v", "present"), ("password", "u", "set by others"), ("password", "v", "set by others")
    }  # fmt: skip


def test_what_is_no_file_in_a_mounted_root_is_not_opened(tmp_path: Path) -> None:
    """A pipe that nobody writes to would hold the check up for ever."""
    (tmp_path / "etc").mkdir()
    for name in ("passwd", "shadow", "fifo"):
        os.mkfifo(tmp_path / "etc" / name)
    made = config(
        storage={"files": [{"path": "/etc/fifo", "contents": {"source": "data:,"}}]}, passwd={"users": [{"name": "u", "passwordHash": "x"}]}
    )
    with pytest.raises(Exception, match="passwd"):
        folder.answers(ask.questions(made, Contents()), str(tmp_path))
    for name in ("passwd", "shadow"):
        os.unlink(tmp_path / "etc" / name)
    assert {row.name: row.found for row in rows(made, folder.answers(ask.questions(made, Contents()), str(tmp_path)))} == {
        "/etc/fifo": "fifo", "u": "absent"
    }  # fmt: skip


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda text: b"", "it answered nothing"),
        (lambda text: b"\x00\xff\xfe garbage\n" * 100, "it did not answer as the script does"),
        (lambda text: text[:-5], "its answer is cut off"),
        (lambda text: text, ""),
        (lambda text: b"Welcome!\nLast login: today\n" + text, ""),
        (lambda text: text.replace(b"\n", b"\r\n"), ""),
        (lambda text: text.replace(b"begin ", b"begin 0"), "these are the answers to questions about another config"),
    ],
)
def test_answers_of_any_kind(change: Any, why: str) -> None:
    made = config(storage={"files": [{"path": "/a"}]})
    asked = ask.questions(made, Contents())
    text = _answered(asked, {ask.NODES: "!absent\n"})
    if why:
        with pytest.raises(ValueError, match=why):
            script.answers(asked, change(text))
    else:
        assert script.answers(asked, change(text))[ask.NODES] == "!absent\n"


@pytest.mark.parametrize(
    ("name", "answer", "why"),
    [
        (ask.NODES, "", "it gave 0 answers about nodes in place of 1"),
        (ask.NODES, "!absent\n!absent\n", "it gave 2 answers about nodes in place of 1"),
        (ask.NODES, b"=", "its answer about nodes is damaged"),
    ],
)
def test_answers_that_do_not_fit_the_questions(name: str, answer: Any, why: str) -> None:
    asked = ask.questions(config(storage={"files": [{"path": "/a"}]}), Contents())
    with pytest.raises(ValueError, match=why):
        script.answers(asked, _answered(asked, {name: answer}))


def _answered(asked: ask.Questions, given: dict[str, Any]) -> bytes:
    """What the script prints, with these answers."""
    lines = [script.beginning(asked), b"0"]
    for name, items in asked.items():
        answer = given.get(name, "" if name in ask.WITHOUT_ITEMS else "!absent\n" * len(items))
        lines.append(answer if isinstance(answer, bytes) else base64.b64encode(answer.encode()))
    return b"\n".join([*lines, b"ignition-check 1 end", b""])


@pytest.mark.subprocess
@pytest.mark.parametrize(
    ("blocks", "nodes"),
    [('{"blockdevices": 7}', "644 0 0 root root 1 1:1 regular file"), ('{"blockdevices": [7]}', "644 0"), ("[]", "!absent"), ("no JSON", "!absent")],
)
def test_an_answer_that_means_nothing_is_a_sentence(check: Check, tmp_path: Path, blocks: str, nodes: str) -> None:
    path = tmp_path / "c.ign"
    path.write_text(json.dumps({"ignition": {"version": "3.3.0"}, "storage": {"files": [{"path": "/a"}]}}))
    asked = ask.questions(config("3.3.0", storage={"files": [{"path": "/a"}]}), Contents())
    answers = tmp_path / "answers"
    answers.write_bytes(_answered(asked, {ask.BLOCKS: blocks, ask.NODES: nodes + "\n"}))
    status, output, error = check(str(path), "--answers", str(answers))
    assert status == 3
    assert "its answer cannot be understood" in output
    assert "Traceback" not in output + error


@pytest.mark.root
@pytest.mark.subprocess
def test_keys_of_a_user_who_means_harm(check: Check, tmp_path: Path) -> None:
    """A file of keys is the user's: a link to what only root may read gives no contents away, a pipe holds nobody up."""
    from tests.check.roots import copy

    path = tmp_path / "c.ign"
    path.write_text(json.dumps({"ignition": {"version": "3.3.0"}, "passwd": {"users": [{"name": "u", "sshAuthorizedKeys": ["ssh-ed25519 AAAA"]}]}}))
    with copy(tmp_path / "copy") as machine:
        machine.run("useradd -m u; mkdir -p /home/u/.ssh/authorized_keys.d; ln -s /etc/shadow /home/u/.ssh/authorized_keys; mkfifo /home/u/.ssh/authorized_keys.d/x")
        record = f"{machine.command()} | tee {shlex.quote(str(tmp_path / 'record'))}"
        status, output, _ = check(str(path), "--exec", record)
        assert status == 1
        assert "ssh keys u" in output
        shadow = machine.run("cat /etc/shadow").splitlines()[0]
        answers = [base64.b64decode(line) for line in (tmp_path / "record").read_bytes().splitlines()[2:-1]]
        assert shadow.encode() not in b"\n".join(answers)
