"""What all stores have in common: an object is created once, compared where it exists already, and never overwritten."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator

from butane_py.deliver.model import DeliveryError
from butane_py.deliver.publish.store import Refused, checked_name

LIMIT = 64 << 20  # bytes of an object; longer ones are not ours


class Objects(ABC):
    """A store, from the four operations that its server has. `where` is the destination as messages show it."""

    def __init__(self, where: str, base_url: str) -> None:
        self.where = where
        self._base_url = base_url

    def base(self) -> str:
        """The URL that machines fetch all objects below. Raises DeliveryError where it is not known."""
        if not self._base_url:
            raise DeliveryError(
                f"{self.where}: the URL that machines fetch these files from is not known",
                hint="Give it with --publish-url, for example --publish-url https://config.example.com/ign",
            )
        return self._base_url

    def url(self, name: str) -> str:
        """The URL that a machine fetches the object from. Raises DeliveryError."""
        checked_name(name)
        return f"{self.base()}/{name}"

    def read(self, name: str) -> bytes | None:
        """The contents; None where the object does not exist. Raises DeliveryError."""
        data = self._get(checked_name(name))
        if data is not None and len(data) > LIMIT:
            raise DeliveryError(f"{self.where}: {name} is longer than {LIMIT >> 20} MiB")
        return data

    def write(self, name: str, data: bytes, *, host: str = "") -> bool:
        """Creates the object; False where it is there with the same contents. Raises Refused, DeliveryError."""
        held = self.read(name)
        if held is None:
            if self._create(name, data, host):
                return True
            held = self.read(name)  # somebody else was faster
            if held is None:
                raise DeliveryError(f"{self.where}: {name} came and went while it was written; run the command again")
        if held != data:
            raise Refused(
                f"{self.where}: {name} is there with other contents, and is not overwritten",
                hint="Machines may be fetching it; publish to another prefix, or find out who has changed it",
            )
        return False

    @abstractmethod
    def _get(self, name: str) -> bytes | None:
        """The contents, at most LIMIT + 1 bytes of them; None where the object does not exist. Raises DeliveryError."""

    @abstractmethod
    def _create(self, name: str, data: bytes, host: str) -> bool:
        """Creates the object, whole or not at all; False where the server says that it exists. Raises DeliveryError."""

    @abstractmethod
    def names(self) -> Iterator[str]:
        """The names of all objects. Raises DeliveryError, NotListed."""

    @abstractmethod
    def remove(self, name: str) -> None:
        """Removes the object; without effect where it does not exist. Raises DeliveryError."""
