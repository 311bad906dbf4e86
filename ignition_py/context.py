"""What a stage is given to work with; `engine.py` makes one for each run of a stage."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ignition_py.fetch.fetcher import Fetcher
    from ignition_py.spec.tables import Config
    from ignition_py.state import State
    from ignition_py.system.log import Log


class Context:
    """The config (merged, newest version), the mounted new root, and the doors to log, state and network.

    `root` is the path of the new root as the stage sees it ("/sysroot" in an initramfs, "/" otherwise). `state`
    outlives the process: what a stage puts there, later stages find.
    """

    __slots__ = ("config", "fetcher", "log", "platform", "root", "state")

    def __init__(
        self, *, config: Config, root: str, log: Log, state: State, fetcher: Fetcher, platform: str = ""
    ) -> None:
        self.config = config
        self.root = root
        self.log = log
        self.state = state
        self.fetcher = fetcher
        self.platform = platform
