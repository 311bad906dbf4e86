"""What `--for NAME[:VERSION]` names: a platform, by its limit, or a consumer of configs, by the newest version that it reads."""

from __future__ import annotations

from butane_py.deliver.model import DeliveryError
from butane_py.deliver.platforms import BASE64, BY_NAME, ENCODED, Platform, base64_length
from ignition_py.record import KW_ONLY, Record


class Recipient(Record):
    """Who gets a config.

    name: as reports call it. platform: its row, None for a consumer. spec: the newest minor version that is read, None for all.
    """

    name: str
    _: KW_ONLY
    platform: Platform | None = None
    spec: int | None = None

    @property
    def sure(self) -> bool:
        """True if a config over the limit is refused."""
        return self.platform is not None and self.platform.sure

    def limit(self, form: str) -> int | None:
        """The limit of user data that is handed over in a form of --emit, in the unit of `counted`; None for none."""
        if self.platform is None:
            return None
        return self.platform.forms.get(form, self.platform.limit)

    def counted(self, user_data: bytes, form: str) -> int:
        """How much of the limit a config takes that is handed over in a form of --emit."""
        platform = self.platform
        if platform is None or form in platform.forms or platform.counted not in (BASE64, ENCODED):
            return len(user_data)
        return base64_length(len(user_data))


def choose(text: str) -> Recipient:
    """The recipient of this name. Raises DeliveryError for an unknown one."""
    name, _, version = text.partition(":")
    platform = BY_NAME.get(name)
    if platform is not None:
        if version:
            raise DeliveryError(f"platform {name} has no versions: give --for {name}")
        return Recipient(name, platform=platform)
    from ignition_py.programs.commands import did_you_mean

    raise DeliveryError(f"there is no platform or consumer {name!r}{did_you_mean(name, names())}")


def names() -> list[str]:
    """All names that --for takes, without versions."""
    return [*BY_NAME]
