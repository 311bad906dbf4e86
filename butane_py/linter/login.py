"""Logging in: ssh keys, password hashes, and configs that let nobody in. Sources: sshd(8), crypt(5), RFC 4253 section 6.6."""

from __future__ import annotations

import binascii
import re
from collections.abc import Iterator

from butane_py.linter.facts import Facts
from butane_py.linter.rule import Find, lint, near
from ignition_py.report.diag import INFO, Path
from ignition_py.report.examples import entry

KEY_TYPES = (
    "ssh-ed25519",
    "ssh-rsa",
    "ssh-dss",
    "ecdsa-sha2-nistp256",
    "ecdsa-sha2-nistp384",
    "ecdsa-sha2-nistp521",
    "sk-ssh-ed25519@openssh.com",
    "sk-ecdsa-sha2-nistp256@openssh.com",
    "webauthn-sk-ecdsa-sha2-nistp256@openssh.com",
)
_CERTIFICATE = "-cert-v01@openssh.com"
_PUBLIC = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGPKSUTyz1HwHReFVvD5obVsALAgJRNarH4TRpNePnAS somebody@example.com"
_HASH = "$6$0123456789abcdef$" + "A1b2C3d4E5f6G7h8I9j0" * 4 + "./././"
_CHARS = "[./0-9A-Za-z]"
_STRONG = (
    rf"\$g?y\${_CHARS}+\${_CHARS}{{0,86}}\${_CHARS}{{43}}",
    rf"\$7\${_CHARS}{{11,}}\${_CHARS}{{43}}",
    rf"\$2[abxy]\$[0-3][0-9]\${_CHARS}{{53}}",
    rf"\$6\$(?:rounds=[0-9]+\$)?[^$:\s]{{0,16}}\${_CHARS}{{86}}",
    rf"\$5\$(?:rounds=[0-9]+\$)?[^$:\s]{{0,16}}\${_CHARS}{{43}}",
    rf"\$sha1\$[0-9]+\${_CHARS}{{1,64}}\${_CHARS}{{28}}",
)
_WEAK = (
    ("MD5", rf"\$1\$[^$:\s]{{0,8}}\${_CHARS}{{22}}"),
    ("MD5", r"\$md5[,$][^:\s]+"),
    ("NT", r"\$3\$\$[0-9a-f]{32}"),
    ("DES", rf"{_CHARS}{{13}}"),
    ("DES", rf"_{_CHARS}{{19}}"),
)
_LOCKED = re.compile(r"[!*].*|x", re.DOTALL)
_MOST_OF_A_LINE = 100_000  # characters; sshd reads no longer ones
_MAKE_HASH = "make one with: mkpasswd --method=yescrypt"


def _user(text: str) -> str:
    return entry("passwd", "users", f"name: core\n{text}")


def key_problem(line: str) -> str:
    """Why a line of authorized_keys is not a key that sshd takes; empty where it is one, a comment or blank."""
    words = _words(line)
    if not words or words[0].startswith("#"):
        return ""
    at = next((i for i, word in enumerate(words[:2]) if word.removesuffix(_CERTIFICATE) in KEY_TYPES), None)
    if at is None:
        return _type_problem(words)
    if at + 1 == len(words):
        return f"has the type {words[at]} and no key behind it"
    data = words[at + 1]
    if data in KEY_TYPES:
        return f"has its type twice: {words[at]} {data}"
    try:
        blob = binascii.a2b_base64(data.encode("ascii"), strict_mode=True)
    except (ValueError, UnicodeEncodeError):
        return "is damaged: what follows the type is not base64"
    return _blob_problem(blob, words[at])


def _type_problem(words: list[str]) -> str:
    if words[0].startswith("AAAA"):
        return "lacks its type, such as ssh-ed25519, in front"
    close = near(words[0], KEY_TYPES, 0.8)
    return "begins with a word that is not a type of key" + (f"; did you mean {close}?" if close else "")


def _blob_problem(blob: bytes, kind: str) -> str:
    """The parts of a key each have their length in front; the first repeats the type."""
    parts: list[bytes] = []
    rest = blob
    while rest:
        length = int.from_bytes(rest[:4], "big")
        if len(rest) < 4 + length:
            return "is cut off: its data ends in the middle" if not parts or parts[0] == kind.encode() else "is damaged"
        parts.append(rest[4 : 4 + length])
        rest = rest[4 + length :]
        if kind.endswith(_CERTIFICATE):
            break  # numbers without a length follow
    if not parts or parts[0] != kind.encode():
        return f"is called {kind} and holds a key of another type"
    return "is cut off: its data ends after the type" if len(parts) < 2 and not kind.endswith(_CERTIFICATE) else ""


def _words(line: str) -> list[str]:
    """Words of the first `_MOST_OF_A_LINE` characters; blanks inside of quoted options do not end one."""
    words: list[str] = []
    start, quoted, escaped = -1, False, False
    text = line.strip()[:_MOST_OF_A_LINE] + " "
    for position, char in enumerate(text):
        if char.isspace() and (not quoted or position == len(text) - 1):
            if start >= 0:
                words.append(text[start:position])
            start = -1
            continue
        start = position if start < 0 else start
        quoted = quoted != (char == '"' and not escaped)
        escaped = char == "\\" and not escaped
    return words


def _keys(facts: Facts) -> Iterator[tuple[Path, str, str]]:
    """Output path, user and text of every key."""
    for u, user in enumerate(facts.compiled.passwd.users):
        for k, key in enumerate(user.ssh_authorized_keys):
            yield ("passwd", "users", u, "ssh_authorized_keys", k), user.name, key


@lint(
    "lint-ssh-key-invalid",
    title="An ssh key is not a public key",
    why="sshd skips what it cannot read, and nobody can log in with it.",
    fix="Write the line of the .pub file: type, data and comment in one line, each key an entry of the list.",
    wrong=_user("ssh_authorized_keys:\n  - ssh-ed25519 AAAAC3NzaC1lZDI1NTE5"),
    right=_user(f"ssh_authorized_keys:\n  - {_PUBLIC}"),
)
def ssh_key_invalid(facts: Facts, find: Find) -> None:
    """Keys of several lines, of unknown types, with damaged data, or empty."""
    private = {facts.place(path).path for path, _, key in _keys(facts) if "PRIVATE KEY" in key}
    for path, user, key in _keys(facts):
        if facts.place(path).path in private:
            continue  # another rule's
        lines = key.strip().splitlines()
        problems = [problem for line in lines if (problem := key_problem(line))]
        if not lines:
            find.at(path, f"an ssh key of {user} is empty", hint="write the key or take the entry away")
        elif problems and len(lines) > 1:
            find.at(
                path,
                f"an ssh key of {user} is broken over {len(lines)} lines; an authorized key is one line",
                hint="write it in one line, or fold it with >- and without spaces at the line ends",
            )
        elif problems:
            find.at(path, f"an ssh key of {user} {problems[0]}", hint="write the whole line of the .pub file")
        elif len(lines) > 1:
            find.at(
                path,
                f"{len(lines)} ssh keys of {user} stand in one entry",
                hint="give each its own entry",
                severity=INFO,
            )


@lint(
    "lint-ssh-key-private",
    title="A private key stands among the authorized keys",
    why="Everybody who reads the config can log in elsewhere as its owner, and nobody can log in here with it.",
    fix="Write the public key, the line of the .pub file, and make a new key pair: this one has been given away.",
    wrong=_user(
        "ssh_authorized_keys:\n  - |\n    -----BEGIN OPENSSH PRIVATE KEY-----\n    AAAA\n    -----END OPENSSH PRIVATE KEY-----"
    ),
    right=_user(f"ssh_authorized_keys:\n  - {_PUBLIC}"),
)
def ssh_key_private(facts: Facts, find: Find) -> None:
    """Private keys in the config, and in local files of keys."""
    seen = set()
    for path, user, key in _keys(facts):
        place = facts.place(path)
        if "PRIVATE KEY" in key and "-----BEGIN" in key and place.path not in seen:
            seen.add(place.path)
            find.at(
                path, f"an ssh key of {user} is a private key", hint="write the public key, the line of the .pub file"
            )


@lint(
    "lint-ssh-key-file-empty",
    written=True,
    title="A file of ssh keys has no key",
    why="The user gets no key from it, and perhaps cannot log in.",
    fix="Name the .pub file.",
    wrong=_user("ssh_authorized_keys_local:\n  - empty.pub"),
    right=_user("ssh_authorized_keys_local:\n  - key.pub"),
    local=True,
)
def ssh_key_file_empty(facts: Facts, find: Find) -> None:
    """Local files of keys with nothing but comments and blank lines."""
    from butane_py.resources import LocalFileError, read_local

    for u, user in enumerate(facts.config.passwd.users):
        for i, name in enumerate(user.ssh_authorized_keys_local):  # type: ignore[attr-defined]  # a Butane user
            try:
                lines = read_local(name, facts.work.options).split(b"\n")
            except LocalFileError:
                continue  # an error of the compilation itself
            if not any(line.strip() and not line.lstrip().startswith(b"#") for line in lines):
                path = ("passwd", "users", u, "ssh_authorized_keys_local", i)
                find.at_yaml(path, f"{name} has no ssh key", hint="name the .pub file of a key")


def hash_kind(text: str) -> str:
    """What a password field holds: strong, the name of a weak method, locked (nobody logs in by it), or none."""
    if not text or _LOCKED.fullmatch(text):
        return "locked"
    if any(re.fullmatch(pattern, text) for pattern in _STRONG):
        return "strong"
    return next((name for name, pattern in _WEAK if re.fullmatch(pattern, text)), "none")


def _hashes(facts: Facts) -> Iterator[tuple[Path, str, str]]:
    """Output path, owner and text of every password hash of the config."""
    for i, user in enumerate(facts.compiled.passwd.users):
        if user.password_hash is not None:
            yield ("passwd", "users", i, "password_hash"), user.name, user.password_hash
    for i, group in enumerate(facts.compiled.passwd.groups):
        if group.password_hash is not None:
            yield ("passwd", "groups", i, "password_hash"), group.name, group.password_hash


@lint(
    "lint-password-hash-invalid",
    written=True,
    title="A password hash is not a hash",
    why="It is written to /etc/shadow as it is: no password fits, and a clear-text password is readable in the config.",
    fix="Make one with mkpasswd --method=yescrypt (or openssl passwd -6), and quote it: it has $ signs.",
    wrong=_user("password_hash: hunter2"),
    right=_user(f"password_hash: {_HASH}"),
)
def password_hash_invalid(facts: Facts, find: Find) -> None:
    """Values that no method of crypt(5) makes; hashes of the boot loader that PBKDF2 did not make."""
    for path, name, text in _hashes(facts):
        if hash_kind(text) == "none":
            known = re.match(r"\$(?:[5-7]|g?y|2[abxy]|1|sha1)\$", text)
            what = "is damaged: its length or its characters do not fit its method" if known else "is no crypt(3) hash"
            find.at(path, f"the password_hash of {name} {what}", hint=_MAKE_HASH)
    for i, user in enumerate(getattr(getattr(facts.config, "grub", None), "users", ())):
        if user.password_hash and not user.password_hash.startswith("grub.pbkdf2."):
            message = f"the password_hash of {user.name} is none that GRUB reads"
            find.at_yaml(("grub", "users", i, "password_hash"), message, hint="make one with: grub2-mkpasswd-pbkdf2")


@lint(
    "lint-password-hash-weak",
    title="A password hash is weak",
    why="MD5, DES and NT hashes are broken in hours, and systems in FIPS mode do not take them.",
    fix="Make a new one with mkpasswd --method=yescrypt.",
    wrong=_user("password_hash: $1$abcdefgh$abcdefghijklmnopqrstuv"),
    right=_user(f"password_hash: {_HASH}"),
)
def password_hash_weak(facts: Facts, find: Find) -> None:
    """Hashes of methods that are broken."""
    for path, name, text in _hashes(facts):
        kind = hash_kind(text)
        if kind not in ("strong", "locked", "none"):
            clear = ", unless it is a clear-text password" if len(text) == 13 else ""
            find.at(path, f"the password_hash of {name} is a {kind} hash{clear}", hint=_MAKE_HASH)


_NO_SHELL = ("nologin", "false", "sync", "halt", "shutdown")
_OTHER_WAYS = (
    r"AuthorizedKeysCommand|TrustedUserCAKeys|--autologin|-a core|\bsssd\b|ldap|debug-shell|tailscale|teleport"
)
_CLOUD = "on clouds, the image may add the instance's keys for core"


@lint(
    "lint-no-login",
    title="Nobody can log in",
    why="No user has an ssh key or a password, so a machine that misbehaves cannot be looked at.",
    fix="Give a user ssh_authorized_keys or a password_hash.",
    wrong="passwd:\n  users:\n    - name: core\n",
    right=_user(f"ssh_authorized_keys:\n  - {_PUBLIC}"),
)
def no_login(facts: Facts, find: Find) -> None:
    """Configs of whole machines without a key or a password: a warning where there are users, information where there are none."""
    users = facts.compiled.passwd.users
    if facts.part or any(_lets_in(user) for user in users) or _other_way(facts):
        return
    if users:
        hint = "give it ssh_authorized_keys or a password_hash"
        names = ", ".join(user.name for user in users[:5])
        find.at(
            ("passwd", "users"),
            f"nobody can log in: no ssh key and no password for {names}",
            hint=hint,
        )
    else:
        hint = f"give core ssh_authorized_keys in passwd.users; {_CLOUD}"
        find.at_yaml(
            ("variant",),
            "nobody can log in: this config has no user with an ssh key or a password",
            hint=hint,
            severity=INFO,
        )


def _lets_in(user: object) -> bool:
    exists = getattr(user, "should_exist", None) is not False
    shell = (getattr(user, "shell", None) or "").rpartition("/")[2]
    keys = getattr(user, "ssh_authorized_keys", ())
    password = getattr(user, "password_hash", None)
    return (
        exists and shell not in _NO_SHELL and (bool(keys) or (password is not None and hash_kind(password) != "locked"))
    )


def _other_way(facts: Facts) -> bool:
    """True if keys, certificates or a console login come by another way."""
    arguments = [*facts.compiled.kernel_arguments.should_exist, *facts.config.openshift.kernel_arguments]
    if any("autologin" in argument or "debug_shell" in argument for argument in arguments):
        return True
    storage = facts.compiled.storage
    nodes = [*storage.files, *storage.links]
    if any("authorized_keys" in node.path or node.path in ("/etc/passwd", "/etc/shadow") for node in nodes):
        return True
    texts = [text.text for text in facts.texts] + [file.text or "" for file in facts.files]
    return any(re.search(_OTHER_WAYS, text[:200_000]) for text in texts)
