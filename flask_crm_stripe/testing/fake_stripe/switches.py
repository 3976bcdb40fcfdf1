"""Where nobody outside Stripe can be sure, FakeStripe has a switch with both behaviours."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from typing import Any

CHOICES: dict[str, tuple[Any, ...]] = {
    # POST /v1/invoices/{id}/send on a draft: refused, or finalised first.
    "send_finalizes_draft": (False, True),
    # TaxRates are rounded on each line, or once per rate for the invoice and shared out.
    "tax_rounding": ("line", "invoice"),
    "archived_product_on_line": ("refuse", "accept"),
    # active=false on a price that is its product's default_price.
    "archive_default_price": ("refuse", "accept"),
    # A malformed number in tax_id_data fails the whole customer, or is taken and verified later.
    "bad_tax_id": ("fails_create", "accepted"),
    "tax_amounts_with_discounts": ("accept", "refuse"),
    "negative_tax_amounts": ("refuse", "accept"),
    # What is due is below the minimum charge: paid, with the debt on the customer's balance, or simply open.
    "below_minimum": ("paid_to_balance", "open"),
    "negative_total": ("credit_to_balance", "refuse"),
    # Voiding an invoice gives back what it took from the customer's balance.
    "voided_balance": ("returned", "kept"),
    # Whether an idempotency key is one per account acted on or one per platform.
    "idempotency_scope": ("account", "platform"),
    # The deprecated access_token, refresh_token and stripe_publishable_key of /oauth/token.
    "token_fields": ("present", "absent"),
    # A charge's balance transaction is there at once, or a minute later (charge.updated tells).
    "balance_transaction": ("at_once", "later"),
    # A refund has succeeded at once, or a minute later (refund.updated tells).
    "refund_status": ("succeeded", "pending"),
    # More money is attached to an invoice than remains of it: the rest is the customer's credit, or it is refused.
    "overpayment": ("credit_to_balance", "refuse"),
    # Whether amount_paid counts what was overpaid.
    "overpaid_in_amount_paid": (False, True),
    "credit_note_on_uncollectible": ("accept", "refuse"),
    # Voiding a credit note that was issued when its invoice was paid.
    "void_post_payment_credit_note": ("refuse", "accept"),
    # Whether the amount of a credit note's line, given without tax amounts, is before discounts and tax or after.
    "credit_line_amount": ("before_tax", "with_tax"),
    # A credit note of an amount alone credits the invoice's taxes and discounts in proportion, or none.
    "credit_note_amount_tax": ("in_proportion", "none"),
    # Crediting a line below zero, such as a discount.
    "negative_credit_lines": ("refuse", "accept"),
    # POST /v1/invoices/{id}/pay on an uncollectible invoice.
    "pay_uncollectible": ("accept", "refuse"),
    # POST /v1/invoices/{id}/pay with paid_out_of_band: no InvoicePayment of its own, or a paid one of a payment record.
    "paid_out_of_band": ("no_payment", "payment_record"),
    # A test payment to an account whose charges are off; a live one is refused in any case.
    "pay_with_charges_off": ("accept", "refuse"),
    # The status with which a disconnected account is refused.
    "error_for_revoked": (403, 401),
    "finalize_without_lines": ("accept", "refuse"),
    # The largest total of an invoice, in minor units.
    "maximum_amount": (999_999_999_999, 99_999_999),
}


@dataclass
class Switches:
    """One field for each uncertain fact; the default is the behaviour thought more likely.

    ``set`` refuses unknown names and values with a ValueError that lists what is possible.
    """

    send_finalizes_draft: bool = False
    tax_rounding: str = "line"
    lines_in_response: int = 10
    archived_product_on_line: str = "refuse"
    archive_default_price: str = "refuse"
    bad_tax_id: str = "fails_create"
    tax_amounts_with_discounts: str = "accept"
    negative_tax_amounts: str = "refuse"
    below_minimum: str = "paid_to_balance"
    negative_total: str = "credit_to_balance"
    voided_balance: str = "returned"
    idempotency_scope: str = "account"
    token_fields: str = "present"
    balance_transaction: str = "at_once"
    refund_status: str = "succeeded"
    overpayment: str = "credit_to_balance"
    overpaid_in_amount_paid: bool = False
    credit_note_on_uncollectible: str = "accept"
    void_post_payment_credit_note: str = "refuse"
    credit_line_amount: str = "before_tax"
    credit_note_amount_tax: str = "in_proportion"
    negative_credit_lines: str = "refuse"
    pay_uncollectible: str = "accept"
    paid_out_of_band: str = "no_payment"
    pay_with_charges_off: str = "accept"
    error_for_revoked: int = 403
    finalize_without_lines: str = "accept"
    maximum_amount: int = 999_999_999_999

    def __post_init__(self) -> None:
        for name, value in self.as_dict().items():
            _check(name, value)

    def set(self, name: str, value: Any) -> None:
        """Turn one switch; ValueError when there is no such switch or it has no such position."""
        if name not in {each.name for each in fields(self)}:
            known = ", ".join(each.name for each in fields(self))
            raise ValueError(f"There is no switch {name}. The switches are: {known}.")
        _check(name, value)
        setattr(self, name, value)

    def as_dict(self) -> dict[str, Any]:
        """All switches and their positions."""
        return asdict(self)


def _check(name: str, value: Any) -> None:
    if name == "lines_in_response":
        if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= 100:
            raise ValueError("lines_in_response is a whole number from 1 to 100.")
        return
    choices = CHOICES[name]
    if not any(value == choice and type(value) is type(choice) for choice in choices):
        raise ValueError(f"{name} is one of: {', '.join(map(repr, choices))}; not {value!r}.")
