"""Codes of systemd units and quadlets."""

from __future__ import annotations

from ignition_py.report.catalog import declare
from ignition_py.report.examples import unit

_NEW = "fcos 1.8.0-experimental"

declare(
    "unit-sources-too-many",
    title="The text of a unit comes from two places",
    why="contents is the text itself, contents_local a file with it. With both, nothing says which counts.",
    fix="Keep contents or contents_local.",
    wrong=unit("contents: '[Unit]'\ncontents_local: a.service"),
    right=unit("contents: '[Unit]'"),
)

declare(
    "quadlet-name",
    title="The name of a quadlet has no type",
    why="Podman tells by the end of the name what a quadlet describes, and ignores files with another ending.",
    fix="End the name with .container, .volume, .network, .kube, .image, .build, .pod or .artifact.",
    wrong="systemd:\n  quadlets:\n    - name: web\n      contents: '[Container]'\n",
    right="systemd:\n  quadlets:\n    - name: web.container\n      contents: '[Container]'\n",
    row=_NEW,
)

declare(
    "quadlet-instance-contents",
    title="An instance of a quadlet has contents of its own",
    why="An instance such as web@a.container is a link to its template web@.container and has the template's contents.",
    fix="Move the contents to the template, or name the quadlet without @.",
    wrong="systemd:\n  quadlets:\n    - name: web@a.container\n      contents: '[Container]'\n",
    right="systemd:\n  quadlets:\n    - name: web@.container\n      contents: '[Container]'\n    - name: web@a.container\n",
    row=_NEW,
)
