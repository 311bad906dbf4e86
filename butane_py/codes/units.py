"""Codes of systemd units and quadlets."""

from __future__ import annotations

from butane_py.codes.code import Code, unit

_NEW = "fcos 1.8.0-experimental"
_TEXT = "|\n    [Service]\n    ExecStart=/bin/true\n"
_INSTALL = "    [Install]\n    WantedBy=multi-user.target\n"
_TEMPLATE = "systemd:\n  units:\n    - name: one@.service\n      contents: |\n        [Service]\n        ExecStart=/bin/true\n{}    - name: one@a.service\n      enabled: true\n"

UNITS = (
    Code("unit-name", "A unit's name has no type", "The name of a unit ends in .service, .socket, .mount, .timer and so on.",
         unit("enabled: true", "example"), unit("enabled: true")),
    Code("unit-contents", "A unit's text cannot be read", "The text is not that of a unit: sections in brackets, settings with an equals sign.",
         unit("contents: '[Service'"), unit(f"contents: {_TEXT}")),
    Code("unit-no-install", "A unit is enabled and cannot be", "Enabling a unit makes the links that its [Install] section names. There is none.",
         unit(f"enabled: true\ncontents: {_TEXT}"), unit(f"enabled: true\ncontents: {_TEXT}{_INSTALL}")),
    Code("instance-no-install", "An instance is enabled and its template cannot be", "The template of the instance has no [Install] section.",
         _TEMPLATE.format(""), _TEMPLATE.format("        [Install]\n        WantedBy=multi-user.target\n")),
    Code("unit-sources-too-many", "A unit's text comes from two places", "Give contents or contents_local.",
         unit("contents: '[Unit]'\ncontents_local: a.service"), unit("contents: '[Unit]'")),
    Code("dropin-name", "A drop-in's name does not end in .conf", "systemd reads only *.conf from drop-in directories.",
         unit("dropins:\n  - name: one\n    contents: '[Unit]'"), unit("dropins:\n  - name: one.conf\n    contents: '[Unit]'")),
    Code("quadlet-name", "A quadlet's name has no type", "The name of a quadlet ends in .container, .volume, .network and so on.",
         "systemd:\n  quadlets:\n    - name: web\n      contents: '[Container]'\n", "systemd:\n  quadlets:\n    - name: web.container\n      contents: '[Container]'\n", _NEW),
    Code("quadlet-instance-contents", "An instance of a quadlet has contents", "An instance has the contents of its template.",
         "systemd:\n  quadlets:\n    - name: web@a.container\n      contents: '[Container]'\n",
         "systemd:\n  quadlets:\n    - name: web@.container\n      contents: '[Container]'\n    - name: web@a.container\n", _NEW),
)  # fmt: skip
