"""Users, groups, keys and passwords. The user `default` of cloud-init is `core` on both systems; their images have it."""

from __future__ import annotations

import re

from butane_py.importer.draft import Draft, Item
from butane_py.importer.values import Value
from butane_py.linter.tables import image_names

DEFAULT = "core"
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,31}\$?\Z")
_CARRIED = ("name", "gecos", "groups", "primary_group", "homedir", "no_create_home", "no_user_group", "no_log_init", "system", "shell",
            "uid", "lock_passwd", "passwd", "hashed_passwd", "ssh_authorized_keys", "sudo", "create_groups")  # fmt: skip
_IMPORT_ID = "the machine would fetch keys that nobody has checked; write them out as ssh_authorized_keys"
_USER_KEYS = {
    **dict.fromkeys(_CARRIED, ""),
    "plain_text_passwd": "a password in the open is none; write hashed_passwd, made by mkpasswd --method=yescrypt",
    "ssh_import_id": _IMPORT_ID,
    "ssh_redirect_user": "Ignition has no such setting; leave the user without keys",
    "selinux_user": "Ignition has no such setting; run semanage login in a unit",
    "expiredate": "Ignition has no such setting; run chage in a unit",
    "inactive": "Ignition has no such setting; run chage in a unit",
    "doas": "the systems have sudo; write sudo",
    "snapuser": "the systems have no snaps",
}
_SECRET = frozenset(("plain_text_passwd", "plain-text-passwd", "passwd", "hashed_passwd", "hashed-passwd"))
_FLAGS = ("no_create_home", "no_user_group", "no_log_init", "system")
_TEXTS = {"gecos": "gecos", "homedir": "home_dir", "shell": "shell"}


def users(value: Value, draft: Draft) -> None:
    if value.is_text:
        for name in value.texts():
            _named(name, value, draft)
        return
    if value.is_mapping:  # an old form: name -> keys
        for name, keys in value.mapping().items():
            _user(keys, draft, name)
        return
    for entry in value.items():
        if entry.is_text:
            for name in entry.texts():
                _named(name, entry, draft)
        elif entry.is_list:
            for each in entry.items():
                _named(each.text(), each, draft)
        else:
            _user(entry, draft)


def _named(name: str, value: Value, draft: Draft) -> None:
    """A user of whom only the name is given; the default user is there already."""
    if name != "default" and _valid(name, value):
        draft.user(name, value)


def _valid(name: str, value: Value) -> bool:
    if _NAME.match(name):
        return True
    value.error("a user or group needs a name of letters, digits, _ and -", "write name: example")
    return False


def _user(entry: Value, draft: Draft, name: str = "") -> None:
    written = entry.mapping()
    for key in written.keys() & _SECRET:
        written[key].hide()
    keys = dict(entry.take(_USER_KEYS))
    name = keys["name"].text() if "name" in keys else name
    if not _valid(name, keys.get("name", entry)):
        return
    item = draft.user(name, entry)
    for key, field in _TEXTS.items():
        if key in keys and (text := keys[key].text()):
            item[field] = text
    for key in _FLAGS:
        if key in keys and keys[key].flag(default=False):
            item[key] = True
    if "uid" in keys and (uid := keys["uid"].number()) is not None:
        item["uid"] = uid
    _groups_of(item, keys, draft)
    _password(item, keys)
    if "ssh_authorized_keys" in keys:
        _add_keys(item, keys["ssh_authorized_keys"])
    if "sudo" in keys:
        _sudo(name, keys["sudo"], draft)


def _groups_of(item: Item, keys: dict[str, Value], draft: Draft) -> None:
    """The groups, which are made where the image has none of the name, as cloud-init does."""
    creates = "create_groups" not in keys or keys["create_groups"].flag(default=True)
    groups = keys.get("groups")
    names = (
        list(groups.mapping())
        if groups is not None and groups.is_mapping
        else groups.texts()
        if groups is not None
        else []
    )
    primary = keys["primary_group"].text() if "primary_group" in keys else ""
    if names:
        item["groups"] = list(dict.fromkeys(names))
    if primary:
        item["primary_group"] = primary
    for name in [*names, *([primary] if primary else [])]:
        value = keys["groups" if name in names else "primary_group"]
        if _valid(name, value) and creates and name not in image_names("groups") and name not in draft.groups:
            draft.group(name, value)


def _password(item: Item, keys: dict[str, Value]) -> None:
    """A hash that the user may log in with; cloud-init locks it by default."""
    given = next((keys[key] for key in ("hashed_passwd", "passwd") if key in keys and keys[key].text()), None)
    locked = "lock_passwd" not in keys or keys["lock_passwd"].flag(default=True)
    if given is None:
        if not locked:
            message = "a user without a hash stays locked; cloud-init would leave the password empty"
            keys["lock_passwd"].differs(message, "give hashed_passwd")
        return
    if locked:
        message = "the hash is left out: cloud-init locks the password, since lock_passwd is true by default"
        given.differs(message, "write lock_passwd: false to have it")
    elif not given.text().startswith("$"):
        given.error("this is not a hash of a password", "make one with mkpasswd --method=yescrypt")
    else:
        item["password_hash"] = given.text()


def _add_keys(item: Item, value: Value) -> None:
    known = item.get("ssh_authorized_keys", [])
    found = value.text().splitlines() if value.is_text else [entry.text() for entry in value.items()]
    item["ssh_authorized_keys"] = list(dict.fromkeys([*known, *(key.strip() for key in found if key.strip())]))


def _sudo(name: str, value: Value, draft: Draft) -> None:
    """Rules of sudo, each a line for the user, in a file of their own."""
    if value.is_text and value.text().lower() in ("false", "no", "off"):
        return
    rules = [value.text()] if value.is_text else [entry.text() for entry in value.items()]
    if any("\n" in rule or not rule.strip() for rule in rules):
        value.error("a rule of sudo is one line", "write sudo: ALL=(ALL) NOPASSWD:ALL")
        return
    plain = re.sub(r"[^A-Za-z0-9_-]", "_", name)  # sudo passes over names with a dot
    path = f"/etc/sudoers.d/90-cloud-config-{plain}"
    known = draft.files[path].contents if path in draft.files else None
    file = draft.files[path] if path in draft.files else draft.file(path, value, b"", 0o440)
    assert file is not None
    file.contents = (known or b"") + "".join(f"{name} {rule}\n" for rule in rules).encode()


def groups(value: Value, draft: Draft) -> None:
    """Groups with their members, of which Ignition knows the other direction."""
    entries: list[tuple[str, Value, list[str]]] = []
    if value.is_text:
        entries = [(name, value, []) for name in value.texts()]
    elif value.is_mapping:
        entries = [(name, members, members.texts()) for name, members in value.mapping().items()]
    else:
        for entry in value.items():
            if entry.is_mapping:
                entries += [(name, members, members.texts()) for name, members in entry.mapping().items()]
            else:
                entries.append((entry.text(), entry, []))
    for name, where, members in entries:
        if not _valid(name, where):
            continue
        if name not in image_names("groups"):
            draft.group(name, where)
        for member in members:
            if member not in draft.users and member != DEFAULT:
                where.differs(
                    f"{member} is in the group {name}, and no user of the config has that name; it becomes one"
                )
            item = draft.user(member, where)
            item["groups"] = list(dict.fromkeys([*item.get("groups", []), name]))


def default_keys(value: Value, draft: Draft) -> None:
    """`ssh_authorized_keys` at the top: those of the default user."""
    _add_keys(draft.user(DEFAULT, value), value)


def default_user(value: Value, draft: Draft) -> None:
    """`user`: what the default user is called, and more of it."""
    if value.is_text:
        _named(value.text(), value, draft)
    else:
        _user(value, draft, DEFAULT)


def chpasswd(value: Value, draft: Draft) -> None:
    """Hashes of `chpasswd.users`; passwords in the open are not carried."""
    keys = dict(value.take({"users": "", "list": "", "expire": ""}))
    if "expire" in keys and keys["expire"].flag(default=True):
        keys["expire"].lost(
            "expire is not carried over: passwords do not expire on the first login", "run chage -d 0 in a unit"
        )
    if "list" in keys:
        keys["list"].hide().lost("list is not carried over", "write users: with name and password, a hash")
    for entry in keys["users"].items() if "users" in keys else []:
        user = dict(entry.take({"name": "", "password": "", "type": ""}))
        name = user["name"].text() if "name" in user else ""
        if not _valid(name, user.get("name", entry)):
            continue
        password = user["password"].hide() if "password" in user else None
        if (
            password is None
            or ("type" in user and user["type"].text() != "hash")
            or not password.text().startswith("$")
        ):
            entry.lost(
                f"the password of {name} is not carried over: it is not a hash", "make one with mkpasswd --method=yescrypt"
            )
        else:
            draft.user(name, entry)["password_hash"] = password.text()


def ssh_pwauth(value: Value, draft: Draft) -> None:
    """Whether sshd takes passwords; both images come with no."""
    word = value.text().lower()
    if word == "unchanged":
        return
    answer = "yes" if word in ("true", "yes", "on") else "no"
    draft.file(
        "/etc/ssh/sshd_config.d/10-cloud-config.conf", value, f"PasswordAuthentication {answer}\n".encode(), 0o600
    )


def ssh_keys(value: Value, draft: Draft) -> None:
    """Keys of the host, by kind: rsa_private, rsa_public, rsa_certificate."""
    for name, key in value.mapping().items():
        found = re.fullmatch(r"(rsa|dsa|ecdsa|ed25519)_(private|public|certificate)", name)
        if found is None:
            key.unknown(
                ["rsa_private", "rsa_public", "ecdsa_private", "ecdsa_public", "ed25519_private", "ed25519_public"]
            )
            continue
        suffix, mode = {"private": ("", 0o600), "public": (".pub", 0o644), "certificate": ("-cert.pub", 0o644)}[
            found[2]
        ]
        text = key.hide().text().rstrip("\n") + "\n"
        draft.file(f"/etc/ssh/ssh_host_{found[1]}_key{suffix}", key, text.encode(), mode)
