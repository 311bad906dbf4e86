"""What a config holds that no log and no error may show, and the one way to take it out of a text.

Messages are made not to show such values. This is the net below them: it hides them in whatever an error says all the same, such as
what a program prints, also where a value is cut off or has characters that are shown otherwise (NUL, line breaks, quotes).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from ignition_py.spec.model import Struct

HIDDEN = "<hidden>"
_SHORTEST = 6  # characters; shorter ones are in too many words
_BEGINNING = 12  # characters that a piece is found by: what follows may have been cut off
_LONGEST = 4096  # characters that are looked at; of contents in a data URL no more is ever shown
_PLAIN = frozenset(map(chr, range(0x21, 0x7F))) - frozenset("'\"\\`<>")  # characters that every way to show a text leaves as they are


def hider(config: Struct) -> Callable[[str], str]:
    """A function that returns a text without the secrets of `config`. They are looked for when it is first called."""
    pieces: list[str] | None = None

    def hide(text: str) -> str:
        nonlocal pieces
        if pieces is None:
            found = {piece for secret in secrets_of(config) for piece in _pieces(secret)}
            pieces = sorted(found, key=len, reverse=True)
        for piece in pieces:
            if piece[:_BEGINNING] in text:
                text = _without(text, piece)
        return text

    return hide


def secrets_of(struct: Struct) -> Iterator[str]:
    """The values of the fields that the tables call secret, in `struct` and below it; of URLs what is secret about them."""
    for entry, value in struct.items():
        for item in value if entry.many else (value,):
            if entry.struct is not None:
                yield from secrets_of(item)
            elif entry.secret and isinstance(item, str):
                yield from _of_url(item) if entry.name in _URLS else (item,)
            elif entry.name == "name" and type(struct).__name__ == "HTTPHeader" and not item.replace("-", "").isalnum():
                yield item  # "Authorization: Bearer TOKEN" in the place of the name


def fields_by_name() -> dict[str, bool]:
    """The names, in JSON and in YAML, of the fields of all languages that are in use: True for those that one of them calls secret."""
    entries = [entry for structs in Struct._registry.values() for cls in structs.values() for entry in cls.FIELDS.values()]
    names: dict[str, bool] = {}
    for entry in entries:
        for name in (entry.name, entry.json):
            names[name] = names.get(name, False) or entry.secret
    return names


_URLS = frozenset(("source", "http_proxy", "https_proxy", "http", "https", "url"))


def _of_url(url: str) -> Iterable[str]:
    """The user part, query and fragment of a URL, and the contents of a data URL."""
    if url[:5].lower() == "data:":
        contents = url[5 : 5 + _LONGEST].rpartition(",")[2]
        return (contents,) if len(contents) >= _BEGINNING else ()  # "data:,system" is no reason to hide a part of /etc/systemd
    rest, _, fragment = url.partition("#")
    rest, _, query = rest.partition("?")
    user = rest.rpartition("@")[0].rpartition("//")[2]
    return user.partition(":")[2] or user, query, fragment


def _pieces(secret: str) -> Iterator[str]:
    """The runs of characters that are shown as they are, which a message may have more or less of."""
    plain = "".join(char if char in _PLAIN else " " for char in secret[:_LONGEST])
    return (piece for piece in plain.split() if len(piece) >= _SHORTEST)


def _without(text: str, piece: str) -> str:
    """`text` with HIDDEN in place of `piece`, and of its beginnings."""
    out, start = [], 0
    while (at := text.find(piece[:_BEGINNING], start)) >= 0:
        end = at + min(len(piece), _BEGINNING)
        while end - at < len(piece) and text[end : end + 1] == piece[end - at]:
            end += 1
        out += [text[start:at], HIDDEN]
        start = end
    return "".join([*out, text[start:]])
