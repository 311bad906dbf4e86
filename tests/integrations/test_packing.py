"""Ignition configs that are there already, packed for a recipient."""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
from typing import Any
from urllib.parse import unquote

import pytest

from butane_py.deliver.model import DeliveryError
from butane_py.integrations.packing import pack
from ignition_py.report.diag import ConfigError


def config(version: str = "3.4.0", **storage: Any) -> bytes:
    return json.dumps({"ignition": {"version": version}, "storage": storage}).encode()


def compressed(contents: bytes) -> dict[str, str]:
    return {"compression": "gzip", "source": "data:;base64," + base64.b64encode(gzip.compress(contents)).decode()}


def test_contents_are_uncompressed_before_the_whole_is_compressed() -> None:
    """What comes out of the wrapper is the config with the same contents, and hashes that still hold."""
    shared = "".join(f"setting{number * number} = value{number * 7919 % 1000}\n" for number in range(30))
    texts = [f"# {number}\n{shared}".encode() for number in range(9)]
    digests = [f"sha256-{hashlib.sha256(text).hexdigest()}" for text in texts]
    files: list[dict[str, Any]] = [{"path": f"/f{n}", "contents": compressed(text)} for n, text in enumerate(texts)]
    files[0]["contents"]["verification"] = {"hash": digests[0]}
    binary = bytes(range(250, 256)) * 4
    files += [{"path": "/b", "contents": compressed(binary)}, {"path": "/r", "contents": {"source": "https://example.com/r", "compression": "gzip"}}]
    packed = pack(config(files=files), "virtualbox")
    assert packed.form == "wrapped" and len(packed.user_data) <= 1024
    source = json.loads(packed.user_data)["ignition"]["config"]["replace"]["source"]
    inner = json.loads(gzip.decompress(base64.b64decode(source.partition(",")[2])))
    assert inner["storage"]["files"][0]["contents"]["verification"]["hash"] == digests[0]
    sources = [each["contents"]["source"] for each in inner["storage"]["files"][:9]]
    assert [unquote(each.removeprefix("data:,")).encode() for each in sources] == texts
    assert base64.b64decode(inner["storage"]["files"][9]["contents"]["source"].partition(",")[2]) == binary
    assert inner["storage"]["files"][10]["contents"] == {"source": "https://example.com/r", "compression": "gzip"}  # not ours to unpack
    assert pack(config(files=files), "virtualbox") == packed  # the same bytes each time


def test_a_config_that_fits_stays_plain() -> None:
    packed = pack(config(files=[{"path": "/f"}]), "aws")
    assert (packed.form, json.loads(packed.user_data)) == ("plain", json.loads(config(files=[{"path": "/f"}])))


def test_newer_configs_are_converted_down_where_nothing_is_lost() -> None:
    assert json.loads(pack(config("3.4.0", files=[{"path": "/f"}]), "debian:12").user_data)["ignition"]["version"] == "3.3.0"
    with pytest.raises(ConfigError, match="newer than debian") as caught:
        pack(config("3.5.0", luks=[{"name": "d", "device": "/dev/vdb", "discard": True}]), "debian:12")
    assert [entry.code for entry in caught.value.report] == ["spec-too-new"]


def test_what_cannot_be_packed_is_refused() -> None:
    noise = "".join(hashlib.sha512(str(number).encode()).hexdigest() for number in range(20))
    with pytest.raises(ConfigError, match="virtualbox takes 1,024"):
        pack(config(files=[{"path": "/f", "contents": {"source": f"data:,{noise}"}}]), "virtualbox")
    more = "".join(hashlib.sha512(str(number).encode()).hexdigest() for number in range(400))
    unsure = pack(config(files=[{"path": "/f", "contents": {"source": f"data:,{more}"}}]), "brightbox")
    assert "as far as is known" in unsure.warning
    for data, words in ((b"", "is empty"), (b"{", "is not a valid Ignition config"), (config(files=[{"path": "f"}]), "is not a valid Ignition config")):
        with pytest.raises(ConfigError, match=words):
            pack(data, "aws")
    with pytest.raises(DeliveryError, match="did you mean aws"):
        pack(config(), "awss")
