"""What a sync does months later: entries that got another key or became one, items that a person merged, runs taken back
out of order, links and collections that nobody wants any longer."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from refsync.model import Venue
from refsync.settings import Settings, Zotero
from refsync.sync import apply as applying
from refsync.sync.base import Base, BaseFile, Owner, Record
from refsync.sync.desired import RETIRED, desired
from refsync.sync.journal import Journal
from refsync.sync.plan import plan
from refsync.sync.run import Report
from refsync.sync.seen import Seen, client_key
from refsync.sync.settling import settled
from tests.desktop import KINDS, world_of
from tests.library import TABLES, World, catalog, entry

ID = "0123456789abcdef"
WITH_CODE = entry("one", links={"code": "https://a.test/code"})
ONE, TWO, THREE = entry("one", topics=("a",)), entry("two", topics=("b",)), entry("three", topics=("c",))
LIST = catalog(ONE, TWO, THREE)


@pytest.fixture(params=KINDS)
def there(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[World]:
    with world_of(request.param, tmp_path, settings=Settings(zotero=Zotero(links=True))) as one:
        yield one


def item(key: str) -> str:
    return client_key(ID, "item", key)


def shelf(topic: str) -> str:
    return client_key(ID, "collection", topic)


def places(there: World, key: str) -> set[str]:
    return set(there.all("items")[item(key)]["collections"])


def told(report: Report) -> list[str]:
    return [f"{one.key}: {one.why}" for one in report.plan.changes if one.sign == "!"]


def merge(there: World, loser: str, winner: str) -> None:
    """A person merges two items, as Zotero does it."""
    items = there.all("items")
    there.edit(
        "items", winner, collections=sorted({*items[winner]["collections"], *items[loser]["collections"]}),
        relations={"dc:replaces": [f"http://zotero.org/users/{there.server.user}/items/{loser}"]},
    )  # fmt: skip
    there.edit("items", loser, deleted=True)


# ---------------------------------------------------------------------------------------------------------------
# Keys


@pytest.mark.parametrize("is_lost", [False, True], ids=["base", "no base"])
def test_an_entry_with_another_key_keeps_its_links(is_lost: bool, there: World) -> None:
    there.sync(catalog(WITH_CODE))
    if is_lost:
        there.files(ID).base.unlink()
    renamed = catalog(replace(WITH_CODE, key="uno", aliases=("one",)))
    there.sync(renamed)
    links = [one for one in there.all("items").values() if one["itemType"] == "attachment"]
    assert [one["url"] for one in links] == ["https://a.test/code"]
    assert there.sync(renamed).plan.changes == ()
    moved = catalog(replace(WITH_CODE, key="uno", aliases=("one",), links={"code": "https://b.test/code"}))
    there.sync(moved)
    links = [one for one in there.all("items").values() if one["itemType"] == "attachment"]
    assert [one["url"] for one in links] == ["https://b.test/code"]


def test_of_two_entries_that_became_one_the_second_item_is_retired_and_comes_back(there: World) -> None:
    there.sync(LIST)
    joined = catalog(replace(ONE, aliases=("two",), topics=("a", "b")), THREE)
    there.sync(joined)
    assert (places(there, "one"), places(there, "two")) == ({shelf("a"), shelf("b")}, {shelf(RETIRED)})
    assert there.sync(joined).plan.changes == ()
    there.sync(LIST)
    assert (places(there, "one"), places(there, "two")) == ({shelf("a")}, {shelf("b")})


def test_of_two_entries_that_became_one_an_item_that_a_person_worked_on_is_told(there: World) -> None:
    there.sync(LIST)
    there.edit("items", item("two"), title="Mine")
    joined = catalog(replace(ONE, aliases=("two",), topics=("a", "b")), THREE)
    assert told(there.sync(joined)) == ["two: it is no longer in the list, and stays: its title was changed in Zotero"]
    assert places(there, "two") == {shelf("b")}
    assert there.sync(joined).plan.changes == ()


def test_of_two_entries_that_became_one_the_living_item_counts(there: World) -> None:
    there.sync(LIST)
    there.edit("items", item("one"), deleted=True)
    there.sync(LIST)
    joined = catalog(replace(ONE, aliases=("two",), topics=("a", "b")), THREE)
    there.sync(joined)
    assert places(there, "two") == {shelf("a"), shelf("b")}
    assert there.all("items")[item("one")]["deleted"]
    assert there.sync(joined).plan.changes == ()


def test_a_link_of_an_entry_that_comes_back_under_another_key_is_not_doubled(there: World) -> None:
    there.sync(catalog(WITH_CODE))
    there.sync(catalog(TWO))
    there.sync(catalog(replace(WITH_CODE, key="again"), TWO))
    assert [one["itemType"] for one in there.all("items").values()].count("attachment") == 1


def test_a_link_to_the_same_address_is_not_doubled_whoever_made_it(there: World) -> None:
    without = catalog(replace(WITH_CODE, links={}))
    there.sync(without)
    link = {"itemType": "attachment", "linkMode": "linked_url", "title": "Mine", "url": "https://a.test/code"}
    there.add("items", {**link, "parentItem": item("one")})
    there.sync(catalog(WITH_CODE))
    links = [one for one in there.all("items").values() if one["itemType"] == "attachment"]
    assert [one["title"] for one in links] == ["Mine"]


# ---------------------------------------------------------------------------------------------------------------
# Merged by a person


def test_an_item_that_stands_for_two_entries_is_in_the_collections_of_both(there: World) -> None:
    there.sync(LIST)
    merge(there, item("two"), item("one"))
    there.sync(LIST)
    assert places(there, "one") == {shelf("a"), shelf("b")}
    moved = catalog(replace(ONE, topics=("c",)), replace(TWO, topics=("a",)), THREE)
    report = there.sync(moved)
    assert (places(there, "one"), report.writes) == ({shelf("a"), shelf("c")}, 1)
    assert there.sync(moved).plan.changes == ()
    there.edit("items", item("one"), collections=[shelf("a"), shelf("b"), shelf("c")])
    assert there.sync(moved).plan.changes == (), "a person put it back"


def test_a_collection_that_a_person_left_before_merging_stays_left(there: World) -> None:
    there.sync(LIST)
    there.edit("items", item("two"), collections=[])
    merge(there, item("two"), item("one"))
    there.sync(LIST)
    assert places(there, "one") == {shelf("a")}


def test_what_is_known_of_an_entry_that_left_is_forgotten_when_its_collections_are_gone(there: World) -> None:
    there.sync(LIST)
    merge(there, item("two"), item("one"))
    there.sync(LIST)
    with there.library() as library:
        seen = library.seen()
    base = BaseFile(there.files(ID).base, there.place.owner(ID)).load()
    one = replace(base.records["item", "one"], collections=(shelf("a"),))  # by two it was put into b
    two = replace(base.records["item", "two"], collections=(shelf("b"),))
    base = replace(base, records={**base.records, ("item", "one"): one, ("item", "two"): two})
    wanted = desired(catalog(ONE, THREE), TABLES, there.settings)
    first = plan(wanted, seen, base)
    assert [write.data for write in first.writes] == [{"collections": [shelf("a")]}]
    assert ("item", "two") not in first.records, "killed here, b would be taken for a person's place"
    items = {**seen.items, item("one"): {**seen.items[item("one")], "collections": [shelf("a")]}}
    assert plan(wanted, replace(seen, items=items), base).records["item", "two"] is None


def test_one_of_two_entries_of_an_item_leaves_the_list(there: World) -> None:
    there.sync(LIST)
    merge(there, item("two"), item("one"))
    there.sync(LIST)
    assert told(there.sync(catalog(ONE, THREE))) == []
    assert places(there, "one") == {shelf("a")}
    (mine,) = there.add("collections", {"name": "Mine"})
    there.edit("items", item("one"), collections=[shelf("a"), shelf("b"), mine])
    there.sync(catalog(ONE, THREE))
    assert places(there, "one") == {shelf("a"), shelf("b"), mine}, "a person put it there"


# ---------------------------------------------------------------------------------------------------------------
# What a person did is a decision, until it is asked back


def test_restore_brings_names_and_places_of_collections_back(there: World) -> None:
    there.sync(LIST)
    there.edit("collections", shelf("b"), name="Tiny", parentCollection=False)
    there.sync(LIST)
    assert there.all("collections")[shelf("b")]["name"] == "Tiny"
    there.sync(LIST, restore=True)
    data = there.all("collections")[shelf("b")]
    assert (data["name"], data["parentCollection"]) == ("Small Ones", shelf("a"))
    assert there.sync(LIST).plan.changes == ()


def test_restore_puts_an_item_back_that_a_person_moved(there: World) -> None:
    there.sync(LIST)
    (mine,) = there.add("collections", {"name": "Mine"})
    there.edit("items", item("one"), collections=[mine])
    there.sync(LIST)
    assert places(there, "one") == {mine}
    there.sync(LIST, restore=True)
    assert places(there, "one") == {mine, shelf("a")}


def test_a_collection_in_a_trashed_one_is_left_alone(there: World) -> None:
    there.sync(LIST)
    there.edit("collections", shelf("a"), deleted=True)
    renamed = catalog(*LIST.entries, topics={"a": "Models", "b": "Models > Tiny Ones", "c": "Data"})
    there.sync(renamed)
    assert there.all("collections")[shelf("b")]["name"] == "Small Ones"


def test_blank_lines_and_order_of_a_persons_extra_stay(there: World) -> None:
    preprint = {"ids": {"arxiv": "2101.00001"}}
    there.sync(catalog(replace(ONE, **preprint)))
    line = there.all("items")[item("one")]["extra"]
    assert "2101.00001" in line
    there.edit("items", item("one"), extra=f"First\n\n{line}\n\n  Second")
    there.sync(catalog(replace(ONE, ids={"arxiv": "2101.00009"})))
    assert (
        there.all("items")[item("one")]["extra"] == f"First\n\n{line.replace('2101.00001', '2101.00009')}\n\n  Second"
    )


def test_a_link_that_is_no_longer_wanted_is_told_and_stays(there: World) -> None:
    there.sync(catalog(WITH_CODE))
    without = catalog(replace(WITH_CODE, links={}))
    assert told(there.sync(without)) == [
        "one code: it is no longer in the list, and stays: delete it in Zotero if it is not wanted"
    ]
    assert there.sync(without).plan.changes == ()
    assert told(there.sync(catalog(WITH_CODE))) == []
    assert sum(one["itemType"] == "attachment" for one in there.all("items").values()) == 1


def test_a_persons_collection_that_served_as_root_is_not_removed_with_its_topic(there: World) -> None:
    (mine,) = there.add("collections", {"name": "Mine"})
    there.sync(LIST, root="Mine")
    base = there.files(ID).base
    # As a topic that left the list: the root itself cannot.
    base.write_text(base.read_text().replace('"id": "", "key"', '"id": "gone", "key"'))
    there.sync(LIST, is_forced=True)
    assert mine in there.all("collections")


# ---------------------------------------------------------------------------------------------------------------
# Runs taken back out of order


def test_what_a_later_run_changed_is_taken_back_first(there: World) -> None:
    first = there.sync(LIST).run
    second = there.sync(catalog(replace(ONE, title="Another Title of the Study"), TWO, THREE)).run
    third = there.sync(catalog(replace(ONE, title="A Third Title of the Study"), TWO, THREE)).run
    assert first and second and third
    assert told(there.undo(ID, second)) == [
        f"one: stays: its title was changed by run {third}; take that back first: refsync undo {third}"
    ]
    assert not Journal(there.files(ID).journal).run(second).is_undone
    for number in (third, second):
        assert told(there.undo(ID, number)) == []
        assert Journal(there.files(ID).journal).run(number).is_undone
    assert there.all("items")[item("one")]["title"] == ONE.title


def test_another_type_under_another_venue_is_one_write_and_is_taken_back_whole(there: World) -> None:
    there.sync(LIST)
    before = there.shown()
    journal = Venue(name="A Journal", kind="journal")
    report = there.sync(catalog(replace(ONE, kind="article", venue=journal), TWO, THREE))
    assert (there.all("items")[item("one")]["publicationTitle"], report.writes) == ("A Journal", 1)
    assert report.run
    assert there.undo(ID, report.run).refused == {}
    assert there.shown() == before


def test_a_run_is_taken_back_after_collections_of_then_are_gone(there: World) -> None:
    there.sync(LIST)
    number = there.sync(catalog(replace(ONE, topics=("c",), tags=("new",)), replace(TWO, tags=("new",)), THREE)).run
    assert number
    there.delete("collections", shelf("a"))
    report = there.undo(ID, number)
    assert report.refused == {}
    assert [one.split(":")[0] for one in told(report)] == ["one"]
    items = there.all("items")
    assert (items[item("one")]["collections"], items[item("one")]["tags"]) == ([shelf("c")], [])
    assert items[item("two")]["tags"] == []


def test_an_item_that_goes_by_another_key_now_is_taken_back_and_comes_again(there: World) -> None:
    number = there.sync(LIST).run
    assert number
    renamed = catalog(replace(ONE, key="uno", aliases=("one",)), TWO, THREE)
    second = there.sync(renamed).run
    assert second
    there.undo(ID, second)
    there.undo(ID, number)
    assert all(one.get("deleted") for one in there.all("items").values())
    there.sync(renamed)
    assert not there.all("items")[item("one")].get("deleted")
    assert told(there.sync(renamed)) == []


# ---------------------------------------------------------------------------------------------------------------
# An answer that never came


def sent() -> Base:
    """A base of an item that was about to be moved from X to Y, and to be called another title."""
    old = Record(what="item", id="one", key="K", fields={"title": "Old"}, collections=("X",), tags=("t",))
    new = replace(old, fields={"title": "New"}, collections=("Y",), tags=("u",))
    owner = Owner(server="s", library="users/1", catalog=ID)
    id = ("item", "one")
    return Base(owner=owner, records={id: old}, pending={id: new})  # type: ignore[dict-item]


@pytest.mark.parametrize(
    ("title", "collections", "tags", "expected"),
    [
        ("Old", ["X"], ["t"], ("Old", ("X",), ("t",))),  # it never arrived
        ("New", ["Y"], ["u"], ("New", ("Y",), ("u",))),  # it did
        ("New", ["X", "Y"], ["u"], ("New", ("Y",), ("u",))),  # and a person put it back into X
        ("New", ["X"], ["u"], ("New", ("Y",), ("u",))),  # and took it out of Y
        ("Mine", ["Y"], ["t", "u"], ("Old", ("Y",), ("u",))),  # and gave it a title and a tag
        ("Mine", ["X", "Z"], ["t"], ("Old", ("X",), ("t",))),  # a person did, and it never arrived
    ],
)
def test_how_far_a_write_came(
    title: str, collections: list[str], tags: list[str], expected: tuple[object, ...]
) -> None:
    data = {"title": title, "collections": collections, "tags": [{"tag": one} for one in tags], "version": 3}
    found = settled(sent(), Seen(version=3, collections={}, items={"K": data})).records["item", "one"]
    assert (found.fields["title"], found.collections, found.tags) == expected


def test_a_write_of_something_that_is_gone_never_arrived() -> None:
    base = sent()
    assert settled(base, Seen(version=3, collections={}, items={})).records == base.records


# ---------------------------------------------------------------------------------------------------------------
# Cut, killed, refused


class Killed(BaseException):
    """Stands for a sudden end of the process."""


@dataclass
class Fault:
    """What befalls the next request that writes items: it is answered 503, before or after it was carried out, or each object
    in it is refused; a person may act just then."""

    is_armed: bool = False
    is_carried_out: bool = True
    is_refusal: bool = False
    then: Callable[[], None] = lambda: None

    def around(self, app: Any) -> Any:
        """The server behind it."""

        def answer(environ: Any, start: Any) -> Iterable[bytes]:
            if not (self.is_armed and environ["REQUEST_METHOD"] == "POST" and environ["PATH_INFO"].endswith("/items")):
                return app(environ, start)  # type: ignore[no-any-return]
            if self.is_refusal:
                count = len(json.loads(environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"]))))
                failed = {str(at): {"code": 413, "message": "Too large"} for at in range(count)}
                body = json.dumps({"successful": {}, "success": {}, "unchanged": {}, "failed": failed}).encode()
                version = ("Last-Modified-Version", environ["HTTP_IF_UNMODIFIED_SINCE_VERSION"])
                start("200 OK", [("Content-Type", "application/json"), version])
                return [body]
            self.is_armed = False
            if self.is_carried_out:
                list(app(environ, lambda *_: lambda _: None))
            self.then()
            start("503 Service Unavailable", [("Content-Type", "text/plain")])
            return [b""]

        return answer


@pytest.fixture(params=KINDS)
def faulty(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[World, Fault]]:
    fault = Fault()
    with world_of(request.param, tmp_path, fault.around) as there:
        yield there, fault


def test_what_an_undo_without_an_answer_took_back_comes_again(faulty: tuple[World, Fault]) -> None:
    there, fault = faulty
    number = there.sync(LIST).run
    assert number
    fault.is_armed = True
    there.undo(ID, number)
    assert told(there.sync(LIST)) == []
    assert places(there, "one") == {shelf("a")}
    assert not there.all("items")[item("one")].get("deleted")


def test_an_undo_that_was_killed_is_continued(faulty: tuple[World, Fault], monkeypatch: pytest.MonkeyPatch) -> None:
    there, _ = faulty
    number = there.sync(LIST).run
    assert number

    def killed(batch: Any, *more: Any) -> None:
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(applying, "_learn", killed)
        with pytest.raises(Killed):
            there.undo(ID, number)
    there.undo(ID, number)
    there.sync(LIST)
    assert places(there, "one") == {shelf("a")}


@pytest.mark.parametrize("is_undo", [True, False], ids=["undo", "sync"])
def test_a_removal_that_was_killed_is_refsyncs_own(
    is_undo: bool, faulty: tuple[World, Fault], monkeypatch: pytest.MonkeyPatch
) -> None:
    there, _ = faulty
    number = there.sync(LIST).run
    assert number

    def killed(*_: Any) -> None:
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(BaseFile, "forget", killed)
        with pytest.raises(Killed):
            if is_undo:
                there.undo(ID, number)
            else:
                there.sync(catalog(ONE, TWO, replace(THREE, topics=("a",)), topics={"a": "Models", "b": "Models > B"}))
    there.sync(LIST)
    assert told(there.sync(LIST)) == []
    assert places(there, "three") == {shelf("c")}


def test_what_is_refused_keeps_its_collection(faulty: tuple[World, Fault]) -> None:
    there, fault = faulty
    there.sync(LIST)
    moved = catalog(ONE, TWO, replace(THREE, topics=("a",)), topics={"a": "Models", "b": "Models > Small Ones"})
    fault.is_armed = fault.is_refusal = True
    assert ("item", "three") in there.sync(moved).refused
    assert places(there, "three") == {shelf("c")}
    fault.is_armed = False
    there.sync(moved)
    assert places(there, "three") == {shelf("a")}
    assert shelf("c") not in there.all("collections")


def test_what_a_person_does_during_the_run_is_told(faulty: tuple[World, Fault]) -> None:
    there, fault = faulty
    there.sync(LIST)
    fault.is_armed, fault.is_carried_out = True, False
    fault.then = lambda: there.edit("items", item("one"), title="Mine")
    new = catalog(replace(ONE, title="A Brand New Title"), replace(TWO, title="Another Brand New Title"), THREE)
    assert told(there.sync(new)) == ["one: changed in Zotero: kept"]
    assert there.all("items")[item("one")]["title"] == "Mine"


def test_an_item_that_a_person_merged_theirs_into_is_not_taken_back(there: World) -> None:
    number = there.sync(catalog(ONE)).run
    assert number
    (mine,) = there.add("items", {"itemType": "conferencePaper", "title": ONE.title})
    merge(there, mine, item("one"))
    assert told(there.undo(ID, number))[0] == "one: stays: another item was merged into it in Zotero"
    assert not there.all("items")[item("one")].get("deleted")


def test_a_link_that_the_list_calls_otherwise_is_the_same_link(there: World) -> None:
    def with_links(**links: str) -> Any:
        return catalog(replace(WITH_CODE, links=links))

    def shown() -> set[tuple[str, str]]:
        return {(one["title"], one["url"]) for one in there.all("items").values() if one["itemType"] == "attachment"}

    there.sync(with_links(code="https://a.test/c"))
    assert told(there.sync(with_links(github="https://a.test/c"))) == []
    assert shown() == {("github", "https://a.test/c")}
    there.sync(with_links(code="https://a.test/c"))
    both = with_links(github="https://a.test/c", code="https://b.test/")
    there.sync(both)
    assert {url for _, url in shown()} == {"https://a.test/c", "https://b.test/"}
    assert there.sync(both).plan.changes == ()


def test_what_another_maintainer_retired_comes_back(tmp_path: Path) -> None:
    with world_of("user", tmp_path) as there:
        for one in (LIST, catalog(ONE, TWO)):
            there.sync(one, "a")
            assert told(there.sync(one, "b")) == []
        there.sync(LIST, "b")
        assert places(there, "three") == {shelf("c")}


def test_an_item_of_a_persons_with_the_citation_key_is_theirs(faulty: tuple[World, Fault]) -> None:
    there, fault = faulty
    there.sync(catalog(TWO))
    (book,) = there.add("items", {"itemType": "book", "title": "A Cookery Book", "citationKey": "one"})
    fault.is_armed, fault.is_carried_out = True, False
    fault.then = lambda: there.edit("items", book, edition="2")
    there.sync(LIST)
    there.sync(catalog(replace(ONE, abstract="Of networks"), TWO, THREE))
    items = there.all("items")
    assert (items[book]["abstractNote"], items[book]["tags"]) == ("", [])
    assert sorted(one["title"] for one in items.values()) == sorted(
        ["A Cookery Book", *(one.title for one in LIST.entries)]
    )


def test_a_collection_is_not_put_into_one_that_a_person_has_put_beneath_it(there: World) -> None:
    there.sync(LIST)
    there.edit("collections", shelf("c"), parentCollection=shelf("b"))
    moved = catalog(*LIST.entries, topics={"c": "Data", "a": "Data > Models", "b": "Data > Models > Small Ones"})
    assert [one.split(":")[0] for one in told(there.sync(moved))] == ["Data", "Data > Models"]
    shelves = there.all("collections")
    assert (shelves[shelf("c")]["parentCollection"], shelves[shelf("a")]["parentCollection"]) == (shelf("b"), shelf(""))
    assert there.sync(moved).plan.changes == ()
