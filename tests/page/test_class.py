"""A class of thirty behind one address, whose teacher has the page."""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import pytest

from tests.support.browser import Tab
from tests.support.deadline import wait_for
from tests.support.server_process import Running
from tests.support.typed_client import SUBPROTOCOL, Fields, TypedClient, typed_frame
from tests.support.websocket_client import TEXT, RawClient

pytestmark = pytest.mark.takes(seconds=10)

ROOM_MAKERS = "everyone"
"""Of the ``page_server``: see conftest.py."""

SCHOOL = "192.0.2.7"


def next_of(client: RawClient) -> Fields:
    frame = client.frame()
    assert frame.opcode == TEXT
    fields: Fields = json.loads(frame.payload)
    return fields


def test_one_is_removed_and_comes_back_as_another_and_the_rest_lose_nothing(
    open_tab: Callable[..., Tab], page_server: Running, room: str
) -> None:
    teacher = open_tab("Teacher", fresh=True)
    teacher.say("Good morning!")
    teacher.page.wait_for_selector("#manage-room")
    with ExitStack() as stack:

        def come(name: str) -> TypedClient:
            pupil = TypedClient(page_server.port, name, room)
            pupil.address = SCHOOL
            stack.callback(pupil.close)
            return pupil.connect_and_catch_up()

        def knock(name: str) -> RawClient:
            client = stack.enter_context(
                RawClient(
                    page_server.port, Sec_WebSocket_Protocol=SUBPROTOCOL, X_Forwarded_For=SCHOOL
                )
            )
            client.send(typed_frame(type="hello", userName=name, room=room))
            assert next_of(client)["type"] == "knocking"
            return client

        pupils = [come(f"Pupil {number}") for number in range(30)]
        eve = pupils.pop(13)
        teacher.page.click("#people li:has-text('Pupil 13') button")
        teacher.see("#person-dialog", "29 others here share this connection.")
        teacher.page.click("#person-dialog section:has-text('Remove') button:text-is('1 hour')")
        assert eve.hear_notice("error")["code"] == "removed"

        again = knock("Evelyn")
        teacher.see("#waiting", "Somebody wants to come in.")
        teacher.page.click("#waiting button")
        teacher.see("#waiting-dialog", "Evelyn")
        teacher.page.keyboard.press("x")
        assert next_of(again)["code"] == "no-entry"
        teacher.see("#waiting-dialog", "Nothing waits any more.")

        late = [knock(name) for name in ("Kim", "Lou", "Max")]
        teacher.see("#waiting-dialog", "Max")
        teacher.page.click("text=Let everybody in", delay=500)  # where it has just come to stand
        assert [next_of(client)["type"] for client in late] == ["welcome"] * 3
        assert come("Noa").welcome["userName"] == "Noa"

        def speak(pupil: TypedClient) -> None:
            pupil.say(f"{pupil.name} is here", pupil.name)
            pupil.hear_until_acked()

        with ThreadPoolExecutor(8) as pool:
            list(pool.map(speak, pupils))
        wait_for(lambda: len(teacher.bodies()) == 30, "all that was said")
        said = teacher.bodies()
        assert sorted(said[1:]) == sorted(f"{pupil.name} is here" for pupil in pupils)
        last = max(
            (pupil.acked[pupil.name] for pupil in pupils), key=lambda id: int(id.split("-")[0])
        )
        for pupil in pupils:
            pupil.hear_until(last)
            assert [message["body"] for message in pupil.view] == said
            assert pupil.errors == []
