"""The connected account itself, and the platform that we are to it."""

from __future__ import annotations

from typing import Any

import stripe
from stripe.params import SubscriptionListParams

from flask_crm_stripe.adapters.stripe.client import AccountCalls
from flask_crm_stripe.adapters.stripe.values import id_of, moment, plain, some
from flask_crm_stripe.errors import AccountGone, SetupMissing
from flask_crm_stripe.model.connection import Account, RemoteSubscription, TaxSettings

OVER = frozenset(("canceled", "incomplete_expired"))


class ConnectionCalls(AccountCalls):
    """Asking about the account, and letting go of it."""

    def account(self) -> Account:
        """What the account is and can do now."""
        answer = self.call(lambda: self.client.v1.accounts.retrieve_current({}, self.options()))
        return self._account(plain(answer))

    def tax_settings(self) -> TaxSettings:
        """Whether Stripe Tax is set up on the account."""
        answer = plain(self.call(lambda: self.client.v1.tax.settings.retrieve({}, self.options())))
        pending = (answer.get("status_details") or {}).get("pending") or {}
        return TaxSettings(answer.get("status") or "", tuple(pending.get("missing_fields") or ()))

    def currencies(self, country: str) -> tuple[str, ...]:
        """What customers of an account in this country can pay in, lowercase."""
        answer = plain(self.call(lambda: self.client.v1.country_specs.retrieve(country, {}, self.options())))
        return tuple(sorted(answer.get("supported_payment_currencies") or ()))

    def platform_account(self) -> str:
        """The account of our own key: asked without ``Stripe-Account``."""
        answer = self.call(lambda: self.client.v1.accounts.retrieve_current({}, {}))
        return str(plain(answer)["id"])

    def list_subscriptions(self, limit: int) -> tuple[RemoteSubscription, ...]:
        """Subscriptions of the account that are not over, newest first, at most ``limit``."""

        def page(after: str | None, size: int) -> stripe.ListObject[stripe.Subscription]:
            # Without a status Stripe lists those that are not cancelled.
            params: SubscriptionListParams = {"limit": size}
            if after:
                params["starting_after"] = after
            return self.call(lambda: self.client.v1.subscriptions.list(params, self.options()))

        rows = some(page, limit)
        return tuple(_subscription(row) for row in rows if row.get("status") not in OVER)

    def deauthorise(self) -> None:
        """Revoke our access. Already revoked, and never connected, count as done."""
        try:
            self.call(self._deauthorise)
        except AccountGone:
            return

    def _deauthorise(self) -> None:
        try:
            # With the platform's own key, and without Stripe-Account: OAuth's endpoints name the account in the body.
            self.client.oauth.deauthorize({"stripe_user_id": self.account_id})
        except stripe.oauth_error.InvalidClientError:
            return  # Stripe's word for "not connected to you (any more)".
        except stripe.AuthenticationError as error:
            if error.http_status is None:
                raise SetupMissing(["CRM_STRIPE_CLIENT_ID"]) from None
            raise

    def _account(self, answer: dict[str, Any]) -> Account:
        needed = answer.get("requirements") or {}
        due = [*(needed.get("past_due") or ()), *(needed.get("currently_due") or ())]
        return Account(
            id=answer["id"],
            name=_name(answer),
            country=answer.get("country") or "",
            default_currency=answer.get("default_currency") or "",
            created=moment(answer.get("created")),
            charges_enabled=bool(answer.get("charges_enabled")),
            payouts_enabled=bool(answer.get("payouts_enabled")),
            details_submitted=bool(answer.get("details_submitted")),
            requirements=tuple(dict.fromkeys(due)),
            requirements_deadline=moment(needed.get("current_deadline")),
            disabled_reason=needed.get("disabled_reason"),
            email=answer.get("email"),
            checked_at=self.clock.now(),
            upcoming=tuple(dict.fromkeys(needed.get("eventually_due") or ())),
            verifying=tuple(dict.fromkeys(needed.get("pending_verification") or ())),
            capabilities={str(name): str(state) for name, state in (answer.get("capabilities") or {}).items()},
        )


def _subscription(row: dict[str, Any]) -> RemoteSubscription:
    """What it comes to each time; the items of one subscription share their currency and interval."""
    items = [item for item in (row.get("items") or {}).get("data") or () if isinstance(item, dict)]
    prices = [item.get("price") or {} for item in items]
    amounts = [
        (price.get("unit_amount") or 0) * (item.get("quantity") or 1) for item, price in zip(items, prices, strict=True)
    ]
    recurring = (prices[0].get("recurring") or {}) if prices else {}
    return RemoteSubscription(
        id=str(row["id"]),
        customer=id_of(row.get("customer")),
        status=str(row.get("status") or ""),
        amount=sum(amounts),
        currency=str(row.get("currency") or ""),
        interval=str(recurring.get("interval") or ""),
    )


def _name(answer: dict[str, Any]) -> str:
    """The best name there is; each may be missing on an account that is not complete."""
    profile = answer.get("business_profile") or {}
    dashboard = (answer.get("settings") or {}).get("dashboard") or {}
    company = answer.get("company") or {}
    names = (profile.get("name"), dashboard.get("display_name"), company.get("name"), answer.get("email"))
    return next((str(name) for name in names if name), str(answer["id"]))
