"""What was published when, kept in the store itself: which parts each host's configs have, publication by publication.

    publications/000001-0123456789abcdef.json     {"version": 1, "hosts": {"n1": ["89abcdef01234567.ign"]}}

The names count up, so that no clock is needed, and end in a digest of the contents: two people who publish at once make two
publications. A publication names the hosts that it was about, not those that others have published for.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping

from butane_py.deliver.model import DeliveryError
from butane_py.deliver.publish.store import Store
from ignition_py.record import Record

FOLDER = "publications"
VERSION = 1
_NAME = re.compile(rf"{FOLDER}/([0-9]{{6,15}})-[0-9a-f]{{16}}\.json")

Parts = tuple[str, ...]


class Publication(Record):
    """One publication: its object, its number, and the names of each host's parts."""

    name: str
    number: int
    hosts: dict[str, Parts]


def publication_names(names: Iterable[str]) -> list[str]:
    """Those of the names that are of publications, the newest first."""
    found = [(int(match[1]), match[0]) for match in map(_NAME.fullmatch, names) if match]
    return [name for _, name in sorted(found, reverse=True)]


def read_publication(store: Store, name: str) -> Publication | None:
    """The publication; None where it has been removed. Raises DeliveryError where the object is not a publication of this version."""
    data = store.read(name)
    if data is None:
        return None
    match = _NAME.fullmatch(name)
    assert match is not None  # publication_names() has chosen it
    try:
        return Publication(name, int(match[1]), dict(_hosts(json.loads(data))))
    except (ValueError, TypeError, RecursionError):
        raise DeliveryError(
            f"{name}: this is not a list of what was published that this version can read",
            hint="Nothing was changed; look at who has written it",
        ) from None


def _hosts(data: object) -> Iterable[tuple[str, Parts]]:
    """Raises TypeError."""
    hosts = data.get("hosts") if isinstance(data, dict) and data.get("version") == VERSION else None
    if not isinstance(hosts, dict):
        raise TypeError
    for host, parts in hosts.items():
        if not isinstance(parts, list) or not all(isinstance(part, str) for part in parts):
            raise TypeError
        yield host, tuple(parts)


def record(store: Store, hosts: Mapping[str, Parts]) -> bool:
    """Adds a publication, unless the newest ones say the same of all hosts; True if it did. Raises DeliveryError.

    Hosts without parts count where others have some, or have had: a host's older parts can then be pruned.
    """
    names = publication_names(store.names())
    if not names and not any(hosts.values()):
        return False
    missing = dict(hosts)
    for name in names:
        found = read_publication(store, name)
        for host in [host for host in missing if found is not None and host in found.hosts]:
            assert found is not None
            if found.hosts[host] != missing.pop(host):
                return _added(store, names, hosts)
        if not missing:
            return False
    return _added(store, names, hosts) if missing else False


def _added(store: Store, names: list[str], hosts: Mapping[str, Parts]) -> bool:
    match = _NAME.fullmatch(names[0]) if names else None
    number = int(match[1]) + 1 if match else 1
    text = (
        json.dumps({"version": VERSION, "hosts": {host: list(hosts[host]) for host in sorted(hosts)}}, indent=1) + "\n"
    )
    data = text.encode("ascii")
    return store.write(f"{FOLDER}/{number:06}-{hashlib.sha512(data).hexdigest()[:16]}.json", data)
