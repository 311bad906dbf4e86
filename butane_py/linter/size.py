"""User data that is larger than platforms take, by the table of platforms (deliver/platforms.py)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from butane_py.deliver.platforms import BY_NAME, over_limit
from butane_py.linter.rule import Find, lint
from ignition_py.report.diag import INFO, WARNING
from ignition_py.report.examples import file_

if TYPE_CHECKING:
    from butane_py.linter.facts import Facts

_UNASKED = (
    "aws",
    "azure",
    "digitalocean",
    "gcp",
    "hetzner",
    "openstack",
)  # named where no setting says where the config goes


@lint(
    "lint-user-data-size",
    severity=INFO,
    title="The config is larger than user data may be",
    why="Platforms limit the size of user data, and refuse or cut what is larger.",
    fix="Build it with `butane-py build --for PLATFORM`, which packs it or publishes it behind a small config. "
    "The setting platforms says where the config goes; what is over a limit of those is a warning.",
    wrong=file_("contents:\n  compression: ''\n  local: random.bin"),
    right=file_("contents:\n  local: a.txt"),
    local=True,
)
def user_data_size(facts: Facts, find: Find) -> None:
    """Configs over the limit of a platform: a warning for those that the settings name, information for others."""
    if facts.row.machine_config and not facts.work.options.raw:
        return
    size = len(facts.output.encode("utf-8", "replace")) + 1
    named = facts.settings.platforms
    over = over_limit(named or _UNASKED, size)
    if not over:
        return
    limits = ", ".join(f"{name} ({most:,})" for name, most in over.items())
    hint = f"`butane-py build --for {next(iter(over))}` packs it, or publishes it behind a small config"
    severity = WARNING if named and any(BY_NAME[name].sure for name in over) else INFO
    find.at_yaml(
        (), f"the config has {size:,} bytes, more than the user data of {limits}", hint=hint, severity=severity
    )
