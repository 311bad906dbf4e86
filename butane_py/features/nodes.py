"""The files, directories and links of a config while trees and quadlets are added to them, found by path."""

from __future__ import annotations

from typing import Any

from ignition_py.spec import tables as spec


class Nodes:
    """All nodes of a config by kind (`files`, `directories`, `links`), in order, and by path."""

    def __init__(self, config: spec.Config) -> None:
        storage = config.storage
        self.lists: dict[str, list[Any]] = {
            kind: list(getattr(storage, kind)) for kind in ("files", "directories", "links")
        }
        self.first: dict[str, Any] = {}  # the origin of the first node of a kind, where it came from sugar
        self._at = {kind: {node.path: i for i, node in enumerate(nodes)} for kind, nodes in self.lists.items()}

    def exists(self, path: str) -> bool:
        return any(path in at for at in self._at.values())

    def get(self, kind: str, path: str) -> Any:
        """The node of that kind at `path`, None where there is none."""
        index = self._at[kind].get(path)
        return None if index is None else self.lists[kind][index]

    def put(self, kind: str, node: spec.Node) -> None:
        """Adds a node, or replaces the one of the same path."""
        index = self._at[kind].setdefault(node.path, len(self.lists[kind]))
        if index == len(self.lists[kind]):
            if index == 0:
                self.first[kind] = node._origin
            self.lists[kind].append(node)
        else:
            self.lists[kind][index] = node

    def into(self, config: spec.Config, origin: Any) -> spec.Config:
        """`config` with these nodes; `origin` stands behind a storage section that was not there."""
        filled = {kind: tuple(nodes) for kind, nodes in self.lists.items() if nodes}
        storage = config.storage if config.has("storage") else spec.Storage(origin)
        sources = {**(storage._sources or {}), **self.first}
        return config.but(storage=storage.but(**filled, _sources=sources))
