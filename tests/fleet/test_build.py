"""`butane-py build`: files a host, the manifest, what is refused, and what is said of many hosts at once."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from butane_py.cli import build
from butane_py.cli import vars as vars_command
from butane_py.compilation import Options
from butane_py.pipeline import compile_source
from tests.butane.waiting import interruptible, until

ROOT = Path(__file__).parents[2]
NODE = """\
variant: fcos
version: 1.6.0
vars:
  address: {type: cidr, unique: true}
  mtu: {type: int, default: 1500, min: 576, max: 9216}
  token: {type: string, secret: true, default: null}
storage:
  files:
    - path: /etc/net
      mode: 0644
      contents: {inline: "${{ host.name }} ${{ address }} ${{ mtu }}"}
    - path: /etc/token
      mode: 0600
      contents: {inline: "${{ token }}"}
"""
HOSTS = """\
all:
  vars: {mtu: 1400}
  children:
    web:
      vars: {mtu: 1450}
      hosts:
        n1: {address: 10.0.0.1/24}
        n2: {address: 10.0.0.2/24, mtu: 9000}
    db: {hosts: {n3: {address: 10.0.0.3/24, token: s3cr3t-value}}}
"""


class Lab:
    """A folder with a config and an inventory, and what a build in it printed."""

    def __init__(self, folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
        self.folder = folder
        self._capfd = capfd
        self.stdout = self.stderr = ""
        (folder / "node.bu").write_text(NODE)
        (folder / "hosts.yaml").write_text(HOSTS)

    def __call__(self, *argv: str, command: Any = build) -> int:
        self._capfd.readouterr()
        status: int = command.main("butane-py build", list(argv))
        self.stdout, self.stderr = self._capfd.readouterr()
        return status

    def build(self, *argv: str) -> int:
        return self("node.bu", "-i", "hosts.yaml", "--output-dir", "out", *argv)

    def text(self, name: str) -> str:
        return (self.folder / "out" / name).read_text()

    def manifest(self) -> Any:
        return json.loads(self.text("manifest.json"))


@pytest.fixture
def lab(tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Lab:
    monkeypatch.chdir(tmp_path)
    return Lab(tmp_path, capfd)


def replaced(lab: Lab, name: str, old: str, new: str) -> None:
    path = lab.folder / name
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_a_file_for_each_host(lab: Lab, jobs: str) -> None:
    assert lab.build("--jobs", jobs) == 0
    assert (lab.stdout, lab.stderr) == ("", "3 configs: 3 written\n")
    assert "n1%2010.0.0.1%2F24%201450" in lab.text("n1.ign")
    assert "n2%2010.0.0.2%2F24%209000" in lab.text("n2.ign")
    assert "n3%2010.0.0.3%2F24%201400" in lab.text("n3.ign")
    assert sorted(os.listdir("out")) == ["manifest.json", "n1.ign", "n2.ign", "n3.ign"]


def test_the_same_build_writes_nothing(lab: Lab) -> None:
    lab.build()
    before = {path.name: path.stat().st_mtime_ns for path in (lab.folder / "out").iterdir()}
    assert lab.build("--jobs", "2") == 0
    assert lab.stderr == "3 configs: 3 unchanged\n"
    assert {path.name: path.stat().st_mtime_ns for path in (lab.folder / "out").iterdir()} == before


def test_configs_with_secrets_are_their_owners_and_nothing_else_has_them(lab: Lab) -> None:
    assert lab.build("--source-map") == 0
    assert stat.S_IMODE(os.stat("out/n3.ign").st_mode) == 0o600
    assert stat.S_IMODE(os.stat("out/n1.ign").st_mode) & 0o044
    assert "s3cr3t-value" in lab.text("n3.ign")
    said = lab.stdout + lab.stderr + lab.text("manifest.json") + lab.text("n3.ign.map")
    for argv in (["--explain-var", "token"], ["--format", "json"], ["--format", "sarif"], ["--format", "svg"]):
        lab.build(*argv, "--lint")
        said += lab.stdout + lab.stderr
    assert "s3cr3t-value" not in said


def test_the_manifest(lab: Lab) -> None:
    lab.build()
    data = (lab.folder / "out" / "n2.ign").read_bytes()
    found = lab.manifest()
    assert found["version"] == 1
    assert list(found["hosts"]) == ["n1", "n2", "n3"]
    assert found["hosts"]["n2"] == {
        "file": "n2.ign", "bytes": len(data), "sha512": hashlib.sha512(data).hexdigest(), "spec": "3.5.0", "source": "node.bu",
        "groups": ["web"], "vars": {"address": "10.0.0.2/24", "mtu": 9000},
        "platform": "", "form": "plain", "user_data": "n2.ign", "parts": [],
    }  # fmt: skip
    assert "token" not in found["hosts"]["n3"]["vars"]


def test_a_part_of_the_hosts_keeps_the_rest_of_the_manifest(lab: Lab) -> None:
    lab.build()
    whole = lab.manifest()
    replaced(lab, "hosts.yaml", "mtu: 9000", "mtu: 9001")
    assert lab.build("--limit", "web:!n1") == 0
    assert lab.stderr == "1 config: 1 written\n"
    now = lab.manifest()
    assert now["hosts"]["n2"]["vars"]["mtu"] == 9001
    assert {name: now["hosts"][name] for name in ("n1", "n3")} == {name: whole["hosts"][name] for name in ("n1", "n3")}


def test_a_refused_host_keeps_its_file_and_the_others_are_written(lab: Lab) -> None:
    lab.build()
    before, entry = lab.text("n2.ign"), lab.manifest()["hosts"]["n2"]
    replaced(lab, "hosts.yaml", "mtu: 9000", "mtu: 90000")
    replaced(lab, "hosts.yaml", "10.0.0.1/24", "10.0.0.9/24")
    assert lab.build() == 1
    assert "error[var-range]: `mtu` is 90000; it is more than 9216" in lab.stderr
    assert "--> hosts.yaml:8:41" in lab.stderr
    assert lab.stderr.endswith("3 configs: 1 written, 1 unchanged, 1 refused\n")
    assert lab.text("n2.ign") == before
    assert lab.manifest()["hosts"]["n2"] == entry


def test_two_hosts_with_one_address_are_both_refused(lab: Lab) -> None:
    replaced(lab, "hosts.yaml", "10.0.0.3/24", "10.0.0.1/16")
    assert lab.build("--jobs", "2") == 1
    assert "error[var-not-unique]" in lab.stderr
    assert "--> hosts.yaml:9:32" in lab.stderr
    assert "--> hosts.yaml:7:23" in lab.stderr
    assert sorted(os.listdir("out")) == ["manifest.json", "n2.ign"]


def test_looking_at_a_build_writes_nothing(lab: Lab) -> None:
    for argv in (["--explain-var", "mtu"], ["--format", "svg"], ["--format", "mermaid"], ["--check"]):
        assert lab.build(*argv) == 0
        assert not os.path.exists("out") or os.listdir("out") == []


def test_hosts_of_two_sources_with_one_address(lab: Lab) -> None:
    (lab.folder / "other.bu").write_text(NODE)
    replaced(lab, "hosts.yaml", "10.0.0.3/24,", "10.0.0.1/24, butane_source: other.bu,")
    assert lab.build() == 1
    assert "error[var-not-unique]" in lab.stderr
    assert sorted(os.listdir("out")) == ["manifest.json", "n2.ign"]


def test_files_of_hosts_that_are_gone(lab: Lab) -> None:
    lab.build()
    replaced(lab, "hosts.yaml", "        n2: {address: 10.0.0.2/24, mtu: 9000}\n", "")
    assert lab.build() == 0
    assert "n2.ign: written for hosts that are gone; --prune removes such files\n" in lab.stderr
    assert list(lab.manifest()["stale"]) == ["n2"]
    (lab.folder / "out" / "other.ign").write_text("{}")
    assert lab.build("--prune") == 0
    assert "removed n2.ign: its host is gone\n" in lab.stderr
    assert sorted(os.listdir("out")) == ["manifest.json", "n1.ign", "n3.ign", "other.ign"]
    assert "stale" not in lab.manifest()


def test_a_stale_file_that_has_been_changed_stays(lab: Lab) -> None:
    lab.build()
    replaced(lab, "hosts.yaml", "        n2: {address: 10.0.0.2/24, mtu: 9000}\n", "")
    (lab.folder / "out" / "n2.ign").write_text("mine")
    lab.build("--prune")
    assert "n2.ign stays" in lab.stderr
    assert lab.text("n2.ign") == "mine"


@pytest.mark.parametrize(
    "text",
    ["[]", "{", '{"version": 1, "hosts": {"n9": {"file": "../node.bu", "sha512": "x"}}}', '{"version": 9, "hosts": 3}', "[" * 100_000],
)
def test_a_hostile_manifest(lab: Lab, text: str) -> None:
    (lab.folder / "out").mkdir()
    (lab.folder / "out" / "manifest.json").write_text(text)
    assert lab.build("--prune") == 0
    assert (lab.folder / "node.bu").exists()
    assert list(lab.manifest()["hosts"]) == ["n1", "n2", "n3"]


def test_one_config_goes_to_standard_output(lab: Lab) -> None:
    assert lab("node.bu", "-i", "hosts.yaml", "--host", "n1") == 0
    assert json.loads(lab.stdout)["ignition"] == {"version": "3.5.0"}
    assert lab("node.bu", "--var", "address=10.0.0.9/24") == 1
    assert "`host` is known with an inventory only" in lab.stderr
    replaced(lab, "node.bu", "${{ host.name }} ", "")
    assert lab("node.bu", "--var", "address=10.0.0.9/24", "-o", "one.ign") == 0
    assert "10.0.0.9%2F24%201500" in (lab.folder / "one.ign").read_text()
    assert (lab.stdout, lab.stderr) == ("", "")


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        ([], "name the file to compile"),
        (["node.bu", "-i", "hosts.yaml"], "there are 3 hosts: give --output-dir, choose one with --host, or give --check"),
        (["node.bu", "--host", "n1"], "--host chooses from an --inventory"),
        (["node.bu", "-i", "hosts.yaml", "-o", "a", "--output-dir", "b"], "--output takes one config"),
        (["node.bu", "-i", "hosts.yaml", "--limit", "none"], "leaves no host of the 3"),
        (["node.bu", "-i", "hosts.yaml", "--limit", "~("], "is not a pattern"),
        (["node.bu", "--var", "x"], "'x' is not NAME=VALUE"),
        (["node.bu", "--watch"], "--watch needs --output-dir"),
        (["node.bu", "--source-map"], "--source-map needs"),
        (["node.bu", "--jobs", "0"], "0 is not in the range"),
    ],
)
def test_wrong_usage(lab: Lab, argv: list[str], message: str) -> None:
    assert lab(*argv) == 2
    assert message in lab.stderr
    assert lab.stderr.endswith("Try 'butane-py build --help'.\n")


@pytest.mark.parametrize(
    ("argv", "code", "message"),
    [
        (["node.bu", "-i", "hosts.yaml", "--host", "n11"], "host-unknown", "did you mean n1?"),
        (["node.bu", "-i", "none.yaml", "--check"], "inventory-syntax", "none.yaml: No such file or directory"),
        (["none.bu", "--check"], "input-file", "none.bu: No such file or directory"),
        (["node.bu", "--vars", "none.yaml"], "vars-file", "No such file or directory"),
        (["node.bu", "--vars", "list.yaml"], "vars-file", "a mapping of names to values"),
        (["node.bu", "--vars", "sops.yaml"], "encrypted-file", "encrypted by sops"),
        (["node.bu", "-i", "hosts.yaml", "--check", "--var", "mtt=1"], "var-unknown", "did you mean mtu?"),
    ],
)
def test_what_stops_a_build(lab: Lab, argv: list[str], code: str, message: str) -> None:
    (lab.folder / "list.yaml").write_text("- a\n")
    (lab.folder / "sops.yaml").write_text("a: ENC[AES256_GCM,data:x]\nsops: {mac: x}\n")
    assert lab(*argv) == 1
    assert f"error[{code}]" in lab.stderr
    assert message in lab.stderr


def test_a_report_of_many_hosts_is_printed_once(lab: Lab) -> None:
    hosts = "".join(f"n{number}: {{address: 10.1.{number // 250}.{number % 250 + 1}/16}}\n" for number in range(500))
    (lab.folder / "many.yaml").write_text(hosts)
    replaced(lab, "node.bu", "mode: 0644", "mode: 644")
    assert lab("node.bu", "-i", "many.yaml", "--check", "--strict", "--jobs", "2") == 1
    assert lab.stderr.count("warning[mode-decimal]") == 1
    assert "(in all 500 hosts)" in lab.stderr
    assert lab.stderr.endswith("500 configs: 500 refused\n")


def test_reports_for_programs(lab: Lab) -> None:
    replaced(lab, "hosts.yaml", "mtu: 9000", "mtu: x")
    assert lab("node.bu", "-i", "hosts.yaml", "--check", "--format", "json") == 1
    [line] = lab.stdout.splitlines()
    data = json.loads(line)
    assert data["file"] == "node.bu"
    [report] = data["reports"]
    assert (report["code"], report["file"], report["line"], report["column"]) == ("var-type", "hosts.yaml", 8, 41)
    assert [(each["file"], each["line"]) for each in report["related"]] == [("node.bu", 5)]
    assert lab("node.bu", "-i", "hosts.yaml", "--check", "--format", "sarif") == 1
    sarif = json.loads(lab.stdout)
    [result] = sarif["runs"][0]["results"]
    location = result["locations"][0]["physicalLocation"]
    assert (location["artifactLocation"]["uri"], location["region"]["startLine"]) == ("hosts.yaml", 8)
    assert result["relatedLocations"][0]["physicalLocation"]["artifactLocation"]["uri"] == "node.bu"


def test_variables_that_only_ansible_reads(lab: Lab) -> None:
    (lab.folder / "group_vars").mkdir()
    assert lab.build() == 0
    assert "warning[inventory-folder]: group_vars beside hosts.yaml is not read" in lab.stderr
    assert "ansible-inventory -i hosts.yaml --list > inventory.json" in lab.stderr
    assert lab.build("--strict") == 1


def test_reports_fit_the_schema_of_sarif(lab: Lab) -> None:
    """With places in several files, in an inventory, and on the command line."""
    schema = json.loads((ROOT / "testdata" / "sarif" / "sarif-2.1.0-rtm.5.json").read_text())
    validator = jsonschema.Draft4Validator(schema)
    replaced(lab, "hosts.yaml", "10.0.0.3/24", "10.0.0.1/24")
    replaced(lab, "hosts.yaml", "mtu: 9000", "mtu: x, tokn: a")
    replaced(lab, "node.bu", "mode: 0644", "mode: 644")
    for argv in (["--lint"], ["--var", "mtu=9"], ["--var", "none=9"], ["--limit", "n1"], ["--host", "none"]):
        lab("node.bu", "-i", "hosts.yaml", "--check", "--format", "sarif", *argv)
        document = json.loads(lab.stdout)
        assert document["runs"][0]["results"] or "--limit" in argv
        assert [error.message for error in validator.iter_errors(document)] == []


def test_a_misspelt_variable_is_a_matter_of_the_linter(lab: Lab) -> None:
    replaced(lab, "hosts.yaml", "vars: {mtu: 1450}", "vars: {mut: 1450, ansible_user: core}")
    assert lab.build() == 0
    assert "lint-variable" not in lab.stderr
    lab.build("--lint")
    assert "warning[lint-variable]: no file declares the variable mut" in lab.stderr
    assert "hosts.yaml:5:19" in lab.stderr
    assert "did you mean mtu?" in lab.stderr
    assert lab.build("--lint", "--strict") == 1


def test_the_chain_of_a_variable(lab: Lab) -> None:
    assert lab("node.bu", "-i", "hosts.yaml", "--host", "n2", "--explain-var", "mtu", "--var", "mtu=1300") == 0
    assert lab.stdout.splitlines() == [
        "mtu of n2",
        "  = 1300  --var                --var mtu",
        "    9000  host n2              hosts.yaml:8:41",
        "    1450  group web            hosts.yaml:5:19",
        "    1400  inventory, all       hosts.yaml:2:15",
        "    1500  default in the file  node.bu:5:29",
    ]
    assert lab("node.bu", "-i", "hosts.yaml", "--limit", "n3", "--explain-var", "token", "--format", "json") == 0
    [line] = lab.stdout.splitlines()
    chain = json.loads(line)["chain"]
    assert [(step["layer"], step["value"], step["secret"]) for step in chain] == [("host", None, True), ("default", None, True)]
    assert lab("node.bu", "-i", "hosts.yaml", "--explain-var", "none") == 1
    assert "no file declares the variable none" in lab.stderr


def test_a_source_for_each_host(lab: Lab) -> None:
    (lab.folder / "sub").mkdir()
    (lab.folder / "sub" / "db.bu").write_text("variant: fcos\nversion: 1.5.0\nvars: {}\nstorage: {files: [{path: \"/${{ host.name }}\"}]}\n")
    (lab.folder / "sub" / "hosts.yaml").write_text("n3: {butane_source: db.bu}\n")
    assert lab("node.bu", "-i", "hosts.yaml", "-i", "sub/hosts.yaml", "--output-dir", "out") == 0
    assert '"path":"/n3"' in lab.text("n3.ign")
    assert lab.manifest()["hosts"]["n3"]["source"] == "sub/db.bu"
    assert lab("-i", "sub/hosts.yaml", "--host", "n3") == 0
    for name in ("/etc/passwd", "../../../etc/passwd", "", "[a]"):
        (lab.folder / "sub" / "hosts.yaml").write_text(f"n3: {{butane_source: {json.dumps(name) if name != '[a]' else name}}}\n")
        assert lab("-i", "sub/hosts.yaml", "--host", "n3") == 1
        assert "butane_source of n3 is not a path to a file below sub" in lab.stderr
    (lab.folder / "sub" / "hosts.yaml").write_text("n3: \n")
    assert lab("-i", "sub/hosts.yaml", "--host", "n3") == 1
    assert "no file is given to compile n3 from" in lab.stderr


def test_an_output_is_never_a_source(lab: Lab) -> None:
    assert lab("node.bu", "-i", "hosts.yaml", "--host", "n1", "-o", "hosts.yaml") == 1
    assert "error[output-file]" in lab.stderr
    assert (lab.folder / "hosts.yaml").read_text() == HOSTS


def test_a_folder_that_cannot_be_written(lab: Lab) -> None:
    (lab.folder / "out").write_text("")
    assert lab.build() == 2
    assert "'out' is a file" in lab.stderr


def test_the_variables_of_a_config(lab: Lab) -> None:
    assert lab("node.bu", command=vars_command) == 0
    assert lab.stdout.splitlines() == [
        "address  cidr    required       unique",
        "mtu      int     default: 1500  576..9216",
        "token    string  default: null  secret",
    ]
    assert lab("node.bu", "--format", "json", command=vars_command) == 0
    found = json.loads(lab.stdout)["variables"]
    assert [(each["name"], each["required"], each["line"]) for each in found] == [("address", True, 4), ("mtu", False, 5), ("token", False, 6)]
    assert lab("none.bu", command=vars_command) == 1
    (lab.folder / "bad.bu").write_text("variant: fcos\nvars: {a: {type: strng}}\n")
    assert lab("bad.bu", command=vars_command) == 1
    assert "error[var-declaration]" in lab.stderr


def test_the_schema_of_the_inventory(lab: Lab) -> None:
    assert lab("node.bu", "--format", "json-schema", command=vars_command) == 0
    schema = json.loads(lab.stdout)
    validator = jsonschema.Draft202012Validator(schema)
    validator.check_schema(schema)
    from ruamel.yaml import YAML

    def accepted(text: str) -> bool:
        return bool(validator.is_valid(YAML(typ="safe", pure=True).load(text)))

    assert accepted(HOSTS)
    assert accepted("n1: {address: 10.0.0.1/24, other: [1]}\nn2:\n")
    assert accepted("- {name: n1, address: 10.0.0.1/24, token: null}\n")
    assert not accepted("- {address: 10.0.0.1/24}\n")
    for wrong in ("mtu: 90000", "mtu: many", "address: 10.0.0.1", "token: [a]"):
        assert not accepted(HOSTS.replace("address: 10.0.0.2/24, mtu: 9000", wrong)), wrong
        assert not accepted(f"- {{name: a, {wrong}}}\n"), wrong


@pytest.mark.subprocess
def test_watching_sees_inventories_and_includes(tmp_path: Path) -> None:
    (tmp_path / "node.bu").write_text(NODE.replace("storage:", "include: [more.bu]\nstorage:"))
    (tmp_path / "hosts.yaml").write_text(HOSTS)
    more = tmp_path / "more.bu"
    more.write_text("storage: {files: [{path: /etc/a}]}\n")
    command = [sys.executable, "-c", "from butane_py.cli.main import run; run()", "build", "node.bu", "-i", "hosts.yaml"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(
        [*command, "--output-dir", "out", "--watch"], cwd=tmp_path, env=environment, stderr=subprocess.PIPE, text=True,
        preexec_fn=interruptible,
    ) as process:  # fmt: skip
        try:
            output = tmp_path / "out" / "n1.ign"
            until(lambda: output.exists() and "/etc/a" in output.read_text())
            more.write_text("storage: {files: [{path: /etc/bcd}]}\n")
            until(lambda: "/etc/bcd" in output.read_text())
            (tmp_path / "hosts.yaml").write_text(HOSTS.replace("10.0.0.1/24", "10.0.0.77/24"))
            until(lambda: "10.0.0.77" in output.read_text())
            (tmp_path / "hosts.yaml").write_text("all: [")
            (tmp_path / "hosts.yaml").write_text(HOSTS.replace("10.0.0.1/24", "10.0.0.78/24"))
            until(lambda: "10.0.0.78" in output.read_text())
        finally:
            process.send_signal(signal.SIGINT)
        assert process.wait(30) == 130


def test_plain_butane(lab: Lab) -> None:
    """What is emitted compiles to the bytes that the build itself writes."""
    lab.build()
    assert lab("node.bu", "-i", "hosts.yaml", "--emit", "butane", "--output-dir", "plain") == 0
    assert sorted(os.listdir("plain")) == ["manifest.json", "n1.bu", "n2.bu", "n3.bu"]
    assert stat.S_IMODE(os.stat("plain/n3.bu").st_mode) == 0o600
    for name in ("n1", "n2", "n3"):
        text = (lab.folder / "plain" / f"{name}.bu").read_text()
        assert "${{" not in text and "vars:" not in text
        assert compile_source(text.encode(), name, Options()).output == lab.text(f"{name}.ign").removesuffix("\n")
    assert lab("node.bu", "-i", "hosts.yaml", "--host", "n1", "--emit", "butane") == 0
    assert lab.stdout.startswith("# Written by butane-py build from node.bu for n1.\nvariant: fcos\n")


@pytest.mark.parametrize(
    ("words", "found"),
    [
        (["-i", "hosts.yaml", "--host", "n"], ["n1", "n2", "n3"]),
        (["-i", "none.yaml", "--host", "n"], []),
        (["node.bu", "--explain-var", "m"], ["mtu"]),
        (["none.bu", "--explain-var", "m"], []),
        (["--format", "m"], ["mermaid"]),
    ],
)
def test_completion(lab: Lab, monkeypatch: pytest.MonkeyPatch, words: list[str], found: list[str]) -> None:
    from butane_py.cli.completion import complete

    monkeypatch.setenv("_BUTANE_PY_COMPLETE", "bash_complete")
    monkeypatch.setenv("COMP_WORDS", " ".join(["butane-py", "build", *words]))
    monkeypatch.setenv("COMP_CWORD", str(len(words) + 1))
    lab._capfd.readouterr()
    with pytest.raises(SystemExit):  # click ends what a shell asks for
        complete("butane-py")
    assert [line.partition(",")[2] for line in lab._capfd.readouterr().out.split()] == found
