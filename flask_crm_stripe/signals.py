"""Signals that billing sends to the host, in the namespace ``crm_stripe``.

The sender is the Flask app; the payload comes as keyword arguments, always with ``business`` (the CRM's own ref, text).
Values are frozen. A signal comes at least once, and after the change is committed: a receiver has to bear hearing the
same news twice. Those of invoices, payments and notices carry ``key`` (text), the same each time the news is the same.
A receiver that raises is logged and disturbs nobody. Take ``**_`` too, since payloads may grow:

    @signals.payment_succeeded.connect
    def thank(app: Flask, *, business: str, invoice: Invoice, payment: Payment, **_: object) -> None: ...
"""

from __future__ import annotations

from blinker import Namespace

crm_stripe = Namespace()

connection_changed = crm_stripe.signal(
    "connection_changed",
    doc="""A business connected its Stripe account, or the connection ended.

    Receiver: ``(app: Flask, *, business: str, connection: model.connection.Connection, **_: object) -> None``.
    ``connection.state`` says which.
    """,
)

service_synced = crm_stripe.signal(
    "service_synced",
    doc="""A service is in step with its product and prices at Stripe.

    Receiver: ``(app: Flask, *, business: str, entry: model.catalogue.CatalogueEntry, **_: object) -> None``.
    """,
)

invoice_created = crm_stripe.signal(
    "invoice_created",
    doc="""An invoice exists at Stripe, as a draft.

    Receiver: ``(app: Flask, *, business: str, invoice: model.invoices.Invoice, **_: object) -> None``.
    """,
)

invoice_status_changed = crm_stripe.signal(
    "invoice_status_changed",
    doc="""The status of an invoice is another than before.

    Receiver: ``(app: Flask, *, business: str, invoice: model.invoices.Invoice, **_: object) -> None``.
    ``invoice.status`` is the new one; ``invoice.version`` grows with each visible change.
    """,
)

payment_succeeded = crm_stripe.signal(
    "payment_succeeded",
    doc="""Money came in for an invoice.

    Receiver: ``(app: Flask, *, business: str, invoice: model.invoices.Invoice, payment: model.invoices.Payment,
    **_: object) -> None``. ``payment.amount`` is in minor units of ``payment.currency``.
    """,
)

payment_failed = crm_stripe.signal(
    "payment_failed",
    doc="""An attempt to pay an invoice failed.

    Receiver: ``(app: Flask, *, business: str, invoice: model.invoices.Invoice, payment: model.invoices.Payment,
    **_: object) -> None``. ``payment.reason`` says why, in words.
    """,
)

notice_raised = crm_stripe.signal(
    "notice_raised",
    doc="""Something that the admins of a business have to know: it was connected or disconnected, Stripe asks for
    something, a second person is asked to agree.

    Receiver: ``(app: Flask, *, business: str, notice: model.notices.Notice, subject: str, text: str, **_: object) ->
    None``. ``subject`` is one line, ``text`` the news in words; ``notice.kind`` says what it is about.
    """,
)

BY_NAME = {
    signal.name: signal
    for signal in (
        connection_changed,
        service_synced,
        invoice_created,
        invoice_status_changed,
        payment_succeeded,
        payment_failed,
        notice_raised,
    )
}
