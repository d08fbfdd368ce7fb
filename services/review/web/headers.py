"""What every response says to the browser about what it may do with it."""

from collections.abc import Mapping
from typing import Final

POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
"""Content Security Policy Level 3. Nothing inline, nothing evaluated, nothing from elsewhere."""

HEADERS: Final[Mapping[str, str]] = {
    "content-security-policy": POLICY,
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}
PRIVATE: Final = "no-store"
"""Cache-Control of what a person sees: nothing of it stays on a disk."""
TLS_ONLY: Final = "max-age=31536000; includeSubDomains"
"""Strict-Transport-Security, where the pages are reached by https."""
