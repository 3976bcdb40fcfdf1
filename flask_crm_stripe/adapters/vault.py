"""Encryption of what we store, with keys that can be rotated.

Keys come from CRM_STRIPE_ENCRYPTION_KEYS: the first encrypts, all of them decrypt. To rotate: put a new key in front,
run ``flask crm-stripe rotate-keys``, and take the old one out when nothing sealed with it is left.
"""

from __future__ import annotations

import hashlib
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from flask_crm_stripe.errors import ConfigurationError, SecretUnreadable, SetupMissing

KEYS = "CRM_STRIPE_ENCRYPTION_KEYS"
NAME_LENGTH = 12
VERSION = b"\x80"
"""The first byte of a token; the base64 of earlier versions of this package begins with a letter."""


class FernetVault:
    """Seals with the first key, opens with any (Fernet: AES-128-CBC with HMAC-SHA256, tamper-proof)."""

    def __init__(self, keys: Sequence[str]) -> None:
        """Raises ``SetupMissing`` without a key and ``ConfigurationError`` for one that is not a Fernet key."""
        if not keys:
            raise SetupMissing([KEYS])
        self._fernet = MultiFernet([_fernet(key, place) for place, key in enumerate(keys, start=1)])
        self._names = tuple(key_name(key) for key in keys)

    @property
    def current(self) -> str:
        """The name of the key that seals."""
        return self._names[0]

    @property
    def known(self) -> Sequence[str]:
        """The names of all keys."""
        return self._names

    def seal(self, secret: bytes) -> bytes:
        """Encrypt with the first key. A Fernet token, without the base64 around it: it is not read by people."""
        return urlsafe_b64decode(self._fernet.encrypt(secret))

    def open(self, sealed: bytes) -> bytes:
        """Decrypt with any key. Raises ``SecretUnreadable`` for what no key fits, or what was tampered with."""
        token = urlsafe_b64encode(sealed) if sealed[:1] == VERSION else sealed
        try:
            return self._fernet.decrypt(token)
        except InvalidToken:
            raise SecretUnreadable from None

    def __repr__(self) -> str:
        return "FernetVault()"


def key_name(key: str) -> str:
    """What a key is called beside what it has sealed: a digest, from which nobody finds the key."""
    return hashlib.sha256(b"crm_stripe key\0" + key.encode()).hexdigest()[:NAME_LENGTH]


def _fernet(key: str, place: int) -> Fernet:
    try:
        return Fernet(key)
    except (ValueError, TypeError):
        # `from None`: the cause would show what was typed, which may be most of a real key.
        raise ConfigurationError(
            f"{KEYS}: key {place} is not a Fernet key (32 bytes in URL-safe base64, 44 characters). "
            "Make one with: python -c 'from cryptography.fernet import Fernet; print(Fernet.generate_key().decode())'",
            field=KEYS,
        ) from None
