"""How the room is served by gunicorn, and what the machine can carry.

In reading order:

- ``start.py``: from the settings to gunicorn; refuses what cannot work
- ``gunicorn.py``: gunicorn's settings, and its hooks in the master
- ``rolling.py``: after SIGHUP, one worker after the other
- ``worker_hooks.py``: those in the worker: the room is opened, and stopped by a signal
- ``starter.py``: a room whose database may be away
- ``worker.py``: gunicorn's worker, which survives strangers and shortages
- ``incoming.py``: a connection until its request is complete
- ``body.py``: where a request's body ends
- ``body_input.py``: how it is read, neither too slowly nor in crumbs
- ``doorway.py``: those who want a socket, a few at a time
- ``waiting.py``: the connections whose request is not complete, and those between two
- ``pool.py``: the threads on which requests run
- ``outgoing.py``: the response's socket, which gives up whoever takes it too slowly
- ``demands.py``: which of gunicorn's options the room depends on
- ``costs.py``: what users and the program take of each limited resource
- ``machine.py``: how many users fit under the machine's limits
- ``interpreter.py``: how soon a thread that waits for the interpreter asks for it
- ``arenas.py``: how malloc divides its memory among threads
- ``huge_pages.py``: how the processor finds its way in memory
- ``futexes.py``: how the kernel finds the thread that it has to wake
- ``launch.py``, ``gunicorn_conf.py``, ``wsgi.py``: outside a checkout, what starts gunicorn and
  what gunicorn loads
"""
