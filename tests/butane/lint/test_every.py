"""All rules together: hostile configs, generated ones, the examples of the catalogue, and the page of the rules."""

from __future__ import annotations

import base64
import gzip
import json
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from butane_py.compilation import Options
from butane_py.decompiler import decompile
from butane_py.linter import every
from butane_py.linter.rule import MOST_OF_A_RULE
from butane_py.pipeline import compile_source
from ignition_py.report.catalog import load
from ignition_py.report.diag import WARNING, ConfigError
from tests.butane.lint.linted import HEAD
from tests.helpers.strategies import configs

ROOT = Path(__file__).parents[3]


def _linted(text: bytes) -> list[str]:
    return [entry.code for entry in compile_source(text, "x", Options(lint=True)).report]


def test_every_rule_is_described() -> None:
    codes = load()
    assert len(every.RULES) >= 60
    assert all(codes[name].lint and codes[name].title and codes[name].why and codes[name].fix for name in every.RULES)
    assert {rule.check.__module__ for rule in every.RULES.values()} == {module.__name__ for module in every.MODULES}


def test_the_page_is_up_to_date(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(ROOT / "tools"))
    sys.modules.pop("lint_table", None)
    import lint_table

    page = (ROOT / "docs" / "lint.md").read_text(encoding="utf-8")
    assert lint_table.written(page) == page, "run tools/lint_table.py"


@given(configs(children=False))
@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
def test_generated_configs_end_in_reports(data: dict[str, Any]) -> None:
    """Whatever a valid config has: rules do not fail, and every report has a place and a way out."""
    try:
        text = decompile(json.dumps(data).encode())
    except ConfigError:
        return
    result = compile_source(text.encode(), "x", Options(lint=True))
    assert result.output is not None
    lints = [entry for entry in result.report if entry.code.startswith("lint-")]
    assert all(entry.place.line and entry.message and entry.hint for entry in lints)


# What the examples of other codes have as it should not be, beside what they show.
_TRUE_OF_EXAMPLES = {
    "lint-device-unknown", "lint-device-unstable", "lint-luks-key-inline", "lint-not-mounted", "lint-quadlet-incomplete", "lint-quadlet-not-started",
    "lint-raid-one-device", "lint-service-no-exec", "lint-ssh-key-invalid", "lint-unit-not-started",
}  # fmt: skip


def test_the_right_examples_of_other_codes_get_only_what_is_true_of_them() -> None:
    found: dict[str, list[str]] = {}
    for code in load().values():
        if code.right and not code.lint and not code.local and not code.build and not code.recipient and not code.right.startswith("["):
            for entry in compile_source(code.example(code.right).encode(), code.name, Options(lint=True, raw=code.raw)).report:
                if entry.severity == WARNING:
                    found.setdefault(entry.code, []).append(code.name)
    assert set(found) <= _TRUE_OF_EXAMPLES, found


def _file(source: str, more: str = "", path: str = "/opt/a") -> str:
    return f"storage:\n  files:\n    - path: {path}\n      contents:\n        source: '{source}'\n{more}"


def _data(contents: bytes) -> str:
    return "data:;base64," + base64.b64encode(contents).decode()


BOMB = gzip.compress(b"\0" * (1 << 26))
HOSTILE = {
    "a packed file of 64 MB": _file(_data(BOMB), "        compression: gzip\n"),
    "binary contents as a unit": _file(_data(bytes(range(256)) * 4096), path="/etc/systemd/system/a.service"),
    "a unit of one line": _file(_data(b"[Service]\nExecStart=" + b"a" * 2_000_000), path="/etc/systemd/system/a.service"),
    "a unit of unknown directives": _file(_data(b"[Service]\n" + b"".join(b"ExecStar%d=1\n" % i for i in range(80_000))), path="/etc/systemd/system/a.service"),
    "a unit of continued lines": _file(_data(b"[Service]\n" + b"a\\\n" * 300_000), path="/etc/systemd/system/a.service"),
    "a unit of quotes": _file(_data(b"[Service]\nExecStart=" + b"'\"\\" * 300_000), path="/etc/systemd/system/a.service"),
    "words that look like systemctl": _file(_data(b"systemctl " * 100_000)),
    "words that look like units": _file(_data(b"a." * 500_000 + b"a" * 1_000_000)),
    "braces": _file("data:,a") + "passwd:\n  users:\n" + "".join(f"    - name: u{i}\n      gecos: '{'{{' * 2_000}'\n      shell: '/{'${' * 2_000}'\n" for i in range(50)),
    "quotes in a key": "passwd:\n  users:\n    - name: core\n      ssh_authorized_keys:\n        - '" + '"\\' * 20_000 + "'\n",
    "a key of 2 MB": "passwd:\n  users:\n    - name: core\n      ssh_authorized_keys:\n        - ssh-rsa " + "AAAA" * 500_000 + "\n",
    "links in a ring": "storage:\n  links:\n" + "".join(f"    - {{path: /etc/systemd/system/{i}.service, target: {i + 1}.service}}\n" for i in range(2_000)),
}  # fmt: skip


@pytest.mark.timeout(60)  # seconds; each takes about one
@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_configs_end(name: str) -> None:
    assert all(isinstance(code, str) for code in _linted((HEAD + HOSTILE[name]).encode()))


@pytest.mark.timeout(60)
def test_many_similar_names_end() -> None:
    labels = "".join(f"        - {{label: data-part-{i}, size_mib: 1}}\n" for i in range(1_000))
    text = HEAD + f"storage:\n  disks:\n    - device: /dev/disk/by-id/a\n      wipe_table: true\n      partitions:\n{labels}  filesystems:\n"
    text += "".join(f"    - {{device: /dev/disk/by-partlabel/data-prt-{i}x, format: ext4}}\n" for i in range(1_000))
    found = _linted(text.encode())
    assert found.count("lint-device-unknown") == MOST_OF_A_RULE


@pytest.mark.timeout(60)
def test_many_units_end() -> None:
    rows = "".join(
        f"    - name: u{i}.service\n      contents: |\n        [Unit]\n        Wants=u{i + 1}.service\n        [Service]\n        ExecStart=/bin/true\n"
        for i in range(3_000)
    )
    assert _linted(f"{HEAD}systemd:\n  units:\n{rows}".encode()).count("lint-unit-not-started") == 1


FIXABLE = """\
storage:
  disks:
    - device: /dev/disk/by-id/a
      wipe_table: true
      partitions: [{label: data}]
  filesystems:
    - device: "/dev/disk/by-partlabel/dta"   # kept
      format: ext4
  files:
    - path: /opt/a
      mode: 0644
      contents: {inline: "#!/bin/sh"}
systemd:
  units:
    - name: 'var-a.mount'
      enabled: true
      contents: |
        [Mount]
        What=/dev/disk/by-label/x
        Where=/var/b
        [Instal]
        WantedBy=multi-user.target
"""


def test_fixes_mend_what_they_are_for() -> None:
    text = HEAD + FIXABLE
    fixes = [entry.fix for entry in compile_source(text.encode(), "x", Options(lint=True)).report if entry.fix]
    lines = text.split("\n")
    for fix in sorted(fixes, key=lambda fix: (fix.place.line, fix.place.column), reverse=True):
        line = lines[fix.place.line - 1]
        assert fix.place.end_line == fix.place.line
        lines[fix.place.line - 1] = line[: fix.place.column - 1] + fix.replacement + line[fix.place.end_column - 1 :]
    assert "   # kept" in lines[8] and "name: 'var-b.mount'" in lines[16]
    assert len(fixes) == 4
    assert set(_linted("\n".join(lines).encode())) == {"lint-no-login"}
