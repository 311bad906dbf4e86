"""Hypothesis strategies that make Ignition configs from the language tables: every field of every version, values that the
rules take. `configs(version)` draws valid configs (as JSON data); `mutated(data)` breaks them.
"""

from __future__ import annotations

import base64
import gzip
from collections.abc import Callable
from copy import deepcopy
from typing import Any
from urllib.parse import quote_from_bytes

from hypothesis import assume
from hypothesis import strategies as st

from ignition_py.spec import tables
from ignition_py.spec.model import Field, Struct
from ignition_py.spec.rules.all import validate

Data = dict[str, Any]
VERSIONS = sorted(tables.VERSIONS.values())
_NAMES = st.sampled_from(["alpha", "beta", "gamma", "delta"])
_TEXTS = st.text(st.characters(codec="utf-8"), max_size=12)
_WORDS = st.from_regex(r"[a-z][a-z0-9-]{0,8}", fullmatch=True)
_PATHS = st.lists(st.sampled_from(["a", "b", "etc", "x.conf", "w\u00e9"]), min_size=1, max_size=3).map(
    lambda parts: "/" + "/".join(parts)
)
_DEVICES = _WORDS.map(lambda name: f"/dev/{name}")
_GUIDS = st.uuids().map(lambda uuid: str(uuid).upper())
_CONTENTS = st.one_of(
    st.binary(max_size=40),
    st.text(max_size=40).map(lambda text: text.encode("utf-8", "replace")),
    st.sampled_from(
        [b"", b"\n", b"one\ntwo\n", b" leading\n", b"trailing \n\n", b"tab\tkey: [x]\n", b"#!/bin/sh\necho $HOME\n"]
    ),
)
_UNITS = st.sampled_from(
    [
        "[Service]\nExecStart=/bin/true\n\n[Install]\nWantedBy=multi-user.target\n",
        "[Unit]\nDescription=no install section\n",
        "[Unit]\r\nDescription=other line ends\r\n",
        "# only a comment",
        "",
    ]
)


def data_url(contents: bytes, form: int) -> str:
    """`contents` as a data URL, in one of the forms that there are."""
    if form == 0:
        return "data:," + quote_from_bytes(contents, safe="-._~/:?@!$&'()*+;,")
    if form == 1:
        return "data:;base64," + base64.b64encode(contents).decode()
    return "data:text/plain;charset=utf-8;base64," + base64.b64encode(contents).decode()


_DATA_URLS = st.builds(data_url, _CONTENTS, st.integers(0, 2))


def _sources(version: int) -> st.SearchStrategy[str]:
    urls = ["http://example.com/f", "https://example.com/a?b=c", "tftp://example.com/f", "s3://bucket/key"]
    if version >= 2:
        urls.append("gs://bucket/key")
    if version >= 4:
        urls.append("arn:aws:s3:::bucket/key")
    return st.one_of(_DATA_URLS, st.sampled_from(urls))


def _hashes(version: int) -> st.SearchStrategy[str]:
    return st.sampled_from(["sha512-" + "0f" * 64, "sha256-" + "0f" * 32][: 2 if version else 1])


def _modes(version: int) -> st.SearchStrategy[int]:
    return st.integers(0, 0o7777 if version >= 6 else 0o777)


Maker = Callable[[int], st.SearchStrategy[Any]]


def _fixed(strategy: st.SearchStrategy[Any]) -> Maker:
    return lambda version: strategy


# Fields (by structure and by name) whose values the rules look at. Others are drawn by their type.
_SPECIAL: dict[tuple[str, str], Maker] = {
    ("Ignition", "version"): lambda version: st.just(
        next(text for text, minor in tables.VERSIONS.items() if minor == version)
    ),
    ("Verification", "hash"): _hashes,
    ("HTTPHeader", "name"): _fixed(_WORDS),
    ("HTTPHeader", "value"): _fixed(_WORDS),
    ("Proxy", "http_proxy"): _fixed(st.just("http://proxy.example.com:3128")),
    ("Proxy", "https_proxy"): _fixed(st.just("https://proxy.example.com")),
    ("*", "source"): _sources,
    ("*", "compression"): _fixed(st.just("")),
    ("*", "path"): _fixed(_PATHS),
    ("*", "mode"): _modes,
    ("*", "target"): _fixed(_PATHS),
    ("*", "device"): _fixed(_DEVICES),
    ("*", "devices"): _fixed(st.lists(_DEVICES, min_size=1, max_size=3, unique=True)),
    ("*", "guid"): _fixed(_GUIDS),
    ("*", "type_guid"): _fixed(_GUIDS),
    ("Partition", "number"): _fixed(st.integers(0, 9)),
    ("Partition", "label"): _fixed(_WORDS),
    ("Partition", "start_mib"): _fixed(st.just(0)),
    ("Partition", "size_mib"): _fixed(st.integers(0, 4096)),
    ("Filesystem", "format"): _fixed(st.sampled_from(["ext4", "btrfs", "xfs", "vfat", "swap"])),
    ("Filesystem", "label"): _fixed(_WORDS),
    ("Raid", "level"): _fixed(st.sampled_from(["linear", "raid1", "mirror", "raid6", "10"])),
    ("Luks", "label"): _fixed(_WORDS),
    ("Tang", "url"): _fixed(st.sampled_from(["http://t1.example.com", "https://t2.example.com:8080/x"])),
    ("Tang", "thumbprint"): _fixed(_WORDS),
    ("Tang", "advertisement"): _fixed(st.sampled_from(["{}", '{"payload": "e30"}'])),
    ("ClevisCustom", "pin"): _fixed(st.sampled_from(["tpm2", "tang", "sss"])),
    ("ClevisCustom", "config"): _fixed(st.just('{"t":1}')),
    ("Unit", "name"): _fixed(
        st.builds("{}{}".format, _NAMES, st.sampled_from([".service", ".mount", "@.service", "@x.timer"]))
    ),
    ("Unit", "contents"): _fixed(_UNITS),
    ("Dropin", "name"): _fixed(_NAMES.map(lambda name: f"{name}.conf")),
    ("Dropin", "contents"): _fixed(_UNITS),
    ("*", "name"): _fixed(_NAMES),
    ("*", "password_hash"): _fixed(st.just("$6$salt$hash")),
}
_BY_KIND: dict[str, st.SearchStrategy[Any]] = {
    "str": st.one_of(_WORDS, _TEXTS),
    "int": st.integers(0, 70000),
    "bool": st.booleans(),
}


def _field(cls: type[Struct], entry: Field, version: int) -> st.SearchStrategy[Any]:
    special = _SPECIAL.get((cls.__name__, entry.name)) or _SPECIAL.get(("*", entry.name))
    if special is not None:
        return special(version)
    if entry.struct is None:
        one = _BY_KIND[entry.kind]
        return st.lists(one, max_size=3, unique=not entry.appended) if entry.many else one
    below = structs(entry.struct, version)
    return st.lists(below, max_size=3) if entry.many else below


def structs(cls: type[Struct], version: int) -> st.SearchStrategy[Data]:
    """Structures of the language at `version`, as JSON data; whether they are valid depends on what is around them."""
    required: dict[str, st.SearchStrategy[Any]] = {}
    optional: dict[str, st.SearchStrategy[Any]] = {}
    for entry in cls.FIELDS.values():
        if entry.at(version):
            must = entry.required_at(version) or entry.name in _NEEDED.get(cls.__name__, ())
            (required if must else optional)[entry.json] = _field(cls, entry, version)
    return st.fixed_dictionaries(required, optional=optional).map(lambda data: _settled(cls.__name__, data))


_NEEDED = {
    "Raid": ("level", "devices"),
    "Filesystem": ("format",),
    "Link": ("target",),
    "Tang": ("url", "thumbprint"),
    "ClevisCustom": ("pin", "config"),
    "ConfigReference": ("source",),
    "CaReference": ("source",),
    "Luks": ("device",),
}


def _settled(name: str, data: Data) -> Data:
    """Takes out what contradicts the rest of a structure."""
    if "source" in data and not str(data["source"]).startswith("http"):
        data.pop("httpHeaders", None)
    if "source" not in data and name in ("Resource", "ConfigReference", "CaReference"):
        data.pop("httpHeaders", None)
        data.pop("verification", None)
    if name in ("NodeUser", "NodeGroup") and len(data) == 2:
        del data["name"]
    if name == "File" and not data.get("contents", {}).get("source"):
        data.pop("overwrite", None)
    if name == "Partition":
        if not data.get("number"):
            data.setdefault("label", "p" + str(data.get("sizeMiB", "")))
        if data.get("shouldExist") is False:
            data["shouldExist"] = True
    if name == "Raid" and data["level"] == "linear":
        data.pop("spares", None)
    if name == "Clevis" and data.get("custom"):
        for key in ("tang", "tpm2", "threshold"):
            data.pop(key, None)
    if name == "Luks" and data.get("cex", {}).get("enabled"):
        data.pop("clevis", None)
        data.pop("keyFile", None)
    if name == "Link":
        data.pop("hard", None)
    return data


def _unique(value: Any, cls: type[Struct], taken: dict[str, set[Any]] | None = None) -> Data:
    """`value` without the second of two entries that have the same key."""
    result: Data = {}
    seen: dict[str, set[Any]] = {}
    for key, below in value.items():
        entry = cls.BY_JSON[key]
        if entry.many and not entry.appended:
            known = seen.setdefault(entry.namespace or key, set())
            below = [item for item in below if not _known(entry, item, known)]
        if entry.struct is not None:
            below = [_unique(item, entry.struct) for item in below] if entry.many else _unique(below, entry.struct)
        result[key] = below
    return result


def _known(entry: Field, item: Any, known: set[Any]) -> bool:
    key = item
    if entry.struct is not None:
        values = {entry.struct.BY_JSON[name].name: value for name, value in item.items()}
        key = entry.struct(**values).key()
    if key in known:
        return True
    known.add(key)
    return False


@st.composite
def configs(draw: st.DrawFn, version: int | None = None, *, children: bool = True) -> Data:
    """A valid config as JSON data, of `version` (a minor number) or of any. `children`: may it name other configs?"""
    minor = draw(st.sampled_from(VERSIONS)) if version is None else version
    data = _unique(draw(structs(tables.Config, minor)), tables.Config)
    if not children:
        data["ignition"].pop("config", None)
    assume(is_valid(data, minor))
    return data


def is_valid(data: Data, version: int) -> bool:
    from ignition_py.spec.decode import Decoder
    from ignition_py.spec.jsontext import JsonDocument

    config = Decoder(JsonDocument(b"{}"), version).struct(tables.Config, data, ())
    return not any(finding.severity == "error" for finding in validate(config, version))


_ODD = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(1 << 64), 1 << 64),
    st.floats(allow_nan=False, allow_infinity=False),
    _TEXTS,
    st.just([]),
    st.just({}),
    st.just([None]),
    st.just([{}]),
    st.just({"unknown": 1}),
)


@st.composite
def mutated(draw: st.DrawFn, base: st.SearchStrategy[Data]) -> Data:
    """A config of `base` with one to three things changed, taken away or put in."""
    data = deepcopy(draw(base))
    for _ in range(draw(st.integers(1, 3))):
        places: list[tuple[Any, Any]] = []
        _collect(data, places)
        odd = deepcopy(draw(_ODD))  # what a strategy holds is shared between examples
        if not places:
            data["ignition"] = odd
            continue
        parent, key = places[draw(st.integers(0, len(places) - 1))]
        change = draw(st.sampled_from(["odd", "odd", "odd", "delete", "unknown", "case", "again"]))
        if change == "odd":
            parent[key] = odd
        elif change == "delete":
            del parent[key]
        elif isinstance(parent, list):
            parent.append(deepcopy(parent[key]))
        elif change == "unknown":
            parent[draw(_WORDS)] = odd
        elif isinstance(parent, dict):
            parent.update({key.upper(): parent.pop(key)})
    return data


def _collect(value: Any, places: list[tuple[Any, Any]]) -> None:
    for key, below in list(value.items()) if isinstance(value, dict) else list(enumerate(value)):
        places.append((value, key))
        if isinstance(below, dict | list):
            _collect(below, places)


def gzipped(contents: bytes) -> bytes:
    return gzip.compress(contents, mtime=0)
