"""`butane-py build --publish`: parts before files, what is told, what is refused, and what is left when it fails."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from butane_py.cli import build
from butane_py.deliver.model import DeliveryError
from butane_py.deliver.publish.folder import Folder

URL = "https://config.example.com/ign"
NODE = """\
variant: fcos
version: 1.5.0
vars: {role: {type: string, default: x}}
storage:
  files:
    - path: /etc/motd
      mode: 0644
      contents: {inline: "${{ role }}"}
"""
HOSTS = "all: {hosts: {n1: {role: a}, n2: {role: b}, n3: {role: b}}}\n"
FLEET = [
    "node.bu",
    "-i",
    "hosts.yaml",
    "--output-dir",
    "out",
    "--for",
    "aws",
    "--form",
    "pointer",
    "--publish",
    "www",
    "--publish-url",
    URL,
]


@pytest.fixture(autouse=True)
def _place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "node.bu").write_text(NODE)
    (tmp_path / "hosts.yaml").write_text(HOSTS)


def run(*words: str) -> int:
    return build.main("butane-py build", list(words))


def files(folder: str) -> set[str]:
    return {path.name for path in Path(folder).glob("*")} if Path(folder).exists() else set()


@pytest.mark.parametrize("jobs", ["1", pytest.param("2", marks=pytest.mark.subprocess)])
def test_a_fleet(capsys: pytest.CaptureFixture[str], jobs: str) -> None:
    assert run(*FLEET, "--jobs", jobs) == 0
    assert "2 parts published (270 bytes), 0 unchanged\n3 configs: 3 written\n" in capsys.readouterr().err
    source = json.loads(Path("out/n1.ign").read_text())["ignition"]["config"]["replace"]
    data = Path("www", source["source"].removeprefix(f"{URL}/")).read_bytes()
    assert source["verification"]["hash"] == f"sha512-{hashlib.sha512(data).hexdigest()}"
    assert json.loads(data)["storage"]["files"][0]["contents"]["source"] == "data:,a"
    manifest = json.loads(Path("out/manifest.json").read_text())
    assert manifest["hosts"]["n2"]["parts"] == manifest["hosts"]["n3"]["parts"]
    (record,) = Path("www/publications").iterdir()
    assert json.loads(record.read_text())["hosts"]["n1"] == [part["name"] for part in manifest["hosts"]["n1"]["parts"]]
    before = {path: path.stat().st_mtime_ns for path in Path("www").rglob("*")}
    assert run(*FLEET, "--format", "json") == 0
    assert json.loads(capsys.readouterr().out)["published"] == {"dry_run": False, "new": [], "unchanged": 2, "bytes": 0}
    assert {path: path.stat().st_mtime_ns for path in Path("www").rglob("*")} == before


@pytest.mark.parametrize("flag", ["--publish-dry-run", "--check"])
def test_dry_run(capsys: pytest.CaptureFixture[str], flag: str) -> None:
    assert run(*FLEET, flag) == 0
    said = capsys.readouterr().err
    assert said.count("would be published: ") == 2
    assert "2 parts would be published (270 bytes), 0 unchanged\n3 configs: 3 checked\n" in said
    assert files("out") == files("www") == set()


def test_nothing_to_publish(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("node.bu", "-o", "n1.ign", "--for", "aws", "--publish", "www", "--publish-url", URL) == 0
    assert "nothing has to be published: every config fits into its user data" in capsys.readouterr().err
    assert not Path("www").exists()


def test_one_config_has_its_file_s_name_in_the_store() -> None:
    assert run("node.bu", "-o", "n1.ign", "--form", "pointer", "--publish", "www", "--publish-url", URL) == 0
    (record,) = Path("www/publications").iterdir()
    assert list(json.loads(record.read_text())["hosts"]) == ["node"]


@pytest.mark.parametrize("at", [1, 2, 3])
def test_a_failure_leaves_no_file_that_names_a_missing_part(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], at: int
) -> None:
    """Wherever it breaks: what was handed out before is untouched, and the next run mends everything."""
    assert run(*FLEET) == 0
    old = {path: path.read_bytes() for path in Path("out").iterdir()}
    Path("hosts.yaml").write_text(HOSTS.replace("role: a", "role: c").replace("role: b", "role: d"))
    create, calls = Folder._create, []

    def failing(self: Folder, name: str, data: bytes, host: str) -> bool:
        calls.append(name)
        if len(calls) >= at:
            raise DeliveryError("www: the connection broke", hint="Run it again")
        return create(self, name, data, host)

    with monkeypatch.context() as patch:
        patch.setattr(Folder, "_create", failing)
        capsys.readouterr()
        assert run(*FLEET) == 1
    said = capsys.readouterr().err
    assert "error[publish]: www: the connection broke" in said and "Run it again" in said and "3 refused" in said
    assert {path: path.read_bytes() for path in Path("out").iterdir()} == old
    assert all(
        Path("www", part["name"]).exists()
        for host in json.loads(Path("out/manifest.json").read_text())["hosts"].values()
        for part in host["parts"]
    )
    assert run(*FLEET) == 0
    for name in ("n1", "n2", "n3"):
        source = json.loads(Path(f"out/{name}.ign").read_text())["ignition"]["config"]["replace"]["source"]
        assert Path("www", source.rpartition("/")[2]).exists()


def test_other_contents_under_a_name(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(*FLEET) == 0
    part = next(path for path in Path("www").iterdir() if path.suffix == ".ign")
    part.write_bytes(b"something else")
    manifest = Path("out/manifest.json").read_bytes()
    for flag in ("--strict", "--publish-dry-run"):
        assert run(*FLEET, flag) == 1
        assert f"{part.name} is there with other contents" in capsys.readouterr().err
    assert part.read_bytes() == b"something else"
    assert Path("out/manifest.json").read_bytes() == manifest


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--publish", "www", "--publish-url", URL], "--publish goes with --for"),
        (["--for", "aws", "--publish", "www"], "--publish-url"),
        (["--for", "aws", "--publish-url", URL], "--publish-url goes with --publish\n"),
        (["--for", "aws", "--publish-dry-run"], "--publish-dry-run goes with --publish or --publish-private\n"),
        (["--for", "aws", "--publish-private", "x"], "--publish-url"),
        (
            ["--for", "aws", "--publish", "s3://b", "--publish-private-url", URL],
            "--publish-private-url goes with --publish-private\n",
        ),
        (["--for", "aws", "--form", "pointer"], "give --publish"),
        (["--for", "aws", "--publish", "https://u:s3cr3t@h/x"], "must not hold a user"),
        (["--for", "aws", "--publish", "ftp://h/x"], "publishing to ftp:// is not supported"),
    ],
)
def test_wrong_usage(capsys: pytest.CaptureFixture[str], words: list[str], says: str) -> None:
    assert run("node.bu", *words) == 2
    said = capsys.readouterr()
    assert says in said.err and "s3cr3t" not in said.err + said.out


def test_a_private_place_alone_takes_everything() -> None:
    """Parts with secrets and parts without; all of them for their owner only."""
    Path("node.bu").write_text(
        NODE.replace("role: {type: string, default: x}", "role: {type: string, secret: true, default: s3cr3t}")
    )
    words = ["--publish-private", "private", "--publish-private-url", URL, "-o", "n1.ign"]
    assert run("node.bu", "--for", "aws", "--secrets", "split", "--form", "pointer", *words) == 0
    parts = [path for path in Path("private").iterdir() if path.suffix == ".ign"]
    assert [b"s3cr3t" in path.read_bytes() for path in parts].count(True) == 1 and len(parts) == 2
    assert {path.stat().st_mode & 0o777 for path in parts} == {0o600}
    assert b"s3cr3t" not in Path("n1.ign").read_bytes()
