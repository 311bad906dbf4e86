"""The ladder of `--for`: a config as it is, wrapped, or behind a pointer; the first form that fits is taken.

Wrapped: contents lie uncompressed in the config, which is compressed as a whole and handed over in `ignition.config.replace` of a
config of version 3.1.0, as a data URL. Every Ignition since 2.3.0 reads that, without network. Pointer: the config is published under a
name that comes from its contents, and the user data names it with its SHA-512.
"""

from __future__ import annotations

from binascii import b2a_base64
from collections.abc import Callable, Iterator

from butane_py.deliver.model import FORMS, PLAIN, POINTER, WRAPPED, Delivery, Part
from butane_py.deliver.recipients import Recipient
from butane_py.resources import gzip_stream
from ignition_py.record import KW_ONLY, Record
from ignition_py.spec.encode import to_json

Address = Callable[[str], str]
OLDEST = "3.1.0"  # the first version with `compression` in ignition.config.replace


class Wish(Record):
    """How configs are to be delivered.

    form: the one form that is wanted, "" for the first that fits. emit: the form of --emit that the user data is written in.
    address: the URL of a part by its name, None where nothing is published. secrets: what is done with secrets, "" to refuse them where
    others can read the user data.
    """

    recipient: Recipient
    _: KW_ONLY
    form: str = ""
    emit: str = "ignition"
    address: Address | None = None
    secrets: str = ""

    def fits(self, user_data: bytes) -> bool:
        """True if user data is within the limit of the recipient."""
        limit = self.recipient.limit(self.emit)
        return limit is None or self.recipient.counted(user_data, self.emit) <= limit


def climb(wish: Wish, plain: bytes, unpacked: Callable[[], bytes]) -> tuple[Delivery, bool]:
    """The first delivery of the ladder that fits, or the smallest one, and whether it fits.

    `plain` is the config as it is, `unpacked` makes the same config with its contents uncompressed, which costs a compilation.
    """
    smallest: Delivery | None = None
    for delivery in _rungs(wish, plain, unpacked):
        if wish.fits(delivery.user_data):
            return delivery, True
        if smallest is None or len(delivery.user_data) < len(smallest.user_data):
            smallest = delivery
    assert smallest is not None  # a wish for a pointer has an address
    return smallest, False


def _rungs(wish: Wish, plain: bytes, unpacked: Callable[[], bytes]) -> Iterator[Delivery]:
    forms = [wish.form] if wish.form else FORMS
    if PLAIN in forms:
        yield Delivery(PLAIN, plain)
    if WRAPPED in forms:
        yield Delivery(WRAPPED, wrapped(unpacked()))
    if POINTER in forms and wish.address is not None:
        yield pointer(plain, wish.address)


def wrapped(config: bytes) -> bytes:
    """The config in a data URL, compressed, in `ignition.config.replace` of a config of version 3.1.0; the same bytes each time."""
    source = "data:;base64," + b2a_base64(gzip_stream(config), newline=False).decode("ascii")
    return _replaced({"compression": "gzip", "source": source})


def pointer(config: bytes, address: Address) -> Delivery:
    """A config that names `config` by its address and its hash, and `config` as the part to be published."""
    part = Part.of(config)
    user_data = _replaced({"source": address(part.name), "verification": {"hash": part.hash}})
    return Delivery(POINTER, user_data, (part,))


def _replaced(resource: dict[str, object]) -> bytes:
    return to_json({"ignition": {"config": {"replace": resource}, "version": OLDEST}}).encode()
