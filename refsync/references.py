"""Knows how the values of a work stand in a reference, whatever the format: on one line, with one address, one range of pages."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from typing import Any

from refsync import identifiers, making
from refsync.model import Entry

# What a one-line field cannot hold: control and invisible characters, and halves of a surrogate pair.
_INVISIBLE = re.compile(r"[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\u00ad\u200b\u2060\ufeff\ufffe\uffff]")
_SURROGATE = re.compile(r"[\ud800-\udfff]")


def line(text: str) -> str:
    """`text` as one line: NFC, white space collapsed, soft hyphens and control characters gone."""
    if text.isascii() and text.isprintable() and "  " not in text and text.strip() == text:
        return text
    return " ".join(unicodedata.normalize("NFC", _SURROGATE.sub("\ufffd", _INVISIBLE.sub("", text))).split())


def address(paper: str | None, page: str | None, ids: Mapping[str, str]) -> str | None:
    """The one address that a reference shows: the paper's own link, else its page, else that of an identifier.

    None when it would only say the DOI again.
    """
    stated = paper or page
    if stated is None:
        return next((identifiers.link(one, ids[one]) for one in ("acl", "openreview", "arxiv") if one in ids), None)
    doi = ids.get("doi")
    says_doi = (
        doi and stated.lower().endswith(f"doi.org/{doi.lower()}") and identifiers.of_url(stated) == ("doi", doi.lower())
    )
    return None if says_doi else stated


def identified(ids: Mapping[str, str], links: Mapping[str, str]) -> dict[str, str]:
    """`ids`, with those that a link names, and the DOI of an arXiv preprint as its arXiv id."""
    found = {scheme: value for scheme, value in ids.items() if scheme != "doi"}
    for named_by in (identifiers.of_doi(ids.get("doi", "")), *map(identifiers.of_url, links.values())):
        if named_by is not None:
            found.setdefault(*named_by)
    if "doi" in ids and "doi" not in found and not ids["doi"].startswith("10.48550/arxiv."):
        found["doi"] = ids["doi"]
    return found


_NEXT_DOI = re.compile(
    r"(?:\s+|[,;|]\s*)(?:and\s+)?(?=(?:https?://(?:dx\.|www\.)?doi\.org/|doi:\s*)?10\.\d{4,9}/)", re.IGNORECASE
)


def dois(text: str) -> tuple[str, ...]:
    """The DOIs that a field for one holds, each once."""
    parts = _NEXT_DOI.split(text) if text.count("10.") > 1 else [text]
    return tuple(dict.fromkeys(found for one in parts if (found := identifiers.doi(one))))


def doi_of(text: str) -> str | None:
    """The DOI of a field; of several the first."""
    return next(iter(dois(text)), None)


def beside(addresses: Iterable[str], links: Mapping[str, str]) -> dict[str, str]:
    """Links, with those addresses that none of them is, each under a label of its own."""
    out = dict(links)
    for url in addresses:
        if url not in out.values():
            out[f"link {len(out) + 1}"] = url
    return out


def further_dois(text: str) -> list[str]:
    """The addresses of the DOIs of a field after the first."""
    return [link for one in dois(text)[1:] if (link := identifiers.link("doi", one))]


def completed(found: Mapping[str, Any], key: str, extra: Mapping[str, str], aliases: tuple[str, ...] = ()) -> Entry:
    """The work of which a file says `found`, with its keys, the identifiers that its links name, and the fields that no
    row knows."""
    ids = identified(found.get("ids", {}), found.get("links", {}))
    return making.entry(**{**found, "key": key, "aliases": aliases, "ids": ids, "extra": dict(extra)})


def stated(first: str | None, second: str | None) -> str | None:
    """The publisher of a book, or the venue that stands for it; the school of a thesis likewise."""
    return line(first or second or "") or None


_RANGE = re.compile(r"([^\s,;‐-―-]+)\s*[‐-―-]+\s*([^\s,;‐-―-]+)").fullmatch


def page_range(pages: str) -> tuple[str, str] | None:
    """First and last page of "12-19" in any spelling of the dash; None when it is not one range."""
    first, _, last = pages.partition("-")
    if first.isalnum() and last.isalnum():
        return first, last
    found = _RANGE(pages.strip())
    return (found[1], found[2]) if found else None


def keywords(paths: Mapping[str, tuple[str, ...]], topics: tuple[str, ...], tags: tuple[str, ...]) -> list[str]:
    """Topics (as "Models > RNNs") and tags, each once."""
    found = [" > ".join(paths[one]) if one in paths else one for one in topics]
    return [one for one in dict.fromkeys(map(line, (*found, *tags))) if one]
