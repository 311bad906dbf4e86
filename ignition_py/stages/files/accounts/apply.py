"""Users and groups: plan, and the applier that works with the shadow tools or, where there are none, without.

Flags are the reference's, less the password hash: what is on a command line is in the process list for all to read,
so a hash is put into the shadow file directly (`database.py`). Tools come from the initramfs with `--root`, else
from the new root by chroot, else `builtin.py` does their work.
"""

from __future__ import annotations

from ignition_py.report.diag import IgnitionError, StageError
from ignition_py.stages.files.accounts import builtin, home
from ignition_py.stages.files.accounts.database import LOCKED, Database
from ignition_py.stages.files.accounts.lookup import Accounts, Group, User, settings
from ignition_py.stages.files.nodes.plan import place_of
from ignition_py.stages.files.words import about
from ignition_py.system.programs import find_tool
from ignition_py.system.rootfs import Root, encode, shown
from ignition_py.system.run import run

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Container

    from ignition_py.context import Context
    from ignition_py.report.diag import Place
    from ignition_py.spec.tables import Passwd, PasswdGroup, PasswdUser
    from ignition_py.stages.files.journal import Journal
    from ignition_py.stages.files.touched import Touched

RELABEL = ("passwd", "group", "shadow", "gshadow", "subuid", "subgid")
_STALE_LOCKS = ("passwd.lock", "shadow.lock", "group.lock", "gshadow.lock", "subuid.lock", "subgid.lock")


class AccountOp:
    """One account to bring about: the tool and its flags, and what is done besides the tool.

    `flags` None is no tool at all. `digest` is the password hash to set, None to leave it.
    """

    __slots__ = ("account", "digest", "flags", "tool", "what")

    def __init__(self, account: PasswdUser | PasswdGroup, tool: str, flags: tuple[str, ...] | None, what: str,
                 digest: str | None = None) -> None:  # fmt: skip
        self.account = account
        self.tool = tool
        self.flags = flags
        self.what = what
        self.digest = digest

    @property
    def place(self) -> Place | None:
        """Where the account stands in the config."""
        return place_of(self.account)

    def describe(self) -> str:
        return f"{self.what} {shown(self.account.name)}"


def plan_accounts(passwd: Passwd, existing: Container[tuple[str, str]]) -> tuple[AccountOp, ...]:
    """The accounts in the order of the config, groups first. `existing` holds pairs (`groups` or `users`, name)."""
    groups = [_plan_group(group, ("groups", group.name) in existing) for group in passwd.groups]
    users = [_plan_user(user, ("users", user.name) in existing) for user in passwd.users]
    return tuple(op for op in (*groups, *users) if op is not None)


def _plan_group(group: PasswdGroup, exists: bool) -> AccountOp | None:
    if group.should_exist is False:
        return AccountOp(group, "groupdel", (), "deleting group") if exists else None
    flags = [] if group.gid is None else ["--gid", str(group.gid)]
    digest = group.password_hash or None
    if exists:
        return AccountOp(group, "groupmod", tuple(flags) or None, "changing group", digest)
    if group.system:
        flags.append("--system")
    return AccountOp(group, "groupadd", tuple(flags), "adding group", digest)


def _plan_user(user: PasswdUser, exists: bool) -> AccountOp | None:
    if user.should_exist is False:
        return AccountOp(user, "userdel", ("--remove",), "deleting user") if exists else None
    digest = None if user.password_hash is None else user.password_hash or LOCKED
    if exists:
        flags = ["--home", user.home_dir, "--move-home"] if user.home_dir else []
        flags += _common_flags(user)
        return AccountOp(user, "usermod", tuple(flags) or None, "changing user", digest)
    flags = ["--home-dir", user.home_dir] if user.home_dir else []
    flags.append("--no-create-home" if user.no_create_home else "--create-home")
    flags += ["--no-user-group"] if user.no_user_group else []
    flags += ["--system"] if user.system else []
    flags += ["--no-log-init"] if user.no_log_init else []
    return AccountOp(user, "useradd", (*flags, *_common_flags(user)), "adding user", digest or LOCKED)


def _common_flags(user: PasswdUser) -> list[str]:
    flags = [] if user.uid is None else ["--uid", str(user.uid)]
    groups = ",".join(user.groups)
    for flag, value in (("--comment", user.gecos), ("--gid", user.primary_group), ("--groups", groups), ("--shell", user.shell)):
        if value:
            flags += [flag, value]
    return flags


def apply_accounts(ctx: Context, root: Root, accounts: Accounts, journal: Journal, touched: Touched) -> None:
    """Brings the accounts of the config about. Raises StageError, CommandError naming the account."""
    passwd = ctx.config.passwd
    if not (passwd.groups or passwd.users):
        return
    if journal.interrupted:
        _undo(root, passwd, journal)
    existing = _survey(root, passwd, accounts, journal)
    journal.save()
    ops = plan_accounts(passwd, existing)
    for op in ops:
        with ctx.log.step(f"files: {op.describe()}"):
            try:
                _apply(ctx, root, accounts, journal, op)
            except OSError as error:
                raise StageError(f"{op.describe()}: {about(error)}", place=op.place) from None
            except IgnitionError as error:
                error.place = error.place or op.place
                raise
    _touch(root, passwd, accounts, touched)


def _accounts(passwd: Passwd) -> list[PasswdGroup | PasswdUser]:
    return [*passwd.groups, *passwd.users]


def _undo(root: Root, passwd: Passwd, journal: Journal) -> None:
    """Takes the accounts that an interrupted run may have half made out of the files: they are made anew, with the same ids."""
    for name in _STALE_LOCKS:  # their owners died with that run, but a process of this boot may have the number
        with root.spot(f"/etc/{name}", create=True) as spot:
            spot.remove()
    with Database(root) as database:
        for user in passwd.users:
            if user.should_exist is not False and journal.account_was_absent(f"users {user.name}"):
                database.purge_user(user.name)
        for name in {account.name for account in _accounts(passwd) if account.should_exist is not False}:
            if journal.account_was_absent(f"groups {name}"):
                database.purge_group(name)


def _survey(root: Root, passwd: Passwd, accounts: Accounts, journal: Journal) -> set[tuple[str, str]]:
    """The accounts of the config that exist; what does not is noted in the journal."""
    existing: set[tuple[str, str]] = set()
    for account in _accounts(passwd):  # a user may bring a group of the same name
        if accounts.group(account.name) is not None:
            existing.add(("groups", account.name))
        else:
            journal.absent_account(f"groups {account.name}")
    for user in passwd.users:
        if accounts.user(user.name) is not None:
            existing.add(("users", user.name))
            continue
        journal.absent_account(f"users {user.name}")
        home_dir = root.locate(user.home_dir or _default_home(root, user.name))
        (journal.present if root.lstat(home_dir) else journal.absent)(home_dir)
    return existing


def _default_home(root: Root, name: str) -> str:
    return settings(root, "/etc/default/useradd", "=").get("HOME", "/home") + "/" + name


def _apply(ctx: Context, root: Root, accounts: Accounts, journal: Journal, op: AccountOp) -> None:
    account = op.account
    if op.tool.startswith("group"):
        _adopt(root, "group", accounts.group(account.name), op)
        _run_tool(ctx, root, accounts, op)
        if op.digest is not None:
            with Database(root) as database:
                database.set_group_password(account.name, op.digest)
        return
    _adopt(root, "passwd", accounts.user(account.name), op)
    _adopt_named_groups(root, accounts, op)
    _run_tool(ctx, root, accounts, op)
    if op.tool == "userdel":
        return
    user = accounts.user(account.name)
    if user is None:
        raise StageError(f"{op.describe()}: {op.tool} succeeded, but the user does not exist")
    wanted: PasswdUser = account  # type: ignore[assignment]  # a user's tool has a user
    if not wanted.no_create_home:
        if journal.interrupted and op.tool == "useradd" and journal.was_absent(root.locate(user.home)):
            home.complete_home(root, user)
        home.own_mounts(root, user, ctx.state.notated_directories)
    if op.digest is not None:
        with Database(root) as database:
            database.set_password(user.name, op.digest, fresh=op.tool == "useradd")
    if wanted.ssh_authorized_keys:
        path = home.write_keys(root, user, wanted.ssh_authorized_keys)
        ctx.log.info(f"files: wrote the authorized keys of {shown(user.name)} to {shown(path)}")


def _adopt_named_groups(root: Root, accounts: Accounts, op: AccountOp) -> None:
    """The tools change `/etc/group` only: a group of `/usr` that gets a member is copied there first."""
    user: PasswdUser = op.account  # type: ignore[assignment]  # a user's tool has a user
    if op.flags is not None and op.tool != "userdel":
        for name in (*user.groups, *((user.primary_group,) if user.primary_group else ())):
            _adopt(root, "group", accounts.group(name), op)


def _adopt(root: Root, name: str, account: User | Group | None, op: AccountOp) -> None:
    """Copies the line of an account that stands below `/usr` to `/etc`, where it can be changed."""
    if account is None or account.directory == "/etc" or (op.flags is None and op.digest is None):
        return
    with Database(root) as database:
        database.put(name, account.line.split(":"))
        if name == "passwd" and database.find("shadow", account.name) is None:
            database.set_password(account.name, LOCKED)


def _run_tool(ctx: Context, root: Root, accounts: Accounts, op: AccountOp) -> None:
    if op.flags is None:
        return
    name = op.account.name
    if name.startswith("-"):
        raise StageError(f"{op.describe()}: a name cannot begin with a dash")
    for flag in (*op.flags, name):
        encode(flag)  # a NUL byte cannot be handed to a program
    prefix, chroot = find_tool(root, op.tool)
    if prefix is None:
        ctx.log.info(f"files: {op.tool} is neither in the initramfs nor in the new root: doing its work")
        builtin.do(root, accounts, op.tool, op.account)
        return
    run(ctx.log, [*prefix, *op.flags, name], what=op.describe(), chroot=chroot)


def _touch(root: Root, passwd: Passwd, accounts: Accounts, touched: Touched) -> None:
    """Everything that the tools may have written, for SELinux: their files with backups, and the homes."""
    for name in root.listdir("/etc"):
        if name.startswith(RELABEL) or name == ".pwd.lock":
            touched.add(f"/etc/{name}")
    for wanted in passwd.users:
        user = accounts.user(wanted.name)
        if user is None or wanted.no_create_home or wanted.should_exist is False:
            continue
        try:
            with root.spot(user.home, follow=True) as spot:  # on ostree, /root is a link to /var/roothome
                touched.add(spot.where)
        except (FileNotFoundError, NotADirectoryError):  # a home in /nonexistent, or /dev/null
            continue
