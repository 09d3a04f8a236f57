"""The small Flask-SocketIO chat, in its threading mode, under gunicorn as its manual says."""

from flask import Flask
from flask_socketio import SocketIO, send

app = Flask(__name__)
socketio = SocketIO(app, async_mode="threading", cors_allowed_origins="*")


@socketio.on("message")
def on_message(message):
    """To all, the sender included."""
    send(message, broadcast=True)
