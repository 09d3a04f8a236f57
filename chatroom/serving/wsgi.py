"""The WSGI ``app`` that ``chatroom serve`` serves; a checkout has its own in ``app.py``."""

from chatroom.application import create_app
from chatroom.serving.start import app_settings

app = create_app(app_settings())
