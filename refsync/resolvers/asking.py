"""Knows how sources on the web are asked: in batches, each thing once, and what a silence means."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from refsync.mapping import Tables
from refsync.model import Entry
from refsync.resolvers import Id, Request, Resolver, Unreadable
from refsync.resolvers.memory import Memory
from refsync.web import Answer, Question, Services

OFFLINE = "not asked: offline"
_PATIENCE = 2  # failures one after another, after which a source is not asked again in this run


@dataclass(slots=True)
class Sources:
    """The sources on the web, asked through `services`. `secrets` holds the keys by the names of their variables;
    `mirror` is the address under which all sources are found instead of their own hosts ("http://127.0.0.1:8080"),
    which is given no key."""

    services: Services
    tables: Tables
    memory: Memory
    secrets: Mapping[str, str] = field(default_factory=dict)
    mirror: str | None = None
    is_fresh: bool = False  # whether what is remembered counts for nothing
    silent: dict[str, str] = field(default_factory=dict)  # why a source is not asked any more
    _failures: dict[str, int] = field(default_factory=dict)

    def by_ids(self, source: Resolver, ids: Sequence[Id]) -> tuple[dict[Id, Entry], set[Id]]:
        """(the works that a source knows by identifier, those identifiers of which it says that there is no such work).

        What is in neither was not answered: `silent` says why.
        """
        said = {} if self.is_fresh else self.memory.recalled(source.name, ids)
        for request in source.by_ids([one for one in ids if one not in said]):
            records, state = self._records(source, request)
            told: dict[Id, Entry | None] = {}
            if state == "missing" and len(request.ids) == 1:
                told = {request.ids[0]: None}
            elif state == "found":
                answered = _in_order(request, records) if source.in_order else _by_name(request, records)
                told = {one: answered.get(one) for one in request.ids}
            self.memory.keep(source.name, told)
            said |= told
        known = {one: entry for one, entry in said.items() if entry is not None}
        return known, set(said) - set(known)

    def by_title(self, source: Resolver, work: Entry) -> tuple[tuple[Entry, ...], bool]:
        """(the candidates of a source for a work, whether the source has answered)."""
        request = source.by_title(work)
        if request is None:
            return (), True
        records, state = self._records(source, request)
        return tuple(one for one in records if one is not None), state in {"found", "missing"}

    def _records(self, source: Resolver, request: Request) -> tuple[tuple[Entry | None, ...], str]:
        if source.name in self.silent and not self.services.is_offline:
            return (), "down"
        found: list[tuple[Entry | None, ...]] = []

        def is_good(body: bytes) -> bool:
            try:
                found.append(source.parse(body, self.tables))
            except Unreadable:
                return False
            return True

        answer = self.services.ask(self._question(source, request, is_good), is_fresh=self.is_fresh)
        self._note(source, answer)
        return (found[-1] if found and answer.state == "found" else ()), answer.state

    def _question(self, source: Resolver, request: Request, is_good: Callable[[bytes], bool]) -> Question:
        host = source.host
        secret = self.secrets.get(source.secret or "")
        if self.mirror:
            host, secret = f"{self.mirror.rstrip('/')}/{urlsplit(source.host).netloc}", None
        return Question(
            url=host + request.path,
            params=request.params,
            body=request.body,
            accepts=source.accepts,
            header=(source.header[0], source.header[1].format(secret)) if secret else None,
            is_good=is_good,
            pace=0.0 if self.mirror else source.pace,
        )

    def _note(self, source: Resolver, answer: Answer) -> None:
        """Remembers what a source cannot do now: one that blocks or limits is left alone at once."""
        if answer.state in {"found", "missing"}:
            self._failures[source.name] = 0
            return
        count = self._failures[source.name] = self._failures.get(source.name, 0) + 1
        if answer.state == "offline":
            self.silent.setdefault(source.name, OFFLINE)
        elif answer.state in {"limited", "blocked"} or count >= _PATIENCE:
            self.silent[source.name] = answer.why


def _in_order(request: Request, records: Sequence[Entry | None]) -> dict[Id, Entry]:
    """An answer that has a place for each identifier asked for; one of another length tells nothing."""
    if len(records) != len(request.ids):
        return _by_name(request, records)
    return {one: record for one, record in zip(request.ids, records, strict=True) if record is not None}


def _by_name(request: Request, records: Sequence[Entry | None]) -> dict[Id, Entry]:
    """An answer in any order: each record by the identifiers that it names itself."""
    found = [one for one in records if one is not None]
    by_id = {(scheme, value.lower()): one for one in reversed(found) for scheme, value in one.ids.items()}
    known = {one: by_id[one[0], one[1].lower()] for one in request.ids if (one[0], one[1].lower()) in by_id}
    if not known and len(request.ids) == 1 and len(found) == 1 and request.ids[0][0] not in found[0].ids:
        return {request.ids[0]: found[0]}
    return known
