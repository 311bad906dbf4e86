"""A version is a row, and a section too: what each addition takes, done to a copy of the tree and tried by the real command lines."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests import stage_reads
from tests.helpers.programs import run_program

ROOT = Path(__file__).resolve().parent.parent
IGNORED = shutil.ignore_patterns("__pycache__", "*.pyc", "*.so")
NEXT_ROW = '    Variant("fcos", "1.8.0-experimental", 7, sections={FCOS: 8}),\n'

SWAP_FILES = '''"""`storage.swap_files`: a file that is made, formatted and used as swap space."""

from __future__ import annotations

from butane_py import base
from butane_py.compilation import Compilation
from butane_py.features.feature import Feature
from butane_py.registry import ButaneFindings, rule
from butane_py.variants import FCOS
from butane_py.yaml.source import Whole
from ignition_py.spec import tables as spec
from ignition_py.spec.model import Struct, extends, field


class SwapFile(Struct):
    """A file used as swap space."""

    path: str = field("Where the file is.", since=9, axis=FCOS, required=True)
    size_mib: int = field("Its size.", since=9, axis=FCOS, required=True)


@extends
class Storage(base.Storage):
    swap_files: tuple[SwapFile, ...] = field("Files used as swap space.", since=9, axis=FCOS)


@rule(
    SwapFile,
    "swap-file-size",
    title="A swap file without a size",
    why="The file is made with this size.",
    fix="Add size_mib.",
    wrong="storage:\\n  swap_files:\\n    - path: /var/swap\\n",
    right="storage:\\n  swap_files:\\n    - path: /var/swap\\n      size_mib: 512\\n",
    row="fcos 1.9.0-experimental",
)
def swap_file(swap: SwapFile, findings: ButaneFindings) -> None:
    if not swap.size_mib:
        findings.error("swap-file-size", "a swap file needs size_mib", "size_mib")


def desugar(work: Compilation, output: spec.Config) -> spec.Config:
    storage = work.config.storage
    assert isinstance(storage, Storage)
    if not storage.swap_files:
        return output
    from ignition_py.spec.merge import merge

    units = []
    for i, swap in enumerate(storage.swap_files):
        origin = Whole(work.source, ("storage", "swap_files", i))
        name = swap.path.strip("/").replace("/", "-") + ".swap"
        units.append(spec.Unit(origin, name=name, enabled=True, contents=f"[Swap]\\nWhat={swap.path}\\n\\n[Install]\\nWantedBy=swap.target\\n"))
    origin = Whole(work.source, ("storage", "swap_files"))
    return merge(spec.Config(origin, systemd=spec.Systemd(origin, units=tuple(units))), output)


FEATURE = Feature(desugar=desugar)
'''

COMBUSTION = '''"""`combustion`: a script of the first boot, for SUSE Linux Enterprise Micro."""

from __future__ import annotations

from butane_py import base
from butane_py.compilation import Compilation
from butane_py.features.feature import Feature
from butane_py.registry import ButaneFindings, rule
from butane_py.yaml.source import Whole
from ignition_py.spec import tables as spec
from ignition_py.spec.model import Struct, extends, field

SECTION = "combustion"


class Combustion(Struct):
    """A script of the first boot."""

    script: str | None = field("Its text.", since=1, axis=SECTION)


@extends
class Config(base.Config):
    combustion: Combustion = field("A script of the first boot.", since=1, axis=SECTION)


@rule(
    Combustion,
    "combustion-shebang",
    title="A script without an interpreter",
    why="The first line names the interpreter.",
    fix="Begin it with #!/bin/sh.",
    wrong="combustion:\\n  script: true\\n",
    right="combustion:\\n  script: '#!/bin/sh'\\n",
    row="slmicro 1.0.0",
)
def combustion(section: Combustion, findings: ButaneFindings) -> None:
    if section.script and not section.script.startswith("#!"):
        findings.error("combustion-shebang", "the script names no interpreter", "script", hint="begin it with #!/bin/sh")


def desugar(work: Compilation, output: spec.Config) -> spec.Config:
    config = work.config
    assert isinstance(config, Config)
    if not config.combustion.script:
        return output
    from ignition_py.spec.merge import merge

    origin = Whole(work.source, ("combustion", "script"))
    contents = spec.Resource(origin, source="data:," + config.combustion.script.encode().hex())
    made = spec.File(origin, path="/etc/combustion/script", mode=0o755, contents=contents)
    return merge(spec.Config(origin, storage=spec.Storage(origin, files=(made,))), output)


FEATURE = Feature(section=SECTION, desugar=desugar)
'''


class Copy:
    """A copy of the sources, and which of them have been changed."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for name in ("butane_py", "ignition_py", "tools", "schemas"):
            shutil.copytree(ROOT / name, folder / name, ignore=IGNORED)
        self.changed: set[str] = set()

    def write(self, name: str, text: str) -> None:
        (self.folder / name).write_text(text)
        self.changed.add(name)

    def add(self, name: str, after: str, text: str) -> None:
        """Puts `text` behind the only text that is `after`."""
        source = (self.folder / name).read_text()
        assert source.count(after) == 1, after
        self.write(name, source.replace(after, after + text))

    def run(self, *argv: str, data: str = "", status: int = 0) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [sys.executable, *argv], input=data, capture_output=True, text=True, check=False, cwd=self.folder,
            env={**os.environ, "PYTHONPATH": str(self.folder)},
        )  # fmt: skip
        assert done.returncode == status, done.stderr
        return done

    def compile(self, text: str, status: int = 0) -> subprocess.CompletedProcess[str]:
        return self.run("-m", "butane_py", data=text, status=status)

    def validate(self, config: str) -> None:
        done = self.run("-m", "ignition_py", "validate", "-", data=config)
        assert (done.stdout, done.stderr) == ("", "")

    def schema(self, name: str) -> str:
        """The text of a schema file after all were made anew."""
        self.run("tools/schemas.py")
        return (self.folder / "schemas" / name).read_text()


@pytest.fixture
def tree(tmp_path: Path) -> Copy:
    return Copy(tmp_path)


def next_spec(tree: Copy) -> None:
    """Spec 3.8.0-experimental with a field, and a row of Butane that compiles to it."""
    tree.add("ignition_py/spec/tables.py", '    "3.7.0-experimental": 7,\n', '    "3.8.0-experimental": 8,\n')
    field = '    immutable: bool | None = field("Whether nobody may change the file.", since=8)\n'
    tree.add("ignition_py/spec/tables.py", 'class File(Node):\n    """A file."""\n\n', field)
    tree.add("butane_py/variants.py", NEXT_ROW, '    Variant("fcos", "1.9.0-experimental", 8, sections={FCOS: 9}),\n')


FILE = "variant: fcos\nversion: {}\nstorage:\n  files:\n    - path: /etc/motd\n      mode: 0644\n      immutable: true\n      contents:\n        inline: hello\n"


@pytest.mark.subprocess
def test_a_spec_version_with_a_field(tree: Copy) -> None:
    next_spec(tree)
    assert len(tree.changed) <= 2
    done = tree.compile(FILE.format("1.9.0-experimental"))
    assert done.stderr == ""
    data = json.loads(done.stdout)
    assert (data["ignition"]["version"], data["storage"]["files"][0]["immutable"]) == ("3.8.0-experimental", True)
    tree.validate(done.stdout)
    assert '"immutable"' in tree.schema("ignition/3.8.0-experimental.json")
    assert '"immutable"' not in tree.schema("ignition/3.7.0-experimental.json")
    assert "came with fcos 1.9.0-experimental; this config is 1.7.0" in tree.compile(FILE.format("1.7.0")).stderr
    older = '{"ignition": {"version": "3.0.0"}, "storage": {"files": [{"path": "/a", "immutable": true}]}}'
    said = tree.run("-m", "ignition_py", "validate", "-", data=older).stdout
    assert "came with spec 3.8.0-experimental; this config is 3.0.0" in said
    assert stage_reads.unread(tree.folder, tree.run("-c", stage_reads.PROGRAM).stdout) == ["File.immutable"]


@pytest.mark.subprocess
def test_every_field_is_read_by_a_stage() -> None:
    assert stage_reads.unread(ROOT, run_program("-c", stage_reads.PROGRAM, cwd=ROOT).stdout) == []


@pytest.mark.subprocess
def test_reasons_are_those_of_fields_that_no_stage_reads(monkeypatch: pytest.MonkeyPatch) -> None:
    reasons = dict(stage_reads.UNREAD)
    monkeypatch.setattr(stage_reads, "UNREAD", {})
    assert stage_reads.unread(ROOT, run_program("-c", stage_reads.PROGRAM, cwd=ROOT).stdout) == sorted(reasons)


@pytest.mark.subprocess
@pytest.mark.root
def test_a_config_of_the_new_version_is_executed(tree: Copy) -> None:
    next_spec(tree)
    root = tree.folder / "root"
    for folder in ("etc", "run"):
        (root / folder).mkdir(parents=True)
    config = {"ignition": {"version": "3.8.0-experimental"}, "storage": {"files": [{"path": "/etc/motd", "immutable": True,
              "mode": 420, "contents": {"source": "data:,hello"}}]}}  # fmt: skip
    (tree.folder / "config.ign").write_text(json.dumps(config))
    shared = ["-platform", "file", "-root", str(root), "-log-to-stdout", "-config-cache", "cache.json", "-neednet", "neednet",
              "-state-file", "state"]  # fmt: skip
    for stage in ("fetch", "files"):
        tree.run("-m", "ignition_py", "-stage", stage, *shared)
    assert (root / "etc/motd").read_text() == "hello"
    assert json.loads((tree.folder / "cache.json").read_text())["storage"]["files"][0]["immutable"] is True


@pytest.mark.subprocess
def test_a_version_with_a_piece_of_sugar(tree: Copy) -> None:
    tree.add("butane_py/variants.py", NEXT_ROW, '    Variant("fcos", "1.9.0-experimental", 7, sections={FCOS: 9}),\n')
    tree.write("butane_py/features/swap_files.py", SWAP_FILES)
    tree.add("butane_py/features/__init__.py", "    ssh_keys,\n", "    swap_files,\n")
    tree.add("butane_py/features/__init__.py", "    quadlets.FEATURE,\n", "    swap_files.FEATURE,\n")
    assert len(tree.changed) <= 3
    text = "variant: fcos\nversion: {}\nstorage:\n  swap_files:\n    - path: /var/swap\n{}"
    done = tree.compile(text.format("1.9.0-experimental", "      size_mib: 512\n"))
    assert done.stderr == ""
    assert json.loads(done.stdout)["systemd"]["units"][0]["name"] == "var-swap.swap"
    tree.validate(done.stdout)
    refused = tree.compile(text.format("1.9.0-experimental", ""), status=1).stderr
    assert "swap-file-size" in refused
    assert "<stdin>:5:7" in refused
    assert "came with fcos 1.9.0-experimental; this config is 1.7.0" in tree.compile(text.format("1.7.0", "")).stderr
    assert "A swap file without a size" in tree.run("-m", "butane_py", "explain", "swap-file-size").stdout
    assert '"swap_files"' in tree.schema("butane/fcos-1.9.0-experimental.json")
    assert '"swap_files"' not in tree.schema("butane/fcos-1.8.0-experimental.json")


@pytest.mark.subprocess
def test_a_variant_with_a_section_of_its_own(tree: Copy) -> None:
    row = '    Variant("slmicro", "1.0.0", 4, sections={"combustion": 1}),\n'
    tree.add("butane_py/variants.py", NEXT_ROW, row)
    tree.write("butane_py/features/combustion.py", COMBUSTION)
    tree.add("butane_py/features/__init__.py", "    boot_device,\n", "    combustion,\n")
    tree.add("butane_py/features/__init__.py", "    quadlets.FEATURE,\n", "    combustion.FEATURE,\n")
    assert len(tree.changed) <= 3
    text = "variant: slmicro\nversion: 1.0.0\ncombustion:\n  script: |\n    {}\n"
    done = tree.compile(text.format("#!/bin/sh"))
    assert done.stderr == ""
    assert json.loads(done.stdout)["storage"]["files"][0]["path"] == "/etc/combustion/script"
    tree.validate(done.stdout)
    assert "combustion-shebang" in tree.compile(text.format("true"), status=1).stderr
    elsewhere = tree.compile("variant: fcos\nversion: 1.7.0\ncombustion: {}\n").stderr
    assert "it is a key of slmicro, not of fcos" in elsewhere
    assert "did you mean slmicro?" in tree.compile("variant: slmcro\nversion: 1.0.0\n", status=1).stderr
    assert "A script without an interpreter" in tree.run("-m", "butane_py", "explain", "combustion-shebang").stdout
    assert '"combustion"' in tree.schema("butane/slmicro-1.0.0.json")
    (tree.folder / "config.ign").write_text(done.stdout)
    back = tree.run("-m", "butane_py", "decompile", "--variant", "slmicro", "config.ign").stdout
    assert "variant: slmicro" in back


@pytest.mark.subprocess
def test_a_version_of_two_digits(tree: Copy) -> None:
    tree.add("butane_py/variants.py", NEXT_ROW, '    Variant("fcos", "1.10.0", 7, sections={FCOS: 10}),\n')
    head = "variant: fcos\nversion: 1.10.0\n"
    done = tree.compile(f"{head}boot_device:\n  layout: x86_64\n  mirror:\n    devices: [/dev/vda, /dev/vdb]\n")
    assert (done.stderr, json.loads(done.stdout)["storage"]["raid"][0]["name"]) == ("", "md-boot")
    assert "write 1.10.0, the newest stable version" in tree.compile("variant: fcos\nversion: 1.11.0\n", status=1).stderr
