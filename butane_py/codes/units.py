"""Codes of systemd units and quadlets."""

from __future__ import annotations

from ignition_py.report.catalog import declare
from ignition_py.report.examples import unit

_NEW = "fcos 1.8.0-experimental"

_TEXT = "|\n    [Service]\n    ExecStart=/bin/true\n"

_INSTALL = "    [Install]\n    WantedBy=multi-user.target\n"

_TEMPLATE = "systemd:\n  units:\n    - name: one@.service\n      contents: |\n        [Service]\n        ExecStart=/bin/true\n{}    - name: one@a.service\n      enabled: true\n"

declare(
    "unit-sources-too-many",
    title="A unit's text comes from two places",
    why="Give contents or contents_local.",
    wrong=unit("contents: '[Unit]'\ncontents_local: a.service"),
    right=unit("contents: '[Unit]'"),
)

declare(
    "quadlet-name",
    title="A quadlet's name has no type",
    why="The name of a quadlet ends in .container, .volume, .network and so on.",
    wrong="systemd:\n  quadlets:\n    - name: web\n      contents: '[Container]'\n",
    right="systemd:\n  quadlets:\n    - name: web.container\n      contents: '[Container]'\n",
    row=_NEW,
)

declare(
    "quadlet-instance-contents",
    title="An instance of a quadlet has contents",
    why="An instance has the contents of its template.",
    wrong="systemd:\n  quadlets:\n    - name: web@a.container\n      contents: '[Container]'\n",
    right="systemd:\n  quadlets:\n    - name: web@.container\n      contents: '[Container]'\n    - name: web@a.container\n",
    row=_NEW,
)
