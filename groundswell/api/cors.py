"""What a browser is told so that a page of any origin may read an answer."""

from __future__ import annotations

CORS = (
    ("access-control-allow-origin", "*"),
    ("access-control-allow-methods", "POST, GET, OPTIONS"),
    ("access-control-allow-headers", "*"),
    ("access-control-max-age", "86400"),
)
"""Headers of every answer to a page, and of the answer to a browser that asks beforehand."""
