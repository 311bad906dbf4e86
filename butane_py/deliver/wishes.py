"""From the words of a command line to a wish: who gets the configs, in which form, written how."""

from __future__ import annotations

from butane_py.deliver.forms import BY_NAME
from butane_py.deliver.ladder import Address, Wish
from butane_py.deliver.model import POINTER, DeliveryError
from butane_py.deliver.recipients import NOBODY, choose
from butane_py.deliver.secrets.modes import REFUSED, Keeping


def wished(
    recipient: str, form: str, emit: str, address: Address | None = None, *, secrets: Keeping | None = None, split: bool = False
) -> Wish:
    """The wish for what --for ("": nobody), --form ("": the first that fits) and --emit name. Raises DeliveryError.

    A form of --emit that one platform's tools read stands for that platform.
    """
    written = BY_NAME[emit]
    found = choose(recipient or written.platform) if recipient or written.platform else NOBODY
    platform = found.platform
    if written.platform and (platform is None or platform.name != written.platform):
        raise DeliveryError(f"--emit {emit} is for {written.platform}, not for {found.name}")
    if written.unpacked and platform is not None and not platform.unpacks:
        raise DeliveryError(f"--emit {emit}: Ignition does not unpack user data of {found.name}; --form wrapped packs a config anywhere")
    if form == POINTER and address is None:
        raise DeliveryError("--form pointer publishes the config: give --publish")
    if split and address is None:
        raise DeliveryError("--split-common publishes what hosts have in common: give --publish")
    return Wish(found, form=form, emit=written, address=address, secrets=secrets or REFUSED, split=split)
