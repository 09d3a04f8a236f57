"""Every fixture that more than one file of tests uses, and what pytest itself is told."""

from __future__ import annotations

import gc
import itertools
import signal
from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import HealthCheck, settings

from chatroom.client import ChatClient
from chatroom.engine import Engine
from tests.support import postgresql
from tests.support.flask_client import engine_of, started
from tests.support.in_memory_room import InMemoryServer
from tests.support.many_clients import CROWD, at_most
from tests.support.server_process import Launch, Running, launched

if TYPE_CHECKING:
    from playwright.sync_api import Browser

    from tests.support.browser import Tab
    from tests.support.fellow import Fellow
    from tests.support.kept_pages import KeptPages

# A busy machine is no bug: nothing here measures time by hypothesis's clock.
settings.register_profile("chatroom", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("chatroom")
# For make unit: the fast lane looks for what is often wrong, make test for what seldom is, too.
settings.register_profile("fast", settings.get_profile("chatroom"), max_examples=25)

# -- a server process ------------------------------------------------------------------------


@pytest.fixture
def prepare(tmp_path: Path) -> Iterator[Launch]:
    """Make servers that are not started yet, and end them with the test."""
    made: list[Running] = []

    def make(**settings: Any) -> Running:
        running = Running(tmp_path / f"server{len(made)}", **settings)
        made.append(running)
        return running

    yield make
    for running in made:
        running.kill()


@pytest.fixture
def serve(prepare: Launch) -> Launch:
    """Start servers, and end them with the test."""

    def start(**settings: Any) -> Running:
        return prepare(**settings).start()

    return start


@pytest.fixture(scope="session", autouse=True)
def end_postgresql() -> Iterator[None]:
    """Which the first test that needs it has started."""
    yield
    postgresql.end_shared()


# -- rooms without threads -------------------------------------------------------------------


@pytest.fixture
def make() -> Iterator[Callable[..., InMemoryServer]]:
    """Make Servers without threads, and end their users' sockets with the test."""
    with ExitStack() as stack:
        yield lambda **options: InMemoryServer(stack, **options)


@pytest.fixture
def club(make: Callable[..., InMemoryServer]) -> InMemoryServer:
    """A Server with nothing out of the ordinary."""
    return make()


# -- the application without a server --------------------------------------------------------


HISTORIES = ["memory:", "sqlite:chat.db"]


@pytest.fixture(params=HISTORIES)
def app(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Flask]:
    """With either history, and with what the test module says in ``SETTINGS``."""
    with started(tmp_path, history=request.param, **request.module.SETTINGS) as app:
        yield app


@pytest.fixture(scope="module", params=HISTORIES)
def shared_client(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[FlaskClient]:
    """A client for all tests of a file that change nothing which the next one could see."""
    folder = tmp_path_factory.mktemp("shared")
    with started(folder, history=request.param, **request.module.SETTINGS) as app:
        yield app.test_client()


@pytest.fixture
def engine(app: Flask) -> Engine:
    return engine_of(app)


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


# -- the page in a browser -------------------------------------------------------------------


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    from tests.support.browser import chromium  # Playwright takes what no other test needs

    with chromium() as browser:
        yield browser


@pytest.fixture(scope="module")
def page_server(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Running]:
    """One server for all pages of a file that leave it alone. Those of several files would make
    more rooms than it lets one address make in so short a time.

    Whoever makes a room there is its host, and told so between the messages, only where the test
    module says so: ``ROOM_MAKERS``.
    """
    makers = getattr(request.module, "ROOM_MAKERS", "operator")
    folder = tmp_path_factory.mktemp("page")
    running = Running(folder, history="memory:", leaveGrace=0, roomMakers=makers).start()
    yield running
    running.kill()


rooms = map("page-{}".format, itertools.count())


@pytest.fixture
def room() -> str:
    """A room that is this test's own."""
    return next(rooms)


@pytest.fixture(scope="session")
def kept_pages(browser: Browser) -> KeptPages:
    from tests.support.kept_pages import KeptPages

    return KeptPages(browser)


@pytest.fixture
def open_tab(
    browser: Browser, kept_pages: KeptPages, page_server: Running, room: str
) -> Iterator[Callable[..., Tab]]:
    """Open pages in the test's room; ``server`` and ``path`` say another place.

    ``fresh=True``: in a browser that has never been used, where a first load is what it is about.
    """
    from tests.support.browser import Tab

    opened: list[Tab] = []

    def open_one(
        name: str | None = "Ann",
        server: Running = page_server,
        fresh: bool = False,
        **options: Any,
    ) -> Tab:
        options = {"path": f"/rooms/{room}", **options}
        kept = None if fresh or "within" in options else kept_pages
        opened.append(Tab(browser, server, name, kept=kept, **options))
        return opened[-1]

    yield open_one
    for tab in reversed(opened):  # first those that are within another one's browser
        tab.leave()


@pytest.fixture
def bob(page_server: Running, room: str) -> Iterator[ChatClient]:
    """Somebody else in the test's room, where no second page is needed: a program."""
    with ChatClient(f"http://127.0.0.1:{page_server.port}", "Bob", room=room) as bob:
        yield bob


@pytest.fixture
def come(page_server: Running, room: str) -> Iterator[Callable[..., Fellow]]:
    """Let somebody come into the test's room; the first one is its maker."""
    from tests.support.fellow import Fellow

    came: list[Fellow] = []

    def one(name: str, link: str | None = None) -> Fellow:
        other = Fellow(page_server.port, name, room)
        other.link = link
        other.connect_and_catch_up()
        came.append(other)
        return other

    yield one
    for other in came:
        other.close()


@pytest.fixture
def eve(come: Callable[..., Fellow]) -> Fellow:
    """The room's maker, where the page is not."""
    return come("Eve")


# -- pytest ----------------------------------------------------------------------------------


def pytest_configure() -> None:
    """``make test &`` in a script runs with SIGINT ignored, and each process that is started
    from there would ignore it too, also those that a test interrupts."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_report_header() -> str | None:
    most = at_most(CROWD)
    return None if most == CROWD else f"crowds: {most:,} people at most, by ulimit -Hn"


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """What is there after it stays to the end: the garbage collector need not look at it at all."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What needs no server fails first; then what takes long, so that in the end no worker is
    alone with a long file while the others have nothing left to do."""
    for item in items:
        if isinstance(item, pytest.Function) and is_over_a_database(item):
            item.add_marker("database")
    items.sort(key=lambda item: (not is_fast(item.path), -seconds(item)))


def is_over_a_database(item: pytest.Function) -> bool:
    """Whether it is one of those over every History, and this is PostgreSQL's turn."""
    parameters = getattr(item, "callspec", None)
    return bool(parameters) and "postgresql:" in parameters.params.values()


def pytest_runtest_setup(item: pytest.Item) -> None:
    unmarked = is_fast(item.path) and not item.get_closest_marker("database")
    postgresql.refuses = f"{item.nodeid} is not marked: pytest.mark.database" if unmarked else ""


def is_fast(path: Path) -> bool:
    """Whether ``make unit`` runs it, if it needs no database."""
    return not {"unit", "project"}.isdisjoint(path.parts)


def seconds(item: pytest.Item) -> float:
    """What the file says that it takes: ``pytestmark = pytest.mark.takes(seconds=12)``."""
    marker = item.get_closest_marker("takes")
    return marker.kwargs["seconds"] if marker else 0


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    call: pytest.CallInfo[None],
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """What has failed shows what the servers said that were there. Reports travel between processes
    as UTF-8; what a test has logged may be none."""
    report = yield
    if report.failed:
        there = (server for server in launched if server.ended_at > call.start)
        servers = sorted(there, key=lambda server: server.folder)
        said = ((str(server.folder), server.last_words()) for server in servers)
        report.sections += [(f"A server, in {folder}", words) for folder, words in said if words]
    report.sections = [
        (name, text.encode("utf-8", "backslashreplace").decode()) for name, text in report.sections
    ]
    return report
