"""A marker secret in every field of a language that can hold one, well-formed and malformed, by a walk over its tables."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ignition_py.spec.model import Field, Struct

MARKER = "s3cr3tM4RK3R"
# Fields of texts that messages name things by, or that a process list shows by their purpose. What is not here must not be shown: a
# new field is secret until somebody adds it.
PUBLIC = frozenset(
    (
        "compression", "device", "devices", "format", "gecos", "groups", "guid", "hash", "home_dir", "interpolate", "kernel_arguments", "label",
        "labels", "layout", "level", "local", "mount_options", "name", "no_proxy", "open_options", "options", "path", "pin", "primary_group",
        "shell", "should_exist", "should_not_exist", "target", "thumbprint", "type_guid", "uuid", "version", "variant",
    )
)  # fmt: skip
# What else an entry needs, so that it reaches the stage that uses it.
COMPANIONS: dict[str, dict[str, Any]] = {
    "PasswdUser": {"name": "keeper"}, "PasswdGroup": {"name": "crew"}, "File": {"path": "/etc/x"}, "Directory": {"path": "/etc/d"},
    "HTTPHeader": {"name": "X-Token", "value": "x"}, "Luks": {"name": "vault", "device": "/dev/none-such"}, "Unit": {"name": "a.service"},
    "Dropin": {"name": "a.conf"}, "ClevisCustom": {"pin": "tpm2", "needs_network": False}, "Tang": {"url": "http://127.0.0.1:1", "thumbprint": "x"},
    "Link": {"path": "/etc/l", "target": "x"}, "Disk": {"device": "/dev/none-such"}, "Filesystem": {"device": "/dev/none-such", "path": "/x"},
    "Raid": {"name": "r", "level": "raid1", "devices": ["/dev/none-a", "/dev/none-b"]},
}  # fmt: skip
# A secret and what is wrong with it. Escapes, quotes and limits differ by field; each is planted everywhere.
FORMS: dict[str, Any] = {
    "plain": MARKER,
    "nul": f"$6${MARKER}\0{MARKER}",
    "line feed": f"{MARKER}\n{MARKER}\n",
    "carriage return": f"$6${MARKER}\r",
    "colon": f"{MARKER}:{MARKER}",
    "header": f"Authorization: Bearer {MARKER}",
    "quotes": f"'\"{MARKER}\"' é\\",
    "long": f"{MARKER}-" * 700,
    "surrogate": f"{MARKER}\udc80",
    "list": [MARKER],
    "mapping": {"text": MARKER},
    "URL": f"http://user:{MARKER}@127.0.0.1:1/?t={MARKER}#{MARKER}",
    "other scheme": f"gopher://user:{MARKER}@h/?t={MARKER}#{MARKER}",
    "bad URL": f"http://user:{MARKER}@[::1/?t={MARKER}",
    "no scheme": f"user:{MARKER}@h:3128/?t={MARKER}",
    "bad base64": f"data:;base64,{MARKER}!",
    "bad data": f"data:,{MARKER} é%",
    "unit": f"[Service]\nEnvironment=A={MARKER}\n{MARKER}\nTOKEN {MARKER}\n",
    "half JSON": f'{{"key": "{MARKER}"',
}

Steps = tuple[tuple[Field, type[Struct]], ...]


def carriers(struct: type[Struct], before: Steps = ()) -> Iterator[Steps]:
    """The ways to every field that is not public, each a chain of fields with their structures."""
    for entry in struct.FIELDS.values():
        steps = (*before, (entry, struct))
        if entry.struct is not None:
            if any(each.secret for each in entry.struct.FIELDS.values()):
                yield steps  # a text in the place of the mapping
            if entry.struct not in [known for _, known in steps]:
                yield from carriers(entry.struct, steps)
        elif entry.kind in ("str", "map", "any") and not is_public(steps):
            yield steps


def is_public(steps: Steps) -> bool:
    """True if messages may show the field. The name of a header may hold "Authorization: Bearer TOKEN", the usual slip."""
    entry, struct = steps[-1]
    return struct.__name__ != "HTTPHeader" and (entry.name in PUBLIC or entry.name.endswith("_local"))


def forms_of(steps: Steps) -> dict[str, Any]:
    """What is planted in a field. A well-formed name of a header is no secret."""
    entry = steps[-1][0]
    left_out = ("plain", "list", "mapping") if entry.name == "name" else ("mapping",) if entry.struct is not None else ()
    return {name: form for name, form in FORMS.items() if name not in left_out}


def planted(steps: Steps, value: Any, spelled: str, base: dict[str, Any], url: str) -> dict[str, Any]:
    """`base` with `value` at the end of `steps`, and the companions of each entry on the way. `spelled`: "json" or "name", the names
    of fields. Resources with headers have `url`."""
    (entry, struct), *rest = steps
    key = entry.json if spelled == "json" else entry.name
    companions = {struct.FIELDS[name].json if spelled == "json" else name: item for name, item in COMPANIONS.get(struct.__name__, {}).items()}
    if entry.name == "http_headers":
        companions["source"] = url
    new = {**companions, **base}
    inner = planted(tuple(rest), value, spelled, base.get(key, {}) if not entry.many else {}, url) if rest else value
    new[key] = [inner] if entry.many and not isinstance(inner, list) else inner
    return new


def name_of(steps: Steps) -> str:
    return ".".join(entry.name for entry, _ in steps)
