"""What ``chatroom serve`` gives gunicorn as its ``gunicorn.conf.py``; a checkout has its own."""

from chatroom.serving.gunicorn import settings
from chatroom.serving.start import configure

globals().update(settings(configure()))
