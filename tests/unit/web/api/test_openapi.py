"""The description of the HTTP API: it is what the server does, says schemathesis."""

from __future__ import annotations

import json
import re
import unicodedata
from dataclasses import replace
from typing import Any

import pytest

from chatroom import create_app, names
from chatroom.configuration import load_configuration
from chatroom.errors import BadRoomName
from chatroom.web.api import openapi, problems


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
        if str(rule).startswith("/api/") and method not in ("HEAD", "OPTIONS")
    }
    described = {
        (path, method)
        for path, operations in document["paths"].items()
        for method in operations
        if method != "parameters"
    }

    assert routes
    assert described == routes


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
    """``re`` has no categories: what the pattern says of them is said here once more."""
    pattern = document["components"]["parameters"]["room"]["schema"]["pattern"]
    parts = re.fullmatch(
        r"\^\(\?!\\p{M}\)\(\?:\(\?!(\[.+\])\)\[\\p{L}\\p{M}\\p{N}_\.-\]\)\{1,64\}\$", pattern
    )
    assert parts
    left_out = re.compile(parts[1])

    def is_allowed(character: str) -> bool:
        category = unicodedata.category(character)
        return not left_out.match(character) and (category[0] in "LMN" or character in "_.-")

    assigned = [c for c in map(chr, range(0x30000)) if unicodedata.category(c) not in ("Cn", "Co")]
    assert [c for c in assigned if is_allowed(c) != is_room(f"a{c}")] == []
    assert not any(map(is_room, ["\u0308", "a" * 65, ""]))


def is_room(name: str) -> bool:
    try:
        return bool(names.room_name(name))
    except BadRoomName:
        return False
