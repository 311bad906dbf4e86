"""`butane-py --target`: files, parts, reports, and that the plain path knows nothing of targets."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from butane_py.cli.main import main
from tests.helpers.targets import FCOS, MACHINE

GOOD = f"{MACHINE}machine: {{hostname: node1}}\n"
ALL = ("--target", "fcos", "--target", "flatcar", "--target", "microos")


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "node.bu"
    path.write_text(GOOD)
    return path


def test_one_target_to_standard_output(config: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["butane-py", "--target", "fcos", str(config)]) == 0
    out, err = capfd.readouterr()
    assert json.loads(out)["ignition"]["version"] == "3.5.0"
    assert out.endswith("}\n") and err == ""


def test_a_file(config: Path, tmp_path: Path) -> None:
    assert main(["butane-py", "--target", "flatcar", "--private", "--pretty", "-o", str(tmp_path / "out"), str(config)]) == 0
    assert (tmp_path / "out").read_text().startswith("{\n  ")
    assert (tmp_path / "out").stat().st_mode & 0o777 == 0o600
    assert main(["butane-py", "--target", "flatcar", "-o", str(config), str(config)]) == 1
    assert config.read_text() == GOOD


def test_many_targets_and_many_files(config: Path, tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "two.bu").write_text(f"{FCOS}storage: {{files: [{{path: /a}}]}}\n")
    (tmp_path / "three.ign").write_text('{"ignition": {"version": "3.2.0"}, "storage": {"files": [{"path": "/b"}]}}')
    assert main(["butane-py", *ALL, "--output-dir", str(tmp_path / "out"), str(config), str(tmp_path / "sub"), str(tmp_path / "three.ign")]) == 0
    names = {f"{stem}.{target}.ign" for stem in ("node", "two", "three") for target in ("fcos", "flatcar", "microos")}
    assert {path.name for path in (tmp_path / "out").iterdir()} == names


def test_the_losses_of_all_targets_at_once(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "node.bu"
    path.write_text(f"{FCOS}storage:\n  luks:\n    - {{name: a, device: /dev/a, clevis: {{tpm2: true}}}}\n")
    assert main(["butane-py", *ALL, "--check", str(path)]) == 1
    out, err = capfd.readouterr()
    assert out == ""
    assert f"{path}: fcos: nothing is lost\n" in err and f"{path}: microos: nothing is lost\n" in err
    assert f"error[target-no-luks]: this version of Flatcar has no Clevis\n --> {path}:5:" in err
    assert 'leave it out: targets.flatcar.skip: [storage.luks.a]' in err
    assert f"{path}: flatcar: 1 error\n" in err


def test_reports_for_programs(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "node.bu"
    path.write_text(f"{FCOS}storage:\n  luks:\n    - {{name: a, device: /dev/a, clevis: {{tpm2: true}}}}\n")
    assert main(["butane-py", *ALL, "--check", "--format", "json", str(path)]) == 1
    lines = [json.loads(line) for line in capfd.readouterr().out.splitlines()]
    assert [(line.get("target"), [entry["code"] for entry in line["reports"]]) for line in lines] == [
        (None, []), ("fcos", []), ("flatcar", ["target-no-luks"]), ("microos", []),
    ]  # fmt: skip
    assert main(["butane-py", *ALL, "--check", "--format", "sarif", str(path)]) == 1
    results = json.loads(capfd.readouterr().out)["runs"][0]["results"]
    assert [(result["ruleId"], result["locations"][0]["physicalLocation"]["region"]["startLine"]) for result in results] == [("target-no-luks", 5)]
    assert main(["butane-py", "--raw-errors", "--check", "--target", "flatcar", str(path)]) == 1
    assert capfd.readouterr().err.startswith("flatcar: error at $.storage.luks.0.clevis, line 5")


def test_options_for_other_variants(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    path, options = tmp_path / "node.bu", tmp_path / "options.yaml"
    path.write_text(f"{FCOS}storage:\n  luks:\n    - {{name: a, device: /dev/a, clevis: {{tpm2: true}}}}\n")
    options.write_text("flatcar: {skip: [storage.luks], config: {kernelArguments: {shouldExist: [quiet]}}}\n")
    command = ["butane-py", "--target", "flatcar", "--target-options", str(options), str(path)]
    assert main(command) == 0
    assert json.loads(capfd.readouterr().out) == {"ignition": {"version": "3.4.0"}, "kernelArguments": {"shouldExist": ["quiet"]}}
    options.write_text("# one\nflatcar:\n  skip: [storage.raid]\n")
    assert main(command) == 1
    assert f"--> {options}:3:10" in capfd.readouterr().err
    for text in ("[", "- a\n", "a: &a *a\n", ""):
        options.write_text(text)
        assert main(command) == (1 if not text else 2)
        assert "Traceback" not in capfd.readouterr().err


def test_strict_refuses_a_warning(tmp_path: Path) -> None:
    path = tmp_path / "node.bu"
    path.write_text(f"{GOOD}nonsense: 1\n")
    assert main(["butane-py", "--target", "fcos", str(path)]) == 0
    assert main(["butane-py", "--strict", "--target", "fcos", str(path)]) == 1


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (("--target", "nope"), "there is no target"),
        (ALL, "several targets need --output-dir, or --check"),
        (("--target", "fcos", "--source-map=inline"), "--source-map does not go with --target"),
        (("--target", "fcos", "--jobs", "2"), "--jobs does not go with --target"),
        (("--target-options", "x"), "go with --target"),
        (("--target-part", "x", "--output-dir", "out", "--target", "fcos"), "--target-part goes with one target"),
    ],
)
def test_wrong_usage(flags: tuple[str, ...], words: str, config: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["butane-py", *flags, str(config)]) == 2
    assert words in capfd.readouterr().err


def test_files_that_cannot_be_read_or_written(config: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["butane-py", "--target", "fcos", str(tmp_path / "none.bu")]) == 1
    assert main(["butane-py", "--target", "fcos", "-o", str(tmp_path / "none" / "out"), str(config)]) == 1
    assert main(["butane-py", "--target", "fcos", "--target-part", "x", str(config)]) == 1
    assert "fcos has no part 'x' here; it has fcos.ign" in capfd.readouterr().err


@pytest.mark.subprocess
def test_the_plain_path_imports_nothing_of_targets(tmp_path: Path) -> None:
    path = tmp_path / "node.bu"
    path.write_text(f"{FCOS}storage: {{files: [{{path: /a, contents: {{inline: b}}}}]}}\n")
    probe = "import sys\nfrom butane_py.cli.main import main\nmain(['butane-py', sys.argv[1]])\nprint(*sys.modules)\n"
    done = subprocess.run([sys.executable, "-c", probe, str(path)], capture_output=True, text=True, check=True)
    assert [name for name in done.stdout.split() if name.startswith("butane_py.targets") or name == "zoneinfo"] == []


def test_large_outputs_and_gzip(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "node.bu"
    path.write_text(f"{MACHINE}storage: {{files: [{{path: /a, mode: 0600, contents: {{inline: {'abcdefghij' * 10_000}}}}}]}}\n")
    assert main(["butane-py", "--check", "--target", "cloud-init", str(path)]) == 0
    capfd.readouterr()
    import gzip
    import os

    (tmp_path / "files").mkdir()
    (tmp_path / "files" / "a").write_bytes(os.urandom(12_000))
    (tmp_path / "files" / "b").write_bytes(os.urandom(64) * 200)
    path.write_text(f"{MACHINE}storage: {{files: [{{path: /a, contents: {{local: a}}}}, {{path: /b, contents: {{local: b}}}}]}}\n")
    flags = ["-d", str(tmp_path / "files"), str(path)]
    assert main(["butane-py", "--strict", "--check", "--target", "cloud-init", *flags]) == 0
    assert "info[target-size]: cloud-init.yaml has 1" in (err := capfd.readouterr().err) and "aws (16,384)" in err and "give --gzip" in err
    assert main(["butane-py", "--gzip", "--target", "cloud-init", "--output-dir", str(tmp_path / "out"), *flags]) == 0
    packed = (tmp_path / "out" / "node.cloud-init.yaml.gz").read_bytes()
    assert gzip.decompress(packed).startswith(b"#cloud-config\n") and len(packed) < 16_384
    assert main(["butane-py", "--gzip", "--target", "combustion", *flags]) == 2
    assert "combustion cannot be handed over compressed" in capfd.readouterr().err


@pytest.mark.subprocess
def test_targets_from_python_and_of_a_shell() -> None:
    import os

    import butane_py

    result = butane_py.compile({"variant": "machine", "version": "1.0.0-experimental", "machine": {"hostname": "a"}}, target="cloud-init")
    result.raise_for_errors()
    result.validate()
    assert result.outputs == {"cloud-init.yaml": f"{result.output}\n".encode()}
    with pytest.raises(ValueError, match="no target 'nope'"):
        butane_py.compile("variant: fcos\nversion: 1.6.0\n", target="nope")
    environment = {**os.environ, "_BUTANE_PY_COMPLETE": "bash_complete", "COMP_WORDS": "butane-py --target fl", "COMP_CWORD": "2"}
    done = subprocess.run([sys.executable, "-m", "butane_py"], env=environment, capture_output=True, text=True)
    assert "flatcar" in done.stdout
