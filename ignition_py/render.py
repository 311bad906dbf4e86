"""Rendering: fetches the configs that a config names in `ignition.config.merge` and `replace`, depth first.

Each is fetched with the time limits, proxies and certificate authorities of everything that has been merged so far, its
own ancestors included. Configs that name each other without end are stopped.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ignition_py.fetch.fetcher import Fetcher
from ignition_py.fetch.urls import needs_network, public, scheme_of
from ignition_py.report.diag import ConfigError, Report, path_text
from ignition_py.spec.merge import merge
from ignition_py.spec.read import EmptyConfig, read
from ignition_py.spec.secrets import hider
from ignition_py.spec.tables import Config, ConfigReference, Ignition, latest
from ignition_py.state import FetchedConfig, State
from ignition_py.system.log import Log

if TYPE_CHECKING:
    from ignition_py.fetch.ahead import Ahead
    from ignition_py.fetch.trust import Trust

MAX_DEPTH = 64  # configs that name each other in a chain
MAX_CONFIGS = 2000  # configs in all
_MERGED = "a config to merge"

# The configs on the way from the outermost one to here: source and text of each.
Chain = tuple[tuple[str, bytes], ...]


def parse(data: bytes, source: str, log: Log, *, flatcar: bool = False) -> Config:
    """Reads a config, or compiles one that is Butane, and logs what there is to say about it. Raises ConfigError, EmptyConfig.

    `flatcar`: configs of spec 1 and 2 are taken too, and user data for somebody else is none.
    """
    from ignition_py.butane import compile_config, is_butane

    if is_butane(data):
        try:
            data, report = compile_config(data, source)
        except ConfigError as error:
            log_report(error.report, log)
            raise
        log_report(report, log)
    config, report = (_as_flatcar(data, source, log) if flatcar else None) or read(data, source)
    log_report(report, log)
    if config is None:
        raise _invalid(data, source, report)
    return config


def _invalid(data: bytes, source: str, report: Report) -> ConfigError:
    from ignition_py.spec.kinds import portal_hint

    return ConfigError(f"the config from {source} is not valid", report, hint=portal_hint(data))


def _as_flatcar(data: bytes, source: str, log: Log) -> tuple[Config | None, Report] | None:
    """What only Flatcar takes; None where the text is for everybody. Raises EmptyConfig."""
    from ignition_py.spec import kinds, legacy

    other = kinds.other_user_data(data)
    if other is not None:
        log.info(f"{source} has {other}, which is for somebody else: it counts as no config")
        raise EmptyConfig
    return legacy.read(data, source) if legacy.legacy_version(data) is not None else None


def refusal(*, merged: bool) -> str:
    """Why a config whose parts have all been found valid is refused by the rules of the newest version."""
    if merged:
        return "the configs are valid one by one, but not merged"
    return f"the config is valid at its own version, but not at {latest()}, to which it is upgraded"


def log_report(report: Report, log: Log) -> None:
    """Logs every entry as `KIND at PATH, line L col C: MESSAGE` with the priority of its kind."""
    levels = {"error": log.crit, "warning": log.warning, "info": log.info}
    for entry in report:
        levels[entry.severity](entry.raw() + (f" ({entry.hint})" if entry.hint else ""))


class Renderer:
    """Renders one config; counts what it fetches and notes it in the state."""

    def __init__(
        self,
        fetcher: Fetcher,
        log: Log,
        state: State,
        *,
        flatcar: bool = False,
        trust: Trust | None = None,
        texts: list[tuple[str, bytes]] | None = None,
    ) -> None:
        """`trust`: of an image that takes signed configs only. `texts` gets name and text of what is fetched, in order; see sources.py."""
        self._flatcar = flatcar
        self._trust = trust
        self._fetcher = fetcher
        self._log = log
        self._state = state
        self._count = 0
        self._texts = texts if texts is not None else []

    def render(self, config: Config) -> Config:
        """The config with everything merged into it, or what replaces it. The log hides its secrets from here on. Raises ConfigError,
        FetchError."""
        self._log.hide = hider(config)
        self._fetcher.configure(config.ignition)
        rendered = self._render(config, None, ())
        self._log.hide = hider(rendered)
        return rendered

    def _render(self, config: Config, outer: Ignition | None, chain: Chain) -> Config:
        """`outer` has the settings of the configs around this one."""
        replacement = config.ignition.config.replace
        if replacement.source is not None:
            child, below = self._fetch(replacement, "the replacing config", chain)
            self._fetcher.configure(_settings(outer, child))
            return self._render(child, outer, below)
        ahead = self._ahead(config.ignition.config.merge)
        try:
            return self._merge(config, outer, chain, ahead)
        finally:
            if ahead is not None:
                ahead.stop()

    def _ahead(self, references: Sequence[ConfigReference]) -> Ahead | None:
        """Begins to fetch several configs side by side; None where there is only one to wait for."""
        remote = {reference.source for reference in references if needs_network(reference.source or "")}
        if self._fetcher.offline or len(remote) < 2:
            return None
        from ignition_py.fetch.ahead import Ahead

        return Ahead(self._fetcher, references, _MERGED)

    def _merge(self, config: Config, outer: Ignition | None, chain: Chain, ahead: Ahead | None) -> Config:
        merged = config
        for reference in config.ignition.config.merge:
            try:
                child, below = self._fetch(reference, _MERGED, chain, ahead)
            except EmptyConfig:
                self._log.warning(f"the config from {public(reference.source or '')} is empty and merges nothing")
                continue
            around = _settings(outer, merged)
            self._fetcher.configure(merge(around, child.ignition.but(config=None)))
            merged = merge(merged, self._render(child, around, below))
            self._fetcher.configure(_settings(outer, merged))
        return merged

    def _fetch(
        self, reference: ConfigReference, what: str, chain: Chain, ahead: Ahead | None = None
    ) -> tuple[Config, Chain]:
        """Fetches and reads one config; it, and the chain that leads to it."""
        source = reference.source or ""
        place = reference.place()
        shown = public(source)
        self._count += 1
        if len(chain) >= MAX_DEPTH or self._count > MAX_CONFIGS:
            limit = f"{MAX_DEPTH} deep" if len(chain) >= MAX_DEPTH else f"more than {MAX_CONFIGS}"
            raise ConfigError(f"configs name further configs without end ({limit}), the last is {shown}", place=place)
        data = ahead.read(reference) if ahead is not None else self._fetcher.read(reference, what=what)
        name = shown
        if scheme_of(source) == "data" and place is not None:  # there may be several
            name = f"the data URL in {path_text(place.path)} of {place.source}"
        self._texts.append((name, data))
        if self._trust is not None:
            self._trust.check_child(reference, data)
        if (source, data) in chain:
            raise ConfigError(f"the config from {shown} merges or replaces itself", place=place)
        self._log.info(f"fetched {what} from {shown}: {len(data)} bytes")
        config = parse(data, name, self._log, flatcar=self._flatcar)
        named = "" if scheme_of(source) == "data" else shown
        self._state.fetched_configs.append(FetchedConfig("user", named, referenced=True))
        return config, (*chain, (source, data))


def _settings(outer: Ignition | None, config: Config) -> Ignition:
    """What of a config and those around it says how to fetch."""
    own = config.ignition.but(config=None)
    return own if outer is None else merge(outer, own)
