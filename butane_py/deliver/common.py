"""`--split-common`: what the configs of many hosts have in common is published once, and each host merges its own config into it.

A host's user data has two configs in `ignition.config.merge`: the common one, and then the host's own, which wins. Hosts share a common
config if their lists have the same entries in the same order (one role of a fleet). The common config has each entry that is equal in
all of them, and in the places of the others entries with a key alone, so that merging keeps the order: the outcome is the config of the
host to the last entry. Every split is checked by merging it. Source: "Config merging" of the Ignition operator notes.
"""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeAlias

from butane_py.deliver.ladder import Wish, reference
from butane_py.deliver.model import POINTER, Delivery, Part
from butane_py.resources import gzip_stream
from ignition_py.record import Record
from ignition_py.spec.encode import to_json
from ignition_py.spec.merge import merge
from ignition_py.spec.read import parse, parse_cached
from ignition_py.spec.tables import Config

Path: TypeAlias = "tuple[str, str]"
Document: TypeAlias = "dict[str, Any]"

_LEAST = 512  # bytes; a common config that is smaller is not worth a request
# Lists and their keys. An entry with nothing but its key is valid in these lists only; others are common as a whole or not at all.
_STUBBED: dict[Path, str] = {
    ("passwd", "groups"): "name",
    ("passwd", "users"): "name",
    ("storage", "directories"): "path",
    ("storage", "files"): "path",
    ("systemd", "units"): "name",
}
_NOT_PACKED = "3.0.0"  # `compression` of configs came with 3.1.0
_SECTIONS = ("kernelArguments", "passwd", "storage", "systemd")  # `ignition` says how to fetch, and stays with the host


class _Host(Record):
    """A host whose config is published: its delivery, the part with the config, and the config."""

    delivery: Delivery
    part: Part
    document: Document


def split_common(deliveries: Mapping[str, Delivery], wish: Wish) -> dict[str, Delivery]:
    """The deliveries, those with pointers to whole configs split where hosts have something in common; others as they are."""
    parts = {name: _whole(each) for name, each in deliveries.items()}
    hosts = {name: _Host(deliveries[name], part, json.loads(part.data)) for name, part in parts.items() if part is not None}
    result = dict(deliveries)
    for group in _groups(hosts).values():
        common = _common([hosts[name].document for name in group]) if len(group) > 1 else {}
        text = to_json(common).encode()
        if len(text) < _LEAST:
            continue
        part, config = Part.of(text), _read(text)
        if config is None:
            continue
        for name in group:
            own = to_json(_own(hosts[name].document, common)).encode()
            if _merges(config, own, hosts[name].part.data):
                result[name] = _split(hosts[name], own, part, wish)
    return result


def _whole(delivery: Delivery) -> Part | None:
    """The part that a pointer names; None for another delivery, and for a part with secrets, which is not taken apart."""
    if delivery.form != POINTER:
        return None
    resource = json.loads(delivery.user_data)["ignition"]["config"]["replace"]
    named = [part for part in delivery.parts if resource["verification"]["hash"] == f"sha512-{part.sha512}"]
    return next((part for part in named if not part.private), None)


def _groups(hosts: Mapping[str, _Host]) -> dict[str, list[str]]:
    """The hosts by version and by the keys of their lists."""
    found: dict[str, list[str]] = {}
    for name, host in hosts.items():
        keys = [(path, [item[_STUBBED[path]] for item in items]) for path, items in _lists(host.document) if path in _STUBBED]
        shape = json.dumps([host.document["ignition"]["version"], keys])
        found.setdefault(shape, []).append(name)
    return found


def _lists(document: Document) -> Iterator[tuple[Path, list[Any]]]:
    """The lists of the sections, each with its path."""
    for section in _SECTIONS:
        for name, items in document.get(section, {}).items():
            if isinstance(items, list):
                yield (section, name), items


def _common(documents: Sequence[Document]) -> Document:
    """The config that all have in common; {} for none."""
    first = documents[0]
    found: Document = {"ignition": {"version": first["ignition"]["version"]}}
    whole = False
    for path, items in _lists(first):
        section, name = path
        others = [document[section].get(name) if section in document else None for document in documents]
        if all(each == items for each in others):
            kept = items
            whole = True
        elif path in _STUBBED:
            equal = [all(each[index] == item for each in others) for index, item in enumerate(items)]  # type: ignore[index]  # of one shape
            kept = [item if same else {_STUBBED[path]: item[_STUBBED[path]]} for item, same in zip(items, equal, strict=True)]
            whole |= any(equal)
        else:
            continue
        found.setdefault(section, {})[name] = kept
    return found if whole else {}


def _own(document: Document, common: Document) -> Document:
    """What a host's config has besides the common one."""
    found: Document = {}
    for section, value in document.items():
        if section == "ignition":
            found[section] = value
            continue
        below = common.get(section, {})
        kept = {name: _rest(each, below.get(name)) for name, each in value.items()}
        kept = {name: each for name, each in kept.items() if each not in (None, [])}
        if kept:
            found[section] = kept
    return found


def _rest(value: Any, common: Any) -> Any:
    """A value without the entries of a list that the common config has; None where it has all of it."""
    if value == common:
        return None
    if isinstance(common, list):
        return [item for item, same in zip(value, common, strict=True) if item != same]
    return value


def _split(host: _Host, own: bytes, part: Part, wish: Wish) -> Delivery:
    """The delivery of a host in two configs: the common one, and its own, in the user data where it fits, else published."""
    assert wish.address is not None  # a pointer has one
    whole = host.delivery
    others = tuple([each for each in whole.parts if each is not host.part])  # such as the secrets of the host, which its own config names
    inside = {"compression": "gzip", "source": f"data:;base64,{b64encode(gzip_stream(own)).decode()}"}
    settings = {name: each for name, each in json.loads(whole.user_data)["ignition"].items() if name != "config"}
    delivery = whole.but(user_data=_merging(settings, reference(part, wish.address), inside), parts=(*others, part))
    fits = wish.limit is None or wish.counted(delivery) <= wish.limit
    if fits and settings["version"] != _NOT_PACKED:
        return delivery
    second = Part.of(own)
    user_data = _merging(settings, reference(part, wish.address), reference(second, wish.address))
    return delivery.but(user_data=user_data, parts=(*others, part, second))


def _merging(settings: Document, *references: Document) -> bytes:
    """A config that merges others; `settings` are the rest of its section `ignition`: how to fetch them, and the version."""
    return to_json({"ignition": {"config": {"merge": list(references)}, **settings}}).encode()


def _merges(common: Config, own: bytes, whole: bytes) -> bool:
    """True if a host's own config is valid and merging it into the common one gives the whole config."""
    second = _read(own)
    return second is not None and merge(common, second) == parse_cached(whole)


def _read(text: bytes) -> Config | None:
    """A config, None where it is not valid."""
    config, _, report = parse(text)
    return None if report.fatal else config

