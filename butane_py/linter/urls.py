"""URLs: what is fetched unverified, and what they give away."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlsplit

from butane_py.linter.facts import Facts, resources
from butane_py.linter.rule import Find, lint
from ignition_py.report.diag import INFO, Path
from ignition_py.report.examples import file_

_HASH = "0123456789abcdef" * 4
_OPEN = ("http", "tftp")


def _file(source: str, digest: bool = False) -> str:
    more = f"\n  verification:\n    hash: sha256-{_HASH}" if digest else ""
    return file_(f"contents:\n  source: {source}{more}")


@lint(
    "lint-http-unverified",
    title="Contents come over http or tftp without a hash",
    why="Anybody between the machine and the server can change them.",
    fix="Fetch them over https, or write verification.hash.",
    wrong=_file("http://example.com/a"),
    right=_file("http://example.com/a", digest=True),
)
def http_unverified(facts: Facts, find: Find) -> None:
    """Sources without encryption that have no hash."""
    for path, resource in resources(facts):
        scheme = resource.source.partition(":")[0].lower()
        if scheme in _OPEN and not resource.verification.hash:
            hint = "write verification.hash, or fetch it over https"
            find.at((*path, "source"), f"{scheme} contents without a hash can be changed on the way", hint=hint)


@lint(
    "lint-remote-unverified",
    severity=INFO,
    title="Contents are fetched without a hash",
    why="Whoever can write to that server decides what the machine runs, and two machines may get two things.",
    fix="Write verification.hash; sha256sum tells it.",
    wrong=_file("https://example.com/a"),
    right=_file("https://example.com/a", digest=True),
)
def remote_unverified(facts: Facts, find: Find) -> None:
    """Sources on servers that have no hash."""
    for path, resource in resources(facts):
        scheme = resource.source.partition(":")[0].lower()
        if scheme in ("https", "s3", "gs", "arn") and not resource.verification.hash:
            find.at(
                (*path, "source"),
                "what is fetched from here is taken without a hash",
                hint="write verification.hash: sha256-…",
            )


@lint(
    "lint-url-password",
    title="A URL carries a password",
    why="It stands in the config, in logs of servers and proxies, and in the machine's record of the boot.",
    fix="Give the machine a token of its own, or serve the file without a password and write its hash.",
    wrong=_file("https://user:secret@example.com/a", digest=True),
    right=_file("https://example.com/a", digest=True),
)
def url_password(facts: Facts, find: Find) -> None:
    """URLs of sources, proxies and Tang servers with a password before the host."""
    for path, url in _urls(facts):
        if _password(url):
            find.at(
                path,
                "this URL carries a password, which everybody sees who reads the config",
                hint="take it out of the URL",
            )


def _urls(facts: Facts) -> Iterator[tuple[Path, str]]:
    for path, resource in resources(facts):
        if not resource.source.startswith("data:"):
            yield (*path, "source"), resource.source
    proxy = facts.compiled.ignition.proxy
    for name in ("http_proxy", "https_proxy"):
        yield ("ignition", "proxy", name), getattr(proxy, name) or ""
    for i, volume in enumerate(facts.compiled.storage.luks):
        for t, tang in enumerate(volume.clevis.tang):
            yield ("storage", "luks", i, "clevis", "tang", t, "url"), tang.url


def _password(url: str) -> bool:
    try:
        return bool(urlsplit(url).password)
    except ValueError:
        return False
