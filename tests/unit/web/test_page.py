"""The page for people: its addresses, its parts, how they are cached and compressed."""

from __future__ import annotations

import gzip
import json
import re
import struct
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
from flask import Flask, render_template_string
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from chatroom.configuration import Configuration, load_configuration
from chatroom.web import invitation, page
from chatroom.web.assets import Assets
from tests.support import CHECKOUT
from tests.support.deadline import DEADLINE

pytestmark = pytest.mark.takes(seconds=2)

GZIP = {"Accept-Encoding": "gzip, deflate, br"}
SCRIPT = 'import { a } from "./a.js";\n' + "export const line = 1;\n" * 50
ICON = "<svg/>"
PAGE = """\
<!doctype html><body data-room="{{ room }}" data-base="{{ base }}" data-chat="{{ chat }}"
data-limits="{{ max_name_length }} {{ max_message_bytes }}">
<script src="{{ static_url('chat.js') }}"></script>
{% for url in modules('chat.js') %}<link href="{{ url }}">{% endfor %}
"""


@pytest.fixture
def configuration(tmp_path: Path) -> Configuration:
    return replace(load_configuration({}), path=tmp_path / "config.json", history="memory:")


@pytest.fixture
def app(configuration: Configuration, tmp_path: Path) -> Flask:
    """A page of our own: what the real one holds is not the question here."""
    return make_app(tmp_path, configuration)


def make_app(folder: Path, configuration: Configuration) -> Flask:
    files = {
        "templates/chat.html": PAGE,
        "static/chat.js": SCRIPT,
        "static/a.js": "export const a = 1;\n",
        "static/icon.svg": ICON,
        "static/manifest.webmanifest": '{"start_url": "./"}',
    }
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    app = Flask("app", root_path=str(folder), static_folder=None)
    page.init_app(app, configuration)
    return app


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


def script_url(client: FlaskClient) -> str:
    """The address that the page has for its script."""
    found = re.search(r'<script src="([^"]+)"', client.get("/").text)
    assert found
    return found[1]


# -- the page ----------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/", "/messages", "/rooms/lobby", "/?room=lobby"])
def test_the_page_is_at_all_of_its_addresses(client: FlaskClient, path: str):
    reply = client.get(path)

    assert reply.status_code == 200
    assert reply.mimetype == "text/html"
    assert reply.cache_control.no_cache
    assert 'data-room="lobby"' in reply.text


@pytest.mark.parametrize("path", ["/?room=K%C3%BCche", "/messages?room=K%C3%BCche"])
def test_a_room_may_be_asked_for_by_query(client: FlaskClient, path: str):
    assert 'data-room="K\u00fcche"' in client.get(path).text


@pytest.mark.parametrize("path", ["/rooms/K%C3%BCche", "/rooms/K%C3%BCche?room=garden"])
def test_a_room_may_be_asked_for_by_path_which_goes_first(client: FlaskClient, path: str):
    assert 'data-room="K\u00fcche"' in client.get(path).text


def test_the_page_knows_the_limits(client: FlaskClient):
    assert 'data-limits="64 65536"' in client.get("/").text


@pytest.mark.parametrize("prefix", ["", "/talk"])
def test_the_page_knows_where_it_lives(client: FlaskClient, prefix: str):
    """Below a path of a site too: see docs/deployment.md."""
    text = client.get("/rooms/garden", environ_overrides={"SCRIPT_NAME": prefix}).text

    assert f'data-base="{prefix}/"' in text
    assert f'<script src="{prefix}/static/' in text


@pytest.mark.parametrize("prefix", ["", "/talk"])
@pytest.mark.parametrize(
    ("path", "address"),
    [
        ("/", "/chat"),
        ("/rooms/garden", "/chat?room=garden"),
        ("/?room=K%C3%BCche", "/chat?room=K%C3%BCche"),
    ],
)
def test_the_page_knows_the_address_of_its_socket(
    client: FlaskClient, path: str, address: str, prefix: str
):
    text = client.get(path, environ_overrides={"SCRIPT_NAME": prefix}).text

    assert f'data-chat="{prefix}{address}"' in text


@pytest.mark.parametrize("name", ["%20", "%3Cscript%3E", "x" * 65, "%22", "a%00", "%FF", "a;b"])
@pytest.mark.parametrize("address", ["/rooms/", "/?room="])
def test_a_room_that_is_none_has_no_page(client: FlaskClient, address: str, name: str):
    reply = client.get(address + name)

    assert reply.status_code == 400
    assert reply.mimetype == "text/plain"
    assert "use 1 to 64 letters" in reply.text


@pytest.mark.parametrize("path", ["/rooms", "/rooms/", "/rooms/a/b", "/rooms/a%2Fb", "/rooms/a/"])
def test_what_is_no_room_at_all_is_not_found(client: FlaskClient, path: str):
    assert client.get(path).status_code == 404


def test_a_page_that_the_browser_has_is_not_sent_again(client: FlaskClient):
    """A phone that comes back asks, and gets a line."""
    for headers in ({}, GZIP):
        etag = client.get("/rooms/garden", headers=headers).headers["ETag"]
        again = client.get("/rooms/garden", headers={**headers, "If-None-Match": etag})
        other = client.get("/rooms/kitchen", headers={**headers, "If-None-Match": etag})

        assert (again.status_code, again.data) == (304, b"")
        assert other.status_code == 200


# -- addresses with a hash ---------------------------------------------------------------------


def test_the_address_with_the_hash_may_be_kept_for_ever(client: FlaskClient):
    reply = client.get(script_url(client))

    assert reply.text == SCRIPT
    assert reply.headers["Cache-Control"] == "public, max-age=31536000, immutable"


def test_what_a_module_imports_is_of_the_same_version(client: FlaskClient):
    """A browser resolves "./a.js" against the address of the module that says so."""
    url = script_url(client).replace("chat.js", "a.js")
    reply = client.get(url)

    assert reply.text == "export const a = 1;\n"
    assert reply.cache_control.immutable
    assert f'<link href="{url}">' in client.get("/").text


def test_another_content_has_another_address(
    client: FlaskClient, configuration: Configuration, tmp_path: Path
):
    other = make_app(tmp_path / "other", configuration).test_client()
    assert script_url(other) == script_url(client)

    (tmp_path / "other/static/a.js").write_text("export const a = 2;\n")
    app = Flask("app", root_path=str(tmp_path / "other"), static_folder=None)
    page.init_app(app, configuration)

    assert script_url(app.test_client()) != script_url(client)


@pytest.mark.parametrize("path", ["/static/chat.js", f"/static/{'0' * 16}/chat.js"])
def test_without_the_right_hash_the_browser_asks_each_time(client: FlaskClient, path: str):
    reply = client.get(path)

    assert reply.text == SCRIPT
    assert reply.headers["Cache-Control"] == "no-cache"
    again = client.get(path, headers={"If-None-Match": reply.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")
    assert again.headers["Cache-Control"] == "no-cache"


def test_a_page_cannot_name_a_file_that_is_not_there(app: Flask):
    with app.test_request_context(), pytest.raises(KeyError):
        render_template_string("{{ static_url('chat.jss') }}")


def test_the_plain_address_is_there_too(app: Flask):
    with app.test_request_context():
        text = render_template_string("{{ url_for('static', filename='chat.js') }}")
    assert text == "/static/chat.js"


@pytest.mark.parametrize(
    "path",
    ["/static/x.js", "/static/", "/static/../app.py", "/static/%2e%2e/templates/chat.html"],
)
def test_what_is_not_there_is_not_found(client: FlaskClient, path: str):
    reply = client.get(path)

    assert reply.status_code == 404
    assert "Cache-Control" not in reply.headers


# -- compression -------------------------------------------------------------------------------


def unpacked(reply: TestResponse) -> str:
    assert reply.content_encoding == "gzip"
    assert reply.content_length == len(reply.data)
    return gzip.decompress(reply.data).decode()


def test_text_comes_compressed_to_who_takes_it(client: FlaskClient):
    reply = client.get("/static/chat.js", headers=GZIP)

    assert unpacked(reply) == SCRIPT
    assert len(reply.data) < len(SCRIPT) / 2
    assert reply.headers["Content-Type"] == "text/javascript"  # in UTF-8, as its page is
    assert "Accept-Encoding" in reply.vary


@pytest.mark.parametrize("accepted", [None, "", "br", "identity", "gzip;q=0", "gzip;q=0, *"])
def test_text_comes_plain_to_who_does_not_and_says_that_it_might_not(
    client: FlaskClient, accepted: str | None
):
    headers = {} if accepted is None else {"Accept-Encoding": accepted}
    reply = client.get("/static/chat.js", headers=headers)

    assert reply.text == SCRIPT
    assert not reply.content_encoding
    assert "Accept-Encoding" in reply.vary


@pytest.mark.parametrize("accepted", ["gzip", "GZIP", "br;q=1.0, gzip;q=0.1", "*"])
def test_gzip_is_understood_however_it_is_asked_for(client: FlaskClient, accepted: str):
    reply = client.get("/static/chat.js", headers={"Accept-Encoding": accepted})

    assert unpacked(reply) == SCRIPT


def test_what_does_not_get_smaller_comes_plain_to_all(client: FlaskClient):
    reply = client.get("/static/icon.svg", headers=GZIP)

    assert reply.text == ICON
    assert not reply.content_encoding
    assert "Vary" not in reply.headers


def test_each_encoding_has_an_etag_of_its_own(client: FlaskClient):
    """A cache in between must not mend the one with a part of the other."""
    plain, packed = client.get("/static/chat.js"), client.get("/static/chat.js", headers=GZIP)
    assert plain.headers["ETag"] != packed.headers["ETag"]

    for headers, etag in (({}, plain.headers["ETag"]), (GZIP, packed.headers["ETag"])):
        for tag in (etag, f"W/{etag}", f'"other", {etag}', "*"):
            again = client.get("/static/chat.js", headers={**headers, "If-None-Match": tag})
            assert (again.status_code, again.data) == (304, b"")
            assert again.headers["ETag"] == etag
            assert "Accept-Encoding" in again.vary


def test_the_page_comes_compressed_too(client: FlaskClient):
    assert unpacked(client.get("/", headers=GZIP)) == client.get("/").text


@pytest.mark.parametrize("path", ["/", "/static/chat.js", "/manifest.webmanifest"])
@pytest.mark.parametrize("headers", [{}, GZIP])
def test_head_has_the_headers_and_no_body(client: FlaskClient, path: str, headers: dict[str, str]):
    reply, whole = client.head(path, headers=headers), client.get(path, headers=headers)

    assert reply.data == b""
    assert dict(reply.headers) == dict(whole.headers)
    assert reply.content_length == len(whole.data)


# -- the manifest ------------------------------------------------------------------------------


def test_the_manifest_is_beside_the_page_so_that_its_addresses_start_there(client: FlaskClient):
    reply = client.get("/manifest.webmanifest")

    assert reply.mimetype == "application/manifest+json"
    assert reply.json == {"start_url": "./"}
    assert reply.headers["Cache-Control"] == "no-cache"
    assert "ETag" in reply.headers


def test_the_icons_of_the_manifest_are_there_and_of_their_size(configuration: Configuration):
    app = Flask("app", root_path=str(CHECKOUT), static_folder=None)
    page.init_app(app, configuration)
    client = app.test_client()
    icons = json.loads(client.get("/manifest.webmanifest").data)["icons"]
    sizes = set()
    for icon in icons:
        reply = client.get(f"/{icon['src']}")
        assert (reply.status_code, reply.mimetype) == (200, icon["type"])
        if icon["type"] == "image/png":
            width, height = struct.unpack(">II", reply.data[16:24])  # its first chunk, IHDR
            assert icon["sizes"] == f"{width}x{height}"
            sizes.add(width)
    assert sizes >= {192, 512}  # what Chromium wants, to offer that the page be installed


def test_a_page_without_a_manifest_says_404(
    tmp_path: Path, app: Flask, configuration: Configuration
):
    (tmp_path / "static/manifest.webmanifest").unlink()
    app = Flask("app", root_path=str(tmp_path), static_folder=None)
    page.init_app(app, configuration)

    assert app.test_client().get("/manifest.webmanifest").status_code == 404


# -- the invitation ----------------------------------------------------------------------------


def test_an_invitation_is_the_address_of_the_room(client: FlaskClient):
    reply = client.get("/invitation?room=garden", headers={"Host": "chat.example:9999"})

    assert reply.json == {"url": "http://chat.example:9999/rooms/garden", "local": False}
    assert reply.headers["Cache-Control"] == "no-store"


def test_an_invitation_that_nobody_else_can_follow_says_so(client: FlaskClient):
    reply = client.get("/invitation", headers={"Host": "localhost:9999"})

    assert reply.json == {"url": "http://localhost:9999/", "local": True}


def test_the_picture_is_the_same_address(client: FlaskClient):
    reply = client.get("/invitation.svg?room=garden", headers={"Host": "chat.example:9999"})

    assert reply.mimetype == "image/svg+xml"
    assert reply.data == invitation.draw("http://chat.example:9999/rooms/garden")
    assert reply.headers["Cache-Control"] == "no-store"
    assert reply.headers["Content-Security-Policy"] == page.HEADERS["Content-Security-Policy"]


@pytest.mark.parametrize("path", ["/invitation", "/invitation.svg"])
def test_what_makes_no_address_is_refused_in_words(client: FlaskClient, path: str):
    for query, prefix, way_out in (
        ("?room=a/b", "", "use 1 to 64 letters"),
        ("", "/" + "x" * 2000, "wanted: "),
    ):
        reply = client.get(path + query, environ_overrides={"SCRIPT_NAME": prefix})
        assert reply.status_code == 400
        assert reply.mimetype == "text/plain"
        assert way_out in reply.text


def test_only_so_many_pictures_are_drawn_at_once_and_the_next_is_told(
    app: Flask, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(page, "PAINTERS_PATIENCE", 0.01)
    drawing, go_on = threading.Barrier(page.PAINTERS + 1), threading.Event()

    def draw(_url: str) -> bytes:
        drawing.wait(DEADLINE)
        go_on.wait(DEADLINE)
        return b"<svg/>"

    def ask() -> int:
        return app.test_client().get("/invitation.svg").status_code

    monkeypatch.setattr(invitation, "draw", draw)
    with ThreadPoolExecutor(page.PAINTERS) as pool:
        asked = [pool.submit(ask) for _ in range(page.PAINTERS)]
        drawing.wait(DEADLINE)
        refused = app.test_client().get("/invitation.svg")
        go_on.set()
        assert [one.result(DEADLINE) for one in asked] == [200] * page.PAINTERS
    assert (refused.status_code, refused.headers["Retry-After"]) == (503, "5")


def test_a_picture_that_fails_leaves_its_painter_free(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(page, "PAINTERS_PATIENCE", 0.01)
    with monkeypatch.context() as patch:
        patch.setattr(invitation, "draw", lambda url: 1 / 0)
        for _ in range(page.PAINTERS + 1):
            assert client.get("/invitation.svg").status_code == 500

    assert client.get("/invitation.svg").status_code == 200


# -- the policy --------------------------------------------------------------------------------


def policy(reply: TestResponse) -> dict[str, str]:
    directives = reply.headers["Content-Security-Policy"].split("; ")
    return dict(directive.split(" ", 1) for directive in directives)


def test_a_browser_may_load_from_here_alone_and_nothing_inline(client: FlaskClient):
    directives = policy(client.get("/"))

    assert directives["default-src"] == "'none'"
    sources = {value for name, value in directives.items() if name.endswith("-src")}
    assert sources == {"'none'", "'self'", "'self' data: blob:"}
    assert directives["img-src"] == "'self' data: blob:"


def test_no_text_can_become_a_script(client: FlaskClient):
    directives = policy(client.get("/"))

    assert directives["require-trusted-types-for"] == "'script'"
    assert directives["trusted-types"] == "'none'"


def test_nobody_frames_the_page_or_moves_its_base(client: FlaskClient):
    directives = policy(client.get("/"))

    for name in ("frame-ancestors", "base-uri", "form-action"):
        assert directives[name] == "'none'"


def test_a_browser_gives_the_page_neither_camera_nor_microphone_nor_place(client: FlaskClient):
    reply = client.get("/")

    for feature in ("camera", "microphone", "geolocation"):
        assert f"{feature}=()" in reply.headers["Permissions-Policy"]


@pytest.mark.parametrize(
    ("base", "kept"),
    [
        ("http://localhost:9999", True),
        ("https://chat.example", True),
        ("http://192.168.1.7:9999", False),
    ],
)
def test_a_window_that_opens_the_page_has_no_hold_on_it_where_browsers_know_how(
    client: FlaskClient, base: str, kept: bool
):
    """Over plain HTTP on a network they do not, and complain of the header on the console."""
    policy = client.get("/", base_url=base).headers.get("Cross-Origin-Opener-Policy")

    assert policy == ("same-origin" if kept else None)


def test_the_policy_is_on_parts_and_refusals_as_well(client: FlaskClient):
    for path in ("/static/icon.svg", "/static/nothing", "/rooms/%22", "/manifest.webmanifest"):
        assert policy(client.get(path)) == policy(client.get("/"))


@pytest.mark.parametrize("status", [200, 304])
def test_a_script_has_no_headers_but_those_that_mean_something_there(
    client: FlaskClient, status: int
):
    """They come with each of many modules."""
    reply = client.get("/static/chat.js")
    if status == 304:
        reply = client.get("/static/chat.js", headers={"If-None-Match": reply.headers["ETag"]})

    assert reply.status_code == status
    assert set(reply.headers.keys()) & page.HEADERS.keys() == set(page.PART_HEADERS)
    assert reply.headers["X-Content-Type-Options"] == "nosniff"


# -- the real page -----------------------------------------------------------------------------

FIRST_LOAD = 60_000
"""Bytes, headers included, that a browser without a cache takes until the page is whole."""

FROM_GUNICORN = len(
    "HTTP/1.1 200 OK\r\nServer: gunicorn\r\nConnection: keep-alive\r\n"
    "Date: Sat, 31 Jan 2026 09:05:00 GMT\r\n"
)


def test_the_first_load_is_light(configuration: Configuration):
    """The page, all that it names, and what the modules and styles behind it name."""
    app = Flask("app", root_path=str(CHECKOUT), static_folder=None)
    page.init_app(app, configuration)
    # Or english.js, which is shorter.
    german = f"/static/{Assets(CHECKOUT / 'static').version}/base/german.js"
    sizes = dict(first_load(app.test_client(), german))

    assert any(path.endswith(".js") for path in sizes)
    assert sum(sizes.values()) < FIRST_LOAD, sizes


def first_load(client: FlaskClient, *more: str) -> Iterator[tuple[str, int]]:
    """Each address that a browser asks for, and the size of the answer as it is sent."""
    assets = Assets(CHECKOUT / "static")
    paths = ["/", *more]
    for path in paths:  # grows meanwhile
        reply = client.get(path, headers=GZIP)
        assert reply.status_code == 200, path
        yield path, FROM_GUNICORN + len(str(reply.headers).encode()) + len(reply.data)
        folder, _, name = path.rpartition("/")
        text = gzip.decompress(reply.data).decode() if reply.content_encoding else ""
        named: list[str] = []
        if reply.mimetype == "text/html":
            # The touch icon is for a phone's home screen, once the page is put there.
            shown = re.sub(r'<link rel="apple-touch-icon".*?>', "", text)
            named = re.findall(r'\b(?:src|href)="(/[^"#]*)', shown)
        elif reply.mimetype == "text/css":
            named = [f"{folder}/{url}" for url in re.findall(r"""url\(["']?([\w./-]+)""", text)]
        elif reply.mimetype == "text/javascript" and name in assets:
            named = [f"{folder}/{module}" for module in assets.modules(name)]
        paths += [url for url in dict.fromkeys(named) if url not in paths]


def test_all_that_the_page_loads_comes_from_here(configuration: Configuration):
    """The policy forbids the rest."""
    app = Flask("app", root_path=str(CHECKOUT), static_folder=None)
    page.init_app(app, configuration)
    html = app.test_client().get("/").text

    assert re.findall(r'\b(?:src|href)="/', html)
    assert not re.findall(r'\b(?:src|href)="(?![/#])', html)
    assert not re.search(r"<script(?![^>]*\ssrc=)|<style|\sstyle=|\son\w+=", html)
