"""The Server thread's world: rooms, who is in them, and what is said.

In reading order:

- ``server.py``: the Server: its thread, its channels, the select loop
- ``without_socket.py``: what whoever has none says to it
- ``room.py``: one room: its users, and the frames of its last messages
- ``tail.py``: these frames
- ``recent_changes.py``: the last changes of its messages
- ``active_rooms.py``: the rooms that somebody is in
- ``elsewhere.py``: what other processes do there, and how that is asked for
- ``openings.py``: rooms that have to be read first, where the Server thread must not wait
- ``following.py``: keeps rooms level with what others do
- ``rules.py``: what the configuration says of rooms, in numbers
- ``policy.py``: what may be done, and what not
- ``ranks.py``: who is in charge
- ``charter.py``: what a room has decided about itself
- ``last_said.py``: when people last said something, where that has to be some time ago
- ``ruling.py``: what an act of a host makes of that
- ``sweeping.py``: many messages that an act removes or erases, some at a time
- ``sweeper.py``: when the next of them are
- ``whereabouts.py``: where people come from
- ``knocking.py``: who has to wait at a room's door
- ``codes.py``: codes that open a room's door, and hashes of them
- ``doors.py``: what opens which room: examined before the Server thread hears of it
- ``new_rooms.py``: how many rooms one address may create
- ``entrance.py``: who comes in, catches up and leaves
- ``fallen.py``: who was too slow, until they are seen off
- ``replay.py``: the pages of the past that are too old for a room's tail
- ``broadcaster.py``: what is said: given its place, then written to everyone in the room
- ``approval.py``: what waits for a host's approval
- ``order.py``: gives it its place: numbers it, commits it
- ``verdicts.py``: what it answers
- ``deciding.py``: what becomes of changes, of what waits for approval, and of hosts' acts
- ``steps.py``: how such a decision asks the history on its way
- ``hosting.py``: what follows from an act: the room is told, and who was removed has to go
- ``register.py``: decides who may bear which name, and who is here
- ``crowd.py``: the people of a room, with their names
- ``presence.py``: which of our sockets are whose
- ``greeter.py``: tells typed users of people: who comes and goes, who is typing
- ``bus.py``: hints to other processes
- ``subscriber.py``: whoever hears a room without a socket
- ``news.py``: in which other rooms something was said
- ``trimmer.py``: retention: deletes the oldest messages, a few at a time
- ``eraser.py``: erases what was removed, and cleans the files of it
- ``timers.py``: what is due later on the Server thread
- ``questions.py``: what other threads ask it
- ``census.py``: who is where, counted a few rooms at a time
- ``faults.py``: what went wrong, logged and counted
"""
