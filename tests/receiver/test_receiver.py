"""The receiver's parts: what a report says, whose it is, what state a machine is in, its file, the table, the metrics."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ignition_py.notify.event import EVENTS
from ignition_py.receiver.arrived import FORM, JSON, Arrived, Wrong, parse
from ignition_py.receiver.fleet import Fleet, Machine
from ignition_py.receiver.hosts import Hosts, read_hosts, read_secret
from ignition_py.receiver.metrics import metrics
from ignition_py.receiver.screen import clean, row, spoken, summary, table
from ignition_py.receiver.store import Store, file_name
from ignition_py.report.diag import IgnitionError
from tests.notify.conftest import MakeReport, folder, machine_root, make_report  # noqa: F401  # fixtures

NOTHING: list[Machine] = []


def arrived(event: str = "failed", boot: str = "b1", key: str = "", **facts: Any) -> Arrived:
    body = {"event": event, "boot": boot, "stage": "disks", "message": "no room", "machine": facts}
    return parse(json.dumps(body).encode(), JSON, key)


def fleet(*names: str, most: int = 100) -> Fleet:
    return Fleet(names, NOTHING.append, most)


@pytest.mark.parametrize("event", EVENTS)
def test_what_the_executor_sends(make_report: MakeReport, event: str) -> None:  # noqa: F811  # the fixture
    made = make_report(event)
    got = parse(made.body, "application/json; charset=utf-8", made.key)
    assert got.event == event
    for name, value in made.data.items():
        assert name == "schema" or got.data[name] == value, name


def test_what_cloud_init_sends() -> None:
    body = b"pub_key_rsa=ssh-rsa+AAAA%0A&instance_id=i-87018aed&hostname=node-1&fqdn=node-1.example"
    got = parse(body, FORM)
    assert got.event == "provisioned"
    assert (got.machine("uuid"), got.machine("hostname")) == ("i-87018aed", "node-1.example")
    assert "ssh-rsa" not in json.dumps(got.data)


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"", JSON),
        (b"{", JSON),
        (b"[]", JSON),
        (b'"failed"', JSON),
        (b"{}", JSON),
        (b'{"event": "other"}', JSON),
        (b'{"event": ["failed"]}', JSON),
        (b'{"event": "failed", "seconds": NaN}', JSON),
        (b"[" * 8000, JSON),
        (b"\xff\xfe", JSON),
        (b'{"event": "failed"}', "text/plain"),
        (b'{"event": "failed"}', ""),
        (b" " * 8193, JSON),
        (b"", FORM),
        (b"a=b", FORM),
        (b"&".join(b"a=b" for _ in range(100)), FORM),
        (b"instance_id=%ff", FORM + "x"),
    ],
)
def test_what_is_no_report(body: bytes, kind: str) -> None:
    with pytest.raises(Wrong):
        parse(body, kind)


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False, allow_infinity=False) | st.integers() | st.text(max_size=50),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=10,
)
FIELDS = ("machine", "written", "stage", "message", "line", "seconds", "boot", "os", "config_sha512", "source")
MACHINE = st.dictionaries(st.sampled_from(["uuid", "serial", "hostname", "macs"]), JSON_VALUES)


@given(st.dictionaries(st.sampled_from(FIELDS), JSON_VALUES), st.sampled_from(EVENTS), MACHINE, st.text(max_size=40))
def test_fields_of_any_type(fields: dict[str, Any], event: str, machine: dict[str, Any], path: str) -> None:
    """Whatever the fields are, a report of an event is taken and shown."""
    for facts in ({}, {"machine": machine}):
        body = json.dumps({**fields, **facts, "event": event}).encode()
        if len(body) > 8192:
            continue
        got = parse(body, JSON)
        many = fleet("a")
        name = Hosts(["a"]).name_of(f"/{path}", got, "192.0.2.1")
        assert name
        assert many.take(name, got)
        text = "\n".join(table(many, 500, 50, 0.0)) + metrics(many)
        assert all(char.isprintable() or char == "\n" for char in text)
        text.encode()
        json.dumps([one.data() for one in many.machines()]).encode()


def test_states() -> None:
    many = fleet("a", "b")
    assert many.ended(keep_going=False) is None
    many.take("a", arrived("started"))
    assert many.counts() == {"failed": 0, "running": 1, "waiting": 1, "provisioned": 0}
    many.take("a", arrived("failed"))
    assert many.ended(keep_going=False) is False
    assert many.ended(keep_going=True) is None
    many.take("a", arrived("started"))  # of the same boot, late
    assert many.counts()["failed"] == 1
    many.take("a", arrived("started", boot="b2"))
    assert many.counts()["running"] == 1
    many.take("a", arrived("provisioned", boot="b2"))
    many.take("b", arrived("failed"))
    assert many.ended(keep_going=True) is False
    many.take("b", arrived("provisioned", boot="b2"))
    assert many.ended(keep_going=True) is True
    assert many.ended(keep_going=False) is True


def test_machines_that_nobody_expects_end_nothing() -> None:
    many = fleet("a")
    many.take("other", arrived("failed"))
    assert many.ended(keep_going=False) is None
    assert fleet().ended(keep_going=False) is None


def test_a_report_that_arrives_twice_counts_once() -> None:
    many = fleet()
    for key in ("k1", "k1", "k2", "", ""):
        many.take("a", arrived(key=key))
    assert many.machines()[0].reports == 4
    assert many.machines()[0].keys == ["k1", "k2"]


def test_there_is_a_limit_to_machines() -> None:
    many = fleet("a", "b", most=3)
    assert [many.take(name, arrived()) for name in ("x", "y", "a", "x")] == [True, False, True, True]


@pytest.fixture
def inventory(tmp_path: Path) -> Path:
    path = tmp_path / "hosts.yaml"
    path.write_text(
        "all:\n  hosts:\n    node-1: {uuid: 4C4C-1, role: x}\n    node-2: {mac: '52:54:00:00:00:02', serial: SN2}\n"
        "    node-3.example: {macs: ['52:54:00:00:00:03', '52:54:00:00:00:04']}\n    node 5: {}\n"
    )
    return path


@pytest.mark.parametrize(
    ("path", "facts", "name"),
    [
        ("/", {"hostname": "node-1"}, "node-1"),
        ("/", {"hostname": "node-1.lab.example"}, "node-1"),
        ("/", {"hostname": "node-3.example"}, "node-3.example"),
        ("/", {"uuid": "4c4c-1"}, "node-1"),
        ("/", {"serial": "sn2"}, "node-2"),
        ("/", {"macs": ["52:54:00:00:00:99", "52:54:00:00:00:02"]}, "node-2"),
        ("/", {"macs": ["52:54:00:00:00:04"]}, "node-3.example"),
        ("/node-2", {"hostname": "node-1"}, "node-2"),
        ("/node%205?x", {}, "node 5"),
        ("/other", {"hostname": "node-1"}, "node-1"),
        ("/", {"hostname": "stranger", "uuid": "u"}, "stranger"),
        ("/", {"uuid": "u", "serial": "s"}, "u"),
        ("/", {"macs": ["52:54:00:00:00:99"]}, "52:54:00:00:00:99"),
        ("/", {}, "192.0.2.1"),
    ],
)
def test_whose_report_it_is(inventory: Path, path: str, facts: dict[str, Any], name: str) -> None:
    assert read_hosts([str(inventory)]).name_of(path, arrived(**facts), "192.0.2.1") == name


def test_tokens(inventory: Path, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("0123456789abcdef\n")
    hosts = read_hosts([str(inventory)], read_secret(str(tmp_path / "secret")))
    for name in hosts.names:
        assert hosts.allowed(hosts.path(name))
        assert hosts.name_of(hosts.path(name), arrived(hostname="node-2"), "192.0.2.1") == name
    token = hosts.token("node-1")
    for path in (
        "/",
        "/node-1",
        f"/node-2/{token}",
        f"/node-1/{token}x",
        f"/node-1/{token}/x",
        f"/{token}",
        "/node-1/\u00e9",
    ):
        assert not hosts.allowed(path), path
    (tmp_path / "secret").write_text("short")
    with pytest.raises(IgnitionError, match="fewer than 16 bytes"):
        read_secret(str(tmp_path / "secret"))


@given(st.text(min_size=1, max_size=300), st.text(min_size=1, max_size=300))
def test_names_of_files(one: str, other: str) -> None:
    name = file_name(one.encode("utf-8", "replace").decode())
    assert "/" not in name
    assert name[0] not in ".-"
    assert name.isascii()
    assert name.isprintable()
    assert len(name) < 200
    if one.encode("utf-8", "replace") != other.encode("utf-8", "replace"):
        assert name != file_name(other.encode("utf-8", "replace").decode())


@pytest.mark.parametrize("name", ["../../etc/passwd", ".", "..", "-rf", "a\nb", "a" * 300, "\N{SNOWMAN}", "~x"])
def test_a_file_a_machine(tmp_path: Path, name: str) -> None:
    folder = tmp_path / "state"  # noqa: F811  # not the fixture
    store = Store(str(folder))
    many = Fleet(["expected"], store.write)
    many.take(name, arrived("failed", hostname="h"))
    [path] = list(folder.iterdir())
    assert [child.name for child in tmp_path.iterdir()] == ["state"]
    assert json.loads(path.read_text())["report"]["stage"] == "disks"
    again = Fleet(["expected"], NOTHING.append)
    store.load(again)
    assert [machine.data() for machine in again.machines()] == [machine.data() for machine in many.machines()]


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"name": "x", "state": "odd", "report": {}}', "\xff", '{"name": 3}'])
def test_files_of_others(tmp_path: Path, text: str) -> None:
    (tmp_path / "x.json").write_text(text)
    (tmp_path / "notes.txt").write_text("x")
    many = fleet()
    Store(str(tmp_path)).load(many)
    assert many.machines() == []


def test_the_table() -> None:
    many = fleet("node-1", "node-2")
    many.take("evil\x1b[31m\u202e", arrived("failed"))
    many.take(
        "node-1",
        parse(
            b'{"event": "failed", "stage": "disks", "message": "\\u001b]0;x\\u0007 no", "written": {"file": "a.bu", "line": 7}}',
            JSON,
        ),
    )
    lines = table(many, 200, 50, many.machines()[0].since + 61)
    assert lines[0].split() == ["NAME", "STATE", "FOR", "STAGE", "WHAT", "CONFIG", "HASH", "OS"]
    assert "?]0;x? no" in lines[2]
    assert "a.bu:7" in lines[2]
    assert "evil?[31m?" in lines[1]
    assert "1 min" in lines[1]
    assert lines[-1] == "2 failed, 0 running, 1 waiting, 0 provisioned" == summary(many)
    assert all(line.isprintable() for line in lines)
    assert [len(line) <= 20 for line in table(many, 20, 50, 0.0)] == [True] * 5
    assert table(many, 200, 5, 0.0)[-2] == "and 1 more"


def test_colours_are_around_whole_lines() -> None:
    many = fleet("node-1")
    assert table(many, 20, 50, 0.0, colours=True)[1].startswith("\x1b[2mnode-1")


@pytest.mark.parametrize(
    ("seconds", "text"), [(-1, "0 s"), (59.9, "59 s"), (60, "1 min"), (3600, "1 h 0 min"), (7500, "2 h 5 min")]
)
def test_times(seconds: float, text: str) -> None:
    assert spoken(seconds) == text


def test_what_a_terminal_acts_on() -> None:
    assert clean("a\x1b\x07\u202e\u2066\n\u009bé") == "a??????é"
    assert row(Machine("x", state="failed", report={"message": "\r"}), 0.0)[4] == "?"


def test_metrics() -> None:
    client = pytest.importorskip("prometheus_client.parser", reason="prometheus_client is not installed")
    many = fleet("node-1")
    many.take('a"b\\c\n', arrived())
    families = {family.name: family for family in client.text_string_to_metric_families(metrics(many))}
    states = {sample.labels["state"]: sample.value for sample in families["ignition_machines"].samples}
    assert states == {"failed": 1, "running": 0, "waiting": 1, "provisioned": 0}
    machines = {sample.labels["machine"] for sample in families["ignition_machine_state"].samples if sample.value == 1}
    assert machines == {"node-1", 'a"b\\c\N{REPLACEMENT CHARACTER}'}
    assert len(families["ignition_machine_since_seconds"].samples) == 2
