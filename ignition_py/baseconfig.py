"""Configs that the image brings along: fragments under every user config, and a user config of its own.

    base.d/*, base.platform.d/PLATFORM/*    merged in the order of their names, below the user's config
    user.ign                                takes the place of the platform's config

Each is looked for in three directories; a name in an earlier one hides the same name in later ones, an empty file hides
it and adds nothing. Directories and their overrides: the reference's notes for distributions.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import TypeAlias

from ignition_py.report.diag import ConfigError, IgnitionError
from ignition_py.spec.merge import merge
from ignition_py.spec.read import EmptyConfig
from ignition_py.spec.tables import Config
from ignition_py.system.log import Log

Parse: TypeAlias = "Callable[[bytes, str], Config]"

# Override in the environment -> directory, the most important first.
_DIRECTORIES = (
    ("IGNITION_SYSTEM_RUNTIME_CONFIG_DIR", "/run/ignition"),
    ("IGNITION_SYSTEM_LOCAL_CONFIG_DIR", "/etc/ignition"),
    ("IGNITION_SYSTEM_CONFIG_DIR", "/usr/lib/ignition"),
)
USER = "user.ign"


def directories(environ: Mapping[str, str]) -> tuple[str, ...]:
    """The directories of the image's configs, the most important first."""
    return tuple(environ.get(name) or default for name, default in _DIRECTORIES)


def user(log: Log, environ: Mapping[str, str]) -> bytes | None:
    """The image's own user config, None where it has none. Raises IgnitionError."""
    for directory in directories(environ):
        path = f"{directory}/{USER}"
        data = _read(path)
        if data is not None:
            log.info(f"reading the config from {path}")
            return data
    return None


def base(log: Log, environ: Mapping[str, str], platform: str, parse: Parse) -> Config | None:
    """All fragments for this platform merged, None where there are none.

    `parse(data, source)` reads one, raising ConfigError. A bad fragment in base.d stops the boot (raises ConfigError or
    IgnitionError); one for the platform is logged and left out, together with the others for the platform, as the
    reference does.
    """
    common = _merged(log, environ, "base.d", parse)
    try:
        special = _merged(log, environ, f"base.platform.d/{platform}", parse)
    except IgnitionError as error:
        log.error(  # noqa: TRY400  # not a logging.Logger
            f"the fragments of base.platform.d/{platform} are left out: {error}"
        )
        special = None
    if common is None or special is None:
        return common or special
    return merge(common, special)


def _merged(log: Log, environ: Mapping[str, str], below: str, parse: Parse) -> Config | None:
    paths: dict[str, str] = {}
    for directory in directories(environ):
        folder = f"{directory}/{below}"
        try:
            names = os.listdir(folder)
        except FileNotFoundError:
            continue
        except OSError as error:
            raise IgnitionError(f"reading the directory {folder}: {error.strerror}") from None
        for name in names:
            paths.setdefault(name, f"{folder}/{name}")
    result: Config | None = None
    for name in sorted(paths):
        config = _fragment(log, paths[name], parse)
        if config is not None:
            result = config if result is None else merge(result, config)
    return result


def _fragment(log: Log, path: str, parse: Parse) -> Config | None:
    data = _read(path)
    if not data:
        log.info(f"{path} is empty and adds nothing")
        return None
    log.info(f"reading the config fragment {path}")
    try:
        return parse(data, path)
    except EmptyConfig:
        return None
    except ConfigError as error:
        raise ConfigError(f"the config fragment {path} cannot be used", error.report) from None


def _read(path: str) -> bytes | None:
    try:
        with open(path, "rb") as file:
            return file.read()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise IgnitionError(f"reading {path}: {error.strerror}") from None
