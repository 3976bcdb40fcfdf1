"""/v1/tax_rates."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from .. import shapes
from ..errors import invalid
from ..paging import matching, page
from ..routing import Call, route
from ..state import Obj
from . import common

PLAIN = ("country", "description", "display_name", "jurisdiction", "state", "tax_type")


@route("POST", "/v1/tax_rates", "TaxRateCreateParams", f"active inclusive metadata percentage {' '.join(PLAIN)}")
def create(call: Call) -> Obj:
    """A tax rate; its percentage and whether it is inclusive never change."""
    check_percentage(call.params["percentage"], "percentage")
    rate = build(call, call.params)
    return common.keep_new(call, rate, "tax_rate.created")


@route("POST", "/v1/tax_rates/{id}", "TaxRateUpdateParams", f"active metadata {' '.join(PLAIN)}")
def update(call: Call) -> Obj:
    """Rename or archive."""
    before = call.named("tax_rate")
    _check(call.params)
    after = shapes.clone(before) | common.given(call.params, (*PLAIN, "active"))
    after["metadata"] = common.merged_metadata(before["metadata"], call.params)
    return common.keep_changed(call, before, after, "tax_rate.updated")


@route("GET", "/v1/tax_rates/{id}", "TaxRateRetrieveParams")
def retrieve(call: Call) -> Obj:
    """One tax rate."""
    return call.named("tax_rate")


@route("GET", "/v1/tax_rates", "TaxRateListParams", "active created ending_before inclusive limit starting_after")
def list_all(call: Call) -> Obj:
    """Tax rates, newest first."""
    return page(call, matching(call.store["tax_rate"].values(), call.params, "active", "inclusive"))


def build(call: Call, data: dict[str, Any], *, active: bool = True) -> Obj:
    """A tax rate that is not stored yet, from its parameters or from ``tax_rate_data`` of a line."""
    _check(data)
    percentage = float(data["percentage"])
    return common.new(
        call,
        "tax_rate",
        "txr",
        active=data.get("active", active),
        inclusive=data["inclusive"],
        percentage=percentage,
        rate_type="percentage",
        effective_percentage=None,
        metadata=common.merged_metadata({}, data),
    ) | common.given(data, PLAIN)


def usable(call: Call, rate_id: str, param: str) -> Obj:
    """The tax rate, unless it is archived."""
    rate = call.get("tax_rate", rate_id, param)
    if not rate["active"]:
        raise common.state_refused(
            f"The tax rate {rate_id} is archived and cannot be used on new objects.", param=param
        )
    return rate


def check_percentage(value: Decimal, param: str) -> None:
    """From 0 to 100 with at most four decimals."""
    if not 0 <= value <= 100:
        raise invalid("Invalid percentage: must be between 0 and 100.", param)
    if -int(value.as_tuple().exponent) > 4:
        raise invalid(f"Invalid decimal: {value}; must contain at maximum 4 decimal places.", param)


def _check(data: dict[str, Any]) -> None:
    common.at_most(data, "display_name", 50)
    common.at_most(data, "jurisdiction", 50)
    common.address({"country": data.get("country")}, "")
