"""A Butane config at boot: as the machine's config, as a merged child, and what is refused there."""

from __future__ import annotations

import json
from pathlib import Path
from urllib.parse import quote

import pytest

from ignition_py.butane import is_butane
from tests.helpers.programs import run_program

pytestmark = pytest.mark.subprocess
HELLO = "variant: fcos\nversion: 1.5.0\nstorage:\n  files:\n    - path: /etc/hello\n      contents:\n        {contents}\n"


def fetch(folder: Path, config: str) -> tuple[int, str, dict[str, object] | None]:
    """Exit status, log and config cache of the fetch stage."""
    (folder / "config.ign").write_text(config)
    cache = folder / "cache.json"
    cache.unlink(missing_ok=True)
    done = run_program(
        "-m", "ignition_py", "-platform", "file", "-stage", "fetch", "-root", str(folder), "-log-to-stdout",
        "-config-cache", str(cache), "-neednet", str(folder / "neednet"), "-state-file", str(folder / "state"),
        cwd=folder, env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "PYTHONPATH": str(Path(__file__).parent.parent)},
    )  # fmt: skip
    return done.returncode, done.stdout, json.loads(cache.read_text()) if cache.exists() else None


def contents(config: dict[str, object] | None) -> object:
    assert config is not None
    return [(file["path"], file["contents"]["source"]) for file in config["storage"]["files"]]  # type: ignore[index]


def test_user_data(tmp_path: Path) -> None:
    status, log, config = fetch(tmp_path, HELLO.format(contents="inline: hello"))
    assert status == 0, log
    assert contents(config) == [("/etc/hello", "data:,hello")]


def test_merged_child(tmp_path: Path) -> None:
    source = "data:," + quote(HELLO.format(contents="inline: hello"))
    parent = {"ignition": {"version": "3.4.0", "config": {"merge": [{"source": source}]}}}
    status, log, config = fetch(tmp_path, json.dumps(parent))
    assert status == 0, log
    assert contents(config) == [("/etc/hello", "data:,hello")]


def test_machine_config_gives_its_ignition_config(tmp_path: Path) -> None:
    labels = "metadata: {name: x, labels: {machineconfiguration.openshift.io/role: worker}}\n"
    text = HELLO.format(contents="inline: hello").replace("fcos", "openshift").replace("1.5.0", "4.15.0") + labels
    status, log, config = fetch(tmp_path, text)
    assert status == 0, log
    assert contents(config) == [("/etc/hello", "data:,hello")]


@pytest.mark.parametrize(
    ("text", "place"),
    [
        (HELLO.format(contents="local: secret.txt"), "$.storage.files.0.contents.local, line 7 col 16"),
        ("variant: fcos\nversion: 1.5.0\nstorage:\n  trees:\n    - local: /etc\n", "$.storage.trees.0, line 5 col 7"),
    ],
)
def test_local_files_are_refused(tmp_path: Path, text: str, place: str) -> None:
    (tmp_path / "secret.txt").write_text("not for configs")
    status, log, config = fetch(tmp_path, text)
    assert status == 1
    assert config is None
    assert f"error at {place}: a config that is compiled at boot has no local files" in log
    assert "Traceback" not in log


def test_mistakes_have_the_place_in_the_yaml(tmp_path: Path) -> None:
    status, log, _ = fetch(tmp_path, HELLO.format(contents="inline: x").replace("/etc/hello", "etc/hello"))
    assert status == 1
    assert "error at $.storage.files.0.path, line 5 col 13" in log


@pytest.mark.parametrize(
    ("data", "yes"),
    [
        (b"variant: fcos\n", True),
        (b"# comment\n\nvariant: fcos\n", True),
        (b"\xef\xbb\xbfvariant: fcos\n", True),
        (b"---\nversion: 1\n'variant': fcos\n", True),
        (b'{"variant: ": 1}', False),
        (b"#cloud-config\nvariants: x\n", False),
        (b"#!/bin/sh\necho variant: fcos\n", False),
        (b"  variant: nested\n", False),
        (b"", False),
    ],
)
def test_what_is_a_butane_config(data: bytes, yes: bool) -> None:
    assert is_butane(data) is yes


@pytest.mark.subprocess
def test_comments_for_the_linter_do_not_ask_for_it_at_boot() -> None:
    """An initramfs has no linter; the text says `# butane-py: ignore[...]` all the same."""
    text = b"variant: fcos\nversion: 1.6.0\nx: 1  # butane-py: ignore[unused-key]\n"
    program = (
        "import sys\nfrom ignition_py.butane import compile_config\n"
        f"data, report = compile_config({text!r}, 'file')\n"
        "print(len(report), any(name.startswith('butane_py.linter') for name in sys.modules))"
    )
    done = run_program("-c", program)
    assert (done.stdout, done.stderr) == ("1 False\n", "")
