"""The OVF environment: an XML document in which a hypervisor tells a machine its properties.

Source: DSP0243 (Open Virtualization Format), section on the environment document.
"""

from __future__ import annotations

from collections.abc import Collection
from xml.parsers.expat import ExpatError, ParserCreate

from ignition_py.record import Record
from ignition_py.report.diag import IgnitionError

NAMESPACE = "http://schemas.dmtf.org/ovf/environment/1"
_PATH = ("Environment", "PropertySection", "Property")


class Property(Record):
    """A property, and where its element is in the document (bytes from `start` up to `end`).

    `exact`: its names are of OVF's namespace; a reader takes others as well, deleting is for exact ones.
    """

    key: str
    value: str
    start: int
    exact: bool
    end: int = 0
    empty: bool = True


def properties(document: bytes) -> list[Property]:
    """All properties of the document, in order. Raises IgnitionError where it is not XML."""
    return _Reader(document).found


def without(document: bytes, keys: Collection[str]) -> bytes:
    """The document without the properties with these keys, the rest of it byte for byte. Raises IgnitionError."""
    pruned = document
    for found in reversed(properties(document)):
        if found.exact and found.key in keys:
            pruned = pruned[: found.start] + pruned[found.end :]
    if pruned != document and any(found.exact and found.key in keys for found in properties(pruned)):
        raise IgnitionError("deleting properties from the OVF environment did not work")
    return pruned


class _Reader:
    """Notes the properties while expat walks through a document."""

    def __init__(self, document: bytes) -> None:
        self.found: list[Property] = []
        self._document = document
        self._path: list[str] = []
        self._open: Property | None = None
        self._parser = ParserCreate(namespace_separator=" ")
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end
        self._parser.CharacterDataHandler = self._text
        self._parser.StartDoctypeDeclHandler = self._doctype
        try:
            self._parser.Parse(document, True)
        except ExpatError as error:
            where = f"line {error.lineno} col {error.offset + 1}"
            raise IgnitionError(f"the OVF environment is not well-formed XML ({where})") from None

    def _doctype(self, *_: object) -> None:
        """Entities of its own could make the document grow without end."""
        raise IgnitionError("the OVF environment has a document type declaration, which it should not")

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        if self._open is not None:
            self._open.empty = False
        self._path.append(name)
        if tuple(part.rpartition(" ")[2] for part in self._path) != _PATH:
            return
        local = {key.rpartition(" ")[2]: value for key, value in attributes.items()}
        inside = all(part == f"{NAMESPACE} {local_name}" for part, local_name in zip(self._path, _PATH, strict=True))
        exact = inside and f"{NAMESPACE} key" in attributes
        self._open = Property(local.get("key", ""), local.get("value", ""), self._parser.CurrentByteIndex, exact)

    def _text(self, _: str) -> None:
        if self._open is not None:
            self._open.empty = False

    def _end(self, _: str) -> None:
        self._path.pop()
        if self._open is None or len(self._path) != len(_PATH) - 1:
            return
        at = self._parser.CurrentByteIndex  # behind <Property/>, before </Property>
        if not (self._open.empty and self._document[at - 2 : at] == b"/>"):
            at = self._document.index(b">", at) + 1
        self._open.end = at
        self.found.append(self._open)
        self._open = None
