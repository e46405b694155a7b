"""Knows every place that metadata is looked up in: an identifier or a title -> works, in order of trust.

A source is one row here, one module, and a folder of cases. A module asks nothing itself: it says which requests find a
work, and what an answer means. All that is network lies in web.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Protocol, cast

from refsync.mapping import Tables
from refsync.model import Entry

Id = tuple[str, str]


class Unreadable(Exception):
    """An answer that is not what the source promises: nothing can be concluded from it about any work."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Request:
    """One question to a source. `path` begins with a slash and is percent-encoded; `body` is JSON to POST, a GET when None.

    `ids` are the identifiers asked for, in the order of the answer where the source answers in order.
    """

    path: str
    params: tuple[tuple[str, str], ...] = ()
    body: object = None
    ids: tuple[Id, ...] = ()


class _Module(Protocol):
    def by_ids(self, ids: Sequence[Id]) -> tuple[Request, ...]:
        """The requests that find works by identifiers (schemes of the row), as few as the source allows."""

    def by_title(self, entry: Entry) -> Request | None:
        """The one request that finds candidates for a work by its title, None when it has no usable title."""

    def parse(self, body: bytes, tables: Tables) -> tuple[Entry | None, ...]:
        """The works of an answer: in its order, None for what the source does not know. Raises Unreadable."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Resolver:
    """One source.

    `schemes` are the identifiers that it finds a work by; `searches`: it finds works by title too; `is_default`: asked
    unless refsync.yaml says otherwise; `pace` is the least number of seconds between two requests to it; `secret` is the
    variable that holds a key for it and `header` (name and form) what carries the key; `initials`: its names of people
    are display strings, often initials.
    """

    name: str
    module: str
    host: str
    schemes: tuple[str, ...]
    searches: bool = False
    in_order: bool = False
    is_default: bool = True
    pace: float = 0.2
    secret: str | None = None
    header: tuple[str, str] = ("Authorization", "Bearer {}")
    initials: bool = False
    accepts: tuple[str, ...] = ("application/json",)

    def by_ids(self, ids: Sequence[Id]) -> tuple[Request, ...]:
        """The requests that find works by `ids`, of which only those of its schemes count."""
        mine = [one for one in dict.fromkeys(ids) if one[0] in self.schemes]
        return self._loaded().by_ids(mine) if mine else ()

    def by_title(self, entry: Entry) -> Request | None:
        """The request that finds candidates for a work by its title."""
        return self._loaded().by_title(entry) if self.searches else None

    def parse(self, body: bytes, tables: Tables) -> tuple[Entry | None, ...]:
        """The works of an answer. Raises Unreadable."""
        try:
            return self._loaded().parse(body, tables)
        except (ValueError, KeyError, TypeError, AttributeError, IndexError) as error:
            raise Unreadable(f"{type(error).__name__} in an answer of {self.name}") from None

    def _loaded(self) -> _Module:
        return cast(_Module, import_module(self.module))


# In order of trust: whose names and venues win where several sources know a work.
RESOLVERS = (
    Resolver(
        name="acl", module="refsync.resolvers.acl", host="https://aclanthology.org", schemes=("acl",), pace=0.5,
        accepts=("application/x-bibtex", "text/x-bibtex", "text/plain", "application/xml", "text/xml"),
    ),
    Resolver(
        name="crossref", module="refsync.resolvers.crossref", host="https://api.crossref.org", schemes=("doi",),
        searches=True,
    ),
    Resolver(
        name="dblp", module="refsync.resolvers.dblp", host="https://dblp.org", schemes=(), searches=True,
        is_default=False, pace=1,
    ),
    Resolver(
        name="arxiv", module="refsync.resolvers.arxiv", host="https://export.arxiv.org", schemes=("arxiv",), pace=3,
        accepts=("application/atom+xml", "application/xml", "text/xml"),
    ),
    Resolver(
        name="openreview", module="refsync.resolvers.openreview", host="https://api2.openreview.net",
        schemes=("openreview",), is_default=False, pace=1,
    ),
    Resolver(
        name="datacite", module="refsync.resolvers.datacite", host="https://api.datacite.org", schemes=("arxiv", "doi"),
        pace=0.6, accepts=("application/json", "application/vnd.api+json"),
    ),
    Resolver(
        name="doi", module="refsync.resolvers.doi", host="https://doi.org", schemes=("doi",), pace=0.5,
        accepts=("application/vnd.citationstyles.csl+json", "application/json"),
    ),
    Resolver(
        name="openalex", module="refsync.resolvers.openalex", host="https://api.openalex.org", schemes=("doi",),
        searches=True, secret="OPENALEX_API_KEY",
    ),
    Resolver(
        name="semanticscholar", module="refsync.resolvers.semanticscholar", host="https://api.semanticscholar.org",
        schemes=("s2", "arxiv", "doi", "acl", "openreview"), searches=True, in_order=True, pace=1,
        secret="S2_API_KEY", header=("x-api-key", "{}"), initials=True,
    ),
)  # fmt: skip


def named(name: str) -> Resolver | None:
    """The source of that name."""
    return next((one for one in RESOLVERS if one.name == name), None)
