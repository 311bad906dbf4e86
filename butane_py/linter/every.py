"""All rules of butane-py: importing this registers them, in the order in which docs/lint.md lists them."""

from __future__ import annotations

from butane_py.linter import (
    accounts,
    children,
    contents,
    devices,
    files,
    kernel_arguments,
    local_links,
    login,
    mounts,
    placeholders,
    provisioning,
    quadlets,
    secrets,
    size,
    started,
    unit_commands,
    unit_rules,
    unit_settings,
    urls,
    verify,
    versions,
)
from butane_py.linter.rule import RULES

__all__ = ["MODULES", "RULES"]

MODULES = (
    *(
        login,
        accounts,
        provisioning,
        mounts,
        devices,
        started,
        unit_rules,
        unit_commands,
        unit_settings,
        quadlets,
        files,
        contents,
        secrets,
        urls,
    ),
    *(kernel_arguments, placeholders, versions, size, children, local_links, verify),
)
