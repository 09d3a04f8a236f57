"""Whoever may speak in a room: users with their two threads, and requests over HTTP.

In reading order:

- ``user.py``: a user of the plain protocol
- ``requests.py``: what users put on the Server's channels
- ``speaker.py``: what the Server thread needs of whoever speaks, or is in a room
- ``typed_user.py``: a user of the typed protocol
- ``proof.py``: what somebody shows at a room's door, and what that proves
- ``speaking_pace.py``: how many messages a second one person may say
- ``tokens.py``: signed tokens, by which a returning client proves who it was; and passes
- ``http_speaker.py``: somebody who says one thing over HTTP, and waits for the outcome
"""
