"""What `--for` names: a platform, by its limit; a consumer of configs, by the newest version that it reads; or PLATFORM+CONSUMER."""

from __future__ import annotations

from butane_py.deliver import consumers, platforms
from butane_py.deliver.consumers import Consumer
from butane_py.deliver.forms import Form
from butane_py.deliver.model import DeliveryError
from butane_py.deliver.platforms import ENCODED, RAW, SURE, Platform, base64_length
from ignition_py.record import KW_ONLY, Record


class Recipient(Record):
    """Who gets a config.

    name: as reports call it. platform, consumer: their rows, one of the two or both. reader: the consumer with its release. spec: the
    newest minor version that is read, None for all. reads_surely: True if a config that is newer is refused, False if it gets a warning.
    """

    name: str
    _: KW_ONLY
    platform: Platform | None = None
    consumer: Consumer | None = None
    reader: str = ""
    spec: int | None = None
    reads_surely: bool = True

    @property
    def sure(self) -> bool:
        """True if a config over the limit is refused, False if it gets a warning."""
        return self.platform is None or self.platform.sure

    def limit(self, form: Form) -> int | None:
        """The limit of user data that is handed over in this form, in the unit of `counted`; None for none."""
        if self.platform is None:
            return None
        return self.platform.forms.get(form.name, self.platform.limit)

    @property
    def counting(self) -> str:
        """How the limit is counted: a key of platforms.COUNTED."""
        return RAW if self.platform is None else self.platform.counted

    @property
    def unit(self) -> str:
        """What the limit counts, in the plural."""
        return "bytes" if self.counting == RAW else "characters of base64"

    def counted(self, user_data: bytes, form: Form) -> int:
        """How much of the limit a config takes that is handed over in this form."""
        platform = self.platform
        if platform is None or platform.counted == RAW or form.name in platform.forms:
            return len(user_data)
        if platform.counted == ENCODED and form.value is not None:
            return len(form.value(user_data))
        return base64_length(len(user_data))


_PAIR = 2  # a platform and a consumer
NOBODY = Recipient("")  # for user data that is only written in some form


def choose(text: str) -> Recipient:
    """The recipient of this name. Raises DeliveryError for an unknown one."""
    first, *others = [_one(part) for part in text.split("+")]
    if not others:
        return first
    pair = sorted((first, *others), key=lambda each: each.platform is None)
    if len(pair) != _PAIR or pair[0].platform is None or pair[1].consumer is None:
        raise DeliveryError(f"{text} is not a platform and a consumer, such as aws+flatcar:3510.2.0")
    return pair[1].but(name=f"{pair[0].name} with {pair[1].name}", platform=pair[0].platform)


def _one(text: str) -> Recipient:
    name, _, version = text.partition(":")
    platform = platforms.BY_NAME.get(name)
    if platform is not None:
        if version:
            raise DeliveryError(f"platform {name} has no versions: give --for {name}")
        return Recipient(name, platform=platform)
    consumer = consumers.BY_NAME.get(name)
    if consumer is not None:
        return _of_consumer(consumer, version)
    from ignition_py.programs.commands import did_you_mean

    raise DeliveryError(f"there is no platform or consumer {name!r}{did_you_mean(name, names())}")


def _of_consumer(consumer: Consumer, version: str) -> Recipient:
    oldest = consumer.releases[0]
    if version and not oldest.version:
        raise DeliveryError(f"{consumer.name} is known without versions: give --for {consumer.name}")
    try:
        release = consumer.release(version)
    except ValueError:
        raise DeliveryError(f"{version!r} is no version of {consumer.name}; write it as in {consumer.name}:{oldest.version}") from None
    if release is None:
        raise DeliveryError(f"{consumer.name} {version} is not known: the oldest release that is known is {oldest.version}")
    name = f"{consumer.name} {version or release.version}".rstrip()
    return Recipient(name, consumer=consumer, reader=name, spec=release.spec, reads_surely=release.confidence == SURE)


def names() -> list[str]:
    """All names that --for takes, without versions."""
    return [*platforms.BY_NAME, *consumers.BY_NAME]
