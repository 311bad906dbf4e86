"""A machine that a files stage has provisioned, for all tests of this folder; see roots.py."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ignition_py.programs.cli.group import program
from tests.check.roots import PEER, Copy, copy

Check = Callable[..., tuple[int, str, str]]


@pytest.fixture
def check(capsys: pytest.CaptureFixture[str]) -> Check:
    """Runs the command: exit status, standard output, standard error."""

    def run(*words: str) -> tuple[int, str, str]:
        capsys.readouterr()
        status = program.run(["check", *words])
        captured = capsys.readouterr()
        return status, captured.out, captured.err

    return run


@pytest.fixture(scope="session")
def folder() -> Iterator[Path]:
    """A folder that every user may pass: the reference becomes the user whose keys it writes."""
    with tempfile.TemporaryDirectory(dir="/dev/shm", prefix="check-") as name:
        Path(name).chmod(0o755)
        yield Path(name)


@pytest.fixture(scope="session", params=["ours", "reference"])
def machine(request: pytest.FixtureRequest, folder: Path) -> Iterator[tuple[Copy, Path]]:
    """A copy that our stage, or the reference's, has provisioned with CONFIG, and the path of that config."""
    from tests.check.node import CONFIG, compiled

    if request.param == "reference" and not Path(PEER).exists():
        pytest.skip("the reference is not installed")
    config = folder / f"{request.param}.bu"
    config.write_text(CONFIG)
    with copy(folder / request.param) as made:
        made.run("mkdir -p /srv/old; echo old >/srv/old/list; useradd --create-home former; groupadd gone")
        made.provision(compiled(), PEER if request.param == "reference" else "")
        yield made, config
