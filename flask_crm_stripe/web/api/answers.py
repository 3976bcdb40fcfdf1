"""What programs are told: one schema for each answer."""

from __future__ import annotations

from marshmallow import Schema, fields

from flask_crm_stripe.web.api.fields import Answer, DecimalText, told


def many(schema: type[Answer]) -> fields.List[object]:
    """A list of objects, perhaps an empty one."""
    return fields.List(fields.Nested(schema))


def one(schema: type[Answer], *, null: bool = False) -> fields.Nested:
    """An object inside of another."""
    return fields.Nested(schema, allow_none=null)


def figure(description: str = "", *, null: bool = False) -> DecimalText:
    """An exact number, as text."""
    return DecimalText(told=True, allow_none=null, metadata={"description": description} if description else {})


class Money(Answer):
    """An amount. Programs count with ``minor``; ``decimal`` is the same in whole units."""

    minor = told(fields.Integer, "Minor units, as Stripe counts them for this currency.")
    currency = told(fields.String, "Lowercase, like eur.")
    decimal = figure("The same amount in whole units, like 12.34.")


class Price(Answer):
    """A price of one unit, which may have more decimals than the currency."""

    currency = told(fields.String, "Lowercase, like eur.")
    decimal = figure("In whole units.")


class Account(Answer):
    """The Stripe account, as Stripe described it at ``checked_at``."""

    id = told(fields.String, "Stripe's own id, acct_...")
    name = told(fields.String)
    country = told(fields.String)
    default_currency = told(fields.String)
    charges_enabled = told(fields.Boolean, "Whether customers can pay.")
    payouts_enabled = told(fields.Boolean, "Whether money reaches the bank.")
    requirements = fields.List(fields.String, metadata={"description": "Stripe's own names of what it wants now."})
    requirements_deadline = told(fields.AwareDateTime, "Until when it wants them, where it says so.", null=True)
    upcoming = fields.List(fields.String, metadata={"description": "What Stripe will want later."})
    verifying = fields.List(fields.String, metadata={"description": "What Stripe is looking at."})
    disabled_reason = told(fields.String, "Stripe's word for why it is paused.", null=True)
    capabilities = fields.Dict(
        keys=fields.String(), values=fields.String(), metadata={"description": "active, inactive or pending, by name."}
    )
    currencies = fields.List(fields.String, metadata={"description": "What customers can pay in, lowercase."})
    tax = told(fields.String, "Stripe Tax: active, pending, or empty where it is not known.")
    checked_at = told(fields.AwareDateTime, null=True)


class Connection(Answer):
    """Whether money can come in."""

    state = told(fields.String, "ok, warning, problem, disconnected or none.")
    headline = told(fields.String, "The same in a sentence for people.")
    detail = told(fields.String, "What to do about it.")
    mode = told(fields.String, "test, or live where real money moves.")
    account = one(Account, null=True)
    connected_at = told(fields.AwareDateTime, null=True)
    ended_at = told(fields.AwareDateTime, "Null while the connection is live.", null=True)
    last_event_at = told(fields.AwareDateTime, "When Stripe last told us something.", null=True)
    waiting_events = told(fields.Integer)
    failed_events = told(fields.Integer)
    wanted = fields.List(fields.String, metadata={"description": "What Stripe wants now, in words for people."})
    is_copy = told(fields.Boolean, "Whether this is a copy of another environment: then nothing is sent to Stripe.")


class ServiceRow(Answer):
    """A service, and how it stands at Stripe."""

    ref = told(fields.String, "The CRM's own key.")
    code = told(fields.String)
    name = told(fields.String)
    active = told(fields.Boolean, "False also for one that the CRM no longer has.")
    vat_rate = figure("In percent.", null=True)
    prices = many(Price)
    state = told(fields.String, "synced, waiting, failed, archived or new.")
    reason = told(fields.String, "Why it is not in step, in words.", null=True)
    product_id = told(fields.String, "Stripe's id of the product.", null=True)
    synced_at = told(fields.AwareDateTime, null=True)


class Services(Answer):
    """Every service of the business."""

    services = many(ServiceRow)


class NotSynced(Answer):
    """A service that could not be sent."""

    service = told(fields.String, "Its name.")
    reason = told(fields.String, "In words.")


class SyncReport(Answer):
    """What a sync did."""

    done = told(fields.Integer)
    unchanged = told(fields.Integer)
    failed = many(NotSynced)


class Source(Answer):
    """Where work comes from."""

    kind = told(fields.String)
    ref = told(fields.String)


class Contact(Answer):
    """Who pays."""

    kind = told(fields.String)
    ref = told(fields.String)
    name = told(fields.String)
    email = told(fields.String, null=True)


class Line(Answer):
    """A line: quantity x unit price - discount = amount; amount - share = net, and VAT on (or in) that."""

    key = told(fields.String)
    billable = told(fields.String, "The CRM's own key of the work.")
    source = one(Source)
    service = told(fields.String, "The CRM's own key of the service.", null=True)
    code = told(fields.String)
    description = told(fields.String)
    quantity = figure()
    unit = told(fields.String)
    unit_price = one(Price)
    list_price = fields.Nested(Price, allow_none=True, metadata={"description": "Where it is not the unit price."})
    discount_percent = figure()
    discount = one(Money)
    amount = one(Money)
    share = fields.Nested(Money, metadata={"description": "This line's part of the invoice's discount."})
    net = one(Money)
    vat_rate = figure("In percent.")
    vat_kind = told(fields.String, "standard, reduced, zero, exempt, reverse_charge or out_of_scope.")
    vat_included = told(fields.Boolean, "Whether the amounts contain the VAT.")
    vat = one(Money)
    service_from = told(fields.Date, "The first day of the work.", null=True)
    service_to = told(fields.Date, "The last day of the work.", null=True)
    deducts = told(fields.String, "The number of the deposit invoice that this line takes off.")


class VatTotal(Answer):
    """VAT of one rate over the whole invoice."""

    rate = figure("In percent.")
    kind = told(fields.String, "As of its lines.")
    included = told(fields.Boolean)
    base = fields.Nested(Money, metadata={"description": "Without VAT."})
    vat = one(Money)


class Plan(Answer):
    """Every figure of an invoice, decided before Stripe hears of it."""

    contact = one(Contact)
    currency = told(fields.String)
    lines = many(Line)
    vat_totals = many(VatTotal)
    subtotal = one(Money)
    discount_percent = figure()
    discount = one(Money)
    vat = one(Money)
    total = one(Money)
    vat_rounding = told(fields.String, "rate or line: where VAT is rounded.")
    footer = told(fields.String, "What the law wants to stand on it.")
    days_until_due = told(fields.Integer)
    delivery = told(fields.String, "mail or link.")
    order_number = told(fields.String)
    note = told(fields.String)
    deposit_percent = figure("Above 0 it is a deposit: that part of the work, billed in advance.")


class Previewed(Plan):
    """The plan, and what to send back with the wish to make it."""

    foreseen = told(fields.String, "What Stripe makes of a total of nothing or next to nothing; else empty.")
    seen = told(fields.String, "A digest of every figure above.")


class Difference(Answer):
    """A figure that is not the same at Stripe."""

    what = told(fields.String)
    ours = told(fields.String)
    theirs = told(fields.String)


class Problem(Answer):
    """Why an invoice stands still."""

    code = told(fields.String, "A stable word.")
    message = told(fields.String, "In words.")
    differences = many(Difference)


class InvoiceRow(Answer):
    """An invoice in a list."""

    id = told(fields.String)
    number = told(fields.String, "Stripe's, from the moment it is finalised.", null=True)
    status = told(fields.String, "Stripe's word: draft, open, paid, void, uncollectible. Ours: planned, abandoned.")
    stage = told(fields.String, "How far the making of it has come.")
    version = told(fields.Integer, "Grows with each visible change.")
    mode = told(fields.String, "test or live.")
    account_id = told(fields.String)
    stripe_id = told(fields.String, null=True)
    contact = one(Contact)
    sources = many(Source)
    currency = told(fields.String)
    total = one(Money)
    amount_paid = one(Money)
    amount_remaining = one(Money)
    due_date = told(fields.Date, null=True)
    created_at = told(fields.AwareDateTime)
    updated_at = told(fields.AwareDateTime)
    finalised_at = told(fields.AwareDateTime, null=True)
    sent_at = told(fields.AwareDateTime, null=True)
    paid_at = told(fields.AwareDateTime, null=True)
    voided_at = told(fields.AwareDateTime, null=True)
    problem = one(Problem, null=True)


class Invoices(Answer):
    """A page of invoices, newest first."""

    invoices = many(InvoiceRow)
    newer = told(fields.String, "The cursor of the page before this one.", null=True)
    older = told(fields.String, "The cursor of the page after this one.", null=True)


class Payment(Answer):
    """An attempt to pay."""

    stripe_id = told(fields.String)
    payment_intent = told(fields.String, null=True)
    method = told(fields.String, "In words, like Card ending 4242.")
    amount = one(Money)
    refunded = fields.Nested(Money, metadata={"description": "How much of it went back."})
    status = told(fields.String, "succeeded, pending, failed or refunded.")
    at = told(fields.AwareDateTime)
    reason = told(fields.String, "Why it failed, in words.", null=True)


class CreditNote(Answer):
    """A credit note of the invoice."""

    id = told(fields.String)
    number = told(fields.String, "Stripe's.", null=True)
    status = told(fields.String, "planned (not known to be at Stripe), issued or void.")
    stripe_id = told(fields.String, null=True)
    total = one(Money)
    vat = one(Money)
    reason = told(fields.String, "Empty for one that was made in Stripe.")
    created_by = told(fields.String, "The CRM's own key of the person; null for one made in Stripe.", null=True)
    issued_at = told(fields.AwareDateTime, null=True)
    frees = told(fields.Boolean, "Whether the work can be billed again.")
    replacement = told(fields.String, "Our id of the draft that corrects the invoice.", null=True)
    problem = told(fields.String, "Why there is no such draft yet.", null=True)


class Refund(Answer):
    """Money that went back to a card."""

    stripe_id = told(fields.String)
    amount = one(Money)
    status = told(fields.String, "pending, requires_action, succeeded, failed or canceled.")
    at = told(fields.AwareDateTime)
    reason = told(fields.String, "Why it failed, in words.", null=True)
    payment_intent = told(fields.String)


class Happened(Answer):
    """Something that happened to an invoice."""

    at = told(fields.AwareDateTime)
    kind = told(fields.String, "A stable word.")
    text = told(fields.String, "The same in a sentence, in the reader's language.")
    actor = told(fields.String, "The CRM's own key of the person; null where it was nobody.", null=True)
    actor_name = told(fields.String, "What the person is called; null where it is not known.", null=True)
    params = fields.Dict(keys=fields.String(), values=fields.String())
    event_id = told(fields.String, null=True)
    request_id = told(fields.String, null=True)


class Invoice(InvoiceRow):
    """An invoice with everything that we know of it."""

    plan = one(Plan)
    payments = many(Payment)
    credited = fields.Nested(Money, metadata={"description": "What its credit notes that are not void come to."})
    refunded = fields.Nested(Money, metadata={"description": "What went back to the card, without what failed."})
    not_arrived = fields.Nested(Money, metadata={"description": "What credit notes say went back and did not."})
    credit_notes = many(CreditNote)
    refunds = many(Refund)
    timeline = many(Happened)


class Approval(Answer):
    """A request for a second person's agreement."""

    id = told(fields.String)
    kind = told(
        fields.String,
        "What is done once somebody agrees: send, void, uncollectible, paid_elsewhere, refund, correct or limits.",
    )
    state = told(fields.String, "waiting, agreed, done, refused or withdrawn.")
    invoice = told(fields.String, "The invoice that it is about; null where it is about none.", null=True)
    permission = told(fields.String, "The permission whose limit it is.")
    amount = fields.Nested(Money, allow_none=True, metadata={"description": "Null where it is about no amount."})
    what = told(fields.String, "The same in a few words.")
    reason = told(fields.String)
    asked_by = told(fields.String, "The CRM's own key of the person.")
    asked_at = told(fields.AwareDateTime)
    decided_by = told(fields.String, null=True)
    decided_at = told(fields.AwareDateTime, null=True)
    decision = told(fields.String, "Why it was refused, or why it is void.", null=True)


class Approvals(Answer):
    """A page of requests, newest first."""

    approvals = many(Approval)
    newer = told(fields.String, "The cursor of the page before this one.", null=True)
    older = told(fields.String, "The cursor of the page after this one.", null=True)


class Token(Answer):
    """What a POST has to carry."""

    csrf_token = told(fields.String, "For the header X-CSRFToken, as long as this login lasts.")
    header = told(fields.String)


class Document(Answer):
    """An OpenAPI document."""

    openapi = told(fields.String)
    info = fields.Dict()
    servers = fields.List(fields.Dict())
    paths = fields.Dict()
    components = fields.Dict()


class WrongField(Answer):
    """One thing that is wrong with a request."""

    field = told(fields.String, "Its path, like terms.discount_percent or billables.3.")
    message = told(fields.String, "What to do about it.")


class ProblemDetails(Schema):
    """What every refusal looks like (RFC 9457)."""

    class Meta:
        unknown = "exclude"

    type = fields.String(required=True, metadata={"description": "urn:crm-stripe:problem:<code>."})
    title = fields.String(required=True)
    status = fields.Integer(required=True)
    code = fields.String(required=True, metadata={"description": "A stable word for programs."})
    detail = fields.String(required=True, metadata={"description": "What is, why, and what to do, in words."})
    field = fields.String(metadata={"description": "The path of the input at fault, where there is one."})
    errors = fields.List(fields.Nested(WrongField), metadata={"description": "Everything that is wrong, by field."})
    invoice = fields.String(metadata={"description": "Our id of the invoice that waits because of this."})
    billables = fields.List(fields.String, metadata={"description": "Work that is on an invoice already."})
    changes = fields.List(fields.String, metadata={"description": "What changed since the preview, in words."})
    differences = fields.List(
        fields.Nested(Difference), metadata={"description": "Figures that are not the same at Stripe."}
    )
    reference = fields.String(metadata={"description": "Quote it when you ask for help."})
