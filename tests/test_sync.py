"""What a sync does to a library, and what it leaves to the person whose library it is."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from refsync.model import Date, Failure, Venue
from refsync.settings import Settings, Zotero
from refsync.sync.base import Base
from refsync.sync.desired import RETIRED, RETIRED_NAME, ROOT, desired
from refsync.sync.items import whole
from refsync.sync.plan import plan
from refsync.sync.seen import client_key
from tests.desktop import KINDS, world_of
from tests.library import TABLES, World, catalog, differences, entry, world

ID = "0123456789abcdef"


@pytest.fixture(params=KINDS)
def there(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[World]:
    with world_of(request.param, tmp_path) as one:
        yield one


def item(key: str) -> str:
    return client_key(ID, "item", key)


def shelf(topic: str) -> str:
    return client_key(ID, "collection", topic)


LIST = catalog(
    entry("one", topics=("a", "c"), tags=("nlp", "fast")),
    entry("two", topics=("b",), ids={"doi": "10.1234/two", "arxiv": "2101.00002"}),
    entry(
        "three", topics=("c",), kind="preprint", venue=Venue(name="arXiv", kind="preprint"), ids={"arxiv": "2101.00003"}
    ),
)


def test_an_empty_library_holds_the_catalog_and_a_second_run_does_nothing(there: World) -> None:
    report = there.sync(LIST)
    assert differences(there, desired(LIST, TABLES, Settings())) == []
    assert report.plan.counts["create"] == 7
    version = there.version
    again = there.sync(LIST)
    reads = 2 if there.place.kind == "desktop" else 1  # the desktop has no list of what was deleted
    assert (again.plan.changes, again.reads, again.writes, again.run) == ((), reads, 0, None)
    assert there.version == version


def test_only_what_changed_is_sent(there: World) -> None:
    there.sync(LIST)
    changed = catalog(replace(LIST.entries[0], date=Date(year=2022)), *LIST.entries[1:])
    report = there.sync(changed)
    (change,) = report.plan.changes
    assert (change.sign, change.key, dict(change.fields)) == ("~", "one", {"date": ("2021", "2022")})
    assert report.reads + report.writes <= 3
    assert differences(there, desired(changed, TABLES, Settings())) == []


def test_what_the_list_no_longer_says_is_emptied(there: World) -> None:
    there.sync(LIST)
    bare = catalog(replace(LIST.entries[0], authors=(), date=None, venue=None, tags=()), *LIST.entries[1:])
    assert there.sync(bare).refused == {}
    data = there.all("items")[item("one")]
    assert (data["creators"], data["date"], data["proceedingsTitle"], data["tags"]) == ([], "", "", [])
    assert there.sync(bare).plan.changes == ()


def test_a_persons_edit_is_kept_and_told_once(there: World) -> None:
    there.sync(LIST)
    there.edit("items", item("one"), title="As I Call It", abstractNote="Mine")
    changed = catalog(
        replace(LIST.entries[0], title="As the List Calls it Now", date=Date(year=2022)), *LIST.entries[1:]
    )
    told = [one for one in there.sync(changed).plan.changes if one.sign == "!"]
    assert [one.key for one in told] == ["one"]
    data = there.all("items")[item("one")]
    assert (data["title"], data["abstractNote"], data["date"]) == ("As I Call It", "Mine", "2022")
    again = there.sync(changed)
    assert again.plan.changes == ()
    assert again.plan.counts["conflict"] == 1


def test_tags_and_collections_are_joined(there: World) -> None:
    there.sync(LIST)
    (mine,) = there.add("collections", {"name": "Mine"})
    there.edit(
        "items", item("one"), tags=[{"tag": "fast"}, {"tag": "read"}, {"tag": "auto", "type": 1}],
        collections=[shelf("c"), mine],
    )  # fmt: skip
    changed = catalog(replace(LIST.entries[0], tags=("nlp", "fast", "new"), topics=("a", "b")), *LIST.entries[1:])
    there.sync(changed)
    data = there.all("items")[item("one")]
    assert {one["tag"] for one in data["tags"]} == {"fast", "read", "auto", "new"}, "nlp was removed by the person"
    assert set(data["collections"]) == {mine, shelf("b")}, "a was left by the person, c by the list"
    assert there.sync(changed).plan.changes == ()


def test_a_tag_that_is_there_as_an_automatic_one_is_not_doubled(there: World) -> None:
    there.sync(LIST)
    there.edit("items", item("two"), tags=[{"tag": "new", "type": 1}])
    there.sync(catalog(LIST.entries[0], replace(LIST.entries[1], tags=("new",)), LIST.entries[2]))
    assert there.all("items")[item("two")]["tags"] == [{"tag": "new", "type": 1}]


@pytest.mark.parametrize("how", ["trashed", "deleted"])
def test_what_a_person_removed_stays_away_until_it_is_asked_back(how: str, there: World) -> None:
    there.sync(LIST)
    if how == "trashed":
        there.edit("items", item("one"), deleted=1)
        there.edit("collections", shelf("b"), deleted=True)
    else:
        there.delete("items", item("one"))
        there.delete("collections", shelf("b"))
    report = there.sync(LIST)
    assert {one.key for one in report.plan.changes if one.sign == "!"} >= {"one", "Models > Small Ones"}
    assert report.writes == 0
    assert there.sync(LIST).plan.changes == ()
    there.sync(LIST, restore=True)
    assert differences(there, desired(LIST, TABLES, Settings())) == []


def test_a_renamed_topic_is_an_update_and_a_persons_name_stays(there: World) -> None:
    there.sync(LIST)
    there.edit("collections", shelf("c"), name="My Data")
    renamed = replace(
        LIST, topics=catalog(topics={"a": "Networks", "b": "Networks > Small Ones", "c": "Datasets"}).topics
    )
    there.sync(renamed)
    names = {key: data["name"] for key, data in there.all("collections").items()}
    assert (names[shelf("a")], names[shelf("c")]) == ("Networks", "My Data")
    assert there.sync(renamed).plan.changes == ()


def test_entries_that_left_the_list(there: World) -> None:
    there.sync(LIST)
    there.edit("items", item("two"), tags=[{"tag": "mine"}])
    there.sync(catalog(LIST.entries[2]))
    items, collections = there.all("items"), there.all("collections")
    gone = shelf(RETIRED)
    assert collections[gone]["name"] == RETIRED_NAME
    assert items[item("one")]["collections"] == [gone]
    assert items[item("two")]["collections"] == [shelf("b")], "a person has worked on it"
    assert not any(data.get("deleted") for data in items.values())
    assert there.sync(catalog(LIST.entries[2])).plan.changes == ()
    there.sync(LIST)
    assert set(there.all("items")[item("one")]["collections"]) == {shelf("a"), shelf("c")}, "and it is back"


def test_a_topic_that_left_the_list(there: World) -> None:
    there.sync(LIST)
    fewer = catalog(
        replace(LIST.entries[0], topics=("a",)), replace(LIST.entries[1], topics=("a",)), replace(LIST.entries[2], topics=("a",)),
        topics={"a": "Models"},
    )  # fmt: skip
    there.add("items", {"itemType": "book", "title": "Mine", "collections": [shelf("c")]})
    there.sync(fewer)
    assert set(there.all("collections")) == {shelf(ROOT), shelf("a"), shelf("c")}, "c holds a book of the person's"
    assert there.sync(fewer).plan.changes == ()


def test_a_persons_collection_is_never_renamed_and_never_deleted(there: World) -> None:
    there.sync(LIST)
    (mine,) = there.add("collections", {"name": "Mine", "parentCollection": shelf("c")})
    there.edit("collections", mine, deleted=True)
    there.sync(catalog(*(replace(one, topics=("a",)) for one in LIST.entries), topics={"a": "Models"}))
    assert {mine, shelf("c")} <= set(there.all("collections")), "it lies in the trash, and can be taken out"


def test_a_collection_that_was_named_keeps_its_name(there: World) -> None:
    (mine,) = there.add("collections", {"name": "Mine"})
    named = desired(LIST, TABLES, Settings(zotero=Zotero(collection="Mine")))
    there.sync(named, root="Mine")
    assert there.all("collections")[shelf("a")]["parentCollection"] == mine
    there.sync(LIST)
    assert there.all("collections")[mine]["name"] == "Mine"
    assert there.sync(LIST).writes == 0


def test_an_item_of_which_a_person_removed_a_tag_stays_where_it_is(there: World) -> None:
    there.sync(LIST)
    there.edit("items", item("one"), tags=[{"tag": "fast"}])
    there.sync(catalog(*LIST.entries[1:]))
    assert set(there.all("items")[item("one")]["collections"]) == {shelf("a"), shelf("c")}


def test_a_lost_base_changes_and_removes_nothing(there: World) -> None:
    there.sync(LIST)
    there.edit("items", item("one"), title="Mine", abstractNote="Mine")
    there.files(ID).base.unlink()
    changed = catalog(
        replace(LIST.entries[0], title="Another Title of the List", pages="1-2", topics=("a",)), *LIST.entries[1:]
    )
    report = there.sync(changed)
    data = there.all("items")[item("one")]
    assert (data["title"], data["pages"], data["abstractNote"]) == ("Mine", "1-2", "Mine"), (
        "only what is empty is filled"
    )
    assert shelf("c") in data["collections"]
    assert [one.key for one in report.plan.changes if one.sign == "!"] == ["one"]
    assert len(there.all("items")) == 3
    assert there.sync(changed).plan.changes == ()


def test_a_preprint_that_was_published_becomes_a_paper(there: World) -> None:
    there.sync(LIST)
    published = replace(
        LIST.entries[2], kind="conference-paper", venue=Venue(name="European Conference on Computer Vision", short="ECCV", kind="conference")
    )  # fmt: skip
    changed = catalog(*LIST.entries[:2], published)
    there.sync(changed)
    assert differences(there, desired(changed, TABLES, Settings())) == []


@pytest.mark.parametrize("edit", [{"abstractNote": "Mine"}, {"genre": "Mine"}, {"itemType": "report"}])
def test_a_type_is_not_changed_under_a_persons_edit(edit: dict[str, str], there: World) -> None:
    there.sync(LIST)
    there.edit("items", item("three"), **edit)
    before = there.all("items")[item("three")]
    changed = catalog(
        *LIST.entries[:2], replace(LIST.entries[2], kind="article", venue=Venue(name="A Journal", kind="journal"))
    )
    report = there.sync(changed)
    after = there.all("items")[item("three")]
    assert after["itemType"] == before["itemType"]
    assert all(after[name] == value for name, value in edit.items())
    assert "three" in {one.key for one in report.plan.changes if one.sign == "!"}
    assert there.sync(changed).plan.changes == ()


MINE = {
    "itemType": "journalArticle", "title": "A Study of Two in Large Networks", "DOI": "10.1234/TWO", "tags": [{"tag": "mine"}],
    "creators": [{"creatorType": "author", "firstName": "A.", "lastName": "Two"}], "citationKey": "mykey",
}  # fmt: skip


def test_an_item_of_a_persons_is_adopted(there: World) -> None:
    (key,) = there.add("items", MINE)
    report = there.sync(LIST)
    data = there.all("items")[key]
    assert len(there.all("items")) == 3
    assert (data["itemType"], data["citationKey"], data["date"]) == ("journalArticle", "mykey", "2021")
    assert data["creators"][0]["firstName"] == "A."
    assert [one["tag"] for one in data["tags"]] == ["mine"]
    assert data["collections"] == [shelf("b")]
    (told,) = [one for one in report.plan.changes if one.sign == "!"]
    assert told.line == "two: {key: mykey}"
    assert there.sync(LIST).plan.changes == ()
    there.sync(catalog(LIST.entries[0]))
    assert there.all("items")[key]["collections"] == [shelf("b")], "what is a person's is never moved away"


def test_a_persons_line_separators_do_not_break_the_base(there: World) -> None:
    there.sync(LIST)
    there.edit("items", item("one"), title="Mine\u2028and\x85mine")
    there.sync(catalog(replace(LIST.entries[0], title="Another of the List"), *LIST.entries[1:]))
    assert there.sync(catalog(replace(LIST.entries[0], title="Another of the List"), *LIST.entries[1:])).writes == 0


def test_what_a_person_empties_in_an_item_of_theirs_stays_empty(there: World) -> None:
    (key,) = there.add("items", {**MINE, "url": "https://mine.test/", "extra": "arXiv: 2101.00002"})
    there.sync(LIST)
    there.edit("items", key, url="", extra="", citationKey="")
    assert there.sync(LIST).writes == 0
    data = there.all("items")[key]
    assert (data["url"], data["extra"], data["citationKey"]) == ("", "", "")


@pytest.mark.parametrize(
    ("mine", "is_it"),
    [
        ({"title": "Two Studies", "DOI": "10.1234/two"}, False),  # an identifier that was copied
        ({"title": "A study of two in large networks", "date": "2021"}, True),
        ({"title": "A study of two in large networks", "date": "2014"}, False),
        ({"title": "A Study of Two in Large Networks", "extra": "arXiv: 2101.00002"}, True),
        ({"title": "A Study of Two in Large Networks", "url": "https://arxiv.org/abs/2101.00002v3"}, True),
        ({"title": "Something Else Entirely of Old", "citationKey": "two"}, False),
        ({"title": "A Study of Two in Large Networks", "deleted": 1}, False),
    ],
)
def test_what_is_the_work_of_an_entry(mine: dict[str, object], is_it: bool, there: World) -> None:
    (key,) = there.add("items", {"itemType": "document", **mine})
    there.sync(LIST)
    assert len(there.all("items")) == (3 if is_it else 4)
    assert bool(there.all("items")[key]["collections"]) is is_it


def test_of_several_items_the_one_with_most_children_is_adopted(there: World) -> None:
    keys = there.add("items", MINE, MINE, MINE)
    there.add("items", {"itemType": "note", "note": "mine", "parentItem": keys[1]})
    report = there.sync(LIST)
    assert there.all("items")[keys[1]]["collections"] == [shelf("b")]
    assert any("3 items of the library" in one.why for one in report.plan.changes)
    assert there.sync(LIST).plan.changes == ()


def test_a_merge_in_zotero_is_followed(there: World) -> None:
    there.sync(LIST)
    uri = f"http://zotero.org/users/{there.server.user}/items/{item('two')}"
    (key,) = there.add("items", {**MINE, "relations": {"dc:replaces": uri}, "collections": [shelf("b")]})
    there.edit("items", item("two"), deleted=1)
    report = there.sync(LIST)
    assert not [one for one in report.plan.changes if "trash" in one.why]
    assert len([one for one in there.all("items").values() if not one.get("deleted")]) == 3
    changed = catalog(LIST.entries[0], replace(LIST.entries[1], topics=("c",)), LIST.entries[2])
    there.sync(changed)
    assert shelf("c") in there.all("items")[key]["collections"]
    assert there.sync(changed).plan.changes == ()


def test_an_item_that_happens_to_have_the_key_of_an_entry_is_left_alone(there: World) -> None:
    there.add(
        "items", {"itemType": "book", "key": item("one"), "version": 0, "title": "Quite Another Thing of a Person"}
    )
    before = there.all("items")[item("one")]
    there.sync(LIST)
    assert there.all("items")[item("one")] == before
    titles = sorted(one["title"] for one in there.all("items").values())
    assert titles.count("A Study of One in Large Networks") == 1
    there.files(ID).base.unlink()
    assert there.sync(LIST).writes == 0


def test_two_lists_share_a_library(there: World) -> None:
    there.sync(LIST)
    other = replace(
        catalog(replace(LIST.entries[1], key="zwei", title="A Study of Two in Large Networks: Again"), id="f" * 16),
        title="B",
    )
    there.sync(other, who="b")
    data = there.all("items")[item("two")]
    assert len(there.all("items")) == 3
    assert data["title"] == "A Study of Two in Large Networks"
    assert len(data["collections"]) == 2
    for one, who in ((LIST, "a"), (other, "b"), (LIST, "a")):
        assert there.sync(one, who=who).plan.changes == ()


def test_a_second_maintainer_without_the_base_doubles_nothing(there: World) -> None:
    there.sync(LIST)
    assert there.sync(LIST, who="b").writes == 0
    changed = catalog(replace(LIST.entries[0], date=Date(year=2022)), *LIST.entries[1:])
    there.sync(changed, who="b")
    there.sync(changed, who="a")
    assert there.all("items")[item("one")]["date"] == "2022"
    assert len(there.all("items")) == 3


def test_links_become_attachments(tmp_path: Path) -> None:
    with world(tmp_path, settings=Settings(zotero=Zotero(links=("code", "project")))) as there:
        linked = catalog(
            entry(
                "one", links={"paper": "https://a.test/p.pdf", "code": "https://a.test/c", "slides": "https://a.test/s"}
            )
        )
        there.sync(linked)
        assert differences(there, desired(linked, TABLES, there.settings)) == []
        (child,) = [one for one in there.all("items").values() if one["itemType"] == "attachment"]
        assert (child["linkMode"], child["title"], child["url"]) == ("linked_url", "code", "https://a.test/c")
        assert there.sync(linked).plan.changes == ()
        there.edit("items", child["key"], title="Mine")
        moved = catalog(entry("one", links={"paper": "https://a.test/p.pdf", "code": "https://a.test/c2"}))
        there.sync(moved)
        child = there.all("items")[child["key"]]
        assert (child["title"], child["url"]) == ("Mine", "https://a.test/c2")


def test_what_the_server_would_refuse_is_told_before_anything_is_sent(there: World) -> None:
    long = catalog(
        entry(
            "one", topics=("a",), tags=("x" * 300, "fine"), abstract="y" * 70_000, title="Café au\u0301 lait\nfor two"
        ),
        topics={"a": "N" * 300},
    )
    wanted = desired(long, TABLES, Settings())
    assert len(wanted.problems) == 3
    assert there.sync(wanted).refused == {}
    data = there.all("items")[item("one")]
    assert (data["title"], data["abstractNote"]) == ("Café aú lait for two", "")
    assert there.sync(long).plan.changes == ()


def test_the_first_write_into_a_library_in_use_is_asked(there: World) -> None:
    there.add("items", MINE)
    before = there.shown()
    with pytest.raises(Failure) as caught:
        there.sync(LIST, is_sure=False)
    assert caught.value.code == 4
    assert there.shown() == before
    assert there.sync(LIST, dry_run=True, is_sure=False).plan.counts["create"] == 6
    assert there.shown() == before
    there.sync(LIST)
    assert there.sync(catalog(*LIST.entries, entry("four")), is_sure=False).writes == 1, "asked once"


def test_removing_much_at_once_needs_force(there: World) -> None:
    many = catalog(*(entry(f"e{at}", topics=("a",)) for at in range(12)))
    there.sync(many)
    few = catalog(*many.entries[:6])
    with pytest.raises(Failure) as caught:
        there.sync(few)
    assert caught.value.code == 4
    there.sync(few, is_forced=True)
    assert there.sync(few).plan.changes == ()


# ---------------------------------------------------------------------------------------------------------------
# Undo


def test_undo_leaves_the_library_as_it_was(there: World) -> None:
    there.add("items", MINE)
    before = there.shown()
    number = there.sync(LIST).run
    assert number
    there.undo(ID, number)
    after = {key: one for key, one in there.shown().items() if not one.get("deleted")}
    assert after == before
    there.sync(LIST)
    assert differences_but_mine(there) == []


def differences_but_mine(there: World) -> list[str]:
    """Of the items of the list, those that are not in their place."""
    items = {key: one for key, one in there.all("items").items() if not one.get("deleted")}
    names = {one["title"] for one in items.values() if one["collections"]}
    return sorted({one.title for one in LIST.entries} - names)


def test_undo_of_an_update_gives_the_old_values_back(there: World) -> None:
    there.sync(LIST)
    before = there.shown()
    changed = catalog(replace(LIST.entries[0], date=Date(year=2022), tags=("x",), topics=("b",)), *LIST.entries[2:])
    number = there.sync(changed).run
    assert number
    assert there.shown() != before
    there.undo(ID, number)
    assert there.shown() == before


def test_undo_leaves_what_a_person_has_touched(there: World) -> None:
    number = there.sync(LIST).run
    assert number
    there.edit("items", item("one"), title="Mine")
    there.add("items", {"itemType": "note", "note": "mine", "parentItem": item("two")})
    report = there.undo(ID, number)
    living = {key for key, one in there.all("items").items() if not one.get("deleted") and one["itemType"] != "note"}
    assert living == {item("one"), item("two")}
    assert shelf("a") in there.all("collections")
    assert {one.key for one in report.plan.changes if one.sign == "!"} >= {"one", "two"}


def test_what_is_taken_out_of_the_trash_is_as_the_person_left_it(there: World) -> None:
    there.sync(LIST)
    there.edit("items", item("one"), title="Mine", tags=[{"tag": "mine"}], deleted=1)
    there.edit("collections", shelf("c"), name="My Data", deleted=True)
    there.sync(LIST)
    there.sync(LIST, restore=True)
    data, place = there.all("items")[item("one")], there.all("collections")[shelf("c")]
    assert (data["title"], data["tags"], bool(data.get("deleted"))) == ("Mine", [{"tag": "mine"}], False)
    assert (place["name"], bool(place.get("deleted"))) == ("Data", False)  # a name was asked back, too


def test_extra_of_an_adopted_item_is_a_persons(there: World) -> None:
    (key,) = there.add("items", {**MINE, "extra": "Read: yes"})
    for _ in range(2):
        there.sync(LIST)
        assert there.all("items")[key]["extra"] == "Read: yes"


def test_an_entry_that_comes_back_under_another_key_is_the_same_item(there: World) -> None:
    there.sync(LIST)
    there.sync(catalog(LIST.entries[0], LIST.entries[2]))
    there.sync(catalog(*LIST.entries[::2], replace(LIST.entries[1], key="again")))
    data = there.all("items")
    assert len(data) == 3
    assert (data[item("two")]["citationKey"], data[item("two")]["collections"]) == ("again", [shelf("b")])


def test_undo_of_another_type_gives_its_fields_back(there: World) -> None:
    there.sync(LIST)
    before = there.shown()
    preprint = replace(LIST.entries[0], kind="preprint", venue=Venue(name="arXiv", kind="preprint"))
    number = there.sync(catalog(preprint, *LIST.entries[1:])).run
    assert number
    there.undo(ID, number)
    assert there.shown() == before


def test_undo_of_a_restore_respects_what_was_removed(there: World) -> None:
    there.sync(LIST)
    there.delete("items", item("one"))
    there.delete("collections", shelf("b"))
    number = there.sync(LIST, restore=True).run
    assert number
    there.undo(ID, number)
    there.sync(LIST)
    assert shelf("b") not in there.all("collections")
    assert there.all("items")[item("one")].get("deleted")


def test_without_a_base_two_merged_entries_have_one_item(there: World) -> None:
    there.sync(LIST)
    uri = f"http://zotero.org/users/{there.server.user}/items/{item('one')}"
    there.edit("items", item("three"), relations={"dc:replaces": uri})
    there.edit("items", item("one"), deleted=1)
    there.sync(LIST, who="b")
    assert len(there.all("items")) == 3
    assert there.sync(LIST, who="b").plan.changes == ()


def test_an_item_without_a_place_is_told_once_and_made_when_there_is_one(there: World) -> None:
    there.sync(LIST)
    there.edit("collections", shelf("c"), deleted=True)
    more = catalog(*LIST.entries, entry("four", topics=("c",)))
    assert "four" in {one.key for one in there.sync(more).plan.changes}
    assert there.sync(more).plan.changes == ()
    there.edit("collections", shelf("c"), deleted=False)
    there.sync(more)
    assert there.all("items")[item("four")]["collections"] == [shelf("c")]


def test_what_an_interrupted_write_did_is_known_afterwards(there: World) -> None:
    there.sync(LIST)
    owner = there.place.owner(ID)
    wanted = desired(LIST, TABLES, Settings())
    one = whole(wanted.items[0], item("one"), [shelf("a"), shelf("c")])
    with there.library() as library:
        seen = library.seen()
    told = replace(one, told={"title": ["there", "here"]})
    open_answer = Base(owner=owner, records={("item", "one"): replace(one, fields={})}, pending={("item", "one"): told})
    known = plan(wanted, seen, open_answer).records[("item", "one")]
    assert known is not None
    assert known.fields == one.fields
