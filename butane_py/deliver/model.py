"""What a host gets: the config that is handed over as its user data, and the objects that are published for it to fetch."""

from __future__ import annotations

import hashlib

from ignition_py.record import Record
from ignition_py.report.diag import IgnitionError

PLAIN, WRAPPED, POINTER = "plain", "wrapped", "pointer"
FORMS = (PLAIN, WRAPPED, POINTER)
_NAME_DIGITS = 16  # hexadecimal digits of the SHA-512 in the name of an object


class DeliveryError(IgnitionError):
    """A config cannot be delivered: published, embedded or handed over."""


class Part(Record):
    """An object to be published. It never changes once it is written: its name comes from its contents.

    name: the first 16 hexadecimal digits of the SHA-512 of `data`, and a suffix. private: it goes to the private destination.
    """

    name: str
    data: bytes
    private: bool = False

    HIDDEN = ("data",)

    @classmethod
    def of(cls, data: bytes, suffix: str = ".ign", *, private: bool = False) -> Part:
        """The part for `data`, under the name that its contents give it."""
        return cls(hashlib.sha512(data).hexdigest()[:_NAME_DIGITS] + suffix, data, private)

    @property
    def sha512(self) -> str:
        """The SHA-512 of the contents in hexadecimal; `sha512-` and this is the value of `verification.hash`."""
        return hashlib.sha512(self.data).hexdigest()


class Delivery(Record):
    """What one host gets.

    form: "plain", "wrapped" or "pointer". user_data: the Ignition config to hand over, before the platform's encoding.
    parts: what has to be published before a machine gets the user data. spec: the version of the config that the machine applies.
    """

    form: str
    user_data: bytes
    parts: tuple[Part, ...] = ()
    spec: str = ""

    HIDDEN = ("user_data",)
