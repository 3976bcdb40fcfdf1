"""In which position Stripe is, for each switch of FakeStripe that it can be asked about."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import stripe

from tests.live.account import Live
from tests.live.probes import PROBES
from tests.live.probing import NotTold, SomethingElse, complaint, line_of, said, untold_line
from tests.support.stripe_key import PROBE

Note = Callable[[str, Any], None]


@pytest.fixture
def tidied(live: Live) -> Iterator[Live]:
    """The account, tidied after each probe."""
    yield live
    live.tidy()


@pytest.mark.parametrize("name", PROBES)
def test_fakestripes_default_is_what_stripe_does(name: str, tidied: Live, record_property: Note) -> None:
    """The probe finds Stripe in a position that FakeStripe has, and that is FakeStripe's default."""
    try:
        finding = PROBES[name](tidied)
    except NotTold as reason:
        record_property(PROBE, untold_line(name, reason))
        pytest.skip(f"{name}: {reason}")
    except SomethingElse as found:
        record_property(PROBE, untold_line(name, found))
        pytest.fail(f"{name}: Stripe does something that FakeStripe has no position for: {found}", pytrace=False)
    except stripe.StripeError as error:
        record_property(PROBE, untold_line(name, said(error)))
        pytest.fail(f'{name}: the probe could not be made. Stripe said: "{said(error)}"', pytrace=False)
    record_property(PROBE, line_of(name, finding))
    words = complaint(name, finding)
    if words:
        pytest.fail(words, pytrace=False)
