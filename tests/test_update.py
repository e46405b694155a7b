"""`refsync update`: lists elsewhere, on loopback and in repositories of git, and everything that becomes of them."""

from __future__ import annotations

import hashlib
import json
import os
import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from pytest_httpserver import HTTPServer
from werkzeug.wrappers import Request, Response

from refsync.cli import cli
from refsync.formats import catalog

WORDS = ("Pruning", "Distillation", "Quantization", "Attention", "Adapters", "Routing", "Sampling", "Caching")
Run = Callable[..., Result]


def text(numbers: range | list[int], *more: str) -> str:
    lines = [
        f"- [{WORDS[at % 8]} of Networks in Setting {at:03}](https://arxiv.org/abs/2001.{at:05})." for at in numbers
    ]
    return "\n".join(["# Papers", "", "## Models", "", *lines, *more, ""])


class Hub:
    """GitHub on loopback, as REFSYNC_MIRROR has it: commits of repositories, each with its README.md."""

    def __init__(self, server: HTTPServer) -> None:
        self.server = server
        self.commits: dict[str, list[str]] = {"a/b": []}  # by repository, oldest first
        self.texts: dict[str, str] = {}
        self.moved: dict[str, str] = {}
        self.asked: list[str] = []
        self.statuses: list[int] = []
        self.type = "text/plain"
        self.fault: int | None = None
        server.expect_request("/").respond_with_data("")
        server.expect_request(re.compile(".*")).respond_with_handler(self.answer)

    @property
    def address(self) -> str:
        return self.server.url_for("").rstrip("/")

    def commit(self, content: str, repository: str = "a/b") -> str:
        sha = hashlib.sha1(f"{len(self.texts)} {content}".encode()).hexdigest()
        self.commits.setdefault(repository, []).append(sha)
        self.texts[sha] = content
        return sha

    def answer(self, request: Request) -> Response:
        self.asked.append(request.path)
        response = self._answer(request)
        self.statuses.append(response.status_code)
        return response

    def _answer(self, request: Request) -> Response:
        if self.fault is not None:
            return Response("no", status=self.fault)
        host, *path = request.path.strip("/").split("/")
        if host == "raw.githubusercontent.com":
            if path[2] not in self.texts or path[3] != "README.md":
                return Response("404", status=404)
            return self._conditional(request, self.texts[path[2]], self.type)
        name = "/".join(path[1:3])
        if name in self.moved:
            to = request.path.replace(name, self.moved[name])
            return Response(status=301, headers={"Location": to})
        known = self.commits.get(name)
        if host != "api.github.com" or known is None:
            return Response('{"message": "Not Found"}', status=404, content_type="application/json")
        if path[3:4] == ["commits"]:
            return self._conditional(request, known[-1], "application/vnd.github.sha; charset=utf-8")
        if path[3:4] == ["compare"]:
            old, _, new = path[4].partition("...")
            if old not in self.texts:
                return Response("{}", status=404)
            is_ahead = old in known and known.index(old) <= known.index(new)
            return Response(
                json.dumps({"status": "ahead" if is_ahead else "diverged"}), content_type="application/json"
            )
        return Response(json.dumps({"full_name": name}), content_type="application/json")

    def _conditional(self, request: Request, body: str, kind: str) -> Response:
        response = Response(body, content_type=kind)
        response.add_etag()
        return response.make_conditional(request.environ)


@pytest.fixture
def hub(httpserver: HTTPServer) -> Hub:
    return Hub(httpserver)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    place = tmp_path / "survey"
    place.mkdir()
    settings = "# the survey\nsources:\n  - https://github.com/a/b  # theirs\n  - mine.md\ncited: [main.tex]\n"
    (place / "refsync.yaml").write_text(settings, encoding="utf-8")
    (place / "mine.md").write_text(
        "# Mine\n\n## More\n\n- [A Paper of My Own Making](https://x.org/p), ICML 2021\n", encoding="utf-8"
    )
    (place / "main.tex").write_text("% paper\n\\cite{pruningnetworkssetting}\n", encoding="utf-8")
    return place


@pytest.fixture
def run(tmp_path: Path, hub: Hub, folder: Path) -> Run:
    def call(*arguments: str, mirror: str | None = None, at: Path = folder) -> Result:
        environment = {"REFSYNC_CACHE_DIR": str(tmp_path / "cache"), "REFSYNC_MIRROR": mirror or hub.address}
        done = CliRunner().invoke(cli, [arguments[0], str(at), *arguments[1:]], env=environment)
        assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
        return done

    return call


def snapshot(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()
    }


def test_a_source_is_fetched_pinned_and_built(hub: Hub, run: Run, folder: Path) -> None:
    sha = hub.commit(text(range(12)))
    done = run("build")
    assert done.exit_code == 1 and "Run `refsync update`" in done.stderr and done.stderr.count("\n") == 1
    done = run("update")
    assert done.exit_code == 0 and "+13 added" in done.stderr, done.stderr
    assert (folder / "sources/a-b.md").read_text("utf-8") == text(range(12))
    assert (folder / "refsync.yaml").read_text("utf-8") == (
        f"# the survey\nsources:\n  - url: https://github.com/a/b  # theirs\n    sha: {sha}\n  - mine.md\ncited: [main.tex]\n"
    )
    before = snapshot(folder)
    assert run("build", mirror="http://127.0.0.1:9").exit_code == 0
    assert snapshot(folder) == before
    again = run("update")
    assert again.exit_code == 0 and "new       nothing" in again.stderr and again.stdout == ""
    assert snapshot(folder) == before
    assert hub.statuses[-2:] == [304, 304]  # asked for, but only whether it is still so


def test_what_is_new_is_told_and_corrections_survive(hub: Hub, run: Run, folder: Path) -> None:
    hub.commit(text(range(20)))
    run("update")
    old = catalog.read((folder / "catalog.yaml").read_text("utf-8"), "catalog.yaml")[0]
    cited = old.by_id["arxiv", "2001.00003"].key
    (folder / "main.tex").write_text(f"% paper\n\n\\cite{{{cited}}}\n", encoding="utf-8")
    (folder / "corrections.yaml").write_text(
        "Caching of Networks in Setting 007: {note: read it, rating: '5'}\n", encoding="utf-8"
    )
    run("build")
    kept = [at for at in range(20) if at != 3]
    edited = text([*kept, 40, 41]).replace("Setting 007](", "Setting 007 and Beyond](")
    edited = edited.replace("/2001.00009).", "/2001.00009). CVPR 2022.").replace(
        "/2001.00010).", "/2001.00010). NeurIPS 2021."
    )
    hub.commit(edited)
    shown = run("update", "--dry-run")
    before = snapshot(folder)
    done = run("update")
    assert done.exit_code == 0
    assert (
        "+2 added, 1 retitled (keys kept), 1 retired (still cited in main.tex:3), 2 published since" in done.stderr
    ), done.stderr
    assert shown.stdout == done.stdout and "(still cited in main.tex:3)" in done.stdout and "(CVPR 2022)" in done.stdout
    assert before["catalog.yaml"] != snapshot(folder)["catalog.yaml"] and "to write" in shown.stderr
    new = catalog.read((folder / "catalog.yaml").read_text("utf-8"), "catalog.yaml")[0]
    assert cited in new.by_key and new.by_id["arxiv", "2001.00007"].note == "read it"
    assert new.by_id["arxiv", "2001.00007"].title.endswith("and Beyond")
    assert "new       nothing" in run("update").stderr
    rows = [json.loads(line) for line in run("update", "--json").stdout.splitlines()]
    assert rows == []
    new = catalog.read((folder / "catalog.yaml").read_text("utf-8"), "catalog.yaml")[0]
    assert new.by_id["arxiv", "2001.00007"].note == "read it"


def test_new_things_as_json(hub: Hub, run: Run) -> None:
    hub.commit(text(range(3)))
    rows = [json.loads(line) for line in run("update", "--json").stdout.splitlines()]
    assert len(rows) == 4 and {row["what"] for row in rows} == {"added"} and all(row["sign"] == "+" for row in rows)


@pytest.mark.parametrize(
    ("spoil", "code", "says"),
    [
        (lambda hub: setattr(hub, "fault", 404), 1, "no such repository any more, or it is private (404)"),
        (lambda hub: setattr(hub, "fault", 403), 1, "GitHub answers no more questions for now (403)"),
        (lambda hub: setattr(hub, "fault", 500), 1, "answered 500"),
        (lambda hub: hub.commit("<!DOCTYPE html>\n<html><body>gone</body></html>"), 1, "is a web page now"),
        (lambda hub: (hub.commit(text(range(21))), setattr(hub, "type", "text/html")), 1, "is a web page"),
        (lambda hub: hub.commit("\n \n"), 1, "is empty now"),
        (lambda hub: hub.commit("# Papers\n\nMoved elsewhere.\n"), 1, "holds no entries any more"),
        (lambda hub: hub.commit("\x00\x01binary"), 1, "is a binary file"),
        (lambda hub: hub.commit(text(range(10))), 4, "has 10 entries, and had 20. Nothing changed. If that is meant, pass --force."),
        (lambda hub: hub.commit(text(range(60, 80))), 4, "of 21 entries are no longer in the list. Nothing changed."),
    ],
)  # fmt: skip
def test_nothing_is_lost(
    hub: Hub, run: Run, folder: Path, spoil: Callable[[Hub], object], code: int, says: str
) -> None:
    hub.commit(text(range(20)))
    run("update")
    before = snapshot(folder)
    spoil(hub)
    done = run("update")
    assert (done.exit_code, done.stderr.count("\n"), done.stdout) == (code, 1, ""), done.stderr
    assert says in done.stderr and "Nothing changed" in done.stderr
    assert snapshot(folder) == before
    if code == 4:
        assert run("update", "--force").exit_code == 0 and snapshot(folder) != before


def test_without_a_network_everything_stays(hub: Hub, run: Run, folder: Path) -> None:
    hub.commit(text(range(12)))
    run("update")
    before = snapshot(folder)
    done = run("update", mirror="http://127.0.0.1:9")
    assert done.exit_code == 1 and done.stderr.count("\n") == 1, done.stderr
    assert "https://github.com/a/b: cannot be reached: no connection. Nothing changed." in done.stderr
    assert snapshot(folder) == before


def test_a_repository_that_moved_is_followed_and_said(hub: Hub, run: Run, folder: Path) -> None:
    hub.commit(text(range(12)))
    run("update")
    hub.commits["c/d"] = hub.commits.pop("a/b")
    hub.moved["a/b"] = "c/d"
    hub.commit(text(range(13)), "c/d")
    for _ in range(2):
        done = run("update")
        assert done.exit_code == 0 and "has moved to https://github.com/c/d." in done.stderr, done.stderr
    assert "Setting 012" in (folder / "catalog.yaml").read_text("utf-8")


@pytest.mark.parametrize("is_gone", [True, False])
def test_a_history_that_was_rewritten_is_said(hub: Hub, run: Run, folder: Path, is_gone: bool) -> None:
    old = hub.commit(text(range(12)))
    run("update")
    hub.commits["a/b"].clear()
    if is_gone:
        hub.texts.pop(old)
    new = hub.commit(text(range(12), "More to come."))
    done = run("update")
    assert done.exit_code == 0 and f"the pinned commit {old[:7]} is no part of it any more" in done.stderr
    assert new in (folder / "refsync.yaml").read_text("utf-8")
    assert "rewritten" not in run("update").stderr


def test_a_copy_that_was_edited_is_not_overwritten(hub: Hub, run: Run, folder: Path) -> None:
    hub.commit(text(range(12)))
    run("update")
    copy = folder / "sources/a-b.md"
    copy.write_text(text(range(12), "- [Mine among Theirs](https://x.org/q)"), encoding="utf-8")
    done = run("update")
    assert done.exit_code == 4 and "was edited by hand" in done.stderr and "Mine among" in copy.read_text("utf-8")
    assert run("update", "--force").exit_code == 0 and "Mine among" not in copy.read_text("utf-8")


def test_a_text_on_the_web_and_a_bibliography(hub: Hub, run: Run, folder: Path, httpserver: HTTPServer) -> None:
    body = {"list": text(range(12)).encode()}
    bib = b"@article{knuth1984, author={Knuth, Donald}, title={Literate Programming}, year={1984}}\n"

    def answer(request: Request) -> Response:
        if request.path.endswith("old.md"):
            return Response(status=301, headers={"Location": "/example.org/list.md"})
        return Response(bib if request.path.endswith(".bib") else body["list"], content_type="text/plain")

    hub._answer = answer  # type: ignore[method-assign]
    settings = "sources: [http://me:hush@example.org/old.md?token=hush, https://example.org/refs.bib]\n"
    (folder / "refsync.yaml").write_text(settings, encoding="utf-8")
    done = run("update")
    assert done.exit_code == 0 and "+13 added" in done.stderr, done.stderr
    assert "http://example.org/old.md: has moved to" in done.stderr and "hush" not in done.output + done.stderr
    assert hashlib.sha256(bib).hexdigest() in (folder / "refsync.yaml").read_text("utf-8")
    assert "knuth1984" in (folder / "references.bib").read_text("utf-8")
    body["list"] = b"\xef\xbb\xbf" + text(range(13)).replace("\n", "\r\n").encode()
    assert "+1 added" in run("update").stderr
    assert (folder / "sources/example.org-old.md").read_bytes() == body["list"]


def git(folder: Path, *command: str) -> str:
    environment = {
        **os.environ,
        **{f"GIT_{who}_{what}": "x@example.org" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")},
        "GIT_CONFIG_GLOBAL": os.devnull,
    }
    done = subprocess.run(["git", *command], cwd=folder, env=environment, capture_output=True, text=True, check=True)
    return done.stdout.strip()


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    place = tmp_path / "theirs"
    place.mkdir()
    git(place, "init", "-q", "-b", "main")
    commit(place, text(range(12)))
    return place


def commit(place: Path, content: str, *more: str) -> str:
    (place / "README.md").write_text(content, encoding="utf-8")
    git(place, "add", "README.md")
    git(place, "commit", "-q", "-m", "more", *more)
    return git(place, "rev-parse", "HEAD")


@pytest.mark.parametrize("as_url", [True, False])
def test_a_repository_of_git(repository: Path, run: Run, folder: Path, as_url: bool) -> None:
    url = repository.as_uri() if as_url else "../theirs"
    (folder / "refsync.yaml").write_text(f"sources: [{{url: {url}, ref: main}}]\n", encoding="utf-8")
    first = git(repository, "rev-parse", "HEAD")
    done = run("update")
    assert done.exit_code == 0 and "+12 added" in done.stderr, done.stderr
    settings = f"sources: [{{url: {url}, ref: main, sha: %s}}]\n"
    assert (folder / "refsync.yaml").read_text("utf-8") == settings % first
    second = commit(repository, text(range(14)))
    done = run("update")
    assert "+2 added" in done.stderr and "rewritten" not in done.stderr, done.stderr
    assert (folder / "refsync.yaml").read_text("utf-8") == settings % second
    third = commit(repository, text(range(15)), "--amend")
    done = run("update")
    assert "+1 added" in done.stderr and f"the pinned commit {second[:7]} is no part" in done.stderr, done.stderr
    before = snapshot(folder)
    assert third in before["refsync.yaml"].decode()
    repository.rename(repository.with_name("elsewhere"))
    done = run("update")
    assert done.exit_code == 1 and done.stderr.count("\n") == 1 and "cannot be reached" in done.stderr, done.stderr
    assert snapshot(folder) == before


def test_a_clone_builds_without_a_network(repository: Path, run: Run, folder: Path, tmp_path: Path) -> None:
    (folder / "refsync.yaml").write_text(f"sources: [{repository.as_uri()}]\n", encoding="utf-8")
    assert run("update").exit_code == 0
    git(folder, "init", "-q")
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "-m", "all")
    git(tmp_path, "clone", "-q", str(folder), "clone")
    done = run("build", mirror="http://127.0.0.1:9", at=tmp_path / "clone")
    assert done.exit_code == 0 and "unchanged everything" in done.stderr


def test_a_branch_that_is_not_there(repository: Path, run: Run, folder: Path) -> None:
    (folder / "refsync.yaml").write_text(f"sources: [{{url: {repository.as_uri()}, ref: gone}}]\n", encoding="utf-8")
    done = run("update")
    assert done.exit_code == 1 and "has no branch or tag 'gone'. Nothing changed." in done.stderr
    assert not (folder / "sources").exists()


def test_without_sources_elsewhere_there_is_nothing_to_do(run: Run, folder: Path) -> None:
    (folder / "refsync.yaml").write_text("sources: [mine.md]\n", encoding="utf-8")
    done = run("update")
    assert done.exit_code == 0 and "nothing to update" in done.stderr
    assert run("update", at=folder / "mine.md").exit_code == 2


def test_what_cannot_be_written_leaves_all_as_it_was(hub: Hub, run: Run, folder: Path) -> None:
    hub.commit(text(range(12)))
    (folder / "references.ris").mkdir()
    before = snapshot(folder)
    done = run("update")
    assert done.exit_code == 1 and done.stderr.count("\n") == 1
    assert snapshot(folder) == before and not (folder / "sources").exists()
