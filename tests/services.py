"""A stand-in for every source of metadata on loopback: it knows the works of a bibliography, and fails as it is told."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from urllib.parse import unquote
from xml.sax.saxutils import escape

from pytest_httpserver import HTTPServer
from werkzeug.wrappers import Request, Response

from refsync import names, titles
from refsync.model import Entry

Fault = Callable[[Request, Response], Response]


@dataclass
class Services:
    """All sources behind one address, as REFSYNC_MIRROR has them: /export.arxiv.org/api/query and so on."""

    server: HTTPServer
    works: Sequence[Entry]
    asked: list[str] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    faults: dict[str, list[Fault]] = field(default_factory=dict)  # by host; the last one stays

    def __post_init__(self) -> None:
        self.by_id = {pair: one for one in self.works for pair in one.ids.items()}
        self.by_form = {titles.comparison(one.title): one for one in self.works}
        self.server.expect_request(re.compile(".*")).respond_with_handler(self.answer)

    @property
    def address(self) -> str:
        return self.server.url_for("").rstrip("/")

    def count(self, part: str) -> int:
        return sum(part in one for one in self.asked)

    def answer(self, request: Request) -> Response:
        host = request.path.split("/")[1]
        self.asked.append(f"{request.method} {request.full_path}")
        self.headers.append(dict(request.headers))
        right = self.right(host, request)
        faults = self.faults.get(host, [])
        if not faults:
            return right
        fault = faults.pop(0) if len(faults) > 1 else faults[0]
        return fault(request, right)

    def right(self, host: str, request: Request) -> Response:
        path = unquote(request.path.removeprefix(f"/{host}"))
        if host == "export.arxiv.org":
            found = [self.by_id.get(("arxiv", one)) for one in request.args["id_list"].split(",")]
            entries = [one for one in reversed(found) if one is not None]  # in another order than asked for
            return Response(feed(entries), content_type="application/atom+xml; charset=utf-8")
        if path == "/graph/v1/paper/batch":
            ids = [self._scholar_id(one) for one in request.get_json()["ids"]]
            return _json([scholar(self.by_id[one]) if one in self.by_id else None for one in ids])
        if path == "/graph/v1/paper/search/match":
            hit = self.by_form.get(titles.comparison(request.args["query"]))
            return _json({"data": [scholar(hit)]}) if hit else _json({"error": "Title match not found"}, 404)
        if host == "api.crossref.org" and path == "/works" and "filter" in request.args:
            dois = [one.removeprefix("doi:") for one in request.args["filter"].split(",")]
            hits = [self.by_id[("doi", one)] for one in dois if ("doi", one) in self.by_id]
            return _json({"message-type": "work-list", "message": {"items": [crossref(one) for one in hits]}})
        if host == "api.crossref.org" and path == "/works":
            hits = [
                one
                for form, one in self.by_form.items()
                if form in titles.comparison(request.args["query.bibliographic"])
            ]
            return _json({"message-type": "work-list", "message": {"items": [crossref(one) for one in hits[:5]]}})
        return _json({"error": "not found"}, 404)

    def _scholar_id(self, text: str) -> tuple[str, str]:
        scheme, _, value = text.partition(":")
        if scheme == "URL":
            return "openreview", value.rpartition("=")[2]
        return scheme.lower(), value


def _json(value: object, status: int = 200) -> Response:
    return Response(json.dumps(value), status=status, content_type="application/json")


def scholar(one: Entry) -> dict[str, object]:
    """A paper as Semantic Scholar shows it: display names, initials."""
    ids = {"ArXiv": one.ids.get("arxiv"), "DOI": one.ids.get("doi"), "ACL": one.ids.get("acl")}
    return {
        "paperId": f"{abs(hash(one.title)):040x}"[:40],
        "title": one.title,
        "year": one.year,
        "venue": one.venue.name if one.venue else "arXiv.org",
        "authors": [{"name": f"{(person.given or 'X')[0]}. {person.family}"} for person in one.authors],
        "externalIds": {name: value for name, value in ids.items() if value},
    }


def crossref(one: Entry) -> dict[str, object]:
    return {
        "DOI": one.ids.get("doi", ""),
        "type": "proceedings-article",
        "title": [one.title],
        "container-title": [one.venue.name] if one.venue else [],
        "page": one.pages or "",
        "author": [{"family": person.family, "given": person.given} for person in one.authors],
        "issued": {"date-parts": [[one.year]]},
    }


def feed(works: Sequence[Entry]) -> str:
    entries = "".join(
        f"<entry><id>http://arxiv.org/abs/{one.ids['arxiv']}v2</id><title>{escape(one.title)}</title>"
        f"<published>{one.year}-01-02T00:00:00Z</published>"
        + "".join(f"<author><name>{escape(names.natural(person))}</name></author>" for person in one.authors)
        + "</entry>"
        for one in works
    )
    return (
        '<feed xmlns="http://www.w3.org/2005/Atom" xmlns:opensearch="http://a9.com/-/spec/opensearch/1.1/">'
        f"<opensearch:totalResults>{len(works)}</opensearch:totalResults>{entries}</feed>"
    )


# ---------------------------------------------------------------------------------------------------------------
# Faults


def status(code: int, **headers: str) -> Fault:
    """An answer with that status."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda request, right: Response("{}", status=code, headers=named, content_type="application/json")


def page(request: Request, right: Response) -> Response:
    """A wall before the source: HTML with status 200."""
    return Response("<html><title>Making sure you're not a bot!</title></html>", content_type="text/html")


def other_type(request: Request, right: Response) -> Response:
    return Response(right.get_data(), content_type="text/plain")


def broken(request: Request, right: Response) -> Response:
    data = right.get_data()
    return Response(data[: len(data) // 2], content_type=right.content_type)


def empty(request: Request, right: Response) -> Response:
    return Response(b"", content_type=right.content_type)


def cut(request: Request, right: Response) -> Response:
    """A connection that ends in the middle of the answer."""
    data = right.get_data()
    answer = Response(data[:20], content_type=right.content_type)
    answer.headers["Content-Length"] = str(len(data) + 100)
    answer.automatically_set_content_length = False
    return answer


def slow(request: Request, right: Response) -> Response:
    time.sleep(1.5)
    return right


def whole(request: Request, right: Response) -> Response:
    return right
