"""An Ignition config that is there already, in the first form of the ladder that its recipient takes (butane_py/deliver/ladder.py)."""

from __future__ import annotations

from typing import Any

from butane_py.decompiler.unpack import contents_of
from butane_py.deliver.forms import IGNITION
from butane_py.deliver.ladder import Wish, climb
from butane_py.deliver.versions import fitted
from butane_py.deliver.wishes import wished
from butane_py.resources import unpacked_url
from ignition_py.record import Record
from ignition_py.report.diag import ConfigError
from ignition_py.spec import tables
from ignition_py.spec.encode import to_data, to_json
from ignition_py.spec.read import EmptyConfig, parse


class Packed(Record):
    """What a machine is to be given; `form` is "plain" or "wrapped". warning: "" where nothing is to be said."""

    user_data: bytes
    form: str
    warning: str = ""

    HIDDEN = ("user_data",)


def pack(data: bytes, recipient: str, name: str = "<config>") -> Packed:
    """An Ignition config for a platform or consumer, as of --for.

    Raises ConfigError for a config that is not valid, that the recipient cannot read, or that is too large in each form; DeliveryError
    for an unknown recipient.
    """
    wish = wished(recipient, "", IGNITION)
    document = _readable(data, name, wish)
    delivery, fits = climb(wish, to_json(document).encode(), lambda: to_json(_unpacked(document)).encode())
    if fits:
        return Packed(delivery.user_data, delivery.form)
    message = f"{name} has {delivery.form} {wish.counted(delivery):,} {wish.recipient.unit}; {wish.recipient.name} takes {wish.limit:,}"
    if wish.recipient.sure:
        raise ConfigError(message, hint="Embed less, or publish it with butane-py build --publish")
    return Packed(delivery.user_data, delivery.form, f"{message}, as far as is known")


def _readable(data: bytes, name: str, wish: Wish) -> dict[str, Any]:
    """The config in a version that the recipient reads. Raises ConfigError."""
    try:
        config, version, report = parse(data, name)
    except EmptyConfig:
        raise ConfigError(f"{name} is empty") from None
    if config is None or report.fatal:
        raise ConfigError(f"{name} is not a valid Ignition config", report)
    config, version, report = fitted(config, version, wish.recipient)
    if report.fatal:
        raise ConfigError(f"{name} is newer than {wish.recipient.name} reads", report)
    return to_data(config, version)


def _unpacked(value: Any) -> Any:
    """The same with its embedded contents uncompressed, so that the config compresses well as a whole."""
    if isinstance(value, list):
        return [_unpacked(item) for item in value]
    if not isinstance(value, dict):
        return value
    if value.get("compression") == "gzip" and isinstance(value.get("source"), str):
        contents = contents_of(tables.Resource(source=value["source"], compression="gzip"))
        if contents is not None:
            return {**value, "compression": "", "source": unpacked_url(contents)}
    return {key: _unpacked(item) for key, item in value.items()}
