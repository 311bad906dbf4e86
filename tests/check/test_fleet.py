"""Fifty machines side by side, each a sh of this machine in a folder of its own; hosts that answer nothing, garbage, or too late."""

from __future__ import annotations

import datetime
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from butane_py.fleet.inventory import read_inventories
from ignition_py.check import hosts, ignores
from ignition_py.check.asking import Target
from ignition_py.check.findings.row import Row
from ignition_py.check.result import Checked
from ignition_py.programs.check import status_of
from ignition_py.report.diag import ConfigError
from tests.check.conftest import Check
from tests.helpers.servers import Server, body

COUNT = 50
EDITED = (3, 14, 41)
# What each machine's file system is, for a sh that has no chroot: paths of the config lie below a folder of the host's.
MASKED = "unit hello.service"


@pytest.fixture
def fleet(tmp_path: Path) -> tuple[Path, Path]:
    """An inventory of COUNT hosts, and a folder with the config of each and a map to a YAML text, as `butane-py build` writes them."""
    configs = tmp_path / "out"
    configs.mkdir()
    lines = []
    for number in range(COUNT):
        name = f"n{number}"
        home = tmp_path / "machines" / name
        home.mkdir(parents=True)
        (home / "motd").write_text("edited" if number in EDITED else "motd")
        (home / "motd").chmod(0o644)
        files = [{"path": f"{home}/motd", "mode": 0o644, "contents": {"source": "data:,motd"}, **_owner()}, {"path": "/nothing-is-here"}]
        (configs / f"{name}.ign").write_text(json.dumps({"ignition": {"version": "3.3.0"}, "storage": {"files": files}}))
        places = {"$.storage.files.0": [5, 7], "$.storage.files.1": [9, 7]}
        (configs / f"{name}.ign.map").write_text(json.dumps({"version": 1, "file": "node.bu", "places": places}))
        lines.append(f"    {name}: {{ansible_host: 10.0.0.{number}}}")
    inventory = tmp_path / "hosts.yaml"
    inventory.write_text("all:\n  hosts:\n" + "\n".join(lines) + "\n")
    return inventory, configs


def _owner() -> dict[str, object]:
    return {"user": {"id": os.getuid()}, "group": {"id": os.getgid()}}


@pytest.mark.subprocess
def test_fifty_machines(fleet: tuple[Path, Path], check: Check) -> None:
    """One line a host, then each difference once, with the line of the YAML."""
    inventory, configs = fleet
    status, output, _ = check("--inventory", str(inventory), "--configs", str(configs), "--exec", "sh")
    lines = output.splitlines()
    assert status == 1
    counts = {f"n{number}": 2 if number in EDITED else 1 for number in range(COUNT)}
    assert lines[:COUNT] == [f"{name:<3}  {count} differ (2 items)" for name, count in counts.items()]
    assert lines[COUNT + 1] == "file /nothing-is-here: present wanted, (none) found, in 50 hosts: n0, n1, n2, n3, n4, n5, n6, n7 and 42 more"
    assert lines[COUNT + 2] == "    node.bu:9:7"
    assert sum("644" in line and "other contents found, in 1 host" in line for line in lines) == len(EDITED)


@pytest.mark.subprocess
def test_hosts_that_cannot_be_asked(fleet: tuple[Path, Path], check: Check) -> None:
    """A connection that breaks, garbage, silence: each has its reason, which is no part of an answer; all others are checked."""
    inventory, configs = fleet
    command = (
        'case $CHECK_HOST in n1) head -c 20000 | sh | head -c 100;; n2) head -c 3000 /dev/zero;; n3) cat >/dev/null;; '
        'n5) echo "ssh: connect to host $CHECK_ADDRESS port 22: Connection refused" >&2; exit 255;; n6) sh | head -c 100; echo "no such pod" >&2; exit 7;; *) sh;; esac'
    )
    argv = ("--inventory", str(inventory), "--configs", str(configs), "--exec", command, "--limit", "n?")
    status, output, _ = check(*argv, "--format", "json")
    found = {host["name"]: host for host in json.loads(output)["hosts"]}
    assert status == 3
    assert [name for name, host in found.items() if host["result"] == "not asked"] == ["n1", "n2", "n3", "n5", "n6"]
    assert {name: found[name]["why"] for name in ("n1", "n2", "n3", "n5", "n6")} == {
        "n1": "its answer is cut off", "n2": "it did not answer as the script does", "n3": "it answered nothing",
        "n5": "ssh: connect to host 10.0.0.5 port 22: Connection refused",
        "n6": "sh failed (exit status 7): no such pod",
    }  # fmt: skip
    assert found["n7"]["result"] == "differs"


@pytest.mark.subprocess
def test_a_host_that_hangs(fleet: tuple[Path, Path], check: Check) -> None:
    """After its time it is given up, with whatever its command has started."""
    inventory, configs = fleet
    argv = ("--inventory", str(inventory), "--configs", str(configs), "--exec", "sleep 3600", "--timeout", "2s", "--limit", "n4")
    assert check(*argv)[:2] == (3, "n4  could not be asked: sh did not finish within 2 seconds\n")


@pytest.mark.subprocess
def test_junit(fleet: tuple[Path, Path], check: Check) -> None:
    junit = pytest.importorskip("junitparser", reason="of the extra dev")
    inventory, configs = fleet
    command = 'case $CHECK_HOST in n0) exit 7;; *) sh;; esac'
    status, output, _ = check("--inventory", str(inventory), "--configs", str(configs), "--exec", command, "--format", "junit")
    assert status == 3
    suites = list(junit.JUnitXml.fromstring(output.encode()))
    assert [suite.name for suite in suites] == [f"n{number}" for number in range(COUNT)]
    assert (suites[0].errors, suites[0].tests) == (1, 1)
    cases = list(suites[3])
    assert (suites[3].failures, suites[3].tests, len(cases)) == (2, 2, 2)
    assert [type(case.result[0]).__name__ for case in cases] == ["Failure", "Failure"]
    assert cases[1].name == "/nothing-is-here"
    assert cases[1].result[0].message == "present wanted, (none) found"
    assert cases[1].result[0].text == "node.bu:9:7"


@pytest.mark.subprocess
def test_prometheus(fleet: tuple[Path, Path], check: Check) -> None:
    parser = pytest.importorskip("prometheus_client.parser", reason="of the extra dev")
    inventory, configs = fleet
    command = 'case $CHECK_HOST in n0) exit 7;; *) sh;; esac'
    _, output, _ = check("--inventory", str(inventory), "--configs", str(configs), "--exec", command, "--format", "prometheus")
    families = {family.name: family for family in parser.text_string_to_metric_families(output)}
    asked = {sample.labels["host"]: sample.value for sample in families["ignition_check_asked"].samples}
    assert asked == {f"n{number}": float(number > 0) for number in range(COUNT)}
    items = {(sample.labels["host"], sample.labels["state"]): sample.value for sample in families["ignition_check_items"].samples}
    assert items["n3", "different"] == 2
    assert items["n4", "ok"] == 1
    assert ("n0", "ok") not in items
    differences = families["ignition_check_difference"].samples
    assert len(differences) == COUNT - 1 + len(EDITED)


@pytest.mark.subprocess
def test_hostile_names_in_every_format(check: Check, tmp_path: Path) -> None:
    """Names with what each format cannot hold as it is."""
    junit = pytest.importorskip("junitparser", reason="of the extra dev")
    parser = pytest.importorskip("prometheus_client.parser", reason="of the extra dev")
    name = '/no \x1b[31m\x01"quoted" <tag> & \\n\n\N{SNOWMAN}'
    path = tmp_path / "c.ign"
    path.write_text(json.dumps({"ignition": {"version": "3.3.0"}, "storage": {"files": [{"path": name}]}}))
    status, output, _ = check(str(path), "--exec", "sh", "--format", "json")
    assert (status, json.loads(output)["hosts"][0]["items"][0]["name"]) == (1, name)
    _, output, _ = check(str(path), "--exec", "sh", "--format", "junit")
    assert next(iter(next(iter(junit.JUnitXml.fromstring(output.encode()))))).name.startswith('/no \\x1b[31m\\x01"quoted" <tag> & \\n')
    _, output, _ = check(str(path), "--exec", "sh", "--format", "prometheus")
    families = {family.name: family for family in parser.text_string_to_metric_families(output)}
    assert families["ignition_check_difference"].samples[0].labels["name"] == name
    _, output, _ = check(str(path), "--exec", "sh")
    assert "\x1b" not in output and "\x01" not in output


@pytest.mark.subprocess
def test_one_config_for_all_hosts_is_read_once(check: Check, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from ignition_py.check import subject

    config, inventory = tmp_path / "c.ign", tmp_path / "hosts.yaml"
    config.write_text(json.dumps({"ignition": {"version": "3.3.0"}, "storage": {"directories": [{"path": "/"}]}}))
    inventory.write_text("all: {hosts: {a: {}, b: {}, c: {}}}\n")
    loads = []
    load = subject.load
    monkeypatch.setattr(subject, "load", lambda *words, **more: (loads.append(words[0]), load(*words, **more))[1])
    status, output, _ = check(str(config), "--inventory", str(inventory), "--exec", "sh")
    assert (status, output) == (0, "".join(f"{name}  as the config says (1 item)\n" for name in "abc"))
    assert len(loads) == 1


@pytest.mark.parametrize(
    ("states", "status"),
    [
        ([{"ok"}], 0), ([set()], 0), ([{"ok", "--", "~~"}], 0), ([{"NO"}], 1), ([{"NO", "??"}], 1), ([{"??", "ok"}], 3),
        ([{"ok"}, {"??"}], 3), ([{"??"}, {"NO"}], 1), ([None, {"NO"}], 3), ([None, {"ok"}], 3),
    ],
)  # fmt: skip
def test_exit_status(states: list[set[str] | None], status: int) -> None:
    """None is a machine that could not be asked."""
    results = [
        Checked(Target("n", ""), [Row("file", "/a", "x", "y", state=state) for state in found or ()], "" if found is not None else "off")
        for found in states
    ]
    assert status_of(results) == status


def test_a_host_without_a_config_is_that_host_s(check: Check, fleet: tuple[Path, Path]) -> None:
    inventory, configs = fleet
    (configs / "n0.ign").unlink()
    (configs / "n1.ign").write_text("{")
    status, output, _ = check("--inventory", str(inventory), "--configs", str(configs), "--exec", "true", "--limit", "n0,n1", "--format", "json")
    assert status == 3
    first, second = json.loads(output)["hosts"]
    assert "n0.ign: No such file or directory" in first["why"]
    assert "n1.ign" in second["why"]


@pytest.mark.parametrize(
    ("variables", "address"),
    [
        ("{}", "n1"),
        ("{ansible_host: 10.0.0.7}", "10.0.0.7"),
        ("{ansible_host: 10.0.0.7, ansible_user: core}", "core@10.0.0.7"),
        ("{ansible_host: 10.0.0.7, ansible_port: 2222}", "ssh://10.0.0.7:2222"),
        ("{ansible_host: 'fe80::1', ansible_user: core, ansible_port: '2222'}", "ssh://core@[fe80::1]:2222"),
    ],
)
def test_addresses(tmp_path: Path, variables: str, address: str) -> None:
    inventory = tmp_path / "hosts.yaml"
    inventory.write_text(f"all:\n  hosts:\n    n1: {variables}\n")
    assert [target.address for target in hosts.targets([str(inventory)], [], "c.bu", "")] == [address]


def test_addresses_of_groups(tmp_path: Path) -> None:
    """The innermost group wins over outer ones and over all, the host over its groups."""
    inventory = tmp_path / "hosts.yaml"
    inventory.write_text(
        "all:\n  vars: {ansible_user: all, ansible_password: secret}\n  children:\n    g:\n      vars: {ansible_user: group}\n"
        "      hosts: {a: {}, b: {ansible_user: host}}\n  hosts: {c: {}}\n"
    )
    assert {target.name: target.address for target in hosts.targets([str(inventory)], [], "c.bu", "")} == {
        "a": "group@a", "b": "host@b", "c": "all@c"
    }  # fmt: skip
    assert "ansible_password" not in read_inventories([str(inventory)]).groups["all"].connection


def test_an_address_is_no_option(tmp_path: Path, check: Check) -> None:
    config, inventory = tmp_path / "c.ign", tmp_path / "hosts.yaml"
    config.write_text(json.dumps({"ignition": {"version": "3.3.0"}}))
    inventory.write_text("all: {hosts: {a: {ansible_host: '-oProxyCommand=touch x'}}}\n")
    status, output, _ = check(str(config), "--inventory", str(inventory))
    assert (status, output) == (3, "a  could not be asked: -oProxyCommand=touch x cannot be an address\n")


TODAY = datetime.date(2026, 12, 1)


def listed(tmp_path: Path, text: str) -> ignores.Ignores:
    path = tmp_path / "list.yaml"
    path.write_text(text)
    return ignores.load(str(path), TODAY)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("- ignore: file:/a\n", "list.yaml:1:3: the entry has no `reason`; write why this difference is accepted"),
        ("- ignore: file:/a\n  reason: '  '\n", "1:3: the entry has no `reason`"),
        ("- reason: x\n", "1:3: the entry has no `ignore`"),
        ("- ignore: /a\n  reason: x\n", "1:11: `/a` is not of the form KIND:NAME"),
        ("- ignore: flie:/a\n  reason: x\n", "1:11: there is no kind `flie`; did you mean file?"),
        ("- ignore: file:/a\n  reason: x\n  until: soon\n", "3:10: `soon` is not a day"),
        ("- ignore: file:/a\n  reason: x\n  untill: 2027-01-01\n", "3:3: unknown key `untill`; did you mean until?"),
        ("- ignore: [file]\n  reason: x\n", "1:11: `ignore` is not a text"),
        ("- file:/a\n", "1:3: this is not an entry"),
        ("ignore: file:/a\n", "1:1: this is not a list"),
        ("- [\n", "list.yaml:"),
    ],
)
def test_lists_that_are_refused(tmp_path: Path, text: str, why: str) -> None:
    with pytest.raises(ConfigError) as caught:
        listed(tmp_path, text)
    assert why in str(caught.value)


@pytest.mark.parametrize(("until", "counts"), [("2026-12-01", True), ("2026-11-30", False), ("2027-01-01", True)])
def test_an_entry_counts_until_the_end_of_its_day(tmp_path: Path, until: str, counts: bool) -> None:
    found = listed(tmp_path, f"- ignore: 'file:/etc/*'\n  reason: because\n  until: {until}\n  hosts: 'web*'\n")
    rows = [Row("file", "/etc/a", "x", "y"), Row("file", "/srv/a", "x", "y"), Row("file", "/etc/b", "x", "x"), Row("link", "/etc/a", "x", "y")]
    assert [row.state for row in found.applied("web1", rows)] == ["~~" if counts else "NO", "NO", "ok", "NO"]
    assert [row.state for row in found.applied("db1", rows)] == ["NO", "NO", "ok", "NO"]
    assert found.warnings == ([] if counts else [f"{tmp_path}/list.yaml:1: file:/etc/* was ignored until {until}, and counts again"])
    assert found.unused() == []


@pytest.mark.subprocess
def test_places_of_a_butane_config_with_local_files(check: Check, tmp_path: Path) -> None:
    """The text is compiled with its files once more for the map; a place inside of an entry is that of its own line."""
    config = tmp_path / "c.bu"
    (tmp_path / "text").write_text("text")
    config.write_text(
        "variant: fcos\nversion: 1.4.0\nstorage:\n  files:\n    - path: /not-here\n      contents: {local: text}\n"
        "passwd:\n  users:\n    - name: root\n      ssh_authorized_keys:\n        - ssh-ed25519 AAAA\n"
    )
    _, output, _ = check(str(config), "--exec", "sh", "--files-dir", str(tmp_path), "--format", "json")
    places = {item["kind"]: (item["file"], item["line"], item["column"]) for item in json.loads(output)["hosts"][0]["items"]}
    assert places == {"file": (str(config), 5, 7), "user": (None, None, None), "ssh keys": (str(config), 11, 11)}


@pytest.mark.subprocess
def test_what_butane_py_build_has_written(check: Check, tmp_path: Path) -> None:
    """Configs by the manifest, places in the source that both hosts are built from."""
    (tmp_path / "node.bu").write_text(
        "variant: fcos\nversion: 1.4.0\nvars:\n  text: {type: string}\nstorage:\n  files:\n    - path: /not-here\n      contents: {inline: '${{ text }}'}\n"
    )
    (tmp_path / "hosts.yaml").write_text("all: {hosts: {a: {text: one}, b: {text: two}}}\n")
    words = ["build", "node.bu", "--inventory", "hosts.yaml", "--output-dir", "out", "--source-map"]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    subprocess.run([sys.executable, "-m", "butane_py", *words], cwd=tmp_path, env=environment, check=True, capture_output=True)
    argv = ("--inventory", str(tmp_path / "hosts.yaml"), "--configs", str(tmp_path / "out"), "--exec", "sh", "--format", "json")
    status, output, _ = check(*argv)
    (difference,) = json.loads(output)["differences"]
    assert (status, difference["hosts"], difference["file"], difference["line"]) == (1, ["a", "b"], "node.bu", 7)


@pytest.mark.subprocess
def test_ignored_differences(check: Check, tmp_path: Path) -> None:
    config, accepted = tmp_path / "c.bu", tmp_path / "list.yaml"
    config.write_text("variant: fcos\nversion: 1.4.0\nstorage:\n  files:\n    - path: /not-here\n    - path: /nor-here\n")
    accepted.write_text("- ignore: 'file:/not*'\n  reason: not yet\n- ignore: 'unit:x'\n  reason: never\n- {ignore: 'file:*', reason: old, until: 2020-01-01}\n")
    status, output, error = check(str(config), "--exec", "sh", "--ignore", str(accepted))
    assert status == 1
    assert " ~~ file /not-here" in output and "ignored: not yet" in output and " NO file /nor-here" in output
    assert f"{accepted}:3: unit:x matches no difference" in error
    assert f"{accepted}:5: file:* was ignored until 2020-01-01, and counts again" in error
    accepted.write_text("- ignore: 'file:*'\n  reason: both\n")
    status, output, error = check(str(config), "--exec", "sh", "--ignore", str(accepted))
    assert (status, error) == (0, "")
    accepted.write_text("- ignore: 'file:*'\n")
    status, output, error = check(str(config), "--exec", "sh", "--ignore", str(accepted))
    assert (status, output) == (2, "")
    assert f"{accepted}:1:3: the entry has no `reason`" in error


@pytest.mark.parametrize(
    ("argv", "why"),
    [
        ((), "say what to ask"),
        (("c.bu",), "say what to ask"),
        (("c.bu", "--ssh", "a", "--root", "/"), "--ssh and --root exclude each other"),
        (("c.bu", "--inventory", "i", "--root", "/"), "--root asks one machine"),
        (("c.bu", "--ssh", "a", "--configs", "d"), "--configs needs --inventory"),
        (("c.bu", "--ssh", "a", "--limit", "d"), "--limit needs --inventory"),
        (("--ssh", "a"), "give a CONFIG"),
        (("c.bu", "--inventory", "i", "--configs", "d"), "not both"),
        (("c.bu", "--ssh", "a", "--only", "flies"), "there is no kind 'flies'; did you mean file?"),
        (("absent.bu", "--exec", "sh"), "absent.bu: No such file or directory"),
        (("c.bu", "--inventory", "absent.yaml"), "absent.yaml"),
        (("c.bu", "--exec", "sh", "--ignore", "absent.yaml"), "absent.yaml: No such file or directory"),
    ],
)
def test_wrong_usage(check: Check, argv: tuple[str, ...], why: str) -> None:
    status, output, error = check(*argv)
    assert (status, output) == (2, "")
    assert why in error
    assert "Traceback" not in error


def test_a_config_that_is_not_valid_asks_nobody(check: Check, tmp_path: Path) -> None:
    config = tmp_path / "c.bu"
    config.write_text("variant: fcos\nversion: 1.4.0\nstorage:\n  files:\n    - path: etc\n")
    status, output, error = check(str(config), "--exec", "touch x")
    assert (status, output) == (2, "")
    assert "line 5 col 13" in error


@pytest.mark.parametrize("words", [("--script",), ("--exec", "sh"), ("--root", "/")])
def test_a_path_that_no_system_can_have(check: Check, tmp_path: Path, words: tuple[str, ...]) -> None:
    config = tmp_path / "c.ign"
    config.write_text(json.dumps({"ignition": {"version": "3.3.0"}, "storage": {"files": [{"path": "/a\0b"}]}}))
    status, output, error = check(str(config), *words)
    assert (status, output, error) == (2, "", "ignition-py check: /a\\x00b: the path holds a NUL byte\n")


@pytest.mark.subprocess
def test_recorded_answers(tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    """The script holds no contents; its answers are good for this config alone, whatever --only says."""
    from ignition_py.programs.cli.group import program

    config = tmp_path / "c.bu"
    text = "variant: fcos\nversion: 1.4.0\nstorage:\n  files:\n    - path: /not-here\n      contents: {inline: a secret}\nsystemd:\n  units:\n    - name: none.service\n"
    config.write_text(text)
    capfdbinary.readouterr()
    assert program.run(["check", str(config), "--script", "--only", "unit"]) == 0
    script = capfdbinary.readouterr().out
    assert b"/not-here" in script and b"a secret" not in script and b"a%20secret" not in script
    answers = tmp_path / "answers"
    answers.write_bytes(subprocess.run(["sh"], input=script, capture_output=True, check=True).stdout)
    assert program.run(["check", str(config), "--answers", str(answers), "--only", "storage"]) == 1
    output = capfdbinary.readouterr().out.decode()
    assert "file /not-here" in output and "none.service" not in output
    config.write_text(text.replace("/not-here", "/elsewhere"))
    assert program.run(["check", str(config), "--answers", str(answers)]) == 3
    assert b"these are the answers to questions about another config; run the script" in capfdbinary.readouterr().out


@pytest.mark.subprocess
@pytest.mark.sockets
def test_contents_from_urls(check: Check, tmp_path: Path, server: Server) -> None:
    """Compared by the hash of the config, or once they are fetched; a merged config is fetched at any rate."""
    server.at["/text"] = body(b"text\n")
    server.at["/merged"] = body(json.dumps({"ignition": {"version": "3.3.0"}, "storage": {"files": [{"path": "/merged-and-not-here"}]}}).encode())
    path = tmp_path / "file"
    path.write_text("text\n")
    file = {"path": str(path), "contents": {"source": server.url("/text")}, "mode": 0o644, **_owner()}
    config = tmp_path / "c.ign"
    config.write_text(json.dumps({"ignition": {"version": "3.3.0", "config": {"merge": [{"source": server.url("/merged")}]}}, "storage": {"files": [file]}}))

    def found(*words: str) -> dict[str, dict[str, object]]:
        output = check(str(config), "--exec", "sh", "--format", "json", *words)[1]
        return {item["name"]: item for item in json.loads(output)["hosts"][0]["items"]}

    assert found()[str(path)]["note"] == "contents not compared: the config has no hash of what it fetches"
    assert found()["/merged-and-not-here"]["file"] == server.url("/merged")
    assert "/text" not in server.paths()
    fetched = found("--fetch")[str(path)]
    assert (str(fetched["found"]).endswith(", contents"), fetched["ok"]) == (True, True)
    path.write_text("other\n")
    assert str(found("--fetch")[str(path)]["found"]).endswith("other contents")
    assert found()[str(path)]["ok"] is True
    server.at["/text"] = body(b"", status=404)
    status, output, error = check(str(config), "--exec", "sh", "--fetch")
    assert (status, output) == (2, "")
    assert f"contents of {path}" in error and "404" in error
