"""A config whose secrets are published apart is, on the machine, the config that it would be without that: by our executor and by Debian's reference."""

from __future__ import annotations

import json
from base64 import b64encode
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, assume, given, settings
from hypothesis import strategies as st

from butane_py.compilation import Options
from butane_py.deliver.host import deliver
from butane_py.deliver.ladder import Wish
from butane_py.deliver.model import FORMS, Delivery, Part
from butane_py.deliver.recipients import NOBODY, choose
from butane_py.deliver.secrets.modes import INLINE, SPLIT, Keeping
from butane_py.fleet.program import Program, build_host
from butane_py.fleet.result import HostResult
from butane_py.fleet.values import VAR, Layer, Value, of_data, plain
from ignition_py.report.diag import Place
from ignition_py.spec.encode import to_data
from tests.deliver.test_equivalence import unpacked
from tests.fleet.test_oracles import as_butane, peer, rendered, templated
from tests.helpers.fleet import write
from tests.helpers.strategies import configs

# Without shrinking: an example is two runs of a program.
FEW = settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck), phases=(Phase.explicit, Phase.generate))
EXAMPLE = """variant: fcos
version: 1.4.0
vars: {token: {type: string, secret: true}}
ignition: {timeouts: {http_total: 7}}
kernel_arguments: {should_exist: [first, "key=${{ token }}"]}
passwd:
  users:
    - {name: first, password_hash: "${{ token }}", groups: [wheel]}
    - {name: second}
    - {name: third, password_hash: "${{ token }}"}
storage:
  files:
    - {path: /z, overwrite: true, mode: 0600, contents: {inline: "${{ token }}"}}
    - {path: /a, contents: {inline: hello}}
    - {path: /m, user: {name: app}, append: [{inline: a}, {inline: "${{ token }}"}]}
  luks: [{name: data, device: /dev/vdb, wipe_volume: true, options: ["--x"], key_file: {inline: "${{ token }}"}}]
systemd:
  units:
    - {name: z.service, enabled: true, contents: "[Service]\\nEnvironment=A=${{ token }}\\n[Install]\\nWantedBy=multi-user.target\\n"}
    - {name: a.service, dropins: [{name: z.conf, contents: "[Unit]\\n"}, {name: a.conf, contents: "# ${{ token }}\\n"}]}
"""


def as_data_url(part: Part) -> str:
    return f"data:;base64,{b64encode(part.data).decode()}"


def secret_of(value: Value) -> Value:
    return of_data(plain(value), Place((), source="secrets"), Layer(VAR), secret=True)


def delivered(text: str, values: dict[str, Value], wish: Wish) -> Delivery | None:
    """The delivery of the only host; None for a config that cannot be split."""
    program = Program("node.bu", text.encode("utf-8", "surrogatepass"), Options())

    def build(**changes: bool) -> HostResult:
        return build_host(program, values, None, program.options.but(**changes))

    result = build()
    if result.output is None:
        return None
    return deliver(wish, result, lambda: build(packs=False))[0]


def both(text: str, values: dict[str, Value], form: str, address: Any = as_data_url, recipient: str = "") -> Delivery | None:
    """Writes whole.ign, with secrets, and split.ign, which has them elsewhere; the latter's delivery, None where it cannot be split."""
    wish = Wish(choose(recipient) if recipient else NOBODY, form=form, address=address)
    whole = delivered(text, values, wish.but(form="plain", secrets=Keeping(INLINE)))
    split = delivered(text, values, wish.but(secrets=Keeping(SPLIT, salt=b"s" * 32)))
    if whole is None or split is None:
        return None
    write({"whole.ign": whole.user_data, "split.ign": split.user_data})
    return split


def ordered(value: Any) -> Any:
    """A config with its lists in an order that does not depend on that of their entries."""
    if isinstance(value, dict):
        return {key: ordered(item) for key, item in value.items()}
    return sorted(map(ordered, value), key=lambda item: json.dumps(item, sort_keys=True)) if isinstance(value, list) else value


def drawn(source: st.DataObject, most: int) -> tuple[str, dict[str, Value]]:
    version = source.draw(st.integers(1, most))
    text, values = templated(source.draw, as_butane(source.draw(configs(version, children=False)), version))
    assume(values)
    return text, {name: secret_of(value) for name, value in values.items()}


@FEW
@given(st.data(), st.sampled_from(FORMS))
def test_our_executor_renders_it_to_the_whole(source: st.DataObject, form: str) -> None:
    """Of entries whose key is a secret the order may be another."""
    assume(both(*drawn(source, 6), form) is not None)
    whole, split = (unpacked(to_data(rendered(f"{name}.ign"), 7)) for name in ("whole", "split"))
    assert ordered(split) == ordered(whole)


@pytest.mark.peer
@pytest.mark.subprocess
@FEW
@given(st.data(), st.sampled_from(FORMS))
def test_the_reference_renders_it_to_the_whole(source: st.DataObject, form: str) -> None:
    assume(both(*drawn(source, 3), form) is not None)
    whole = peer("whole.ign")
    assume(whole is not None)
    assert ordered(unpacked(peer("split.ign"))) == ordered(unpacked(whole))


VALUES = {"token": of_data("correct-horse", Place((), source="secrets"), Layer(VAR), secret=True)}


@pytest.mark.parametrize("form", FORMS)
def test_entries_keep_their_order(form: str) -> None:
    """The order of users decides on their ids."""
    split = both(EXAMPLE, VALUES, form)
    assert split is not None
    whole, merged = (to_data(rendered(f"{name}.ign"), 7) for name in ("whole", "split"))
    for each in (whole, merged):
        each["ignition"].pop("config", None)
    assert unpacked(merged) == unpacked(whole)
    assert b"correct-horse" not in split.user_data or form == "pointer"  # as_data_url puts the published config into the user data


def test_a_config_that_replaces_another_is_replaced_by_the_private_one() -> None:
    """The settings that it is fetched by stay public."""
    child = "data:,%7B%22ignition%22%3A%7B%22version%22%3A%223.0.0%22%7D%2C%22storage%22%3A%7B%22files%22%3A%5B%7B%22path%22%3A%22%2Fa%22%7D%5D%7D%7D"
    text = (
        "variant: fcos\nversion: 1.4.0\nvars: {url: {type: string, secret: true}, proxy: {type: string, secret: true}}\n"
        "ignition: {config: {replace: {source: '${{ url }}'}}, timeouts: {http_total: 7}, proxy: {http_proxy: '${{ proxy }}', no_proxy: [a]}}\n"
    )
    values = {name: of_data(value, Place(()), Layer(VAR), secret=True) for name, value in (("url", child), ("proxy", "http://u:pw@x"))}
    split = both(text, values, "plain")
    assert split is not None
    config = json.loads(split.user_data)
    assert config["ignition"]["timeouts"] == {"httpTotal": 7}
    assert config["ignition"]["proxy"] == {"noProxy": ["a"]}
    merged = to_data(rendered("split.ign"), 7)
    assert [file["path"] for file in merged["storage"]["files"]] == ["/a"]
    assert merged["storage"] == to_data(rendered("whole.ign"), 7)["storage"]


@pytest.mark.parametrize("form", FORMS)
def test_the_same_secrets_give_the_same_bytes_and_others_another_name(form: str) -> None:
    def names(token: str, salt: bytes) -> list[str]:
        wish = Wish(NOBODY, form=form, address=lambda part: f"https://x/{part.name}", secrets=Keeping(SPLIT, salt=salt))
        found = delivered(EXAMPLE, {"token": of_data(token, Place(()), Layer(VAR), secret=True)}, wish)
        assert found is not None
        assert [part.private for part in found.parts] == [True, False][: len(found.parts)]
        return [part.name for part in found.parts]

    assert names("one", b"a" * 32) == names("one", b"a" * 32)
    assert names("one", b"a" * 32)[0] != names("two", b"a" * 32)[0]
    assert names("one", b"a" * 32)[0] != names("one", b"b" * 32)[0]  # whoever does not have the salt cannot try guesses


def test_a_private_part_is_in_a_version_that_the_recipient_reads() -> None:
    text = EXAMPLE.replace("version: 1.4.0", "version: 1.7.0")
    wish = Wish(choose("debian:12"), form="plain", address=as_data_url, secrets=Keeping(SPLIT, salt=b"s" * 32))
    found = delivered(text, VALUES, wish)
    assert found is not None
    assert json.loads(found.parts[0].data)["ignition"]["version"] == "3.3.0"


@pytest.mark.peer
@pytest.mark.subprocess
@pytest.mark.sockets
@pytest.mark.parametrize("form", FORMS)
def test_the_reference_fetches_the_private_part(form: str, parts: tuple[str, dict[str, bytes]]) -> None:
    """Over HTTP. Without the part, or with other bytes in its place, its stage fetch fails."""
    url, served = parts
    split = both(EXAMPLE, VALUES, form, lambda part: f"{url}/{part.name}", "debian:12")
    assert split is not None
    assert b"correct-horse" not in split.user_data
    served.update({part.name: part.data for part in split.parts})
    whole = peer("whole.ign", "fetch")
    assert whole is not None
    assert unpacked(peer("split.ign", "fetch")) == unpacked(whole)
    [private] = [part for part in split.parts if part.private]
    served[private.name] = private.data.replace(b"correct-horse", b"correct-mouse")
    assert peer("split.ign", "fetch") is None
    del served[private.name]
    assert peer("split.ign", "fetch") is None
