"""`ignition-py convert`: the same config in another version of the spec, or every reason why not.

Takes Ignition 3.x, Butane, MachineConfigs, and the old 1 and 2.x (spec/legacy).
"""

from __future__ import annotations

from ignition_py.butane import is_butane
from ignition_py.programs.inputs import Input, compile_butane
from ignition_py.programs.machine_config import embedded
from ignition_py.report.diag import Report
from ignition_py.spec import downgrade, tables
from ignition_py.spec.legacy import legacy_version, translate
from ignition_py.spec.read import parse
from ignition_py.spec.tables import Config

STABLE = tuple(name for name in tables.VERSIONS if "-" not in name)


def convert(source: Input, target: int, files_dir: str | None = None) -> tuple[Config | None, Report]:
    """The config at minor version `target`, None where the report has errors. Raises IgnitionError."""
    data, report = source.data, Report()
    config: Config | None
    machine_config = None if is_butane(data) else embedded(data)
    if machine_config is not None:
        config, report = convert(Input(source.name, machine_config.data), target)
        return config, machine_config.led_back(report)
    if is_butane(data):
        compiled = compile_butane(source, files_dir)
        report.entries += compiled.report
        if compiled.data is None:
            return None, report
        data = compiled.data
    if legacy_version(data) is not None:
        config, found = translate(data, source.name)
        version = tables.VERSIONS[config.ignition.version] if config is not None else 0
    else:
        config, version, found = parse(data, source.name)
    report.entries += found
    if config is None or report.fatal:
        return None, report
    config, found = downgrade.convert(config, version, target)
    report.entries += found
    return config, report
