"""The connected account itself."""

from __future__ import annotations

from typing import Any

import stripe

from flask_crm_stripe.adapters.stripe.client import AccountCalls
from flask_crm_stripe.adapters.stripe.values import moment, plain
from flask_crm_stripe.errors import AccountGone, SetupMissing
from flask_crm_stripe.model.connection import Account


class ConnectionCalls(AccountCalls):
    """Asking about the account, and letting go of it."""

    def account(self) -> Account:
        """What the account is and can do now."""
        answer = self.call(lambda: self.client.v1.accounts.retrieve_current({}, self.options()))
        return self._account(plain(answer))

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
        )


def _name(answer: dict[str, Any]) -> str:
    """The best name there is; each may be missing on an account that is not complete."""
    profile = answer.get("business_profile") or {}
    dashboard = (answer.get("settings") or {}).get("dashboard") or {}
    company = answer.get("company") or {}
    names = (profile.get("name"), dashboard.get("display_name"), company.get("name"), answer.get("email"))
    return next((str(name) for name in names if name), str(answer["id"]))
