"""What is done with secrets, as the command line says it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from butane_py.deliver.model import DeliveryError
from ignition_py.record import Record

if TYPE_CHECKING:
    from butane_py.deliver.publish.store import Store
    from butane_py.deliver.secrets.jwe import TangServer

INLINE, SPLIT, TANG = MODES = ("inline", "split", "tang")


class Keeping(Record):
    """What is done with secrets.

    mode: one of MODES, "" to refuse them where others can read the user data. salt: the key of the nonces of private configs, for
    `split`. server: who decrypts, for `tang`.
    """

    mode: str = ""
    salt: bytes = b""
    server: TangServer | None = None

    HIDDEN = ("salt",)


REFUSED = Keeping()


def keeping(mode: str, tang: str = "", store: Store | None = None, *, dry_run: bool = False) -> Keeping:
    """What --secrets and --tang say; `store` is the place that private parts are published to. Raises DeliveryError."""
    if tang and mode != TANG:
        raise DeliveryError("--tang goes with --secrets tang")
    if mode == TANG:
        from butane_py.deliver.secrets.jwe import tang_server

        if not tang:
            raise DeliveryError("--secrets tang needs the server: --tang URL,adv=FILE")
        return Keeping(mode, server=tang_server(tang))
    if mode == SPLIT:
        from butane_py.deliver.secrets.salt import salt_of

        if store is None:
            raise DeliveryError("--secrets split publishes the secrets to a private place: name it with --publish-private")
        return Keeping(mode, salt=salt_of(store, dry_run=dry_run))
    return Keeping(mode)
