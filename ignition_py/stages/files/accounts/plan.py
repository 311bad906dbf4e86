"""Users and groups: what is to be done, and the order of doing it.

    lookup.py (who there is) -> plan.py (decides) -> make.py (account files, by database.py; homes) -> home.py (authorized keys)

No program is started: the account files are written by this program itself, as shadow's useradd, usermod, userdel, groupadd,
groupmod and groupdel would write them. tests/stages/files/test_files_shadow.py holds both against each other.
"""

from __future__ import annotations

from collections.abc import Container, Sequence

from ignition_py.context import Context
from ignition_py.record import Record
from ignition_py.report.diag import IgnitionError, Place, StageError
from ignition_py.spec.provisioning import account_problems
from ignition_py.spec.tables import Passwd, PasswdGroup, PasswdUser
from ignition_py.stages.files.accounts import home
from ignition_py.stages.files.accounts.database import Database
from ignition_py.stages.files.accounts.lookup import Accounts, login_defs, user_defaults
from ignition_py.stages.files.accounts.make import Maker
from ignition_py.stages.files.journal import Journal
from ignition_py.stages.files.touched import Touched
from ignition_py.stages.files.words import about
from ignition_py.system.rootfs import Root, shown

RELABEL = ("passwd", "group", "shadow", "gshadow", "subuid", "subgid")
ADD, CHANGE, DELETE = "adding", "changing", "deleting"


class AccountOp(Record):
    """One account to bring about; `action` is one of the constants above."""

    action: str
    account: PasswdUser | PasswdGroup

    kind = ""

    @property
    def place(self) -> Place | None:
        """Where the account stands in the config."""
        return self.account.place()

    def describe(self) -> str:
        return f"{self.action} {self.kind} {shown(self.account.name)}"


class GroupOp(AccountOp):
    account: PasswdGroup

    kind = "group"


class UserOp(AccountOp):
    account: PasswdUser

    kind = "user"


def plan_accounts(passwd: Passwd, existing: Container[tuple[str, str]]) -> tuple[GroupOp | UserOp, ...]:
    """The accounts in the order of the config, groups first. `existing` holds pairs (`groups` or `users`, name)."""
    groups = [(group, _action(group, ("groups", group.name) in existing)) for group in passwd.groups]
    users = [(user, _action(user, ("users", user.name) in existing)) for user in passwd.users]
    return (
        *(GroupOp(action, group) for group, action in groups if action),
        *(UserOp(action, user) for user, action in users if action),
    )


def _action(account: PasswdGroup | PasswdUser, exists: bool) -> str:
    """One of the constants above; "" where nothing is to be done."""
    if account.should_exist is False:
        return DELETE if exists else ""
    return CHANGE if exists else ADD


def apply_accounts(ctx: Context, root: Root, accounts: Accounts, journal: Journal, touched: Touched) -> None:
    """Brings the accounts of the config about. Raises StageError naming the account."""
    passwd = ctx.config.passwd
    if not (passwd.groups or passwd.users):
        return
    _refuse(root, passwd, accounts, journal)
    if journal.interrupted:
        _undo(root, passwd, journal)
    mounts = [home.real_path(root, path) for path in ctx.state.notated_directories]
    existing = _survey(root, passwd, accounts, journal, {*mounts, *_mount_points(ctx, root)})
    journal.save()
    for op in plan_accounts(passwd, existing):
        with ctx.log.step(f"files: {op.describe()}"):
            try:
                if isinstance(op, GroupOp):
                    _apply_group(root, accounts, op)
                else:
                    _apply_user(ctx, root, accounts, journal, op, mounts)
            except OSError as error:
                raise StageError(f"{op.describe()}: {about(error)}", place=op.place) from None
            except IgnitionError as error:
                error.place = error.place or op.place
                raise
    _touch(root, passwd, accounts, touched)


def _refuse(root: Root, passwd: Passwd, accounts: Accounts, journal: Journal) -> None:
    """What the fetch stage refuses (stages/preflight.py), with the users of this root. Raises StageError."""
    existing = {user.name for user in accounts.users() if not journal.account_was_absent(f"users {user.name}")}
    user_groups = login_defs(root).get("USERGROUPS_ENAB", "no").lower() == "yes"
    for problem in account_problems(passwd, existing, user_groups=user_groups):
        raise StageError(problem.message, place=problem.entry.place(), hint=problem.hint[:1].upper() + problem.hint[1:])


def _accounts(passwd: Passwd) -> list[PasswdGroup | PasswdUser]:
    return [*passwd.groups, *passwd.users]


def _undo(root: Root, passwd: Passwd, journal: Journal) -> None:
    """Takes the accounts that an interrupted run may have half made out of the files: they are made anew, with the same ids."""
    with Database(root) as database:
        for user in passwd.users:
            if user.should_exist is not False and journal.account_was_absent(f"users {user.name}"):
                database.purge_user(user.name)
        for name in {account.name for account in _accounts(passwd) if account.should_exist is not False}:
            if journal.account_was_absent(f"groups {name}"):
                database.purge_group(name)


def _mount_points(ctx: Context, root: Root) -> set[str]:
    """Where the config's filesystems are mounted; a mount point that the image has is not in the mount stage's record."""
    return {home.real_path(root, entry.path) for entry in ctx.config.storage.filesystems if entry.path}


def _survey(root: Root, passwd: Passwd, accounts: Accounts, journal: Journal, mounts: set[str]) -> set[tuple[str, str]]:
    """The accounts of the config that exist; what does not is noted in the journal. So is a home that was made for a mount, one of
    `mounts`, and that nobody has filled."""
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
        home_dir = user.home_dir or _default_home(root, user.name)
        where = root.locate(home_dir)
        new = root.lstat(where) is None or home.is_fresh(root, home.real_path(root, home_dir), mounts)
        (journal.absent if new else journal.present)(where)
    return existing


def _default_home(root: Root, name: str) -> str:
    return user_defaults(root).get("HOME", "/home") + "/" + name


def _apply_group(root: Root, accounts: Accounts, op: GroupOp) -> None:
    with Database(root) as database:
        maker = Maker(root, accounts, database)
        if op.action == ADD:
            maker.add_group(op.account)
        elif op.action == CHANGE:
            maker.change_group(op.account)
        else:
            maker.delete_group(op.account.name)


def _apply_user(
    ctx: Context, root: Root, accounts: Accounts, journal: Journal, op: UserOp, mounts: Sequence[str]
) -> None:
    wanted = op.account
    with Database(root) as database:
        maker = Maker(root, accounts, database)
        if op.action == ADD:
            maker.add_user(wanted)
        elif op.action == CHANGE:
            maker.change_user(wanted)
        else:
            maker.delete_user(wanted.name)
            return
    user = accounts.user(wanted.name)
    if user is None:
        raise StageError(f"{op.describe()}: the user does not exist afterwards")
    if not wanted.no_create_home:
        if op.action == ADD and journal.was_absent(root.locate(user.home)):
            home.complete_home(root, user)
        home.own_mounts(root, user, mounts)
    if wanted.ssh_authorized_keys:
        path = home.write_keys(root, user, wanted.ssh_authorized_keys)
        home.announce_keys(ctx.log, user.name, path)


def _touch(root: Root, passwd: Passwd, accounts: Accounts, touched: Touched) -> None:
    """Everything that may have been written, for SELinux: the account files and the homes."""
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
