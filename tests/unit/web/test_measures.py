"""The numbers of ``/metrics``: right, documented, and there when the room hangs."""

from __future__ import annotations

import os
import re
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from types import SimpleNamespace

import pytest
from flask.testing import FlaskClient
from prometheus_client.parser import text_string_to_metric_families as parse

from chatroom import __version__
from chatroom.engine import Engine
from chatroom.web import measures
from tests.support import CHECKOUT
from tests.support.deadline import DEADLINE, wait_for
from tests.support.flask_client import fail
from tests.support.in_memory_room import Guest

SETTINGS = {"leave_grace": 0, "metrics_key": "", "max_users": 7}
"""Of the ``app``: see conftest.py."""

Samples = dict[str, float]
"""By name and labels, such as ``chatroom_users{protocol="plain"}``."""


def read(client: FlaskClient) -> Samples:
    reply = client.get("/metrics")
    assert reply.status_code == 200, reply.text
    samples: Samples = {}
    for family in parse(reply.text):
        for sample in family.samples:
            labels = ",".join(f'{name}="{value}"' for name, value in sample.labels.items())
            key = sample.name + (f"{{{labels}}}" if labels else "")
            assert key not in samples
            samples[key] = sample.value
    return samples


@contextmanager
def here(engine: Engine, *names: str, **options: int) -> Iterator[list[Guest]]:
    """Plain users with a place and without threads, in the lobby."""
    guests = [Guest(engine.server.channels, name, **options) for name in names]
    try:
        for guest in guests:
            engine.gate.enter(guest.user.connection)
            guest.join()
        yield guests
    finally:
        for guest in guests:
            engine.gate.leave(guest.user.connection)
            guest.__exit__()


def settle(engine: Engine) -> None:
    """What was put so far is handled."""
    engine.server.ask(lambda: None, DEADLINE)


# -- right -------------------------------------------------------------------------------------


def test_three_messages_to_two_users_are_six_deliveries(client: FlaskClient, engine: Engine):
    with here(engine, "Ann", "Bob") as (ann, _bob):
        settle(engine)
        for text in ("one", "two", "three"):
            ann.say(text)
            settle(engine)
        samples = read(client)

    assert samples["chatroom_messages_stored_total"] == 3
    assert samples["chatroom_deliveries_total"] == 6
    assert samples['chatroom_joins_total{protocol="plain"}'] == 2
    assert samples["chatroom_batch_messages_sum"] == 3
    assert 1 <= samples["chatroom_batch_messages_count"] <= 3
    assert samples["chatroom_commit_seconds_count"] == samples["chatroom_batch_messages_count"]
    assert samples["chatroom_fan_out_seconds_count"] == samples["chatroom_batch_messages_count"]
    assert 0 < samples["chatroom_commit_seconds_sum"] < DEADLINE
    assert (
        samples['chatroom_fan_out_seconds_bucket{le="+Inf"}']
        == (samples["chatroom_fan_out_seconds_count"])
    )
    assert samples["chatroom_errors_total"] == 0


def test_who_is_here_shows_and_who_has_gone_does_not(client: FlaskClient, engine: Engine):
    with here(engine, "Ann", "Bob"):
        settle(engine)
        full = read(client)
    assert full['chatroom_users{protocol="plain"}'] == 2
    assert full['chatroom_users{protocol="typed"}'] == 0
    assert (full["chatroom_rooms"], full["chatroom_sockets"]) == (1, 2)
    assert full["chatroom_max_users"] == 7


def test_a_server_without_anybody_has_zeros_so_that_alarms_see_the_first(client: FlaskClient):
    samples = read(client)

    for name in (
        'chatroom_users{protocol="plain"}',
        'chatroom_users{protocol="typed"}',
        "chatroom_rooms",
        "chatroom_people",
        "chatroom_sockets",
        "chatroom_event_listeners",
        "chatroom_queued_bytes",
        "chatroom_users_behind",
        "chatroom_broadcast_waiting",
        'chatroom_joins_total{protocol="plain"}',
        'chatroom_joins_total{protocol="typed"}',
        "chatroom_messages_stored_total",
        "chatroom_messages_not_stored_total",
        "chatroom_deliveries_total",
        "chatroom_slow_users_total",
        'chatroom_http_posts_total{outcome="stored"}',
        'chatroom_http_posts_total{outcome="known"}',
        'chatroom_http_posts_total{outcome="held"}',
        "chatroom_errors_total",
        "chatroom_uploads_total",
        "chatroom_files_bytes",
        "chatroom_commit_seconds_count",
    ):
        assert samples[name] == 0, name
    assert samples["chatroom_up"] == samples["chatroom_history_up"] == 1


def test_what_is_running_and_since_when(client: FlaskClient, engine: Engine):
    (info,) = (f for f in parse(client.get("/metrics").text) if f.name == "chatroom_info")
    samples = read(client)

    assert info.samples[0].labels["version"] == __version__
    assert info.samples[0].labels["history"] == engine.history.name.partition(":")[0]
    assert time.time() - DEADLINE < samples["chatroom_start_time_seconds"] <= time.time()
    assert samples["chatroom_threads"] == pytest.approx(threading.active_count(), abs=3)
    assert samples["process_resident_memory_bytes"] > 2**20


def test_posts_count_by_what_became_of_them(client: FlaskClient):
    for _ in range(2):
        fields = {"userName": "Bot", "body": "hi", "cmid": "one"}
        client.post("/api/rooms/lobby/messages", json=fields)
    client.post("/api/rooms/lobby/messages", json={"userName": "Bot", "body": "hi"})

    samples = read(client)
    assert samples['chatroom_http_posts_total{outcome="stored"}'] == 2
    assert samples['chatroom_http_posts_total{outcome="known"}'] == 1
    assert samples["chatroom_messages_stored_total"] == 2
    assert samples["chatroom_deliveries_total"] == 0
    assert samples["chatroom_fan_out_seconds_count"] == 0  # nobody was there


def test_refusals_count_by_their_code(client: FlaskClient):
    client.post("/api/rooms/lobby/messages", json={"userName": "Bot"})
    client.get("/api/rooms/a%20b/messages")
    client.get("/api/nothing")
    client.get("/chat")
    client.get("/rooms/a%20b/transcript")
    client.get("/metrics", environ_overrides={"REMOTE_ADDR": "192.0.2.7"})

    samples = read(client)
    found = {key: value for key, value in samples.items() if "refusals" in key}
    assert found == {
        'chatroom_refusals_total{code="bad-field"}': 1,
        'chatroom_refusals_total{code="bad-room"}': 1,
        'chatroom_refusals_total{code="not-found"}': 1,
        'chatroom_refusals_total{code="http-426"}': 1,
        'chatroom_refusals_total{code="http-400"}': 1,
        'chatroom_refusals_total{code="http-403"}': 1,
    }


def test_what_waits_for_users_is_summed(client: FlaskClient, engine: Engine):
    """The second one reads nothing, and its socket takes little."""
    with here(engine, "Ann") as (ann,), here(engine, "Bob", buffers=4096):
        settle(engine)
        ann.say("x" * 60_000)
        settle(engine)
        samples = read(client)

    assert samples["chatroom_users_behind"] == 1
    assert 30_000 < samples["chatroom_queued_bytes"] < 62_000


def test_whoever_is_too_slow_is_counted(client: FlaskClient, engine: Engine):
    with here(engine, "Ann") as (ann,), here(engine, "Bob", buffers=4096, queue_bytes=100_000):
        settle(engine)
        for _ in range(3):
            ann.say("x" * 60_000)
            settle(engine)
        settle(engine)
        samples = read(client)

    assert samples["chatroom_slow_users_total"] == 1
    assert samples["chatroom_errors_total"] == 1
    assert samples['chatroom_users{protocol="plain"}'] == 1


def test_a_history_that_fails_shows(
    client: FlaskClient, engine: Engine, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(engine.history, "probe", fail)
    monkeypatch.setattr(engine.history, "append", fail)
    reply = client.post("/api/rooms/lobby/messages", json={"userName": "Bot", "body": "hi"})
    samples = read(client)

    assert reply.status_code == 503
    assert (samples["chatroom_up"], samples["chatroom_history_up"]) == (1, 0)
    assert samples["chatroom_messages_not_stored_total"] == 1
    assert samples["chatroom_commit_seconds_count"] == 0
    assert samples['chatroom_refusals_total{code="unavailable"}'] == 1


# -- in time -----------------------------------------------------------------------------------


@contextmanager
def hanging(engine: Engine) -> Iterator[None]:
    """The Server thread does nothing for the length of the block."""
    goes_on, hangs = threading.Event(), threading.Event()

    def hang() -> None:
        hangs.set()
        assert goes_on.wait(DEADLINE)

    waiting = threading.Thread(target=engine.server.ask, args=(hang, DEADLINE))
    waiting.start()
    assert hangs.wait(DEADLINE)
    try:
        yield
    finally:
        goes_on.set()
        waiting.join(DEADLINE)


def test_it_comes_in_time_though_the_server_thread_hangs(
    client: FlaskClient, engine: Engine, monkeypatch: pytest.MonkeyPatch
):
    """And says so: what that thread knows is missing, and everything else is there."""
    monkeypatch.setattr(measures, "TIMEOUT", 0.1)
    usual = read(client).keys()
    with hanging(engine):
        began = time.monotonic()
        samples = read(client)
        assert time.monotonic() - began < 2
    assert samples["chatroom_up"] == 0
    assert usual - samples.keys() == {
        "chatroom_server_answer_seconds",
        "chatroom_server_cpu_seconds_total",
        'chatroom_users{protocol="plain"}',
        'chatroom_users{protocol="typed"}',
        "chatroom_rooms",
        "chatroom_people",
        "chatroom_history_up",
    }
    wait_for(lambda: read(client)["chatroom_up"] == 1, "the Server thread")


def test_a_server_thread_that_has_answered_may_still_hang_over_the_history(
    client: FlaskClient, engine: Engine, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(measures, "TIMEOUT", 0.1)
    goes_on = threading.Event()
    monkeypatch.setattr(engine.history, "probe", lambda: goes_on.wait(DEADLINE))
    try:
        samples = read(client)
    finally:
        goes_on.set()

    assert (samples["chatroom_up"], samples["chatroom_history_up"]) == (1, 0)


def test_together_they_wait_for_less_than_prometheus_does():
    assert 2 * measures.TIMEOUT < 10


def test_sockets_are_looked_at_a_few_at_a_time(
    client: FlaskClient, engine: Engine, monkeypatch: pytest.MonkeyPatch
):
    """Whoever wants the interpreter's lock gets it in between."""
    naps: list[float] = []
    monkeypatch.setattr(measures, "AT_ONCE", 2)
    monkeypatch.setattr(measures, "_count_descriptors", lambda: 0)
    monkeypatch.setattr(measures.time, "sleep", naps.append)
    with here(engine, *"ABCDE"):
        assert read(client)["chatroom_sockets"] == 5

    assert naps == [measures.PAUSE] * 2


def test_descriptors_are_counted_by_older_kernels_too(monkeypatch: pytest.MonkeyPatch):
    """A few at a time: there, each one has to be looked at."""
    naps: list[float] = []
    monkeypatch.setattr(measures.time, "sleep", naps.append)
    with ExitStack() as stack:
        for _ in range(150):
            stack.callback(os.close, os.dup(0))
        count = len(os.listdir("/proc/self/fd")) - 1  # that of the list itself
        assert measures._count_descriptors() == pytest.approx(count, abs=2)

        monkeypatch.setattr(measures.os, "stat", lambda path: SimpleNamespace(st_size=0))
        assert measures._count_descriptors() == pytest.approx(count, abs=2)
    assert naps


# -- documented --------------------------------------------------------------------------------


def test_names_and_labels_are_of_few_words(client: FlaskClient, engine: Engine):
    """Nothing that clients say: rooms, names and addresses would make numbers without number."""
    with here(engine, "Mallory") as (mallory,):
        mallory.say("secret text")
        settle(engine)
        client.get("/api/rooms/secret-room/messages/nothing")
        client.get("/secret-path")
        text = client.get("/metrics").text

    assert not re.search("secret|mallory|lobby|127[.]0", text, re.IGNORECASE)
    labels = {label for f in parse(text) for s in f.samples for label in s.labels}
    assert labels == {"version", "history", "python", "protocol", "outcome", "code", "le"}


def test_every_number_is_documented_and_no_other(client: FlaskClient, engine: Engine):
    client.get("/chat")  # of refusals, there is none until there is one
    families = [f for f in parse(client.get("/metrics").text) if f.name.startswith("chatroom_")]
    names = {f.name + ("_total" if f.type == "counter" else "") for f in families}

    api = (CHECKOUT / "docs" / "api.md").read_text()
    table = api[api.index("| Name | Labels | Meaning |") :].partition("\n\n")[0]
    assert (
        set(re.findall(r"^\| `(chatroom_\w+)`", table, re.MULTILINE))
        == names | measures.SHARED.keys() | measures.FOLLOWING.keys()
    )
    for family in families:
        row = next(line for line in table.splitlines() if f"`{family.name}" in line)
        used = {label for sample in family.samples for label in sample.labels}
        assert all(f"`{label}`" in row for label in used), row


@pytest.mark.parametrize("file", ["grafana.json", "deployment.md", "architecture.md"])
def test_the_dashboard_and_the_alarms_name_only_numbers_that_there_are(
    client: FlaskClient, file: str
):
    client.get("/chat")  # a refusal
    known = {sample.name for f in parse(client.get("/metrics").text) for sample in f.samples}

    text = (CHECKOUT / "docs" / file).read_text()
    named = set(re.findall(r"\b(?:chatroom|process)_[a-z_]+\b(?!\.)", text))
    shared = measures.SHARED.keys() | measures.FOLLOWING.keys()
    assert named - known - shared - {"chatroom_up"} == set()
    assert file == "architecture.md" or len(named) > 10
