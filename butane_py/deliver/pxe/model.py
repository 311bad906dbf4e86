"""The machines of a boot tree, and what they boot."""

from __future__ import annotations

from ignition_py.record import KW_ONLY, Record

MAC, UUID = "mac", "uuid"
SECONDS = 30  # that a message stays on the console before the machine goes on


class Config(Record):
    """A config of the tree: its bytes, and whether the build made it for its owner only (mode 0600)."""

    data: bytes
    private: bool


class Machine(Record):
    """A machine: its host's name, MAC addresses or UUID (lower case, with colons or dashes), and the name of its config's file.

    `sha512` is the config's digest, `arguments` are kernel arguments of its own, `address` is for DHCP, "" for any.
    """

    name: str
    keys: tuple[str, ...]
    config: str
    sha512: str
    _: KW_ONLY
    arguments: tuple[str, ...] = ()
    address: str = ""


class Boot(Record):
    """What all machines of the tree boot. `by` is MAC or UUID, `folder` where the configs are below `base_url`.

    `kernel` and `initrds` are URLs, or paths below `base_url`.
    """

    base_url: str
    kernel: str
    initrds: tuple[str, ...]
    arguments: tuple[str, ...]
    _: KW_ONLY
    by: str = MAC
    folder: str = "ign"

    def url(self, path: str) -> str:
        """The URL of a file that is a URL already, or a path of the tree."""
        return path if "://" in path else f"{self.base_url}/{path}"

    def config_url(self, machine: Machine) -> str:
        """What the machine fetches its config from."""
        return self.url(f"{self.folder}/{machine.config}")

    def command_line(self, machine: Machine) -> tuple[str, ...]:
        """The kernel arguments of a machine: the first boot, its config and the digest that this has to have (docs/platforms.md)."""
        own = (
            "ignition.firstboot",
            "ignition.platform.id=metal",
            f"ignition.config.url={self.config_url(machine)}",
            f"ignition.config.hash=sha512-{machine.sha512}",
        )
        return (*own, *self.arguments, *machine.arguments)
