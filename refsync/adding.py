"""Knows how a work comes into a list: which it is, whether the list has it already, under which heading it goes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from pathlib import Path

from refsync import documents, files, identifiers, merging, names, settings, titles
from refsync import sources as list_sources
from refsync.build import located
from refsync.formats import survey
from refsync.formats.survey import inserting
from refsync.formats.survey.inserting import Insertion, Topic
from refsync.mapping import Tables
from refsync.model import Account, Date, Entry, Failure, Person, Problem, Reading
from refsync.resolvers import RESOLVERS, Resolver, named
from refsync.resolvers.asking import Sources
from refsync.resolvers.searching import Search


@dataclass(frozen=True, kw_only=True, slots=True)
class Addition:
    """An entry that is to be added: the list, as a person names it (`name`), what of it was written where, and the work."""

    path: Path
    name: str
    account: Account
    topic: Topic
    insertion: Insertion


def identified(text: str) -> tuple[dict[str, str], str | None]:
    """({scheme: identifier}, address or None) of an ID as people type it: a DOI, an arXiv number, a link to either or to
    anything. Raises Failure (exit 2) for what is none of these."""
    text = text.strip()
    if text.lower().startswith(("http://", "https://")):
        pair = identifiers.of_url(text)
        return ({pair[0]: pair[1]} if pair else {}), text
    if doi := identifiers.of_doi(text):
        return {doi[0]: doi[1]}, None
    number = identifiers.of_url(f"https://arxiv.org/abs/{text.lower().removeprefix('arxiv:').strip()}")
    if number:
        return {number[0]: number[1]}, None
    what = f"{text!r} is no DOI, arXiv number or link."
    hint = "Say it as 10.1145/3292500.3330701, 2103.00020 or https://..."
    raise Failure(Problem(where="ID", what=what, hint=hint), code=2)


def looked_up(ids: dict[str, str], sources: Sources, wanted: Sequence[str]) -> Entry | None:
    """The work that identifiers name, by the sources that are asked (`wanted` names them, the usual ones where it is
    empty); None when none of them knows it."""
    online: list[Resolver] = [one for name in wanted if (one := named(name))]
    online = online or [one for one in RESOLVERS if one.is_default]
    search = Search([Entry(ids=ids)], [], sources, online, lambda *_: None)
    search.run()
    accepted = [one.entry for one in search.choices[0].accepted]
    if not accepted:
        return None
    found = merging.merged([*accepted, Entry(ids=ids)])
    published = next((one for one in accepted if one.venue and one.venue.kind != "preprint"), None)
    return replace(found, venue=published.venue, date=published.date or found.date) if published else found


def account_of(entry: Entry | None, ids: dict[str, str], url: str | None, stated: Account) -> Account:
    """The work as a list would state it: what a person states wins over what sources say. Raises Failure when nothing
    names it."""
    entry = entry or Entry(ids=ids)
    title = stated.title or entry.title
    if not title.strip():
        name = url or next(iter(ids.values()), "it")
        hint = "Say what it is: --title, --author, --venue, --year; or try again later."
        raise Failure(Problem(where=name, what="no source knows what this is.", hint=hint))
    venue = (entry.venue.short or entry.venue.name) if entry.venue else None
    date = entry.date if isinstance(entry.date, Date) and not stated.year else None
    return replace(
        stated,
        title=title,
        authors=stated.authors or entry.authors,
        et_al=stated.et_al if stated.authors else entry.authors_complete is False,
        venue=stated.venue or venue,
        year=stated.year or entry.year,
        month=date.month if date else stated.month,
        day=date.day if date else None,
        ids={
            **{scheme: value for scheme, value in entry.ids.items() if scheme in identifiers.SCHEMES},
            **ids,
            **stated.ids,
        },
        url=stated.url or url,
        has_code=stated.has_code or "code" in stated.links,
    )


def addressed(new: Account, accounts: Iterable[Account]) -> Account:
    """The work with an address: of its identifiers, in the form that the list mostly has for such a one."""
    if new.url:
        return new
    scheme = next((one for one in ("arxiv", *identifiers.SCHEMES) if one in new.ids), None)
    if scheme is None:
        return new
    value = new.ids[scheme]
    forms = Counter(
        one.url.replace(own, "\0")
        for one in accounts
        if one.url and (own := one.ids.get(scheme)) and own in one.url and one.url.count(own) == 1
    )
    common = next((form for form, _ in forms.most_common() if form.endswith(("\0", "\0.pdf"))), None)
    return replace(new, url=common.replace("\0", value) if common else identifiers.link(scheme, value))


def twin(new: Account, accounts: Sequence[Account]) -> Account | None:
    """The entry of the list that is the same work: by an identifier, by its address, by its title."""
    form = titles.comparison(new.title)
    for one in accounts:
        if any(one.ids.get(scheme) == value for scheme, value in new.ids.items()):
            return one
        if (new.url and one.url == new.url) or (form and titles.comparison(one.title) == form):
            return one
    return None


def topic_of(wanted: str, reading: Reading, year: int | None, where: str) -> Topic:
    """The heading that a person means: a path ("Models > RNNs") or the end of one. Where a heading holds only years, the
    one of the work. Raises Failure (exit 2) when there is none, or more than one."""
    paths = list(dict.fromkeys([*reading.topics, *(one.topic for one in reading.accounts)]))
    form = tuple(_folded(part) for part in wanted.split(">"))
    hits = [path for path in paths if tuple(map(_folded, path))[-len(form) :] == form]
    held = {one.topic for one in reading.accounts}
    if len(hits) > 1:
        hits = [path for path in hits if len(path) == len(form)] or [path for path in hits if path in held] or hits
    if len(hits) > 1:
        hint = f"Say which: {', '.join(repr(' > '.join(path)) for path in hits[:4])}."
        raise Failure(
            Problem(where="--topic", what=f"{wanted!r} is the heading of {len(hits)} sections.", hint=hint), code=2
        )
    if not hits:
        names = {" > ".join(path): path for path in paths} | {path[-1]: path for path in paths if path}
        near = get_close_matches(wanted, names, n=1, cutoff=0.5)
        hint = (
            f"Did you mean {near[0]!r}?" if near else "Name a heading of the list, or a path such as 'Models > RNNs'."
        )
        raise Failure(Problem(where="--topic", what=f"{where} has no heading {wanted!r}.", hint=hint), code=2)
    topic = hits[0]
    below = [path for path in paths if path[:-1] == topic and year and str(year) in path[-1]]
    return below[0] if topic not in held and len(below) == 1 else topic


def _folded(text: str) -> str:
    return " ".join(text.split()).casefold()


def lists(path: Path) -> tuple[list[Path], Tables]:
    """(lists, tables) of a PATH. Raises Failure when there is no list that can be written to."""
    folder, one = located(path)
    wanted = settings.load(folder)
    found = [one] if one else list(list_sources.found(folder, wanted))
    found = [each for each in found if each.suffix.lower() in list_sources.LISTS]
    if not found:
        raise Failure(
            Problem(where=str(path), what="is no list in Markdown or reStructuredText.", hint="Name the list.")
        )
    return found, wanted.tables(folder)


def planned(new: Account, topic: str, path: Path) -> Addition:
    """The entry at its place in the list (of several the one with that heading). Nothing is written.

    Raises Failure when a list has the work already (exit 1, with the line), when no list has the heading (exit 2), or when
    the entry would not read back.
    """
    paths, tables = lists(path)
    texts = {one: text_of(one) for one in paths}
    readings = {one: survey.read(inserting.plain(text), one.name, tables.folder) for one, text in texts.items()}
    new = addressed(new, [account for reading in readings.values() for account in reading.accounts])
    for one, reading in readings.items():
        same = twin(new, reading.accounts)
        if same is not None and not inserting.only_names(texts[one], one.name, same, new, tables.folder):
            what = f"the list has it already: {same.title!r}. Nothing changed."
            raise Failure(Problem(where=f"{one.name}:{same.line}", what=what, hint="Change that line instead."))
    failure: Failure | None = None
    for one, reading in readings.items():
        try:
            under = topic_of(topic, reading, new.year, one.name)
        except Failure as found:
            failure = failure or found
            continue
        insertion = inserting.inserted(texts[one], one.name, new, under, tables.folder)
        return Addition(path=one, name=one.name, account=new, topic=under, insertion=insertion)
    assert failure is not None
    raise failure


def write(addition: Addition) -> None:
    """Writes the list with the entry, whole or not at all. Raises Failure when it cannot be written."""
    files.write({addition.path: addition.insertion.text})


def text_of(path: Path) -> str:
    """The text of a list with its own line ends and byte order mark. Raises Failure when it is no text in UTF-8."""
    documents.text_of(path, path.name)  # says in one line what is wrong with it
    data = path.read_bytes()
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        raise Failure(Problem(where=path.name, what="is not in UTF-8.", hint="Save the file as UTF-8.")) from None


def told(value: dict[str, object]) -> Account:
    """The work that an object of `refsync read --json` describes, without its place. Raises ValueError, TypeError or
    AttributeError for what is no such object."""

    def text(name: str) -> str | None:
        return str(value[name]) if value.get(name) else None

    def number(name: str) -> int | None:
        found = value.get(name)
        return int(str(found)) if found else None

    given = value.get("authors") or []
    links = value.get("links") or {}
    tags = value.get("tags") or []
    if not (isinstance(given, list) and isinstance(links, dict) and isinstance(tags, list)):
        raise TypeError("authors and tags are lists, links a mapping")
    ids = {"arxiv": text("arxiv_id"), "doi": text("doi")}
    return Account(
        file="",
        line=0,
        last_line=0,
        title=text("title") or "",
        aka=text("aka"),
        authors=tuple(_person(one) for one in given),
        et_al=bool(value.get("et_al")),
        venue=text("venue"),
        year=number("year"),
        month=number("month"),
        ids={scheme: one for scheme, one in ids.items() if one},
        url=text("url"),
        links={str(label): str(href) for label, href in links.items()},
        group=text("group"),
        tags=tuple(map(str, tags)),
        has_code=bool(value.get("has_code")),
        rating=text("rating"),
        comment=text("comment"),
    )


def _person(value: object) -> Person:
    """A name as `refsync read --json` writes it: its family holds its particle."""
    if isinstance(value, str):
        return names.person(value)
    if not isinstance(value, dict):
        raise TypeError("an author is a name or its parts")
    parts = {name: str(value[name]) for name in ("family", "given", "particle", "suffix", "literal") if value.get(name)}
    if "particle" in parts and "family" in parts:
        parts["family"] = parts["family"].removeprefix(f"{parts['particle']} ")
    return Person(**parts)
