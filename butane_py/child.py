"""A config inside a config: `ignition.config.merge[].inline` and `.replace.inline` are checked as Ignition configs.

The reference reports what is wrong in the inner config at the inner config's own paths; where the outer text has nothing of
that name the position is the nearest that it has. That is kept (docs/differences.md).
"""

from __future__ import annotations

from butane_py.registry import ButaneFindings
from ignition_py.report.catalog import code
from ignition_py.report.diag import ERROR, WARNING, Entry, Place, Report
from ignition_py.spec.kinds import is_semver, normal_version
from ignition_py.spec.read import EmptyConfig, parse
from ignition_py.spec.tables import VERSIONS


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
    """Adds what is wrong with the inner config `text` (JSON), read as the version that this config compiles to."""
    try:
        config, _, report = parse(text.encode("utf-8", "surrogateescape"), version=find.version)
    except EmptyConfig as error:
        config, report = None, Report([Entry(ERROR, "json-syntax", error.message, Place(()))])
    if config is None:
        message = f"the inline config is not a config: {report.entries[0].message}"
        find.of_inline(ERROR, "child-invalid", message, ())
        find.error("child-invalid", message, "inline")
        return
    version = config.ignition.version
    known = VERSIONS.get(version, normal_version(version))
    if known != find.version and is_semver(version):
        message = f"the inline config is of version {version}, which is not checked here"
        find.warning("child-version", message, "version")
        return
    if known is None:
        find.of_inline(ERROR, "version-unknown", f"{version!r} is no version", ("ignition", "version"))
    for entry in report:
        find.of_inline(entry.severity, entry.code, f"in the inline config: {entry.message}", entry.place.path, entry.hint)
