"""Runs one stage: gets the config, merges it over the image's, hands it to the stage.

    fetch-offline, fetch   kernel command line, user.ign, platform: the first that has one -> render.py -> check -> config cache
    the others             config cache
    then                   baseconfig.py below it, contents fetched ahead (fetch/gather.py), and the stage's own module

Order and effects: the reference, measured.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ignition_py import baseconfig, module, sources
from ignition_py.context import Context, Options
from ignition_py.fetch.fetcher import Fetcher, NeedNetwork
from ignition_py.fetch.request import Settings
from ignition_py.providers import Machine, report
from ignition_py.report.diag import ERROR, ConfigError, FetchError, IgnitionError
from ignition_py.spec import tables
from ignition_py.spec.merge import merge
from ignition_py.spec.read import EmptyConfig, parse_cached
from ignition_py.spec.secrets import hider
from ignition_py.spec.tables import Config
from ignition_py.stages import STAGES
from ignition_py.state import FetchedConfig, State, save
from ignition_py.system.digest import sha512_of
from ignition_py.system.host import write_private
from ignition_py.system.log import Log

if TYPE_CHECKING:
    from ignition_py.fetch.trust import Trust

OFFLINE = "fetch-offline"
FETCHING = (OFFLINE, "fetch")
# Contents are fetched when there is a network, before anything is wiped, and, should it all have gone, before they are
# needed. Images skip the fetch stage where fetch-offline has found the config.
GATHERING = ("fetch", "disks", "files")
_NETWORK = (
    "Check the cable or the virtual network card, and that a DHCP server answers on it; without one, set ip= on the kernel command line "
    "(dracut.cmdline(7))"
)
SPOOL = "fetched"  # the folder of what was fetched ahead, beside the state file
CONFIG_DIGEST = "config.sha512"  # beside the state file: SHA-512 of the config as it was found, for reports (notify/event.py)
# Marks the journal's entries about fetched configs; the reference's, since programs look for it.
FETCHED_MESSAGE_ID = "57124006b5c94805b77ce473e92a8aeb"


class Engine:
    """One run of a stage."""

    def __init__(self, options: Options, log: Log, state: State) -> None:
        self._options = options
        self._log = log
        self._state = state
        # Why there is no network, from who should have brought it up (initrd/dracut/30ignition/network-up).
        self._no_network = options.environ.get("IGNITION_NO_NETWORK", "")
        self._fetcher = Fetcher(
            log,
            offline=options.stage == OFFLINE or bool(self._no_network),
            platform=options.platform,
            spool=f"{options.folder}/{SPOOL}",
            trusted_time=options.environ.get("IGNITION_TRUSTED_TIME", ""),
            first_limit=options.timeout,
        )
        self.texts: list[tuple[str, bytes]] = []  # name and text of the configs that this stage has fetched, in order; see sources.py

    def run(self) -> None:
        """Raises IgnitionError. fetch-offline does not fail for want of the network but leaves the flag file; the fetch stage does, where
        it was told that there is none."""
        try:
            self._run()
        except NeedNetwork as need:
            if self._options.stage != OFFLINE:
                raise FetchError(f"{need.message}, and {self._no_network}", place=need.place, hint=_NETWORK) from None
            neednet = self._options.neednet
            self._log.info(f"fetch-offline: {need.message}; leaving it to the fetch stage ({neednet})")
            write_private(neednet, b"", what="the flag file")

    def tell_platform(self, error: Exception | None) -> None:
        """Tells the platform how the stage ended. It may ask the network for a while, so after everybody else has been told.

        That it cannot be told is no failure of the stage. Raises nothing.
        """
        if self._options.stage == OFFLINE:
            return
        if error is not None and not isinstance(error, IgnitionError):
            error = IgnitionError(type(error).__name__)
        if error is not None:
            error = IgnitionError(self._log.hide(error.message))
        try:
            report(self._options.platform, self._machine(), self._options.stage, error)
        except Exception as problem:  # the platform is the last to be told: the stage has ended as it has
            words = str(problem) if isinstance(problem, IgnitionError) else type(problem).__name__
            self._log.warning(f"telling the platform how stage {self._options.stage} ended: {words}")

    @property
    def settings(self) -> Settings:
        """Proxies and certificate authorities of the config, as far as they are known."""
        return self._fetcher.settings

    def _machine(self) -> Machine:
        return Machine(log=self._log, fetcher=self._fetcher, environ=self._options.environ)

    def _run(self) -> None:
        options, stage = self._options, self._options.stage
        base = baseconfig.base(self._log, options.environ, options.platform, self._parse)
        self._state.fetched_configs = [c for c in self._state.fetched_configs if c.kind != "base"]
        if base is not None:
            self._state.fetched_configs.insert(0, FetchedConfig("base", "system"))
        config = self._acquire() if stage in FETCHING else self._cached()
        if base is not None:
            config = merge(base, config)
        self._log.hide = hider(config)
        context = Context(
            config=config,
            root=options.root,
            log=self._log,
            state=self._state,
            fetcher=self._fetcher,
            platform=options.platform,
            save_state=lambda: save(self._state, options.state_file),
        )
        if stage in GATHERING:
            from ignition_py.fetch.gather import gather

            gather(self._fetcher, config, self._log, afresh=stage == "fetch")
        try:
            module(STAGES[stage]).run(context)
        finally:
            if stage == "files":  # nothing asks for them any more, and they may hold secrets
                from ignition_py.fetch.gather import forget

                forget(self._fetcher)
        if stage == "files":
            sources.forget(options.config_cache)

    def _parse(self, data: bytes, source: str) -> Config:
        from ignition_py.render import parse

        return parse(data, source, self._log, flatcar=self._options.flatcar)

    def _cached(self) -> Config:
        """What the fetch stages left. Raises IgnitionError."""
        cache = self._options.config_cache
        try:
            with open(cache, "rb") as file:
                data = file.read()
        except OSError as error:
            raise IgnitionError(
                f"reading the config cache {cache}: {error.strerror}",
                hint="The fetch stage writes it; see its messages",
            ) from None
        config = parse_cached(data, cache)
        self._fetcher.configure(config.ignition, check=False)
        return config

    def _acquire(self) -> Config:
        """Fetches, renders, checks and caches the config. Raises IgnitionError."""
        self._state.fetched_configs = [c for c in self._state.fetched_configs if c.kind == "base"]
        try:
            config = self._render()
        except EmptyConfig:
            self._log.info("there is no config; going on with an empty one")
            config = tables.Config(ignition=tables.Ignition(version=tables.latest()))
        self._fetcher.configure(config.ignition)
        config = self._with_authorities(config)
        sources.keep(self._options.config_cache, self.texts)
        self._write_cache(config)
        self._tell_journal()
        return config

    def _render(self) -> Config:
        from ignition_py.config_sources import first_config
        from ignition_py.render import Renderer

        machine = self._machine()
        machine.outputs = self._state.provider_output_files
        found = first_config(machine, self._options.platform, labelled="IGNITION_MICROOS" in self._options.environ)
        write_private(f"{self._options.folder}/{CONFIG_DIGEST}", sha512_of(found.data).encode(), what="the digest of the config")
        self.texts.append((found.name, found.data))
        trust = self._trust()
        if trust is not None:
            trust.check_first(found.url, found.data, trusted=found.trusted)
        config = self._parse(found.data, found.name)
        if trust is not None:
            trust.check_pointer(config, found.source)
        self._state.fetched_configs.append(FetchedConfig("user", found.name))
        renderer = Renderer(
            self._fetcher, self._log, self._state, flatcar=self._options.flatcar, trust=trust, texts=self.texts
        )
        rendered = renderer.render(config)
        if trust is not None:
            trust.check_contents(rendered)
        self._check(rendered, merged=rendered is not config)
        return rendered

    def _trust(self) -> Trust | None:
        """What the image trusts; None for an image that does not ask for signatures. Raises IgnitionError."""
        environ = self._options.environ
        if environ.get("IGNITION_REQUIRE_SIGNATURE", "") in ("", "0", "no", "false"):
            return None
        from ignition_py.fetch.trust import Trust

        return Trust(environ, self._fetcher, self._log)

    def _check(self, config: Config, *, merged: bool) -> None:
        """Configs that are valid apart may contradict each other once merged, and the newest version refuses a little that
        older ones take (a link without a target). Raises ConfigError."""
        from ignition_py.spec.rules.all import validate

        if not any(finding.severity == ERROR for finding in validate(config, tables.VERSIONS[tables.latest()])):
            return
        from ignition_py.render import log_report, refusal
        from ignition_py.spec.read import read

        _, report = read(_text(config), "the merged config" if merged else "the upgraded config")
        for entry in report:
            entry.place = sources.place_in(config, entry.place.path)
            entry.related = tuple(note.but(place=sources.place_in(config, note.place.path)) for note in entry.related)
        log_report(report, self._log)
        raise ConfigError(refusal(merged=merged), report)

    def _with_authorities(self, config: Config) -> Config:
        """Certificate authorities as data URLs, so that later stages need not fetch them again."""
        authorities = config.ignition.security.tls.certificate_authorities
        if not authorities:
            return config
        from ignition_py.fetch.schemes.data import encode

        kept = tuple(
            resource.but(source=encode(self._fetcher.authority(resource)), http_headers=None, compression=None)
            for resource in authorities
        )
        tls = config.ignition.security.tls.but(certificate_authorities=kept)
        return config.but(ignition=config.ignition.but(security=config.ignition.security.but(tls=tls)))

    def _write_cache(self, config: Config) -> None:
        """Later stages trust the cache, so it is held against its schema here, once."""
        from ignition_py.spec.check import check_output
        from ignition_py.spec.encode import to_data, to_json

        newest = tables.VERSIONS[tables.latest()]
        data = to_data(config, newest)
        check_output(data, newest)
        write_private(self._options.config_cache, to_json(data).encode(), what="the config cache")

    def _tell_journal(self) -> None:
        """The structured entries that tools look for after boot, to tell whether there was a config."""
        for c in self._state.fetched_configs:
            source = c.source or "a data URL"
            self._log.journal(
                f"fetched {'referenced ' if c.referenced else ''}{c.kind} config from {source}",
                MESSAGE_ID=FETCHED_MESSAGE_ID,
                IGNITION_CONFIG_TYPE=c.kind,
                IGNITION_CONFIG_SRC=c.source,
                IGNITION_CONFIG_REFERENCED="true" if c.referenced else "false",
            )


def _text(config: Config) -> bytes:
    from ignition_py.spec.encode import to_data, to_json

    return to_json(to_data(config, tables.VERSIONS[tables.latest()])).encode()
