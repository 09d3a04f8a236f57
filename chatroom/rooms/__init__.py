"""The Server thread's world: rooms, who is in them, and what is said.

In reading order:

- ``server.py``: the Server: its thread, its channels, the select loop
- ``room.py``: one room: its users, and the frames of its last messages
- ``active_rooms.py``: the rooms that somebody is in
- ``new_rooms.py``: how many rooms one address may create
- ``entrance.py``: who comes in, catches up, leaves, and is dropped
- ``replay.py``: the pages of the past that are too old for a room's tail
- ``broadcaster.py``: what is said: committed, then written to everyone in the room
- ``greeter.py``: typed users: their names, who comes and goes, who is typing
- ``presence.py``: the people of a room, however many sockets each of them has
- ``news.py``: in which other rooms something was said
- ``trimmer.py``: retention: deletes the oldest messages, a few at a time
- ``timers.py``: what is due later on the Server thread
- ``questions.py``: what other threads ask it
- ``faults.py``: what went wrong, logged and counted
"""
