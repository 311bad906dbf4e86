"""A marker secret in every field that can hold one, in every form; then everything that either program says or leaves is searched.

The fields come from the tables of both languages (tests/helpers/planted.py): a field that is added is tested as a secret.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

import butane_py.features  # noqa: F401  # adds the fields of sugar
from butane_py import tables as butane_tables
from butane_py.compilation import Options
from butane_py.pipeline import compile_source
from ignition_py.cli import main
from ignition_py.fetch import deadline
from ignition_py.report.data import json_line
from ignition_py.report.sarif import sarif
from ignition_py.report.text import pretty, raw
from ignition_py.spec import tables
from ignition_py.spec.read import EmptyConfig, parse
from ignition_py.system import console
from tests.helpers.devices import wait_at_most
from tests.helpers.planted import MARKER, Steps, carriers, forms_of, name_of, planted
from tests.helpers.servers import Server, body
from tests.stages.files.files_machine import fill

URL = "http://127.0.0.1:1/x"


def once(ways: Iterable[Steps]) -> list[Any]:
    """The first way to each field of each structure; the others, which end in the same code, are for `-m matrix`."""
    seen: set[tuple[str, str]] = set()
    params = []
    for steps in ways:
        entry, struct = steps[-1]
        last = (struct.__name__, entry.name)
        params.append(pytest.param(steps, id=name_of(steps), marks=[pytest.mark.matrix] if last in seen else []))
        seen.add(last)
    return params


IGNITION = once(carriers(tables.Config))
# The author is shown lines of units, which are for all to read on the machine too, and of advertisements, which servers hand out.
BUTANE = once(
    steps for steps in carriers(butane_tables.Config) if steps[0][0].name != "systemd" and steps[-1][0].name != "advertisement"
)


def blocks(value: Any, indent: str = "") -> str:
    """Data as YAML in block style, as people write it, texts in quotes."""
    if isinstance(value, dict) and value:
        return "".join(f"\n{indent}{key}:{blocks(item, indent + '  ')}" for key, item in value.items())
    if isinstance(value, list) and value:
        return "".join(f"\n{indent}- {blocks(item, indent + '  ').lstrip()}" for item in value)
    return f" {json.dumps(value, ensure_ascii=False)}"


@pytest.mark.parametrize("steps", IGNITION)
def test_the_validator(steps: Steps) -> None:
    base = {"ignition": {"version": tables.latest()}}
    for form, value in forms_of(steps).items():
        for text in (json.dumps(planted(steps, value, "json", base, URL)), json.dumps(planted(steps, value, "json", base, URL), indent=2)):
            for data in (text.encode(), text.encode()[:-3], text.replace('"ignition"', '"ignitoin"', 1).encode()):
                try:
                    report = parse(data, "config.ign")[2]
                except EmptyConfig:
                    continue
                said = raw(report) + json_line("x", report) + sarif([("x", report)])
                assert MARKER not in said, (form, said)
                if steps[-1][0].secret:
                    shown = pretty(report, data, colour=False, is_json=True)
                    assert MARKER not in shown, (form, shown)


@pytest.mark.parametrize("steps", BUTANE)
def test_the_compiler(steps: Steps) -> None:
    first = steps[0][0].name
    variant, version = ("openshift", "4.22.0-experimental") if first in ("openshift", "metadata") else ("fcos", "1.8.0-experimental")
    base = {"variant": variant, "version": version, "metadata": {"name": "n", "labels": {"machineconfiguration.openshift.io/role": "worker"}}}
    if variant == "fcos":
        del base["metadata"]
    for form, value in forms_of(steps).items():
        data = planted(steps, value, "name", base, URL)
        name = steps[-1][0].name
        for text in (json.dumps(data), blocks(data).lstrip() + "\n"):
            for source in (text, text[:-4], text.replace(name, f"{name}x")):
                encoded = source.encode("utf-8", "surrogatepass")
                report = compile_source(encoded, "config.bu", Options(lint=True)).report
                said = raw(report) + json_line("x", report) + sarif([("x", report)])
                assert MARKER not in said, (form, source, said)
                if steps[-1][0].secret:
                    shown = pretty(report, encoded, colour=False)
                    assert MARKER not in shown, (form, shown)


MAY_HOLD = ("etc/shadow", "etc/gshadow", "etc/shadow-", "etc/gshadow-", "etc/systemd/system/", "home/keeper/.ssh/", "etc/x")
PRIVATE = ("cache", "config.ign", "fetched", "state")  # hold the config by their purpose; only root may read them


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("image")
    fill(str(folder))
    return folder


@pytest.mark.root
@pytest.mark.subprocess
@pytest.mark.sockets
@pytest.mark.parametrize("steps", IGNITION)
def test_the_executor(
    steps: Steps, tmp_path: Path, image: Path, server: Server, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """All stages, in this process: what they log, show on consoles and leave. Processes' arguments are watched in test_secrets.py."""
    said: list[bytes] = []
    monkeypatch.setattr(console, "names", lambda path: ["tty"])
    monkeypatch.setattr(console, "_write", lambda path, data: said.append(data))
    wait_at_most(monkeypatch, 0.0)
    monkeypatch.setattr(deadline, "FIRST_PAUSE", 0.01)
    monkeypatch.setenv("IGNITION_CONSOLE", "1")
    monkeypatch.setenv("IGNITION_CONFIG_FILE", str(tmp_path / "config.ign"))
    monkeypatch.chdir(tmp_path)
    server.at["*"] = body(MARKER.encode(), status=403)
    base = {"ignition": {"version": tables.latest(), "timeouts": {"httpTotal": 1, "httpResponseHeaders": 1}}}
    statuses = set()
    for form, value in forms_of(steps).items():
        for name in ("root", "run"):
            shutil.rmtree(tmp_path / name, ignore_errors=True)
        shutil.copytree(image, tmp_path / "root", symlinks=True)
        (tmp_path / "config.ign").write_text(json.dumps(planted(steps, value, "json", base, server.url("/f"))))
        for stage in ("fetch", "disks", "files"):
            paths = ["-config-cache", "run/cache", "-neednet", "run/net", "-state-file", "run/state", "-root", str(tmp_path / "root")]
            statuses.add(main(["ignition", "-platform", "file", "-stage", stage, "-log-to-stdout", "-fetch-timeout", "1s", *paths]))
            captured = capfd.readouterr()
            said += [captured.out.encode("utf-8", "replace"), captured.err.encode("utf-8", "replace")]
        assert MARKER.encode() not in b"".join(said), (form, b"".join(said).decode("utf-8", "replace")[-3000:])
        said.clear()
        for folder, _, names in os.walk(tmp_path):
            for name in names:
                path = Path(folder) / name
                inside = str(path.relative_to(tmp_path))
                if path.is_symlink() or name.startswith(PRIVATE) or inside.removeprefix("root/").startswith(MAY_HOLD):
                    continue
                assert MARKER.encode() not in path.read_bytes(), (form, inside, path.read_bytes())
    assert 1 in statuses


@pytest.mark.root
@pytest.mark.subprocess
def test_ignition_apply(tmp_path: Path, image: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """The net below the messages: what an error quotes is hidden, whoever raises it."""
    root = tmp_path / "root"
    shutil.copytree(image, root, symlinks=True)
    path = f"/etc/{MARKER}"
    (root / path[1:]).write_text("")
    file = {"path": path, "contents": {"source": f"data:,{MARKER}"}}
    (tmp_path / "config.ign").write_text(json.dumps({"ignition": {"version": tables.latest()}, "storage": {"files": [file]}}))
    assert main(["ignition-apply", "--root", str(root), str(tmp_path / "config.ign")]) == 1
    captured = capfd.readouterr()
    failure = [line for line in captured.out.splitlines() if line.startswith("CRITICAL")]
    assert "<hidden>" in "".join(failure)
    assert MARKER not in "".join(failure)
