"""People edit and remove what they said, and lose the line or the server at any moment: in the end
every view is the history, each message in its newest state, and nothing that was removed."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.changing import Changing
from tests.support.resuming import KEPT, REPLAY
from tests.support.server_process import Running, serving
from tests.support.stories import run_stories

pytestmark = pytest.mark.takes(seconds=25)

QUEUE = 16 * 1024
"""Bytes: a room's tail has half of it, and remembers changes of an eighth."""


@pytest.fixture(scope="module", params=[0, KEPT], ids=["all kept", "trimmed"])
def server(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Running]:
    folder = tmp_path_factory.mktemp("changes")
    with serving(
        folder,
        history="sqlite:chat.db",
        replayLimit=REPLAY,
        keepMessages=request.param,
        userQueueBytes=QUEUE,
        maxMessageBytes=4096,
    ) as running:
        yield running


def test_every_view_has_each_message_in_its_newest_state(server: Running) -> None:
    run_stories(lambda: Changing(server), examples=15, steps=40, shrinks=False)
    assert "Traceback" not in server.log() + server.said()
