"""Lists from the web: real sockets on loopback, and the addresses that people copy from their browser."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from click.testing import CliRunner

from refsync import sources, web
from refsync.cli import cli
from refsync.mapping import Tables
from refsync.model import Failure

LIST = "# Papers\n\n- [Deep Residual Learning for Image Recognition](https://arxiv.org/abs/1512.03385), CVPR 2016\n"
TITLE = "Deep Residual Learning for Image Recognition"


class Server(ThreadingHTTPServer):
    """Answers by path, and remembers what was asked."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.asked: list[str] = []
        self.failures = 0

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        self.server.asked.append(self.path)
        path = self.path.partition("?")[0]
        if path == "/moved.md":
            self.send_response(302)
            self.send_header("Location", "/list.md")
            self.end_headers()
        elif path == "/circle.md":
            self.send_response(302)
            self.send_header("Location", "/circle.md")
            self.end_headers()
        elif path == "/flaky.md" and self.server.failures < 2:
            self.server.failures += 1
            self.answer(503, b"busy")
        elif path in {"/list.md", "/flaky.md"}:
            self.answer(200, LIST.encode())
        elif path == "/page":
            self.answer(200, b"<html><body>hello</body></html>", "text/html; charset=utf-8")
        elif path == "/long.md":
            self.send_response(200)
            self.send_header("Content-Type", "text/plain")
            self.end_headers()
            for _ in range(200):
                self.wfile.write(b"x" * 1000)
        elif path == "/latin.md":
            self.answer(200, "# Bücher\n".encode("latin-1"))
        else:
            self.answer(404, b"no")

    def answer(self, status: int, body: bytes, kind: str = "text/plain") -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *arguments: object) -> None:
        """Nothing on stderr."""


@pytest.fixture
def server() -> Iterator[Server]:
    one = Server()
    threading.Thread(target=one.serve_forever, daemon=True).start()
    yield one
    one.shutdown()
    one.server_close()


def test_a_list_is_read_from_an_address_and_kept(server: Server, tmp_path: Path) -> None:
    for _ in range(2):
        done = CliRunner().invoke(cli, ["read", f"{server.address}/list.md"], env={"REFSYNC_CACHE_DIR": str(tmp_path)})
        assert done.exit_code == 0 and TITLE in done.stdout
    assert server.asked == ["/list.md"]


def test_a_damaged_cache_is_begun_anew(server: Server, tmp_path: Path) -> None:
    (tmp_path / "lists.sqlite").write_bytes(b"no database " * 1000)
    for count in (1, 0):
        done = CliRunner().invoke(cli, ["read", f"{server.address}/list.md"], env={"REFSYNC_CACHE_DIR": str(tmp_path)})
        assert done.exit_code == 0 and TITLE in done.stdout
        assert done.stderr.count("lists.sqlite: is damaged") == count


def test_redirects_are_followed_and_busy_servers_asked_again(server: Server, tmp_path: Path) -> None:
    with web.Web(tmp_path) as session:
        assert session.text(f"{server.address}/moved.md")[0] == LIST
        assert session.text(f"{server.address}/flaky.md")[0] == LIST
    assert server.asked.count("/flaky.md") == 3


@pytest.mark.parametrize(
    ("path", "says"),
    [
        ("/nothing.md", "no such page (404)"),
        ("/page", "a web page, not a list"),
        ("/latin.md", "is not valid UTF-8"),
        ("/circle.md", "leads in a circle"),
    ],
)
def test_what_is_no_list_is_said_in_one_line(server: Server, tmp_path: Path, path: str, says: str) -> None:
    done = CliRunner().invoke(cli, ["read", server.address + path], env={"REFSYNC_CACHE_DIR": str(tmp_path)})
    assert done.exit_code == 1 and says in done.stderr and done.stderr.count("\n") == 1


def test_an_endless_answer_is_not_read_to_its_end(server: Server, tmp_path: Path) -> None:
    with web.Web(tmp_path, largest=50_000) as session, pytest.raises(Failure, match=r"holds more than"):
        session.text(f"{server.address}/long.md")


def test_a_server_that_is_not_there_is_said_in_one_line(server: Server, tmp_path: Path) -> None:
    server.shutdown()
    server.server_close()
    done = CliRunner().invoke(cli, ["read", f"{server.address}/list.md"], env={"REFSYNC_CACHE_DIR": str(tmp_path)})
    assert done.exit_code == 1 and "no connection" in done.stderr


def test_secrets_in_an_address_are_never_shown(server: Server, tmp_path: Path) -> None:
    address = f"http://someone:swordfish@127.0.0.1:{server.server_address[1]}/nothing.md?token=hush"
    done = CliRunner().invoke(cli, ["read", address], env={"REFSYNC_CACHE_DIR": str(tmp_path)})
    assert (
        done.exit_code == 1 and "swordfish" not in done.output + done.stderr and "hush" not in done.output + done.stderr
    )


def test_standard_input_is_a_list() -> None:
    done = CliRunner().invoke(cli, ["read", "-"], input=LIST)
    assert done.exit_code == 0 and TITLE in done.stdout


RAW = "https://raw.githubusercontent.com"


@pytest.mark.parametrize(
    ("seen", "raw"),
    [
        ("https://github.com/a/b", f"{RAW}/a/b/HEAD/README.md"),
        ("https://github.com/a/b.git", f"{RAW}/a/b/HEAD/README.md"),
        ("https://www.github.com/a/b/", f"{RAW}/a/b/HEAD/README.md"),
        ("https://github.com/a/b#readme", f"{RAW}/a/b/HEAD/README.md"),
        ("https://github.com/a/b/tree/main/docs", f"{RAW}/a/b/main/docs/README.md"),
        ("https://github.com/a/b/blob/main/docs/LIST.md", f"{RAW}/a/b/main/docs/LIST.md"),
        ("https://gitlab.com/a/b/-/blob/main/x.md", "https://gitlab.com/a/b/-/raw/main/x.md"),
        ("https://gist.github.com/a/0123", "https://gist.githubusercontent.com/a/0123/raw"),
        ("https://example.org/list.md?x=1", "https://example.org/list.md?x=1"),
    ],
)
def test_the_page_that_a_person_sees_leads_to_its_text(seen: str, raw: str) -> None:
    assert web.raw_addresses(seen)[0] == raw


def works(titles: str, numbers: range) -> str:
    return f"# {titles}\n\n## {titles}\n\n" + "".join(
        f"- [{titles} of number {number} in words](https://arxiv.org/abs/2001.{number:05})\n" for number in numbers
    )


def test_a_translated_twin_is_left_out_and_said(tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text(works("Papers", range(20)), encoding="utf-8")
    (tmp_path / "README_zh.md").write_text(works("论文", range(1, 19)), encoding="utf-8")
    (tmp_path / "more.md").write_text(works("Others", range(15, 40)), encoding="utf-8")
    found = sources.read(
        [tmp_path / name for name in ("README.md", "README_zh.md", "more.md")], tmp_path, Tables(folder=None)
    )
    assert [source.reading is not None for source in found] == [True, False, True]
    assert [problem.where for source in found for problem in source.problems] == ["README_zh.md"]
