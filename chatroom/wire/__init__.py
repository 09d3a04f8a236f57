"""The wire: bytes and JSON to values and back. Pure functions: no thread, no socket, no room.

In reading order:

- ``websocket.py``: WebSocket frames on their way out, and the close codes
- ``frame_reader.py``: text frames on their way in, taken out of a client's bytes
- ``fields.py``: JSON objects, parsed within bounds, and their text fields
- ``plain.py``: the plain protocol, which is the Go original's
- ``typed.py``: the typed protocol, ``chatroom.v1``
- ``acts.py``: what a host may do, in frames of the typed protocol
- ``reactions.py``: what people think of it
- ``replies.py``: which message another one answers
- ``alt.py``: what a picture shows, in words
- ``message_json.py``: a message as JSON, the same in both protocols
"""
