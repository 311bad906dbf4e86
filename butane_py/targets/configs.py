"""Configs inside of a config: what `ignition.config` merges or replaces from data URLs is resolved here, as Ignition does at boot."""

from __future__ import annotations

from typing import Any

from butane_py.decompiler.unpack import contents_of
from butane_py.targets.plan import Fixed
from butane_py.targets.report import Findings
from ignition_py.spec import tables as spec
from ignition_py.spec.merge import merge
from ignition_py.spec.model import Struct
from ignition_py.spec.origins import place_of

_MOST = 32  # configs inside of one another


def with_inner_configs(config: spec.Config, name: str, findings: Findings, depth: int = 0) -> spec.Config:
    """The config with those that it carries itself merged in; references to others stay. Entries of an inner one stand at its reference."""
    references = config.ignition.config
    if not references.merge and not references.replace.source:
        return config
    inner = _inner(config, references.replace, ("ignition", "config", "replace"), name, findings, depth)
    if inner is not None:
        return inner
    left = []
    for index, reference in enumerate(references.merge):
        inner = _inner(config, reference, ("ignition", "config", "merge", index), name, findings, depth)
        if inner is None:
            left.append(reference)
        else:
            config = merge(config, inner.but(ignition=None))
    ignition = config.ignition.but(config=references.but(merge=tuple(left) or None))
    return config.but(ignition=ignition)


def _inner(
    config: spec.Config,
    reference: spec.ConfigReference,
    path: tuple[str | int, ...],
    name: str,
    findings: Findings,
    depth: int,
) -> spec.Config | None:
    """The config that a reference carries; None where it leads elsewhere, or to what is not a config, which is reported."""
    data = contents_of(reference)
    if data is None:
        return None
    from ignition_py.spec.read import EmptyConfig, read

    place = place_of(config, path)
    try:
        found, report = read(data, name)
    except EmptyConfig:
        found, report = None, None
    if found is None or depth >= _MOST:
        why = next(
            (entry.message for entry in report or () if entry.severity == "error"),
            "it is empty or inside too many others",
        )
        findings.error(
            "target-no-merge",
            f"the config that is merged here cannot be read: {why}",
            place,
            hint="put a valid Ignition config there",
        )
        return None
    moved: spec.Config = _moved(found, Fixed(place))
    return with_inner_configs(moved, name, findings, depth + 1)


def _moved(value: Any, origin: Fixed) -> Any:
    """A structure whose parts all have one origin."""
    if isinstance(value, tuple):
        return tuple([_moved(item, origin) for item in value])
    if not isinstance(value, Struct):
        return value
    return value.but(
        _origin=origin, _sources=None, **{entry.name: _moved(below, origin) for entry, below in value.items()}
    )
