"""The ladder: wrapped configs and pointers render to the config as it is, in our executor and in Debian's reference."""

from __future__ import annotations

import gzip
import hashlib
import json
from pathlib import Path

import pytest

from butane_py.deliver.ladder import Wish, pointer, wrapped
from butane_py.deliver.model import Part
from butane_py.deliver.recipients import NOBODY, choose
from ignition_py.spec.dataurl import decode
from tests.deliver.lab import BASE, address, delivery, outcome

TREE = """\
variant: fcos
version: 1.4.0
passwd: {users: [{name: core, ssh_authorized_keys: [ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGPKSUTyz1HwHReFVvD5obVsALAgJRNarH4TRpNePnAS me]}]}
storage:
  trees: [{local: tree, path: /etc/tree}]
  files:
    - path: /etc/inline
      contents: {inline: "ä % {{ }}\\n\\0"}
    - path: /etc/packed
      contents: {local: packed.gz, compression: gzip}
    - path: /etc/appended
      append: [{inline: one}, {local: tree/b}]
systemd:
  units: [{name: a.service, dropins: [{name: b.conf, contents: "[Service]\\nNice=1\\n"}]}]
"""


@pytest.fixture
def files(tmp_path: Path) -> Path:
    folder = tmp_path / "files"
    (folder / "tree").mkdir(parents=True)
    (folder / "tree" / "a").write_bytes(hashlib.shake_256(b"a").digest(300))
    for name in "bcde":
        words = (f"option_{number} = {hashlib.sha256(f'{name}{number}'.encode()).hexdigest()[:4]}\n" for number in range(60))
        (folder / "tree" / name).write_text(f"# {name}\n{''.join(words)}")
    (folder / "tree" / "empty").write_bytes(b"")
    (folder / "packed.gz").write_bytes(gzip.compress(b"x" * 999, mtime=0))
    return folder


def _inner(user_data: bytes) -> dict[str, object]:
    outer = json.loads(user_data)
    replace = outer["ignition"]["config"]["replace"]
    assert outer == {"ignition": {"config": {"replace": replace}, "version": "3.1.0"}}
    assert replace["compression"] == "gzip"
    found: dict[str, object] = json.loads(gzip.decompress(decode(replace["source"])))
    return found


def test_wrapped_contents_are_not_compressed_one_by_one(files: Path) -> None:
    wish = Wish(NOBODY, form="wrapped")
    inner = _inner(delivery(TREE, wish, files).user_data)
    contents = {file["path"]: file.get("contents", {}) for file in inner["storage"]["files"]}  # type: ignore[index]
    assert contents["/etc/tree/b"]["source"].startswith("data:,%23%20b%0Aoption_0%20%3D%20")
    assert contents["/etc/tree/b"]["compression"] == ""
    assert contents["/etc/inline"]["source"] == "data:,%C3%A4%20%25%20%7B%7B%20%7D%7D%0A%00"
    assert contents["/etc/tree/a"]["source"].startswith("data:;base64,")  # no text
    assert contents["/etc/packed"] == {"compression": "gzip", "source": contents["/etc/packed"]["source"]}
    assert gzip.decompress(decode(contents["/etc/packed"]["source"])) == b"x" * 999


def test_wrapping_is_smaller_than_compressing_each_file(files: Path) -> None:
    plain = delivery(TREE, Wish(NOBODY, form="plain"), files).user_data
    assert len(delivery(TREE, Wish(NOBODY, form="wrapped"), files).user_data) < len(wrapped(plain)) < len(plain)


def test_contents_that_are_smaller_compressed_twice_are(files: Path) -> None:
    (files / "tree" / "b").write_text("a line that comes again\n" * 20_000)
    plain = delivery(TREE, Wish(NOBODY, form="plain"), files).user_data
    assert delivery(TREE, Wish(NOBODY, form="wrapped"), files).user_data == wrapped(plain)


def test_the_same_bytes_each_time(files: Path) -> None:
    for form in ("plain", "wrapped", "pointer"):
        wish = Wish(NOBODY, form=form, address=address)
        assert delivery(TREE, wish, files) == delivery(TREE, wish, files)
    packed = decode(json.loads(delivery(TREE, Wish(NOBODY, form="wrapped"), files).user_data)["ignition"]["config"]["replace"]["source"])
    assert packed[4:8] == bytes(4)  # mtime (RFC 1952)


def test_a_pointer_names_the_contents_by_their_hash() -> None:
    config = b'{"ignition":{"version":"3.3.0"}}'
    found = pointer(config, address)
    digest = hashlib.sha512(config).hexdigest()
    assert found.parts == (Part(f"{digest[:16]}.ign", config),)
    assert json.loads(found.user_data) == {
        "ignition": {
            "config": {"replace": {"source": f"{BASE}/{digest[:16]}.ign", "verification": {"hash": f"sha512-{digest}"}}},
            "version": "3.1.0",
        }
    }
    assert Part.of(config, ".jwe", private=True) == Part(f"{digest[:16]}.jwe", config, private=True)
    assert "version" not in repr(found)  # contents are no business of logs


def test_a_pointer_is_fetched_as_the_config_says() -> None:
    """A proxy, certificate authorities and time limits count for what the pointer names too."""
    settings = {"proxy": {"httpsProxy": "http://p:3128"}, "security": {"tls": {}}, "timeouts": {"httpTotal": 9}}
    found = pointer(json.dumps({"ignition": {"version": "3.3.0", **settings}, "storage": {}}).encode(), address)
    assert {name: value for name, value in json.loads(found.user_data)["ignition"].items() if name in settings} == settings
    assert json.loads(found.user_data).keys() == {"ignition"}


def test_a_plain_delivery_is_the_config_of_the_compiler(files: Path) -> None:
    from butane_py import compile  # noqa: A004  # the library's verb

    made = compile(TREE, files_dir=str(files), pretty=True)
    assert made.output is not None
    assert delivery(TREE, Wish(NOBODY), files).user_data == json.dumps(json.loads(made.output), separators=(",", ":"), ensure_ascii=False).encode()


def test_the_largest_entries_are_named_with_their_lines(files: Path) -> None:
    (files / "random").write_bytes(hashlib.shake_256(b"x").digest(3_000))
    text = TREE.replace("systemd:", "    - {path: /etc/random, contents: {local: random}}\nsystemd:")
    (entry,) = outcome(text, Wish(choose("virtualbox")), files).result.report
    assert entry.code == "pack-too-large"
    assert entry.message.startswith("the config has ")
    assert entry.message.endswith(" bytes; virtualbox takes 1,024")
    names = [related.message.rpartition(" ")[2] for related in entry.related]
    assert names[0] == "/etc/random"
    assert entry.related[0].place.line == 13
    assert set(names) == {"/etc/random", *(f"/etc/tree/{name}" for name in "abcde"), "/etc/packed", "/etc/appended", "/etc/inline", "core"}
    sizes = [int(related.message.partition(" ")[0].replace(",", "")) for related in entry.related]
    assert sizes == sorted(sizes, reverse=True)


def test_at_most_ten_entries_are_named() -> None:
    files = ", ".join(f"{{path: /etc/{number}, contents: {{source: 'data:,{number:0>150}'}}}}" for number in range(30))
    (entry,) = outcome(f"variant: fcos\nversion: 1.4.0\nstorage: {{files: [{files}]}}\n", Wish(choose("virtualbox"))).result.report or [None]
    assert entry is None or len(entry.related) == 10


def test_a_form_that_is_asked_for_is_taken(files: Path) -> None:
    for form in ("plain", "wrapped", "pointer"):
        assert delivery(TREE, Wish(choose("aws"), form=form, address=address), files).form == form
    (entry,) = outcome(TREE, Wish(choose("virtualbox"), form="plain"), files).result.report
    assert entry.message.startswith("the config has ")
    assert "wrapped" not in entry.message
