"""What both readings of JSON text share (jsontext.py, jsonscan.py): the text, the nodes of its places, its syntax error."""

from __future__ import annotations

MAX_DEPTH = 10_000  # nested values, as in the reference; the language needs twelve


class JsonSyntaxError(ValueError):
    """The text is not JSON. `offset` is the byte after the one that is wrong."""

    def __init__(self, message: str, offset: int) -> None:
        super().__init__(message)
        self.offset = offset


class JsonNode:
    """Where a value stands: byte offsets of it, and what is below. Objects also know where their keys stand."""

    __slots__ = ("end", "items", "keys", "start")

    def __init__(self, start: int) -> None:
        self.start = start
        self.end = start
        self.items: dict[str | int, JsonNode] = {}
        self.keys: dict[str, int] = {}


def decode_text(data: bytes) -> str:
    """UTF-8 as Go decodes it: every byte that is none becomes U+FFFD."""
    try:
        return data.decode()
    except UnicodeDecodeError:
        import codecs

        codecs.register_error("go", lambda error: ("\ufffd" * (error.end - error.start), error.end))  # type: ignore[attr-defined]  # of decoding
        return data.decode(errors="go")
