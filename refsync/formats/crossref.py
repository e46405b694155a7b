"""Knows how Crossref's REST API spells CSL-JSON: lists where CSL has one text, names and dates of its own.

Source: Crossref REST API format of works (github.com/CrossRef/rest-api-doc, api_format.md); the same record through
content negotiation (application/vnd.citationstyles.csl+json) is the same but for a few lists.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Mapping
from typing import Any

from refsync.references import line

Item = dict[str, Any]

# What CSL calls what Crossref calls otherwise; of several for one variable the first that says something.
_NAMES = {
    "issued": ("published", "published-print", "published-online", "posted", "approved"),
    "container-title-short": ("short-container-title",),
    "title-short": ("short-title",),
    "publisher-place": ("publisher-location",),
    "edition": ("edition-number",),
    "number": ("article-number",),
}
# Crossref's account of the deposit, of money, licences and citations: nothing of it belongs to a reference.
_LEFT_OUT = frozenset(
    {
        "accepted", "alternative-id", "archive", "assertion", "clinical-trial-number", "content-created",
        "content-domain", "content-updated", "created", "deposited", "free-to-read", "funder", "indexed",
        "is-referenced-by-count", "isbn-type", "issn-type", "journal-issue", "license", "link", "member", "prefix",
        "project", "reference", "reference-count", "references-count", "relation", "resource", "score", "source",
        "status", "subtype", "update-policy", "update-to", "aliases", "updated-by",
    }
)  # fmt: skip
_OF_PEOPLE = ("affiliation", "ORCID", "role")
_OURS = frozenset({"indexed", "deposited", "reference-count", "is-referenced-by-count", "member", "prefix"})
_PREFIX = re.compile(r"^https?://id\.crossref\.org/\w+/")
_MARKUP = re.compile(r"</?jats:[a-z-]+[^<>]*>")
_PARTS_OF_BOOKS = frozenset({"book-chapter", "book-section", "book-part", "proceedings-article", "chapter"})


def as_csl(given: Mapping[str, Any], variables: Collection[str], left_out: Counter[str]) -> tuple[Item, dict[str, str]]:
    """An item in the spelling of CSL, and what of it CSL has no place for. An item of CSL stays as it is, but for a
    variable of one text that holds a list: the first is taken. What is Crossref's own is counted in `left_out`."""
    item, extra = dict(given), {}
    if len(_OURS & item.keys()) > 1:
        item = _undeposited(item, left_out)
    for name, value in given.items():
        if (
            name in item
            and name in variables
            and isinstance(value, list)
            and all(isinstance(one, str) for one in value)
        ):
            first, *more = [line(_PREFIX.sub("", one)) for one in value if one.strip()] or [""]
            item[name] = first or None
            if more and name == "container-title" and item.get("type") in _PARTS_OF_BOOKS:
                item.setdefault("collection-title", item[name])  # the series stands first
                item[name] = more.pop()
            if more:
                extra[f"{name}-more"] = "; ".join(more)
    if subtitle := _first(item.get("subtitle")):
        title = _first(item.get("title")) or ""
        if title and line(subtitle).casefold() not in title.casefold():
            item["title"] = f"{title}: {line(subtitle)}"
        item.pop("subtitle")
    return item, extra


def _undeposited(item: Item, left_out: Counter[str]) -> Item:
    """A record of Crossref without what it says of itself, by the names of CSL."""
    left_out.update(name for name in item if name in _LEFT_OUT and item[name] not in (None, [], {}, "", 0))
    for name, others in _NAMES.items():
        if not _says(item.get(name)):
            item[name] = next((item[one] for one in others if _says(item.get(one))), None)
    for role in ("author", "editor"):
        for one in item.get(role) or ():
            left_out.update(f"{role}.{name}" for name in _OF_PEOPLE if isinstance(one, dict) and one.get(name))
    gone = {*_LEFT_OUT, *(one for others in _NAMES.values() for one in others if one != name)}
    if isinstance(item.get("abstract"), str):
        item["abstract"] = _MARKUP.sub("", item["abstract"])
    if isinstance(event := item.pop("event", None), dict):
        item.setdefault("event-title", event.get("name"))
    kept = {name: _first(value) if name in _NAMES else value for name, value in item.items() if name not in gone}
    return {name: value for name, value in kept.items() if value not in (None, [], {})}


def _says(value: Any) -> bool:
    """Whether a value says something: Crossref has `null`, `[]` and `{"date-parts": [[null]]}` for what it lacks."""
    if isinstance(value, dict) and isinstance(parts := value.get("date-parts"), list):
        return any(isinstance(one, list) and any(one) for one in parts)
    return bool(value)


def _first(value: Any) -> Any:
    return next(iter(value), None) if isinstance(value, list) else value
