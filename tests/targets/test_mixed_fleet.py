"""examples/mixed-fleet: one source for six systems, each output held against the program or schema of its system; and the losses of a full node."""

from __future__ import annotations

import re
import shutil
import subprocess
import tomllib
from pathlib import Path

import jsonschema
import pytest
import yaml

from butane_py.cli.main import main
from butane_py.compilation import Options
from butane_py.pipeline import compile_source
from butane_py.published import violations
from butane_py.targets.registry import NAMES
from tests.targets.test_cloud_init import valid

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "examples/mixed-fleet"
SYSTEMS = ("fcos", "flatcar", "cloud-init", "combustion", "kairos", "bottlerocket")


def steps() -> dict[str, list[str]]:
    """The commands of the workflow by the names of its steps, as words."""
    workflow = yaml.safe_load((EXAMPLE / "ci.yaml").read_text())
    found = {step["name"]: step["run"] for step in workflow["jobs"]["machines"]["steps"] if "name" in step}
    return {name: command.split(">")[0].split() for name, command in found.items()}


@pytest.fixture(scope="module")
def outputs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("out")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(EXAMPLE)
        command = [str(folder) if word == "out" else word for word in steps()["One output a system"]]
        assert main(command) == 0
    return folder


def test_the_check_passes_and_an_output_of_each_system_is_there(
    outputs: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(EXAMPLE)
    assert main(steps()["What each system loses"]) == 0
    assert '"runs"' in capfd.readouterr().out
    assert {path.name.split(".")[1] for path in outputs.iterdir()} == set(SYSTEMS)


@pytest.mark.subprocess
def test_each_output_holds_to_its_validator(outputs: Path, tmp_path: Path) -> None:
    for name in ("fcos", "flatcar"):
        assert violations((outputs / f"node.{name}.ign").read_text()) == []
    valid((outputs / "node.cloud-init.yaml").read_bytes(), tmp_path)
    script = outputs / "node.combustion.sh"
    assert subprocess.run(["bash", "-n", script], capture_output=True).stderr == b""
    if shutil.which("shellcheck"):
        assert subprocess.run(["shellcheck", "-e", "SC2016", script], capture_output=True).returncode == 0
    schemas = ROOT / "butane_py/targets/data"
    kairos = yaml.safe_load((outputs / "node.kairos.yaml").read_text())
    jsonschema.Draft202012Validator(yaml.safe_load((schemas / "kairos.json").read_text())).validate(kairos)
    bottlerocket = tomllib.loads((outputs / "node.bottlerocket.toml").read_text())
    jsonschema.Draft202012Validator(yaml.safe_load((schemas / "bottlerocket.json").read_text())).validate(bottlerocket)


# A full node, and the entries that each system cannot say: (code, words of the line that it stands in).
NODE = (ROOT / "tests/targets/node.bu").read_text()
LOSSES = {
    "fcos": [],
    "flatcar": [],
    "microos": [],
    "cloud-init": ["target-no-kargs: console=ttyS0"],
    "combustion": ["target-no-disks: device: /dev/disk/by-id/virtio-disk1", "target-no-disks: by-partlabel/data", "target-no-disks: by-partlabel/swap"],
    "kairos": [],
    "bottlerocket": [
        "target-no-timezone: Europe/Berlin", "target-no-groups: name: apps", "target-no-password: password_hash", "target-no-groups: groups: [wheel, apps]",
        "target-path: /etc/app/config.toml", "target-no-files: blob.bin", "target-no-directories: path: /var/lib/app", "target-no-links: current",
        "target-no-disks: device: /dev/disk/by-id/virtio-disk1", "target-no-disks: by-partlabel/data", "target-no-disks: by-partlabel/swap",
        "target-no-units: name: app.service", "target-no-units: name: 10-restart.conf", "target-no-units: mask: true", "target-no-owner: group: {name: apps}",
    ],
}  # fmt: skip


@pytest.mark.parametrize("target", LOSSES)
def test_the_losses_of_a_full_node_stand_at_their_lines(target: str) -> None:
    assert target in NAMES
    result = compile_source(NODE.encode(), "node.bu", Options(str(EXAMPLE), target=target))
    lines = NODE.splitlines()
    found = [(entry.code, lines[entry.place.line - 1]) for entry in result.report if entry.severity == "error"]
    missing = [words for words in LOSSES[target] if not any(code == words.split(": ", 1)[0] and words.split(": ", 1)[1] in line for code, line in found)]
    assert missing == [], found
    extra = [pair for pair in found if not any(pair[0] == words.split(": ", 1)[0] and words.split(": ", 1)[1] in pair[1] for words in LOSSES[target])]
    assert extra == []
    assert all(f"targets.{target}.skip" in entry.hint for entry in result.report if entry.severity == "error")


def test_skipping_all_losses_leaves_an_output() -> None:
    """The hints are enough: what they name is left out, and the rest is written."""
    for target in ("cloud-init", "combustion", "bottlerocket"):
        report = compile_source(NODE.encode(), "node.bu", Options(str(EXAMPLE), target=target)).report
        skips = sorted({found for entry in report for found in re.findall(r"skip: \[(.*)\]", entry.hint)})
        skips = [each for each in skips if not any(each.startswith(f"{other}.") for other in skips)]
        text = f"{NODE}targets:\n  {target}: {{skip: [{', '.join(skips)}]}}\n"
        result = compile_source(text.encode(), "node.bu", Options(str(EXAMPLE), target=target))
        assert [entry.raw() for entry in result.report if entry.severity == "error"] == []
        assert result.output


def test_a_comment_silences_a_warning() -> None:
    text = "variant: machine\nversion: 1.0.0-experimental\nkernel_arguments:\n  should_exist: [quiet]  # butane-py: ignore[target-reboot]\n"
    for silent, count in ((text, 0), (text.replace("ignore", "ignored"), 1)):
        result = compile_source(silent.replace("kernel_arguments:", "kernel_arguments:").encode(), "a.bu", Options(target="kairos"))
        assert sum(entry.code == "target-reboot" for entry in result.report) == count
