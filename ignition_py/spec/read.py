"""Reading an Ignition config: JSON text to a checked config of the newest version. Both programs come through here.

parse (jsontext) -> version -> decode (tables) -> rules -> upgrade. Nothing is raised for a bad config: the report says
what is wrong and where.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ignition_py.report.diag import ERROR, WARNING, ConfigError, Entry, Fix, Path, Place, Related, Report
from ignition_py.spec import tables
from ignition_py.spec.jsonnode import JsonSyntaxError
from ignition_py.spec.jsontext import JsonDocument, NeedsExact
from ignition_py.spec.model import Field
from ignition_py.spec.rules.registry import Finding
from ignition_py.spec.tables import Config

if TYPE_CHECKING:
    from ignition_py.spec.decode import Decoder
    from ignition_py.spec.unknown import Answer


# The map from entries of a config to the YAML it was compiled from, which `butane-py --source-map` makes and yaml_places.py reads:
# the key of one inside a config, the end of the name of one beside it, and the versions of its format: of one file, of several.
MAP_KEY = "sourceMap"
MAP_SUFFIX = ".map"
MAP_OF_ONE, MAP_OF_SEVERAL = MAP_VERSIONS = (1, 2)


class EmptyConfig(ConfigError):
    """There is nothing in the config: the machine is provisioned without one."""

    def __init__(self) -> None:
        super().__init__("the config is empty")


def read(data: bytes, source: str = "") -> tuple[Config | None, Report]:
    """`data` as a config of the newest version, None where the report is fatal. Raises EmptyConfig for no data at all."""
    config, version, report = parse(data, source)
    if config is None or report.fatal:
        return None, report
    from ignition_py.spec.upgrade import upgrade

    return upgrade(config, version), report


def parse(data: bytes, source: str = "", version: int | None = None) -> tuple[Config | None, int, Report]:
    """`data` as a config of the version it is written in, that version's minor number, and the report.

    With `version` the config is read as that minor version, whatever it says itself. Raises EmptyConfig for no data at all.
    """
    config, minor, report = _parsed(data, source, version)
    if len(report):
        from ignition_py.report.finish import finished

        report = finished(report)
    return config, minor, report


def _parsed(data: bytes, source: str, version: int | None) -> tuple[Config | None, int, Report]:
    from ignition_py.spec.decode import WrongType

    if not data:
        raise EmptyConfig
    report = Report()
    document = JsonDocument(data, source)
    try:
        try:
            raw = document.parse()
            return _decoded(document, raw, lambda decoder: decoder.whole(tables.Config, raw), version, report)
        except NeedsExact:
            from ignition_py.spec.exact import values, whole

            root = values(data)
            return _decoded(document, root.plain, lambda decoder: whole(decoder, tables.Config, root), version, report)
    except JsonSyntaxError as error:
        _syntax(report, document, error)
    except WrongType as error:
        _wrong_type(document, error, report)
    return None, version or 0, report


def _decoded(
    document: JsonDocument, raw: Any, decode: Callable[[Decoder], Config], version: int | None, report: Report
) -> tuple[Config | None, int, Report]:
    """The config that `decode` makes of a text whose value is `raw`. Raises WrongType and NeedsExact."""
    from ignition_py.spec.decode import Claim, Decoder

    claim = decode(Claim(document, 0)).ignition.version
    outer = version is None
    if version is None:
        version = _known(raw, claim, document, report)
    if version is None:
        return None, 0, report
    decoder = Decoder(document, version)
    config = decode(decoder)
    if outer and raw is not None and _is_source_map(raw.get(MAP_KEY)):
        decoder.unused = [path for path in decoder.unused if path != (MAP_KEY,)]
    if raw is None:
        decoder.mismatched.append(())
    _check(config, version, decoder, report)
    return config, version, report


def _is_source_map(value: Any) -> bool:
    """True for a map that `butane-py --source-map=inline` wrote."""
    return type(value) is dict and value.get("version") in MAP_VERSIONS and type(value.get("places")) is dict


def _known(raw: Any, claim: str, document: JsonDocument, report: Report) -> int | None:
    """The minor number of the claimed version; None with an error in the report where there is none."""
    version = tables.VERSIONS.get(claim)
    if version is None:
        from ignition_py.spec.kinds import normal_version, version_problem

        version = normal_version(claim)
        if version is None:
            message, place = version_problem(raw, claim, document)
            report.add(ERROR, "version-unknown", message, place)
    return version


def _wrong_type(document: JsonDocument, error: Any, report: Report) -> None:
    from ignition_py.spec.decode import type_error_offset

    place = document.place_at(type_error_offset(document, error))
    where = ".".join(map(str, error.path))
    report.add(ERROR, "wrong-type", f"{where}: {error}" if where else str(error), place)


def parse_cached(data: bytes, source: str = "") -> Config:
    """The executor's own config cache: checked before it was written, so only decoded. Raises ConfigError."""
    from ignition_py.spec.decode import Decoder, WrongType

    document = JsonDocument(data, source)
    try:
        raw = document.parse()
        version = tables.VERSIONS[raw["ignition"]["version"]]
        return Decoder(document, version).struct(tables.Config, raw, ())
    except (JsonSyntaxError, NeedsExact, WrongType, KeyError, TypeError) as error:
        raise ConfigError(f"the config cache {source} is damaged: {error}") from None


def _check(config: Config, version: int, decoder: Any, report: Report) -> None:
    from ignition_py.spec.rules.all import validate

    document = decoder.document
    findings = [(finding, spelled(finding.path)) for finding in validate(config, version)]
    if not (findings or decoder.mismatched or decoder.unused):
        return
    document.locate([*(path for _, path in findings), *decoder.mismatched, *decoder.unused])
    if not document.has_places:  # the reference then neither knows places nor looks for keys that mean nothing
        decoder.mismatched, decoder.unused = [], []
    for finding, path in findings:
        report.entries.append(_entry(document, finding, path))
    for path in decoder.mismatched:
        message = f"{path[-1] if path else 'the config'} is null where an object is expected; it counts as empty"
        report.add(WARNING, "null-object", message, document.place(path))
    if decoder.unused:
        _warn_of_unknown(decoder, report)


def _warn_of_unknown(decoder: Decoder, report: Report) -> None:
    """One warning for each key; of a text that is nothing but unknown keys only the first are explained."""
    from ignition_py.spec.unknown import MAX_ANSWERS, shown

    document = decoder.document
    for path in decoder.unused[:MAX_ANSWERS]:
        answer = unknown_key(path, decoder)
        report.add(WARNING, "unused-key", answer.message, document.key_place(path), answer.hint)
    for path in decoder.unused[MAX_ANSWERS:]:
        report.add(WARNING, "unused-key", f"unknown key `{shown(str(path[-1]))}`", document.key_place(path))


def _entry(document: JsonDocument, finding: Finding, path: Path) -> Entry:
    """The diagnostic of a finding at `path`, its path as one of JSON keys."""
    related = tuple(Related(message, document.place(spelled(other))) for message, other in finding.related)
    fix = None
    if finding.fix is not None and document.find(changed := spelled(finding.fix.path)) is not None:
        from json import dumps

        value = finding.fix.value
        fix = Fix(finding.fix.title or f"write {value}", document.place(changed), dumps(value, ensure_ascii=False))
    place = document.place(path)
    return Entry(finding.severity, finding.code, finding.message, place, finding.hint, related=related, fix=fix)


def unknown_key(path: Path, decoder: Decoder) -> Answer:
    """What to say of the last key of `path` (JSON keys)."""
    from ignition_py.spec.unknown import Answer, explain, place_name, spelling

    key, answer = str(path[-1]), explain(tables.Config, path, decoder.fields, lambda entry: _came(entry, decoder.version), "json")
    if len(answer.write) == len(key) and answer.write == spelling(key, (answer.write,)):
        message = f"the key `{key}` {place_name(path)} is taken for `{answer.write}`, which is how it is spelled"
        return Answer(message, f"write {answer.write}", write=answer.write)
    return answer


def _came(entry: Field, version: int) -> tuple[str, str]:
    """Why spec 3.`version` lacks a field, and the way out."""
    names = {minor: text for text, minor in tables.VERSIONS.items()}
    if entry.since not in names:
        return "Butane has it, Ignition does not", "remove the key"
    if entry.since > version:
        first = names[entry.since]
        return f"it came with spec {first}; this config is {names[version]}", f'set version to "{first}", or remove the key'
    return f"it was removed with spec {names[entry.until]}; this config is {names[version]}", "remove the key"


def spelled(path: Path) -> Path:
    """A path of field names as one of JSON keys."""
    struct: Any = tables.Config
    spelled: list[str | int] = []
    for part in path:
        entry = struct.FIELDS.get(part) if struct is not None and isinstance(part, str) else None
        if entry is not None:
            spelled.append(entry.json)
            struct = entry.struct
        else:
            spelled.append(part)
    return tuple(spelled)


def _syntax(report: Report, document: JsonDocument, error: JsonSyntaxError) -> None:
    from ignition_py.spec.kinds import not_json

    message = not_json(document.data) or f"this is not JSON: {error}"
    report.add(ERROR, "json-syntax", message, document.place_at(error.offset))


__all__ = ["EmptyConfig", "Place", "parse", "parse_cached", "read"]
