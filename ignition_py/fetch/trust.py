"""Images that take signed configs only: IGNITION_REQUIRE_SIGNATURE=1 in the settings of the image.

    config      why it is trusted
    the first   a signature beside its URL; `ignition.config.hash`; it is part of the image or of the kernel command line (a data URL)
    a child     a signature beside its URL; `verification.hash` or a data URL in a config that is trusted

A first config that is not trusted, user data of a cloud for example, may only be replaced by a signed one, which leaves nothing of it.
Other contents that configs fetch need `verification.hash`. Signatures: minisign.py.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ignition_py import baseconfig
from ignition_py.fetch import minisign
from ignition_py.fetch.fetcher import Fetcher
from ignition_py.fetch.gather import remote_contents
from ignition_py.fetch.request import NotFound
from ignition_py.fetch.urls import needs_network, public
from ignition_py.report.diag import ConfigError, FetchError
from ignition_py.spec.tables import Config, Resource
from ignition_py.system.log import Log

SETTING = "IGNITION_REQUIRE_SIGNATURE"
FOLDER = "trusted.d"  # beside the image's own configs
SUFFIXES = (".minisig", ".sig")  # tried in this order
_POINTER = "Sign a config, serve it, and hand over one that names it in ignition.config.replace and does nothing else"


class Trust:
    """The keys of an image, and whether the config that is being rendered is trusted. Raises IgnitionError for an image without keys."""

    def __init__(self, environ: Mapping[str, str], fetcher: Fetcher, log: Log) -> None:
        self._keys = minisign.keys(f"{baseconfig.directories(environ)[-1]}/{FOLDER}")
        self._fetcher = fetcher
        self._log = log
        self._trusted = False

    def check_first(self, url: str, data: bytes, *, trusted: bool) -> None:
        """Verifies the first config, which is `trusted` already, or was fetched from `url` ("" where another source has it).
        Raises FetchError."""
        self._trusted = trusted or (url != "" and not needs_network(url))
        if url and not self._trusted:
            self._verify(Resource(source=url), data)
            self._trusted = True

    def check_pointer(self, config: Config, where: str) -> None:
        """Raises ConfigError for a first config that is not trusted, unless it is only replaced by another."""
        if not self._trusted and config.ignition.config.replace.source is None:
            raise ConfigError(f"the config from {where} is not signed, and this image takes signed configs only ({SETTING})", hint=_POINTER)

    def check_child(self, reference: Resource, data: bytes) -> None:
        """Verifies a config that another one merges or is replaced by. Raises FetchError."""
        source = reference.source or ""
        remote = needs_network(source)
        if self._trusted and (reference.verification.hash is not None or not remote):
            return
        try:
            if not remote:
                raise FetchError(f"the config in {public(source)} is part of one that is not signed", hint=_POINTER)
            self._verify(reference, data)
        except FetchError as error:
            error.place = error.place or reference.place()
            raise
        self._trusted = True  # what a signed config names is trusted as far as it says

    def check_contents(self, config: Config) -> None:
        """Raises ConfigError for the first thing that a config fetches without a digest."""
        for resource, what in _remote(config):
            if resource.verification.hash is None:
                raise ConfigError(
                    f"{what}: {public(resource.source or '')} has no digest; this image takes nothing else from a network ({SETTING})",
                    place=resource.place(),
                    hint="Give verification.hash: sha512- and what sha512sum prints for the contents",
                )

    def _verify(self, resource: Resource, data: bytes) -> None:
        """Verifies the signature beside the URL of a config. Raises FetchError."""
        source = resource.source or ""
        what = f"the signature of the config from {public(source)}"
        for suffix in SUFFIXES:
            signature = resource.but(source=beside(source, suffix), compression=None, verification=None)
            try:
                text = self._fetcher.remote(signature, what=what).read(minisign.LIMIT)
            except NotFound:
                continue
            comment = minisign.check(data, text, self._keys, what)
            self._log.info(f"the config from {public(source)} is signed: {comment}")
            return
        names = " nor ".join(public(beside(source, suffix)) for suffix in SUFFIXES)
        raise FetchError(
            f"the config from {public(source)} is not signed: there is neither {names}",
            hint="Sign it (minisign -S -m FILE) and serve the signature beside it; or give its digest, by verification.hash of a child, "
            "by ignition.config.hash of the first config",
        )


def beside(url: str, suffix: str) -> str:
    """The URL of the file whose name ends with `suffix` more."""
    path, mark, query = url.partition("#")[0].partition("?")
    return path + suffix + mark + query


def _remote(config: Config) -> Iterator[tuple[Resource, str]]:
    """What a config fetches, and the beginning of a failure's sentence."""
    yield from remote_contents(config)
    for authority in config.ignition.security.tls.certificate_authorities:
        if needs_network(authority.source or ""):
            yield authority, "certificate authority"
