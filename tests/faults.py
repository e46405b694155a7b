"""Every fault at every request of a sync, and whether one more run makes all well: python -m tests.faults [FAULT...]

With `--library desktop` in front, that of Zotero's desktop."""

from __future__ import annotations

import io
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from werkzeug.test import run_wsgi_app

from refsync import documents
from refsync.formats import catalog as catalog_file
from refsync.model import Date, Entry, Failure
from refsync.settings import Settings, Zotero
from refsync.sync import apply as applying
from refsync.sync import places, run, sandbox
from refsync.sync.desired import Desired, desired
from refsync.sync.transport import Patience, Transport
from tests.desktop import DesktopWorld, world_of
from tests.library import TABLES, World, differences

ROOT = Path(__file__).parent.parent
EXAMPLE = ROOT / "examples" / "efficient-ai" / "catalog.yaml"
SETTINGS = Settings(zotero=Zotero(links=True))
PATIENCE = Patience(tries=3, pause=0.01, longest=0.5, connect=1.0, silence=0.5, whole=1.0)
FIRST, CHANGES = "first", "changes"
SMALL = 6  # objects in one request, where only the first entries of the list are taken
READ, WRITE, DELETE, ASK = "read", "write", "delete", "ask"

Answer = tuple[str, list[tuple[str, str]], bytes]
Respond = Callable[[Answer], Iterable[bytes]]


# ---------------------------------------------------------------------------------------------------------------
# The middleware


def kind_of(method: str, path: str) -> str:
    """Which kind of request one is; ASK waits for a person."""
    if path.endswith("/authorize"):
        return ASK
    return {"GET": READ, "DELETE": DELETE}.get(method, WRITE)


@dataclass
class Call:
    """One request as it reaches the server: `commit` lets the application answer it, `respond` sends an answer."""

    kind: str
    body: bytes
    environ: dict[str, Any]
    commit: Callable[..., Answer]
    respond: Respond
    kill: Callable[[], None]

    def cut(self) -> Iterable[bytes]:
        """Ends the connection without an answer."""
        with suppress(OSError):
            self.environ["werkzeug.socket"].shutdown(2)
        raise ConnectionResetError

    def say(self, status: str, body: str = "", **headers: str) -> Iterable[bytes]:
        """An answer of nobody's but ours, as Zotero's server forms its own."""
        named = {"Content-Type": "text/html; charset=UTF-8", "Zotero-API-Version": "3"}
        named |= {name.replace("_", "-"): value for name, value in headers.items()}
        return self.respond((status, list(named.items()), body.encode()))

    def foreign(self, status: str, body: str = "", **headers: str) -> Iterable[bytes]:
        """An answer of something between that is no Zotero."""
        named = {"Content-Type": "text/html"} | {name.replace("_", "-"): value for name, value in headers.items()}
        return self.respond((status, list(named.items()), body.encode()))


@dataclass
class Middleware:
    """Counts requests from when it is armed; `fault` befalls the `at`-th of them (from 1), or all from there on."""

    fault: Fault | None = None
    at: int = 0
    pid: int = 0
    calls: list[str] = field(default_factory=list)
    counting: bool = False
    befell: int = 0
    app: Any = None
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __call__(self, app: Any) -> Any:
        self.app = app
        return self._serve

    def arm(self, fault: Fault | None, at: int = 0) -> None:
        """Counts from here."""
        self.fault, self.at, self.calls, self.befell, self.counting = fault, at, [], 0, True

    def rest(self) -> None:
        """No more faults, no more counting."""
        self.fault, self.counting = None, False

    def _serve(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        method, path = environ["REQUEST_METHOD"], environ["PATH_INFO"].removeprefix("/api")
        kind = kind_of(method, path)
        with self._lock:
            if not self.counting:
                return self.app(environ, start_response)
            self.calls.append(f"{method} {'/'.join(path.split('/')[3:]) or path[1:]}")
            here, fault = len(self.calls), self.fault
        is_due = fault is not None and (here >= self.at if fault.lasts else here == self.at)
        if fault is None or not is_due or kind not in fault.befalls:
            return self.app(environ, start_response)
        self.befell += 1
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))

        def commit(sent: bytes | None = None) -> Answer:
            data = body if sent is None else sent
            inner = {**environ, "wsgi.input": io.BytesIO(data), "CONTENT_LENGTH": str(len(data))}
            pieces, status, headers = run_wsgi_app(self.app, inner, buffered=True)
            return status, list(headers), b"".join(pieces)

        def respond(answer: Answer) -> Iterable[bytes]:
            status, headers, data = answer
            kept = [(name, value) for name, value in headers if name.lower() != "content-length"]
            start_response(status, [*kept, ("Content-Length", str(len(data)))])
            return [data]

        def kill() -> None:
            os.kill(self.pid, signal.SIGKILL)

        call = Call(kind=kind, body=body, environ=environ, commit=commit, respond=respond, kill=kill)
        found = fault.act(call)
        if not isinstance(found, Raw):
            return found
        start_response(found.status, found.headers)
        return found.pieces


@dataclass
class Raw:
    """An answer whose headers or pace are none that a server would choose."""

    status: str
    headers: list[tuple[str, str]]
    pieces: Iterable[bytes]


# ---------------------------------------------------------------------------------------------------------------
# The faults


@dataclass(frozen=True, kw_only=True)
class Fault:
    """One way to fail. `befalls` are the kinds of requests that can fail so; `lasts`: every request from there on does;
    `kills`: it ends the client, which then has to be a process of its own."""

    name: str
    act: Callable[[Call], Any]
    befalls: frozenset[str] = frozenset({READ, WRITE, DELETE, ASK})
    lasts: bool = False
    kills: bool = False


def _after(answer: Callable[[Call, Answer], Any]) -> Callable[[Call], Any]:
    """A fault that comes when the server has done its work."""
    return lambda call: answer(call, call.commit())


def _silence(call: Call) -> Iterable[bytes]:
    time.sleep(PATIENCE.silence + 0.1)
    return call.cut()


def _late(call: Call) -> Iterable[bytes]:
    """The server does its work when the client has given up, and has asked again."""

    def work() -> None:
        time.sleep(PATIENCE.silence + 0.15)
        call.commit()

    threading.Thread(target=work, daemon=True).start()
    return _silence(call)


def _half(call: Call) -> Iterable[bytes]:
    objects = json.loads(call.body)
    call.commit(json.dumps(objects[: len(objects) // 2]).encode())
    return call.say("500 INTERNAL SERVER ERROR", "An error occurred")


def _one(code: int, message: str) -> Callable[[Call], Any]:
    """The object in the middle of a batch is not written, and told as failed."""

    def act(call: Call) -> Any:
        objects = json.loads(call.body)
        place = len(objects) // 2
        others = objects[:place] + objects[place + 1 :]
        status, headers, data = call.commit(json.dumps(others).encode()) if others else _nothing(call)
        report = json.loads(data)
        moved = {
            part: {str(int(at) + (int(at) >= place)): one for at, one in rows.items()} for part, rows in report.items()
        }
        moved["failed"][str(place)] = {"key": objects[place].get("key", ""), "code": code, "message": message}
        return call.respond((status, headers, json.dumps(moved).encode()))

    return act


def _nothing(call: Call) -> Answer:
    """The answer to a batch of which nothing was tried."""
    version = call.environ["HTTP_IF_UNMODIFIED_SINCE_VERSION"]
    headers = {"Content-Type": "application/json", "Zotero-API-Version": "3", "Last-Modified-Version": version}
    report: dict[str, Any] = {"successful": {}, "success": {}, "unchanged": {}, "failed": {}}
    return "200 OK", list(headers.items()), json.dumps(report).encode()


def _drip(call: Call) -> Raw:
    status, headers, data = call.commit()
    step = max(1, len(data) // 8)

    def pieces() -> Iterator[bytes]:
        for start in range(0, len(data), step):
            time.sleep(0.02)
            yield data[start : start + step]

    return Raw(status, headers, pieces())


def _endless(call: Call) -> Raw:
    status, headers, _ = call.commit()

    def pieces() -> Iterator[bytes]:
        end = time.monotonic() + PATIENCE.whole + 1
        while time.monotonic() < end:
            time.sleep(0.1)
            yield b" "

    return Raw(status, [(name, value) for name, value in headers if name.lower() != "content-length"], pieces())


def _truncated(call: Call, answer: Answer) -> Raw:
    status, headers, data = answer
    kept = [(name, value) for name, value in headers if name.lower() != "content-length"]
    return Raw(status, [*kept, ("Content-Length", str(len(data) + 50))], [data[: len(data) // 2]])


def _bodied(body: bytes) -> Callable[[Call], Any]:
    return _after(lambda call, answer: call.respond(("200 OK", answer[1], body)))


def _killed(call: Call) -> Iterable[bytes]:
    call.kill()
    return call.cut()


def _backoff(call: Call, answer: Answer) -> Iterable[bytes]:
    return call.respond((answer[0], [*answer[1], ("Backoff", "2")], answer[2]))


_PAGE = "<!DOCTYPE html><html><body><h1>Welcome</h1><form><input name=password></form></body></html>"
_MANY, _BATCH = frozenset({WRITE, DELETE}), frozenset({WRITE})
FAULTS = (
    Fault(name="cut before the commit", act=Call.cut),
    Fault(name="cut after the commit", act=_after(lambda call, _: call.cut())),
    Fault(name="cut from here on", act=Call.cut, lasts=True),
    Fault(name="no answer, before the commit", act=_silence),
    Fault(name="no answer, after the commit", act=_after(lambda call, _: _silence(call))),
    Fault(name="no answer, committed late", act=_late, befalls=_MANY),
    Fault(name="slow drip", act=_drip),
    Fault(name="drip without an end", act=_endless),
    Fault(name="412 on the library", act=lambda call: call.say("412 PRECONDITION FAILED", "Library has been modified")),
    Fault(name="412 on one object", act=_one(412, "Item has been modified since specified version"), befalls=_BATCH),
    Fault(name="428", act=lambda call: call.say("428 PRECONDITION REQUIRED", "If-Unmodified-Since-Version not given")),
    Fault(name="428 on one object", act=_one(428, "Item exists: provide its version"), befalls=_BATCH),
    Fault(name="404 on one object", act=_one(404, "Item doesn&#39;t exist"), befalls=_BATCH),
    Fault(name="409 on one object", act=_one(409, "Collection ABCDEFGH not found"), befalls=_BATCH),
    Fault(name="400 on one object, once", act=_one(400, "Invalid value &lt;x&gt;"), befalls=_BATCH),
    Fault(
        name="429 with Retry-After", act=lambda call: call.say("429 TOO MANY REQUESTS", "Slow down", Retry_After="0")
    ),
    Fault(name="429 without", act=lambda call: call.say("429 TOO MANY REQUESTS", "Slow down")),
    Fault(name="429 from here on", act=lambda call: call.say("429 TOO MANY REQUESTS", "Slow down"), lasts=True),
    Fault(name="500 before the commit", act=lambda call: call.say("500 INTERNAL SERVER ERROR", "An error occurred")),
    Fault(
        name="500 after the commit",
        act=_after(lambda call, _: call.say("500 INTERNAL SERVER ERROR", "An error occurred")),
    ),
    Fault(name="500 in mid batch", act=_half, befalls=_BATCH),
    Fault(
        name="503 with Retry-After", act=lambda call: call.say("503 SERVICE UNAVAILABLE", "Updates", Retry_After="0")
    ),
    Fault(name="503 without", act=lambda call: call.say("503 SERVICE UNAVAILABLE", "Updates")),
    Fault(
        name="503 for writes from here on",
        act=lambda call: call.say("503 SERVICE UNAVAILABLE", "Updates"),
        befalls=_MANY,
        lasts=True,
    ),
    Fault(
        name="503 for an hour",
        act=lambda call: call.say("503 SERVICE UNAVAILABLE", "Updates", Retry_After="3600"),
        lasts=True,
    ),
    Fault(name="a page with 200", act=lambda call: call.foreign("200 OK", _PAGE)),
    Fault(name="a page with 502", act=lambda call: call.foreign("502 BAD GATEWAY", _PAGE)),
    Fault(
        name="a login page: 302",
        act=lambda call: call.foreign("302 FOUND", "", Location="http://127.0.0.1:9/login"),
    ),
    Fault(name="bad JSON", act=_bodied(b'{"successful": {"0": {"key": "AB')),
    Fault(name="JSON of another form", act=_bodied(b'["no", {"such": null}]')),
    Fault(name="not UTF-8", act=_bodied(b'{"\xff\xfe": 1}')),
    Fault(name="an empty body", act=_bodied(b"")),
    Fault(name="a truncated body", act=_after(_truncated)),
    Fault(name="304 that nobody asked for", act=lambda call: call.say("304 NOT MODIFIED")),
    Fault(name="Backoff on a success", act=_after(_backoff)),
    Fault(name="killed before the commit", act=_killed, kills=True),
    Fault(name="killed after the commit", act=_after(lambda call, _: _killed(call)), kills=True),
)


# ---------------------------------------------------------------------------------------------------------------
# The syncs


def wanted(scenario: str, most: int | None = None) -> Desired:
    """What the example list (or the first entries of it) wants of a library: at first, and after somebody has worked on it."""
    listed = catalog_file.read(documents.text_of(EXAMPLE), "catalog.yaml")[0]
    entries = listed.entries[:most]
    if scenario == CHANGES:
        last = listed.topics[-1].id
        count = len(entries)
        changed = [_changed(one, at) for at, one in enumerate(entries) if at % 29 != 3]
        moved = [
            replace(one, topics=tuple(dict.fromkeys(listed.topics[0].id if id == last else id for id in one.topics)))
            for one in changed
        ]
        added = [
            replace(
                one, key=f"{one.key}x", title=f"{one.title}, Again {at}", ids={}, links={"code": "https://a.test/x"}
            )
            for at, one in enumerate(entries[: max(1, count // 24)])
        ]
        topics = tuple(replace(one, path=(*one.path[:-1], f"{one.path[-1]}!")) for one in listed.topics[:1])
        return desired(
            replace(listed, entries=(*moved, *added), topics=(*topics, *listed.topics[1:-1])), TABLES, SETTINGS
        )
    return desired(replace(listed, entries=entries), TABLES, SETTINGS)


def _changed(entry: Entry, at: int) -> Entry:
    if at % 2:
        return entry
    links = {**entry.links, "code": f"https://a.test/{at}"} if at % 4 else entry.links
    return replace(entry, date=Date(year=1999), pages="1-2", tags=("seen",), links=links)


@dataclass
class Ground:
    """Where one sync begins: the file of a library and a state folder, copied for each try, and what must come of it."""

    scenario: str
    folder: Path
    desired: Desired
    most: int | None = None
    kind: str = "user"
    requests: list[str] = field(default_factory=list)
    holds: Mapping[str, Any] = field(default_factory=dict)

    @contextmanager
    def copied(self) -> Iterator[tuple[World, Middleware]]:
        """A world that begins there."""
        with tempfile.TemporaryDirectory() as name:
            place = Path(name)
            if (self.folder / "start").exists():
                shutil.copytree(self.folder / "start", place, dirs_exist_ok=True)
            middleware = Middleware()
            with _world(self.kind, place, middleware) as there:
                yield there, middleware


def _world(
    kind: str, folder: Path, middleware: Callable[[Any], Any] = lambda app: app
) -> AbstractContextManager[World]:
    path = folder / "library.sqlite"
    return world_of(kind, folder, middleware, path=path, patience=PATIENCE, settings=SETTINGS)


def ground(scenario: str, folder: Path, most: int | None = None, kind: str = "user") -> Ground:
    """A ground with what a sync without a fault does there."""
    made = Ground(scenario=scenario, folder=folder, desired=wanted(scenario, most), most=most, kind=kind)
    if scenario == CHANGES:
        start = folder / "start"
        start.mkdir()
        with _world(kind, start) as there:
            synced(there, wanted(FIRST, most))
        (start / "rights.json").unlink(missing_ok=True)
    with made.copied() as (there, middleware):
        middleware.arm(None)
        synced(there, made.desired)
        middleware.rest()
        made.requests, made.holds = middleware.calls, there.shown()
        assert expected(there, made) == []
    return made


def synced(there: World, what: Desired) -> run.Report:
    """One run as a command makes it: the rights of the key are asked for, too."""

    def transport(server: str, patience: Patience) -> Transport:
        return Transport(server, patience, sleep=lambda _: None)

    with places.opened(
        there.place.spec,
        state=there.folder,
        environment=there.environment,
        patience=there.patience,
        transport_of=transport,
    ) as (_, library):
        files = there.files(what.catalog)
        return run.sync(what, there.place, library, files, run.Wishes(), sleep=lambda _: None)


def expected(there: World, ground: Ground) -> list[str]:
    """In what a library is not exactly what it must be in the end: nothing missing, nothing more, nothing twice."""
    if ground.scenario == FIRST:
        return differences(there, ground.desired)
    shown = there.shown()
    odd = sorted(key for key in shown.keys() | ground.holds.keys() if shown.get(key) != ground.holds.get(key))
    out = [f"{key}: {shown.get(key)} is not {ground.holds.get(key)}" for key in odd]
    # What has left the list stays, in a collection of its own: all else is as the list wants it.
    return out + [one for one in differences(there, ground.desired) if "is not wanted" not in one]


@dataclass(frozen=True)
class Outcome:
    """What came of a fault: `sign` for the matrix, and what is wrong (empty: nothing)."""

    sign: str
    wrong: list[str]


def tried(ground: Ground, fault: Fault, at: int) -> Outcome:
    """One sync with a fault at its `at`-th request, one without, and a third that must find nothing to do."""
    with ground.copied() as (there, middleware):
        middleware.arm(fault, at)
        sign, wrong = (_process if fault.kills else _run)(there, ground, middleware)
        if not middleware.befell:
            return Outcome("-", [])
        middleware.arm(None)
        try:
            again = synced(there, ground.desired)
            middleware.rest()
            wrong += [f"refused: {one}" for one in again.refused]
            wrong += expected(there, ground)
            middleware.arm(None)
            third = synced(there, ground.desired)
            if third.writes or third.plan.changes:
                wrong.append(f"a third run writes: {third.writes}, {third.plan.changes[:3]}")
        except Failure as failure:
            wrong.append(f"the run after it: {failure}")
    return Outcome("X" if wrong else sign, wrong)


def _run(there: World, ground: Ground, middleware: Middleware) -> tuple[str, list[str]]:
    try:
        report = synced(there, ground.desired)
    except Failure as failure:
        text = str(failure.problem)
        wrong = [f"more than a line: {text!r}"] if "\n" in text or there.secret in text else []
        return "1", wrong + ([f"exit {failure.code}"] if failure.code != 1 else [])
    except Exception as error:
        return "1", [f"{type(error).__name__}: {error}"]
    middleware.rest()
    if report.refused:
        return "r", [] if len(report.refused) == 1 else [f"refused: {report.refused}"]
    return ".", [f"agreed, but {one}" for one in expected(there, ground)]


def _process(there: World, ground: Ground, middleware: Middleware) -> tuple[str, list[str]]:
    most = [] if ground.most is None else [str(ground.most)]
    command = [sys.executable, "-m", "tests.faults", "--client", str(there.folder), ground.scenario, *most]
    given = {**os.environ, **there.environment}
    if isinstance(there, DesktopWorld):
        given["WINDOW"] = there.window.url
    with subprocess.Popen(command, cwd=ROOT, env=given, stdin=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        middleware.pid = process.pid
        _, said = process.communicate(b"go\n")
    middleware.rest()
    if process.returncode == -signal.SIGKILL:
        return "k", []
    return "k", [f"ended by itself: {process.returncode} {said.decode()[-300:]}"]


def _client(folder: Path, scenario: str, most: int | None) -> None:
    """A run in a process of its own, that can be killed."""
    what = wanted(scenario, most)
    if most is not None:
        applying.WRITTEN = SMALL
    sys.stdin.readline()
    synced(_world_of_client(folder), what)


def _world_of_client(folder: Path) -> World:
    def server(url: str, key: str, user: int) -> sandbox.Server:
        return sandbox.Server(url=url, key=key, user=user, accounts=None)  # type: ignore[arg-type]

    given: dict[str, Any] = {"folder": folder, "patience": PATIENCE, "settings": SETTINGS}
    if "WINDOW" in os.environ:
        desk, window = server(os.environ["REFSYNC_DESKTOP_URL"], "", 0), server(os.environ["WINDOW"], "", 0)
        return DesktopWorld(server=desk, window=window, **given)
    return World(server=server(os.environ["ZOTERO_API_URL"], os.environ["ZOTERO_API_KEY"], 1), **given)


# ---------------------------------------------------------------------------------------------------------------
# The matrix


def matrix(ground: Ground, faults: Sequence[Fault]) -> tuple[list[str], list[str]]:
    """(the lines of the matrix, what is wrong)."""
    columns = len(ground.requests)
    width = max(len(one.name) for one in faults)
    lines = [f"{'':{width}}  " + " ".join(f"{at:>2}" for at in range(1, columns + 1))]
    wrong: list[str] = []
    for fault in faults:
        signs = []
        for at in range(1, columns + 1):
            outcome = tried(ground, fault, at)
            signs.append(f"{outcome.sign:>2}")
            wrong += [f"{ground.scenario}, {fault.name} at {at}: {one[:400]}" for one in outcome.wrong]
        lines.append(f"{fault.name:{width}}  " + " ".join(signs))
        print(f"{ground.scenario}: {lines[-1]}", file=sys.stderr, flush=True)
    return lines, wrong


LEGEND = """`.` the run itself agreed in the end; `1` it ended with one line and exit code 1, and the next run agreed;
`r` the object was told as refused (exit code 1) and the rest written, and the next run wrote it; `k` it was killed, and the
next run agreed; `-` this request cannot fail so; `X` the library was not what it must be. After each, a further run wrote
nothing."""


def main(names: Sequence[str]) -> int:
    """Prints the matrix as Markdown; 1 when anything is wrong."""
    kind, called = "user", ""
    if names[:1] == ["--library"]:
        kind, called, names = names[1], f" --library {names[1]}", names[2:]
    faults = [one for one in FAULTS if not names or any(name in one.name for name in names)]
    if not faults:
        print(f"no fault is called so; there are: {', '.join(one.name for one in FAULTS)}", file=sys.stderr)
        return 2
    wrong: list[str] = []
    print(f"`python -m tests.faults{called}` wrote this: every fault at every request of a sync of the example list.\n")
    print(f"{LEGEND}\n")
    cells = 0
    for scenario, title in ((FIRST, "A first sync"), (CHANGES, "A sync with changes")):
        with tempfile.TemporaryDirectory() as name:
            made = ground(scenario, Path(name), kind=kind)
            lines, more = matrix(made, faults)
        wrong += more
        cells += len(faults) * len(made.requests)
        print(f"## {title}\n")
        print("\n".join(f"{at}. {one}" for at, one in enumerate(made.requests, 1)))
        print("\n```text\n" + "\n".join(lines) + "\n```\n")
    print(f"{cells} tries, {len(wrong)} wrong.\n")
    for one in wrong:
        print(f"- {one}")
    return 1 if wrong else 0


if __name__ == "__main__":
    if sys.argv[1:2] == ["--client"]:
        _client(Path(sys.argv[2]), sys.argv[3], int(sys.argv[4]) if sys.argv[4:] else None)
    else:
        sys.exit(main(sys.argv[1:]))
