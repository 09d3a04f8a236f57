"""Each example of docs/protocol.md, with its people at two servers that share a database."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from tests.support import postgresql
from tests.support.examples import EXAMPLES, is_of_hosts, play
from tests.support.server_process import Running, serving

OF_HOSTS = [example for example in EXAMPLES if is_of_hosts(example)]
OTHERS = [example for example in EXAMPLES if not is_of_hosts(example)]


@pytest.fixture(scope="class")
def pair(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[list[Running]]:
    """Those of one class end before those of the next begin: PostgreSQL has not room for many."""
    settings = {"history": postgresql.shared().make_database(), "leaveGrace": 0}
    settings["filesFolder"] = str(tmp_path_factory.mktemp("files"))
    with ExitStack() as stack:
        yield [
            stack.enter_context(
                serving(
                    tmp_path_factory.mktemp("server"), **settings, roomMakers=request.cls.makers
                )
            )
            for _ in range(2)
        ]


def play_at_two(pair: list[Running], room: str, example: str) -> None:
    play(example, room, lambda name: pair[name != "Ann"])


class TestWhereWhoeverMakesARoomIsInChargeOfIt:
    makers = "everyone"

    @pytest.mark.parametrize("example", OF_HOSTS, ids=range(len(OF_HOSTS)))
    def test_an_example_is_so(self, pair: list[Running], room: str, example: str) -> None:
        play_at_two(pair, room, example)


class TestWhereNobodyIsInCharge:
    makers = "operator"

    @pytest.mark.parametrize("example", OTHERS, ids=range(len(OTHERS)))
    def test_an_example_is_so(self, pair: list[Running], room: str, example: str) -> None:
        play_at_two(pair, room, example)
