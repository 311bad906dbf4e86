"""Where a machine's config can come from, in the order in which a boot asks; the first source that has one wins."""

from __future__ import annotations

from collections.abc import Iterator

from ignition_py import baseconfig
from ignition_py.providers import Machine, cmdline, load
from ignition_py.record import Record
from ignition_py.report.diag import IgnitionError


class FoundConfig(Record):
    """A config as a source has it. `name` as the state file and messages have it, `source` in words; `data` is b"" for
    "there is none, go on without one". `url` is what it was fetched from, "" where another source has it. `trusted`: the kernel
    command line pins it, or the image has it."""

    name: str
    source: str
    data: bytes
    url: str = ""
    trusted: bool = False


def first_config(machine: Machine, platform: str, *, labelled: bool) -> FoundConfig:
    """Asks the sources one after the other; `labelled`: a filesystem with the label `ignition` is one.

    A config that is not what the kernel command line pins (`ignition.config.hash`) is refused. Raises IgnitionError.
    """
    text = cmdline.pinned(machine)
    pin = None
    if text is not None:
        from ignition_py.fetch.pin import check, parse  # few machines have one

        pin = parse(text)
    for name, source, data in _sources(machine, platform, labelled):
        if data is not None:
            if pin is not None:
                check(data, pin, machine.source or source)
                machine.log.info(f"the config is the one that the kernel command line pins ({pin[0]})")
            url = cmdline.arguments(machine)[cmdline.URL] if name == "cmdline" else ""
            return FoundConfig(name, source, data, url, trusted=pin is not None or name == "system")
    raise IgnitionError(
        f"platform {platform} has no config source",
        hint="Name the config on the kernel command line (ignition.config.url=), or put a user.ign into the image",
    )


def _sources(machine: Machine, platform: str, labelled: bool) -> Iterator[tuple[str, str, bytes | None]]:
    yield "cmdline", "the kernel command line", cmdline.fetch(machine)
    yield "system", "the image (user.ign)", baseconfig.user(machine.log, machine.environ)
    if labelled:
        from ignition_py.providers import labelled as filesystem  # few images want it

        yield "device", "a filesystem labelled ignition", filesystem.fetch(machine)
    yield platform, f"platform {platform}", load(platform)(machine)
