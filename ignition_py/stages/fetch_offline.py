"""The fetch-offline stage: finds out, without touching the network, whether a later stage will need it.

The engine has tried to fetch and render the config with everything that needs the network refused. What is left to
look at is what the later stages fetch: contents, key files, Tang servers, Clevis pins.
"""

from __future__ import annotations

from ignition_py.context import Context
from ignition_py.fetch.fetcher import NeedNetwork
from ignition_py.fetch.urls import needs_network
from ignition_py.report.diag import Path, path_text
from ignition_py.spec.model import Struct
from ignition_py.spec.tables import ClevisCustom, Resource, Tang


def run(ctx: Context) -> None:
    """Raises NeedNetwork, which the engine turns into the flag file, where the config needs the network."""
    path = first_need(ctx.config)
    if path is not None:
        raise NeedNetwork(f"{path_text(path)} of the config needs the network")
    ctx.log.info("fetch-offline: nothing in the config needs the network")


def first_need(struct: Struct, path: Path = ()) -> Path | None:
    """The path of the first thing in the config that needs the network, None where nothing does."""
    if isinstance(struct, Resource):
        return path if needs_network(struct.source or "") else None
    if isinstance(struct, Tang):
        return None if struct.advertisement else path
    if isinstance(struct, ClevisCustom):
        return path if struct.needs_network else None
    for entry, value in struct.items():
        if entry.struct is None:
            continue
        for index, item in enumerate(value) if entry.many else [(None, value)]:
            below = (*path, entry.json) if index is None else (*path, entry.json, index)
            found = first_need(item, below)
            if found is not None:
                return found
    return None
