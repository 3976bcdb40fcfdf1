"""Which signing secrets are good now."""

from __future__ import annotations

from flask_crm_stripe.adapters.signing import SigningSecrets


class Stored:
    """A database of secrets, and how often it was read."""

    def __init__(self) -> None:
        self.secrets, self.reads, self.time = ["whsec_1"], 0, 100.0

    def read(self) -> list[str]:
        self.reads += 1
        return list(self.secrets)

    def now(self) -> float:
        return self.time


def test_stored_secrets_are_read_now_and_then() -> None:
    """Not for each delivery; those of the configuration come first."""
    stored = Stored()
    secrets = SigningSecrets(["whsec_given"], stored.read, stored.now)
    for _ in range(5):
        assert secrets.all() == ("whsec_given", "whsec_1")
    assert stored.reads == 1
    stored.secrets = []
    stored.time += 61
    assert secrets.all() == ("whsec_given",)
    assert stored.reads == 2
    assert "whsec" not in repr(secrets)


def test_a_new_secret_is_good_at_once() -> None:
    """One that fits none makes us look again, five times in five seconds at most, whoever sends what is not signed."""
    stored = Stored()
    secrets = SigningSecrets([], stored.read, stored.now)
    assert secrets.look_again()
    assert secrets.all() == ("whsec_1",)
    stored.secrets.append("whsec_2")
    assert secrets.look_again()
    assert secrets.all() == ("whsec_1", "whsec_2")
    assert not secrets.look_again(), "there is nothing new"
    for _ in range(20):
        secrets.look_again()
    assert stored.reads == 5
    stored.secrets = ["whsec_3"]
    assert not secrets.look_again()
    stored.time += 5
    assert secrets.look_again()
    assert secrets.all() == ("whsec_3",)
