"""The rules against an installed `ignition-validate` (Debian's is 2.14: specs up to 3.3): exit status and places agree."""

from __future__ import annotations

import json
import re
import shutil
import subprocess

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ignition_py.report.diag import Report, path_text
from ignition_py.spec.read import parse
from tests.helpers.strategies import Data, configs, mutated

PEER = shutil.which("ignition-validate")
pytestmark = [pytest.mark.peer, pytest.mark.skipif(PEER is None, reason="no ignition-validate is installed")]
# What the reference learned after 2.14.
NEWER = {
    "hard-link-owner",
    "filesystem-on-partitioned",
    "filesystem-wiped",
    "path-is-unit",
    "instance-no-install",
}
_LINE = re.compile(r"^(error|warning|info) at (?:(\$[^:,]*), )?line (\d+) col (\d+): ")
_PLAIN = re.compile(r"^(error|warning|info) at (\$[^:,]*): ")
_OLD = st.sampled_from([0, 1, 2, 3]).flatmap(lambda version: configs(version))

Spot = tuple[str, str, int, int]


def _theirs(text: str) -> set[Spot]:
    found: set[Spot] = set()
    for line in text.splitlines():
        if match := _LINE.match(line):
            found.add((match[1], match[2] or "", int(match[3]), int(match[4])))
        elif match := _PLAIN.match(line):
            found.add((match[1], match[2], 0, 0))
    return found


def _ours(report: Report) -> set[Spot]:
    return {
        (e.severity, path_text(e.place.path) if e.place.path else "", e.place.line, e.place.column)
        for e in report
        if e.code not in NEWER
    }


def _compare(data: Data, indent: int | None) -> None:
    text = json.dumps(data, indent=indent).encode()
    assert PEER is not None
    peer = subprocess.run([PEER, "-"], input=text, capture_output=True, check=False)
    report = parse(text)[2]
    theirs = _theirs((peer.stdout + peer.stderr).decode("utf-8", "replace"))
    if any(entry.code == "version-unknown" for entry in report):  # refused without a place
        assert peer.returncode != 0
        return
    ours = _ours(report)
    assert ours == theirs, text.decode()
    assert (peer.returncode != 0) == any(severity == "error" for severity, *_ in ours)


@settings(suppress_health_check=list(HealthCheck))
@given(_OLD, st.sampled_from([None, 1]))
def test_valid_configs(data: Data, indent: int | None) -> None:
    _compare(data, indent)


@settings(suppress_health_check=list(HealthCheck))
@given(mutated(_OLD), st.sampled_from([None, 1]))
def test_broken_configs(data: Data, indent: int | None) -> None:
    _compare(data, indent)
