"""Secrets that the config carries."""

from __future__ import annotations

from butane_py.linter.facts import Facts
from butane_py.linter.rule import Find, lint
from ignition_py.report.examples import luks


@lint(
    "lint-luks-key-inline",
    title="The key of a LUKS volume stands in the config",
    why="Whoever reads the config, in user data or in a repository, can open the volume, and the config is the same for every machine.",
    fix="Bind the volume with clevis (tpm2 or tang); without key_file Ignition makes a key of its own for each machine.",
    wrong=luks("key_file:\n  inline: secret"),
    right=luks("clevis:\n  tpm2: true"),
)
def luks_key_inline(facts: Facts, find: Find) -> None:
    """Key files in the config itself."""
    for i, volume in enumerate(facts.compiled.storage.luks):
        if (volume.key_file.source or "").startswith("data:"):
            hint = "bind it with clevis (tpm2, tang), or leave key_file out: each machine then makes its own"
            find.at(
                ("storage", "luks", i, "key_file", "source"),
                f"the key of the volume {volume.name} stands in the config",
                hint=hint,
            )
