"""One client's socket in both directions, and the gate that counts sockets.

In reading order:

- ``connection.py``: what simple-websocket takes for its socket: reading, pings, the end
- ``pace.py``: how fast it reads; ``budget.py``: the token buckets for that
- ``kernel.py``: what the kernel is told of it
- ``sending.py``: its way out: write in place, else by the queue; ``broadcast`` to many
- ``adapter.py``: what makes simple-websocket run on our threads
- ``gate.py``: how many sockets may be open, and how all of them are told of a stop
"""
