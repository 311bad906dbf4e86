"""What hosts have in common is published once, and every machine ends with the config that it had."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from butane_py.deliver.common import split_common
from butane_py.deliver.ladder import Wish, pointer
from butane_py.deliver.model import Delivery, Part
from butane_py.deliver.recipients import NOBODY, choose
from butane_py.deliver.secrets.modes import SPLIT, Keeping
from ignition_py.spec.dataurl import decode
from ignition_py.spec.read import parse
from tests.deliver.lab import address, delivery
from tests.deliver.test_equivalence import as_data_url, unpacked
from tests.fleet.test_oracles import peer, rendered
from tests.helpers.fleet import write
from tests.helpers.strategies import configs

WISH = Wish(NOBODY, form="pointer", address=address)
INSIDE = Wish(NOBODY, form="pointer", address=as_data_url)
FEW = settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def file(path: str, text: str) -> dict[str, Any]:
    return {"path": path, "contents": {"source": f"data:,{text}"}, "mode": 420}


def config(number: int, role: str = "") -> dict[str, Any]:
    files = [file("/etc/first", "x" * 400), file("/etc/hostname", f"n{number}"), file("/etc/last", "y" * 400)]
    files += [file(f"/etc/{role}", role)] if role else []
    return {
        "ignition": {"timeouts": {"httpTotal": number}, "version": "3.3.0"},
        "passwd": {"users": [{"name": "core", "sshAuthorizedKeys": ["a", "b"]}, {"name": "me", "uid": 1000 + number}]},
        "storage": {"files": files, "links": [{"path": "/l", "target": f"/t{number}"}]},
        "systemd": {"units": [{"name": "a.service", "contents": "[Service]\n", "enabled": True}]},
    }


def split(documents: dict[str, Any], wish: Wish = WISH) -> dict[str, Delivery]:
    assert wish.address is not None
    whole = {name: pointer(json.dumps(each).encode(), wish.address) for name, each in documents.items()}
    return split_common(whole, wish)


def test_one_large_object_for_all_hosts() -> None:
    found = split({f"n{number}": config(number) for number in range(20)})
    parts = {part.name: part for each in found.values() for part in each.parts}
    ((_, common),) = parts.items()
    data = json.loads(common.data)
    assert [each["path"] for each in data["storage"]["files"]] == ["/etc/first", "/etc/hostname", "/etc/last"]
    assert data["storage"]["files"][1] == {"path": "/etc/hostname"}
    assert "links" not in data["storage"]  # an entry that is a key alone is no link
    assert data["passwd"]["users"] == [config(0)["passwd"]["users"][0], {"name": "me"}]
    assert data["ignition"] == {"version": "3.3.0"}
    assert data["systemd"] == config(0)["systemd"]
    user_data = json.loads(found["n7"].user_data)
    first, second = user_data["ignition"]["config"]["merge"]
    assert first == {"source": address(common), "verification": {"hash": f"sha512-{common.sha512}"}}
    assert second["source"].startswith("data:;base64,")
    assert {each.form for each in found.values()} == {"pointer"}


def test_hosts_of_two_roles_have_two_objects() -> None:
    found = split({f"n{number}": config(number, "web" if number % 2 else "db") for number in range(6)})
    names = {name: each.parts[0].name for name, each in found.items()}
    assert len(set(names.values())) == 2
    assert names["n1"] == names["n3"] != names["n2"]


def test_what_does_not_fit_inside_is_published_too() -> None:
    wish = Wish(choose("virtualbox"), form="pointer", address=address)
    documents = {}
    for number in range(3):
        documents[f"n{number}"] = config(number)
        documents[f"n{number}"]["storage"]["files"][1] = file("/etc/hostname", "".join(f"{number * 7919 + i * i * 104729:x}" for i in range(150)))
    found = split(documents, wish)
    assert [len(each.parts) for each in found.values()] == [2, 2, 2]
    assert len({part.name for each in found.values() for part in each.parts}) == 4
    assert all(len(each.user_data) <= 1_024 for each in found.values())


def test_ignition_2_0_gets_both_parts_by_their_addresses() -> None:
    """3.0.0 has no `compression` of configs."""
    documents = {f"n{number}": {**config(number), "ignition": {"version": "3.0.0"}} for number in range(2)}
    whole = {name: pointer(json.dumps(each).encode(), address, "3.0.0") for name, each in documents.items()}
    found = split_common(whole, Wish(choose("ignition:2.0.0"), form="pointer", address=address))["n1"]
    assert [address(part) for part in found.parts] == [each["source"] for each in json.loads(found.user_data)["ignition"]["config"]["merge"]]
    assert json.loads(found.user_data)["ignition"]["version"] == "3.0.0"


def test_secrets_that_are_published_apart_stay_with_their_hosts() -> None:
    documents = {f"n{number}": config(number) for number in range(3)}
    whole = {}
    for name, document in documents.items():
        secret = Part.of(name.encode(), private=True)
        document["ignition"]["config"] = {"merge": [{"source": f"https://private.example/{secret.name}"}]}
        found = pointer(json.dumps(document).encode(), address)
        whole[name] = found.but(parts=(secret, *found.parts))
    split = split_common(whole, WISH)
    for name, each in split.items():
        assert each.parts[0] == whole[name].parts[0]
        assert not each.parts[1].private
        own = json.loads(gzip.decompress(decode(json.loads(each.user_data)["ignition"]["config"]["merge"][1]["source"])))
        assert own["ignition"]["config"] == documents[name]["ignition"]["config"]
    assert len({each.parts[1] for each in split.values()}) == 1


SECRETS = """\
variant: fcos
version: 1.4.0
vars: {token: {type: string, secret: true, default: TOKEN}}
passwd: {users: [{name: core, password_hash: "${{ token }}"}]}
storage:
  files:
    - {path: /etc/big, contents: {source: "data:,BIG"}}
    - {path: /etc/token, mode: 0600, contents: {inline: "token ${{ token }}"}}
    - {path: /etc/name, contents: {inline: NAME}}
"""


@pytest.mark.peer
@pytest.mark.subprocess
def test_secrets_apart_and_the_rest_in_common_make_the_whole_config() -> None:
    """Two hosts with --secrets split and --split-common; the nonce in the private part is a file that the whole config has not."""
    wish = INSIDE.but(secrets=Keeping(SPLIT, salt=bytes(32)), split=True)
    texts = {name: SECRETS.replace("TOKEN", f"s3cr3t-{name}").replace("NAME", name).replace("BIG", "x" * 800) for name in ("n1", "n2")}
    found = split_common({name: delivery(text, wish) for name, text in texts.items()}, wish)
    assert found["n1"].parts[-1] == found["n2"].parts[-1]
    for name, each in found.items():
        assert [part.private for part in each.parts] == [True, False]
        write({f"{name}.ign": each.user_data.decode(), "whole.ign": delivery(texts[name], Wish(NOBODY, secrets=Keeping("inline"))).user_data.decode()})
        whole = unpacked(peer("whole.ign"))
        made = unpacked(peer(f"{name}.ign"))
        made["storage"]["files"] = [file for file in made["storage"]["files"] if not file["path"].startswith("/run/")]
        made["storage"].pop("directories", None)
        assert made == whole


def test_what_is_not_split() -> None:
    whole = {f"n{number}": pointer(json.dumps(config(number)).encode(), address) for number in range(2)}
    private = {name: each.but(parts=(each.parts[0].but(private=True),)) for name, each in whole.items()}
    plain = {"n0": Delivery("plain", b"{}"), "n1": Delivery("wrapped", b"{}")}
    alone = {"n0": whole["n0"]}
    for deliveries in (private, plain, alone, {}):
        assert split_common(deliveries, WISH) == deliveries
    small = {f"n{number}": pointer(b'{"ignition":{"version":"3.3.0"},"storage":{"files":[{"path":"/a"}]}}', address) for number in range(2)}
    assert split_common(small, WISH) == small  # not worth a request


def merged(deliveries: dict[str, Delivery], documents: dict[str, Any]) -> None:
    """Writes whole configs and user data of hosts."""
    for name, each in deliveries.items():
        write({f"{name}.ign": each.user_data.decode(), f"{name}-whole.ign": json.dumps(documents[name])})


@st.composite
def fleets(draw: Any, most: int) -> dict[str, Any]:
    """Configs of three hosts: one that is drawn, with entries that differ."""
    version = draw(st.integers(1, most))
    base = json.loads(json.dumps(draw(configs(version))))
    base["ignition"].pop("config", None)
    base["ignition"].pop("security", None)
    base.setdefault("storage", {}).setdefault("files", []).extend([file("/zz/one", "z" * 600), file("/zz/two", "")])
    found = {}
    for number in range(3):
        own = json.loads(json.dumps(base))
        own["storage"]["files"][-1] = file("/zz/two", f"n{number}")
        for section in ("storage", "systemd", "passwd"):
            for items in own.get(section, {}).values():
                if isinstance(items, list) and items and draw(st.booleans()) and number:
                    index = draw(st.integers(0, len(items) - 1))
                    items[index] = {**items[index], **draw(st.sampled_from([{"mode": number}, {"uid": number}, {"contents": f"#{number}"}]))}
        assume(_valid(own))
        found[f"n{number}"] = own
    return found


def _valid(document: dict[str, Any]) -> bool:
    try:
        config, _, report = parse(json.dumps(document).encode())
    except ValueError:
        return False
    return config is not None and not report.fatal


@FEW
@given(st.data())
def test_our_executor_merges_to_the_whole_config(source: st.DataObject) -> None:
    documents = source.draw(fleets(6))
    found = split(documents, INSIDE)
    merged(found, documents)
    for name in documents:
        assert rendered(f"{name}.ign") == rendered(f"{name}-whole.ign")


@pytest.mark.peer
@pytest.mark.subprocess
@FEW
@given(st.data())
def test_the_reference_merges_to_the_whole_config(source: st.DataObject) -> None:
    documents = source.draw(fleets(3))
    found = split(documents, INSIDE)
    merged(found, documents)
    name = source.draw(st.sampled_from(sorted(documents)))
    theirs = peer(f"{name}-whole.ign")
    assume(theirs is not None)
    assert peer(f"{name}.ign") == theirs


@pytest.mark.peer
@pytest.mark.subprocess
def test_the_reference_keeps_the_order_of_entries() -> None:
    documents = {f"n{number}": config(number, "web") for number in range(3)}
    found = split(documents, INSIDE)
    merged(found, documents)
    theirs = peer("n1.ign")
    assert theirs == peer("n1-whole.ign")
    assert [each["path"] for each in theirs["storage"]["files"]] == ["/etc/first", "/etc/hostname", "/etc/last", "/etc/web"]
    assert b"/etc/hostname" in found["n1"].parts[0].data
    assert isinstance(found["n1"].parts[0], Part)
