"""Tang servers and what is encrypted for them: JWE that `clevis decrypt` opens where the server answers.

A server's advertisement is a JWS over its public keys, signed by its signing keys. A secret is encrypted to its exchange key by ECDH-ES
and A256GCM; the header names the server and its keys. Source: RFC 7515, 7516 and 7518; Tang's README, "Provisioning"; the layout
of the header is what clevis-encrypt-tang(1) writes.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from butane_py.deliver.model import DeliveryError
from ignition_py.record import Record
from ignition_py.system.streams import reason

if TYPE_CHECKING:
    from jwcrypto.jwk import JWK

_LIMIT = 1 << 20  # bytes of an advertisement


class TangServer(Record):
    """A Tang server. keys: the set of public keys that it advertises, whose signatures have been verified."""

    url: str
    keys: dict[str, Any]

    def encrypted(self, secret: bytes) -> bytes:
        """The secret as a JWE, in compact form. Each call gives other bytes: its key is made anew."""
        from jwcrypto.jwe import JWE

        key = _exchange_key(self.keys)
        clevis = {"pin": "tang", "tang": {"url": self.url, "adv": self.keys}}
        header = {"alg": "ECDH-ES", "enc": "A256GCM", "kid": key.thumbprint(), "clevis": clevis}
        text: str = JWE(secret, json.dumps(header, separators=(",", ":")), recipient=key).serialize(compact=True)
        return text.encode()


def tang_server(words: str) -> TangServer:
    """The server of `URL,adv=FILE[,thp=THUMBPRINT]`. Raises DeliveryError."""
    from ignition_py.spec.urls import UrlError, parse_url

    url, *settings = words.split(",")
    values = dict(setting.partition("=")[::2] for setting in settings)
    unknown = sorted(values.keys() - {"adv", "thp"})
    if unknown:
        raise DeliveryError(f"--tang: there is no setting {unknown[0]}; URL,adv=FILE[,thp=THUMBPRINT]")
    try:
        parsed = parse_url(url)
    except UrlError as error:
        raise DeliveryError(f"--tang {url}: not a URL: {error}") from None
    if parsed.scheme not in ("http", "https") or not parsed.host:
        raise DeliveryError(f"--tang {url}: a Tang server has an http or https URL")
    url = url.rstrip("/")
    if not values.get("adv"):
        raise DeliveryError(f"--tang {url}: name the server's advertisement, adv=FILE; curl -f {url}/adv > FILE fetches it")
    return TangServer(url, _advertised(_read(values["adv"]), values["adv"], values.get("thp", "")))


def _read(path: str) -> bytes:
    try:
        with open(path, "rb") as file:
            return file.read(_LIMIT)
    except (OSError, ValueError) as error:
        raise DeliveryError(f"--tang: {reason(error) if isinstance(error, OSError) else error}") from None


def _advertised(data: bytes, name: str, thumbprint: str) -> dict[str, Any]:
    """The set of keys of an advertisement. Raises DeliveryError unless each of its signing keys has signed it, one with `thumbprint`."""
    try:
        from jwcrypto import jws
        from jwcrypto.common import JWException
        from jwcrypto.jwk import JWK
    except ImportError:
        message = "encrypting for Tang needs the package jwcrypto, which is not installed"
        raise DeliveryError(message, hint="pip install 'ignition-py[secrets]'") from None
    try:
        text = data.decode()
        token = jws.JWS()
        token.deserialize(text)
        found: dict[str, Any] = json.loads(token.objects["payload"])
        signing = [JWK(**key) for key in found["keys"] if "verify" in key["key_ops"]]
        _exchange_key(found)
    except (JWException, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise DeliveryError(f"{name} is not the advertisement of a Tang server", hint="fetch it with curl -f URL/adv") from None
    for key in signing:
        token = jws.JWS()
        token.deserialize(text)
        try:
            token.verify(key)
        except JWException:
            message = f"{name}: the signature of key {key.thumbprint()} is not valid"
            raise DeliveryError(message, hint="the advertisement has been changed: fetch it again") from None
    if not signing:
        raise DeliveryError(f"{name} is not signed", hint="fetch it with curl -f URL/adv")
    if thumbprint and thumbprint not in _thumbprints(signing):
        known = ", ".join(str(key.thumbprint()) for key in signing)
        raise DeliveryError(f"{name}: no key with the thumbprint {thumbprint} has signed it", hint=f"it is signed by {known}")
    return found


def _thumbprints(keys: list[JWK]) -> set[str]:
    """The thumbprints that clevis takes: SHA-256, and SHA-1 of old servers."""
    from cryptography.hazmat.primitives.hashes import SHA1, SHA256

    return {str(key.thumbprint(algorithm())) for key in keys for algorithm in (SHA256, SHA1)}  # a name, not a signature


def _exchange_key(keys: dict[str, Any]) -> JWK:
    """The first key that secrets are encrypted to. Raises KeyError where there is none, JWException."""
    from jwcrypto.jwk import JWK

    found = next((key for key in keys["keys"] if "deriveKey" in key["key_ops"]), None)
    if found is None:
        raise KeyError("deriveKey")
    return JWK(**{name: value for name, value in found.items() if name not in ("alg", "key_ops")})
