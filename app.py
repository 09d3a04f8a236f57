"""The entry: the WSGI ``app`` for gunicorn; ``python app.py`` serves it."""

from chatroom import create_app, serving

app = create_app(serving.configure())

if __name__ == "__main__":
    serving.run()
