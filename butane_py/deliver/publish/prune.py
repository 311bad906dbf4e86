"""Which objects of a store are no longer needed: parts that none of a host's last publications names, and the publications themselves.

Each host counts for itself. A build of a few hosts (--limit), or another fleet in the same place, pushes nothing of the others out.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from fnmatch import fnmatchcase

from butane_py.deliver.model import DeliveryError
from butane_py.deliver.publish.history import Publication, publication_names, read_publication
from butane_py.deliver.publish.many import Progress, all_done
from butane_py.deliver.publish.store import Store
from ignition_py.record import Record

_PART = re.compile(r"[0-9a-f]{16}\.[a-z0-9]{1,16}")


class Pruning(Record):
    """What is removed, in this order, and how much stays."""

    parts: tuple[str, ...]
    publications: tuple[str, ...]
    parts_kept: int
    publications_kept: int


def read_all(store: Store, names: Iterable[str]) -> list[Publication]:
    """The publications of a store, the newest first. Raises DeliveryError."""
    found = (read_publication(store, name) for name in publication_names(names))
    return [each for each in found if each is not None]


def plan(
    names: Collection[str],
    publications: Sequence[Publication],
    *,
    keep: int,
    named: Collection[str] = (),
    forget: Sequence[str] = (),
) -> Pruning:
    """What can be removed of the objects `names`, when each host keeps the parts of its last `keep` publications.

    publications: the newest first. named: parts that stay in any case. forget: patterns of hosts that keep nothing. Objects that
    publishing does not make are left alone. Raises DeliveryError where nothing says what is needed.
    """
    if not publications and not named:
        raise DeliveryError(
            "nothing that was published is recorded there, so that it is not known which parts are needed",
            hint="Check the destination; nothing is removed",
        )
    seen: Counter[str] = Counter()
    parts, kept = set(named), set()
    for publication in publications:
        for host, each in publication.hosts.items():
            if any(fnmatchcase(host, pattern) for pattern in forget):
                continue
            seen[host] += 1
            if seen[host] <= keep:
                parts.update(each)
                kept.add(publication.name)
    there = [name for name in names if _PART.fullmatch(name)]
    gone = tuple(sorted(name for name in there if name not in parts))
    old = tuple(each.name for each in reversed(publications) if each.name not in kept)
    return Pruning(gone, old, len(there) - len(gone), len(kept))


def remove(store: Store, pruning: Pruning, progress: Progress | None = None) -> None:
    """Removes what the plan says: parts first, so that parts that are left after an interruption are found again. Raises DeliveryError."""
    parts, total = len(pruning.parts), len(pruning.parts) + len(pruning.publications)
    all_done(pruning.parts, store.remove, progress and (lambda done, _: progress(done, total)))
    all_done(pruning.publications, store.remove, progress and (lambda done, _: progress(parts + done, total)))


def parts_of_manifest(path: str) -> set[str]:
    """The names of the parts that a manifest.json of a build names. Raises OSError, DeliveryError."""
    with open(path, "rb") as file:
        text = file.read()
    try:
        hosts = json.loads(text)["hosts"]
        return {part["name"] for host in hosts.values() for part in host.get("parts", ())}
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        raise DeliveryError(f"{path} is not a manifest.json of `butane-py build`") from None
