"""What the old specs refuse and spec 3 cannot see any more, once paths are joined and options added up.

Called by storage.py and config.py while they read an entry; everything else is checked on what came out, by the rules of
spec 3. Facts: the published specifications 1 and 2.0 to 2.4, and what their validator does.
"""

from __future__ import annotations

from ignition_py.spec.legacy.reader import Reader
from ignition_py.spec.unitfile import UnitError, sections_with_settings

# What came after 2.0 -> minor version of spec 2. What spec 3.1 does not know is refused by its own rules.
_SCHEMES_SINCE = {"tftp": 1, "s3": 1}
_FORMATS_SINCE = {"swap": 1, "vfat": 1}
_SECTORS = ("size", "start")
_MIB = ("sizeMiB", "startMiB")
_ACCOUNT = (
    "uid", "gecos", "homeDir", "noCreateHome", "primaryGroup", "groups", "noUserGroup", "noLogInit", "shell", "system",
)  # fmt: skip


def absolute(it: Reader, name: str) -> None:
    """The path of a file starts with a slash, also where it is below a filesystem."""
    path = it.text(name)
    if not path.startswith("/"):
        it.refuse("path-relative", f"{path!r} is relative; a path starts with /", name)


def scheme(it: Reader, source: str) -> None:
    """The schemes that a source of this version may have."""
    found = source.partition(":")[0].lower()
    if it.version < _SCHEMES_SINCE.get(found, it.version):
        it.refuse("url-scheme", f"the scheme {found!r} came with 2.{_SCHEMES_SINCE[found]}.0", "source")


def format_known(it: Reader, name: str) -> None:
    if it.version < _FORMATS_SINCE.get(name, it.version):
        it.refuse("format-unknown", f"the format {name!r} came with 2.{_FORMATS_SINCE[name]}.0", "format")


def one_unit_of_size(it: Reader) -> None:
    """The partitions of a disk are all counted in sectors or all in MiB."""
    partitions = [each for each in it.raw.get("partitions") or () if isinstance(each, dict)]
    given = [any(each.get(name) is not None for each in partitions for name in names) for names in (_SECTORS, _MIB)]
    if it.version >= 3 and all(given):
        it.refuse("partition-units", "some partitions of this disk are counted in sectors, some in MiB", "partitions")


def create_alone(mount: Reader) -> None:
    """`create` is the older way to say `wipeFilesystem` and `options`; both at once contradict each other."""
    for name in ("wipeFilesystem", "options"):
        if mount.has("create", since=1) and mount.raw.get(name):
            mount.refuse("create-and-more", f"give either create or {name}: create says the same in an older way", name)


def account_alone(it: Reader) -> None:
    """`create` is the older way to describe an account."""
    for name in _ACCOUNT:
        value = it.raw.get(name)
        if it.has("create", since=1) and (value or (name == "uid" and value is not None)):
            it.refuse("create-and-more", f"give either create or {name}: create says the same in an older way", name)


def append_or_overwrite(it: Reader) -> None:
    if it.on("append", since=2) and it.on("overwrite", since=2):
        it.refuse("append-and-overwrite", "a file is either appended to or overwritten", "overwrite")


def unit_text(it: Reader) -> None:
    """networkd's units have the syntax of systemd's."""
    try:
        sections_with_settings(it.text("contents"))
    except UnitError as error:
        it.refuse("unit-contents", f"this is not unit text: {error}", "contents")
