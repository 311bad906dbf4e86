"""Fetches everything remote that a config names, side by side, before a stage needs it: into the spool, verified.

    engine.py, before fetch, disks and files -> gather() -> downloads.py -> Fetcher.remote() -> spool.py
    later, in any stage                         Fetcher.content() -> spool.py

Before `disks`, so that a missing file or a wrong digest stops a boot while nothing has been wiped yet. What does not fit
the spool's allowance is requested all the same, which tells whether it exists, and fetched when it is needed.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

from ignition_py.fetch.fetcher import Fetcher
from ignition_py.fetch.urls import needs_network
from ignition_py.spec.tables import Config, Resource
from ignition_py.system.log import Log


def remote_contents(config: Config) -> Iterator[tuple[Resource, str]]:
    """What the stages are going to fetch over the network, and the beginning of a failure's sentence."""
    for file in config.storage.files:
        for resource in (file.contents, *file.append):
            source = resource.source
            if source and not source.startswith("data:") and needs_network(source):
                yield resource, f"contents of {file.path}"
    for volume in config.storage.luks:
        if needs_network(volume.key_file.source or ""):
            yield volume.key_file, f"key file of LUKS volume {volume.name}"


def gather(fetcher: Fetcher, config: Config, log: Log, *, afresh: bool = False) -> None:
    """Fills `fetcher.spool`. `afresh` throws away what is in it. Raises FetchError for the entry that could not be fetched."""
    wanted = list(remote_contents(config))
    if afresh and not wanted:
        forget(fetcher)
    if not wanted or not fetcher.spool:
        return
    from ignition_py.fetch.downloads import fill

    try:
        fill(fetcher, wanted, log, afresh=afresh)
    except OSError as error:
        log.warning(f"nothing can be kept in {fetcher.spool} ({error.strerror}); contents are fetched one by one")


def forget(fetcher: Fetcher) -> None:
    """Removes the spool, which has served, or failed to. Errors are ignored: the folder goes with the initramfs's /run."""
    if not os.path.lexists(fetcher.spool):
        return
    from ignition_py.fetch.downloads import empty

    try:
        empty(fetcher.spool)
    except OSError:
        return
