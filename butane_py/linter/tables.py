"""The tables of data/: what systemd, Podman and the images have. systemd.json and podman.json are written by tools/systemd_table.py."""

from __future__ import annotations

from functools import cache
from typing import Any


@cache
def table(name: str) -> dict[str, Any]:
    """One of the tables: systemd, podman or image."""
    import json
    from importlib.resources import files

    data: dict[str, Any] = json.loads(
        files("butane_py.linter").joinpath("data", f"{name}.json").read_text(encoding="utf-8")
    )
    return data


@cache
def image_units() -> frozenset[str]:
    """Names of units that an image is known to have."""
    return frozenset(table("systemd")["units"]) | frozenset(table("image")["units"])


def image_names(kind: str) -> frozenset[str]:
    """Names of `users` or `groups` that an image is known to have."""
    return frozenset(table("image")[kind])
