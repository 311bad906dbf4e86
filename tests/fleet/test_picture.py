"""The pictures of a build: the drawing of the documentation is in step, many kinds of hosts fit, and names cannot break out of them."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import pytest

from butane_py.cli import build
from butane_py.fleet.graph import kinds
from butane_py.fleet.mermaid import flowchart
from butane_py.fleet.outcomes import Outcome
from butane_py.fleet.picture import picture
from butane_py.fleet.result import HostResult
from ignition_py.report.diag import Report

ROOT = Path(__file__).parents[2]


def outcome(name: str, *includes: tuple[str, str]) -> Outcome:
    return Outcome(name, "node.bu", "{}", HostResult("{}", Report(), includes=includes))


def test_the_drawing_is_that_of_the_homelab(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(ROOT / "examples" / "homelab")
    arguments = ["lab/node.bu", "-i", "lab/hosts.yaml", "--vars", "lab/secrets.yaml", "--format", "svg"]
    assert build.main("butane-py build", arguments) == 0
    assert capfd.readouterr().out == Path("lab.svg").read_text()


def test_each_kind_of_hosts_has_a_column() -> None:
    a, b = ("node.bu", "a.bu"), ("node.bu", "b.bu")
    found = kinds([outcome("n1", a), outcome("n2", a), outcome("n3", b, b), outcome("n4")])
    assert [(kind.hosts, sum(kind.counts.values())) for kind in found] == [(("n1", "n2"), 1), (("n3",), 2), (("n4",), 0)]
    chart = flowchart(found)
    assert '-->|"n1, n2"|' in chart and '-->|"n3"|' in chart
    drawn = picture("node.bu", found)
    assert drawn.count(">2</text>") == 2  # two hosts of the first kind, and two times b.bu


def test_many_kinds_and_long_names() -> None:
    outcomes = [outcome(f"host-{number:03}-{'x' * 60}", ("node.bu", f"f{number}.bu")) for number in range(200)]
    root = ElementTree.fromstring(picture("node.bu", kinds(outcomes)))
    width = float(root.attrib["width"])
    assert max(float(each.attrib.get("x", 0)) for each in root) < width < 2000


def test_files_that_include_each_other_are_drawn_once() -> None:
    a, b, c = ("node.bu", "a.bu"), ("a.bu", "b.bu"), ("node.bu", "b.bu")
    drawn = picture("node.bu", kinds([outcome("n1", a, b, c)]))
    assert drawn.count("b.bu") == 2
    ElementTree.fromstring(picture("x", kinds([outcome("n1", ("node.bu", "a.bu"), ("a.bu", "node.bu"))])))


@pytest.mark.parametrize("name", ['"]; click', "<script>", "a&b", "`x`", "#quot;", "\u202e", "]]>"])
def test_names_stay_names(name: str) -> None:
    found = kinds([outcome(name, ("node.bu", f"{name}.bu")), outcome("other")])
    ElementTree.fromstring(picture(name, found))
    for line in flowchart(found).splitlines():
        assert line.count('"') in (0, 2)
        assert not set("<>`&") & set(line.replace("-->", "").replace(" --> ", ""))
