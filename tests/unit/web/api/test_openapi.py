"""The description of the HTTP API: it is what the server does, says schemathesis."""

from __future__ import annotations

import json
import re
import unicodedata
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from chatroom import create_app, names
from chatroom.configuration import load_configuration
from chatroom.errors import BadRoomName
from chatroom.web.api import openapi, problems
from chatroom.wire import acts
from chatroom.wire.acts import ASKED
from tests.support.flask_client import started


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    configuration = replace(load_configuration({}), history="memory:", max_name_length=7)
    found: dict[str, Any] = json.loads(json.dumps(openapi.document(configuration)))
    return found


def references(part: Any) -> set[str]:
    """Every ``$ref`` in this part of the document."""
    if isinstance(part, list):
        return set().union(*map(references, part))
    if not isinstance(part, dict):
        return set()
    here = {part["$ref"]} if "$ref" in part else set()
    return here.union(*map(references, part.values()))


def test_it_describes_every_route_with_its_methods(document: dict[str, Any]) -> None:
    configuration = replace(load_configuration({}), history="memory:")
    routes = {
        (re.sub("<(.*?)>", r"{\1}", str(rule)), method.lower())
        for rule in create_app(configuration).url_map.iter_rules()
        for method in rule.methods or ()
        if re.match("/api/|/metrics$", str(rule)) and method not in ("HEAD", "OPTIONS")
    }
    described = {
        (path, method)
        for path, operations in document["paths"].items()
        for method in operations
        if method != "parameters"
    }

    assert routes
    assert described == routes


def test_every_act_of_a_host_is_described_with_what_it_needs(document: dict[str, Any]) -> None:
    described = document["components"]["schemas"]["Act"]["oneOf"]

    words = [act["properties"]["act"]["const"] for act in described]
    assert list(dict.fromkeys(words)) == ASKED
    for act in described:
        fields = dict.fromkeys(act["required"], "x") | {"at": "2026-01-31T09:05:00.123Z"}
        acts.decode(fields | {"act": act["properties"]["act"]["const"]}, "")  # raises nothing


def test_all_that_it_refers_to_is_there(document: dict[str, Any]) -> None:
    found = references(document)
    assert found
    for reference in found:
        part = document
        for name in reference.removeprefix("#/").split("/"):
            part = part[name]


def test_every_problem_has_a_place_in_it(document: dict[str, Any]) -> None:
    """Where the problem's ``type`` points."""
    assert {code: problem["status"] for code, problem in document["x-problems"].items()} == {
        code: kind.status for code, kind in problems.KINDS.items()
    }


def test_its_limits_are_those_of_this_server(document: dict[str, Any]) -> None:
    assert document["components"]["schemas"]["Post"]["properties"]["userName"]["maxLength"] == 7


def test_a_room_is_called_there_what_it_may_be_called_here(document: dict[str, Any]) -> None:
    """Of ASCII exactly, and all other letters; but some signs more, which the server refuses."""
    pattern = re.compile(document["components"]["parameters"]["room"]["schema"]["pattern"])
    everything = [c for c in map(chr, range(0x30000)) if unicodedata.category(c) != "Cs"]

    assert [c for c in everything if not pattern.fullmatch(f"a{c}") and is_room(f"a{c}")] == []
    assert [c for c in map(chr, range(128)) if is_room(c) != bool(pattern.fullmatch(c))] == []
    assert pattern.fullmatch("a" * 64)
    assert not any(map(pattern.fullmatch, ["", "a" * 65, "a b", "a/b", "lobby\n"]))


def test_its_patterns_mean_the_same_to_javascript_and_python(document: dict[str, Any]) -> None:
    """Without letters behind a backslash, of which each has its own idea; but for hex digits."""
    found = re.findall('"pattern": "((?:[^"\\\\]|\\\\.)*)"', json.dumps(document))
    assert found
    for pattern in map(json.loads, map('"{}"'.format, found)):
        assert pattern.isascii()
        assert re.findall(r"\\[A-Za-z]", pattern.replace("\\x", "")) == []


@pytest.mark.parametrize(("prefix", "url"), [("", "/"), ("/talk", "/talk")])
def test_below_a_path_it_says_so(tmp_path: Path, prefix: str, url: str) -> None:
    """The paths are appended to it: a slash at its end would be one too many."""
    with started(tmp_path, history="memory:") as app:
        below = {"SCRIPT_NAME": prefix}
        reply = app.test_client().get("/api/openapi.json", environ_overrides=below)

    assert reply.json
    assert reply.json["servers"] == [{"url": url}]


def is_room(name: str) -> bool:
    try:
        return bool(names.room_name(name))
    except BadRoomName:
        return False
