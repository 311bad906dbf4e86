"""`write_files`: paths, owners, permissions and encodings as cloud-init reads them."""

from __future__ import annotations

import base64
import binascii
import re
import zlib
from typing import Any

from butane_py.emit.document import Octal
from butane_py.importer.draft import Draft
from butane_py.importer.values import Value

_KEYS = {
    **dict.fromkeys(("path", "content", "encoding", "permissions", "owner", "append", "source"), ""),
    "defer": "",  # Ignition writes files after it has made users
}
_BASE64 = frozenset(("b64", "base64"))
_GZIP = frozenset(("gz", "gzip"))
_GZIP_BASE64 = frozenset(("gz+base64", "gzip+base64", "gz+b64", "gzip+b64"))
_MOST = 64 << 20  # bytes of one file, unpacked
_PATH = re.compile(r"/(?:[^\0\n]*[^\0\n/ \t])\Z")  # absolute, of a file, on one line
_SCHEMES = ("http://", "https://", "tftp://", "s3://", "gs://", "data:")


def write_files(entries: Value, draft: Draft) -> None:
    for entry in entries.items():
        _write(entry, draft)


def _write(entry: Value, draft: Draft) -> None:
    keys = dict(entry.take(_KEYS))
    path = keys["path"].text() if "path" in keys else ""
    if not _PATH.match(path) or "/../" in f"{path}/":
        (keys.get("path") or entry).error("a file needs the absolute path of a file", "write path: /etc/example.conf")
        return
    mode = _mode(keys["permissions"]) if "permissions" in keys else 0o644
    owners = _owners(keys["owner"]) if "owner" in keys else {}
    append = "append" in keys and keys["append"].flag(default=False)
    if "source" in keys:
        _remote(entry, keys, path, mode, owners, draft)
        return
    contents = _contents(keys, draft)
    if not append:
        draft.file(path, entry, contents, mode, **owners)
        return
    file = draft.appended(path, entry)
    if file is None:
        return
    file.appended += contents
    if file.contents is None:
        file.entry.update(owners)
        if "permissions" in keys:
            file.entry["mode"] = Octal(mode)


def _mode(value: Value) -> int:
    """The permissions: a text of octal digits; of a number, which YAML reads, only one that it read as octal."""
    text = value.text()
    digits = text.removeprefix("0o")
    if (
        re.fullmatch(r"[0-7]{1,5}", digits)
        and int(digits, 8) <= 0o7777
        and (not value.node.plain or text.startswith("0"))
    ):
        return int(digits, 8)
    hint = (
        f"write '0{digits}', with quotes"
        if re.fullmatch(r"[0-7]{3}", digits)
        else "write four octal digits in quotes, such as '0644'"
    )
    value.error(f"permissions are octal digits, not {value.shown}", hint)
    return 0o644


def _owners(value: Value) -> dict[str, Any]:
    """The fields user and group of a file; nothing for root."""
    user, _, group = value.text().partition(":")
    return {name: _owner(text) for name, text in (("user", user), ("group", group)) if text not in ("", "root", "0")}


def _owner(text: str) -> dict[str, Any]:
    return {"id": int(text)} if text.isdecimal() and len(text) < 10 else {"name": text}


def _contents(keys: dict[str, Value], draft: Draft) -> bytes:
    """The contents, decoded; reports what cannot be."""
    if "content" not in keys:
        return b""
    content = keys["content"]
    if content.node.tag.endswith(":binary"):
        return _unpacked(content, content.text().encode(), "b64")
    text = content.text(templated=True)
    encoding = keys["encoding"].text().strip().lower() if "encoding" in keys else "text/plain"
    draft.expressions.update(content.reader.expressions.values())
    if encoding in ("text/plain", ""):
        return text.encode("utf-8", "surrogateescape")
    if encoding not in _BASE64 | _GZIP | _GZIP_BASE64:
        keys["encoding"].error(f"{keys['encoding'].shown} is not an encoding", "write b64, gz+b64, gz or text/plain")
        return b""
    return _unpacked(content, text.encode("utf-8", "surrogateescape"), encoding)


def _unpacked(value: Value, data: bytes, encoding: str) -> bytes:
    if encoding in _BASE64 | _GZIP_BASE64:
        try:
            data = base64.b64decode(b"".join(data.split()), validate=True)
        except binascii.Error:
            value.error("the content is not base64, as its encoding says", "encode it with base64, or remove encoding")
            return b""
    if encoding in _GZIP | _GZIP_BASE64:
        unpacker = zlib.decompressobj(wbits=31)
        try:
            out = unpacker.decompress(data, _MOST + 1)
        except zlib.error:
            out = b""
        if not unpacker.eof:
            large = f"is larger than {_MOST >> 20} MiB" if len(out) > _MOST else "is damaged, or no gzip data"
            value.error(f"the content {large}", "pack it with gzip, then base64")
            return b""
        return out
    return data


def _remote(entry: Value, keys: dict[str, Value], path: str, mode: int, owners: dict[str, Any], draft: Draft) -> None:
    """A file that the machine fetches."""
    source = dict(keys["source"].take({"uri": "", "headers": ""}))
    uri = source["uri"].text() if "uri" in source else ""
    if not uri.startswith(_SCHEMES):
        (source.get("uri") or keys["source"]).error(
            f"Ignition cannot fetch {uri[:60]!r}", "give a URL of http, https, tftp, s3 or gs"
        )
        return
    if "content" in keys:
        keys["content"].lost(
            "content is not carried over: the file is fetched from source", "remove source to have the content"
        )
    headers = source["headers"].mapping() if "headers" in source else {}
    contents: dict[str, Any] = {"source": uri}
    if headers:
        contents["http_headers"] = [{"name": name, "value": value.text()} for name, value in headers.items()]
    if "append" in keys and keys["append"].flag(default=False):
        file = draft.appended(path, entry)
        if file is not None:
            file.entry["append"] = [*file.entry.get("append", ()), contents]
        return
    file = draft.file(path, entry, None, mode, **owners)
    if file is not None:
        file.entry["contents"] = contents
