"""`butane-py build`: one source for many hosts, with variables, includes and inventories."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from butane_py.cli.building import Build, ManyHosts, Request
from butane_py.cli.job import Job, coloured
from butane_py.cli.processes import MOST
from butane_py.compilation import Options
from butane_py.fleet.outside import WordError
from butane_py.fleet.selection import LimitError
from ignition_py.programs.commands import FILE, FOLDER, command
from ignition_py.report.diag import ConfigError

if TYPE_CHECKING:
    from butane_py.cli.build_publish import Publication
    from butane_py.deliver.ladder import Address, Wish
    from butane_py.deliver.publish.publishing import Addresses
    from butane_py.deliver.secrets.modes import Keeping

REPORTS = ("text", "json", "sarif")
PICTURES = ("mermaid", "svg")
IGNITION, BUTANE = "ignition", "butane"
EMITS = (IGNITION, BUTANE, "base64", "gzip+base64", "govc", "vmx", "ovf", "kvp", "fw_cfg", "kubevirt", "secret", "terraform", "tinkerbell")

_EXAMPLE = """butane-py build node.bu --var hostname=n1 --var address=10.0.0.11/24 -o n1.ign
butane-py build node.bu --inventory hosts.yaml --output-dir out
butane-py build node.bu --inventory hosts.yaml --output-dir out --for aws
butane-py build node.bu --inventory hosts.yaml --limit 'workers:!n7' --check --strict
butane-py build node.bu --inventory hosts.yaml --host n1 --emit butane > n1.bu
butane-py build node.bu --inventory hosts.yaml --host n3 --explain-var mtu"""


def _targets(_ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[str]:
    from butane_py.targets.registry import NAMES

    return [name for name in NAMES if name.startswith(incomplete)]


def _recipients(_ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[str]:
    from butane_py.deliver.recipients import names

    return [name for name in names() if name.startswith(incomplete)]


def _host_names(ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[str]:
    from butane_py.fleet.inventory import read_inventories

    try:
        found = read_inventories(ctx.params.get("inventories") or ())
    except ConfigError:
        return []
    return [name for name in found.hosts if name.startswith(incomplete)]


def _variables(ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[str]:
    from butane_py.fleet.program import Program

    try:
        found = Program.load(ctx.params.get("config") or next(iter(ctx.args), ""), Options()).declarations
    except (OSError, ConfigError):
        return []
    return [name for name in found if name.startswith(incomplete)]


@command(
    "build",
    example=_EXAMPLE,
    statuses={0: "built", 1: "refused: errors, with --strict warnings too, or a file cannot be read or written", 2: "wrong usage"},
)
@click.argument("config", type=FILE, default="")
@click.option("-i", "--inventory", "inventories", type=FILE, multiple=True,
              help="Hosts and their variables: Ansible's YAML, ansible-inventory --list, CSV, JSON, terraform output -json "
              "(FILE#OUTPUT). Later ones override.")
@click.option("--vars", "vars_files", type=FILE, multiple=True,
              help="YAML or JSON file of variables for every host, plain or encrypted by sops or age; overrides the inventory.")
@click.option("--env", "environment", metavar="PREFIX", help="Read variables from the environment: PREFIXname.")
@click.option("--var", "words", multiple=True, metavar="NAME=VALUE", help="A variable for every host; overrides all else.")
@click.option("-l", "--limit", "limits", multiple=True, metavar="PATTERNS", help="Hosts to build, as Ansible's --limit: 'web*:&prod:!n7'.")
@click.option("--host", "hosts", multiple=True, metavar="NAME", shell_complete=_host_names, help="Build this host only.")
@click.option("--output-dir", type=FOLDER, default="", show_default=False,
              help="Write a config for each host into this folder, and manifest.json.")
@click.option("-o", "--output", type=FILE, default="", show_default=False,
              help="Write the config of one host to this file (default: standard output).")
@click.option("--prune", is_flag=True, help="Remove the configs of hosts that are gone from --output-dir, as far as they are unchanged.")
@click.option("-d", "--files-dir", type=FOLDER, default="", show_default=False, help="Directory that local files may be embedded from.")
@click.option("--emit", type=click.Choice(EMITS), default=IGNITION, metavar="FORM",
              help="What to write: ignition; butane: plain Butane, as the reference reads it; or the config as a tool takes it: "
              f"{', '.join(EMITS[2:])}.")
@click.option("--secrets", type=click.Choice(("split", "tang", "inline")), default=None, show_default=False,
              help="What to do with secrets, which --for refuses where others can read the user data. split: publish them to "
              "--publish-private; tang: encrypt secret files for a Tang server; inline: leave them in the user data.")
@click.option("--tang", default="", show_default=False, metavar="URL,adv=FILE[,thp=ID]",
              help="With --secrets tang: the server, its advertisement, and the thumbprint of a key that has signed that.")
@click.option("--target", "target_names", multiple=True, metavar="NAME", shell_complete=_targets,
              help="Write for another system, NAME[@VERSION][:FLAVOUR]; with several, each has a folder in --output-dir.")
@click.option("--for", "recipient", default="", show_default=False, metavar="NAME[:VERSION]", shell_complete=_recipients,
              help="Write what this platform, consumer or PLATFORM+CONSUMER takes; `butane-py platforms` lists them.")
@click.option("--form", type=click.Choice(("plain", "wrapped", "pointer")), default=None, show_default=False,
              help="Hand the config over in this form, not in the first one that fits.")
@click.option("--publish", "place", default="", show_default=False, metavar="DEST",
              help="With --for: where a config that does not fit is published, for its user data to name it: a folder, s3://BUCKET/PREFIX, "
              "gs://BUCKET/PREFIX, https://ACCOUNT.blob.core.windows.net/CONTAINER, or a web server that takes PUT.")
@click.option("--publish-url", default="", show_default=False, metavar="URL",
              help="The URL that machines fetch what is in DEST from, for a folder or where it is another one.")
@click.option("--publish-private", default="", show_default=False, metavar="DEST",
              help="Where parts with secrets are published, without --publish all; only their machines may read there.")
@click.option("--publish-private-url", default="", show_default=False, metavar="URL", help="As --publish-url, for --publish-private.")
@click.option("--publish-dry-run", is_flag=True, help="Tell what would be published; with --check, which writes nothing.")
@click.option("--split-common", "split", is_flag=True,
              help="With --publish: publish what hosts have in common once, and let each machine merge its own config into it.")
@click.option("--explain-var", "explain", default="", show_default=False, metavar="NAME", shell_complete=_variables,
              help="Show where a variable's value comes from, and write nothing.")
@click.option("-c", "--check", is_flag=True, help="Compile, hold the outputs against the published schema, and write nothing.")
@click.option("-s", "--strict", is_flag=True, help="Refuse a host on any warning.")
@click.option("--lint", is_flag=True, help="Also run the linter.")
@click.option("--select", default="", show_default=False, metavar="CODES", help="Lint with these rules only.")
@click.option("--ignore", default="", show_default=False, metavar="CODES", help="Leave reports of these codes out.")
@click.option("--format", "style", type=click.Choice((*REPORTS, *PICTURES)), default="text",
              help="Format of reports; mermaid, svg: a picture of who includes whom and which host gets what.")
@click.option("--color", type=click.Choice(("auto", "always", "never")), default="auto", help="Colour reports.")
@click.option("--jobs", type=click.IntRange(1, MOST), default=1, help="How many processes compile.")
@click.option("-p", "--pretty", is_flag=True, help="Indent the JSON.")
@click.option("-r", "--raw", is_flag=True, help="Write Ignition configs, never MachineConfigs around them.")
@click.option("--private", is_flag=True, help="Write files that only their owner can read (0600); those with secrets always are.")
@click.option("--source-map", is_flag=True, help="Also write which line of which file made what (OUTPUT.map).")
@click.option("--allow-extensions", is_flag=True, help="Take keys x-... at the top, and <<, without a warning.")
@click.option("--watch", is_flag=True, help="Build again whenever a file changes.")
def run(
    config: str, style: str, explain: str, output: str, output_dir: str, watch: bool, emit: str, files_dir: str,
    target_names: tuple[str, ...], recipient: str, form: str | None, secrets: str | None, tang: str, split: bool, **more: Any
) -> int:  # fmt: skip
    """Build the configs of a fleet from one Butane file: typed variables, includes, an inventory of hosts.

    Without an inventory one config is built, from --var, --env and --vars. docs/fleet.md describes the language.
    """
    picture = style if style in PICTURES else ""
    if not config and not more["inventories"]:
        raise click.UsageError("name the file to compile")
    if output and output_dir:
        raise click.UsageError("--output takes one config, --output-dir many: give one of them")
    if more["hosts"] and not more["inventories"]:
        raise click.UsageError("--host chooses from an --inventory; there is none")
    if more["limits"] and not more["inventories"]:
        raise click.UsageError("--limit chooses from an --inventory; there is none")
    if more["source_map"] and not (output or output_dir or more["check"]):
        raise click.UsageError("--source-map needs --output or --output-dir, to put the map beside")
    if watch and not (output or output_dir):
        raise click.UsageError("--watch needs --output-dir or --output")
    job = _job(style="text" if picture else style, files_dir=files_dir, **more)
    chosen = _chosen(target_names, job, bool(output_dir), emit)
    names = ("inventories", "vars_files", "environment", "words", "limits", "hosts", "jobs", "prune")
    asked = {name: more[name] for name in names}
    publish, address = _publication(config, job, **more)
    keeping = _keeping(secrets or "", tang, publish)
    wish = _wish(recipient, form or "", emit, chosen, address, keeping, split=split)
    if publish is not None and wish is None:
        raise click.UsageError("--publish goes with --for, --form pointer or --secrets split")
    request = Request(
        config, job, output=output, output_dir=output_dir, butane=emit == BUTANE, explain=explain, picture=picture, wish=wish,
        publish=publish, **asked,
    )  # fmt: skip
    if len(chosen) > 1 and watch:
        raise click.UsageError("--watch goes with one --target")
    return max(_run(each, watch=watch) for each in _by_target(request, chosen))


def _publication(
    config: str, job: Job, *, place: str, publish_url: str, publish_private: str, publish_private_url: str, publish_dry_run: bool,
    check: bool, **_: Any,
) -> tuple[Publication | None, Addresses | None]:  # fmt: skip
    """What --publish asks for, and the addresses of what is published. Raises UsageError."""
    if not (place or publish_url or publish_private or publish_private_url or publish_dry_run):
        return None, None
    from butane_py.cli.build_publish import publication

    dry_run, text = check or publish_dry_run, job.style == "text"
    found = publication(config, place, publish_url, publish_private, publish_private_url, dry_run=dry_run, progress=text)
    return found or (None, None)


def _keeping(secrets: str, tang: str, publish: Publication | None) -> Keeping | None:
    """What is done with secrets, None where nothing is said of it. Raises UsageError."""
    if not (secrets or tang):
        return None
    from butane_py.deliver.model import DeliveryError
    from butane_py.deliver.secrets.modes import keeping

    try:
        return keeping(secrets, tang, publish.private if publish else None, dry_run=publish is not None and publish.dry_run)
    except DeliveryError as error:
        raise click.UsageError(str(error)) from None


def _wish(
    recipient: str, form: str, emit: str, targets: Sequence[str], address: Address | None, keeping: Keeping | None, *, split: bool
) -> Wish | None:
    """How the configs are to be delivered, None where they are only written. Raises UsageError."""
    given = {
        "--for": recipient, "--form": form, "--secrets": keeping, f"--emit {emit}": emit not in (IGNITION, BUTANE),
        "--split-common": split,
    }  # fmt: skip
    option = next((option for option, value in given.items() if value), "")
    if not option:
        return None
    if targets or emit == BUTANE:
        raise click.UsageError(f"{option} goes with Ignition configs, not with {'--target' if targets else '--emit butane'}")
    from butane_py.deliver.model import DeliveryError
    from butane_py.deliver.wishes import wished

    try:
        return wished(recipient, form, emit, address, secrets=keeping, split=split)
    except DeliveryError as error:
        raise click.UsageError(str(error)) from None


def _chosen(names: tuple[str, ...], job: Job, folder: bool, emit: str) -> list[str]:
    """The targets by their shortest names. Raises UsageError."""
    if not names:
        return []
    from butane_py.targets.model import TargetError
    from butane_py.targets.registry import choose

    if emit != IGNITION:
        raise click.UsageError(f"--emit {emit} does not go with --target")
    try:
        chosen = list(dict.fromkeys(str(choose(name)) for name in names))
    except TargetError as error:
        raise click.UsageError(str(error)) from None
    if len(chosen) > 1 and not (folder or job.check):
        raise click.UsageError("several targets need --output-dir, or --check to see what each of them cannot say")
    return chosen


def _by_target(request: Request, chosen: list[str]) -> list[Request]:
    """The request for each target; of several, each writes to a folder of its own."""
    if not chosen:
        return [request]
    found = []
    for name in chosen:
        job = request.job.but(options=request.job.options.but(target=name))
        folder = os.path.join(request.output_dir, name.replace(":", "-")) if request.output_dir and len(chosen) > 1 else request.output_dir
        found.append(request.but(job=job, output_dir=folder))
    return found


def _job(
    *, style: str, files_dir: str, check: bool, strict: bool, lint: bool, select: str, ignore: str, color: str, pretty: bool,
    raw: bool, private: bool, source_map: bool, allow_extensions: bool, publish_dry_run: bool, **_: Any
) -> Job:  # fmt: skip
    settings = None
    if select or ignore:
        from butane_py.linter.settings import Settings, listed

        settings = Settings(listed(select), listed(ignore))
    options = Options(
        files_dir or None, pretty=pretty, raw=raw, lint=lint or bool(select), settings=settings,
        allow_extensions=allow_extensions, source_map=source_map,
    )  # fmt: skip
    map_to = "beside" if source_map else ""
    return Job(options, check=check or publish_dry_run, strict=strict, style=style, colour=coloured(color), map_to=map_to, private=private)


def _run(request: Request, *, watch: bool) -> int:
    """Builds, once or whenever something changes; the exit status. Raises UsageError, OSError."""
    import gc

    gc.enable()  # the program has turned it off, for processes that end before it would run
    if request.output_dir and not request.job.check and not request.shows:
        os.makedirs(request.output_dir, exist_ok=True)
    try:
        if watch:
            from butane_py.cli.watch import watch_build

            return watch_build(request)
        return Build(request).run()
    except (ManyHosts, LimitError, WordError) as error:
        raise click.UsageError(str(error)) from None


def main(program: str, argv: Sequence[str]) -> int:
    """Runs the command and returns its exit status. Raises OSError."""
    return run.run(argv, program)
