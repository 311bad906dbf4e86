"""Codes of systemd units and quadlets."""

from __future__ import annotations

from ignition_py.report.catalog import declare
from ignition_py.report.diag import WARNING
from ignition_py.report.examples import unit

_NEW = "fcos 1.8.0-experimental"

_TEXT = "|\n    [Service]\n    ExecStart=/bin/true\n"

_INSTALL = "    [Install]\n    WantedBy=multi-user.target\n"

_TEMPLATE = "systemd:\n  units:\n    - name: one@.service\n      contents: |\n        [Service]\n        ExecStart=/bin/true\n{}    - name: one@a.service\n      enabled: true\n"

declare(
    "unit-name",
    title="A unit's name has no type",
    why="The name of a unit ends in .service, .socket, .mount, .timer and so on.",
    wrong=unit("enabled: true", "example"),
    right=unit("enabled: true"),
)

declare(
    "unit-contents",
    title="A unit's text cannot be read",
    why="The text is not that of a unit: sections in brackets, settings with an equals sign.",
    wrong=unit("contents: '[Service'"),
    right=unit(f"contents: {_TEXT}"),
)

declare(
    "unit-no-install",
    title="A unit is enabled and cannot be",
    why="Enabling a unit makes the links that its [Install] section names. There is none.",
    wrong=unit(f"enabled: true\ncontents: {_TEXT}"),
    right=unit(f"enabled: true\ncontents: {_TEXT}{_INSTALL}"),
    severity=WARNING,
)

declare(
    "instance-no-install",
    title="An instance is enabled and its template cannot be",
    why="The template of the instance has no [Install] section.",
    wrong=_TEMPLATE.format(""),
    right=_TEMPLATE.format("        [Install]\n        WantedBy=multi-user.target\n"),
    severity=WARNING,
)

declare(
    "unit-sources-too-many",
    title="A unit's text comes from two places",
    why="Give contents or contents_local.",
    wrong=unit("contents: '[Unit]'\ncontents_local: a.service"),
    right=unit("contents: '[Unit]'"),
)

declare(
    "dropin-name",
    title="A drop-in's name does not end in .conf",
    why="systemd reads only *.conf from drop-in directories.",
    wrong=unit("dropins:\n  - name: one\n    contents: '[Unit]'"),
    right=unit("dropins:\n  - name: one.conf\n    contents: '[Unit]'"),
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
