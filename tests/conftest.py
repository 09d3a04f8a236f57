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
