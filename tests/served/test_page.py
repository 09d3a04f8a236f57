"""The page's files and its invitation, from a server that people reach."""

from __future__ import annotations

import gzip
import json

import pytest

from chatroom import addresses
from tests.support import CHECKOUT
from tests.support.server_process import Launch

GZIP = {"Accept-Encoding": "gzip, deflate, br"}


def test_a_real_server_sends_it_as_it_is(serve: Launch):
    """Nothing on the way unpacks it, and a HEAD ends with its headers."""
    server = serve(history="memory:")
    status, headers, body = server.get("/static/icon.svg", GZIP)
    assert (status, headers["content-encoding"]) == (200, "gzip")
    assert gzip.decompress(body) == (CHECKOUT / "static" / "icon.svg").read_bytes()
    assert server.get("/static/icon.svg")[2] == gzip.decompress(body)

    head = server.get("/static/icon.svg", GZIP, method="HEAD")
    assert (head[0], head[1]["content-length"], head[2]) == (200, str(len(body)), b"")
    again = server.get("/static/icon.svg", {**GZIP, "If-None-Match": headers["etag"]})
    assert (again[0], again[2]) == (304, b"")


@pytest.mark.parametrize(("host_name", "local"), [("127.0.0.1", True), ("0.0.0.0", False)])
def test_a_real_server_invites_to_its_address_on_the_network_if_it_listens_there(
    serve: Launch, host_name: str, local: bool
):
    address = addresses.lan_address()
    if not (local or address):
        pytest.skip("this machine has no network")
    server = serve(history="memory:", hostName=host_name)
    body = json.loads(server.get("/invitation?room=garden")[2])

    host = "127.0.0.1" if local else address
    assert body == {"url": f"http://{host}:{server.port}/rooms/garden", "local": local}
