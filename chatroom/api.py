"""The HTTP API: rooms, messages, users and events, for scripts. Errors are problem details."""

from __future__ import annotations

import hashlib
import json
import logging
import sys
import threading
from collections.abc import Iterable, Iterator
from contextlib import suppress
from functools import partial
from itertools import chain
from typing import Any

from flask import Blueprint, Flask, Response, request, url_for
from werkzeug.exceptions import HTTPException, RequestEntityTooLarge

from chatroom import asked, events, handshake, openapi, problems, reading
from chatroom.configuration import Configuration
from chatroom.engine import Engine
from chatroom.errors import (
    ChatError,
    CmidReused,
    HandshakeRefused,
    HistoryUnavailable,
    Problem,
    TooManyRooms,
)
from chatroom.history import History
from chatroom.message import Message
from chatroom.protocol import iso_time, to_json

log = logging.getLogger(__name__)

TIMEOUT = 5.0
"""Seconds that the Server thread has to answer."""

STREAMS = 8
"""Rooms that are streamed as lines at once: each holds one of the threads for plain HTTP."""

JSON, LINES = "application/json", "application/x-ndjson"
