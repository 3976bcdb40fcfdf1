"""What the actions of the log are called, for people."""

from __future__ import annotations

from collections.abc import Mapping

from markupsafe import Markup

from flask_crm_stripe.model.business import ALL_PERMISSIONS
from flask_crm_stripe.web.i18n import Texts
from flask_crm_stripe.web.i18n import marked as _

DEEDS: Mapping[str, str] = {
    "connect.start": _("Started to connect Stripe"),
    "connect.return": _("Came back from Stripe"),
    "connect.accept": _("Came back from Stripe with an account"),
    "connect.confirm": _("Connected the account"),
    "connect.change": _("Replaced the account"),
    "connect.decline": _("Did not want the account"),
    "connection.test": _("Tested the connection"),
    "disconnect": _("Disconnected the account"),
    "invoice.make": _("Made an invoice"),
    "invoice.make_again": _("Pressed the same button again"),
    "invoice.send": _("Sent an invoice"),
    "invoice.resend": _("Sent an invoice’s mail again"),
    "invoice.void": _("Voided an invoice"),
    "invoice.uncollectible": _("Wrote an invoice off"),
    "invoice.paid_elsewhere": _("Recorded a payment made elsewhere"),
    "invoice.refund": _("Credited an invoice"),
    "invoice.correct": _("Corrected an invoice"),
    "credit.pdf": _("Opened a credit note’s PDF"),
    "invoice.resume": _("Went on with an invoice"),
    "invoice.delete": _("Deleted a draft"),
    "invoice.payment_page": _("Opened a payment page"),
    "invoice.pdf": _("Opened a PDF"),
    "invoice.see_personal": _("Saw whom an invoice goes to"),
    "invoices.see_personal": _("Read whom invoices go to"),
    "services.sync": _("Sent services to Stripe"),
    "settings.save": _("Changed the settings"),
    "settings.notify": _("Changed where notices are mailed to"),
    "settings.log_days": _("Changed how long the log is kept"),
    "limit.set": _("Set a limit"),
    "limit.loosened": _("Loosened a limit"),
    "limit.clear": _("Removed every limit on the command line"),
    "approval.ask": _("Asked for a second person"),
    "approval.agree": _("Agreed to a request"),
    "approval.refuse": _("Refused a request"),
    "approval.withdraw": _("Withdrew a request"),
    "approval.own": _("Tried to decide their own request"),
    "notice.put_away": _("Put a notice away"),
    "event.retry": _("Applied an event again"),
    "event.see_personal": _("Saw what an event said"),
    "log.broken": _("The log was tampered with before this line"),
    "endpoint.mend": _("Set up the webhook endpoint"),
    "endpoint.roll": _("Gave the webhook endpoint another secret"),
    "contact.forget": _("Had a contact forgotten"),
    "settings.event_days": _("Changed how long events are kept"),
    "copy.locked": _("Tried this in a copy"),
    "copy.confirm": _("Said that this is the real one"),
    "copy.neutralise": _("Made a copy harmless"),
    "keys.rotate": _("Sealed secrets with another key"),
    "person.forget": _("Made a person forgotten"),
    "log.see": _("Read the log"),
    "log.export": _("Took the log along"),
    "log.prune": _("Let old lines of the log go"),
    "refused.csrf": _("Sent a form that was not ours"),
}
FAMILIES: Mapping[str, str] = {
    "invoice": _("Invoices"),
    "credit": _("Credit notes"),
    "connect": _("Connecting"),
    "disconnect": _("Disconnecting"),
    "services": _("Services"),
    "approval": _("Second person"),
    "settings": _("Settings"),
    "limit": _("Limits"),
    "copy": _("Copies"),
    "event": _("Events"),
    "log": _("The log itself"),
    "refused": _("Not allowed"),
}
REFUSED = "refused."
TRIED = _("Tried without the right “%(permission)s”")


def deed_words(action: str, texts: Texts) -> Markup:
    """An action in words; one that is not in the table shows itself."""
    if action in DEEDS:
        return texts.gettext(DEEDS[action])
    permission = action.removeprefix(REFUSED)
    if action.startswith(REFUSED) and permission in ALL_PERMISSIONS:
        return texts.gettext(TRIED, permission=permission)
    return Markup.escape(action.replace(".", ", ").replace("_", " "))
