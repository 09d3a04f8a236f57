"""The entry: the WSGI ``app`` for gunicorn; ``python app.py`` serves it."""

from chatroom import create_app
from chatroom.serving import gunicorn

app = create_app(gunicorn.configure())

if __name__ == "__main__":
    gunicorn.run()
