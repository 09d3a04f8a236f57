"""A room's messages over HTTP: a page with links to its neighbours, or the whole room as NDJSON."""

from __future__ import annotations

from itertools import chain
from typing import Any

from flask import Response, request, url_for

from chatroom.history import History
from chatroom.message import BEGINNING, MessageId
from chatroom.web.api import paging, parameters, responses
from chatroom.web.api.problems import refuse

REMOVED = "ids"
"""What the parameter ``removed`` may be."""


class Wanted:
    """The query of a request for messages."""

    def __init__(self, room: str) -> None:
        args = request.args
        self.room = room
        self.text = args.get("q", "")
        self.since = parameters.message_id("since", args["since"]) if "since" in args else None
        self.before = parameters.message_id("before", args["before"]) if "before" in args else None
        self.with_removed = parameters.choice("removed", args.get("removed"), REMOVED)
        """Of what was removed, there is to be a line with its id."""
        self.limit: int | None = None
        if "limit" in args:
            self.limit = parameters.number("limit", args["limit"], 1, paging.MAX_PAGE_LENGTH)
        if len(self.text) > parameters.MAX_QUERY_LENGTH:
            wanted = f"{parameters.MAX_QUERY_LENGTH} characters at most"
            raise refuse("bad-parameter", "q", self.text, wanted)
        self.text = self.text.strip()

    def demand(self, history: History) -> None:
        """Make sure that the messages it names exist; raises as ``paging.demand``."""
        for field, id in (("since", self.since), ("before", self.before)):
            if id:
                paging.demand(history, self.room, field, id)


def as_page(history: History, wanted: Wanted) -> Response:
    """A page of messages, with links to those before and after."""
    room, since, before = wanted.room, wanted.since, wanted.before
    limit = wanted.limit or paging.PAGE_LENGTH
    wanted.demand(history)
    if wanted.text:
        page = paging.matching(history, room, wanted.text, since or BEGINNING, before, limit)
    elif since:
        page = paging.following(history, room, since, _upto(history, wanted), limit)
    else:
        page = paging.newest(history, room, before, limit)
    texts = ",".join(paging.as_json(history, page.messages))
    links = []
    if page.older:
        after = {"since": wanted.since} if wanted.text else {}
        links.append(_link("prev", wanted, before=page.older, **after))
    if page.newer:
        links.append(_link("next", wanted, since=page.newer, before=before if since else None))
    return responses.cached(f'{{"messages":[{texts}]}}', links)


def _upto(history: History, wanted: Wanted) -> int:
    seq = history.head(wanted.room).seq
    return min(seq, wanted.before.seq - 1) if wanted.before else seq


def _link(relation: str, wanted: Wanted, **ids: MessageId | None) -> str:
    """A value for the Link header (RFC 8288)."""
    query: dict[str, Any] = {name: str(id) for name, id in ids.items() if id}
    query |= {"limit": wanted.limit, "q": wanted.text or None}
    address = url_for("api.messages", room=wanted.room, **query)
    return f'<{address}>; rel="{relation}"'


def as_lines(history: History, wanted: Wanted) -> Response:
    """The room as it is now, after ``since``, one message per line."""
    wanted.demand(history)
    last = history.head(wanted.room)
    rev, mark = history.rev(wanted.room), history.last_mark(wanted.room)
    tag = f"{last}-{history.first(wanted.room)}"
    if rev or mark:
        tag += f"-{rev}-{mark}" if mark else f"-{rev}"
    response = responses.unbuffered(responses.tagged(tag))
    if response.status_code == 304:
        return response
    upto = _upto(history, wanted) if wanted.before else last.seq
    stream = paging.lines(
        history,
        wanted.room,
        wanted.since or BEGINNING,
        upto,
        wanted.limit,
        with_removed=wanted.with_removed,
        has_reactions=mark > 0,
    )
    # The first page before the status is sent: a disk that fails now is a 503; later, a broken
    # response.
    response.response = chain([next(stream, b"")], stream)
    return response
