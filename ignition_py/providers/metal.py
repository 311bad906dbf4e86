"""Platform `metal`: the machine has no place of its own for a config.

One can be named on the kernel command line (`ignition.config.url`, cmdline.py) or be built into the image (`user.ign`,
baseconfig.py), as on every platform; both are asked before this.
"""

from __future__ import annotations

from ignition_py.providers import Machine


def fetch(machine: Machine) -> bytes | None:
    """No config."""
    machine.log.debug("platform metal has no config of its own")
    return b""
