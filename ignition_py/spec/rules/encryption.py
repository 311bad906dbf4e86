"""Rules of LUKS volumes: names, key files, Clevis pins, Tang servers, CEX."""

from __future__ import annotations

from ignition_py.report.catalog import code
from ignition_py.report.examples import entry
from ignition_py.report.examples import luks as example
from ignition_py.spec.rules.paths import check_path
from ignition_py.spec.rules.registry import Findings, rule
from ignition_py.spec.rules.resources import url_problem
from ignition_py.spec.tables import ClevisCustom, Luks, Tang
from ignition_py.spec.urls import UrlError, parse_url

CLEVIS_PINS = ("tpm2", "tang", "sss")
_LUKS_LABEL_BYTES = 47  # LUKS2 header: 48 with the closing NUL
_CUSTOM = "clevis:\n  custom:\n    pin: sss\n    config: '{}'"
_TANG = "clevis:\n  tang:\n    - url: {}\n      thumbprint: {}"
_TANG_RIGHT = _TANG.format("http://tang", "x")


@rule(
    Luks,
    "luks-name-slash",
    title="The name of a volume has a slash",
    why="The opened volume becomes the file /dev/mapper/NAME, and a file name has no slash.",
    fix="Use another character, such as a dash.",
    wrong=entry("storage", "luks", "name: a/b\ndevice: /dev/sda1"),
    right=example("label: data"),
)
@code(
    "luks-label-long",
    title="The label of a volume is too long",
    why="A LUKS2 header has room for a label of 47 bytes.",
    fix="Shorten the label.",
    wrong=example(f"label: {'x' * 48}"),
    right=example("label: data"),
)
@code(
    "luks-key-file",
    title="A key file cannot be fetched",
    why="Ignition reads the key from the source of key_file, which is not a URL that it can fetch; see the other report.",
    fix="Give key_file inline or local contents, or a URL that Ignition fetches, such as https://.",
    wrong=example("key_file:\n  source: ftp://example.com/key"),
    right=example("key_file:\n  source: https://example.com/key"),
)
def luks(volume: Luks, findings: Findings) -> None:
    if "/" in volume.name:
        hint = f"write {volume.name.replace('/', '-').strip('-')}"
        findings.error("luks-name-slash", "the name of a volume must not contain a slash", "name", hint=hint)
    if volume.label and (size := len(volume.label.encode())) > _LUKS_LABEL_BYTES:
        message = f"a label of LUKS has at most {_LUKS_LABEL_BYTES} bytes; this has {size}"
        findings.error("luks-label-long", message, "label", hint="shorten the label")
    if not volume.device:
        hint = "add device, such as /dev/disk/by-partlabel/LABEL"
        findings.error("device-missing", "a LUKS volume needs its device", "device", hint=hint)
    else:
        check_path(findings, volume.device, "device")
    _clevis(volume, findings)
    if volume.key_file.source and url_problem(volume.key_file.source, findings.version):
        message = "the source of the key file is not a URL that Ignition fetches"
        hint = "write the key inline, or a URL such as https://…"
        findings.error("luks-key-file", message, "keys", hint=hint)


@code(
    "clevis-custom",
    title="A custom pin stands beside tang, tpm2 or threshold",
    why="A custom pin is the whole binding of the volume, so the settings of other pins could not take effect.",
    fix="Remove custom, or describe the other pins in its config (pin: sss combines several).",
    wrong=example(_CUSTOM.replace("clevis:\n", "clevis:\n  tpm2: true\n")),
    right=example(_CUSTOM),
)
@code(
    "cex-clevis",
    title="CEX and Clevis are used together",
    why="A volume is opened by a key of the IBM Crypto Express card or by Clevis, not by both.",
    fix="Remove cex or clevis (tang and tpm2 of boot_device.luks).",
    wrong=example("cex:\n  enabled: true\nclevis:\n  tpm2: true"),
    right=example("cex:\n  enabled: true"),
)
@code(
    "cex-key-file",
    title="CEX and a key file are used together",
    why="The key of a CEX volume is generated with the card; a key file has no use beside it.",
    fix="Remove key_file or cex.",
    wrong=example("cex:\n  enabled: true\nkey_file:\n  source: https://example.com/key"),
    right=example("cex:\n  enabled: true"),
)
def _clevis(volume: Luks, findings: Findings) -> None:
    clevis = volume.clevis
    custom = clevis.has("custom") if findings.version == 2 else bool(clevis.custom.pin)
    others = bool(clevis.tang or clevis.tpm2 or clevis.threshold)
    if custom and others:
        hint = "remove custom, or describe the other pins in its config"
        message = "a custom pin cannot stand beside tang, tpm2 or threshold"
        findings.error(
            "clevis-custom", message, "clevis", hint=hint, related=(("the custom pin", ("clevis", "custom")),)
        )
    if volume.cex.enabled and (clevis.custom.pin or others):
        related = (("Clevis is used here", ("clevis",)),)
        message = "a volume has a CEX key or Clevis, not both"
        findings.error("cex-clevis", message, "cex", hint="remove cex or clevis", related=related)
    if volume.cex.enabled and volume.key_file.source:
        related = (("the key file", ("key_file",)),)
        message = "a volume has a CEX key or a key file, not both"
        findings.error("cex-key-file", message, "cex", hint="remove cex or key_file", related=related)


@rule(
    ClevisCustom,
    "clevis-pin-missing",
    title="A custom pin has no name",
    why="Clevis is started with the name of the pin, which says who unlocks the volume: a TPM, a Tang server or a combination.",
    fix="Add pin: tpm2, tang or sss.",
    wrong=example("clevis:\n  custom:\n    config: '{}'"),
    right=example(_CUSTOM),
)
@code(
    "clevis-pin-unknown",
    title="The name of a custom pin is unknown",
    why="Before spec 3.6.0 Ignition takes only the pins tpm2, tang and sss.",
    fix="Use one of these, or a newer version for other pins.",
    wrong=example(_CUSTOM.replace("sss", "yubikey")),
    right=example(_CUSTOM),
)
@code(
    "clevis-config-missing",
    title="A custom pin has no configuration",
    why="Clevis gets the configuration of the pin as JSON text; without it the pin does not know what to bind to.",
    fix="Add config, the JSON text that `clevis luks bind` takes; '{}' for the defaults.",
    wrong=example("clevis:\n  custom:\n    pin: sss"),
    right=example(_CUSTOM),
)
def clevis_custom(custom: ClevisCustom, findings: Findings) -> None:
    if not custom.pin and not custom.config and not (custom.needs_network and findings.version >= 3):
        return
    names = ", ".join(CLEVIS_PINS)
    if not custom.pin and findings.version >= 3:
        findings.error("clevis-pin-missing", "a custom pin needs its name", "pin", hint=f"add pin: one of {names}")
    elif custom.pin not in CLEVIS_PINS and findings.version < 6:
        message = f"the pin {custom.pin!r} is unknown; known: {names}"
        findings.error("clevis-pin-unknown", message, "pin", hint="other pins can be used from spec 3.6.0 on")
    if not custom.config:
        message = "a custom pin needs its configuration"
        findings.error("clevis-config-missing", message, "config", hint="add config, JSON text such as '{}'")


@rule(
    Tang,
    "tang-scheme",
    title="The URL of a Tang server is not http or https",
    why="The Tang protocol runs over HTTP; clevis cannot ask a server at another address.",
    fix="Write http://HOST or https://HOST.",
    wrong=example(_TANG.format("ftp://tang", "x")),
    right=example(_TANG_RIGHT),
)
@code(
    "tang-thumbprint-missing",
    title="A Tang server has no thumbprint",
    why="The thumbprint of the signing key is how the machine recognises the server; without it any server could answer.",
    fix="Add thumbprint; `tang-show-keys` on the server prints it.",
    wrong=example("clevis:\n  tang:\n    - url: http://tang"),
    right=example(_TANG_RIGHT),
)
@code(
    "tang-advertisement",
    title="A Tang advertisement is not JSON",
    why="The advertisement is what the server answers at /adv, a JSON text that lets the volume be bound while the server is away.",
    fix="Copy the answer as it is: curl http://SERVER/adv.",
    wrong=example(_TANG_RIGHT + "\n      advertisement: hello"),
    right=example(_TANG_RIGHT),
)
def tang(server: Tang, findings: Findings) -> None:
    try:
        scheme = parse_url(server.url).scheme
    except UrlError as error:
        findings.error("url-malformed", f"this is not a URL: {error}", "url", hint="write http://HOST or https://HOST")
    else:
        if scheme not in ("http", "https"):
            hint = "write http:// before it" if server.url and "://" not in server.url else "write http://HOST"
            findings.error("tang-scheme", "the URL of a Tang server begins with http:// or https://", "url", hint=hint)
    if not server.thumbprint:
        message = "a Tang server needs the thumbprint of its key"
        findings.error(
            "tang-thumbprint-missing", message, "thumbprint", hint="`tang-show-keys` on the server prints it"
        )
    if server.advertisement:
        _advertisement(server.advertisement, findings)


def _advertisement(text: str, findings: Findings) -> None:
    from ignition_py.spec.jsonscan import has_huge_number, scan_error

    data = text.encode()
    error = scan_error(data)
    hint = "copy what the server answers at /adv: curl http://SERVER/adv"
    if error is not None:
        message = f"the advertisement is not JSON: {error}"
        findings.error("tang-advertisement", message, "advertisement", hint=hint)
    elif has_huge_number(data):
        message = "the advertisement has a number that is too large"
        findings.error("tang-advertisement", message, "advertisement", hint=hint)
