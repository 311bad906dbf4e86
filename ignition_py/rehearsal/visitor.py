"""Adds to a config what lets a rehearsal look into an image that is not ours: one unit with a small agent.

The user's config is merged into one that has only that unit, so that all of it counts, whatever it replaces. Our own image has
an agent already, and gets the config as it is.
"""

from __future__ import annotations

import base64
import json
import os

from ignition_py.rehearsal.image import GUEST

UNIT = "ignition-rehearsal.service"
_TEXT = """[Unit]
Description=Answers the rehearsal's questions
DefaultDependencies=no
After=local-fs.target systemd-udevd.service
Conflicts=shutdown.target
Before=shutdown.target

[Service]
ExecStart=/bin/sh -c "exec /bin/sh -c \\"$$(echo {script} | base64 -d)\\""
Restart=always

[Install]
WantedBy=sysinit.target
"""


def with_agent(config: bytes, version: str) -> bytes:
    """The config (JSON, of that spec version) with the agent's unit."""
    with open(os.path.join(GUEST, "agent.sh"), "rb") as file:
        script = base64.b64encode(file.read()).decode()
    source = "data:;base64," + base64.b64encode(config).decode()
    wrapped = {
        "ignition": {"version": version, "config": {"merge": [{"source": source}]}},
        "systemd": {"units": [{"name": UNIT, "enabled": True, "contents": _TEXT.format(script=script)}]},
    }
    return json.dumps(wrapped).encode()
