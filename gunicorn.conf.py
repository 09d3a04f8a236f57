"""gunicorn's settings, all from config.json: see chatroom/serving.py."""

from chatroom.serving import gunicorn

globals().update(gunicorn.settings(gunicorn.configure()))
