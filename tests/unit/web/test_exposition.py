"""The format of ``/metrics``: what prometheus_client itself takes for one."""

from __future__ import annotations

from flask.testing import FlaskClient
from prometheus_client.openmetrics.parser import (
    text_string_to_metric_families as parse_openmetrics,
)
from prometheus_client.parser import text_string_to_metric_families as parse

from chatroom.tally import MESSAGES, SECONDS
from chatroom.web.exposition import OPENMETRICS

SETTINGS: dict[str, object] = {}
"""Of the ``app``: see conftest.py."""


def text(client: FlaskClient, accept: str = "") -> str:
    return client.get("/metrics", headers={"Accept": accept} if accept else {}).text


def test_both_parsers_take_it_and_find_the_same(shared_client: FlaskClient):
    """The one of OpenMetrics is strict about names, numbers and order."""
    plain = list(parse(text(shared_client)))
    strict = list(parse_openmetrics(text(shared_client, OPENMETRICS)))

    assert len(plain) == len(strict) > 20
    for family in plain:
        assert family.documentation.endswith("."), family.name
    assert [len(family.samples) for family in plain] == [len(family.samples) for family in strict]


def test_each_has_the_type_that_its_name_promises(shared_client: FlaskClient):
    types = {
        family.name: family.type for family in parse_openmetrics(text(shared_client, OPENMETRICS))
    }

    assert types["chatroom_messages_stored"] == "counter"
    assert types["chatroom_users"] == "gauge"
    assert types["chatroom_commit_seconds"] == "histogram"
    assert types["chatroom"] == "info"


def test_a_histogram_has_all_its_buckets(shared_client: FlaskClient):
    found = {family.name: family for family in parse(text(shared_client))}
    for name, bounds in {
        "chatroom_commit_seconds": SECONDS,
        "chatroom_batch_messages": MESSAGES,
    }.items():
        samples = found[name].samples
        buckets = [s.labels["le"] for s in samples if s.name == f"{name}_bucket"]
        assert list(map(float, buckets)) == [*bounds, float("inf")]


def test_whatever_version_a_client_wants_it_gets_one(shared_client: FlaskClient):
    for accept in (
        "text/plain;version=x",
        f"{OPENMETRICS};version=x",
        f"{OPENMETRICS};escaping=x",
        "*/*",
    ):
        assert "chatroom_up 1.0\n" in text(shared_client, accept), accept
