"""How a new product is best sold."""

from __future__ import annotations

import pytest

from groundswell.config.overlay_schema import NewProduct, OverlayBlock
from groundswell.overlay.products import choose_motion

TERMS = OverlayBlock.as_shipped().new_product


@pytest.mark.parametrize(
    ("said", "motion"),
    [
        ({"minutes_to_value": 29}, "plg"),
        ({"minutes_to_value": 30}, "unknown"),
        ({"individuals_first": True}, "plg"),
        ({"can_be_instrumented": True}, "plg"),
        ({"needs_services": True}, "sales_led"),
        ({"buyer_uses_it": False}, "sales_led"),
        ({"buyer_uses_it": True}, "unknown"),
        ({"configured_first": True}, "sales_led"),
        ({"minutes_to_value": 5, "needs_services": True}, "both"),
        ({}, "unknown"),
    ],
)
def test_value_that_comes_alone_sells_itself_and_services_need_people(said, motion):
    found = choose_motion(NewProduct(name="Lens", **said), TERMS)
    assert found.motion == motion
    assert len(found.because) == (0 if motion == "unknown" else len(said))
    assert len(found.missing) == 6 - len(said)
