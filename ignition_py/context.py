"""What a stage is started with, and what it is given to work with."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from ignition_py.fetch.fetcher import Fetcher
from ignition_py.record import KW_ONLY, Record
from ignition_py.spec.tables import Config
from ignition_py.state import State
from ignition_py.system.log import Log


class Options(Record):
    """How one run of a stage was asked for: the command line of `ignition`, and the environment of the image's units.

    `root` is where the new root is mounted ("/sysroot" in an initramfs, "/" otherwise). `timeout` (seconds, 0 for none) covers
    fetching before there is a config. `folder` holds what the stages of a boot leave to each other. `flatcar`: the image
    asks for Flatcar's ways (flatcar.py).
    """

    _: KW_ONLY
    stage: str
    platform: str
    root: str
    config_cache: str
    state_file: str
    neednet: str
    timeout: float
    folder: str
    environ: Mapping[str, str]
    flatcar: bool = False


class Context(Record):
    """The config (merged, newest version), the mounted new root, and the doors to log, state and network.

    `root` is the path of the new root as the stage sees it. `state` outlives the process: what a stage puts there, later
    stages find. It is saved when the stage has succeeded; `save_state` saves it at once, for a run that is cut off. Raises IgnitionError.
    """

    _: KW_ONLY
    config: Config
    root: str
    log: Log
    state: State
    fetcher: Fetcher
    platform: str = ""
    save_state: Callable[[], object] = bool
