"""The vault: sealing, rotating keys, and saying nothing about them."""

from __future__ import annotations

import pytest
from cryptography.fernet import Fernet
from hypothesis import given
from hypothesis import strategies as st

from flask_crm_stripe.adapters.vault import FernetVault
from flask_crm_stripe.errors import ConfigurationError, SecretUnreadable, SetupMissing

OLD, NEW = Fernet.generate_key().decode(), Fernet.generate_key().decode()


@given(st.binary(max_size=500))
def test_what_is_sealed_is_opened(secret: bytes) -> None:
    """Any bytes come back as they were, and are not readable in between."""
    vault = FernetVault([NEW])
    sealed = vault.seal(secret)
    assert vault.open(sealed) == secret
    assert len(secret) < 4 or secret not in sealed


def test_keys_are_rotated_without_losing_anything() -> None:
    """A new key in front seals; what the old one sealed stays readable until it is taken out."""
    before = FernetVault([OLD]).seal(b"old")
    both = FernetVault([NEW, OLD])
    after = both.seal(b"new")
    assert (both.open(before), both.open(after)) == (b"old", b"new")
    alone = FernetVault([NEW])
    assert alone.open(after) == b"new"
    with pytest.raises(SecretUnreadable) as unreadable:
        alone.open(before)
    assert "CRM_STRIPE_ENCRYPTION_KEYS" in unreadable.value.message


@pytest.mark.parametrize(
    "sealed", [b"", b"nonsense", FernetVault([OLD]).seal(b"x")], ids=["empty", "nonsense", "foreign"]
)
def test_foreign_and_broken_secrets_are_unreadable(sealed: bytes) -> None:
    """Nothing, noise, and what another key sealed: one clear error, never half a secret."""
    with pytest.raises(SecretUnreadable):
        FernetVault([NEW]).open(sealed)


def test_a_changed_secret_is_noticed() -> None:
    """One changed byte makes the whole unreadable."""
    vault = FernetVault([NEW])
    sealed = bytearray(vault.seal(b"secret"))
    sealed[30] ^= 1
    with pytest.raises(SecretUnreadable):
        vault.open(bytes(sealed))


def test_a_malformed_key_is_named_by_its_place_only() -> None:
    """The error says which key of the list is wrong and how to make one; it does not show what was typed."""
    with pytest.raises(ConfigurationError) as wrong:
        FernetVault([NEW, "canary-key-51"])
    assert "key 2" in wrong.value.message
    assert "Fernet.generate_key" in wrong.value.message
    assert "canary" not in f"{wrong.value!r} {wrong.value.__cause__!r}"
    with pytest.raises(SetupMissing):
        FernetVault([])


def test_the_vault_shows_nothing() -> None:
    """Neither repr nor str of the vault holds a key."""
    vault = FernetVault([NEW, OLD])
    assert repr(vault) == str(vault) == "FernetVault()"


def test_what_an_earlier_version_sealed_is_opened() -> None:
    """Tokens used to be kept with their base64; they still open, and count as sealed by their key."""
    assert FernetVault([OLD]).open(Fernet(OLD).encrypt(b"secret")) == b"secret"


def test_what_is_kept_is_no_longer_than_it_must_be() -> None:
    """A token without base64: what Fernet adds is version, time, padding and signature, and no third on top."""
    assert len(FernetVault([OLD]).seal(bytes(1600))) == 1 + 8 + 16 + 1616 + 32
