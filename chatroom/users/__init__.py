"""Whoever may speak in a room: users with their two threads, and requests over HTTP.

In reading order:

- ``user.py``: a user of the plain protocol, and what any user puts on the Server's channels
- ``typed_user.py``: a user of the typed protocol
- ``tokens.py``: signed tokens, by which a returning client proves who it was
- ``http_speaker.py``: somebody who says one thing over HTTP, and waits for the outcome
"""
