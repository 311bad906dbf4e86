"""`ignition-py render`: the config as a machine would have it, with everything merged in.

What it names is fetched as at boot (render.py, fetch/); offline only what configs carry themselves. The result stands
alone: nothing is left to merge or to replace it, and it is of the newest stable version, or of the experimental one where
a field of it has no stable version.
"""

from __future__ import annotations

from ignition_py.butane import is_butane
from ignition_py.fetch.fetcher import Fetcher
from ignition_py.programs.butane_places import Compilation, written_in
from ignition_py.programs.inputs import compile_butane, read_input
from ignition_py.programs.machine_config import embedded
from ignition_py.record import Record
from ignition_py.render import Renderer, log_report, parse, refusal
from ignition_py.report.diag import ERROR, ConfigError, Entry
from ignition_py.spec import tables
from ignition_py.spec.downgrade import convert
from ignition_py.spec.origins import place_of
from ignition_py.spec.read import read
from ignition_py.spec.rules.all import validate
from ignition_py.spec.tables import Config
from ignition_py.state import State
from ignition_py.system.log import CRIT, INFO, WARNING, Log, Stream

TIMEOUT = 60.0  # seconds for one fetch, as long as no config says otherwise


class Fetching(Record):
    """How a config and what it names are read: local files of Butane configs, the network, seconds for one fetch."""

    files_dir: str | None = None
    offline: bool = False
    timeout: float = TIMEOUT
    verbose: bool = False

    def log(self) -> Log:
        return Log(Stream("stderr", named=False), threshold=INFO if self.verbose else WARNING)


def render(path: str, fetching: Fetching) -> tuple[Config, int]:
    """A config that stands alone, and the minor version that it is written in. Raises IgnitionError."""
    config = rendered(path, fetching)
    config = config.but(ignition=config.ignition.but(config=None))
    return fitted(config)


def fitted(config: Config) -> tuple[Config, int]:
    """`config`, of the newest version, in the newest stable version; as it is where that has no place for a field of it."""
    newest = tables.VERSIONS[tables.latest()]
    stable = max(minor for name, minor in tables.VERSIONS.items() if "-" not in name)
    converted, _ = convert(config, newest, stable)
    return (config, newest) if converted is None else (converted, stable)


def rendered(path: str, fetching: Fetching) -> Config:
    """The config with everything merged in, at the newest version. Places of a Butane config are those of its own text. Raises
    IgnitionError."""
    log = fetching.log()
    source = read_input(path)
    data, name = source.data, source.name
    machine_config = None if is_butane(data) else embedded(data)
    if machine_config is not None:
        report = machine_config.led_back(read(machine_config.data, name)[1])
        log_report(report, log)
        if report.fatal:
            raise ConfigError(f"the MachineConfig {name} is not valid")
        data = machine_config.data
    elif is_butane(data):
        compiled = compile_butane(source, fetching.files_dir)
        log_report(compiled.report, log)
        if compiled.data is None:
            raise ConfigError(f"the Butane config {source.name} is not valid")
        data, name = compiled.data, f"{name} (compiled)"
    quiet = Log(Stream("stderr"), threshold=CRIT)  # for what has been reported already
    config = parse(data, name, log if data is source.data else quiet)
    fetcher = Fetcher(log, offline=fetching.offline, limit=fetching.timeout)
    merged = Renderer(fetcher, log, State()).render(config)
    check_rendered(merged, log, merged=merged is not config)
    return merged if name == source.name else written_in(merged, Compilation(source.name, name, source.data, fetching.files_dir))


def check_rendered(config: Config, log: Log, *, merged: bool) -> None:
    """Configs that are valid apart may contradict each other once merged, or be refused at the newest version. Raises ConfigError."""
    found = [f for f in validate(config, tables.VERSIONS[tables.latest()]) if f.severity == ERROR]
    for finding in found:
        place = place_of(config, finding.path)
        source = f" ({place.source})" if place.source else ""
        log.crit(Entry(ERROR, finding.code, finding.message, place).raw() + source)
    if found:
        raise ConfigError(refusal(merged=merged))
