"""`/etc/.ignition-result.json`: when, in which boot and whether with a user's config the machine was provisioned.

The fields are the reference's; tools on the running system (console-login-helper-messages and others) read them.
"""

from __future__ import annotations

import time

from ignition_py import quickjson as json
from ignition_py.context import Context
from ignition_py.report.diag import StageError
from ignition_py.stages.files.journal import Journal
from ignition_py.stages.files.nodes.writer import Permissions, Writer
from ignition_py.stages.files.touched import Touched
from ignition_py.system.host import boot_id, which
from ignition_py.system.rootfs import Root
from ignition_py.system.run import CommandError, run

PATH = "/etc/.ignition-result.json"


def result(boot: str, date: str, user_config: bool, previous: object | None) -> str:
    """The text of the file. `previous` is the parsed file of an earlier provisioning."""
    data: dict[str, object] = {"provisioningBootID": boot, "provisioningDate": date, "userConfigProvided": user_config}
    if previous is not None:
        data["previousReport"] = previous
    text = json.dumps(data, indent=2, ensure_ascii=False)
    for character, escape in (("&", "\\u0026"), ("<", "\\u003c"), (">", "\\u003e")):  # as Go's encoder writes them
        text = text.replace(character, escape)
    return text + "\n"


def rfc3339(seconds: float) -> str:
    """Local time with its offset from UTC: RFC 3339."""
    local = time.localtime(seconds)
    offset = local.tm_gmtoff // 60
    zone = "Z" if not offset else f"{'-' if offset < 0 else '+'}{abs(offset) // 60:02d}:{abs(offset) % 60:02d}"
    return time.strftime("%Y-%m-%dT%H:%M:%S", local) + zone


def write_result(ctx: Context, root: Root, journal: Journal, touched: Touched) -> None:
    """Writes the file (mode 0600). Raises StageError."""
    try:
        where = root.locate(PATH)
        previous = None
        data = root.read(PATH)
        if data is None:
            journal.absent(where)
        elif not (journal.interrupted and journal.was_absent(where)):
            previous = _previous(ctx, data)
        journal.save()
        user = any(config.kind == "user" for config in ctx.state.fetched_configs)
        text = result(boot_id(), rfc3339(time.time()), user, previous)
        with Writer(root, ctx.log) as writer:
            writer.write(PATH, (text.encode("utf-8", "surrogatepass"),), Permissions(0o600))
    except OSError as error:
        raise StageError(f"writing the result to {PATH}: {error.strerror}") from None
    touched.add(where)


def _previous(ctx: Context, data: bytes) -> object:
    """The earlier result, with a word of warning. Live images carry one that says nothing about this machine."""
    if which("is-live-image"):
        try:
            run(ctx.log, ["is-live-image"], what="asking whether this is a live image")
        except CommandError:
            pass
        else:
            return None
    ctx.log.warning("this system has been provisioned before: doing so again may not bring it to what the config says")
    try:
        previous: object = json.loads(data)
    except (ValueError, RecursionError):
        raise StageError(f"{PATH} of an earlier provisioning is damaged", hint="Remove it") from None
    return previous
