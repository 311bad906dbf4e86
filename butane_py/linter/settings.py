"""Settings of the linter: `[tool.butane-py]` of a pyproject.toml, or a butane-py.toml, found upwards from the config.

select = ["lint-unit", "lint-ssh-key-invalid"]    # codes or beginnings of codes; default: every rule
ignore = ["lint-old-version"]
platforms = ["aws", "openstack"]                  # where the config goes, for limits of user data
verify = true                                     # hold units against systemd-analyze verify
allow-extensions = true                           # keys x-… at the top and << are not unknown keys

[severity]                                        # [tool.butane-py.severity] in pyproject.toml
lint-raid-one-device = "error"                    # error, warning, info or off
"""

from __future__ import annotations

import os
from typing import Any

from butane_py.compilation import Options
from ignition_py.record import Record, field
from ignition_py.report.catalog import declare
from ignition_py.report.diag import SEVERITIES, ConfigError

declare(
    "lint-settings",
    title="Settings of the linter cannot be used",
    why="A butane-py.toml or [tool.butane-py] of a pyproject.toml has an unknown name or a wrong type, or rules of others cannot be loaded.",
    fix="Mend the file that the message names; docs/lint.md lists the settings.",
    lint=True,
)


OFF = "off"
OWN_FILE = "butane-py.toml"
_LISTS = ("select", "ignore", "platforms")
_SWITCHES = ("verify", "allow-extensions")


class Settings(Record):
    """What the linter reports, and how. Codes are whole codes or their beginnings (`lint-unit`)."""

    select: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    platforms: tuple[str, ...] = ()
    severity: dict[str, str] = field(default_factory=dict)
    verify: bool = False
    allow_extensions: bool = False

    def runs(self, code: str) -> bool:
        """True if the rule of that code is selected. Ignored rules run too: what they find is dropped afterwards."""
        return not self.select or matches(code, self.select)

    def severity_of(self, code: str) -> str:
        """The severity that is set for a code, by the longest beginning that is; empty where none is."""
        found = [name for name in self.severity if matches(code, (name,))]
        return self.severity[max(found, key=len)] if found else ""


def matches(code: str, names: tuple[str, ...]) -> bool:
    """True if `code` is one of the names, or begins with one of them and a dash."""
    return any(code == name or code.startswith(name.rstrip("-*") + "-") for name in names if name.rstrip("-*"))


def listed(text: str) -> tuple[str, ...]:
    """Codes of a flag: separated by commas or blanks."""
    return tuple(text.replace(",", " ").split())


def load(config: str) -> Settings:
    """The settings for a config at a path ("" or "<stdin>": the current directory). Raises ConfigError for bad settings."""
    folder = os.path.abspath(os.path.dirname(config) if config and not config.startswith("<") else ".")
    while True:
        for name, key in ((OWN_FILE, ""), ("pyproject.toml", "butane-py")):
            path = os.path.join(folder, name)
            if os.path.isfile(path):
                table = _table(path, key)
                if table is not None:
                    return parse(table, path)
        parent = os.path.dirname(folder)
        if parent == folder:
            return Settings()
        folder = parent


def for_config(options: Options, config: str) -> Options:
    """Compiler's options with the settings for one config; those of the command line come first. Raises ConfigError."""
    said, found = options.settings or Settings(), load(config)
    settings = found.but(
        select=said.select or found.select,
        ignore=(*said.ignore, *found.ignore),
        verify=said.verify or found.verify,
    )
    return options.but(settings=settings, allow_extensions=options.allow_extensions or found.allow_extensions)


def _table(path: str, key: str) -> dict[str, Any] | None:
    """The table of settings in a file, None where it has none."""
    import tomllib

    try:
        with open(path, "rb") as file:
            data = tomllib.load(file)
    except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        if key:
            return None  # a pyproject.toml of somebody else
        reason = getattr(error, "strerror", None) or str(error)
        raise ConfigError(f"{path}: these settings cannot be read: {reason}") from None
    if not key:
        return data
    tools = data.get("tool")
    table = tools.get(key) if isinstance(tools, dict) else None
    if table is not None and not isinstance(table, dict):
        raise ConfigError(f"{path}: tool.{key} is not a table", hint=f"write [tool.{key}] and the settings below it")
    return table


def parse(table: dict[str, Any], path: str) -> Settings:
    """Checked settings. Raises ConfigError for unknown names and wrong types."""
    from butane_py.linter.rule import near

    names = (*_LISTS, *_SWITCHES, "severity")
    values: dict[str, Any] = {}
    for name, value in table.items():
        if name not in names:
            close = near(name, names)
            raise ConfigError(
                f"{path}: unknown setting {name}"
                + (f"; did you mean {close}?" if close else f"; known: {', '.join(names)}")
            )
        if name in _LISTS:
            if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
                raise ConfigError(f'{path}: {name} is not a list of strings; write {name} = ["…"]')
            values[name] = tuple(value)
        elif name in _SWITCHES:
            if not isinstance(value, bool):
                raise ConfigError(f"{path}: {name} is neither true nor false")
            values[name.replace("-", "_")] = value
        else:
            values["severity"] = _severities(value, path)
    _check_platforms(values.get("platforms", ()), path)
    return Settings(**values)


def _severities(table: Any, path: str) -> dict[str, str]:
    if not isinstance(table, dict):
        raise ConfigError(
            f'{path}: severity is not a table; write [severity] and below it lines such as lint-no-login = "error"'
        )
    for code, severity in table.items():
        if severity not in (*SEVERITIES, OFF):
            raise ConfigError(
                f"{path}: the severity of {code} is {severity!r}; it is one of {', '.join(SEVERITIES)}, {OFF}"
            )
    return dict(table)


def _check_platforms(platforms: tuple[str, ...], path: str) -> None:
    from butane_py.deliver.platforms import BY_NAME
    from butane_py.linter.rule import near

    for name in platforms:
        if name not in BY_NAME:
            close = near(name, BY_NAME, 0.6)
            raise ConfigError(
                f"{path}: unknown platform {name}; "
                + (f"did you mean {close}?" if close else f"known: {', '.join(BY_NAME)}")
            )
