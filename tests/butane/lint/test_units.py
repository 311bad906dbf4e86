"""Unit texts: a table of good and bad ones, our verdicts, and those of the systemd that is installed."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from butane_py.linter.unit_text import MOST, read_command, read_unit
from tests.butane.lint.linted import codes, entries, file, one_unit, unit

RUN = "[Service]\nExecStart=/bin/true\n"
INSTALL = "[Install]\nWantedBy=multi-user.target\n"
SELECT = ("lint-unit", "lint-service", "lint-exec", "lint-timer-no-trigger", "lint-mount-name")

# name, text, the rules that find it. systemd-analyze has to say something of the bad ones, and nothing of the good ones.
SAME_VERDICT = [
    ("a.service", RUN, []),
    ("a.service", RUN + INSTALL, []),
    ("a.service", "# a comment\n; another\n\n" + RUN, []),
    ("a.service", "[Service]\nExecStart=/bin/sh -c 'a && \\\n  b'\n", []),
    ("a.service", "[Service]\nExecStart=true\n", []),
    ("a.service", "[Service]\nExecStart=-/bin/true\nExecStart=\nExecStart=/bin/false\n", []),
    ("a.service", "[Service]\nType=oneshot\nExecStart=/bin/true\nExecStart=/bin/false\n", []),
    ("a.service", "[Service]\nType=oneshot\nRemainAfterExit=yes\nExecStop=/bin/true\n", []),
    ("a.service", "[Unit]\nSuccessAction=reboot\n[Service]\nType=oneshot\n", []),
    ("a.service", f"[Unit]\nX-Mine=1\n{RUN}[X-Notes]\nFoo=1\n", []),
    ("a.service", f"{RUN}Restart=on-failure\n", []),
    ("a.service", "[Service]\nType=oneshot\nRestart=on-failure\nExecStart=/bin/true\n", []),
    ("a.timer", "[Timer]\nOnCalendar=daily\nUnit=systemd-tmpfiles-clean.service\n", []),
    ("a.timer", "[Timer]\nOnBootSec=5min\nUnit=systemd-tmpfiles-clean.service\n", []),
    ("a.path", "[Path]\nPathExists=/a\nUnit=systemd-tmpfiles-clean.service\n", []),
    ("var-a.mount", "[Mount]\nWhat=/dev/null\nWhere=/var/a\n", []),
    (r"var-a\x2db.mount", "[Mount]\nWhat=/dev/null\nWhere=/var/a-b\n", []),
    ("dev-a.swap", "[Swap]\nWhat=/dev/a\n", []),
    ("a.target", "[Unit]\nDescription=a\n", []),
    ("a.slice", "[Slice]\nCPUWeight=100\n", []),
    ("a.service", f"{RUN}[Instal]\nWantedBy=multi-user.target\n", ["lint-unit-section"]),
    ("a.service", f"[unit]\nDescription=a\n{RUN}", ["lint-unit-section"]),
    ("a.service", f"{RUN}[Timer]\nOnCalendar=daily\n", ["lint-unit-section"]),
    ("a.timer", "[Timer]\nOnCalendar=daily\nUnit=systemd-tmpfiles-clean.service\n[Service]\nExecStart=/bin/true\n", ["lint-unit-section"]),
    ("a.service", f"{RUN}ExecStar=/bin/true\n", ["lint-unit-directive"]),
    ("a.service", f"{RUN}execstart=/bin/true\n", ["lint-unit-directive"]),
    ("a.service", f"{RUN}WantedBy=multi-user.target\n", ["lint-unit-directive"]),
    ("a.service", f"[Unit]\nRestart=always\n{RUN}", ["lint-unit-directive"]),
    ("a.service", f"{RUN}Nonsense=1\n", ["lint-unit-directive"]),
    ("a.service", f"Description=a\n{RUN}", ["lint-unit-no-section"]),
    ("a.service", f"[Service]\nType=oneshot\n{INSTALL}", ["lint-service-no-exec"]),
    ("a.service", "[Service]\nType=simple\nExecStop=/bin/true\n", ["lint-service-no-exec"]),
    ("a.service", "[Service]\nExecStart=/bin/true\nExecStart=\n", ["lint-service-no-exec"]),
    ("a.service", f"{RUN}ExecStart=/bin/false\n", ["lint-service-several-exec"]),
    ("a.service", f"{RUN}Type=oneshot\nRestart=always\n", ["lint-service-restart"]),
    ("a.service", f"{RUN}Type=oneshot\nRestart=on-success\n", ["lint-service-restart"]),
    ("a.service", "[Service]\nExecStart=bin/true\n", ["lint-exec-relative"]),
    ("a.service", "[Service]\nExecStart=./true\n", ["lint-exec-relative"]),
    ("a.service", "[Service]\nExecStart=~/bin/true\n", ["lint-exec-relative"]),
    ("a.timer", "[Timer]\nPersistent=true\n", ["lint-timer-no-trigger"]),
    ("a.timer", "[Timer]\nOnCalendar=\n", ["lint-timer-no-trigger"]),
    ("a.socket", "[Socket]\nAccept=no\n", ["lint-unit-incomplete"]),
    ("a.path", "[Path]\nMakeDirectory=yes\n", ["lint-unit-incomplete"]),
    ("var-a.mount", "[Mount]\nWhere=/var/a\n", ["lint-unit-incomplete"]),
    ("var-a.mount", "[Mount]\nWhat=/dev/null\nWhere=/var/b\n", ["lint-mount-name"]),
    ("dev-a.swap", "[Swap]\nWhat=/dev/b\n", ["lint-mount-name"]),
]  # fmt: skip
_HARMLESS = re.compile(r"not executable|has fatal error|bad unit file setting|Failed to (?:add|create)|not found|device.*timed out")


@pytest.mark.parametrize(("name", "text", "expected"), SAME_VERDICT)
def test_our_verdict(name: str, text: str, expected: list[str]) -> None:
    assert codes(unit(name, text, enabled=False), select=SELECT) == expected


@pytest.mark.peer
@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="no systemd-analyze is installed")
@pytest.mark.parametrize(("name", "text", "expected"), SAME_VERDICT)
def test_the_verdict_of_systemd(name: str, text: str, expected: list[str], tmp_path: Path) -> None:
    (tmp_path / name).write_text(text)
    command = ["systemd-analyze", "verify", "--man=no", "--recursive-errors=no", str(tmp_path / name)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env={"PATH": "/usr/bin:/bin", "SYSTEMD_LOG_TARGET": "console"})
    said = [line for line in done.stderr.splitlines() if line.startswith((str(tmp_path), name)) and not _HARMLESS.search(line)]
    assert bool(said) is bool(expected), done.stderr


@pytest.mark.parametrize(
    ("value", "operator"),
    [
        ("/bin/a && /bin/b", "&&"), ("/bin/a || /bin/b", "||"), ("/bin/a | grep b", "|"), ("/bin/a > /tmp/b", ">"), ("/bin/a >/tmp/b", ">/tmp/b"),
        ("/bin/a 2>&1", "2>&1"), ("/bin/a >> /b", ">>"), ("/bin/a < /b", "<"), ("/bin/a &", "&"), ("/bin/a &> /b", "&>"),
        ("/bin/sh -c 'a && b'", ""), ("/bin/sh -c a && b", ""), ("/usr/bin/env bash -c 'a | b'", ""), ("/bin/a 'x && y'", ""), ('/bin/a "> b"', ""),
        ("/bin/a ; /bin/b", ""), ("/bin/a x&&y", ""), ("/bin/a <none>", ""), ("/bin/a a=b|c", ""), ("-/bin/a --filter={{.Names}}", ""),
    ],
)  # fmt: skip
def test_operators_of_the_shell(value: str, operator: str) -> None:
    found = entries(unit("a.service", f"[Service]\nType=oneshot\nExecStart={value}\n"), select=("lint-exec-shell",))
    assert [repr(operator) in entry.message for entry in found] == ([True] if operator else [])


@pytest.mark.parametrize(
    ("target", "severity", "hint"),
    [
        ("multi-user.target", "", ""), ("default.target", "", ""), ("timers.target", "", ""), ("remote-fs.target", "", ""), ("cryptsetup.target", "", ""),
        ("multiuser.target", "warning", "write multi-user.target"), ("multi-user.tartget", "warning", "write the whole name, with .service, .target or another suffix"),
        ("multi-user", "warning", "write multi-user.target"), ("k3s.target", "info", ""), ("docker.service", "", ""), ("%i.target", "", ""),
    ],
)  # fmt: skip
def test_targets(target: str, severity: str, hint: str) -> None:
    found = entries(unit("a.service", f"{RUN}[Install]\nWantedBy={target}\n"), select=("lint-unit-target",))
    assert [entry.severity for entry in found] == ([severity] if severity else [])
    assert not hint or found[0].hint == hint


def test_targets_of_the_config_are_known() -> None:
    mine = one_unit("mine.target", "[Unit]\nDescription=a\n", enabled=None)
    assert codes(unit("a.service", f"{RUN}[Install]\nWantedBy=mine.target\n") + mine) == []


def test_a_target_in_a_dependency_is_only_a_slip_if_one_is_similar() -> None:
    select = ("lint-unit-target",)
    assert codes(unit("a.service", f"[Unit]\nAfter=network-onlin.target\n{RUN}{INSTALL}"), select=select) == ["lint-unit-target"]
    assert codes(unit("a.service", f"[Unit]\nAfter=something-else.target\n{RUN}{INSTALL}"), select=select) == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("systemd:\n  units: [{name: docker.service, enabled: true, mask: true}]\n", ["lint-unit-enabled-masked"]),
        ("systemd:\n  units: [{name: docker.service, mask: true}]\n", []),
        ("systemd:\n  units: [{name: docker.service, enabled: false, mask: true}]\n", []),
        (unit("a@.service", RUN + INSTALL), ["lint-template-enabled"]),
        (unit("a@.service", RUN + INSTALL, enabled=None), []),
        (unit("a@.service", RUN + INSTALL + "DefaultInstance=x\n"), []),
        (unit("a@x.service", RUN + INSTALL), []),
        (unit("a.service", f"[Unit]\nAfter=network-online.target\n{RUN}{INSTALL}"), ["lint-network-online"]),
        (unit("a.service", f"[Unit]\nAfter=network-online.target\nWants=network-online.target\n{RUN}{INSTALL}"), []),
        (unit("a.service", f"[Unit]\nAfter=network.target\n{RUN}{INSTALL}"), []),
        (unit("a.timer", f"[Timer]\nOnCalendar=daily\n{INSTALL}") + one_unit("a.service", RUN + INSTALL), ["lint-timer-service-enabled"]),
        (unit("a.timer", f"[Timer]\nOnCalendar=daily\n{INSTALL}") + one_unit("a.service", RUN, enabled=None), []),
        (unit("a.service", f"[Service]\nExecStart=/opt/a\n{INSTALL}") + file("/opt/a", "x"), ["lint-exec-not-executable"]),
        (unit("a.service", f"[Service]\nExecStart=/opt/a\n{INSTALL}") + file("/opt/a", "x", "mode: 0755"), []),
    ],
)  # fmt: skip
def test_units_beside_their_text(text: str, expected: list[str]) -> None:
    assert codes(text) == expected


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("a.service", "[Service]\nExecStar=/bin/true\n", ["lint-unit-directive"]),
        ("a.service", "[Servce]\nExecStart=/bin/true\n", ["lint-unit-section"]),
        ("a.timer", "[Timer]\nOnCalender=daily\n", ["lint-unit-directive"]),
        ("a.service", "[Service]\nRestart=always\n", ["lint-service-no-exec"]),
    ],
)
def test_what_follows_from_a_slip_is_not_reported(name: str, text: str, expected: list[str]) -> None:
    assert codes(unit(name, text, enabled=False), select=SELECT) == expected


def test_reports_name_the_line_and_carry_a_fix() -> None:
    found = entries(unit("a.service", f"{RUN}[Instal]\nWantedBy=multi-user.target\n", enabled=False), select=SELECT)
    assert [(entry.place.line, entry.place.column) for entry in found] == [(10, 9)]
    assert found[0].fix is not None
    assert (found[0].fix.place.column, found[0].fix.place.end_column, found[0].fix.replacement) == (9, 17, "[Install]")


def test_dropins_and_unit_files_are_read_too() -> None:
    dropin = "systemd:\n  units:\n    - name: docker.service\n      dropins:\n        - name: a.conf\n          contents: |\n            [Servce]\n            Foo=1\n"
    assert codes(dropin) == ["lint-unit-section"]
    assert codes(file("/etc/systemd/system/docker.service.d/a.conf", "[Service]\nExecStar=1")) == ["lint-unit-directive"]


def test_a_dropin_completes_its_unit() -> None:
    text = unit("a.service", f"[Service]\nRestart=always\n{INSTALL}") + "      dropins:\n        - name: a.conf\n          contents: |\n            [Service]\n            ExecStart=/bin/true\n"
    assert codes(text) == []


@pytest.mark.peer
@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="no systemd-analyze is installed")
def test_verify_reports_what_only_systemd_knows() -> None:
    text = unit("a.service", f"[Service]\nExecStart=/opt/not-here\nRestart=sometimes\nExecStar=1\n{INSTALL}")
    found = entries(text, select=("lint-unit",), verify=True)
    assert [entry.code for entry in found] == ["lint-unit-verify", "lint-unit-directive"]
    assert "sometimes" in found[0].message and found[0].place.line == 10
    assert codes(unit("a.service", RUN + INSTALL), verify=True) == []
    assert "lint-unit-verify" not in codes(text)


def test_reading() -> None:
    read = read_unit("early=1\n[A]\nx = 1\ny=2 \\\n; comment\n  3\nx=\nx=4\nnonsense\n[B\nz=1")
    assert [(s.section, s.name, s.value, s.line) for s in read.settings] == [
        ("A", "x", "1", 3), ("A", "y", "2 3", 4), ("A", "x", "", 7), ("A", "x", "4", 8), ("B", "z", "1", 11),
    ]  # fmt: skip
    assert [s.value for s in read.all("A", "x")] == ["4"]
    assert read.stray == [("nonsense", 9)] and [s.name for s in read.early] == ["early"]
    assert len(read_unit("[A]\n" + "x=1\n" * MOST).settings) < MOST


@pytest.mark.parametrize(
    ("value", "program", "words"),
    [
        ("/bin/a b c", "/bin/a", [("b", False), ("c", False)]),
        ("-@/bin/a 'b c' \"d\"", "/bin/a", [("b c", True), ("d", True)]),
        (r"/bin/a b\ c", "/bin/a", [(r"b\ c", False)]),
        ("", "", []),
        ("/bin/a b 'open", "/bin/a", [("b", False)]),
    ],
)
def test_commands(value: str, program: str, words: list[tuple[str, bool]]) -> None:
    command = read_command(value)
    assert command.program == program
    assert command.words == words
