"""The forms of a config mean the same: rendered by our executor and by Debian's reference, plain, wrapped and pointer are one config."""

from __future__ import annotations

import json
from base64 import b64encode
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from butane_py.decompiler.unpack import contents_of
from butane_py.deliver.ladder import Wish
from butane_py.deliver.model import FORMS, Part
from butane_py.deliver.recipients import NOBODY, choose
from butane_py.emit.document import document
from ignition_py.spec.encode import to_data
from ignition_py.spec.tables import Resource
from tests.deliver.lab import outcome
from tests.fleet.test_oracles import as_butane, peer, rendered
from tests.helpers.fleet import write
from tests.helpers.strategies import configs

FEW = settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def as_data_url(part: Part) -> str:
    """The part inside of its own URL: a pointer that needs no network, and whose hash is checked all the same."""
    return f"data:;base64,{b64encode(part.data).decode()}"


def unpacked(value: Any) -> Any:
    """A config with embedded contents as they are, in whatever form it has them."""
    if isinstance(value, list):
        return [unpacked(item) for item in value]
    if not isinstance(value, dict):
        return value
    if str(value.get("source")).startswith("data:"):
        contents = contents_of(Resource(source=value["source"], compression=value.get("compression")))
        assert contents is not None
        return {**{key: unpacked(below) for key, below in value.items()}, "source": contents.hex(), "compression": None}
    return {key: unpacked(below) for key, below in value.items()}


def written_forms(text: str, recipient: str = "") -> bool:
    """Writes plain.ign, wrapped.ign and pointer.ign; False for a config that does not compile."""
    wish = Wish(choose(recipient) if recipient else NOBODY, address=as_data_url)
    for form in FORMS:
        found = outcome(text, wish.but(form=form)).delivery
        if found is None:
            return False
        write({f"{form}.ign": found.user_data.decode()})
    return True


def butane_of(source: st.DataObject, most: int) -> str:
    version = source.draw(st.integers(0, most))
    return document(as_butane(source.draw(configs(version)), version))


@FEW
@given(st.data())
def test_our_executor_renders_every_form_to_one_config(source: st.DataObject) -> None:
    assume(written_forms(butane_of(source, 6)))
    plain, wrapped, pointer = (unpacked(to_data(rendered(f"{form}.ign"), 7)) for form in FORMS)
    assert wrapped == plain
    assert pointer == plain


@pytest.mark.peer
@pytest.mark.subprocess
@FEW
@given(st.data())
def test_the_reference_renders_every_form_to_one_config(source: st.DataObject) -> None:
    """Ignition 2.14, stage fetch-offline: wrapped configs need no network."""
    assume(written_forms(butane_of(source, 3)))
    made = [peer(f"{form}.ign") for form in FORMS]
    assume(made[0] is not None)
    plain, wrapped, pointer = map(unpacked, made)
    assert wrapped == plain
    assert pointer == plain


CHILDREN = """\
variant: fcos
version: 1.4.0
ignition:
  config:
    merge:
      - inline: '{"ignition":{"version":"3.2.0"},"storage":{"files":[{"path":"/etc/a","contents":{"source":"data:,child"}}]}}'
storage:
  files:
    - {path: /etc/a, mode: 0600, contents: {inline: parent}}
    - {path: /etc/b, contents: {inline: b}}
"""


@pytest.mark.peer
@pytest.mark.subprocess
def test_configs_that_merge_others_are_merged_behind_every_form() -> None:
    assert written_forms(CHILDREN)
    ours = [unpacked(to_data(rendered(f"{form}.ign"), 7)) for form in FORMS]
    theirs = [unpacked(peer(f"{form}.ign")) for form in FORMS]
    for made in (ours, theirs):
        assert made[0]["storage"]["files"][0]["contents"]["source"] == b"child".hex()
        assert made[1] == made[2] == made[0]


@pytest.mark.peer
@pytest.mark.subprocess
def test_the_reference_takes_what_was_converted_for_it() -> None:
    text = "variant: fcos\nversion: 1.7.0\nstorage: {files: [{path: /etc/a, mode: 0644, contents: {inline: 'ä %'}}]}\n"
    write({"newer.ign": outcome(text, Wish(NOBODY)).delivery.user_data.decode()})  # type: ignore[union-attr]  # it is delivered
    assert peer("newer.ign") is None
    assert written_forms(text, "debian:12")
    made = [unpacked(peer(f"{form}.ign")) for form in FORMS]
    assert made[0]["storage"]["files"][0]["contents"]["source"] == "ä %".encode().hex()
    assert made[1] == made[2] == made[0]


@pytest.mark.peer
@pytest.mark.subprocess
@pytest.mark.sockets
def test_a_pointer_over_http(parts: tuple[str, dict[str, bytes]]) -> None:
    """The reference's stage fetch gets the config; other bytes under the same name are refused by their hash."""
    url, served = parts
    text = "variant: fcos\nversion: 1.4.0\nstorage: {files: [{path: /etc/a, contents: {inline: hello}}]}\n"
    wish = Wish(NOBODY, address=lambda part: f"{url}/{part.name}")
    found, plain = (outcome(text, wish.but(form=form)).delivery for form in ("pointer", "plain"))
    assert found is not None
    assert plain is not None
    (part,) = found.parts
    write({"pointer.ign": found.user_data.decode(), "plain.ign": plain.user_data.decode()})
    served[part.name] = part.data
    assert unpacked(peer("pointer.ign", "fetch")) == unpacked(peer("plain.ign"))
    served[part.name] = part.data.replace(b"hello", b"h3llo")
    assert peer("pointer.ign", "fetch") is None
    assert json.loads(part.data)["storage"]["files"][0]["contents"]["source"] == "data:,hello"
