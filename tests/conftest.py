"""What several test modules share."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from running import Running
from tabs import browser as browser
from tabs import open_tab as open_tab
from tabs import page_server as page_server
from tabs import room as room

Launch = Callable[..., Running]

# A busy machine is no bug: nothing here measures time by hypothesis's clock.
settings.register_profile("chatroom", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("chatroom")


LONG = (
    # pages, which compute, and in between what mostly waits: each takes ten seconds and more
    *("page_reading", "stop", "commands", "page_access", "disk", "start"),
    *("page_connection", "api_document", "typed_protocol", "page", "kill", "chaos"),
    *("page_people", "resume_model", "presence_crowd", "slow_readers", "history_upgrade"),
    *("api_served", "history_sqlite_check", "past", "crowd", "connection", "api"),
)
"""The files that take long, without their ``test_``, as they are to begin: so that in the end
no worker is alone with one, while the others have nothing left to do."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    places = {f"test_{name}": place for place, name in enumerate(LONG)}
    items.sort(key=lambda item: places.get(item.path.stem, len(LONG)))


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


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Reports travel between processes as UTF-8; what a test has logged may be none."""
    report = yield
    report.sections = [
        (name, text.encode("utf-8", "backslashreplace").decode()) for name, text in report.sections
    ]
    return report
