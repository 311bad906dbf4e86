"""Codes of contents and where they come from: URLs, digests, headers, proxies, local files."""

from __future__ import annotations

from ignition_py.report.catalog import declare
from ignition_py.report.diag import WARNING
from ignition_py.report.examples import file_

_SUM = "sha256-" + "0123456789abcdef" * 4


def _contents(text: str) -> str:
    return file_("contents:\n" + "".join(f"  {line}\n" for line in text.splitlines()))


_URL = "source: https://example.com/motd"

declare(
    "sources-too-many",
    title="Contents come from several places",
    why="Give one of source, inline and local.",
    wrong=_contents("inline: hello\nsource: https://example.com/motd"),
    right=_contents("inline: hello"),
)

declare(
    "source-missing",
    title="A source is missing",
    why="A config that is merged, or a bundle of certificates, needs a source.",
    wrong="ignition:\n  config:\n    merge:\n      - compression: gzip\n",
    right="ignition:\n  config:\n    merge:\n      - source: https://example.com/c.ign\n",
)

declare(
    "url-malformed",
    title="A URL cannot be read",
    why="The text is not a URL.",
    wrong=_contents("source: 'http://[::1'"),
    right=_contents(_URL),
)

declare(
    "url-scheme",
    title="A URL's scheme cannot be fetched",
    why="Ignition fetches http, https, tftp, s3, data and, by version, gs and arn.",
    wrong=_contents("source: ftp://example.com/motd"),
    right=_contents(_URL),
)

declare(
    "url-data",
    title="A data URL is broken",
    why="A data URL is data:[type][;base64],contents, with everything unusual as %XX. Use inline instead.",
    wrong=_contents("source: 'data:hello'"),
    right=_contents("source: 'data:,hello'"),
)

declare(
    "s3-arn",
    title="An ARN names no S3 object",
    why="Of ARNs only those of S3 objects can be fetched: arn:aws:s3:::bucket/key.",
    wrong=_contents("source: arn:aws:iam:::bucket/key"),
    right=_contents("source: arn:aws:s3:::bucket/key"),
)

declare(
    "s3-version-id",
    title="An empty versionId",
    why="versionId is in the URL and has no value. Leave it out for the current version.",
    wrong=_contents("source: s3://bucket/key?versionId="),
    right=_contents("source: s3://bucket/key"),
)

declare(
    "compression-unknown",
    title="A compression is unknown",
    why="The only compression is gzip.",
    wrong=_contents(_URL + "\ncompression: xz"),
    right=_contents(_URL + "\ncompression: gzip"),
)

declare(
    "hash-malformed",
    title="A hash cannot be read",
    why="A hash is the function, a dash and the sum: sha256-0123...",
    wrong=_contents(_URL + "\nverification:\n  hash: 0123456789"),
    right=_contents(_URL + f"\nverification:\n  hash: {_SUM}"),
)

declare(
    "hash-unknown",
    title="A hash function is unknown",
    why="sha512 and, by version, sha256.",
    wrong=_contents(_URL + "\nverification:\n  hash: md5-0123"),
    right=_contents(_URL + f"\nverification:\n  hash: {_SUM}"),
)

declare(
    "hash-size",
    title="A sum has the wrong length",
    why="A sha256 sum has 64 hexadecimal digits, a sha512 sum 128.",
    wrong=_contents(_URL + "\nverification:\n  hash: sha256-0123"),
    right=_contents(_URL + f"\nverification:\n  hash: {_SUM}"),
)

declare(
    "hash-without-source",
    title="A hash without a source",
    why="There are no contents that the hash could check.",
    wrong=_contents(f"verification:\n  hash: {_SUM}"),
    right=_contents(_URL + f"\nverification:\n  hash: {_SUM}"),
)

declare(
    "header-name-empty",
    title="A header without a name",
    why="A header needs its name.",
    wrong=_contents(_URL + "\nhttp_headers:\n  - value: x"),
    right=_contents(_URL + "\nhttp_headers:\n  - name: X-Token\n    value: x"),
)

declare(
    "header-value-empty",
    title="A header with an empty value",
    why="Leave the value out to remove a header that is inherited.",
    wrong=_contents(_URL + "\nhttp_headers:\n  - name: X-Token\n    value: ''"),
    right=_contents(_URL + "\nhttp_headers:\n  - name: X-Token\n    value: x"),
)

declare(
    "headers-scheme",
    title="Headers for a URL that takes none",
    why="Only http and https requests have headers.",
    wrong=_contents("source: tftp://example.com/motd\nhttp_headers:\n  - name: X-Token\n    value: x"),
    right=_contents(_URL + "\nhttp_headers:\n  - name: X-Token\n    value: x"),
)

declare(
    "headers-without-url",
    title="Headers without a URL",
    why="There is no request that the headers could be sent with.",
    wrong=_contents("http_headers:\n  - name: X-Token\n    value: x"),
    right=_contents(_URL + "\nhttp_headers:\n  - name: X-Token\n    value: x"),
)

declare(
    "proxy-scheme",
    title="A proxy's URL has a strange scheme",
    why="A proxy is reached by http or https.",
    wrong="ignition:\n  proxy:\n    http_proxy: socks://proxy.example.com\n",
    right="ignition:\n  proxy:\n    http_proxy: http://proxy.example.com\n",
)

declare(
    "proxy-insecure",
    title="https goes through a plain proxy",
    why="Requests for https go to the proxy unencrypted. The contents stay encrypted; the names of hosts do not.",
    wrong="ignition:\n  proxy:\n    https_proxy: http://proxy.example.com\n",
    right="ignition:\n  proxy:\n    https_proxy: https://proxy.example.com\n",
    severity=WARNING,
)

declare(
    "local-file",
    title="A local file cannot be read",
    why="The file is not there, or may not be read. Paths are relative to --files-dir.",
    wrong=_contents("local: missing.txt"),
    right=_contents("local: a.txt"),
    local=True,
)

declare(
    "no-files-dir",
    title="Local files need --files-dir",
    why="No local files are read without --files-dir, so that a config from elsewhere cannot embed what it likes.",
    wrong=_contents("local: a.txt"),
    right=_contents("inline: hello"),
)

declare(
    "no-files-at-boot",
    title="No local files at boot",
    why="A config that is compiled at boot has no local files. Compile it before.",
)

declare(
    "files-dir-escape",
    title="A local path leads out of --files-dir",
    why="Paths may not leave the files directory by .. parts.",
    wrong=_contents("local: ../secret"),
    right=_contents("local: a.txt"),
    local=True,
)
