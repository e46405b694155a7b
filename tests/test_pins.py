"""Pins in refsync.yaml: the sha of a source is written, and every other byte stays."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as some

from refsync import documents, pins, remote
from refsync.model import Failure
from refsync.settings import Pinned

SHA = "0123456789abcdef0123456789abcdef01234567"
URL = "https://github.com/a/b"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (f"sources: [{URL}, mine.md]  # ours\n", f"sources: [{{url: {URL}, sha: @}}, mine.md]  # ours\n"),
        (f"sources: ['{URL}', mine.md]\n", f"sources: [{{url: '{URL}', sha: @}}, mine.md]\n"),
        (f"sources: [{{url: {URL}}}]\n", f"sources: [{{url: {URL}, sha: @}}]\n"),
        (
            f"sources: [{{url: {URL}, sha: old, ref: main}}]\ntitle: T\n",
            f"sources: [{{url: {URL}, sha: @, ref: main}}]\ntitle: T\n",
        ),
        (f"sources:\n- {URL}   # theirs\n- mine.md\n", f"sources:\n- url: {URL}   # theirs\n  sha: @\n- mine.md\n"),
        (f"sources:\n  - {URL}", f"sources:\n  - url: {URL}\n    sha: @"),
        (
            f"# top\nsources:\n  - url: {URL}  # a\n    ref: main # b\n    # c\n  - mine.md\ntitle: 'T'\n",
            f"# top\nsources:\n  - url: {URL}  # a\n    ref: main # b\n    sha: @\n    # c\n  - mine.md\ntitle: 'T'\n",
        ),
        (f"sources:\r\n- url: {URL}\r\n  sha: old\r\n", f"sources:\r\n- url: {URL}\r\n  sha: @\r\n"),
        (f"sources:\r\n- {URL}\r\n", f"sources:\r\n- url: {URL}\r\n  sha: @\r\n"),
        (f"sources:\n- url: {URL}\n  sha:\n  ref: x\n", f"sources:\n- url: {URL}\n  sha: @\n  ref: x\n"),
        (f"\ufefftitle: Ü🎓\nsources: [{URL}]\n", f"\ufefftitle: Ü🎓\nsources: [{{url: {URL}, sha: @}}]\n"),
        (f"sources:\n- url: >-\n    {URL}\ntitle: x\n", f"sources:\n- url: >-\n    {URL}\n  sha: @\ntitle: x\n"),
    ],
)
def test_a_pin_is_written_and_nothing_else(before: str, after: str) -> None:
    assert pins.pinned(before, {0: SHA}) == after.replace("@", SHA)
    assert pins.pinned(pins.pinned(before, {0: "old"}), {0: SHA}) == after.replace("@", SHA)


def test_a_revision_that_looks_like_a_number_stays_text() -> None:
    new = pins.pinned(f"sources: [{URL}]\n", {0: "1234567e89"})
    assert documents.parsed(new, "x")["sources"][0]["sha"] == "1234567e89"


def test_several_at_once() -> None:
    new = pins.pinned(f"sources:\n- {URL}\n- mine.md\n- {{url: {URL}2}}\n", {0: "aa", 2: "bb"})
    assert new == f"sources:\n- url: {URL}\n  sha: aa\n- mine.md\n- {{url: {URL}2, sha: bb}}\n"


def test_what_cannot_be_edited_is_refused_with_the_line_to_write() -> None:
    text = f"a: &one\n  url: {URL}\nsources: [*one]\n"
    with pytest.raises(Failure, match=r"cannot pin its sources.*`sha: aa`"):
        pins.pinned(text, {0: "aa"})


@given(some.lists(some.sampled_from([URL, "mine.md", {"url": URL}, {"url": URL, "ref": "v1", "sha": "x"}]), min_size=1))
def test_the_file_says_what_was_meant(sources: list[object]) -> None:
    value = {"title": "T: Ü🎓 #1", "sources": sources, "ascii": True}
    shas = {at: SHA for at, one in enumerate(sources) if one != "mine.md"}
    for text in (documents.written(value), documents.written(documents.Flow(value))):
        got = documents.parsed(pins.pinned(text, shas), "x")
        assert got["title"] == "T: Ü🎓 #1" and got["ascii"] is True
        for at, one in enumerate(sources):
            old = one if isinstance(one, dict) else {"url": one}
            assert got["sources"][at] == ({**old, "sha": SHA} if at in shas else one)


@pytest.mark.parametrize(
    ("source", "kind", "copy"),
    [
        (URL, "github", "sources/a-b.md"),
        (f"{URL}.git", "github", "sources/a-b.md"),
        (f"{URL}/blob/main/docs/LIST.rst", "github", "sources/a-b-docs-LIST.rst"),
        (f"{URL}/tree/main/docs", "github", "sources/a-b-docs-README.md"),
        ("https://example.org/refs.bib", "text", "sources/example.org-refs.bib"),
        ("https://me:secret@example.org/list.md?token=secret", "text", "sources/example.org-list.md"),
        ("https://git.example.org/x/y.git", "git", "sources/git.example.org-x-y.md"),
        ("git@example.org:x/y.git", "git", "sources/git-example.org-x-y.md"),
        ("file:///home/me/list.git", "git", "sources/list.md"),
        ("../list.git", "git", "sources/list.md"),
        ("mine.md", None, None),
    ],
)
def test_what_an_address_means(source: str, kind: str | None, copy: str | None) -> None:
    one = remote.of(source)
    assert (one.kind if one else None) == kind
    assert remote.copies([source]).get(0) == copy


def test_two_sources_never_share_a_copy() -> None:
    found = remote.copies([URL, Pinned(url=URL, ref="v1"), "https://github.com/A/B", "mine.md"])
    assert len({name.casefold() for name in found.values()}) == 3


@pytest.mark.parametrize("url", ["--upload-pack=x", "ext::sh -c x", "http://[::1", "https://", "http://h:99999/x", ""])
def test_what_is_no_address_is_said(url: str) -> None:
    with pytest.raises(Failure, match="an address that is none"):
        remote.of(Pinned(url=url))


def test_a_branch_of_which_the_name_holds_a_slash() -> None:
    one = remote.of(Pinned(url=f"{URL}/blob/feature/x/LIST.md", ref="feature/x"))
    assert one is not None and (one.ref, one.paths) == ("feature/x", ("LIST.md",))
