"""A config inside a config: `ignition.config.merge[].inline` and `.replace.inline` are checked as Ignition configs.

The reference reports what is wrong in the inner config at the inner config's own paths; where the outer text has nothing of
that name the position is the nearest that it has. That is kept (docs/differences.md).
"""

from __future__ import annotations

from butane_py.registry import ButaneFindings
from ignition_py.report.catalog import code
from ignition_py.report.diag import ERROR, WARNING
from ignition_py.spec import tables as spec
from ignition_py.spec.decode import Decoder, WrongType
from ignition_py.spec.jsontext import JsonDocument, JsonSyntaxError
from ignition_py.spec.kinds import normal_version
from ignition_py.spec.rules.all import validate
from ignition_py.spec.rules.registry import Finding


@code(
    "child-invalid",
    title="A config inside the config is invalid",
    why=(
        "Ignition merges or replaces this config by the inner one, which has to be an Ignition config in JSON. This one "
        "cannot be read, so the boot would fail."
    ),
    fix="Put the output of butane-py there, not Butane YAML.",
    wrong="ignition:\n  config:\n    merge:\n      - inline: 'no JSON'\n",
    right='ignition:\n  config:\n    merge:\n      - inline: \'{"ignition": {"version": "3.5.0"}}\'\n',
)
@code(
    "child-version",
    title="A config inside the config has another version",
    why=(
        "The inner config is of another version of the Ignition language than this one compiles to. Ignition may read it;"
        " it is not checked here."
    ),
    fix="Compile the inner config with a version of the same Ignition language, or leave it.",
    wrong='ignition:\n  config:\n    merge:\n      - inline: \'{"ignition": {"version": "3.4.0"}}\'\n',
    right='ignition:\n  config:\n    merge:\n      - inline: \'{"ignition": {"version": "3.5.0"}}\'\n',
    severity=WARNING,
)
def check_child(text: str, find: ButaneFindings) -> None:
    """Adds what is wrong with the inner config `text` (JSON) to `find`."""
    document = JsonDocument(text.encode("utf-8", "surrogateescape"))
    try:
        raw = document.parse()
        decoder = Decoder(document, find.version)
        if not isinstance(raw, dict) and raw is not None:
            raise JsonSyntaxError("the config is not an object", 0)
        config = decoder.struct(spec.Config, raw or {}, ())
    except (JsonSyntaxError, WrongType) as error:
        message = f"the inline config is not a config: {error}"
        find.found.append(Finding(ERROR, "child-invalid", message, (), ""))
        find.error("child-invalid", message, "inline")
        return
    version = config.ignition.version
    known = spec.VERSIONS.get(version, normal_version(version))
    if known != find.version and _is_version(version):
        message = f"the inline config is of version {version}, which is not checked here"
        find.warning("child-version", message, "version")
        return
    if known is None:
        find.found.append(Finding(ERROR, "version-unknown", f"{version!r} is no version", ("ignition", "version"), ""))
    for finding in validate(config, find.version):
        finding.message = f"in the inline config: {finding.message}"
        finding.path = _spelled(finding.path)
        find.found.append(finding)
    for path in decoder.mismatched:
        find.found.append(
            Finding(WARNING, "null-object", f"in the inline config: {path[-1]} is null, not an object", path, "")
        )
    for path in decoder.unused:
        find.found.append(
            Finding(WARNING, "unused-key", f"in the inline config: unknown key `{path[-1]}`", path, "")
        )


def _spelled(path: tuple[str | int, ...]) -> tuple[str | int, ...]:
    from ignition_py.spec.read import spelled

    return spelled(path)


def _is_version(text: str) -> bool:
    from ignition_py.spec.kinds import is_semver

    return is_semver(text)
