"""Runs one stage: gets the config, merges it over the image's, hands it to the stage.

    fetch-offline, fetch   kernel command line, user.ign, platform: the first that has one -> render.py -> check -> config cache
    the others             config cache
    then                   baseconfig.py below it, contents fetched ahead (fetch/gather.py), and the stage's own module

Order and effects: the reference, measured.
"""

from __future__ import annotations

from ignition_py import baseconfig, flatcar, module
from ignition_py.context import Context
from ignition_py.fetch.fetcher import Fetcher, NeedNetwork
from ignition_py.report.diag import ConfigError, IgnitionError
from ignition_py.sources import keep
from ignition_py.spec import tables
from ignition_py.spec.merge import merge
from ignition_py.spec.read import EmptyConfig
from ignition_py.state import FetchedConfig
from ignition_py.system.host import write_private

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ignition_py.spec.tables import Config
    from ignition_py.state import State
    from ignition_py.system.log import Log

OFFLINE = "fetch-offline"
FETCHING = (OFFLINE, "fetch")
# Contents are fetched when there is a network, before anything is wiped, and, should it all have gone, before they are
# needed. Images skip the fetch stage where fetch-offline has found the config.
GATHERING = ("fetch", "disks", "files")
# Marks the journal's entries about fetched configs; the reference's, since programs look for it.
FETCHED_MESSAGE_ID = "57124006b5c94805b77ce473e92a8aeb"


class Engine:
    """One run of a stage. `root` is the new root, `timeout` (seconds) covers fetching before there is a config.

    `spool` is a folder for what is fetched ahead of its use, "" for none.
    """

    def __init__(
        self,
        *,
        log: Log,
        state: State,
        platform: str,
        root: str,
        config_cache: str,
        neednet: str,
        timeout: float,
        environ: Mapping[str, str],
        spool: str = "",
    ) -> None:
        self._log = log
        self._state = state
        self._platform = platform
        self._root = root
        self._config_cache = config_cache
        self._neednet = neednet
        self._timeout = timeout
        self._environ = environ
        self._flatcar = flatcar.wanted(environ)
        if self._flatcar:
            flatcar.accept()
        trusted_time = environ.get("IGNITION_TRUSTED_TIME", "")
        self._fetcher = Fetcher(log, platform=platform, spool=spool, trusted_time=trusted_time)
        self._texts: list[tuple[str, bytes]] = []

    def run(self, stage: str) -> None:
        """Raises IgnitionError. fetch-offline does not fail for want of the network but leaves the flag file."""
        self._fetcher.offline = stage == OFFLINE
        try:
            self._run_or_need(stage)
        except IgnitionError as error:
            self._report(stage, error)
            raise
        self._report(stage, None)

    def _run_or_need(self, stage: str) -> None:
        try:
            self._run(stage)
        except NeedNetwork as need:
            if stage != OFFLINE:
                raise
            self._log.info(f"fetch-offline: {need.message}; leaving it to the fetch stage ({self._neednet})")
            write_private(self._neednet, b"", what="the flag file")

    def _report(self, stage: str, error: IgnitionError | None) -> None:
        """Tells the platform how the stage ended; that it cannot be told is no failure of the stage."""
        from ignition_py.providers import Machine, report

        if stage != OFFLINE:
            try:
                machine = Machine(log=self._log, fetcher=self._fetcher, environ=self._environ)
                report(self._platform, machine, stage, error)
            except IgnitionError as trouble:
                self._log.warning(f"telling the platform how stage {stage} ended: {trouble}")

    def _run(self, stage: str) -> None:
        base = baseconfig.base(self._log, self._environ, self._platform, self._parse)
        self._state.fetched_configs = [c for c in self._state.fetched_configs if c.kind != "base"]
        if base is not None:
            self._state.fetched_configs.insert(0, FetchedConfig("base", "system"))
        config = self._acquire() if stage in FETCHING else self._cached()
        if base is not None:
            config = merge(base, config)
        context = Context(
            config=config,
            root=self._root,
            log=self._log,
            state=self._state,
            fetcher=self._fetcher,
            platform=self._platform,
        )
        from ignition_py.stages import STAGES

        if stage in GATHERING:
            from ignition_py.fetch.gather import gather

            gather(self._fetcher, config, self._log, afresh=stage == "fetch")
        module(STAGES[stage]).run(context)
        if stage == "files" and self._fetcher.spool:
            from ignition_py.fetch.gather import forget

            forget(self._fetcher)

    def _parse(self, data: bytes, source: str) -> Config:
        from ignition_py.render import parse

        return parse(data, source, self._log, flatcar=self._flatcar)

    def _cached(self) -> Config:
        """What the fetch stages left. Raises IgnitionError."""
        from ignition_py.spec.read import parse_cached

        try:
            with open(self._config_cache, "rb") as file:
                data = file.read()
        except OSError as error:
            raise IgnitionError(
                f"reading the config cache {self._config_cache}: {error.strerror}",
                hint="The fetch stage writes it; see what it said",
            ) from None
        config = parse_cached(data, self._config_cache)
        self._fetcher.configure(config.ignition, check=False)
        return config

    def _acquire(self) -> Config:
        """Fetches, renders, checks and caches the config. Raises IgnitionError."""
        self._fetcher.limit(self._timeout)
        self._state.fetched_configs = [c for c in self._state.fetched_configs if c.kind == "base"]
        try:
            config = self._render()
        except EmptyConfig:
            self._log.info("there is no config; going on with an empty one")
            config = tables.Config(ignition=tables.Ignition(version=tables.latest()))
        self._fetcher.configure(config.ignition)
        config = self._with_authorities(config)
        keep(self._config_cache, self._texts)
        self._write_cache(config)
        self._tell_journal()
        return config

    def _render(self) -> Config:
        from ignition_py.render import Renderer

        for name, data in self._places():
            if data is not None:
                config = self._parse(data, name)
                self._state.fetched_configs.append(FetchedConfig("user", name))
                renderer = Renderer(self._fetcher, self._log, self._state, flatcar=self._flatcar)
                rendered = renderer.render(config)
                self._texts = [(name, data), *renderer.texts]
                self._check(rendered, merged=rendered is not config)
                return rendered
        raise IgnitionError(f"platform {self._platform} has nobody to ask for a config")

    def _places(self) -> Iterator[tuple[str, bytes | None]]:
        """Where a config can come from, the first that has one wins: name, and what is there."""
        from ignition_py.providers import Machine, cmdline, load

        machine = Machine(log=self._log, fetcher=self._fetcher, environ=self._environ)
        machine.outputs = self._state.provider_output_files
        yield "cmdline", cmdline.fetch(machine)
        yield "system", baseconfig.user(self._log, self._environ)
        if "IGNITION_MICROOS" in self._environ:
            from ignition_py.providers import labelled

            yield "device", labelled.fetch(machine)
        yield self._platform, load(self._platform)(machine)

    def _check(self, config: Config, *, merged: bool) -> None:
        """Configs that are valid apart may contradict each other once merged, and the newest version refuses a little that
        older ones take (a link without a target). Raises ConfigError."""
        from ignition_py.report.diag import ERROR
        from ignition_py.spec.rules.all import validate

        if not any(finding.severity == ERROR for finding in validate(config, tables.VERSIONS[tables.latest()])):
            return
        from ignition_py.render import log_report, refusal
        from ignition_py.spec.read import read

        _, report = read(_text(config), "the merged config" if merged else "the upgraded config")
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
        write_private(self._config_cache, to_json(data).encode(), what="the config cache")

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
