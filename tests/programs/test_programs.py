"""validate, render and convert as their users meet them: arguments, streams, exit status."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.helpers.programs import run_program

pytestmark = pytest.mark.subprocess

GOOD = '{"ignition": {"version": "3.4.0"}}'
BAD = '{\n "ignition": {"version": "3.4.0"},\n "storage": {"files": [{"path": "a"}]},\n "strage": 1\n}\n'
BUTANE = "variant: fcos\nversion: 1.5.0\nstorage:\n  files:\n    - path: a\n"
CHILD = "data:,%7B%22ignition%22%3A%7B%22version%22%3A%223.0.0%22%7D%2C%22passwd%22%3A%7B%22users%22%3A%5B%7B%22name%22%3A%22a%22%7D%5D%7D%7D"


def _run(*argv: str, text: str = "") -> tuple[int, str, str]:
    done = run_program("-m", "ignition_py", *argv, input=text)
    return done.returncode, done.stdout, done.stderr


def test_a_good_config_says_nothing() -> None:
    assert _run("validate", "-", text=GOOD) == (0, "", "")


def test_a_line_for_each_thing_found() -> None:
    status, out, err = _run("validate", "-", text=BAD)
    assert (status, err) == (1, "")
    places = [line.split(": ")[0] for line in out.splitlines()]
    assert places == ["error at $.storage.files.0.path, line 3 col 33", "warning at $.strage, line 4 col 2"]


def test_empty_and_missing_configs_are_refused() -> None:
    status, out, err = _run("validate", "-")
    assert (status, out) == (1, "")
    assert "empty" in err
    status, out, err = _run("validate", "/no/such/file")
    assert (status, out) == (1, "")
    assert "/no/such/file" in err


@pytest.mark.parametrize(("argv", "status"), [((), 1), (("-x", "-"), 2), (("-help",), 0), (("-version",), 0)])
def test_usage(argv: tuple[str, ...], status: int) -> None:
    got, out, err = _run("validate", *argv)
    assert got == status
    assert ("Try 'ignition-py validate --help'." in err) == (status != 0)
    assert bool(out) == (status == 0)


def test_several_files_are_told_apart(tmp_path: Path) -> None:
    good, bad = tmp_path / "good.ign", tmp_path / "bad.ign"
    good.write_text(GOOD)
    bad.write_text(BAD)
    status, out, _ = _run("validate", str(good), str(bad))
    assert status == 1
    assert all(line.startswith(f"{bad}: ") for line in out.splitlines())


def test_json_and_pretty() -> None:
    status, out, _ = _run("validate", "-format", "json", "-", text=BAD)
    document = json.loads(out)
    found: list[dict[str, Any]] = document["reports"]
    assert (status, document["version"], document["file"]) == (1, 1, "<stdin>")
    assert [(each["severity"], each["path"], each["line"], each["column"]) for each in found] == [
        ("error", "$.storage.files.0.path", 3, 33),
        ("warning", "$.strage", 4, 2),
    ]
    _, out, _ = _run("validate", "-format", "pretty", "-", text=BAD)
    assert '3 |  "storage": {"files": [{"path": "a"}]},\n  |                                 ^^^' in out


def test_sarif_is_one_document(tmp_path: Path) -> None:
    for name in ("a.ign", "b.ign"):
        (tmp_path / name).write_text(BAD)
    status, out, _ = _run("validate", "--format", "sarif", str(tmp_path / "a.ign"), str(tmp_path / "b.ign"))
    (run,) = json.loads(out)["runs"]
    assert (status, run["tool"]["driver"]["name"], len(run["results"])) == (1, "ignition-py", 4)


def test_butane_is_compiled_and_its_lines_are_named() -> None:
    status, out, _ = _run("validate", "-", text=BUTANE)
    assert status == 1
    assert out.startswith("error at $.storage.files.0.path, line 5 col 13: ")


def test_keys_that_are_no_text_are_shown() -> None:
    status, out, _ = _run("validate", "-", text='{"ignition": {"version": "3.4.0"}, "\\ud800": 1}')
    assert status == 0
    assert out.startswith("warning at $.\ufffd, line 1 col 36: ")


def test_the_compiler_is_not_imported_for_json() -> None:
    code = (
        "import sys; from ignition_py.cli import main; status = main(['ignition-validate', '-']); "
        "sys.exit(status or any(name.startswith(('butane_py', 'ruamel')) for name in sys.modules))"
    )
    assert run_program("-c", code, input=GOOD).returncode == 0


def test_render_merges_and_upgrades() -> None:
    config = {"ignition": {"version": "3.4.0", "config": {"merge": [{"source": CHILD}]}}}
    status, out, err = _run("render", "-", text=json.dumps(config))
    assert (status, err) == (0, "")
    rendered = json.loads(out)
    assert rendered["passwd"] == {"users": [{"name": "a"}]}
    assert rendered["ignition"] == {"version": "3.6.0"}


def test_a_rendered_config_stands_alone() -> None:
    """Nothing is left to merge, and the version is stable unless a field has none that is."""
    config = {"ignition": {"version": "3.0.0", "timeouts": {"httpTotal": 5}, "config": {"replace": {"source": CHILD}}}}
    status, out, _ = _run("render", "-", text=json.dumps(config))
    assert (status, json.loads(out)["ignition"]) == (0, {"version": "3.6.0"})
    config = {"ignition": {"version": "3.4.0", "timeouts": {"httpTotal": 5}, "config": {"merge": [{"source": CHILD}]}}}
    status, out, _ = _run("render", "-", text=json.dumps(config))
    assert (status, json.loads(out)["ignition"]) == (0, {"version": "3.6.0", "timeouts": {"httpTotal": 5}})
    again, same, _ = _run("render", "-", text=out)
    assert (again, same) == (0, out)


def test_render_offline_refuses_the_network_with_the_place() -> None:
    config = {"ignition": {"version": "3.4.0", "config": {"merge": [{"source": "http://192.0.2.1/c"}]}}}
    status, out, err = _run("render", "-offline", "-", text=json.dumps(config))
    assert (status, out) == (1, "")
    assert "$.ignition.config.merge.0" in err


def test_render_refuses_what_only_contradicts_once_merged() -> None:
    link = {"storage": {"links": [{"path": "/a", "target": "/b"}]}}
    child = {"ignition": {"version": "3.4.0"}, "storage": {"files": [{"path": "/a/c"}]}}
    source = "data:," + "".join(f"%{byte:02x}" for byte in json.dumps(child).encode())
    config = {"ignition": {"version": "3.4.0", "config": {"merge": [{"source": source}]}}, **link}
    status, out, err = _run("render", "-", text=json.dumps(config))
    assert (status, out) == (1, "")
    assert "not merged" in err


def test_convert_up_and_down() -> None:
    status, out, _ = _run("convert", "-to", "3.6.0", "-", text=GOOD)
    assert (status, json.loads(out)) == (0, {"ignition": {"version": "3.6.0"}})
    config = '{"ignition": {"version": "3.4.0"},\n "kernelArguments": {"shouldExist": ["a"]},\n "passwd": {"users": [{"name": "a", "shouldExist": true}]}}'
    status, out, err = _run("convert", "-to", "3.0.0", "-", text=config)
    assert (status, out) == (1, "")
    assert err.startswith("error at $.kernelArguments, line 2 col 22: ")
    assert "shouldExist came" not in err


def test_convert_keeps_modes_that_neither_version_acts_on() -> None:
    """`mode: 644` is decimal, 01204 with a sticky bit that has no effect before 3.6.0."""
    config = '{"ignition": {"version": "%s"}, "storage": {"files": [{"path": "/a", "mode": 644}]}}'
    for source, target, mode in (("3.4.0", "3.1.0", 644), ("3.0.0", "3.5.0", 644), ("3.5.0", "3.6.0", 644 & 0o777), ("3.6.0", "3.7.0-experimental", 644)):
        status, out, _ = _run("convert", "--to", target, "-", text=config % source)
        assert (status, json.loads(out)["storage"]["files"][0]["mode"]) == (0, mode), (source, target)
    status, out, err = _run("convert", "--to", "3.5.0", "-", text=config % "3.6.0")
    assert (status, out) == (1, "")
    assert "mode 1204 has special bits" in err


def test_convert_puts_what_a_file_is_appended_to_together() -> None:
    files = [
        {"filesystem": "root", "path": "/a", "contents": {"source": "data:,1"}, "mode": 420},
        {"filesystem": "root", "path": "/a", "append": True, "contents": {"source": "data:,2"}},
        {"filesystem": "root", "path": "/b", "append": True, "contents": {"source": "data:,3"}},
        {"filesystem": "root", "path": "/b", "append": True, "contents": {"source": "data:,4"}, "mode": 384},
    ]
    status, out, _ = _run("convert", "-", text=json.dumps({"ignition": {"version": "2.2.0"}, "storage": {"files": files}}))
    assert status == 0
    assert json.loads(out)["storage"]["files"] == [
        {"path": "/a", "overwrite": True, "mode": 420, "contents": {"source": "data:,1"}, "append": [{"source": "data:,2"}]},
        {"path": "/b", "mode": 384, "append": [{"source": "data:,3"}, {"source": "data:,4"}]},
    ]
    files[1] = {"filesystem": "root", "path": "/a", "contents": {"source": "data:,2"}}
    status, _, err = _run("convert", "-", text=json.dumps({"ignition": {"version": "2.2.0"}, "storage": {"files": files}}))
    assert status == 1
    assert "/a" in err


def test_convert_takes_spec_2() -> None:
    old = '{"ignition": {"version": "2.3.0"}, "networkd": {"units": [{"name": "a.network", "contents": "[Match]"}]}}'
    status, out, _ = _run("convert", "-", text=old)
    assert status == 0
    assert json.loads(out)["storage"]["files"][0]["path"] == "/etc/systemd/network/a.network"


def test_the_shim_is_the_command() -> None:
    code = "import sys; from ignition_py.cli import main; sys.exit(main(['ignition-validate', *sys.argv[1:]]))"
    done = run_program("-c", code, "-", input=BAD)
    assert done.returncode == 1
    assert done.stdout.startswith("error at $.storage.files.0.path")


@pytest.mark.parametrize("program", ["render", "plan"])
def test_an_installation_of_the_compiler_alone_says_what_http_takes(program: str) -> None:
    """Without requests; what needs no network works."""
    code = "import sys; sys.modules['requests'] = None; from ignition_py.cli import main; sys.exit(main(sys.argv))"
    merging = '{"ignition": {"version": "3.4.0", "config": {"merge": [{"source": "http://127.0.0.1:1/x"}]}}}'
    done = run_program("-c", code, program, "-", "--disk=vda=1G" if program == "plan" else "--offline=false", input=merging)
    assert done.returncode == 1
    assert "http:// takes the Python package requests, which is not installed" in done.stderr
    assert "pip install 'ignition-py[executor]'" in done.stderr
