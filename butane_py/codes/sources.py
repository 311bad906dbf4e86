"""Codes of contents and where they come from: URLs, digests, headers, proxies, local files."""

from __future__ import annotations

from butane_py.codes.code import Code, file_

_SUM = "sha256-" + "0123456789abcdef" * 4


def _contents(text: str) -> str:
    return file_("contents:\n" + "".join(f"  {line}\n" for line in text.splitlines()))


_URL = "source: https://example.com/motd"

SOURCES = (
    Code("sources-too-many", "Contents come from several places", "Give one of source, inline and local.",
         _contents("inline: hello\nsource: https://example.com/motd"), _contents("inline: hello")),
    Code("source-missing", "A source is missing", "A config that is merged, or a bundle of certificates, needs a source.",
         "ignition:\n  config:\n    merge:\n      - compression: gzip\n", "ignition:\n  config:\n    merge:\n      - source: https://example.com/c.ign\n"),
    Code("url-malformed", "A URL cannot be read", "The text is not a URL.", _contents("source: 'http://[::1'"), _contents(_URL)),
    Code("url-scheme", "A URL's scheme cannot be fetched", "Ignition fetches http, https, tftp, s3, data and, by version, gs and arn.",
         _contents("source: ftp://example.com/motd"), _contents(_URL)),
    Code("url-data", "A data URL is broken", "A data URL is data:[type][;base64],contents, with everything unusual as %XX. Use inline instead.",
         _contents("source: 'data:hello'"), _contents("source: 'data:,hello'")),
    Code("s3-arn", "An ARN names no S3 object", "Of ARNs only those of S3 objects can be fetched: arn:aws:s3:::bucket/key.",
         _contents("source: arn:aws:iam:::bucket/key"), _contents("source: arn:aws:s3:::bucket/key")),
    Code("s3-version-id", "An empty versionId", "versionId is in the URL and has no value. Leave it out for the current version.",
         _contents("source: s3://bucket/key?versionId="), _contents("source: s3://bucket/key")),
    Code("compression-unknown", "A compression is unknown", "The only compression is gzip.",
         _contents(_URL + "\ncompression: xz"), _contents(_URL + "\ncompression: gzip")),
    Code("hash-malformed", "A hash cannot be read", "A hash is the function, a dash and the sum: sha256-0123...",
         _contents(_URL + "\nverification:\n  hash: 0123456789"), _contents(_URL + f"\nverification:\n  hash: {_SUM}")),
    Code("hash-unknown", "A hash function is unknown", "sha512 and, by version, sha256.",
         _contents(_URL + "\nverification:\n  hash: md5-0123"), _contents(_URL + f"\nverification:\n  hash: {_SUM}")),
    Code("hash-size", "A sum has the wrong length", "A sha256 sum has 64 hexadecimal digits, a sha512 sum 128.",
         _contents(_URL + "\nverification:\n  hash: sha256-0123"), _contents(_URL + f"\nverification:\n  hash: {_SUM}")),
    Code("hash-without-source", "A hash without a source", "There are no contents that the hash could check.",
         _contents(f"verification:\n  hash: {_SUM}"), _contents(_URL + f"\nverification:\n  hash: {_SUM}")),
    Code("header-name-empty", "A header without a name", "A header needs its name.",
         _contents(_URL + "\nhttp_headers:\n  - value: x"), _contents(_URL + "\nhttp_headers:\n  - name: X-Token\n    value: x")),
    Code("header-value-empty", "A header with an empty value", "Leave the value out to remove a header that is inherited.",
         _contents(_URL + "\nhttp_headers:\n  - name: X-Token\n    value: ''"), _contents(_URL + "\nhttp_headers:\n  - name: X-Token\n    value: x")),
    Code("headers-scheme", "Headers for a URL that takes none", "Only http and https requests have headers.",
         _contents("source: tftp://example.com/motd\nhttp_headers:\n  - name: X-Token\n    value: x"),
         _contents(_URL + "\nhttp_headers:\n  - name: X-Token\n    value: x")),
    Code("headers-without-url", "Headers without a URL", "There is no request that the headers could be sent with.",
         _contents("http_headers:\n  - name: X-Token\n    value: x"), _contents(_URL + "\nhttp_headers:\n  - name: X-Token\n    value: x")),
    Code("proxy-scheme", "A proxy's URL has a strange scheme", "A proxy is reached by http or https.",
         "ignition:\n  proxy:\n    http_proxy: socks://proxy.example.com\n", "ignition:\n  proxy:\n    http_proxy: http://proxy.example.com\n"),
    Code("proxy-insecure", "https goes through a plain proxy", "Requests for https go to the proxy unencrypted. The contents stay encrypted; "
         "the names of hosts do not.", "ignition:\n  proxy:\n    https_proxy: http://proxy.example.com\n",
         "ignition:\n  proxy:\n    https_proxy: https://proxy.example.com\n"),
    Code("local-file", "A local file cannot be read", "The file is not there, or may not be read. Paths are relative to --files-dir.",
         _contents("local: missing.txt"), _contents("local: a.txt"), local=True),
    Code("no-files-dir", "Local files need --files-dir", "No local files are read without --files-dir, so that a config from elsewhere cannot "
         "embed what it likes.", _contents("local: a.txt"), _contents("inline: hello")),
    Code("no-files-at-boot", "No local files at boot", "A config that is compiled at boot has no local files. Compile it before."),
    Code("files-dir-escape", "A local path leads out of --files-dir", "Paths may not leave the files directory by .. parts.",
         _contents("local: ../secret"), _contents("local: a.txt"), local=True),
)  # fmt: skip
