"""The ``gunicorn.conf.py`` that ``chatroom serve`` passes to gunicorn; a checkout has its own."""

from chatroom.serving.gunicorn import load

globals().update(load())
