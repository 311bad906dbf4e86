"""The plan of files, directories and links is a function of what is wanted and what was seen: no root is needed."""

from __future__ import annotations

from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import given

from ignition_py.report.diag import StageError
from ignition_py.stages.files.nodes.plan import (
    DIRECTORY,
    FILE,
    SYMLINK,
    NodeOp,
    Seen,
    Survey,
    WriteFile,
    clean,
    depth,
    plan_nodes,
)
from tests.stages.files.files_machine import config_of


def plan(seen: dict[str, Seen] | None = None, where: dict[str, str] | None = None, **storage: Any) -> tuple[NodeOp, ...]:
    config = config_of(storage=storage).storage
    nodes = (*config.directories, *config.files, *config.links)
    paths = {path for node in nodes for path in (node.path, getattr(node, "target", None)) if path}
    found = {path: (where or {}).get(path, path) for path in paths}
    return plan_nodes(config, Survey(found, {place: (seen or {}).get(place) for place in found.values()}))


def words(ops: tuple[NodeOp, ...]) -> list[str]:
    return [op.describe() for op in ops]


def test_order() -> None:
    assert words(plan(
        links=[{"path": "/hard", "target": "/a/b/c/d", "hard": True}, {"path": "/l", "target": "x"}],
        files=[{"path": "/a/b/c/d"}, {"path": "/f"}],
        directories=[{"path": "/a/b/c"}, {"path": "/z"}],
    )) == ["directory /z", "file /f", "symbolic link /l", "directory /a/b/c", "file /a/b/c/d", "hard link /hard"]  # fmt: skip


def test_depth_counts_where_a_path_leads() -> None:
    ops = plan(files=[{"path": "/link/f"}, {"path": "/a/b/g"}], where={"/link/f": "/a/b/c/d/f"})
    assert words(ops) == ["file /a/b/g", "file /link/f (which is /a/b/c/d/f)"]


@pytest.mark.parametrize(
    ("file", "seen", "expected"),
    [
        ({"contents": {"source": "data:,x"}}, None, (1, None, 0o644, False)),
        ({}, None, (0, None, 0o644, False)),
        ({"mode": 0}, None, (0, None, 0, False)),
        ({"append": [{"source": "data:,x"}]}, None, (1, None, 0o644, False)),
        ({"append": [{"source": "data:,x"}]}, Seen(FILE, base=7), (1, 7, None, False)),
        ({"append": [{"source": "data:,x"}], "mode": 0o600}, Seen(FILE, base=0), (1, 0, 0o600, False)),
        ({"append": [{"source": "data:,x"}]}, Seen(FILE, base=7, ours=True), (1, None, 0o644, True)),
        ({"contents": {"source": "data:,x"}, "overwrite": True}, Seen(DIRECTORY), (1, None, 0o644, True)),
        ({"contents": {"source": ""}}, Seen(FILE, ours=True), (1, None, 0o644, True)),
    ],
)
def test_files(file: dict[str, Any], seen: Seen | None, expected: tuple[Any, ...]) -> None:
    (op,) = plan({"/f": seen} if seen else {}, files=[{"path": "/f", **file}])
    assert isinstance(op, WriteFile)
    assert (len(op.sources), op.base, op.mode, op.replace) == expected


def test_file_that_is_kept() -> None:
    assert words(plan({"/f": Seen(FILE)}, files=[{"path": "/f", "mode": 0o600}])) == ["permissions of file /f"]


def test_links_that_are_there() -> None:
    link = {"path": "/l", "target": "../x"}
    assert plan({"/l": Seen(SYMLINK, target=".././x")}, links=[link]) == ()
    with pytest.raises(StageError, match="symlink to y"):
        plan({"/l": Seen(SYMLINK, target="y")}, links=[link])
    hard = {"path": "/h", "target": "/t", "hard": True}
    assert plan({"/h": Seen(FILE, identity=(1, 2)), "/t": Seen(FILE, identity=(1, 2))}, links=[hard]) == ()
    with pytest.raises(StageError, match="a file that is not /t"):
        plan({"/h": Seen(FILE, identity=(1, 2)), "/t": Seen(FILE, identity=(1, 3))}, links=[hard])
    with pytest.raises(StageError, match="its target /t does not exist"):
        plan({"/h": Seen(FILE)}, links=[hard])


def test_a_directory_that_is_there_is_not_replaced_unasked() -> None:
    (op,) = plan({"/d": Seen(DIRECTORY, ours=True)}, directories=[{"path": "/d"}])
    assert not op.replace
    (op,) = plan({"/d": Seen(FILE, ours=True)}, directories=[{"path": "/d"}])
    assert op.replace


@pytest.mark.parametrize(
    ("path", "expected"),
    [("", "."), ("/", "/"), ("a//b/", "a/b"), ("./a/../b", "b"), ("../../a", "../../a"), ("/../a", "/a"), ("a/../..", ".."), (".", ".")],
)
def test_clean(path: str, expected: str) -> None:
    assert clean(path) == expected


@given(st.lists(st.sampled_from(["a", "b", ".", "..", ""])), st.booleans())
def test_clean_has_nothing_left_to_do(parts: list[str], absolute: bool) -> None:
    once = clean(("/" if absolute else "") + "/".join(parts))
    assert clean(once) == once
    assert once == "/" or not once.endswith("/")
    assert ".." not in once.split("/")[once.split("/").count("..") :]


def test_depth() -> None:
    assert [depth(path) for path in ("/", "/a", "/a/b/", "//a")] == [0, 1, 2, 1]
