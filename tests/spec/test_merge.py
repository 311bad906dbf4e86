"""Merging by example: each kind of list, and each exception of the operator notes ("Config merging")."""

from __future__ import annotations

from typing import Any

import pytest

from ignition_py.spec.merge import merge
from tests.spec.examples import Data, config, data_of


def merged(parent: Data, child: Data) -> Data:
    return data_of(merge(config(parent), config(child)))


def files(*entries: Data) -> Data:
    return {"storage": {"files": list(entries)}}


def filesystem(**facts: Any) -> Data:
    return {"storage": {"filesystems": [{"device": "/dev/a", **facts}]}}


def header(name: str, value: str | None = None) -> Data:
    return {"name": name} if value is None else {"name": name, "value": value}


def source(*headers: Data) -> Data:
    return files({"path": "/a", "contents": {"source": "http://a.example/", "httpHeaders": list(headers)}})


def headers_of(data: Data) -> list[Data]:
    found: list[Data] = data["storage"]["files"][0]["contents"].get("httpHeaders", [])
    return found


@pytest.mark.parametrize(
    ("parent", "child", "result"),
    [
        pytest.param({"path": "/a", "mode": 1}, {"path": "/a", "mode": 2}, [{"path": "/a", "mode": 2}], id="the child wins"),
        pytest.param({"path": "/a", "mode": 1}, {"path": "/a"}, [{"path": "/a", "mode": 1}], id="absent is no value"),
        pytest.param({"path": "/a", "mode": 1}, {"path": "/a", "mode": 0}, [{"path": "/a", "mode": 0}], id="zero is one"),
        pytest.param(
            {"path": "/a", "overwrite": True}, {"path": "/a", "overwrite": False}, [{"path": "/a", "overwrite": False}], id="false is one"
        ),
        pytest.param(
            {"path": "/b"}, {"path": "/a"}, [{"path": "/b"}, {"path": "/a"}], id="new entries come behind, in their order"
        ),
        pytest.param(
            {"path": "/a", "user": {"id": 1, "name": "x"}},
            {"path": "/a", "user": {"id": 2}},
            [{"path": "/a", "user": {"id": 2, "name": "x"}}],
            id="structures merge by field",
        ),
    ],
)
def test_entries_with_a_key(parent: Data, child: Data, result: list[Data]) -> None:
    assert merged(files(parent), files(child)) == files(*result)


def test_appended_contents_keep_their_order_and_their_doubles() -> None:
    one, two = {"source": "data:,1"}, {"source": "data:,2"}
    result = merged(files({"path": "/a", "append": [one, two]}), files({"path": "/a", "append": [two, one]}))
    assert result == files({"path": "/a", "append": [one, two, two, one]})


@pytest.mark.parametrize("name", ["options", "mountOptions"])
def test_options_are_appended_not_keyed(name: str) -> None:
    result = merged(filesystem(**{name: ["-L", "x"]}), filesystem(**{name: ["-L", "y"]}))
    assert result == filesystem(**{name: ["-L", "x", "-L", "y"]})


def test_lists_of_texts_are_sets_in_order() -> None:
    users = [{"passwd": {"users": [{"name": "core", "groups": groups}]}} for groups in (["b", "a"], ["c", "b"])]
    assert merged(*users)["passwd"]["users"] == [{"name": "core", "groups": ["b", "a", "c"]}]


@pytest.mark.parametrize(
    ("parent", "child", "result"),
    [
        pytest.param([header("A", "1")], [header("A", "2")], [header("A", "2")], id="replaced"),
        pytest.param([header("A", "1"), header("B", "2")], [header("A")], [header("B", "2")], id="a header without a value removes it"),
        pytest.param([header("A", "1")], [header("A", "")], [header("A", "")], id="an empty value is a value"),
        pytest.param([], [header("A")], [header("A")], id="nothing to remove"),
        pytest.param([header("A", "1")], [header("a", "2")], [header("A", "1"), header("a", "2")], id="names are compared as written"),
    ],
)
def test_headers(parent: list[Data], child: list[Data], result: list[Data]) -> None:
    assert headers_of(merged(source(*parent), source(*child))) == result


@pytest.mark.parametrize(("old", "new"), [("files", "links"), ("directories", "files"), ("links", "directories")])
def test_nodes_take_a_path_away_from_each_other(old: str, new: str) -> None:
    entry = {"path": "/a", **({"target": "/b"} if "links" in (old, new) else {})}
    parent = {"storage": {old: [{"path": "/a", **({"target": "/b"} if old == "links" else {})}, {"path": "/x", "target": "/y"} if old == "links" else {"path": "/x"}]}}
    child = {"storage": {new: [entry if new == "links" else {"path": "/a"}]}}
    result = merged(parent, child)["storage"]
    assert [node["path"] for node in result[old]] == ["/x"]
    assert [node["path"] for node in result[new]] == ["/a"]


def test_kernel_arguments_take_each_other_away() -> None:
    parent = {"kernelArguments": {"shouldExist": ["a", "b"], "shouldNotExist": ["c"]}}
    child = {"kernelArguments": {"shouldExist": ["c"], "shouldNotExist": ["a"]}}
    assert merged(parent, child)["kernelArguments"] == {"shouldExist": ["b", "c"], "shouldNotExist": ["a"]}


@pytest.mark.parametrize(
    ("old", "new", "same"),
    [
        ({"number": 1, "label": "a"}, {"number": 1, "label": "b"}, True),
        ({"number": 0, "label": "a"}, {"number": 0, "label": "a"}, True),
        ({"number": 0, "label": "a"}, {"number": 1, "label": "a"}, False),
        ({"number": 0, "label": "a"}, {"number": 0, "label": "b"}, False),
    ],
)
def test_partitions_are_known_by_number_then_by_label(old: Data, new: Data, same: bool) -> None:
    disks = [{"storage": {"disks": [{"device": "/dev/a", "partitions": [partition]}]}} for partition in (old, new)]
    assert len(merged(*disks)["storage"]["disks"][0]["partitions"]) == (1 if same else 2)


def test_merging_changes_neither_config() -> None:
    parent, child = config(files({"path": "/a", "mode": 1})), config(files({"path": "/a", "mode": 2}))
    merge(parent, child)
    assert data_of(parent) == files({"path": "/a", "mode": 1})
    assert data_of(child) == files({"path": "/a", "mode": 2})


def test_an_empty_child_changes_nothing() -> None:
    parent = files({"path": "/a", "append": [{"source": "data:,1"}]})
    assert merged(parent, {}) == parent
