"""Lose the connection, or the server its life, at any moment: each message once, in order."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.resuming import KEPT, REPLAY, Resuming
from tests.support.server_process import Running, serving
from tests.support.stories import run_stories

pytestmark = pytest.mark.takes(seconds=24)


@pytest.fixture(scope="module", params=[0, KEPT], ids=["all kept", "trimmed"])
def server(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Running]:
    folder = tmp_path_factory.mktemp("resume")
    with serving(
        folder, history="sqlite:chat.db", replayLimit=REPLAY, keepMessages=request.param
    ) as running:
        yield running


def test_every_view_is_the_history_from_its_first_message_on(server: Running) -> None:
    run_stories(lambda: Resuming(server), examples=30, shrinks=False)
    assert "Traceback" not in server.log() + server.said()
