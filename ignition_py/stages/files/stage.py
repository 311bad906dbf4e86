"""The order of the files stage.

    run_stage(ctx) -> accounts/    plan.py (decides) -> make.py (account files, by database.py) -> home.py (homes, keys)
                   -> nodes/       survey.py (reads) -> plan.py (decides) -> apply.py (writes, through writer.py)
                   -> units.py -> mdadm.py, crypttab.py -> result.py, report.py -> system/selinux.py

Everything below the new root goes through `system/rootfs.py`. `journal.py` makes a second run end as an undisturbed
one.
"""

from __future__ import annotations

import os
from types import TracebackType
from typing import Any

from ignition_py import quickjson as json
from ignition_py.context import Context
from ignition_py.report.diag import StageError
from ignition_py.spec.encode import to_data, to_json
from ignition_py.spec.read import parse_cached
from ignition_py.spec.tables import VERSIONS, Storage, latest
from ignition_py.stages.files.accounts.lookup import Accounts
from ignition_py.stages.files.accounts.plan import apply_accounts
from ignition_py.stages.files.crypttab import apply_crypttab
from ignition_py.stages.files.journal import PATH, Journal, load
from ignition_py.stages.files.mdadm import apply_mdadm_conf
from ignition_py.stages.files.nodes.advice import warnings
from ignition_py.stages.files.nodes.apply import apply_nodes
from ignition_py.stages.files.nodes.plan import plan_nodes
from ignition_py.stages.files.nodes.survey import survey_nodes
from ignition_py.stages.files.report import finish_report, write_report
from ignition_py.stages.files.result import write_result
from ignition_py.stages.files.touched import Touched
from ignition_py.stages.files.units import apply_units
from ignition_py.stages.files.words import about
from ignition_py.system.digest import digest_of
from ignition_py.system.removal import TEMPORARY, remove_at
from ignition_py.system.rootfs import Root, encode
from ignition_py.system.run import sync_below
from ignition_py.system.selinux import relabel


def run_stage(ctx: Context) -> None:
    """Runs the stage on `ctx.root`. Raises IgnitionError; the stage may then be run again."""
    with _Provisioning(ctx) as (root, touched):
        copied = _steps(ctx, root, touched)
        relabel(ctx.log, root, touched.outermost(), stage="files", required=True)
        finish_report(ctx, root, copied)
    if ctx.config.storage.luks:
        from ignition_py.stages.disks.luks.make import handed_over  # with json and urllib, for LUKS volumes only

        handed_over(ctx)


def provision(ctx: Context) -> None:
    """See `provision_image` of the package."""
    with _Provisioning(ctx) as (root, touched):
        journal = Journal(root, "", kept=False)
        _nodes(ctx, root, ctx.config.storage, Accounts(root), journal, touched)
        apply_units(ctx, root, journal, touched)


class _Provisioning:
    """`with _Provisioning(ctx) as (root, touched)`: the opened root, a known umask, everything synced at the end."""

    def __init__(self, ctx: Context) -> None:
        self._ctx = ctx

    def __enter__(self) -> tuple[Root, Touched]:
        touched = Touched()
        try:
            self._root = Root(self._ctx.root, touched.add)
        except OSError as error:
            raise _failed(self._ctx, error) from None
        self._umask = os.umask(0o022)
        return self._root, touched

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        os.umask(self._umask)
        self._root.__exit__(kind, error, tb)
        if isinstance(error, OSError):
            raise _failed(self._ctx, error) from None
        if error is None:
            sync_below(self._ctx.log, self._ctx.root)


def _failed(ctx: Context, error: OSError) -> StageError:
    return StageError(f"provisioning {ctx.root}: {about(error)}")


def _steps(ctx: Context, root: Root, touched: Touched) -> int:
    """All but the labels. Returns how many bytes of the report have been copied."""
    config = ctx.config
    accounts = Accounts(root)
    journal = load(root, config_digest(ctx))
    if journal.resumed:
        ctx.log.notice("files: continuing what an earlier run of this stage began")
        _sweep(root, journal)
    apply_accounts(ctx, root, accounts, journal, touched)
    _nodes(ctx, root, config.storage, accounts, journal, touched)
    apply_units(ctx, root, journal, touched)
    apply_mdadm_conf(ctx, root, journal, touched)
    apply_crypttab(ctx, root, journal, touched)
    if ctx.state.provider_output_files:
        _nodes(ctx, root, provider_storage(ctx.state.provider_output_files), accounts, journal, touched)
    write_result(ctx, root, journal, touched)
    copied = write_report(ctx, root, journal, touched)
    journal.save(complete=True)
    for path in (*journal.missing, root.locate(PATH)):  # with what an interrupted run or a tool has made
        touched.add(path)
    return copied


def _nodes(
    ctx: Context, root: Root, storage: Storage, accounts: Accounts, journal: Journal, touched: Touched
) -> None:
    """Files, directories and links: survey, plan, apply."""
    if not (storage.directories or storage.files or storage.links):
        return
    sealer = None
    if os.environ.get("IGNITION_CREDSTORE_KEY"):
        from ignition_py.stages.files.credstore import Sealer  # for images that seal credentials only

        sealer = Sealer(ctx)
        storage = sealer.redirected(storage)
    ops = plan_nodes(storage, survey_nodes(root, storage, journal))
    enabled = {unit.name for unit in ctx.config.systemd.units if unit.enabled}
    for sentence in warnings(root, accounts, ops, enabled):
        ctx.log.warning(f"files: {sentence}")
    journal.save()
    apply_nodes(ctx, root, accounts, ops, touched, sealer)


def provider_storage(files: list[dict[str, Any]]) -> Storage:
    """Files that a provider wants written; the state file has them in the form of `storage.files`. Raises ConfigError."""
    text = json.dumps({"ignition": {"version": latest()}, "storage": {"files": files}})
    return parse_cached(text.encode(), "state file: providerOutputFiles").storage


def config_digest(ctx: Context) -> str:
    """A digest of what the stage is asked for."""
    config = ctx.config
    data = [to_data(part, max(VERSIONS.values())) for part in (config.passwd, config.storage, config.systemd)]
    return digest_of("\n".join(to_json(part) for part in data))


def _sweep(root: Root, journal: Journal) -> None:
    """Takes away what the interrupted run left half-written beside the paths that it was going to write."""
    for directory in {os.path.dirname(path) or "/" for path in journal.targets}:
        for name in root.listdir(directory):
            if encode(name).startswith(TEMPORARY):
                with root.spot(f"{directory}/{name}") as spot:
                    remove_at(spot.dir, spot.name)
