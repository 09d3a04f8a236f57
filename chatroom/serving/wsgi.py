"""The WSGI ``app`` that ``chatroom serve`` serves; a checkout has its own in ``app.py``."""

from chatroom.application import create_app
from chatroom.serving.start import configure

app = create_app(configure())
