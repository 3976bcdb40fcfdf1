"""What can go wrong, as a tree.

    BillingError
    ├── ConfigurationError        the app does not start: a key or a mapping is malformed
    ├── SetupMissing              a key is not set: pages and webhook answer 503 and name it
    │   └── TablesMissing         our migrations have not run
    ├── FinanceModuleOff          the CRM's finance module is off for this business
    ├── HostTransactionOpen       the host has written and not committed: "commit first"
    ├── NotPermitted              the person lacks a permission
    ├── NotFound                  no such thing in this business
    ├── InvalidInput              a field is wrong; names the field and the remedy
    ├── Conflict                  the world changed since the person looked
    │   ├── BillableTaken         a billable is already on a live invoice
    │   ├── PlanChanged           the figures changed after the preview
    │   ├── AccountTaken          the Stripe account is connected to another business
    │   ├── ApprovalNeeded        above the limit: a second person has to agree first
    │   ├── OwnRequest            the one who asked can't be the one who agrees
    │   ├── CopyLocked            this is a copy: nothing is sent to Stripe, no mail goes out
    │   └── Busy                  somebody else works on the same thing right now
    ├── ConsentFailed             Connect: denied, expired, replayed or foreign return
    ├── NotConnected              the business has no live Stripe connection
    ├── GateStopped               Stripe's figures differ from ours; nothing was finalised
    ├── SecretUnreadable          a stored secret cannot be decrypted with the keys given
    └── ProviderError             Stripe
        ├── Unreachable           no answer: we do not know whether it was done
        ├── ProviderFailed        answered 5xx: we do not know whether it was done
        ├── RateLimited           answered 429 or 409: not done, later is fine
        ├── Refused               answered 4xx: not done, and will not be
        ├── AccountGone           Stripe no longer lets us act for this account
        └── WrongPlatform         our key is another platform's than the one the accounts were connected to

Every message is one or two sentences for the person who reads it: what is, why, what to do.
No message holds a secret.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

LONGEST_QUOTE = 80


class BillingError(Exception):
    """Base of everything that this package raises on purpose.

    ``code`` is a stable word for programs; ``field`` names the input at fault, where there is one.
    """

    code: ClassVar[str] = "billing_error"

    def __init__(self, message: str, *, field: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.field = field


def quoted(text: str) -> str:
    """Somebody's words inside an error: in quotes, and not endless."""
    return f"“{text}”" if len(text) <= LONGEST_QUOTE else f"“{text[: LONGEST_QUOTE - 1]}…”"


class ConfigurationError(BillingError):
    """A key or a mapping is malformed: raised while the app starts."""

    code = "configuration"


class SetupMissing(BillingError):
    """Keys that billing needs are not set. ``keys`` names them."""

    code = "setup_missing"

    def __init__(self, keys: Sequence[str]) -> None:
        self.keys = tuple(keys)
        verb = "is" if len(keys) == 1 else "are"
        it = "it is" if len(keys) == 1 else "they are"
        super().__init__(f"{' and '.join(keys)} {verb} not set. Billing starts when {it}.")


class TablesMissing(SetupMissing):
    """Our tables are not there, or from an older version of this package."""

    def __init__(self) -> None:
        super().__init__(["The billing tables"])
        self.message = "The billing tables are missing or old. Run: flask crm-stripe upgrade"


class FinanceModuleOff(BillingError):
    """The CRM's finance module is off for the business."""

    code = "finance_module_off"

    def __init__(self) -> None:
        super().__init__("Billing needs the finance module, which is off for this business.")


class HostTransactionOpen(BillingError):
    """The host has unflushed or uncommitted writes in its session; a Stripe call would have to wait inside them."""

    code = "host_transaction_open"

    def __init__(self) -> None:
        super().__init__(
            "The CRM has changes in its database session that are not committed yet. "
            "Commit first (db.session.commit()), then call billing: nothing was sent to Stripe."
        )


class NotPermitted(BillingError):
    """The person lacks ``permission``."""

    code = "not_permitted"

    def __init__(self, permission: str, deed: str) -> None:
        self.permission = permission
        super().__init__(f"You may not {deed}. An admin of your CRM can give you the right “{permission}”.")


class NotFound(BillingError):
    """There is no such thing in this business; another business's things look the same."""

    code = "not_found"

    def __init__(self, what: str) -> None:
        super().__init__(f"There is no such {what} here.")


class InvalidInput(BillingError):
    """A field holds what cannot be used; ``field`` names it, the message says how to put it right."""

    code = "invalid_input"

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message, field=field)


class Conflict(BillingError):
    """The world changed since the person looked, or somebody else was first."""

    code = "conflict"


class BillableTaken(Conflict):
    """A billable is on a live invoice already. ``invoice_id`` is ours, where it is known."""

    code = "billable_taken"

    def __init__(self, billables: Sequence[str], invoice_id: str | None = None) -> None:
        self.billables = tuple(billables)
        self.invoice_id = invoice_id
        super().__init__("Some of this work is already on an invoice, so no second one was made.", field="billables")


class PlanChanged(Conflict):
    """The figures are not those that the person saw."""

    code = "plan_changed"

    def __init__(self, changes: Sequence[str] = ()) -> None:
        self.changes = tuple(changes)
        what = " ".join(changes)
        super().__init__(f"The figures changed since you looked. {what} Please check the new total.".replace("  ", " "))


class CreditUnderWay(Conflict):
    """Of one invoice's credit notes nobody knows yet whether it is at Stripe: it is completed before another is made.
    ``credit_id`` is our own."""

    code = "credit_under_way"

    def __init__(self, credit_id: str) -> None:
        self.credit_id = credit_id
        super().__init__(
            "A credit note of this invoice is not finished: it may be at Stripe already. Continue it first; then you "
            "see what is left."
        )


class AccountTaken(Conflict):
    """The Stripe account already has a live connection, of this or another business."""

    code = "account_taken"

    def __init__(self) -> None:
        super().__init__(
            "This Stripe account is already connected to another business here. "
            "Disconnect it there first, or choose another account."
        )


class ApprovalNeeded(Conflict):
    """The amount is above the business's limit for ``permission``: a second person has to agree. Nothing was done."""

    code = "approval_needed"

    def __init__(self, permission: str, limit: str) -> None:
        self.permission = permission
        self.limit = limit
        super().__init__(f"Above {limit} a second person has to agree. Ask for approval; nothing was sent.")


class OwnRequest(Conflict):
    """The person who asked for something tried to agree to it."""

    code = "own_request"

    def __init__(self) -> None:
        super().__init__("You asked for this yourself, so another person has to agree to it.")


class CopyLocked(Conflict):
    """The database is a copy of another environment's: it may be read, and nothing goes out of it."""

    code = "copy_locked"

    def __init__(self, deed: str = "do this") -> None:
        super().__init__(
            f"This is a copy, so you can't {deed} here: nothing is sent to Stripe and no mail goes out. "
            "An admin can say that it is the real one."
        )


class Busy(Conflict):
    """Somebody else is working on the same thing; a moment later it will be free."""

    code = "busy"

    def __init__(self, what: str) -> None:
        super().__init__(f"Somebody else is working on this {what} right now. Try again in a moment.")


class ConsentFailed(BillingError):
    """A return from Stripe's consent page that is not accepted. ``reason`` is a stable word."""

    code = "consent_failed"

    def __init__(self, reason: str, message: str) -> None:
        self.reason = reason
        super().__init__(message)


class NotConnected(BillingError):
    """The business has no live connection to Stripe."""

    code = "not_connected"

    def __init__(self) -> None:
        super().__init__("This business is not connected to Stripe. Connect Stripe in Settings first.")


class GateStopped(BillingError):
    """Stripe's figures differ from ours. ``differences`` are (what, ours, Stripe's)."""

    code = "gate_stopped"

    def __init__(
        self, differences: Sequence[tuple[str, str, str]], then: str = "The draft is kept and nothing was sent."
    ) -> None:
        self.differences = tuple(differences)
        self.invoice_id: str | None = None
        first = "; ".join(f"{what}: ours {ours}, at Stripe {theirs}" for what, ours, theirs in self.differences)
        super().__init__(f"Stripe's figures differ from ours ({first}). {then}")


class SecretUnreadable(BillingError):
    """A stored secret cannot be read with the keys in CRM_STRIPE_ENCRYPTION_KEYS."""

    code = "secret_unreadable"

    def __init__(self, remedy: str = "connect Stripe once more") -> None:
        super().__init__(
            "A stored secret cannot be read: the key that encrypted it is not in CRM_STRIPE_ENCRYPTION_KEYS. "
            f"Add the key again, or {remedy}."
        )


class ProviderError(BillingError):
    """Stripe did not do what it was asked, or we cannot know.

    ``request_id`` is Stripe's own, for its support; ``stripe_code`` and ``param`` are Stripe's words.
    ``unknown`` is true where the work may have been done all the same. ``invoice_id`` is our own, where an invoice
    stands still because of it.
    """

    code = "stripe_error"
    unknown: ClassVar[bool] = False
    invoice_id: str | None = None

    def __init__(
        self,
        message: str,
        *,
        request_id: str | None = None,
        stripe_code: str | None = None,
        param: str | None = None,
    ) -> None:
        super().__init__(message)
        self.request_id = request_id
        self.stripe_code = stripe_code
        self.param = param


class Unreachable(ProviderError):
    """No answer came: a time-out or a cut line. The work may have been done."""

    code = "stripe_unreachable"
    unknown = True


class ProviderFailed(ProviderError):
    """Stripe answered 5xx. The work may have been done; the same key would replay the same answer for 24 hours."""

    code = "stripe_failed"
    unknown = True


class RateLimited(ProviderError):
    """Stripe answered 429, or 409 for a lock: not done, and fine a moment later."""

    code = "stripe_rate_limited"


class Refused(ProviderError):
    """Stripe refused the request: not done, and the same request will be refused again."""

    code = "stripe_refused"


class AccountGone(ProviderError):
    """Stripe no longer lets this platform act for the account: disconnected, rejected or deleted."""

    code = "account_gone"


class WrongPlatform(ProviderError):
    """The platform's key is another platform's than the one that the accounts were connected to: not their fault."""

    code = "wrong_platform"

    def __init__(self) -> None:
        super().__init__(
            "CRM_STRIPE_API_KEY belongs to another Stripe platform than the one that this business connected to. "
            "Nothing was changed. Ask whoever runs the CRM to set the right key."
        )
