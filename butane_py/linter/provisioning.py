"""What no machine can do: ids out of range, accounts that clash, names and values that fit no account file and no unit. The disks
stage of ignition-py refuses such a config; the reference fails when it has written the disks."""

from __future__ import annotations

from butane_py.linter.facts import Facts
from butane_py.linter.rule import Find, lint
from butane_py.linter.tables import image_names
from ignition_py.report.examples import entry
from ignition_py.spec import provisioning


def _users(*users: str) -> str:
    first, *more = (entry("passwd", "users", user) for user in users)
    return first + "".join(text.partition("users:\n")[2] for text in more)


# Registered from the last to the first.
@lint(
    provisioning.UNIT_NAME,
    title="A name of a unit that systemd does not take",
    why="Names of units are made of letters, digits and : - _ . \\ @. A unit of another name is never read, and a star or a blank in a line "
    "of presets means other units.",
    fix="Write a name of these characters; systemd-escape makes one of a path.",
    wrong=entry("systemd", "units", "name: 'my app.service'\nenabled: true"),
    right=entry("systemd", "units", "name: my-app.service\nenabled: true"),
)
@lint(
    provisioning.ACCOUNT_VALUE,
    title="A value does not fit into an account file",
    why="A line of /etc/passwd ends at a line break and its fields at colons. The boot fails.",
    fix="Take colons, line breaks and control characters out; a home directory is an absolute path.",
    wrong=_users("name: core\ngecos: 'Core: the user'"),
    right=_users("name: core\ngecos: Core, the user"),
)
@lint(
    provisioning.ACCOUNT_NAME,
    title="A name cannot be that of an account",
    why="Account files and tools would take it for something else: a number for an id, a dash for an option, a colon for the end of a "
    "field. The boot fails.",
    fix="Use at most 32 letters, digits, dashes, dots and underscores.",
    wrong=_users("name: 'anna b'"),
    right=_users("name: anna-b"),
)
@lint(
    provisioning.GROUP_NAME,
    title="The name of a group is none",
    why="groups and primary_group take names, one an entry. Tools that take numbers or lists there are not on every machine.",
    fix="Write the name of each group as an entry of its own.",
    wrong=_users("name: core\ngroups:\n  - wheel,docker"),
    right=_users("name: core\ngroups:\n  - wheel\n  - docker"),
)
@lint(
    provisioning.GROUP_CLASH,
    title="Users and groups of the config are in each other's way",
    why="A new user brings a group of the same name: one that passwd.groups has made already is in its way, and members that come before "
    "the user find no such group. The boot fails.",
    fix="Give the user primary_group or no_user_group, or change the order of the users.",
    wrong="passwd:\n  groups:\n    - name: anna\n  users:\n    - name: anna\n",
    right="passwd:\n  groups:\n    - name: anna\n  users:\n    - name: anna\n      primary_group: anna\n",
)
@lint(
    provisioning.ID_TWICE,
    title="Two accounts have one id",
    why="An id belongs to one user or group: making the second one fails, and with it the boot.",
    fix="Give one of the two another id, or none.",
    wrong=_users("name: anna\nuid: 2000", "name: bert\nuid: 2000"),
    right=_users("name: anna\nuid: 2000", "name: bert\nuid: 2001"),
)
@lint(
    provisioning.ID_RANGE,
    title="A user or group id is out of range",
    why="Ids go from 0 to 4294967294; -1 and 4294967295 mean no id at all to the kernel. The boot fails.",
    fix="Write an id in the range, or leave it out.",
    wrong=_users("name: app\nuid: 4294967295"),
    right=_users("name: app\nuid: 1500"),
)
def impossible(facts: Facts, find: Find) -> None:
    """The problems of the rule's code. Password hashes have a rule of their own (login.py)."""
    for problem in provisioning.problems(facts.compiled, image_names("users")):
        if problem.code == find.rule.code and problem.path[-1] != "password_hash":
            find.at(problem.path, problem.message, hint=problem.hint)
