"""Which reports are wanted: words of the kernel command line, else settings of the image.

    ignition.report.url=URL           IGNITION_REPORT=URL, IGNITION_REPORT=platform, or both with a space between
    ignition.report.format=FORMAT     IGNITION_REPORT_FORMAT=json or phone-home
    ignition.report.started=1         IGNITION_REPORT_STARTED=1 (the generator makes the latter of the former)

The last word of a kind counts, as everywhere on the command line. A URL may hold a token: it is in no log and in no error.
"""

from __future__ import annotations

from collections.abc import Mapping

from ignition_py.record import Record
from ignition_py.report.diag import IgnitionError
from ignition_py.system.host import kernel_command_line

JSON, PHONE_HOME = FORMATS = ("json", "phone-home")
PLATFORM = "platform"
FOLDER = "notify"  # what processes of a boot leave to each other, below the folder of the stages' files
REPORT_URL, _FORMAT = "ignition.report.url", "ignition.report.format"
_COMMAND_LINE = "IGNITION_KERNEL_CMDLINE_PATH"  # a test's


class Wanted(Record):
    """Where reports go: a URL ("" for none) with the format of its body, and the sinks of the platform. `wrong`: what is not
    understood, one sentence each."""

    HIDDEN = ("url",)

    url: str = ""
    format: str = JSON
    platform: bool = False
    wrong: tuple[str, ...] = ()


def wanted(environ: Mapping[str, str]) -> Wanted:
    """What command line and image ask for. Raises IgnitionError where the command line cannot be read."""
    given = {REPORT_URL: "", _FORMAT: ""}
    for word in kernel_command_line(environ.get(_COMMAND_LINE, "")).split():
        name, _, value = word.partition("=")
        if name in given and value:
            given[name] = value.strip('"')
    named = environ.get("IGNITION_REPORT", "").split()
    urls = [word for word in named if word != PLATFORM]
    wrong = []
    found = Wanted(given[REPORT_URL] or (urls[-1] if urls else ""), platform=PLATFORM in named)
    if found.url and not found.url.startswith(("http://", "https://")):
        found.url = ""
        wrong.append(f"{REPORT_URL if given[REPORT_URL] else 'IGNITION_REPORT'} is no URL of http or https")
    form = given[_FORMAT] or environ.get("IGNITION_REPORT_FORMAT", "")
    if form in FORMATS:
        found.format = form
    elif form:
        wrong.append(f"{_FORMAT} is json or phone-home")
    found.wrong = tuple(wrong)
    return found


def told_host(url: str) -> str:
    """What a log may show of a report's URL: scheme and host. The path may be a token. Raises IgnitionError for no URL."""
    head, slashes, rest = url.partition("//")
    host = rest.partition("/")[0].partition("?")[0].partition("#")[0].rpartition("@")[2]
    if not slashes or not host.isprintable():
        raise IgnitionError("the URL for reports is not valid")
    return f"{head}//{host}"
