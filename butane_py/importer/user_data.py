"""User data before it is read: of which kind it is, and the expressions of a template in it.

A cloud-config whose first line is `## template: jinja` is rendered by cloud-init before it is read. Expressions that name metadata of
the instance can stand for what Afterburn knows; each is replaced by a word of its length, so that lines and columns stay.
Sources: user data formats and instance metadata of cloud-init; usage/attributes of Afterburn; "Referencing dynamic data" of Flatcar.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from ignition_py.record import Record
from ignition_py.report.catalog import code
from ignition_py.report.diag import ERROR, Entry, Place, Report

if TYPE_CHECKING:
    from butane_py.importer import Wanted

LARGEST = 16 << 20  # bytes; no platform takes a tenth of it
_HEADER = re.compile(r"#cloud-config\s*\Z")
_JINJA = re.compile(r"##\s*template\s*:\s*jinja\s*\Z", re.IGNORECASE)
_ENDS = {"{{": "}}", "{%": "%}", "{#": "#}"}
_MOST = 100  # different expressions, and reports of them; each expression is looked for in each text
_OPENING = re.compile(r"\{[{%#]")
_PART = r"(?:\.\w+|\[\s*(?:'[\w.-]+'|\"[\w.-]+\")\s*\])"
_METADATA = re.compile(rf"\{{\{{-?\s*(?:ds\s*(?:\.meta_data|\[\s*['\"]meta_data['\"]\s*\])|v1)({_PART}+)\s*-?\}}\}}")
_NAME = re.compile(r"\w[\w-]*")
_HOST = {"hostname": "HOSTNAME", "local_hostname": "HOSTNAME"}
_KERNEL_NAME = dict.fromkeys(_HOST, "$(uname -n)")  # where Afterburn has no attribute for it
# Platform -> its part in the names of Afterburn's variables, and key of the metadata -> attribute. What begins with $ is shell text.
PLATFORMS: dict[str, tuple[str, dict[str, str]]] = {
    "aws": ("AWS", {**_HOST, "public_hostname": "PUBLIC_HOSTNAME", "local_ipv4": "IPV4_LOCAL", "public_ipv4": "IPV4_PUBLIC",
                    "instance_id": "INSTANCE_ID", "instance_type": "INSTANCE_TYPE", "availability_zone": "AVAILABILITY_ZONE",
                    "region": "REGION"}),
    "azure": ("AZURE", {**_KERNEL_NAME, "local_ipv4": "IPV4_DYNAMIC", "public_ipv4": "IPV4_VIRTUAL", "instance_type": "VMSIZE"}),
    "digitalocean": ("DIGITALOCEAN", {**_HOST, "local_ipv4": "IPV4_PRIVATE_0", "public_ipv4": "IPV4_PUBLIC_0", "region": "REGION"}),
    "gcp": ("GCP", {**_HOST, "local_ipv4": "IP_LOCAL_0", "public_ipv4": "IP_EXTERNAL_0", "instance_type": "MACHINE_TYPE"}),
    "hetzner": ("HETZNER", {**_HOST, "instance_id": "INSTANCE_ID", "public_ipv4": "PUBLIC_IPV4", "region": "REGION",
                            "availability_zone": "AVAILABILITY_ZONE"}),
    "openstack": ("OPENSTACK", {**_HOST, "local_ipv4": "IPV4_LOCAL", "public_ipv4": "IPV4_PUBLIC", "instance_id": "INSTANCE_ID",
                                "instance_type": "INSTANCE_TYPE"}),
    "vmware": ("VMWARE", _KERNEL_NAME),
}  # fmt: skip
_FLATCAR_NAMES = {"AWS": "EC2", "GCP": "GCE"}


class UserDataError(Exception):
    """The text is not a cloud-config; `entry` says what it is."""

    def __init__(self, entry: Entry) -> None:
        super().__init__(entry.message)
        self.entry = entry


class UserData(Record):
    """A cloud-config as it is read: its text, in which words stand for the template's expressions.

    `expressions` are those words with the expression and the shell text that gives its value. `headers` is the number of lines
    that cloud-init reads before YAML.
    """

    text: str
    headers: int
    expressions: dict[str, tuple[str, str]]


@code(
    "import-kind",
    title="The text is not a cloud-config",
    why="cloud-init reads several kinds of user data by their first line. Only a cloud-config has keys that can be carried over.",
    fix="Import the cloud-config alone; put scripts into files of the Butane config, with a unit that runs them.",
)
def _wrong_kind(name: str, message: str, hint: str) -> UserDataError:
    return UserDataError(Entry(ERROR, "import-kind", message, Place((), 1, 1, name), hint))


def prepared(data: bytes, name: str, wanted: Wanted, report: Report) -> UserData:
    """The cloud-config of user data, unpacked where it is gzip. Raises UserDataError; reports template expressions."""
    data = _unpacked(data, name)
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        entry = Entry(ERROR, "import-kind", "the text is not UTF-8", Place((), line, 0, name), "save it as UTF-8")
        raise UserDataError(entry) from None
    lines = text.split("\n", 2)
    template = bool(_JINJA.match(lines[0]))
    header = lines[1] if template and len(lines) > 1 else lines[0]
    if not _HEADER.match(header):
        raise _not_cloud_config(data, text, name)
    expressions: dict[str, tuple[str, str]] = {}
    if template:
        text, expressions = _without_expressions(text, name, wanted, report)
    return UserData(text, 1 + template, expressions)


def _unpacked(data: bytes, name: str) -> bytes:
    if data[:2] == b"\x1f\x8b":
        import zlib

        unpacker = zlib.decompressobj(wbits=31)
        try:
            data = unpacker.decompress(data, LARGEST + 1)
        except zlib.error:
            raise _wrong_kind(name, "the gzip data is damaged", "pack the file again") from None
        if not unpacker.eof and len(data) <= LARGEST:
            raise _wrong_kind(name, "the gzip data ends early", "copy the whole file")
    if len(data) > LARGEST:
        raise _wrong_kind(
            name, f"the text is larger than {LARGEST >> 20} MiB", "no platform takes user data of that size"
        )
    return data


def _not_cloud_config(data: bytes, text: str, name: str) -> UserDataError:
    from ignition_py.spec.kinds import what_is

    kind = what_is(data)
    if kind is not None and kind.name == "mime":
        hint = "unpack its parts (cloud-init devel make-mime made them) and import the one of type text/cloud-config"
        return _wrong_kind(name, "this is MIME multipart user data, of which each part is a text of its own", hint)
    if kind is not None and kind.name == "cloud-init":
        hint = "import the cloud-config that it leads to; what it includes is fetched by the machine"
        return _wrong_kind(name, f"this is {kind.what} ({text.splitlines()[0][:40]}), not a cloud-config", hint)
    if kind is not None and kind.name == "script":
        return _wrong_kind(name, "this is a script, not a cloud-config", kind.for_butane)
    if kind is not None and kind.name == "butane":
        return _wrong_kind(name, "this is a Butane config already", "compile it with butane-py")
    if re.search(r"^kind:\s*Secret\b", text, re.MULTILINE):
        hint = "take the bootstrap data out of it: kubectl get secret NAME -o jsonpath='{.data.value}' | base64 -d"
        return _wrong_kind(name, "this is a Kubernetes Secret, not a cloud-config", hint)
    if not text.strip():
        return _wrong_kind(name, "the text is empty", "name the file with the cloud-config")
    if re.fullmatch(r"[A-Za-z0-9+/=\s]+", text[:4096]):
        return _wrong_kind(name, "this looks like base64", "decode it first, with base64 -d")
    return _wrong_kind(name, "cloud-init reads nothing without the first line #cloud-config", "write it above the keys")


@code(
    "import-template",
    title="An expression of a template has no value before the machine runs",
    why="cloud-init fills it in from the metadata of the instance, on the instance. Ignition renders no templates.",
    fix="Write the value, or give --jinja-afterburn PLATFORM: a unit then puts in on the machine what Afterburn has read.",
)
def _without_expressions(text: str, name: str, wanted: Wanted, report: Report) -> tuple[str, dict[str, tuple[str, str]]]:
    """The text with a word in the place of each expression, and what those words stand for. Reports what cannot be replaced."""
    words: dict[str, str] = {}  # by expression
    expressions: dict[str, tuple[str, str]] = {}
    stem = _unused_stem(text)
    pieces, done = [], 0
    for start, end in _constructs(text):
        expression = text[start:end]
        if expression not in words:
            value, problem = _value(expression, wanted)
            if len(expressions) >= _MOST:
                problem = (f"the template has more than {_MOST} expressions", "render it before importing")
            if problem:
                report.add(ERROR, "import-template", problem[0], _place(text, start, name), problem[1])
                if len(report) >= _MOST:
                    break
                continue
            word = f"{stem}{len(expressions)}Z".ljust(len(expression), "Z")
            words[expression] = word
            expressions[word] = (expression, value)
        pieces += [text[done:start], words[expression]]
        done = end
    return "".join([*pieces, text[done:]]), expressions


def _constructs(text: str) -> Iterator[tuple[int, int]]:
    """Begin and end of what Jinja would act on; what is not closed goes to the end of its line."""
    position, closed = 0, dict.fromkeys(_ENDS, True)
    for found in _OPENING.finditer(text):
        if found.start() < position:
            continue
        ending = _ENDS[found[0]]
        end = text.find(ending, found.end()) if closed[found[0]] else -1
        closed[found[0]] = end >= 0
        if end < 0:
            end = text.find("\n", found.end())
            position = end if end >= 0 else len(text)
        else:
            position = end + len(ending)
        yield found.start(), position


def _place(text: str, start: int, name: str) -> Place:
    return Place((), text.count("\n", 0, start) + 1, start - text.rfind("\n", 0, start), name)


def _unused_stem(text: str) -> str:
    return next(
        stem for stem in (f"J{chr(a)}{chr(b)}" for a in range(65, 90) for b in range(65, 90)) if stem not in text
    )


def _value(expression: str, wanted: Wanted) -> tuple[str, tuple[str, str] | None]:
    """Shell text for the value of an expression, or the problem: a message and a hint."""
    shown = " ".join(expression.split())
    shown = shown if len(shown) <= 60 else f"{shown[:60]}…"
    found = _METADATA.fullmatch(expression)
    if found is None or "\n" in expression or len(expression) < 12:
        return "", (
            f"{shown} is a template that only cloud-init can fill in",
            "render the template before importing, or write the value",
        )
    if not wanted.platform:
        hint = f"write the value, or give --jinja-afterburn with the platform ({', '.join(PLATFORMS)})"
        return "", (f"{shown} is metadata of the instance", hint)
    part, attributes = PLATFORMS[wanted.platform]
    key = _NAME.findall(found[1])[-1].replace("-", "_")
    attribute = attributes.get(key)
    if attribute is None:
        return "", (f"Afterburn has nothing for {shown} on {wanted.platform}", f"it has {', '.join(attributes)}")
    if attribute.startswith("$"):
        return attribute, None
    if wanted.variant == "flatcar":
        return f"$COREOS_{_FLATCAR_NAMES.get(part, part)}_{attribute}", None
    return f"$AFTERBURN_{part}_{attribute}", None
