"""A real Prometheus reads a real server's numbers, as docs/deployment.md says."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.support import CHECKOUT
from tests.support.certificates import Certificate
from tests.support.deadline import wait_for
from tests.support.prometheus import Prometheus, promtool, watching
from tests.support.proxies import blocks, changed, nginx
from tests.support.server_process import Running

pytestmark = pytest.mark.takes(seconds=8)

KEY = "2f6c1f0e6d0b4f4f9c1d7f3f6a3b9a52"

HERE, AFAR, RULES = blocks("yaml")
"""What the page has for a Prometheus on the same machine, and on another; and the alarms."""

RANGE = "15s"
"""In place of Grafana's."""


class Scene(NamedTuple):
    """What there is for all tests of this file."""

    server: Running
    prometheus: Prometheus
    other: Running
    """A server that may go."""


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    """Two plain users who have said three things, a script that has said one, and a mistake.

    Prometheus is there first: it takes five seconds to find what it is to watch.
    """
    make = tmp_path_factory.mktemp
    certificate = Certificate(make("certificate"))
    with ExitStack() as last:
        server = Running(make("server"), history="memory:", metricsKey=KEY)
        other = Running(make("other"), history="memory:")
        front = last.enter_context(nginx(make("proxy"), server.port, certificate))
        prometheus = last.enter_context(look(server, other, front, certificate))
        for one in (server, other):
            last.callback(one.kill)
            one.start()
        ann, bob = (last.enter_context(server.join(name)) for name in ("Ann", "Bob"))
        wait_for(lambda: "now 2" in server.log(), "both in the room")
        for text in ("one", "two", "three"):
            ann.say(text)
        assert bob.bodies(3) == ["one", "two", "three"]
        server.say_from_anywhere("lobby", "four")
        assert server.get("/api/nothing")[0] == 404
        yield Scene(server, prometheus, other)


def look(
    server: Running, other: Running, front: str, certificate: Certificate
) -> AbstractContextManager[Prometheus]:
    """Both servers as the page says, and the first one again through its proxy, with and without
    the key."""
    here = changed(HERE, **{'"localhost:9999"': f'"localhost:{server.port}", "{at(other)}"'})
    place = front.removeprefix("https://")
    changes = {"job_name: chatroom": "job_name: afar", "chat.example.com": place}
    afar = changed(AFAR, **changes, **{"/etc/prometheus/chatroom.key": "chatroom.key"})
    stranger = re.sub(" *authorization:\n.*\n", "", changed(afar, **{"afar": "stranger"}))
    items = [here, *(text.partition("scrape_configs:\n")[2] for text in (afar, stranger))]
    files = {"chatroom.key": KEY, "trusted.pem": certificate.file.read_text()}
    return watching("".join(items), RULES, files, SSL_CERT_FILE="trusted.pem")


def at(server: Running) -> str:
    return f"localhost:{server.port}"


def of(server: Running, job: str = "chatroom") -> str:
    return f'{{job="{job}",instance="{at(server)}"}}'


def await_value(prometheus: Prometheus, expression: str, value: float) -> None:
    wait_for(lambda: prometheus.value(expression) == value, f"{expression} == {value}")


def test_what_has_happened_is_what_it_shows(watched: Scene) -> None:
    """Four messages to two users, of which three were said and one was posted."""
    server, prometheus, _ = watched
    expected = {
        "up": 1,
        "chatroom_up": 1,
        "chatroom_history_up": 1,
        "chatroom_messages_stored_total": 4,
        "chatroom_messages_not_stored_total": 0,
        "chatroom_deliveries_total": 8,
        "chatroom_rooms": 1,
        "chatroom_sockets": 2,
        "chatroom_batch_messages_sum": 4,
        "chatroom_errors_total": 0,
    }
    for name, number in expected.items():
        await_value(prometheus, name + of(server), number)
    labelled = {
        "chatroom_users": ("protocol", {"plain": 2, "typed": 0}),
        "chatroom_joins_total": ("protocol", {"plain": 2, "typed": 0}),
        "chatroom_http_posts_total": ("outcome", {"stored": 1, "known": 0, "held": 0}),
    }
    for name, (label, numbers) in labelled.items():
        found = prometheus.query(name + of(server))
        assert {labels[label]: value for labels, value in found} == numbers
    assert prometheus.value(f'chatroom_refusals_total{of(server)[:-1]},code="not-found"}}') == 1


def test_through_the_proxy_only_the_key_opens_it(watched: Scene) -> None:
    prometheus = watched.prometheus
    for job, up in {"afar": 1, "stranger": 0}.items():
        await_value(prometheus, f'up{{job="{job}"}}', up)
    await_value(prometheus, 'chatroom_messages_stored_total{job="afar"}', 4)
    assert prometheus.query('chatroom_up{job="stranger"}') == []
    wait_for(lambda: "may not read the server's numbers" in watched.server.log(), "a refusal")


def test_each_panel_of_the_dashboard_has_something_to_show(watched: Scene) -> None:
    dashboard = json.loads((CHECKOUT / "docs" / "grafana.json").read_text())
    expressions = [
        target["expr"] for panel in dashboard["panels"] for target in panel.get("targets", [])
    ]
    assert len(expressions) > 30
    for expression in expressions:
        for name, value in {"$__rate_interval": RANGE, "$job": ".*", "$instance": ".*"}.items():
            expression = expression.replace(name, value)
        wait_for(lambda it=expression: watched.prometheus.query(it), expression)


def test_no_alarm_is_raised_while_all_is_well(watched: Scene) -> None:
    def states() -> set[tuple[str, str]]:
        return {(rule["health"], rule["state"]) for rule in watched.prometheus.rules().values()}

    wait_for(lambda: states() == {("ok", "inactive")}, "that each alarm was thought of")
    assert len(watched.prometheus.rules()) == 5


def test_a_server_that_is_gone_raises_one(watched: Scene) -> None:
    """Soon: the rule waits for a minute, as a restart is no reason to wake somebody."""
    await_value(watched.prometheus, f"up{of(watched.other)}", 1)
    watched.other.kill()

    def alarms() -> list[dict[str, object]]:
        alerts: list[dict[str, object]] = watched.prometheus.rules()["ChatroomDown"]["alerts"]
        return alerts

    (alarm,) = wait_for(alarms, "an alarm")
    assert alarm["labels"]["instance"] == at(watched.other)  # type: ignore[index]
    assert alarm["state"] == "pending"
    assert watched.prometheus.value(f"chatroom_up{of(watched.server)}") == 1


def test_promtool_finds_nothing_to_complain_about(watched: Scene, tmp_path: Path) -> None:
    status, headers, text = watched.server.get("/metrics")
    assert (status, headers["cache-control"]) == (200, "no-store")
    assert promtool("check", "metrics", given=text.decode()) == ""
    for number, config in enumerate((HERE, AFAR)):
        file = tmp_path / f"{number}.yml"
        file.write_text(config)
        assert promtool("check", "config", "--syntax-only", str(file)) == ""
    rules = tmp_path / "rules.yml"
    rules.write_text(RULES)
    assert promtool("check", "rules", str(rules)) == ""


GOOD = {"up": "1x60", "chatroom_up": "1x60", "chatroom_history_up": "1x60"}
BUCKET = 'chatroom_commit_seconds_bucket{le="%s"}'
RAISED = {
    "the process is gone": ({"up": "1x5 0x60"}, "ChatroomDown"),
    "it hangs": ({"chatroom_up": "0x60"}, "ChatroomDown"),
    "it was restarted": ({"up": "1x28 0x0 1x60"}, None),
    "the disk is full": ({"chatroom_history_up": "0x60"}, "ChatroomStoresNothing"),
    "messages were lost": (
        {"chatroom_messages_not_stored_total": "0x20 1x60"},
        "ChatroomStoresNothing",
    ),
    "commits are slow": (
        {BUCKET % "0.25": "0+9x60", BUCKET % "0.5": "0+10x60", BUCKET % "+Inf": "0+10x60"},
        "ChatroomSlowDisk",
    ),
    "commits are quick": (
        {BUCKET % "0.25": "0+10x60", BUCKET % "0.5": "0+10x60", BUCKET % "+Inf": "0+10x60"},
        None,
    ),
    "it is full": ({"chatroom_sockets": "96x60", "chatroom_max_users": "100x60"}, "ChatroomFull"),
    "many are slow": ({"chatroom_slow_users_total": "0+6x60"}, "ChatroomDropsPeople"),
    "one is slow": ({"chatroom_slow_users_total": "0x20 1x60"}, None),
}
"""What happens, in half-minutes, and which alarm it raises within fourteen minutes."""


def test_each_alarm_is_raised_by_what_it_is_for_and_by_nothing_else(tmp_path: Path) -> None:
    names = re.findall(r"alert: (\w+)", RULES)
    trials = []
    for what, (changes, raised) in RAISED.items():
        series = GOOD | changes
        expected = [{"eval_time": "14m", "alertname": name, "exp_alerts": []} for name in names]
        for one in expected:
            if one["alertname"] == raised:
                labels = {"job": "chatroom"}
                one["exp_alerts"] = [{"exp_labels": labels, "exp_annotations": said_by(raised)}]
        trials.append(
            {
                "name": what,
                "interval": "30s",
                "input_series": [
                    {"series": with_job(name), "values": values} for name, values in series.items()
                ],
                "alert_rule_test": expected,
            }
        )
    (tmp_path / "rules.yml").write_text(RULES)
    file = tmp_path / "trials.yml"  # JSON is YAML, too
    file.write_text(json.dumps({"rule_files": ["rules.yml"], "tests": trials}))

    assert promtool("test", "rules", str(file)) == ""
    assert {raised for _, raised in RAISED.values()} - {None} == set(names)


def with_job(series: str) -> str:
    name, _, labels = series.partition("{")
    return f'{name}{{job="chatroom",{labels or "}"}'


def said_by(alarm: str) -> dict[str, str]:
    (summary,) = re.findall(rf"alert: {alarm}\n(?:.*\n)*?\s+summary: (.+)", RULES)
    return {"summary": summary}


def test_promtool_would_complain() -> None:
    bad = "# HELP chatroom_bytes Bytes\n# TYPE chatroom_bytes counter\nchatroom_bytes 1\n"
    assert "_total" in promtool("check", "metrics", given=bad)
