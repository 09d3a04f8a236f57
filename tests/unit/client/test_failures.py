"""What went wrong with a server is one sentence for people, whatever the server answered."""

from __future__ import annotations

import http.client
import json
import ssl
import urllib.error

import pytest

from chatroom.client.failures import (
    PASSWORD_WANTED,
    PASSWORD_WRONG,
    USE_HTTP,
    USE_HTTPS,
    connection_failure,
    http_failure,
)

HTML = b"<html>\r\n<head><title>401 Authorization Required</title></head>\r\n<body>"
NGINX = b"<html><h1>400 Bad Request</h1>The plain HTTP request was sent to HTTPS port</html>"


@pytest.mark.parametrize("body", [HTML, b"Unauthorized", b""])
def test_a_401_says_where_name_and_password_belong(body: bytes):
    assert http_failure(401, body) == PASSWORD_WANTED
    assert http_failure(401, body, with_password=True) == PASSWORD_WRONG


@pytest.mark.parametrize("status", [400, 402, 403, 404, 418, 500, 502, 503, 504, 599])
@pytest.mark.parametrize(
    ("body", "kind"), [(HTML, ""), (HTML, "text/plain"), (b"Oh, <b>no</b>", "text/html")]
)
def test_html_is_never_shown(status: int, body: bytes, kind: str):
    reason = http_failure(status, body, kind)
    assert reason
    assert "<" not in reason


def test_a_line_of_text_or_a_problems_detail_is_shown():
    problem = json.dumps({"title": "Busy", "detail": "Too many are streamed."}).encode()
    assert http_failure(503, b"Too full\nreally", "text/plain") == "Too full"
    assert http_failure(503, problem, "application/problem+json") == "Too many are streamed."
    assert http_failure(503, b"{", "application/json") == "the server cannot answer now"


def test_a_redirect_says_where_to():
    assert "https://a.example/" in http_failure(301, HTML, location="https://a.example/")


@pytest.mark.parametrize(
    "body", [NGINX, b"Client sent an HTTP request to an HTTPS server.\n"], ids=["nginx", "Go"]
)
def test_http_on_a_port_for_https_is_explained(body: bytes):
    assert http_failure(400, body) == USE_HTTPS


def ssl_error(reason: str) -> ssl.SSLError:
    error = ssl.SSLError(1, f"[SSL: {reason}] whatever (_ssl.c:1006)")
    error.reason = reason
    return error


@pytest.mark.parametrize(
    ("error", "meaning"),
    [
        (ssl_error("WRONG_VERSION_NUMBER"), USE_HTTP),
        (urllib.error.URLError(ssl_error("WRONG_VERSION_NUMBER")), USE_HTTP),
        (http.client.BadStatusLine("\x15\x03\x01\x00\x02\x02\x16"), USE_HTTPS),
        (http.client.BadStatusLine("SSH-2.0-OpenSSH"), "it does not speak HTTP"),
        (http.client.RemoteDisconnected("The end"), "The end"),
        (ConnectionRefusedError(111, "Connection refused"), "Connection refused"),
        (urllib.error.URLError(OSError(-2, "Name or service not known")), "Name or service not"),
        (TimeoutError(), "TimeoutError"),
    ],
)
def test_a_connection_that_failed_is_explained(error: Exception, meaning: str):
    assert connection_failure(error).startswith(meaning)
