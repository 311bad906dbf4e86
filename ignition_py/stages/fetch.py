"""The fetch stage. When it runs, the engine has fetched, rendered and cached the config; no more is to be done."""

from __future__ import annotations

from ignition_py.context import Context


def run(ctx: Context) -> None:
    """Says so."""
    ctx.log.info("fetch: the config is complete")
