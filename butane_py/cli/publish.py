"""`butane-py publish DESTINATION`: what builds have published there, and with --prune the removal of what no host needs any more."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence

import click

from butane_py.cli.batch import ProgressBar
from butane_py.deliver.publish import prune as pruning
from butane_py.deliver.publish.history import Publication
from butane_py.deliver.publish.store import Store, open_store
from ignition_py.programs.commands import FILE, command
from ignition_py.system.streams import say, write_stdout

VERSION = 1
_MOST_SHOWN = 20  # names of what is removed

_EXAMPLE = """butane-py publish s3://configs/prod
butane-py publish s3://configs/prod --prune --keep 10
butane-py publish out/www --prune --keep 3 --forget 'test-*' --yes"""


@command(
    "publish",
    example=_EXAMPLE,
    statuses={0: "done", 1: "refused: the store cannot be read or written, or the answer was no", 2: "wrong usage"},
)
@click.argument("destination")
@click.option("--prune", is_flag=True, help="Remove the parts that no host needs any more.")
@click.option("--keep", type=click.IntRange(1), default=10, help="How many publications of each host keep their parts.")
@click.option(
    "--manifest", "manifests", type=FILE, multiple=True, help="Keep also the parts that this manifest.json names."
)
@click.option(
    "--forget", multiple=True, metavar="PATTERN", help="Keep nothing for these hosts, which are gone: 'test-*'."
)
@click.option("--dry-run", is_flag=True, help="Show what --prune would remove, and remove nothing.")
@click.option("--yes", is_flag=True, help="Remove without asking.")
@click.option(
    "--format", "style", type=click.Choice(("text", "json")), default="text", help="Format of what is printed."
)
def run(
    destination: str,
    prune: bool,
    keep: int,
    manifests: tuple[str, ...],
    forget: tuple[str, ...],
    dry_run: bool,
    yes: bool,
    style: str,
) -> int:
    """List what builds have published to DESTINATION, and remove what is no longer needed.

    DESTINATION is the folder or URL that was given to `butane-py build --publish`. With --prune a part stays as long as one of the
    last publications of a host names it. Do not publish there at the same time: parts are uploaded before they are named.
    """
    if not prune and (manifests or forget or dry_run or yes):
        raise click.UsageError("--manifest, --forget, --dry-run and --yes go with --prune")
    store = open_store(destination)
    names = list(store.names())
    found = pruning.read_all(store, names)
    if not prune:
        write_stdout(_as_json(names, found) if style == "json" else _as_text(names, found))
        return 0
    named = {name for path in manifests for name in pruning.parts_of_manifest(path)}
    plan = pruning.plan(names, found, keep=keep, named=named, forget=forget)
    removed = bool(plan.parts or plan.publications) and not dry_run and _agreed(plan, yes=yes)
    if removed:
        _remove(store, plan)
    write_stdout(_pruned_json(plan, removed=removed) if style == "json" else _pruned_text(plan, removed=removed))
    return 0 if removed or dry_run or not (plan.parts or plan.publications) else 1


def _agreed(plan: pruning.Pruning, *, yes: bool) -> bool:
    """True if what is planned is to be done. Raises UsageError where nobody can be asked."""
    if yes:
        return True
    if not sys.stdin.isatty():
        raise click.UsageError(
            "standard input is not a terminal: give --yes to remove without asking, or --dry-run to look"
        )
    say(_listed(plan))
    return click.confirm(f"Remove {_count(plan)}?", err=True)


def _remove(store: Store, plan: pruning.Pruning) -> None:
    bar = ProgressBar(len(plan.parts) + len(plan.publications)) if sys.stderr.isatty() else None
    try:
        pruning.remove(store, plan, (lambda done, _: bar.show(done)) if bar else None)
    finally:
        if bar:
            bar.clear()


def _listed(plan: pruning.Pruning) -> str:
    names = (*plan.parts, *plan.publications)
    more = f"and {len(names) - _MOST_SHOWN:,} more\n" if len(names) > _MOST_SHOWN else ""
    return "".join(f"{name}\n" for name in names[:_MOST_SHOWN]) + more


def _count(plan: pruning.Pruning) -> str:
    return f"{_plural(len(plan.parts), 'part')} and {_plural(len(plan.publications), 'publication')}"


def _plural(count: int, word: str) -> str:
    return f"{count:,} {word}{'' if count == 1 else 's'}"


def _pruned_text(plan: pruning.Pruning, *, removed: bool) -> str:
    done = "removed" if removed else "to remove"
    kept = f"{_plural(plan.parts_kept, 'part')} and {_plural(plan.publications_kept, 'publication')}"
    return f"{_listed(plan)}{done}: {_count(plan)}; kept: {kept}\n"


def _pruned_json(plan: pruning.Pruning, *, removed: bool) -> str:
    kept = {"parts": plan.parts_kept, "publications": plan.publications_kept}
    data = {
        "version": VERSION,
        "removed": removed,
        "parts": plan.parts,
        "publications": plan.publications,
        "kept": kept,
    }
    return json.dumps(data, indent=2) + "\n"


def _as_text(names: Sequence[str], found: Sequence[Publication]) -> str:
    """The publications, the newest first, a line each."""
    lines = []
    for each in found:
        parts = {part for host in each.hosts.values() for part in host}
        lost = len(parts - set(names))
        lines.append(
            f"{each.number:06}  {_plural(len(each.hosts), 'host')}, {_plural(len(parts), 'part')}{f', {lost:,} removed' if lost else ''}\n"
        )
    return "".join(lines) or "nothing is recorded there\n"


def _as_json(names: Sequence[str], found: Sequence[Publication]) -> str:
    there = set(names)
    publications = [
        {
            "name": each.name,
            "hosts": {
                host: [{"name": part, "there": part in there} for part in parts] for host, parts in each.hosts.items()
            },
        }
        for each in found
    ]
    return json.dumps({"version": VERSION, "publications": publications}, indent=2) + "\n"


def main(program: str, argv: Sequence[str]) -> int:
    """Runs the command and returns its exit status. Raises OSError."""
    return run.run(argv, program)
