"""`ignition-py fetch`: gets the config as a boot would, and says where it came from, or prints it.

It changes nothing. Sources are asked in the order of a boot: kernel command line, the image's user.ign, a filesystem labelled
`ignition` where the image wants that, the platform. What is asked on the way goes to standard error. A config can hold
secrets, so it is printed only when asked for.
"""

from __future__ import annotations

import os
from hashlib import sha512

from ignition_py.config_sources import first_config
from ignition_py.fetch.fetcher import Fetcher
from ignition_py.providers import Machine
from ignition_py.record import Record
from ignition_py.system.log import Log, Stream

TIMEOUT = 10.0  # seconds; somebody is waiting


class Found(Record):
    """A machine's config: what kind of source named it, where it was, and its bytes."""

    kind: str
    source: str
    data: bytes

    def described(self) -> str:
        """Source, size and digest, without the config."""
        lines = [f"named by: {self.kind}"] + ([f"found at: {self.source}"] if self.source else [])
        if self.data:
            lines += [f"size: {len(self.data)} bytes", f"sha512: {sha512(self.data).hexdigest()}"]
        else:
            lines.append("there is no config")
        return "\n".join(lines) + "\n"


def fetch(platform: str, timeout: float = TIMEOUT) -> Found:
    """The config of this machine, without what it merges; `timeout` seconds are for each source, 0 is no limit. Raises IgnitionError."""
    log = Log(Stream("stderr", named=False))  # standard output is for the config
    fetcher = Fetcher(log, limit=timeout, trusted_time=os.environ.get("IGNITION_TRUSTED_TIME", ""))
    machine = Machine(log=log, fetcher=fetcher, environ=os.environ)
    found = first_config(machine, platform, labelled=True)
    return Found(found.source, machine.source, found.data)
