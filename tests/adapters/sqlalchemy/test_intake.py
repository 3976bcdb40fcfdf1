"""Bodies of events: packed before they are sealed."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from flask_crm_stripe.adapters.sqlalchemy.intake import packed, unpacked


@given(st.binary(max_size=500))
def test_a_body_is_read_as_it_came(body: bytes) -> None:
    """Byte for byte: what was verified is what is shown."""
    assert unpacked(packed(body)) == body


def test_a_body_of_an_earlier_version_is_read() -> None:
    """Those were not packed: JSON, whose first byte no packed body has."""
    assert unpacked(b'{"id": "evt_1"}') == b'{"id": "evt_1"}'
