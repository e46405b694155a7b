"""Knows the page of a catalog: one HTML file to search, filter and cite from, that asks nothing of any network.

Whatever a list says is text here: the template escapes it, only addresses of the web become links, and the page's own
policy lets no script run but the one whose hash it names.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup

from refsync import identifiers, names
from refsync.formats import Export, Reading, bibtex, csl, topictree
from refsync.formats.options import Options, without_fields
from refsync.formats.topictree import Branch
from refsync.mapping import Tables
from refsync.model import Catalog, Entry, Failure, Problem
from refsync.references import line

_FOLDER = Path(__file__).parent / "page"
_SHOWN_BARS = 60  # years from the first to the last that a chart shows without a gap; beyond, only those with papers
_LONGEST_NICKNAME = 24


@dataclass(frozen=True, kw_only=True, slots=True)
class Shown:
    """An entry as the page shows it. `address` is where its title leads; `links` are (label, address) of all, and
    `texts` (label, text) of what is no address of the web. `aka` are its nicknames, `also` its other titles, which are
    found and not shown."""

    key: str
    title: str
    aka: tuple[str, ...]
    also: tuple[str, ...]
    authors: str
    year: str
    venue: str
    venue_name: str
    address: str | None
    links: tuple[tuple[str, str], ...]
    texts: tuple[tuple[str, str], ...]
    topics: tuple[int, ...]
    tags: tuple[str, ...]
    has_code: bool
    rating: str
    comment: str
    language: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Bar:
    """One bar of a chart: what it stands for, how many entries, and its height in hundredths of the highest."""

    name: str
    count: int
    height: float


def write(catalog: Catalog, tables: Tables, options: Options) -> Export:
    """The page: entries by topic in the list's order, and with each its BibTeX and CSL-JSON."""
    catalog = without_fields(catalog, options)
    tree = topictree.branches(catalog)
    ordered = _ordered(catalog, tree)
    places = _places(tree)
    shown = {entry.key: _shown(entry, places[entry.key]) for entry in ordered}
    style, script = _part("page.css"), _part("page.js")
    text = _template().render(
        title=line(catalog.title) or "Papers",
        policy=_policy(style, script),
        style=Markup(style),
        script=Markup(script),
        topics=_topics(tree),
        sections=_sections(catalog, tree, shown),
        count=len(ordered),
        years=_years(ordered),
        venues=_counts(one.venue for one in shown.values()),
        tags=_counts(tag for one in shown.values() for tag in one.tags),
        coded=sum(one.has_code for one in shown.values()),
        files=[name for name in options.along if not name.endswith((".html", ".tex"))],
        references=_references(replace(catalog, entries=ordered), tables, options),
    )
    return Export(text=text)


def read(text: str, where: str, tables: Tables) -> Reading:
    """Nothing: a page is written only. Raises Failure (exit 2)."""
    what = "is a page, which refsync writes and does not read."
    raise Failure(Problem(where=where, what=what, hint="Name the list or the catalog that it was made from."), code=2)


# ------------------------------------------------------------------------------------------------------------------
# Entries


def _ordered(catalog: Catalog, tree: Sequence[Branch]) -> tuple[Entry, ...]:
    """Every entry once, where it stands first in the tree; those under no topic last."""
    found = {entry.key: entry for branch in tree for entry in branch.entries}
    found |= {entry.key: entry for entry in topictree.elsewhere(catalog)}
    return tuple(found.values())


def _places(tree: Sequence[Branch]) -> Mapping[str, tuple[int, ...]]:
    """The numbers of the topics that each entry stands under, by its key."""
    found: dict[str, tuple[int, ...]] = {}
    for branch in tree:
        for entry in branch.entries:
            found[entry.key] = (*found.get(entry.key, ()), branch.at)
    return _Nowhere(found)


class _Nowhere(dict[str, tuple[int, ...]]):
    def __missing__(self, key: str) -> tuple[int, ...]:
        return ()


def _shown(entry: Entry, topics: tuple[int, ...]) -> Shown:
    links, texts = _links(entry)
    venue = entry.venue
    others = [one for one in map(line, entry.aka) if one and one.casefold() not in entry.title.casefold()]
    return Shown(
        key=line(entry.key),
        title=line(entry.title) or line(entry.key),
        aka=tuple(one for one in others if len(one) <= _LONGEST_NICKNAME),
        also=(*(one for one in others if len(one) > _LONGEST_NICKNAME), *map(line, entry.aliases)),
        authors=_authors(entry),
        year=str(entry.year) if entry.year is not None else "",
        venue=line((venue.short or venue.name) if venue else ""),
        venue_name=line(venue.name) if venue else "",
        address=links[0][1] if links else None,
        links=tuple(links),
        texts=tuple(texts),
        topics=topics,
        tags=tuple(filter(None, map(line, entry.tags))),
        has_code=entry.has_code or "code" in entry.links,
        rating=line(entry.rating or ""),
        comment=line(entry.comment or ""),
        language=_language(entry.language or ""),
    )


def _language(name: str) -> str:
    """The name of a language as HTML takes it, "" for what is none."""
    return name if re.fullmatch(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*", name) else ""


def _authors(entry: Entry) -> str:
    people = [line(names.natural(one)) for one in entry.authors or entry.editors]
    return ", ".join(people) + (", et al." if people and entry.authors_complete is False else "")


# How the address of an identifier is called; a link of the same address goes by its own name.
_CALLED = {"doi": "DOI", "arxiv": "arXiv", "acl": "ACL", "openreview": "OpenReview"}


def _links(entry: Entry) -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
    """(label, address) of what leads to the web, the paper itself first; (label, text) of what does not."""
    given = sorted(entry.links.items(), key=lambda one: one[0] not in {"paper", "page"})
    for scheme, called in _CALLED.items():
        if scheme in entry.ids:
            given.append((called, identifiers.link(scheme, entry.ids[scheme]) or ""))
    links: dict[str, str] = {}
    texts: list[tuple[str, str]] = []
    for label, value in given:
        url = line(value)
        if _is_address(url):
            links.setdefault(url, line(label))
        elif url:
            texts.append((line(label), url))
    return [(label, url) for url, label in links.items()], texts


def _is_address(url: str) -> bool:
    """Whether a link leads to the web and nowhere else: no script, no file, no path of whoever opens the page."""
    return re.match(r"https?://[^\s/?#@\\]", url, re.IGNORECASE) is not None


# ------------------------------------------------------------------------------------------------------------------
# Topics and charts


def _topics(tree: Sequence[Branch]) -> list[dict[str, Any]]:
    """Each topic with the number of entries at and beneath it, and that number in hundredths of the largest."""
    counts = [len({one.key for part in tree[top.at : top.last + 1] for one in part.entries}) for top in tree]
    most = max(counts, default=0) or 1
    return [
        {"branch": top, "name": line(top.path[-1]), "count": count, "share": _share(count, most)}
        for top, count in zip(tree, counts, strict=True)
    ]


def _sections(catalog: Catalog, tree: Sequence[Branch], shown: Mapping[str, Shown]) -> list[dict[str, Any]]:
    """What the page lists without a script: every entry whole where it stands first, elsewhere as a reference."""
    seen: set[str] = set()
    out: list[dict[str, Any]] = []
    for branch in tree:
        rows = [(shown[entry.key], entry.key not in seen) for entry in branch.entries]
        seen |= {entry.key for entry in branch.entries}
        out.append({"id": branch.id, "path": [line(part) for part in branch.path], "rows": rows})
    if rest := topictree.elsewhere(catalog):
        out.append({"id": "", "path": ["Other"] if tree else [], "rows": [(shown[one.key], True) for one in rest]})
    return out


def _years(entries: Iterable[Entry]) -> list[Bar]:
    counts = Counter(entry.year for entry in entries if entry.year is not None)
    if not counts:
        return []
    first, last = min(counts), max(counts)
    shown = range(first, last + 1) if last - first < _SHOWN_BARS else sorted(counts)
    most = max(counts.values())
    return [Bar(name=str(year), count=counts[year], height=_share(counts[year], most)) for year in shown]


def _share(count: int, most: int) -> float:
    return round(100 * count / most, 1)


def _counts(values: Iterable[str]) -> list[tuple[str, int]]:
    """Each value with how often it stands, the most frequent first."""
    counts = Counter(filter(None, values))
    return sorted(counts.items(), key=lambda one: (-one[1], one[0].casefold(), one[0]))


# ------------------------------------------------------------------------------------------------------------------
# What is copied


def _references(catalog: Catalog, tables: Tables, options: Options) -> dict[str, list[str]]:
    """BibTeX and CSL-JSON of each entry, in order."""
    plain = replace(options, venues="short" if options.venues == "short" else "full", cited=frozenset())
    bib = bibtex.write(catalog, tables, plain).text.split("\n\n@")[1 : len(catalog.entries) + 1]
    items, _ = csl.items(catalog, tables, plain)
    return {
        "bibtex": [f"@{one.rstrip()}\n" for one in bib],
        "csl": [json.dumps(dict(item), ensure_ascii=False) for item in items],
    }


# ------------------------------------------------------------------------------------------------------------------
# The template


@cache
def _part(name: str) -> str:
    return (_FOLDER / name).read_text(encoding="utf-8")


@cache
def _template() -> jinja2.Template:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_FOLDER),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.policies["json.dumps_kwargs"] = {"ensure_ascii": False, "sort_keys": False, "separators": (",", ":")}
    return environment.get_template("page.html.jinja")


def _policy(style: str, script: str) -> str:
    """The content security policy: nothing is loaded, and only this style and this script count."""
    parts = [
        "default-src 'none'",
        f"style-src '{_hash(style)}'",
        f"script-src '{_hash(script)}'",
        "base-uri 'none'",
        "form-action 'none'",
    ]
    return "; ".join(parts)


def _hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode("utf-8")).digest()).decode("ascii")
