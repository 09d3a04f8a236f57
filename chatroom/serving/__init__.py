"""How the room is served by gunicorn, and what the machine can carry.

In reading order:

- ``start.py``: from the settings to gunicorn; refuses what cannot work
- ``gunicorn.py``: gunicorn's settings, hooks and signals
- ``demands.py``: which of gunicorn's options the room depends on
- ``machine.py``: how many users fit under the machine's limits
- ``launch.py``, ``gunicorn_conf.py``, ``wsgi.py``: outside a checkout, what starts gunicorn and
  what gunicorn loads
"""
