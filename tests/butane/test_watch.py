"""`--watch`: every file that a config was made of is looked at, through links, lost folders and noise."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.butane.waiting import interrupted, interruptible, until

pytestmark = pytest.mark.subprocess
ROOT = Path(__file__).parents[2]
GOOD = "variant: fcos\nversion: 1.5.0\nstorage:\n  files:\n    - path: /etc/{}\n      contents: {{inline: hi}}\n"
PROGRAM = [sys.executable, "-c", "from butane_py.cli.main import run; run()"]
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT)}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "one.bu").write_text(GOOD.format("first"))
    return tmp_path


@contextmanager
def watching(folder: Path, *argv: str) -> Iterator[list[str]]:
    """A process that watches; the lines of its standard error so far, of which the first are there."""
    lines: list[str] = []
    command = [*PROGRAM, "--watch", *argv]
    with subprocess.Popen(
        command, stderr=subprocess.PIPE, cwd=folder, env=ENVIRONMENT, text=True, preexec_fn=interruptible
    ) as process:
        stderr = process.stderr
        assert stderr is not None
        reader = threading.Thread(target=lambda: lines.extend(iter(stderr.readline, "")))
        reader.start()
        try:
            until(lambda: any(line.startswith("watching ") for line in lines))
            yield lines
        finally:
            assert interrupted(process) == 130, lines
            reader.join()
    assert "Traceback" not in "".join(lines)


def holds(path: Path, text: str) -> None:
    until(lambda: path.exists() and text in path.read_text())


def put(path: Path, text: str) -> None:
    """As editors do it: a new file in place of the old one."""
    path.with_suffix(".new").write_text(text)
    path.with_suffix(".new").replace(path)


@pytest.mark.parametrize(
    "argv", [["-o", "one.ign", "src/one.bu"], ["--output-dir", ".", "src/one.bu"], ["--output-dir", ".", "src"]]
)
def test_config(argv: list[str], folder: Path) -> None:
    with watching(folder, *argv):
        holds(folder / "one.ign", "/etc/first")
        put(folder / "src" / "one.bu", GOOD.format("second"))
        holds(folder / "one.ign", "/etc/second")
        (folder / "src" / "one.bu").write_text(GOOD.format("third"))
        holds(folder / "one.ign", "/etc/third")


def test_new_config_in_a_folder(folder: Path) -> None:
    with watching(folder, "--output-dir", "out", "src"):
        holds(folder / "out" / "one.ign", "/etc/first")
        (folder / "src" / "deep").mkdir()
        (folder / "src" / "deep" / "two.bu").write_text(GOOD.format("two"))
        holds(folder / "out" / "deep" / "two.ign", "/etc/two")


@pytest.mark.parametrize("argv", [["-o", "one.ign", "src/one.bu"], ["--output-dir", ".", "src"]])
def test_folder_that_is_removed_and_made_anew(argv: list[str], folder: Path) -> None:
    """As `git checkout` does it; it may be away for a while."""
    with watching(folder, *argv) as lines:
        holds(folder / "one.ign", "/etc/first")
        for text in ("second", "third"):
            count = len(lines)
            shutil.rmtree(folder / "src")
            until(lambda count=count: any("refused" in line for line in lines[count:]))  # type: ignore[misc]
            (folder / "src").mkdir()
            (folder / "src" / "one.bu").write_text(GOOD.format(text))
            holds(folder / "one.ign", f"/etc/{text}")


def test_links(folder: Path) -> None:
    """The file that a link leads to, another link in its place, and a folder of the way (as ConfigMaps are changed)."""
    for name in ("v1", "v2"):
        (folder / name).mkdir()
        (folder / name / "one.bu").write_text(GOOD.format(name))
    (folder / "data").symlink_to("v1")
    (folder / "link.bu").symlink_to("data/one.bu")
    with watching(folder, "-o", "one.ign", "link.bu"):
        holds(folder / "one.ign", "/etc/v1")
        (folder / "v1" / "one.bu").write_text(GOOD.format("changed"))
        holds(folder / "one.ign", "/etc/changed")
        (folder / "data2").symlink_to("v2")
        (folder / "data2").replace(folder / "data")
        holds(folder / "one.ign", "/etc/v2")


def test_local_files_and_trees(folder: Path) -> None:
    files = folder / "files"
    (files / "tree").mkdir(parents=True)
    (folder / "elsewhere").write_text("first")
    (files / "a").symlink_to("../elsewhere")
    config = GOOD.format("one").replace("inline: hi", "local: a") + "  trees:\n    - local: tree\n      path: /opt\n"
    (folder / "src" / "one.bu").write_text(config)
    output = folder / "one.ign"
    with watching(folder, "-o", "one.ign", "-d", "files", "src/one.bu") as lines:
        holds(output, "data:,first")
        (folder / "elsewhere").write_text("second")
        holds(output, "data:,second")
        (files / "tree" / "new").write_text("leaf")
        holds(output, "data:,leaf")
        (files / "tree" / "new").write_text("other")
        holds(output, "data:,other")
        count = len(lines)
        (files / "a").unlink()
        until(lambda: any("refused" in line for line in lines[count:]))
        (files / "a").write_text("third")
        holds(output, "data:,third")


def test_mistake_that_is_mended_in_a_local_file(folder: Path) -> None:
    """A config that does not compile names no files; those of the time before are still looked at."""
    (folder / "src" / "a").write_text("first")
    config = GOOD.format("one").replace("inline: hi", "local: a")
    (folder / "src" / "one.bu").write_text(config)
    with watching(folder, "-o", "one.ign", "-d", "src", "src/one.bu") as lines:
        holds(folder / "one.ign", "data:,first")
        put(folder / "src" / "one.bu", config + "{")
        until(lambda: any("refused" in line for line in lines))
        put(folder / "src" / "one.bu", config)
        (folder / "src" / "a").write_text("second")
        holds(folder / "one.ign", "data:,second")


def test_noise_in_the_folder_is_not_looked_at(folder: Path) -> None:
    """A log beside the config, written to without a pause."""
    stop = threading.Event()

    def noise() -> None:
        with open(folder / "src" / "log", "w", encoding="utf-8") as log:
            while not stop.wait(0.01):
                log.write("line\n")
                log.flush()

    thread = threading.Thread(target=noise)
    thread.start()
    try:
        with watching(folder, "-o", "one.ign", "src/one.bu") as lines:
            holds(folder / "one.ign", "/etc/first")
            put(folder / "src" / "one.bu", GOOD.format("second"))
            holds(folder / "one.ign", "/etc/second")
            time.sleep(1)
            assert sum("compiled" in line for line in lines) == 2
    finally:
        stop.set()
        thread.join()


def test_what_never_rests_is_compiled_all_the_same(folder: Path) -> None:
    """A file of a tree that is written to without a pause."""
    (folder / "files" / "tree").mkdir(parents=True)
    (folder / "src" / "one.bu").write_text("variant: fcos\nversion: 1.5.0\nstorage:\n  trees: [{local: tree}]\n")
    stop = threading.Event()

    def noise() -> None:
        number = 0
        while not stop.wait(0.01):
            number += 1
            put(folder / "files" / "tree" / "log", f"line-{number}")

    thread = threading.Thread(target=noise)
    thread.start()
    try:
        with watching(folder, "-o", "one.ign", "-d", "files", "src/one.bu") as lines:
            until(lambda: sum("compiled" in line for line in lines) >= 4)
    finally:
        stop.set()
        thread.join()


def test_outputs_beside_the_config_do_not_go_round_in_circles(folder: Path) -> None:
    output = folder / "src" / "one.ign"
    with watching(folder, "-o", "src/one.ign", "src/one.bu") as lines:
        holds(output, "/etc/first")
        before = output.stat()
        (folder / "src" / "one.bu").touch()
        until(lambda: sum("compiled" in line for line in lines) == 2)
        time.sleep(1)
        assert sum("compiled" in line for line in lines) == 2
        assert (output.stat().st_ino, output.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


def test_config_that_is_not_there_yet(folder: Path) -> None:
    with watching(folder, "-o", "two.ign", "src/two.bu"):
        (folder / "src" / "two.bu").write_text(GOOD.format("two"))
        holds(folder / "two.ign", "/etc/two")
