"""`butane-py schema VARIANT VERSION`: the JSON Schema of a version of the language, for editors and other checkers."""

from __future__ import annotations

from collections.abc import Sequence

import click

from butane_py.published import IGNITION, names, published
from ignition_py.programs.commands import command, did_you_mean
from ignition_py.system.streams import say, write_stdout


def _variants(_ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[str]:
    return [name for name in dict.fromkeys(name for name, _ in names()) if name.startswith(incomplete)]


def _versions(ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[str]:
    return [version for name, version in names() if name == ctx.params.get("variant") and version.startswith(incomplete)]


@command(
    "schema",
    example="butane-py schema > butane.json\nbutane-py schema fcos 1.6.0 > fcos.json\nbutane-py schema --plain ignition 3.5.0",
    statuses={0: "printed", 1: "there is no such schema", 2: "wrong usage"},
)
@click.argument("variant", required=False, shell_complete=_variants)
@click.argument("version", required=False, shell_complete=_versions)
@click.option("-l", "--list", "as_list", is_flag=True, help="List all variants and versions.")
@click.option("--plain", is_flag=True, help="Allow unknown keys, of which the compiler warns only.")
def run(variant: str | None, version: str | None, as_list: bool, plain: bool) -> int:
    """Print a JSON Schema: without a variant the one of all, which looks at a config's own variant and version.

    The variant `ignition` is the output's language. The schemas are the files that the project publishes.
    """
    known = names()
    if as_list:
        write_stdout("".join(f"{name} {version}\n" for name, version in known))
        return 0
    if variant is not None and version is None:
        raise click.UsageError(f"a version is needed beside the variant; {variant} has {', '.join(v for n, v in known if n == variant)}")
    if variant is not None and (variant, version) not in known:
        all_names = [f"{name} {each}" for name, each in known]
        close = did_you_mean(f"{variant} {version}", all_names)
        say(f"{click.get_current_context().command_path}: there is no schema of {variant} {version}{close}\n")
        return 1
    folder = "" if plain else "strict/"
    if variant is None:
        path = f"{folder}butane.json"
    else:
        path = f"{folder}ignition/{version}.json" if variant == IGNITION else f"{folder}butane/{variant}-{version}.json"
    write_stdout(published(path))
    return 0


def main(program: str, argv: Sequence[str]) -> int:
    """Runs the command and returns its exit status. Raises OSError."""
    return run.run(argv, program)
