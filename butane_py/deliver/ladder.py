"""The ladder of `--for`: a config as it is, wrapped, or behind a pointer; the first form that fits is taken.

Wrapped: contents lie uncompressed in the config, which is compressed as a whole and handed over in `ignition.config.replace` of a
config of version 3.1.0, as a data URL. Every Ignition since 2.3.0 reads that, without network. (Contents that are compressed twice may
be smaller, if they are one text over and over: the smaller of the two is taken.) Pointer: the config is published under a name that comes
from its contents, and the user data names it with its SHA-512.
"""

from __future__ import annotations

import json
from binascii import b2a_base64
from collections.abc import Callable, Iterator, Mapping

from butane_py.deliver.forms import BY_NAME, IGNITION, Form, tfvars
from butane_py.deliver.model import FORMS, PLAIN, POINTER, WRAPPED, Delivery, Part
from butane_py.deliver.recipients import Recipient
from butane_py.deliver.secrets.modes import REFUSED, Keeping
from butane_py.resources import gzip_stream
from ignition_py.record import KW_ONLY, Record
from ignition_py.spec.encode import to_json

Address = Callable[[Part], str]
_FETCHING = ("proxy", "security", "timeouts")  # of `ignition`: how resources are fetched, the certificate authorities among them
OLDEST = "3.1.0"  # the first version with `compression` in ignition.config.replace


class Wish(Record):
    """How configs are to be delivered.

    form: the one form that is wanted, "" for the first that fits. emit: how the user data is written. address: the URL of a part, None
    where nothing is published. secrets: what is done with secrets. split: True if what hosts have in common is published once
    (deliver/common.py).
    """

    recipient: Recipient
    _: KW_ONLY
    form: str = ""
    emit: Form = BY_NAME[IGNITION]
    address: Address | None = None
    secrets: Keeping = REFUSED
    split: bool = False

    @property
    def limit(self) -> int | None:
        """The limit of the recipient; None for none."""
        return self.recipient.limit(self.emit)

    def counted(self, delivery: Delivery) -> int:
        """How much of the limit a delivery takes."""
        return self.recipient.counted(delivery.user_data, self.emit)

    def written(self, host: str, delivery: Delivery) -> bytes:
        """The text that hands over the delivery of a host, "" without an inventory, where it is the only one."""
        if self.emit.fleet:
            return tfvars({host: delivery.user_data})
        return self.emit.write(host, delivery.user_data)


def climb(wish: Wish, plain: bytes, unpacked: Callable[[], bytes], *, private: bool = False) -> tuple[Delivery, bool]:
    """The first delivery of the ladder that fits, or the smallest one, and whether it fits.

    `plain` is the config as it is, `unpacked` makes the same config with its contents uncompressed, which costs a compilation.
    private: the config holds secrets. Raises DeliveryError where it would have to be published and has no private place.
    """
    smallest: Delivery | None = None
    for delivery in _rungs(wish, plain, unpacked, private=private):
        if wish.limit is None or wish.counted(delivery) <= wish.limit:
            return delivery, True
        smallest = smallest or delivery
        if wish.counted(delivery) < wish.counted(smallest):
            smallest = delivery
    assert smallest is not None  # a wish for a pointer has an address
    return smallest, False


def _rungs(wish: Wish, plain: bytes, unpacked: Callable[[], bytes], *, private: bool) -> Iterator[Delivery]:
    forms = [wish.form] if wish.form else FORMS
    if PLAIN in forms:
        yield Delivery(PLAIN, plain)
    if WRAPPED in forms and (wish.form or wish.recipient.spec != 0):
        yield Delivery(WRAPPED, min(wrapped(unpacked()), wrapped(plain), key=len))
    if POINTER in forms and wish.address is not None:
        yield pointer(plain, wish.address, "3.0.0" if wish.recipient.spec == 0 else OLDEST, private=private)


def wrapped(config: bytes) -> bytes:
    """The config in a data URL, compressed, in `ignition.config.replace` of a config of version 3.1.0; the same bytes each time."""
    source = "data:;base64," + b2a_base64(gzip_stream(config), newline=False).decode("ascii")
    return _replaced({"compression": "gzip", "source": source})


def pointer(config: bytes, address: Address, version: str = OLDEST, *, private: bool = False) -> Delivery:
    """A config that names `config` by its address and its hash, and `config` as the part to be published.

    It has the settings of `config` that say how to fetch, since they count for fetching `config` too.
    """
    part = Part.of(config, private=private)
    ignition = json.loads(config)["ignition"]
    settings = {name: ignition[name] for name in _FETCHING if name in ignition}
    return Delivery(POINTER, _replaced(reference(part, address), version, settings), (part,))


def reference(part: Part, address: Address) -> dict[str, object]:
    """What names a part in a config: its URL and its hash."""
    return {"source": address(part), "verification": {"hash": f"sha512-{part.sha512}"}}


def _replaced(resource: dict[str, object], version: str = OLDEST, settings: Mapping[str, object] | None = None) -> bytes:
    return to_json({"ignition": {"config": {"replace": resource}, **(settings or {}), "version": version}}).encode()
