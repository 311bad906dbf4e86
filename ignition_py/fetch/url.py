"""The little that fetching needs to know of URLs, and of what is behind them, in every stage. Source: RFC 3986."""

from __future__ import annotations

_LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
_SCHEME = frozenset(_LETTERS + "0123456789+-.")


def scheme_of(url: str) -> str:
    """The scheme in lower case, "" where the URL has none."""
    head, colon, _ = url.partition(":")
    if not colon or head[:1] not in _LETTERS or set(head) - _SCHEME:
        return ""
    return head.lower()


def needs_network(url: str) -> bool:
    """Does fetching this URL need the network? Asks nobody: only data URLs, OEM files and empty sources do not."""
    return scheme_of(url) not in ("", "data", "oem")


def public(url: str) -> str:
    """The URL as logs and errors may show it: no user, password, query or fragment, and nothing of a data URL."""
    scheme = scheme_of(url)
    if scheme == "data":
        return "a data URL"
    rest = url.partition("#")[0].partition("?")[0]
    head, slashes, tail = rest.partition("//")
    if slashes:
        host, slash, path = tail.partition("/")
        rest = f"{head}//{host.rpartition('@')[2]}{slash}{path}"
    shown = "".join(char if char.isprintable() else "?" for char in rest[:500])
    return shown or "an empty source"


def web_page(head: bytes) -> str:
    """What to do where contents begin as a web page does, "" where they do not: somebody else may have answered."""
    if head[:64].lstrip().lower().startswith((b"<!doctype html", b"<html")):
        return "What came is a web page: is there a portal to log in to, or a proxy that is needed?"
    return ""
