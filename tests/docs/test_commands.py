"""Every command of README.md, CONTRIBUTING.md and docs/*.md is run as it is printed, and prints what the page shows.

A page is one session of a user (prompt `$`) and of root (`#`), both in a clone of the repository, on a machine to throw away
(tests/helpers/throwaway.py). Files that the page shows are there (tests/helpers/console.py says how it names them); what else its commands
need is made by tests/docs/PAGE.sh, which root runs first. `ignition-py` and `butane-py` are installed for everybody.
"""

from __future__ import annotations

import os
import shlex
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ignition_py.rehearsal.cache import cache_directory
from ignition_py.rehearsal.image import tree
from tests.helpers import console, throwaway

HERE = Path(__file__).parent
PAGES = {path.name: path for path in console.pages(throwaway.ROOT)}
BLOCKS = {name: [block for block in console.blocks(path.read_text()) if block.commands] for name, path in PAGES.items()}
OURS = (
    *("butane-py", "ignition-py", "ignition", "ignition-validate", "ignition-apply", "ignition-rmcfg", "pip", "python"),
    *("tools/demo.sh", "tools/setup.sh", "tools/test.sh"),
)

pytestmark = [pytest.mark.subprocess, pytest.mark.sockets]
# Pages whose long commands need a kernel and dracut: those are run in the Debian of tests/vm, where nothing of ours is installed.
IN_A_DEBIAN = ("images.md",)
MARKS = {
    "user": (),
    "root": (pytest.mark.root,),
    "vm": (pytest.mark.root, pytest.mark.vm),
    "matrix": (pytest.mark.root, pytest.mark.matrix),
}


def _sessions() -> Iterator[object]:
    """A page is run once with what needs only a user, and again with what needs root, and so on."""
    for name, blocks in BLOCKS.items():
        levels = {block.level for block in blocks if not block.reason}
        for level in console.LEVELS:
            if level in levels:
                yield pytest.param(name, level, id=f"{name}-{level}", marks=MARKS[level])


@pytest.fixture(scope="session")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The lower layer of every machine, or without root the user's environment with both programs."""
    folder = tmp_path_factory.mktemp("docs")
    folder.chmod(0o755)
    if os.geteuid() == 0:
        throwaway.lay_base(folder / "base")
        with throwaway.machine(folder / "base", None) as machine:
            _install(machine, "root", throwaway.PROGRAMS)
    else:
        with throwaway.user_only(folder / "home", "") as machine:
            _install(machine, "user", str(folder / "base"))
    return folder / "base"


def _install(machine: throwaway.Machine, who: str, target: str) -> None:
    machine.must(who, f"python3 -m venv {shlex.quote(target)}")
    machine.must(who, f"{shlex.quote(target)}/bin/pip install --quiet '.[executor,secrets]'")
    machine.must(who, "rm -rf build")


@pytest.mark.parametrize(("name", "level"), list(_sessions()))
def test_page(name: str, level: str, base: Path, tmp_path: Path) -> None:
    levels = console.LEVELS[: console.LEVELS.index(level) + 1]
    chosen = [block for block in BLOCKS[name] if not block.reason and block.level in levels]
    if os.geteuid() == 0:
        tmp_path.chmod(0o755)
        settings: dict[str, Any] = {"shared": [cache_directory()]}
        if level == "matrix" and name in IN_A_DEBIAN:
            settings, base = {"below": tree(print), "programs": ""}, tmp_path / "base"
            throwaway.lay_base(base, settings["below"])
        with throwaway.machine(tmp_path / "upper", base, **{"programs": _programs(name), **settings}) as machine:
            _prepare(machine, name)
            problems = _run(machine, chosen)
    else:
        with throwaway.user_only(tmp_path, _programs(name, str(base))) as machine:
            _prepare(machine, name)
            problems = _run(machine, chosen)
    shutil.rmtree(tmp_path, ignore_errors=True)
    assert not problems, f"{name}:\n" + "\n".join(problems)


def _programs(name: str, installed: str = throwaway.PROGRAMS) -> str:
    """Where both programs are; "" for a page that installs them."""
    return "" if "pip install" in "".join(command.text for block in BLOCKS[name] for command in block.commands) else installed


def _prepare(machine: throwaway.Machine, name: str) -> None:
    for path, text in console.files(PAGES[name].read_text()).items():
        machine.must("user", f"mkdir -p \"$(dirname {shlex.quote(path)})\" && printf %s {shlex.quote(text)} > {shlex.quote(path)}")
    script = HERE / f"{name.removesuffix('.md')}.sh"
    if script.exists():
        who = "root" if os.geteuid() == 0 else "user"
        machine.must(who, f"sh -eu {shlex.quote(f'tests/docs/{script.name}')}")


def _run(machine: throwaway.Machine, blocks: list[console.Block]) -> list[str]:
    problems = []
    for block in blocks:
        for command in block.commands:
            status, output = machine.run(command.who, command.text)
            wanted = block.status if command is block.commands[-1] else 0
            if status != wanted:
                problems.append(f"line {command.line}: {command.text}\nexit status {status} in place of {wanted}\n{output}")
            elif "can't create" in output:  # a shell's complaint that its caller does not notice
                problems.append(f"line {command.line}: {command.text}\n{output}")
            elif unlike := console.differences(command.output, output):
                problems.append(f"line {command.line}: {command.text}\n{unlike}")
    return problems


@pytest.mark.parametrize(
    ("name", "block"), [pytest.param(name, block, id=f"{name}-{block.line}") for name in BLOCKS for block in BLOCKS[name] if block.reason]
)
def test_not_run(name: str, block: console.Block) -> None:
    """The commands that cannot be run here, each with the reason."""
    pytest.skip(f"{block.commands[0].text}: {block.reason}")


@pytest.mark.parametrize("name", PAGES)
def test_no_command_is_hidden(name: str) -> None:
    """Commands stand in console sessions, where they are run."""
    assert console.hidden_commands(PAGES[name].read_text(), OURS) == []


def test_scripts_belong_to_pages() -> None:
    assert {path.stem for path in HERE.glob("*.sh")} <= {name.removesuffix(".md") for name in PAGES}
