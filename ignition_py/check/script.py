"""The questions as one script for POSIX sh, and what it printed as answers.

    script(questions) -> `ssh HOST sh -s`, an agent, a file -> answers(questions, output)

The script takes sh, coreutils (or busybox) and what a system with systemd has (util-linux, getent, systemctl); a program that is not
there makes the answer FAILED. It writes nothing: it has no here-documents, for which bash makes files. Names stand in it in single
quotes, so they may hold any byte; arguments of programs are paths and names, never secrets. All of it is one quoted text, so a shell
that gets only half of the script runs nothing. Whoever is not root but may `sudo -n sh` asks as root.

The output is a line that begins it, a line of base64 for each question, and a line that ends it. What a login shell prints before counts
for nothing.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Iterable

from ignition_py.check import questions as ask
from ignition_py.check.questions import Item, Questions
from ignition_py.system.rootfs import encode

VERSION = b"1"
_BEGIN, _END = b"ignition-check %s begin " % VERSION, b"ignition-check %s end" % VERSION
UID = "uid"  # of whoever has asked, an answer of its own
_COLUMNS = "NAME,KNAME,PATH,TYPE,SIZE,FSTYPE,LABEL,UUID,PARTLABEL,PARTUUID,PARTTYPE,PTTYPE,PKNAME"
_SHOWN = "LoadState,ActiveState,FragmentPath,DropInPaths"
_MOST_KEYS = 1000  # lines of a file of keys that are read

FUNCTIONS = f"""LC_ALL=C PATH=$PATH:/usr/sbin:/usr/bin:/sbin:/bin
export LC_ALL PATH

why() {{
    case $1 in
        *': Permission denied' | *': Operation not permitted') echo '{ask.DENIED}' ;;
        *': No such file or directory' | *': Not a directory') echo '{ask.ABSENT}' ;;
        *) echo '{ask.FAILED}' ;;
    esac
}}

# One line that no name can break.
packed() {{ base64 | tr -d '\\n'; echo; }}

nodes() {{
    if said=$(stat -c '%a %u %g %U %G %s %d:%i %F' -- "$1" 2>&1); then printf '%s\\n' "$said"; else why "$said"; fi
}}

sums() {{
    if [ -L "$2" ] || [ ! -f "$2" ]; then echo '{ask.ABSENT}'; return; fi
    if [ ! -r "$2" ]; then echo '{ask.DENIED}'; return; fi
    if [ -n "${{3-}}" ]; then said=$(tail -c "$3" <"$2" | "sha$1sum"); else said=$("sha$1sum" <"$2") || said='{ask.FAILED}'; fi
    printf '%s\\n' "${{said%% *}}"
}}

targets() {{ if [ -L "$1" ]; then readlink -- "$1" | packed; else echo '{ask.ABSENT}'; fi; }}

aliases() {{ readlink -f -- "$1" | packed; }}

# The line of an account in a database of getent; without getent that of the file.
entry() {{
    line=$(getent "$1" -- "$2") || line=
    case $line in "$2":*) printf '%s\\n' "$line"; return ;; esac
    for file in "/etc/$1" "/usr/lib/$1"; do
        [ -r "$file" ] || continue
        while IFS= read -r line; do
            case $line in "$2":*) printf '%s\\n' "$line"; return ;; esac
        done <"$file"
    done
    echo '{ask.ABSENT}'
}}

users() {{ entry passwd "$1"; }}

groups() {{ entry group "$1"; }}

members() {{ if said=$(id -Gn -- "$1"); then printf '%s:%s\\n' "$(id -gn -- "$1")" "$said"; else echo '{ask.ABSENT}'; fi; }}

passwords() {{
    if [ ! -r /etc/shadow ]; then echo '{ask.DENIED}'; return; fi
    said=$(entry shadow "$1")
    case $said in '{ask.MARK}'*) printf '%s\\n' "$said"; return ;; esac
    said=$(printf '%s\\n' "$said" | cut -d: -f2 | tr -d '\\n' | sha256sum)
    printf '%s\\n' "${{said%% *}}"
}}

# Digests of the lines of a file of keys; the file is the user's, and may be a link to anything.
key_file() {{
    if [ ! -f "$1" ]; then return; fi
    if [ ! -r "$1" ]; then printf '{ask.DENIED} '; return; fi
    head -n {_MOST_KEYS} <"$1" | while read -r line || [ -n "$line" ]; do
        case $line in '' | '#'*) continue ;; esac
        digest=$(printf %s "$line" | sha256sum)
        printf '%s ' "${{digest%% *}}"
    done
}}

keys() {{
    line=$(entry passwd "$1")
    case $line in '{ask.MARK}'*) printf '%s\\n' "$line"; return ;; esac
    home=$(printf '%s\\n' "$line" | cut -d: -f6)/.ssh
    case $(nodes "$home") in
        '{ask.ABSENT}') echo; return ;;
        '{ask.MARK}'*) echo '{ask.DENIED}'; return ;;
    esac
    for file in "$home" "$home/authorized_keys.d"; do
        if [ -d "$file" ] && {{ [ ! -r "$file" ] || [ ! -x "$file" ]; }}; then echo '{ask.DENIED}'; return; fi
    done
    for file in "$home/authorized_keys" "$home/authorized_keys.d"/*; do key_file "$file"; done
    echo
}}

units() {{
    if ! command -v systemctl >/dev/null; then echo '{ask.FAILED}'; return; fi
    state=$(systemctl is-enabled -- "$1" | head -n 1)
    printf 'UnitFileState=%s\\t%s\\n' "$state" "$(systemctl show -p {_SHOWN} -- "$1" | tr '\\n' '\\t')"
}}

cmdline() {{ cat /proc/cmdline || echo '{ask.FAILED}'; }}

blocks() {{ udevadm settle --timeout=30; lsblk -J -b -o {_COLUMNS} || echo '{ask.FAILED}'; }}

mounts() {{ findmnt -J -l -o TARGET,SOURCE,FSTYPE || echo '{ask.FAILED}'; }}

failed() {{ systemctl --failed --no-legend --plain | cut -d' ' -f1; }}
"""

_START = """
if [ "$(id -u)" != 0 ] && command -v sudo >/dev/null && sudo -n sh -c : </dev/null >/dev/null 2>&1; then
    printf '%s\\n' "$body" | sudo -n sh -s
else
    eval "$body"
fi
"""


def script(asked: Questions) -> bytes:
    """One shell script for all questions."""
    blocks = [b"echo '" + beginning(asked) + b"'; id -u"]
    blocks += [b"{\n" + _calls(name, items) + b":\n} 2>/dev/null | packed" for name, items in asked.items()]
    blocks.append(b"echo '" + _END + b"'")
    body = FUNCTIONS.encode() + b"\nmain() {\n" + b"\n".join(blocks) + b"\n}\nmain </dev/null"
    return b"body=" + _quoted(body) + _START.encode()


def beginning(asked: Questions) -> bytes:
    """The line that begins the output; it tells which questions are answered."""
    return _BEGIN + hashlib.sha256(b"".join(_calls(name, items) for name, items in asked.items())).hexdigest().encode()


def _calls(name: str, items: Iterable[Item]) -> bytes:
    """The commands that answer a question, a line each."""
    calls = [name.encode()] if name in ask.WITHOUT_ITEMS else [_call(name, item) for item in items]
    return b"".join(call + b"\n" for call in calls)


def _call(name: str, item: Item) -> bytes:
    return b" ".join([name.encode(), *(_quoted(encode(word)) for word in item)])


def _quoted(data: bytes) -> bytes:
    return b"'" + data.replace(b"'", b"'\\''") + b"'"


def answers(asked: Questions, output: bytes) -> dict[str, str]:
    """What the script printed, by question, and UID. Raises ValueError where it is not all there."""
    lines = output.replace(b"\r\n", b"\n").split(b"\n")
    begin = next((index for index, line in enumerate(lines) if line.startswith(_BEGIN)), None)
    if begin is None:
        raise ValueError("it did not answer as the script does" if output.strip() else "it answered nothing")
    if lines[begin] != beginning(asked):
        raise ValueError("these are the answers to questions about another config")
    if _END not in lines[begin:]:
        raise ValueError("its answer is cut off")
    uid, *texts = lines[begin + 1 : lines.index(_END, begin)] or [b""]
    if len(texts) != len(asked):
        raise ValueError(f"it gave {len(texts)} answers to {len(asked)} questions")
    found = {UID: uid.decode("ascii", "replace").strip()}
    for (name, items), text in zip(asked.items(), texts, strict=True):
        try:
            found[name] = base64.b64decode(text, validate=True).decode("utf-8", "surrogateescape")
        except (binascii.Error, ValueError):
            raise ValueError(f"its answer about {name} is damaged") from None
        count = found[name].count("\n")
        if name not in ask.WITHOUT_ITEMS and count != len(items):
            raise ValueError(f"it gave {count} answers about {name} in place of {len(items)}")
    return found


def unpacked(line: str) -> str:
    """The text of a line that `packed` has made, without the newline that ends it. Raises ValueError."""
    return base64.b64decode(line, validate=True).decode("utf-8", "surrogateescape").removesuffix("\n")
