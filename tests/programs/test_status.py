"""The report of a boot (recorder.py, stages/files/report.py, report.py) and the programs that read it."""

from __future__ import annotations

import io
import json
import os
import stat
import tarfile
import threading
import time
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from typing import Any

import pytest

from ignition_py import boot_report as report
from ignition_py import cli
from ignition_py.boot_report import DONE, FAILED, RUNNING, UNKNOWN, load, parse
from ignition_py.fetch.fetcher import Fetcher
from ignition_py.programs import collect_logs
from ignition_py.spec.tables import Resource
from ignition_py.system.recorder import Recorder
from tests.helpers.servers import MemoryLog, Server, body

KEPT = "etc/.ignition-report.jsonl"
RESULT = {"provisioningBootID": "b", "provisioningDate": "2026-01-02T03:04:05Z", "userConfigProvided": True, "previousReport": {"x": "y"}}


def started(stage: str, start: float, *, boot: str = "b", pid: int = 1) -> dict[str, Any]:
    return {"kind": "stage", "stage": stage, "start": start, "at": "T", "boot": boot, "pid": pid, "platform": "qemu", "version": "0"}


def ended(stage: str, start: float, took: float, **more: Any) -> dict[str, Any]:
    return {"kind": "end", "stage": stage, "start": start, "took": took, "ok": True, **more}


def step(stage: str, what: str, start: float, took: float, **more: Any) -> dict[str, Any]:
    return {"kind": "step", "stage": stage, "what": what, "start": start, "took": took, "ok": True, **more}


BOOT = [
    started("fetch", 1.0),
    step("fetch", "contents of /a", 1.1, 0.4) | {"kind": "resource", "source": "https://a.example/x", "bytes": 5},
    ended("fetch", 1.0, 1.0),
    started("files", 3.0),
    step("files", "early", 3.0, 0.5),
    step("files", "beside <it>", 3.1, 0.3),
    step("files", "late", 3.6, 0.9),
    ended("files", 3.0, 2.0),
]
WENT_WRONG = {"stage": "disks", "message": "no disk", "hint": "add one", "said": ["a", "b"], "log": None}
BROKEN = [*BOOT[:3], started("disks", 2.0), ended("disks", 2.0, 0.1, ok=False, failure=WENT_WRONG)]


def root_with(folder: Path, records: list[dict[str, Any]], result: Any = None) -> Path:
    (folder / "etc").mkdir(exist_ok=True)
    (folder / KEPT).write_text("".join(json.dumps(record) + "\n" for record in records))
    if result is not None:
        (folder / "etc/.ignition-result.json").write_text(json.dumps(result))
    return folder


# Written by the stages


def test_recorder_appends_and_is_private(tmp_path: Path) -> None:
    path = tmp_path / "run/report.jsonl"
    for stage in ("fetch", "files"):
        recorder = Recorder(str(path), stage)
        recorder.begin("qemu", "1")
        for number in range(100):
            recorder.step(f"step {number}", time.monotonic())
        recorder.end()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    runs = parse(path.read_bytes())
    assert [(run.stage, len(run.spans), run.ok, run.pid) for run in runs] == [("fetch", 100, True, os.getpid()), ("files", 100, True, os.getpid())]


def test_recorder_survives_what_is_in_its_way(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").write_text("")
    (tmp_path / "report.jsonl").symlink_to("elsewhere")
    for path in (tmp_path / "report.jsonl", Path("/proc/nothing/report.jsonl")):
        recorder = Recorder(str(path), "fetch")
        recorder.begin("qemu", "1")
        recorder.end()
        assert recorder.contents() == b""
    assert (tmp_path / "elsewhere").read_text() == ""


@pytest.mark.sockets
def test_downloads_are_recorded_without_secrets(tmp_path: Path, server: Server) -> None:
    server.at["/f"] = body(b"12345")
    log = MemoryLog()
    log.recorder = Recorder(str(tmp_path / "report.jsonl"), "files")
    log.recorder.begin("qemu", "1")
    url = server.url("/f").replace("://", "://user:s3cr3t@")
    assert Fetcher(log).read(Resource(source=f"{url}?token=s3cr3t"), what="contents of /f") == b"12345"
    assert Fetcher(log).read(Resource(source="data:,s3cr3t"), what="contents of /g") == b"s3cr3t"
    data = log.recorder.contents()
    (run,) = parse(data)
    (span,) = run.spans
    assert (span.kind, span.what, span.source, span.size, span.ok) == ("resource", "contents of /f", server.url("/f"), 5, True)
    assert b"s3cr3t" not in data


@pytest.mark.subprocess  # sync
def test_a_boot_leaves_its_report_in_the_root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = tmp_path / "root"
    (root / "etc").mkdir(parents=True)
    for name in ("RUNTIME_", "LOCAL_", ""):
        monkeypatch.setenv(f"IGNITION_SYSTEM_{name}CONFIG_DIR", str(tmp_path / "none"))
    monkeypatch.chdir(tmp_path)
    files = [{"path": "/x", "contents": {"source": "data:,s3cr3t"}}]
    (tmp_path / "config.ign").write_text(json.dumps({"ignition": {"version": "3.4.0"}, "storage": {"files": files}}))
    monkeypatch.setenv("IGNITION_CONFIG_FILE", str(tmp_path / "config.ign"))
    places = ["-config-cache", "cache", "-neednet", "run/net", "-state-file", "run/state"]
    for stage in ("fetch", "disks", "files", "umount"):
        assert cli.main(["ignition", "-platform", "file", "-stage", stage, "-root", str(root), "-log-to-stdout", *places]) == 0
    kept = root / KEPT
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert "s3cr3t" not in kept.read_text()
    found = load(str(root))
    assert [run.stage for run in found.runs] == ["fetch", "disks", "files"]
    assert "files: file /x" in [span.what for span in found.runs[2].spans]
    status = found.status()
    assert (status.state, status.result["userConfigProvided"] if status.result else None) == (DONE, True)
    # Done again, the copy is a new one and no longer.
    size = len(kept.read_text().splitlines())
    (tmp_path / "run/report.jsonl").unlink()
    assert cli.main(["ignition", "-platform", "file", "-stage", "files", "-root", str(root), "-log-to-stdout", *places]) == 0
    assert len(kept.read_text().splitlines()) < size


# Read


@pytest.mark.parametrize(
    ("records", "state", "stage"),
    [
        ([], UNKNOWN, ""),
        (BOOT, DONE, "files"),
        (BOOT[:3], RUNNING, "fetch"),
        (BROKEN, FAILED, "disks"),
        ([*BOOT[:3], started("disks", 2.0)], FAILED, "disks"),  # kept in a root: whoever wrote it has gone
        ([started("files", 0.0), ended("files", 0.0, 1.0, ok=False), *BOOT], DONE, "files"),  # repaired and run again
        ([*BOOT, started("umount", 9.0), ended("umount", 9.0, 0.1)], DONE, "umount"),
        ([*BOOT, started("fetch", 0.5, boot="c"), ended("fetch", 0.5, 0.1)], RUNNING, "fetch"),
    ],
)
def test_state(tmp_path: Path, records: list[dict[str, Any]], state: str, stage: str) -> None:
    status = load(str(root_with(tmp_path, records))).status()
    assert (status.state, status.stage) == (state, stage)


def test_a_process_that_is_gone_was_interrupted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "report.jsonl"
    monkeypatch.setattr(report, "RUN", str(path))
    for pid, state in ((os.getpid(), RUNNING), (2**22 + 1, FAILED)):
        path.write_text(json.dumps(started("fetch", 0.0, pid=pid)) + "\n")
        assert load().status().state == state


@pytest.mark.parametrize(
    "line", ["", "{", "[]", "null", "1", '{"kind": "stage"}', '{"kind": "step", "stage": "fetch"}', "\xff", "[" * 100_000, '{"kind": []}']
)
def test_damaged_lines_are_passed_over(line: str) -> None:
    text = b"\n".join([line.encode("latin-1"), *(json.dumps(record).encode() + b"\n" + line.encode("latin-1") for record in BOOT)])
    runs = parse(text)
    assert [(run.stage, len(run.spans)) for run in runs] == [("fetch", 1), ("files", 3)]


def test_links_of_another_root_do_not_lead_out(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    outside = tmp_path / "secret"
    outside.write_text("s3cr3t")
    root = tmp_path / "root"
    (root / "etc").mkdir(parents=True)
    (root / KEPT).symlink_to(f"/../../../../../..{outside}")
    assert cli.main(["ignition-py", "status", "--root", str(root)]) == 4
    assert b"s3cr3t" not in b"".join(collect_logs.collect(str(root)).values())


# The programs


@pytest.mark.parametrize(
    ("records", "result", "status", "said"),
    [
        (BOOT, RESULT, 0, "status: provisioned\nplatform: qemu\n"),
        ([], RESULT, 0, "status: provisioned\nended: 2026-01-02T03:04:05Z (boot b)\n"),
        (BROKEN, None, 1, "status: failed in stage disks\n"),
        (BOOT[:3], None, 3, "status: going on (stage fetch)\n"),
        ([], None, 4, "status: unknown"),
    ],
)
def test_status(
    tmp_path: Path, records: list[dict[str, Any]], result: Any, status: int, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    root = str(root_with(tmp_path, records, result))
    assert cli.main(["ignition-py", "status", "--root", root]) == status
    text = capsys.readouterr().out
    assert text.startswith(said)
    if status == 1:
        assert text.endswith("failure, message: no disk\nfailure, hint: add one\nfailure, said: a\nfailure, said: b\n")
    assert cli.main(["ignition-py", "status", "--root", root, "--format", "json"]) == status
    data = json.loads(capsys.readouterr().out)
    assert data["status"] == {0: "done", 1: "failed", 3: "running", 4: "unknown"}[status]
    assert [run["stage"] for run in data["stages"]] == [record["stage"] for record in records if record["kind"] == "stage"]
    assert "previousReport" not in (data["result"] or {})


@pytest.mark.parametrize(
    ("words", "status"),
    [("status x", 2), ("status --bogus", 2), ("status -h", 0), ("status --report /nonexistent", 5), ("status --root /nonexistent", 5),
     ("analyze x", 2), ("analyze blame svg", 2), ("analyze --report /nonexistent", 1), ("analyze --report /dev/null", 1),
     ("collect-logs x", 2), ("collect-logs --root /nonexistent", 1), ("collect-logs -output /proc/nothing/x -root /usr", 1)],
)  # fmt: skip
def test_wrong_usage_and_what_cannot_be_read(words: str, status: int, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["ignition-py", *words.split()]) == status
    assert "Traceback" not in capsys.readouterr().err


def test_waiting(tmp_path: Path) -> None:
    root = root_with(tmp_path, BOOT[:3])
    start = time.monotonic()
    assert cli.main(["ignition-py", "status", "--wait", "--timeout", "300ms", "--root", str(root)]) == 3
    assert 0.3 <= time.monotonic() - start < 60
    later = threading.Timer(0.4, root_with, (tmp_path, BOOT))
    later.start()
    assert cli.main(["ignition-py", "status", "-wait", "--root", str(root)]) == 0
    later.join()


def test_blame(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    root = str(root_with(tmp_path, BOOT))
    assert cli.main(["ignition-py", "analyze", "--root", root]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "     2.000s stage files",
        "     1.000s stage fetch",
        "     0.900s late",
        "     0.500s early",
        "     0.400s contents of /a from https://a.example/x, 5 bytes",
        "     0.300s beside <it>",
    ]


@pytest.mark.parametrize("words", [["critical-path", "--root", "ROOT"], ["--root", "ROOT", "critical-path"]])
def test_critical_path(tmp_path: Path, words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    root = str(root_with(tmp_path, BOOT))
    assert cli.main(["ignition-py", "analyze", *(root if word == "ROOT" else word for word in words)]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "@1.000s +1.000s stage fetch",
        "  @1.100s +0.400s contents of /a from https://a.example/x, 5 bytes",
        "@2.000s +1.000s (between the stages: other units, the network)",
        "@3.000s +2.000s stage files",
        "  @3.000s +0.500s early",
        "  @3.600s +0.900s late",
    ]
    assert cli.main(["ignition-py", "analyze", "critical-path", "--format", "json", "--root", root]) == 0
    assert [span["what"] for span in json.loads(capsys.readouterr().out)][-1] == "late"


def test_picture(tmp_path: Path, capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    hostile = [*BOOT[:-1], step("files", "\x00\x1b]]>&\"'\ud800", 4.0, 0.1, ok=False), BOOT[-1]]
    assert cli.main(["ignition-py", "analyze", "svg", "--root", str(root_with(tmp_path, hostile))]) == 0
    tree = ElementTree.fromstring(capsysbinary.readouterr().out)
    name = "{http://www.w3.org/2000/svg}"
    texts = [element.text or "" for element in tree.iter(f"{name}text")]
    assert "beside <it> (0.300 s)" in texts
    bars = [element for element in tree.iter(f"{name}rect") if element.get("x")]
    assert len(bars) == 7
    widths = [float(bar.get("width", "0")) for bar in bars]
    assert widths[0] == pytest.approx(250, abs=1)  # one second of four
    assert sum(bar.get("fill") == "#c1272d" for bar in bars) == 1


def test_collected_logs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    root = root_with(tmp_path, BOOT, RESULT)
    (root / "run").mkdir()
    (root / "run/ignition.json").write_text("s3cr3t")
    archive = tmp_path / "logs.tar.gz"
    assert cli.main(["ignition-py", "collect-logs", "-root", str(root), "-output", str(archive)]) == 0
    assert stat.S_IMODE(archive.stat().st_mode) == 0o600
    with tarfile.open(archive) as tar:
        members = {member.name: tar.extractfile(member).read() for member in tar.getmembers()}  # type: ignore[union-attr]
    assert members["ignition-logs/etc/ignition-report.jsonl"] == (root / KEPT).read_bytes()
    assert json.loads(members["ignition-logs/etc/ignition-result.json"])["provisioningBootID"] == "b"
    assert b"/run/ignition/failure.json: there is no such file" in members["ignition-logs/missing.txt"]
    assert not any(b"s3cr3t" in data for data in members.values())


@pytest.mark.parametrize("size", [0, 1, 511, 512, 513, 100_000])
def test_archives_are_tar(size: int) -> None:
    packed = collect_logs.archive({"a": b"x" * size, "b/c": b"end"})
    with tarfile.open(fileobj=io.BytesIO(packed), mode="r:gz") as tar:
        assert [(member.name, member.size, member.mode) for member in tar] == [
            ("ignition-logs/a", size, 0o600), ("ignition-logs/b/c", 3, 0o600)
        ]  # fmt: skip


def test_the_command_line_without_secrets(tmp_path: Path) -> None:
    path = tmp_path / "cmdline"
    secret = "https://u:s3cr3t@h.example/c?t=s3cr3t"
    report = "ignition.report.url=https://h.example/s3cr3t"
    path.write_text(f"password=s3cr3t ignition.firstboot ignition.config.url={secret} ignition.platform.id=qemu {report}\n")
    assert collect_logs.cmdline(str(path)).split() == [
        "ignition.firstboot", "ignition.config.url=https://h.example/c", "ignition.platform.id=qemu",
        "ignition.report.url=https://h.example",
    ]  # fmt: skip
