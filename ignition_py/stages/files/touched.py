"""What the files stage has touched, for labelling at its end (`selinux.py`)."""

from __future__ import annotations

from ignition_py.record import Record, field


class Touched(Record):
    """The paths that were made or replaced, links followed, as seen from inside the root. Directories stand for their contents."""

    paths: set[str] = field(default_factory=set)

    def add(self, path: str) -> None:
        self.paths.add(path)

    def outermost(self) -> list[str]:
        """Without those that are below another one, sorted."""
        kept: list[str] = []
        for path in sorted(self.paths, key=lambda path: path.split("/")):
            if not kept or not path.startswith(kept[-1].rstrip("/") + "/"):
                kept.append(path)
        return kept
