"""Knows badges: the words that a picture of shields.io or badgen.net shows, by its address or else by its alternative text."""

from __future__ import annotations

import re
from urllib.parse import parse_qs, unquote, urlsplit

_STATIC = re.compile(r"/badge/(?:v1/)?(?P<words>[^/?]+?)(?:-(?P<color>[A-Za-z]+|[0-9a-fA-F]{3,8}))?(?:\.svg|\.png)?$")
_LIVE = re.compile(
    r"shields\.io/(?:github|endpoint|badge/dynamic|visitor|twitter|npm|pypi)|/stars/|star-history|visitor-badge|hits\.",
    re.IGNORECASE,
)


def shown(image: str) -> str:
    """The words on a badge, label and message apart by a space; "" for a counter or for any other picture.

    `image` is what the mark of an image holds: its address and its alternative text, a line each.
    """
    address, _, alternative = image.partition("\n")
    if _LIVE.search(address):
        return ""
    parts = urlsplit(address)
    if not re.search(r"(?:^|\.)(?:shields\.io|badgen\.net)$", parts.netloc, re.IGNORECASE):
        return " ".join(alternative.split()) if len(alternative.split()) <= 3 else ""
    query = parse_qs(parts.query)
    if parts.path.startswith("/static") and "message" in query:
        return " ".join([*query.get("label", []), *query["message"]])
    if found := _STATIC.search(unquote(parts.path)):
        # A doubled dash is a dash, a doubled underscore an underscore; a single one parts the words.
        text = found["words"].replace("--", "\0").replace("__", "\1").replace("-", " ").replace("_", " ")
        return " ".join(text.replace("\0", "-").replace("\1", "_").split())
    return " ".join(alternative.split()) if len(alternative.split()) <= 3 else ""
