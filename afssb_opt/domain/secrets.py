"""How a text is shown that may repeat the secrets of an address."""

from __future__ import annotations

from typing import Final
from urllib.parse import parse_qsl, unquote, urlsplit

HIDDEN: Final = "***"
# Parts of an address's query that drivers take for a secret.
_SECRET_NAMES: Final = ("password", "passwd", "token", "secret")


def without_secrets(text: str, address: str) -> str:
    """Return a text in which every secret of the address is hidden, however it is quoted there."""
    for secret in sorted(_secrets_of(address), key=len, reverse=True):
        text = text.replace(secret, HIDDEN)
    return text


def _secrets_of(address: str) -> set[str]:
    try:
        parts = urlsplit(address)
        login = parts.netloc.rpartition("@")[0].partition(":")[2]
        query = [value for name, value in parse_qsl(parts.query) if any(word in name.lower() for word in _SECRET_NAMES)]
        raw = [
            entry.partition("=")[2]
            for entry in parts.query.split("&")
            if any(word in entry.partition("=")[0].lower() for word in _SECRET_NAMES)
        ]
    except ValueError:
        # Not an address at all: what stands before the @ of something like one is hidden all the same.
        return {address.rpartition("@")[0].rpartition(":")[2]} - {""}
    return {secret for secret in (login, unquote(login), *query, *raw) if secret}
