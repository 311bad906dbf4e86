"""What the config itself shows to be impossible: one sentence each, at the place that asks for it, and never a secret."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ignition_py.report.diag import path_text
from ignition_py.spec.provisioning import problems, unit_name_problem, value_problem
from ignition_py.spec.read import parse_cached
from ignition_py.spec.tables import Config, latest


def config(**parts: Any) -> Config:
    return parse_cached(json.dumps({"ignition": {"version": latest()}, **parts}).encode(), "config")


def found(parts: dict[str, Any], *existing: str, user_groups: bool = True) -> list[tuple[str, str]]:
    """(path, sentence) of each problem."""
    return [(path_text(each.path), each.message) for each in problems(config(**parts), existing, user_groups=user_groups)]


def users(*entries: dict[str, Any], groups: tuple[dict[str, Any], ...] = ()) -> dict[str, Any]:
    return {"passwd": {"users": list(entries), "groups": list(groups)}}


@pytest.mark.parametrize("number", [-1, 2**32 - 1, 2**32, -(2**31), 2**63 - 1])
@pytest.mark.parametrize("what", ["uid", "gid", "owner", "owner's group"])
def test_ids_out_of_range(what: str, number: int) -> None:
    node = {"files": [{"path": "/f", "user": {"id": number}}]}
    group = {"directories": [{"path": "/d", "group": {"id": number}}]}
    parts: dict[str, Any] = {
        "uid": users({"name": "a", "uid": number}), "gid": {"passwd": {"groups": [{"name": "a", "gid": number}]}},
        "owner": {"storage": node}, "owner's group": {"storage": group},
    }[what]  # fmt: skip
    [(path, message)] = found(parts)
    assert f"{number} is out of range: ids go from 0 to 4294967294" in message
    assert path.endswith(("uid", "gid", "user.id", "group.id"))


def test_the_ends_of_the_range() -> None:
    node = {"files": [{"path": "/f", "user": {"id": 0}, "group": {"id": 2**32 - 2}}]}
    assert found({**users({"name": "a", "uid": 0}, {"name": "b", "uid": 2**32 - 2}), "storage": node}) == []


@pytest.mark.parametrize(("parts", "path", "sentence"), [
    (users({"name": "anna", "uid": 2000}, {"name": "bert", "uid": 2000}), "$.passwd.users.1.uid", "anna and bert have the same uid, 2000"),
    ({"passwd": {"groups": [{"name": "a", "gid": 7}, {"name": "b", "gid": 7}]}}, "$.passwd.groups.1.gid", "a and b have the same gid, 7"),
    (users({"name": "bert", "groups": ["anna"]}, {"name": "anna"}, groups=({"name": "anna", "gid": 3000},)), "$.passwd.users.1",
     "passwd.groups makes a group anna, and user anna would bring another of that name"),
    (users({"name": "bert", "groups": ["anna"]}, {"name": "anna"}), "$.passwd.users.0",
     "user bert is to be in group anna, which comes with user anna only later"),
    (users({"name": "bert", "primary_group": "anna"}, {"name": "anna"}), "$.passwd.users.0",
     "user bert is to be in group anna, which comes with user anna only later"),
    (users({"name": "bert", "groups": ["old"]}, groups=({"name": "old", "shouldExist": False},)), "$.passwd.users.0",
     "user bert is to be in group old, which this config deletes"),
    (users({"name": "a", "groups": ["10"]}), "$.passwd.users.0.groups.0", "10 is not a name of a group, but a number"),
    (users({"name": "a", "primary_group": "10"}), "$.passwd.users.0.primary_group", "10 is not a name of a group, but a number"),
    (users({"name": "a", "groups": ["w", "x,y"]}), "$.passwd.users.0.groups.1", "x,y is not a name of a group: it has a comma"),
    (users({"name": "a", "groups": ["-x"]}), "$.passwd.users.0.groups.0", "-x is not a name of a group: it begins with a dash"),
    (users({"name": "1000"}), "$.passwd.users.0.name", "1000 cannot be the name of a user: it is a number, and would be taken for an id"),
    (users({"name": "a:b"}), "$.passwd.users.0.name", "a:b cannot be the name of a user: it has a blank, a control character"),
    (users({"name": "x" * 33}), "$.passwd.users.0.name", "it has more than 32 characters"),
    (users({"name": "a", "homeDir": "home/a"}), "$.passwd.users.0.home_dir", "the home directory of user a is not an absolute path"),
    (users({"name": "a", "gecos": "x:y"}), "$.passwd.users.0.gecos", "the gecos of user a holds a colon"),
    (users({"name": "a", "shell": "/bin/sh\n"}), "$.passwd.users.0.shell", "the shell of user a holds a line break"),
])  # fmt: skip
def test_clashes_and_values(parts: dict[str, Any], path: str, sentence: str) -> None:
    parts = json.loads(json.dumps(parts).replace("primary_group", "primaryGroup"))
    [(where, message)] = found(parts)
    assert where == path
    assert sentence in message


@pytest.mark.parametrize("parts", [
    users({"name": "anna"}, {"name": "bert", "groups": ["anna"]}),
    users({"name": "bert", "groups": ["anna"]}, {"name": "anna"}, groups=({"name": "anna"},)) | {},
    users({"name": "anna", "primaryGroup": "anna"}, groups=({"name": "anna", "gid": 3000},)),
    users({"name": "anna", "noUserGroup": True}, groups=({"name": "anna"},)),
    users({"name": "anna", "shouldExist": False, "uid": -1}, {"name": "bert", "uid": 5}, groups=({"name": "anna", "gid": 7},)),
    users({"name": "a", "uid": 5}, groups=({"name": "b", "gid": 5},)),
    users({"name": "a", "passwordHash": ""}, {"name": "b", "passwordHash": "$6$x$y"}),
    users({"name": "core", "groups": ["docker"]}, groups=({"name": "core"},)),
])  # fmt: skip
def test_what_may_work_is_not_refused(parts: dict[str, Any]) -> None:
    """`core` is there already; so is `anna` in one case, whose group of that name is changed only."""
    assert found(parts, "core", "anna") == []


def test_images_without_groups_of_their_users() -> None:
    parts = users({"name": "bert", "groups": ["anna"]}, {"name": "anna"}, groups=({"name": "anna"},))
    assert found(parts) and not found(parts, user_groups=False)


@pytest.mark.parametrize(("value", "words"), [
    ("$6$salt$TOPSECRET\r", "ends in a carriage return"), ("TOP\0SECRET", "holds a NUL byte"), ("TOPSECRET\n", "holds a line break"),
    ("TOPSECRET\r\n", "ends in a carriage return"), ("TOP:SECRET", "holds a colon"), ("TOP\x1bSECRET", "holds a control character"),
    ("TOP\x7fSECRET", "holds a control character"), ("", ""), ("*", ""), ("$y$j9T$x", ""), (None, ""),
])  # fmt: skip
@pytest.mark.parametrize("kind", ["users", "groups"])
def test_hashes(kind: str, value: str | None, words: str) -> None:
    assert (words in value_problem(value)) if words else value_problem(value) == ""
    messages = found({"passwd": {kind: [{"name": "a", "passwordHash": value}]}})
    assert bool(messages) is bool(words)
    assert all("SECRET" not in message and "the password hash of" in message for _, message in messages)


@pytest.mark.parametrize("name", [
    "a.service", "getty@tty1.service", "a-b_c:d.e.mount", "dev-disk-by\\x2duuid.swap", "-.mount", "x@.service", "a@b@c.service",
])  # fmt: skip
def test_names_of_units(name: str) -> None:
    assert unit_name_problem(name) == ""


@pytest.mark.parametrize(("name", "words"), [
    ("a b.service", "a blank"), ("a.service b.service", "a blank"), ("*.service", "it has *"), ("#a.service", "it has #"),
    ("a;b.service", "it has ;"), (".service", "nothing before the type"), ("@x.service", "nothing before the @"),
    ("a/b.service", "it has /"), ("a\n.service", "it has \\n"), ("\u00fc.service", "it has \u00fc"), ("a?.service", "it has ?"),
    ("[a].service", "it has [ ]"), ("%n.service", "it has %"), ("x" * 300 + ".service", "more than 255 bytes"), ("", "nothing before"),
])  # fmt: skip
def test_names_of_no_unit(name: str, words: str) -> None:
    """As lines of presets, some of these would mean other units, or all of them."""
    assert words in unit_name_problem(name)
    assert len(found({"systemd": {"units": [{"name": name, "enabled": True}]}})) == 1
