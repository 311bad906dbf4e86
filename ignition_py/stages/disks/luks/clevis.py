"""Clevis pins of LUKS volumes: the configuration that is bound, and what can be known about it beforehand.

Tang servers, the TPM and a threshold become one pin of the kind `sss`, as in the reference; a custom pin is taken as it
is. Advertisements are fetched here, through the executor's own door with its time limits, proxies and certificate
authorities, held against the thumbprints, and handed to Clevis. Sources: clevis-encrypt-sss(1), clevis-encrypt-tang(1),
clevis-encrypt-tpm2(1), RFC 7515 (JWS), RFC 7517 and 7638 (JWK and its thumbprint), tang(8).
"""

from __future__ import annotations

import json
import os
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Iterator, Mapping, Sequence
from hashlib import sha1, sha256
from typing import Any
from urllib.parse import urlsplit

from ignition_py.context import Context
from ignition_py.report.diag import Cause, FetchError, Place, StageError
from ignition_py.spec.tables import Luks, Tang
from ignition_py.stages.disks.luks.plan import bound
from ignition_py.stages.disks.places import conflict
from ignition_py.system import udev
from ignition_py.system.log import Log

LARGEST_ADVERTISEMENT = 64 << 10  # bytes; it becomes a part of one argument, which may have 128 KiB
_TPM_DEVICES = "/dev"
_TOOLS = {
    "tang": ("curl",),
    "tpm2": ("tpm2_createprimary", "tpm2_create", "tpm2_load", "tpm2_unseal", "tpm2_flushcontext"),
}
_MEMBERS = {"EC": ("crv", "kty", "x", "y"), "RSA": ("e", "kty", "n"), "oct": ("k", "kty")}  # RFC 7638, 3.2


def threshold_of(luks: Luks) -> int:
    return 1 if luks.clevis.threshold is None else luks.clevis.threshold


def pin_of(luks: Luks, advertisements: Mapping[str, Any]) -> tuple[str, str]:
    """The pin and its configuration (JSON). `advertisements`: what was fetched, by the server's URL."""
    clevis = luks.clevis
    if clevis.custom.pin:
        return clevis.custom.pin, clevis.custom.config or ""
    pins: dict[str, Any] = {}
    if clevis.tang:
        pins["tang"] = [
            {
                "url": tang.url,
                "thp": tang.thumbprint or "",
                "adv": json.loads(tang.advertisement) if tang.advertisement else advertisements[tang.url],
            }
            for tang in clevis.tang
        ]
    if clevis.tpm2:
        pins["tpm2"] = {}
    return "sss", json.dumps({"pins": pins, "t": threshold_of(luks)}, separators=(",", ":"))


def reopens(luks: Luks) -> bool:
    """True if Clevis can open the volume now: enough pins are known to answer, that is the machine's TPM and the Tang servers that
    have just sent an advertisement. A server whose advertisement is given may be out of reach."""
    clevis = luks.clevis
    answering = sum(not tang.advertisement for tang in clevis.tang) + bool(clevis.tpm2)
    return answering >= threshold_of(luks)


def _custom(luks: Luks) -> tuple[str, Any]:
    """A custom pin and its configuration, decoded; None where it is no JSON."""
    try:
        return luks.clevis.custom.pin or "", json.loads(luks.clevis.custom.config or "")
    except (ValueError, RecursionError):
        return luks.clevis.custom.pin or "", None


def pins_within(pin: str, config: Any) -> Iterator[tuple[str, Any]]:
    """A pin and, where it is `sss`, those it shares the secret between: (name, configuration)."""
    yield pin, config
    if pin != "sss" or not isinstance(config, dict) or not isinstance(config.get("pins"), dict):
        return
    for name, below in config["pins"].items():
        for one in below if isinstance(below, list) else [below]:
            yield from pins_within(str(name), one)


def _pins(luks: Luks) -> list[tuple[str, Any]]:
    if luks.clevis.custom.pin:
        return list(pins_within(*_custom(luks)))
    named: list[tuple[str, Any]] = [("sss", None), *(("tang", None) for _ in luks.clevis.tang)]
    return [*named, *([("tpm2", {})] if luks.clevis.tpm2 else [])]


def programs(luks: Luks) -> dict[str, str]:
    """Programs that binding needs, and what for."""
    if not bound(luks):
        return {}
    needed = dict.fromkeys(("bash", "clevis", "clevis-luks-bind", "jose", "pwmake"), "binding LUKS volumes with Clevis")
    for pin, _ in _pins(luks):
        why = f"binding LUKS volumes with the Clevis pin {pin}"
        needed[f"clevis-encrypt-{pin}"] = why
        needed.update(dict.fromkeys(_TOOLS.get(pin, ()), why))
        if reopens(luks):
            needed[f"clevis-decrypt-{pin}"] = why
    if reopens(luks):
        needed["clevis-luks-unlock"] = "opening LUKS volumes with Clevis"
    return needed


def conflicts(luks: Luks) -> list[Cause]:
    """What is wrong with the pins by themselves."""
    clevis = luks.clevis
    if not bound(luks):
        return []
    if clevis.custom.pin:
        if "/" in clevis.custom.pin:
            text = f"the Clevis pin of LUKS volume {luks.name} has a slash in its name"
            return [conflict(text, luks, "Write the name of a pin of clevis(1): tang, tpm2, sss")]
        if not isinstance(_custom(luks)[1], dict):
            text = f"the configuration of the Clevis pin of LUKS volume {luks.name} is no JSON object"
            return [conflict(text, luks, "Write `clevis.custom.config` as clevis-luks-bind(1) says")]
        return []
    pins = len(clevis.tang) + bool(clevis.tpm2)
    if not 1 <= threshold_of(luks) <= pins:
        text = f"LUKS volume {luks.name} is to be opened by {threshold_of(luks)} Clevis pins, and it has {pins}"
        return [conflict(text, luks, f"Set `threshold` to a number from 1 to {pins}" if pins else "Give it `tang` or `tpm2`")]
    return []


def hardware(log: Log, volumes: Sequence[Luks]) -> list[Cause]:
    """The TPM, where a pin needs it. Clevis wants one with the kernel's resource manager, which TPM 2.0 has."""
    wanting = [luks for luks in volumes if any(pin == "tpm2" for pin, _ in _pins(luks))]
    if not wanting or _has_tpm():
        return []
    udev.settle(log)  # its driver may still be loading
    if _has_tpm():
        return []
    text = "is to be bound to the machine's TPM 2.0, but there is none"
    hint = "Give the machine a TPM 2.0, or switch it on in the firmware; without one, take `tpm2` out of `clevis`"
    return [conflict(f"LUKS volume {luks.name} {text} (no {_TPM_DEVICES}/tpmrm0)", luks, hint) for luks in wanting]


def _has_tpm() -> bool:
    return any(name.startswith("tpmrm") for name in os.listdir(_TPM_DEVICES))


def advertisements(ctx: Context, luks: Luks, fetched: dict[str, Any]) -> Iterator[Callable[[], None]]:
    """A job for each Tang server of a volume: the advertisement, fetched into `fetched` (URL -> JWS) where it is not given, is held
    against the thumbprint. Each raises FetchError or StageError."""

    def named(tang: Tang) -> Callable[[], None]:
        def job() -> None:
            place = tang.place()
            if tang.advertisement:
                check(of_config(tang.advertisement, place), tang.url, tang.thumbprint or "", place)
            else:
                fetched[tang.url] = check(fetch(ctx, tang.url, place), tang.url, tang.thumbprint or "", place)

        return job

    def custom(url: str, thumbprint: str) -> Callable[[], None]:
        def job() -> None:
            place = luks.place()
            if not thumbprint:
                raise StageError(
                    f"the Tang server {url} of LUKS volume {luks.name} has neither thumbprint nor advertisement, "
                    "and nobody is there to be asked whether it is to be trusted",
                    place=place, hint="Add `thp` to the pin's configuration: what tang-show-keys prints on the server",
                )
            check(fetch(ctx, url, place), url, thumbprint, place)

        return job

    yield from map(named, luks.clevis.tang)
    if luks.clevis.custom.pin and luks.clevis.custom.needs_network:
        for pin, config in _pins(luks):
            if pin == "tang" and isinstance(config, dict) and not config.get("adv"):
                yield custom(str(config.get("url", "")), str(config.get("thp", "")))


def of_config(text: str, place: Place | None) -> Any:
    """An advertisement of the config; a JSON string is the path of a file that has it, as Clevis takes it."""
    value = json.loads(text)
    if isinstance(value, str):
        try:
            with open(value, encoding="utf-8") as file:
                return json.load(file)
        except (OSError, ValueError, RecursionError) as error:
            raise StageError(f"reading the Tang advertisement {value!r}: {error}", place=place) from None
    return value


def fetch(ctx: Context, url: str, place: Place | None) -> Any:
    """What a Tang server advertises. Raises FetchError, StageError."""
    parts = urlsplit(url)
    address = parts._replace(path=f"{parts.path.rstrip('/')}/adv").geturl()
    what = f"advertisement of the Tang server {url}"
    try:
        return json.loads(ctx.fetcher.get(address, what=what, limit=LARGEST_ADVERTISEMENT))
    except (ValueError, RecursionError):
        raise StageError(f"{what}: the answer is no JSON", place=place) from None
    except FetchError as error:
        error.place = error.place or place
        raise


def check(advertisement: Any, url: str, thumbprint: str, place: Place | None) -> Any:
    """Returns an advertisement that has a signing key with the thumbprint and a key to derive from.

    Clevis checks the signatures. Raises StageError.
    """
    try:
        keys = _keys(advertisement)
    except (ValueError, TypeError, KeyError, RecursionError):
        raise StageError(f"the advertisement of the Tang server {url} is malformed", place=place) from None
    signing = [key for key in keys if "verify" in _operations(key)]
    prints = [text for key in signing for text in thumbprints(key)]
    if not signing or not any("deriveKey" in _operations(key) for key in keys):
        raise StageError(f"the Tang server {url} advertises no keys that Clevis could use", place=place)
    if thumbprint and thumbprint not in prints:
        advertised = ", ".join(thumbprints(key)[0] for key in signing)
        raise StageError(
            f"the Tang server {url} is not the one of the config: its signing keys have the thumbprints {advertised}, "
            f"the config wants {thumbprint}",
            place=place,
            hint=f"If the server is the right one, set `thumbprint: {prints[0]}`",
        )
    return advertisement


def _keys(advertisement: Any) -> list[dict[str, Any]]:
    keys = json.loads(_decoded(advertisement["payload"]))["keys"]
    if not isinstance(keys, list) or not all(isinstance(key, dict) for key in keys):
        raise TypeError
    return keys


def _decoded(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))


def _operations(key: dict[str, Any]) -> Sequence[Any]:
    operations = key.get("key_ops")
    return operations if isinstance(operations, list) else ()


def thumbprints(key: dict[str, Any]) -> list[str]:
    """The thumbprints of a key by which Clevis may know it: SHA-256, then SHA-1; none for a kind nobody knows."""
    members = _MEMBERS.get(str(key.get("kty")))
    if members is None or any(member not in key for member in members):
        return []
    text = json.dumps({member: key[member] for member in members}, separators=(",", ":"), ensure_ascii=False).encode()
    digests = (sha256(text).digest(), sha1(text).digest())  # noqa: S324 - an identifier that Clevis still accepts
    return [urlsafe_b64encode(digest).rstrip(b"=").decode() for digest in digests]
