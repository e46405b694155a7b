"""The laws of a sync, whatever a maintainer, a person at Zotero and the network do: hypothesis finds the order of events.

What a person did is not noted where it is done: it is what differs between the end of one run of refsync and the start of
the next. What a person set to the value that the list has, or that refsync had written, counts as the list's from then on.
"""

from __future__ import annotations

import contextlib
import copy
import socket
import tempfile
from collections import Counter
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from refsync.model import Catalog, Date, Entry, Failure, Person, Venue
from refsync.settings import Settings, Zotero
from refsync.sync.base import BaseFile, Record
from refsync.sync.desired import Desired, Item, desired
from refsync.sync.seen import client_key, creators_of, lines_of, plain
from tests.desktop import world_of
from tests.library import TABLES, catalog, entry

A, B = "a" * 16, "b" * 16  # two lists
FIELDS = ("title", "abstractNote", "date", "shortTitle", "pages", "url")
TAGS = ("nlp", "fast", "mine", "read")
CONFERENCE = Venue(name="European Conference on Computer Vision", short="ECCV", kind="conference")
ARXIV = Venue(name="arXiv", kind="preprint")
LINKED = Settings(zotero=Zotero(links=True))
WORKS = ("one", "two", "three", "four", "five")
MANY = st.integers(0, 30)  # which of the things that are there

State = dict[str, dict[str, dict[str, Any]]]  # {"items": {key: data}, "collections": {key: data}}


def work(number: int, key: str = "", **more: Any) -> Entry:
    """An entry of a list, of a work that has one DOI in all lists."""
    name = WORKS[number % len(WORKS)]
    more = {"ids": {"doi": f"10.1234/{name}", "arxiv": f"2101.0000{number % len(WORKS)}"}, **more}
    return entry(key or name, f"A Study of {name.title()} in Large Networks", **more)


class Wire:
    """The connection to the server. After `left` more requests it is cut: once, or for the rest of a run; before the server
    has done what it is asked, or after."""

    def __init__(self) -> None:
        self.left: int | None = None
        self.is_after = self.is_lasting = False

    def around(self, app: Any) -> Any:
        """The server behind this connection."""

        def answer(environ: Any, start: Any) -> Iterable[bytes]:
            if self.left is None:
                return app(environ, start)  # type: ignore[no-any-return]
            self.left -= 1
            if self.left >= 0:
                return app(environ, start)  # type: ignore[no-any-return]
            if self.is_after:
                list(app(environ, start))
            self.is_after = False
            if not self.is_lasting:
                self.left = None
            environ["werkzeug.socket"].shutdown(socket.SHUT_RDWR)
            raise ConnectionAbortedError

        return answer


@dataclass
class Mine:
    """What a person has set last, and refsync has to leave: {(key, name): value}. For what is in a list of an item (tags,
    lines of Extra, collections) the value says whether it is in it."""

    values: dict[tuple[str, str], Any] = field(default_factory=dict)
    tags: dict[tuple[str, str], bool] = field(default_factory=dict)
    lines: dict[tuple[str, str], bool] = field(default_factory=dict)
    places: dict[tuple[str, str], bool] = field(default_factory=dict)
    shelves: dict[tuple[str, str], Any] = field(default_factory=dict)  # name and parentCollection of collections
    loose: set[tuple[str, str]] = field(default_factory=set)  # removals that may come back, and may not
    extras: set[str] = field(default_factory=set)  # items whose Extra a person changed, to whatever
    made: set[str] = field(default_factory=set)
    trashed: set[str] = field(default_factory=set)
    deleted: set[str] = field(default_factory=set)

    def learn(self, before: State, now: State) -> None:
        """What a person has done between two moments."""
        for what in ("collections", "items"):
            for key in before[what].keys() - now[what].keys():
                self._forget(key)
                self.deleted.add(key)
            for key, data in now[what].items():
                old = before[what].get(key)
                if old is None:
                    self.made.add(key)
                    self.deleted.discard(key)
                if bool((old or {}).get("deleted")) != bool(data.get("deleted")):
                    (self.trashed.add if data.get("deleted") else self.trashed.discard)(key)
                if what == "items":
                    self._item(key, old or {}, data)
                    self._inherit(key, data)
                else:
                    self._shelf(key, old or {}, data)

    def _inherit(self, key: str, data: Mapping[str, Any]) -> None:
        """Where a person took an item out before merging it into another, the other is theirs to leave out, too."""
        uris = (data.get("relations") or {}).get("dc:replaces") or []
        for uri in [uris] if isinstance(uris, str) else uris:
            old = uri.rpartition("/")[2]
            left = {name for (one, name), is_in in self.places.items() if one == old and not is_in}
            left |= {name for one, name in self.loose if one == old and name}
            self.loose |= {(key, name) for name in left if (key, name) not in self.places}

    def _item(self, key: str, old: Mapping[str, Any], data: Mapping[str, Any]) -> None:
        for name in (old.keys() | data.keys()) - {
            "key",
            "version",
            "dateAdded",
            "dateModified",
            "deleted",
            "extra",
            "relations",
        }:
            if name in {"tags", "collections"}:
                continue
            if value_of(name, old) != value_of(name, data):
                self.values[key, name] = value_of(name, data)
        for store, one, other in (
            (self.tags, tags_of(old), tags_of(data)),
            (self.lines, set(lines_of(old.get("extra"))), set(lines_of(data.get("extra")))),
            (self.places, set(old.get("collections", ())), set(data.get("collections", ()))),
        ):
            store.update({(key, name): name in other for name in one ^ other})
        if set(lines_of(old.get("extra"))) != set(lines_of(data.get("extra"))):
            self.extras.add(key)

    def _shelf(self, key: str, old: Mapping[str, Any], data: Mapping[str, Any]) -> None:
        for name in ("name", "parentCollection"):
            if old.get(name) != data.get(name):
                self.shelves[key, name] = data.get(name)

    def _forget(self, key: str) -> None:
        for store in (self.values, self.tags, self.lines, self.places, self.shelves):
            for pair in [one for one in store if key in one]:
                del store[pair]
        for names in (self.made, self.trashed):
            names.discard(key)

    def forget_removals(self, *, trash: bool = False, of: Container[str] | None = None) -> None:
        """What was removed (of some items only) may come back: it was asked for, or nobody knows that it was there."""
        for store in (self.tags, self.lines, self.places):
            for pair in [one for one, is_in in store.items() if not is_in and (of is None or one[0] in of)]:
                del store[pair]
                self.loose.add(pair)
        for pair in [one for one, value in self.values.items() if not value and (of is None or one[0] in of)]:
            del self.values[pair]
            self.loose.add(pair)
        if of is not None:
            return
        self.loose |= {(key, "") for key in self.deleted}
        self.deleted.clear()
        if trash:
            self.trashed.clear()

    def forget_names(self, of: Iterable[str]) -> None:
        """Collections that were renamed or moved may be as the list has them again: it was asked for."""
        for key in of:
            for name in ("name", "parentCollection"):
                if (key, name) in self.shelves:
                    del self.shelves[key, name]
                    self.loose.add((key, name))

    def agree(self, key: str, record: Record, item: Item | None, wanted: set[str]) -> None:
        """What a person did as the list does, or as refsync had it before, is the list's."""
        now = set() if item is None else set(item.tags)
        lines = set() if item is None else set(item.extra)
        _drop(self.places, key, wanted | set(record.collections), wanted & set(record.collections))
        if record.is_adopted:
            return
        _drop(self.tags, key, now | set(record.tags), now & set(record.tags))
        before = set(lines_of(record.fields.get("extra")))
        _drop(self.lines, key, lines | before, lines & before)
        for one, name in [one for one in self.values if one[0] == key]:
            if name in record.told:
                continue  # shown as theirs; of a type the base only says in what the other fields are kept
            values = [value_of(name, record.fields)]
            if item is not None:
                values.append(value_of(name, {**item.fields, "creators": item.creators}))
            if self.values[one, name] in values:
                del self.values[one, name]

    def touches(self, key: str, now: State) -> bool:
        """Whether a person made an item, or worked on it."""
        stores = (self.values, self.tags, self.lines, self.places)
        child = any(
            data.get("parentItem") == key and one in self.made and not data.get("deleted")
            for one, data in now["items"].items()
        )
        return key in self.made or child or any(one == key for store in stores for one, _ in store)

    def faults(self, now: State) -> list[str]:
        """What of it is no longer so."""
        out = []
        items, shelves = now["items"], now["collections"]
        for (key, name), value in self.values.items():
            if key not in items or value_of(name, items[key]) != value:
                out.append(f"{name} of {key} is not {value!r}: {items.get(key)}")
        for what, store in (("tag", self.tags), ("line", self.lines), ("place", self.places)):
            for (key, name), is_in in store.items():
                data = items.get(key, {})
                there = {
                    "tag": tags_of(data),
                    "line": set(lines_of(data.get("extra"))),
                    "place": set(data.get("collections", ())),
                }[what]
                if (name in there) != is_in:
                    out.append(f"{what} {name} of {key}: {'lost' if is_in else 'came back'}: {data}")
        for (key, name), value in self.shelves.items():
            if key not in shelves or shelves[key].get(name) != value:
                out.append(f"{name} of collection {key} is not {value!r}: {shelves.get(key)}")
        both = {**items, **shelves}
        out += [f"{key}, which a person made, is gone" for key in self.made if key not in both]
        out += [f"{key} came out of the trash" for key in self.trashed if not both.get(key, {}).get("deleted")]
        out += [
            f"{key} was deleted and is back: {both[key]}"
            for key in self.deleted
            if not both.get(key, {"deleted": 1}).get("deleted")
        ]
        return out


def _drop(store: dict[tuple[str, str], bool], key: str, either: set[str], both: set[str]) -> None:
    for one, name in [one for one in store if one[0] == key]:
        if (store[one, name] and name in either) or (not store[one, name] and name not in both):
            del store[one, name]


def value_of(name: str, data: Mapping[str, Any]) -> Any:
    return creators_of(data.get("creators") or ()) if name == "creators" else plain(data.get(name))


def tags_of(data: Mapping[str, Any]) -> set[str]:
    return {one["tag"] for one in data.get("tags", ())}


def links_of(items: Mapping[str, Mapping[str, Any]]) -> Counter[tuple[str, str]]:
    """How many living links each item has to each address."""
    return Counter(
        (one["parentItem"], one["url"])
        for one in items.values()
        if one["itemType"] == "attachment" and not one.get("deleted")
    )


class Law(RuleBasedStateMachine):
    """A library that a person uses and two lists are synced into, one of which changes."""

    kind = "user"

    def __init__(self) -> None:
        super().__init__()
        self.stack = contextlib.ExitStack()
        self.wire = Wire()
        folder = Path(self.stack.enter_context(tempfile.TemporaryDirectory()))
        self.there = self.stack.enter_context(world_of(self.kind, folder, self.wire.around, settings=LINKED))
        self.count = 0
        self.mine = Mine()
        self.ended: State = self.now()
        self.knows: set[tuple[str, str]] = set()  # (list, maintainer): the base knows all that was ever written
        self.synced: set[tuple[str, str]] = set()
        self.foreign: dict[str, set[tuple[str, str]]] = {A: set(), B: set()}  # what the other list has filled in
        self.wanted: Desired | None = None  # of the last run
        self.last: tuple[str, str, int, bool, State, Mine, set[tuple[str, str]]] | None = (
            None  # the last run, to be undone
        )
        self.topics = {"a": "Models", "b": "Models > Small Ones", "c": "Data"}
        self.entries: dict[str, Entry] = {}
        self.away: list[Entry] = []
        self.joined: list[Entry] = []

    @initialize(count=st.integers(1, 3), kinds=st.booleans(), first=st.sampled_from("aaac "))
    def start(self, count: int, kinds: bool, first: str) -> None:
        for number in range(count):
            more = {"kind": "preprint", "venue": ARXIV} if kinds and number == 0 else {}
            one = work(number, topics=("abc"[number % 3],), tags=("nlp",), **more)
            self.entries[one.key] = one
        if first != " ":
            self.syncs(self.ours if first == "a" else self.theirs, first)

    def teardown(self) -> None:
        self.stack.close()

    # ------------------------------------------------------------------------------------------------------------
    # The lists

    @property
    def ours(self) -> Catalog:
        return catalog(*self.entries.values(), topics=self.topics, id=A)

    @property
    def theirs(self) -> Catalog:
        shared = (work(1, "zwei", topics=("x",), pages="7-9"), work(3, "vier", topics=("x",), tags=("other",)))
        return replace(catalog(*shared, topics={"x": "Elsewhere"}, id=B), title="Another List")

    def change(self, at: int, **more: Any) -> None:
        if self.entries:
            key = sorted(self.entries)[at % len(self.entries)]
            self.entries[key] = replace(self.entries[key], **more)

    def fresh(self, text: str) -> str:
        self.count += 1
        return f"{text} {self.count}"

    @rule(number=MANY, topic=MANY)
    def list_adds(self, number: int, topic: int) -> None:
        one = work(number)
        ids = {other.ids["doi"] for other in (*self.entries.values(), *self.away, *self.joined)}
        if one.ids["doi"] not in ids:
            topics = sorted(self.topics)
            self.entries[one.key] = replace(one, topics=(topics[topic % len(topics)],) if topics else ())

    @rule(at=MANY, how=st.sampled_from(["Larger", "Very Large", "Large and Small"]))
    def list_retitles(self, at: int, how: str) -> None:
        if self.entries:
            title = self.entries[sorted(self.entries)[at % len(self.entries)]].title
            self.change(at, title=f"{title.partition(' in ')[0]} in {how} Networks")

    @rule(at=MANY, retitle=st.booleans())
    def list_gives_a_new_key(self, at: int, retitle: bool) -> None:
        if self.entries:
            key = sorted(self.entries)[at % len(self.entries)]
            new = self.fresh("key").replace(" ", "")
            one = self.entries.pop(key)
            title = f"{one.title.partition(' in ')[0]} in New Networks" if retitle else one.title
            self.entries[new] = replace(one, key=new, aliases=(*one.aliases, key), title=title)

    @rule(at=MANY, other=MANY)
    def list_makes_one_entry_of_two(self, at: int, other: int) -> None:
        known = sorted(self.entries)
        if len(known) < 2 or known[at % len(known)] == known[other % len(known)]:
            return
        gone = self.entries.pop(known[other % len(known)])
        self.joined.append(gone)
        one = self.entries[known[at % len(known)]]
        topics = tuple(dict.fromkeys((*one.topics, *gone.topics)))
        self.change(
            at=sorted(self.entries).index(one.key), topics=topics, aliases=(*one.aliases, gone.key, *gone.aliases)
        )

    @precondition(lambda self: self.joined)
    @rule()
    def list_makes_two_entries_of_one_again(self) -> None:
        back = self.joined.pop()
        for key, one in self.entries.items():
            if back.key in one.aliases:
                gone = {back.key, *back.aliases}
                self.entries[key] = replace(one, aliases=tuple(name for name in one.aliases if name not in gone))
                topics = tuple(topic for topic in back.topics if topic in self.topics)
                self.entries[back.key] = replace(back, topics=topics)
                return

    @rule(at=MANY, number=st.integers(0, 2))
    def list_links(self, at: int, number: int) -> None:
        self.change(at, links={"code": f"https://a.test/{number}"} if number else {})

    @rule(at=MANY, names=st.sets(st.sampled_from(["Ada", "Bo", "Cy"]), max_size=2))
    def list_names_authors(self, at: int, names: set[str]) -> None:
        self.change(at, authors=tuple(Person(family=one) for one in sorted(names)))

    @rule(at=MANY, year=st.integers(2000, 2025))
    def list_dates(self, at: int, year: int) -> None:
        self.change(at, date=Date(year=year))

    @rule(at=MANY, what=st.sampled_from(["preprint", "paper", "article"]))
    def list_publishes(self, at: int, what: str) -> None:
        named = {
            "preprint": ("preprint", ARXIV), "paper": ("conference-paper", CONFERENCE),
            "article": ("article", Venue(name="A Journal", kind="journal")),
        }  # fmt: skip
        kind, venue = named[what]
        self.change(at, kind=kind, venue=venue)

    @rule(at=MANY, tags=st.sets(st.sampled_from(TAGS[:3])))
    def list_tags(self, at: int, tags: set[str]) -> None:
        self.change(at, tags=tuple(sorted(tags)))

    @rule(at=MANY, topics=st.sets(MANY, max_size=2))
    def list_files(self, at: int, topics: set[int]) -> None:
        known = sorted(self.topics)
        self.change(at, topics=tuple(sorted({known[one % len(known)] for one in topics} if known else ())))

    @rule(at=MANY)
    def list_drops(self, at: int) -> None:
        if self.entries:
            self.away.append(self.entries.pop(sorted(self.entries)[at % len(self.entries)]))

    @precondition(lambda self: self.away)
    @rule(is_renamed=st.booleans())
    def list_takes_back(self, is_renamed: bool) -> None:
        one = self.away.pop()
        if is_renamed:  # under another key, as a list does that does not remember it
            one = replace(one, key=self.fresh("again").replace(" ", ""), aliases=())
        self.entries[one.key] = replace(one, topics=tuple(topic for topic in one.topics if topic in self.topics))

    @rule(at=MANY, to=MANY, how=st.sampled_from(["rename", "move", "remove", "add"]))
    def list_has_other_topics(self, at: int, to: int, how: str) -> None:
        known = sorted(self.topics)
        if how == "add":
            above = f"{self.topics[known[to % len(known)]]} > " if known and to % 2 else ""
            self.topics[self.fresh("t").replace(" ", "")] = above + self.fresh("Topic")
            return
        if not known:
            return
        path = self.topics[known[at % len(known)]]
        inner = [one for one in known if f"{self.topics[one]} > ".startswith(f"{path} > ")]
        if how == "remove":
            for one in inner:
                del self.topics[one]
            for key, one in self.entries.items():
                self.entries[key] = replace(one, topics=tuple(topic for topic in one.topics if topic in self.topics))
            return
        outer = [self.topics[one] for one in known if one not in inner]
        above = path.rpartition(" > ")[0] if how == "rename" else ["", *outer][to % (len(outer) + 1)]
        name = self.fresh("Topic") if how == "rename" else path.rpartition(" > ")[2]
        new = f"{above} > {name}" if above else name
        if how == "rename" or new not in self.topics.values():
            for one in inner:
                self.topics[one] = new + self.topics[one].removeprefix(path)

    # ------------------------------------------------------------------------------------------------------------
    # A person at Zotero

    def now(self) -> State:
        return {what: self.there.all(what) for what in ("collections", "items")}

    def pick(self, what: str, at: int, *, trash: bool = False) -> str | None:
        """One of the collections or papers that are there (or in the trash): the same in each replay."""
        found = self.there.all(what)
        keys = sorted(
            key for key, data in found.items()
            if bool(data.get("deleted")) == trash and data.get("itemType") not in {"note", "attachment"}
        )  # fmt: skip
        return keys[at % len(keys)] if keys else None

    def own(self, what: str) -> str:
        """A key for a new object of the person's."""
        self.count += 1
        return client_key("mine", what, str(self.count))

    @rule(at=MANY, name=st.sampled_from((*FIELDS, "creators", "itemType")), is_emptied=st.booleans())
    def person_edits(self, at: int, name: str, is_emptied: bool) -> None:
        if (key := self.pick("items", at)) is None:
            return
        value: Any = "" if is_emptied and name != "title" else self.fresh("Mine")
        if name == "creators":
            value = [] if is_emptied else [{"creatorType": "author", "name": value}]
        if name == "itemType":
            value = "report"
        if name in self.there.all("items")[key]:
            self.there.edit("items", key, **{name: value})

    @rule(at=MANY, is_added=st.booleans())
    def person_edits_extra(self, at: int, is_added: bool) -> None:
        if (key := self.pick("items", at)) is None:
            return
        lines = lines_of(self.there.all("items")[key]["extra"])
        lines = [self.fresh("note:"), *lines] if is_added else lines[:-1]
        self.there.edit("items", key, extra="\n".join(lines))

    @rule(at=MANY, tag=st.sampled_from(TAGS), is_added=st.booleans())
    def person_tags(self, at: int, tag: str, is_added: bool) -> None:
        if (key := self.pick("items", at)) is None:
            return
        tags = [one for one in self.there.all("items")[key]["tags"] if one["tag"] != tag]
        self.there.edit("items", key, tags=[*tags, {"tag": tag}] if is_added else tags)

    @rule(at=MANY, out=MANY, to=MANY, is_moved=st.booleans(), is_put=st.booleans())
    def person_files(self, at: int, out: int, to: int, is_moved: bool, is_put: bool) -> None:
        if (key := self.pick("items", at)) is None:
            return
        there = sorted(self.there.all("items")[key]["collections"])
        if is_moved and there:
            del there[out % len(there)]
        if is_put and (shelf := self.pick("collections", to)):
            there = sorted({*there, shelf})
        self.there.edit("items", key, collections=there)

    @rule(at=MANY, is_inside=st.booleans())
    def person_makes_a_collection(self, at: int, is_inside: bool) -> None:
        above = self.pick("collections", at) if is_inside else None
        key = self.own("collection")
        self.there.add(
            "collections", {"key": key, "version": 0, "name": self.fresh("Mine"), "parentCollection": above or False}
        )

    @rule(number=MANY, at=MANY, is_known=st.booleans(), extra=st.booleans())
    def person_adds_an_item(self, number: int, at: int, is_known: bool, extra: bool) -> None:
        one = work(number)
        named = {"title": one.title, "DOI": one.ids["doi"]} if is_known else {"title": self.fresh("A Book of Mine")}
        shelf = self.pick("collections", at) if at % 2 else None
        self.there.add(
            "items",
            {
                "key": self.own("item"), "version": 0, "itemType": "journalArticle", **named, "tags": [{"tag": "mine"}],
                "collections": [shelf] if shelf else [], "extra": "Read: yes" if extra else "", "language": "de",
            },
        )  # fmt: skip

    @rule(at=MANY)
    def person_adds_a_note(self, at: int) -> None:
        if key := self.pick("items", at):
            note = {"key": self.own("item"), "version": 0, "itemType": "note", "note": "mine", "parentItem": key}
            self.there.add("items", note)

    @rule(at=MANY, what=st.sampled_from(["items", "collections"]), how=st.sampled_from(["trash", "delete", "take out"]))
    def person_removes(self, at: int, what: str, how: str) -> None:
        if (key := self.pick(what, at, trash=how == "take out")) is None:
            return
        if how == "delete":
            self.there.delete(what, key)
        else:
            self.there.edit(what, key, deleted=how == "trash")

    @rule(at=MANY, to=MANY, is_renamed=st.booleans())
    def person_moves_a_collection(self, at: int, to: int, is_renamed: bool) -> None:
        if (key := self.pick("collections", at)) is None:
            return
        if is_renamed:
            self.there.edit("collections", key, name=self.fresh("Mine"))
            return
        found = self.there.all("collections")
        above = self.pick("collections", to) if to % 3 else None
        up = above
        while up:  # no cycle
            if up == key:
                return
            up = found[up]["parentCollection"] or None
        self.there.edit("collections", key, parentCollection=above or False)

    @rule(one=MANY, other=MANY)
    def person_merges(self, one: int, other: int) -> None:
        winner, loser = self.pick("items", one), self.pick("items", other)
        if winner is None or loser is None or winner == loser:
            return
        items = self.there.all("items")
        kept, gone = items[winner], items[loser]
        uris = [f"http://zotero.org/users/{self.there.server.user}/items/{loser}"]
        for data in (kept, gone):
            old = data.get("relations", {}).get("dc:replaces", [])
            uris += [old] if isinstance(old, str) else old
        self.there.edit(
            "items", winner, collections=sorted({*kept["collections"], *gone["collections"]}),
            tags=[{"tag": tag} for tag in sorted(tags_of(kept) | tags_of(gone))], relations={"dc:replaces": uris},
        )  # fmt: skip
        for key, data in items.items():
            if data.get("parentItem") == loser and not data.get("deleted"):
                self.there.edit("items", key, parentItem=winner)
        self.there.edit("items", loser, deleted=True)

    # ------------------------------------------------------------------------------------------------------------
    # refsync

    def begins(self) -> State:
        """The library before a run, and what a person has done to it since the last."""
        before = self.now()
        self.mine.learn(self.ended, before)
        return before

    @rule(restore=st.booleans())
    def sync(self, restore: bool) -> None:
        self.syncs(self.ours, "a", restore=restore)

    @rule()
    def sync_once_more(self) -> None:
        self.syncs(self.ours, "a")

    @rule()
    def sync_of_the_other_list(self) -> None:
        self.syncs(self.theirs, "c")

    @rule()
    def sync_by_another(self) -> None:
        self.syncs(self.ours, "b")

    @rule(what=st.sampled_from(["base", "mirror"]), who=st.sampled_from("aac"))
    def sync_with_a_loss(self, what: str, who: str) -> None:
        files = self.there.files(A if who == "a" else B, who)
        getattr(files, what).unlink(missing_ok=True)
        if what == "base":
            files.base.with_name(f"{files.base.name}.log").unlink(missing_ok=True)
            self.knows.discard((A if who == "a" else B, who))
        self.syncs(self.ours if who == "a" else self.theirs, who)

    @rule(at=st.integers(0, 9), is_after=st.booleans(), is_lasting=st.booleans(), restore=st.booleans())
    def sync_is_cut(self, at: int, is_after: bool, is_lasting: bool, restore: bool) -> None:
        self.wire.is_after, self.wire.is_lasting = is_after, is_lasting
        self.syncs(self.ours, "a", restore=restore, cut=at)

    def syncs(self, of: Catalog, who: str, *, restore: bool = False, cut: int | None = None) -> None:
        """One run, with all laws of it; a second one has then nothing to do."""
        before = self.begins()
        wanted = desired(of, TABLES, self.there.settings)
        mine, knew = copy.deepcopy(self.mine), set(self.knows)
        records = self.records(of.id, who)
        if not self.there.files(of.id, who).base.exists() and not records:
            self.knows.discard((of.id, who))
            if not any(id == of.id for id, _ in self.synced):
                self.knows.add((of.id, who))
        self.synced.add((of.id, who))
        is_known = (of.id, who) in self.knows
        report = None
        self.wire.left = cut
        try:
            report = self.there.sync(of, who, restore=restore, is_forced=True)
        except Failure:
            assert cut is not None
        finally:
            self.wire.left = None
        after = self.ended = self.now()
        if of.id == A and self.differs(before, after):
            self.knows -= {(A, one) for one in "ab" if one != who}
        changed = Mine()
        changed.learn(before, after)
        self.foreign[B if of.id == A else A] |= changed.values.keys()
        if restore or not is_known:
            self.mine.forget_removals(trash=restore)
        if restore:
            self.mine.forget_names(one.key for (what, _), one in records.items() if what == "collection")
        new = self.records(of.id, who).values()  # what is empty in an item is filled when it is found
        self.mine.forget_removals(of={one.key for one in new} - {one.key for one in records.values()})
        ends = self.records(of.id, who)
        followed = {id: replace(one, key=ends[id].key) for id, one in records.items() if id in ends}  # merges
        for one in (records, followed, ends):
            self.agrees(wanted, one)
        none(self.mine.faults(after))
        none(self.harm(before, after, wanted, records, ends))
        self.last, self.wanted = None, wanted
        if report is None:
            return
        if restore:  # it came to its end
            names = {(one.key, name) for one in ends.values() for name in ("name", "parentCollection")}
            self.mine.loose -= {pair for pair in names if pair not in self.mine.shelves}
        again = self.there.sync(of, who, restore=restore, is_forced=True)
        none(again.plan.changes)
        assert again.writes == 0
        if restore:
            none(self.there.sync(of, who, is_forced=True).plan.changes)
        if is_known:
            none(self.misses(wanted, self.records(of.id, who), after))
        if report.run is not None and cut is None:
            self.last = (of.id, who, report.run, restore, before, mine, knew)

    def records(self, id: str, who: str) -> dict[tuple[str, str], Record]:
        base = BaseFile(self.there.files(id, who).base, self.there.place.owner(id)).load()
        return {(what, one): record for (what, one), record in base.records.items()}

    def agrees(self, wanted: Desired, records: Mapping[tuple[str, str], Record]) -> None:
        put: dict[str, tuple[str, ...]] = {}  # of an item that stands for several entries, by all of them
        for one in records.values():
            put[one.key] = (*put.get(one.key, ()), *one.collections)
        for item in wanted.items:
            shelves = {self.shelf(wanted, records, one) for one in item.shelves}
            for key in item.keys:
                if ("item", key) in records:
                    record = records["item", key]
                    self.mine.agree(record.key, replace(record, collections=put[record.key]), item, shelves)
        for shelf in wanted.shelves:
            key = self.shelf(wanted, records, shelf.id)
            above = self.shelf(wanted, records, shelf.parent) if shelf.parent is not None else False
            record = records.get(("collection", shelf.id))
            for name, value in (("name", shelf.name), ("parentCollection", above)):
                if self.mine.shelves.get((key, name)) in (value, record.fields.get(name) if record else value):
                    self.mine.shelves.pop((key, name), None)

    def shelf(self, wanted: Desired, records: Mapping[tuple[str, str], Record], id: str) -> str:
        record = records.get(("collection", id))
        return record.key if record else client_key(wanted.catalog, "collection", id)

    @staticmethod
    def differs(before: State, after: State) -> bool:
        def versions(state: State) -> dict[str, int]:
            return {key: data["version"] for what in state.values() for key, data in what.items()}

        return versions(before) != versions(after)

    def harm(
        self, before: State, after: State, wanted: Desired, records: Mapping[tuple[str, str], Record],
        ends: Mapping[tuple[str, str], Record],
    ) -> list[str]:  # fmt: skip
        """What a run has taken away, and what it has doubled."""
        out = []
        items, shelves = before["items"], before["collections"]
        for key, data in items.items():
            if key not in after["items"] or (after["items"][key].get("deleted") and not data.get("deleted")):
                out.append(f"{key} was removed: {data}")
        listed = {item.entry.key for item in wanted.items}
        taken = {one.key for (what, id), one in ends.items() if what == "item" and id in listed}
        for (what, _), record in records.items():
            data = items.get(record.key)
            if what != "item" or record.key in taken or data is None or not self.mine.touches(record.key, before):
                continue
            if after["items"][record.key]["collections"] != data["collections"]:
                out.append(f"{record.key} is a person's, and was moved: {data['collections']}")
        for key, data in shelves.items():
            if key in after["collections"]:
                if after["collections"][key].get("deleted") and not data.get("deleted"):
                    out.append(f"collection {key} was trashed")
                continue
            if any(key in one.get("collections", ()) and not one.get("deleted") for one in after["items"].values()):
                out.append(f"collection {key} was removed, and is not empty")
            if key in self.mine.made or any(one == key for one, _ in self.mine.shelves):
                out.append(f"collection {key} is a person's, and was removed")
        # An identifier alone does not make one work of two titles.
        living = {
            plain(one.get("DOI")): key for key, one in items.items()
            if not one.get("deleted") and plain(one.get("title")).startswith("A Study of")
        }  # fmt: skip
        old, new = links_of(items), links_of(after["items"])
        out += [f"{count} links of {one}" for one, count in new.items() if count > max(1, old[one])]
        for key, data in after["items"].items():
            if key not in items and data.get("DOI", "-") in living:
                out.append(f"{key} is a second item of {living[data['DOI']]}")
        return out

    def misses(self, wanted: Desired, records: Mapping[tuple[str, str], Record], now: State) -> list[str]:
        """In what the library is not as the list has it, where no person has had a say."""
        out = []
        mine, items, shelves = self.mine, now["items"], now["collections"]
        ours = {record.key for (what, _), record in records.items() if what == "collection"}
        for shelf in wanted.shelves:
            data = shelves.get(self.shelf(wanted, records, shelf.id))
            if data is None or not self.lives(data["key"], shelves):
                continue
            above = self.shelf(wanted, records, shelf.parent) if shelf.parent is not None else False
            for name, value in (("name", shelf.name), ("parentCollection", above)):
                if (
                    (data["key"], name) not in {*mine.shelves, *mine.loose}
                    and data[name] != value
                    and (not above or self.lives(above, shelves))
                    and not (name == "parentCollection" and self.is_around(data["key"], above, shelves))
                ):
                    out.append(f"{name} of collection {shelf.label} is {data[name]!r}, not {value!r}")
        listed = {key for item in wanted.items for key in item.keys}
        # Merged with an item whose entry has left the list: that is a person's now, and stays where it is.
        left = {one.key for (what, id), one in records.items() if what == "item" and id not in listed}
        for item in wanted.items:
            record = records.get(("item", item.entry.key))
            key = record.key if record else client_key(wanted.catalog, "item", item.entry.key)
            data = items.get(key)
            if (
                data is None
                and key not in mine.deleted
                and (key, "") not in mine.loose
                and any(self.lives(self.shelf(wanted, records, one), shelves) for one in item.shelves)
            ):
                out.append(f"item {item.entry.key} is missing")
            if data is None or data.get("deleted") or key in mine.made:
                continue
            same = [
                one for one in wanted.items if (at := records.get(("item", one.entry.key))) and at.key == key
            ]  # merged
            place = {self.shelf(wanted, records, id) for one in (item, *same) for id in one.shelves}
            place = {one for one in place if self.lives(one, shelves)}
            missing = {
                one
                for one in place - set(data["collections"])
                if mine.places.get((key, one)) is not False and (key, one) not in mine.loose
            }
            more = {
                one
                for one in (set(data["collections"]) & ours) - place
                if self.lives(one, shelves) and not mine.places.get((key, one))
            }
            if missing or (more and key not in left):
                out.append(f"item {key}: not in {missing}, but in {more}")
            if record is None or record.is_adopted or len(same) > 1:
                continue
            tags = {one for one in set(item.tags) ^ tags_of(data) if (key, one) not in {*mine.tags, *mine.loose}}
            lines = {
                one
                for one in set(item.extra) ^ set(lines_of(data["extra"]))
                if (key, one) not in {*mine.lines, *mine.loose}
            }
            if tags or lines:
                out.append(f"item {key}: tags {tags} or lines {lines}")
            edits = {name for one, name in {*mine.values, *mine.loose, *self.foreign[wanted.catalog]} if one == key}
            if data["itemType"] != item.fields["itemType"] and (edits or key in mine.extras):
                continue
            here = {**item.fields, "creators": item.creators}
            names = {name for name, value in data.items() if isinstance(value, str)} | {"creators"}
            for name in (names | item.fields.keys()) - edits - {"key", "dateAdded", "dateModified", "extra"}:
                if value_of(name, data) != value_of(name, here):
                    out.append(f"item {key}: {name} is {data.get(name)!r}, not {here.get(name)!r}")
        return out

    @staticmethod
    def is_around(outer: str, inner: Any, shelves: Mapping[str, Mapping[str, Any]]) -> bool:
        """Whether a person has put the collection that another is to stand in beneath that one."""
        while inner and inner != outer:
            inner = shelves[inner]["parentCollection"] if inner in shelves else ""
        return bool(inner)

    @staticmethod
    def lives(key: str, shelves: Mapping[str, Mapping[str, Any]]) -> bool:
        while key:
            if key not in shelves or shelves[key].get("deleted"):
                return False
            key = shelves[key]["parentCollection"] or ""
        return True

    @precondition(lambda self: self.last is not None)
    @rule(is_synced=st.booleans())
    def undo(self, is_synced: bool) -> None:
        assert self.last
        id, who, number, restore, before, mine, knew = self.last
        if self.differs(self.ended, self.now()):
            return  # a person was there in between
        brought = shown(self.ended)
        self.there.undo(id, number, who)
        after = self.ended = self.now()
        self.last = None
        left = shown(after)
        for what, objects in shown(before).items():
            for key, data in objects.items():
                assert left[what].pop(key, None) == data, f"{key} is not as it was"
        assert left["collections"] == {}
        assert [key for key, data in left["items"].items() if not data.get("deleted")] == []
        self.mine, self.knows = mine, knew
        if is_synced:
            of = self.ours if id == A else self.theirs
            wanted = desired(of, TABLES, self.there.settings)
            if wanted == self.wanted:
                self.syncs(of, who, restore=restore)
                assert shown(self.ended) == brought


def none(faults: Sequence[Any]) -> None:
    assert not faults, "\n".join(map(str, faults))


def shown(state: State) -> State:
    """A library but for versions and times."""
    out: State = {"collections": {}, "items": {}}
    for what, objects in state.items():
        for key, data in objects.items():
            kept = {name: value for name, value in data.items() if name not in {"version", "dateAdded", "dateModified"}}
            if kept.get("collections"):
                kept["collections"] = sorted(kept["collections"])
            out[what][key] = {name: value for name, value in kept.items() if value not in ("", [], {}, False)}
    return out


class DesktopLaw(Law):
    """The same of the library of Zotero's desktop."""

    kind = "desktop"


Law.TestCase.settings = DesktopLaw.TestCase.settings = settings(
    max_examples=25,
    stateful_step_count=12,
    deadline=None,
    derandomize=True,
    report_multiple_bugs=False,
    suppress_health_check=list(HealthCheck),
)
TestLaw = Law.TestCase
TestDesktopLaw = DesktopLaw.TestCase
