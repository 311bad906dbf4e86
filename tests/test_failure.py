"""failure.py and sources.py: what is said when a stage fails, where it is left, and which config it names."""

from __future__ import annotations

import base64
import json
import os
import stat
from pathlib import Path
from typing import Any

import pytest

from ignition_py import cli, sources
from ignition_py.failure import Failure
from ignition_py.failure_screen import unwrapped
from ignition_py.report.diag import ERROR, ConfigError, IgnitionError, Place, Report, StageError
from ignition_py.system.run import CommandError

SECRET = "$6$s3cr3t"


class Machine:
    """Runs stages of a boot in a folder: state, cache and report below `run`."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder = folder
        self.run = folder / "run"
        (folder / "root/etc").mkdir(parents=True)
        self._capsys = capsys

    def __call__(self, stage: str) -> tuple[int, list[str]]:
        places = ["-config-cache", str(self.run / "cache"), "-neednet", str(self.run / "net"), "-state-file", str(self.run / "state")]
        argv = ["ignition", "-platform", "file", "-stage", stage, "-log-to-stdout", "-root", str(self.folder / "root"), *places]
        status = cli.main(argv)
        lines = self._capsys.readouterr().out.splitlines()
        critical = [line.partition(" : ")[2] for line in lines if line.startswith("CRITICAL")]
        if status and (self.run / "failure.txt").exists():
            screen = (self.run / "failure.txt").read_text().splitlines()
            assert len(screen) <= 24 and max(map(len, screen)) <= 80
        return status, critical

    def config(self, text: str) -> None:
        (self.folder / "config.ign").write_text(text)

    def json(self) -> Any:
        return json.loads((self.run / "failure.json").read_text())


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Machine:
    for name in ("RUNTIME_", "LOCAL_", ""):
        monkeypatch.setenv(f"IGNITION_SYSTEM_{name}CONFIG_DIR", str(tmp_path / "none"))
    (tmp_path / "cmdline").write_text("quiet\n")
    monkeypatch.setenv("IGNITION_KERNEL_CMDLINE_PATH", str(tmp_path / "cmdline"))
    monkeypatch.delenv("IGNITION_CONFIG_FILE", raising=False)
    monkeypatch.chdir(tmp_path)
    return Machine(tmp_path, capsys)


def data_url(text: str) -> str:
    return "data:;base64," + base64.b64encode(text.encode()).decode()


INNER = """{"ignition": {"version": "3.4.0"},
 "storage": {"files": [
  {"path": "/fine"},
  {"path": "/etc/there", "contents": {"source": "data:,s3cr3t"}}]}}"""


def test_the_screen_names_the_config_that_was_merged(machine: Machine) -> None:
    (machine.folder / "root/etc/there").write_text("old")
    ignition = {"version": "3.4.0", "config": {"merge": [{"source": data_url(INNER)}]}}
    machine.config(json.dumps({"ignition": ignition, "storage": {"files": [{"path": "/own"}]}}))
    assert machine("fetch")[0] == 0
    status, screen = machine("files")
    assert status == 1
    assert screen[0] == "Ignition failed in stage files"
    assert screen[1] == "  file /etc/there: a file is there already"
    assert screen[2] == "  asked for by: $.storage.files.1, line 4 col 4 of the data URL in $.ignition.config.merge.0 of file"
    assert screen[3].startswith("  what to do: Set `overwrite: true`")
    assert screen[4] == f"  what was done before: {machine.run}/report.jsonl"
    assert unwrapped((machine.run / "failure.txt").read_text().splitlines()) == screen
    found = machine.json()
    assert (found["stage"], found["entry"], found["line"], found["column"]) == ("files", "$.storage.files.1", 4, 4)
    assert found["source"] == "the data URL in $.ignition.config.merge.0 of file"


def test_the_screen_names_a_config_that_stands_alone(machine: Machine) -> None:
    (machine.folder / "root/etc/there").write_text("old")
    machine.config(INNER)
    assert machine("fetch")[0] == 0
    assert machine("files")[1][2] == "  asked for by: $.storage.files.1, line 4 col 4 of file"


def test_butane_that_is_compiled_at_boot_has_the_lines_of_its_yaml(machine: Machine) -> None:
    (machine.folder / "root/etc/there").write_text("old")
    machine.config("variant: fcos\nversion: 1.5.0\nstorage:\n  files:\n    - path: /etc/there\n      contents: {inline: x}\n")
    assert machine("fetch")[0] == 0
    assert machine("files")[1][2] == "  asked for by: $.storage.files.0, line 5 col 7 of file"


@pytest.mark.parametrize("text", ["", "[]", "{", '[["a", "{"]]', "null", '[["file", "{\\"ignition\\": {}}"]]'])
def test_damaged_texts_are_no_second_failure(machine: Machine, text: str) -> None:
    (machine.folder / "root/etc/there").write_text("old")
    machine.config(INNER)
    assert machine("fetch")[0] == 0
    (machine.run / ("cache" + sources.SUFFIX)).write_text(text)
    assert machine("files")[1][2].endswith(f"of {machine.run}/cache")


def test_files_are_private_and_hold_no_secrets(machine: Machine) -> None:
    users = {"passwd": {"users": [{"name": "nobody:", "passwordHash": SECRET, "sshAuthorizedKeys": ["ssh-rsa s3cr3t"]}]}}
    files = {"storage": {"files": [{"path": "/x", "user": {"name": "absent"}, "contents": {"source": "data:,s3cr3t"}}]}}
    machine.config(json.dumps({"ignition": {"version": "3.4.0"}, **users, **files}))
    assert machine("fetch")[0] == 0
    assert machine("files")[0] == 1
    for name in ("failure.json", "failure.txt", "report.jsonl", "cache" + sources.SUFFIX):
        assert stat.S_IMODE((machine.run / name).stat().st_mode) == 0o600
    for name in ("failure.json", "failure.txt", "report.jsonl"):
        assert "s3cr3t" not in (machine.run / name).read_text()


@pytest.mark.subprocess
def test_a_stage_that_succeeds_at_last_takes_its_failure_away(machine: Machine) -> None:
    there = machine.folder / "root/etc/there"
    there.write_text("old")
    machine.config(INNER)
    assert machine("fetch")[0] == 0
    assert machine("files")[0] == 1
    assert machine("fetch")[0] == 0  # another stage
    assert machine.json()["stage"] == "files"
    there.unlink()
    assert machine("files")[0] == 0
    assert not (machine.run / "failure.json").exists()
    assert not (machine.run / "failure.txt").exists()


def test_errors_in_a_config(machine: Machine) -> None:
    machine.config('{"ignition": {"version": "3.4.0"},\n "storage": {"files": [{"path": "relative"}]}}')
    status, lines = machine("fetch")
    assert status == 1
    screen = lines[lines.index("Ignition failed in stage fetch") :]
    assert screen[2] == "  asked for by: $.storage.files.0.path, line 2 col 33 of file"
    assert screen[3] == "  the check of the config said:"
    assert "'relative'" in screen[4]


def test_a_failure_is_in_the_report(machine: Machine) -> None:
    machine.config("{")
    machine("fetch")
    last = json.loads((machine.run / "report.jsonl").read_text().splitlines()[-1])
    assert (last["kind"], last["ok"]) == ("end", False)
    assert last["failure"] == machine.json()


def test_where_nothing_can_be_written(machine: Machine) -> None:
    machine.run.write_text("in the way")
    machine.config("{")
    status, lines = machine("fetch")
    assert status == 3
    assert lines[0] == "Ignition failed in stage fetch"


# The screen of each kind of error


def test_the_words_of_a_tool_stand_apart() -> None:
    error = CommandError("making ext4: mkfs failed (exit status 1)", command="mkfs /dev/vda", said=("one", "two"), returncode=1)
    assert Failure.of("disks", error).screen() == [
        "Ignition failed in stage disks",
        "  making ext4: mkfs failed (exit status 1)",
        "  the program said:",
        "    one",
        "    two",
        "  command: mkfs /dev/vda",
    ]


def test_many_findings_are_cut() -> None:
    report = Report()
    for number in range(40):
        report.add(ERROR, "x", f"wrong {number}", Place(("a", number), 1, 2, "s"))
    screen = Failure.of("fetch", ConfigError("bad", report)).screen()
    assert len(screen) == 24
    assert screen[4:7] == ["    wrong 0 ($.a.0, line 1 col 2 of s)", "    wrong 1 ($.a.1, line 1 col 2 of s)", "    wrong 2 ($.a.2, line 1 col 2 of s)"]
    assert screen[-4] == "    and 24 more"
    assert screen[2] == "  asked for by: $.a.0, line 1 col 2 of s"


@pytest.mark.parametrize("text", ["a\nb\x1b[2Jc\u202e", "x" * 100_000])
def test_hostile_words_stay_one_short_line(text: str) -> None:
    error = StageError(text, hint=text, place=Place((text,), 1, 1, text))
    failure = Failure.of("files", error)
    failure.about, failure.said, failure.command = text, (text,), text
    for line in failure.screen():
        assert line.isprintable()
        assert len(line) <= 80


def test_one_screen_at_most() -> None:
    def deep(levels: int) -> None:
        if levels:
            deep(levels - 1)
        raise KeyError(SECRET)

    try:
        deep(50)
    except KeyError as error:
        failure = Failure.of("files", error)
    failure.log, failure.report = "journalctl", "/run/ignition/report.jsonl"
    assert len(failure.screen()) <= 24
    assert SECRET not in "\n".join(failure.screen())
    error = CommandError("x", said=tuple(map(str, range(8))), command="x", returncode=1)
    assert len(Failure.of("files", error).screen()) <= 24


def test_data_and_screen_of_the_least_error() -> None:
    failure = Failure.of("kargs", IgnitionError("it did not work"))
    assert failure.screen() == ["Ignition failed in stage kargs", "  it did not work"]
    assert {key for key, value in failure.data().items() if value} == {"stage", "message"}
    assert os.sep not in json.dumps(failure.data())


# What goes wrong while a failure is explained


@pytest.mark.parametrize("error", [KeyError("s3cr3t"), RecursionError(), MemoryError(), OSError(5, "no"), StageError("no")], ids=repr)
@pytest.mark.parametrize(
    "broken",
    ["ignition_py.sources.Sources.original", "ignition_py.system.recorder.Recorder.end", "ignition_py.failure.Failure.write", "ignition_py.kept.keep",
     "ignition_py.sources._rendered", "ignition_py.yaml_places.source_map", "ignition_py.spec.origins.place_of", "ignition_py.engine.report"],
)  # fmt: skip
def test_the_failure_is_shown_whatever_goes_wrong_with_its_explanation(
    machine: Machine, monkeypatch: pytest.MonkeyPatch, broken: str, error: Exception
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise error

    (machine.folder / "root/etc/there").write_text("old")
    machine.config(INNER)
    assert machine("fetch")[0] == 0
    monkeypatch.setattr(broken, fail)
    status, screen = machine("files")
    assert status == 1
    assert screen[:2] == ["Ignition failed in stage files", "  file /etc/there: a file is there already"]
    assert "s3cr3t" not in "".join(screen)


def test_the_platform_is_told_last(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[object] = []

    def tell(platform: str, _: object, stage: str, error: IgnitionError | None) -> None:
        left = {name: (machine.run / name).exists() for name in ("failure.txt", "state")}
        told.append((platform, stage, error and error.message, left))

    monkeypatch.setattr("ignition_py.engine.report", tell)
    (machine.folder / "root/etc/there").write_text("old")
    machine.config(INNER)
    machine("fetch")
    assert told == [("file", "fetch", None, {"failure.txt": False, "state": True})]
    machine("files")
    assert told[1:] == [("file", "files", "file /etc/there: a file is there already", {"failure.txt": True, "state": True})]


@pytest.mark.parametrize(
    ("error", "what"),
    [
        (FileNotFoundError(2, "No such file or directory", "/sysroot"), "No such file or directory: /sysroot"),
        (OSError(18, "Invalid cross-device link", b"/a\xff", None, "/b"), "Invalid cross-device link: /a\udcff: /b"),
        (OSError(9, "Bad file descriptor", 7), "Bad file descriptor"),
        (PermissionError(13, "Permission denied"), "Permission denied"),
    ],
)
def test_an_error_of_the_system_says_what_the_system_said(error: OSError, what: str) -> None:
    try:
        raise error
    except OSError as caught:
        failure = Failure.of("mount", caught)
    assert failure.what == what
    assert failure.about == "where it happened:"
    assert failure.said[0].startswith("in test_an_error_of_the_system_says_what_the_system_said, ")
    assert all(line.isprintable() for line in failure.screen())


def test_an_error_of_a_library_that_only_looks_like_the_systems_is_a_defect() -> None:
    failure = Failure.of("fetch", OSError("https://user:s3cr3t@host"))
    assert "a defect of ignition-py" in failure.what
    assert "s3cr3t" not in str(failure.data())


def test_an_engine_that_cannot_be_made_is_a_failure(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise KeyError("s3cr3t")

    monkeypatch.setattr("ignition_py.engine.Fetcher", fail)
    status, screen = machine("fetch")
    assert (status, screen[0]) == (1, "Ignition failed in stage fetch")
    assert "KeyError; please report it" in screen[1]


@pytest.mark.subprocess
def test_kept_texts_go_after_the_files_stage(machine: Machine) -> None:
    kept = machine.run / f"cache{sources.SUFFIX}"
    machine.config(INNER)
    (machine.folder / "root/etc/there").write_text("old")
    machine("fetch")
    assert machine("files")[0] == 1
    assert kept.exists()
    (machine.folder / "root/etc/there").unlink()
    assert machine("files")[0] == 0
    assert not kept.exists()


def test_configs_of_old_flatcar_are_led_back_too(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    from ignition_py.spec.rules import resources

    monkeypatch.setattr(resources, "SCHEMES", dict(resources.SCHEMES))
    monkeypatch.setenv("IGNITION_FLATCAR", "1")
    (machine.folder / "root/etc/there").write_text("old")
    machine.config('{"ignition": {"version": "2.3.0"},\n "storage": {"files": [{"filesystem": "root", "path": "/etc/there",\n'
                   ' "overwrite": false, "contents": {"source": "data:,x"}}]}}')  # fmt: skip
    assert machine("fetch")[0] == 0
    _, screen = machine("files")
    assert screen[1] == "  file /etc/there: a file is there already"
    assert screen[2].startswith("  asked for by: $.storage.files.0")
    assert screen[2].endswith(" of file")
