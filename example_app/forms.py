"""The CRM's forms. `CSRFProtect` checks the token of every one of them; these classes check what people write."""

from __future__ import annotations

import re
from decimal import Decimal

from flask import request
from werkzeug.datastructures import ImmutableMultiDict
from wtforms import (
    BooleanField,
    DateField,
    DecimalField,
    EmailField,
    Field,
    Form,
    PasswordField,
    StringField,
    TextAreaField,
    ValidationError,
)
from wtforms.validators import AnyOf, DataRequired, InputRequired, Length, NumberRange, Optional

CURRENCIES = ("EUR", "GBP", "USD", "JPY")
UNITS = ["hour", "day", "piece", "month"]


def posted() -> ImmutableMultiDict[str, str] | None:
    """What the person sent; None where the page is only opened, so that fields show what is stored."""
    return request.form if request.method == "POST" else None


def price(currency: str) -> DecimalField:
    """A field for a list price, before VAT."""
    return DecimalField(currency, [Optional(), NumberRange(0, 10_000_000, "A price can't be below 0.")], places=None)


class LoginForm(Form):
    """Who is there."""

    email = EmailField("E-mail", [InputRequired("Write the e-mail address you log in with.")])
    password = PasswordField("Password", [InputRequired("Write your password.")])


class ServiceForm(Form):
    """A service of the catalogue. A price that is left empty means: not sold in that currency."""

    code = StringField("Code", [DataRequired("Every service needs a code."), Length(max=20)])
    title = StringField("Title", [DataRequired("Every service needs a title."), Length(max=200)])
    summary = TextAreaField("What the customer gets", [Length(max=1000)])
    unit = StringField("Charged by", [AnyOf(UNITS, "Choose one of these units.")])
    vat_rate = DecimalField(
        "VAT, %", [Optional(), NumberRange(0, 100, "A VAT rate lies between 0 and 100 %%.")], places=None
    )
    active = BooleanField("Offered to customers", default=True)
    price_eur = price("EUR")
    price_gbp = price("GBP")
    price_usd = price("USD")
    price_jpy = price("JPY")

    def validate_price_jpy(self, field: Field) -> None:
        """The yen has no smaller unit."""
        if field.data % 1:
            raise ValidationError("Prices in yen are whole numbers.")

    def validate_code(self, field: Field) -> None:
        """Codes are printed and spoken, so they stay simple."""
        if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9-]*", field.data.strip()):
            raise ValidationError("Use letters, digits and hyphens, as in PW-01.")


class WorkForm(Form):
    """One line of work to be charged."""

    service = StringField("Service")
    work = StringField("What was done", [DataRequired("Say what was done; the customer reads it."), Length(max=300)])
    worked_on = DateField("Day", [InputRequired("Choose the day.")])
    quantity = DecimalField(
        "Quantity",
        [InputRequired("Write how much."), NumberRange(Decimal("0.01"), 100_000, "Write a number above 0.")],
        places=None,
        default=Decimal(1),
    )
    unit_price = DecimalField(
        "Agreed unit price",
        [Optional(), NumberRange(0, 10_000_000, "A price can't be below 0.")],
        places=None,
        description="Leave empty to use the price in the catalogue.",
    )
    discount_percent = DecimalField(
        "Discount, %", [Optional(), NumberRange(0, 100, "A discount lies between 0 and 100 %%.")], places=None
    )
    done = BooleanField("Done, ready to bill", default=True)
