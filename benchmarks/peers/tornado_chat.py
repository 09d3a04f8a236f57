"""The small Tornado chat: one handler for each client, and a set of them."""

import asyncio
import sys

from tornado.web import Application
from tornado.websocket import WebSocketClosedError, WebSocketHandler


class Chat(WebSocketHandler):
    """One client."""

    clients = set()  # noqa: RUF012 - of the class, as in Tornado's own chats

    def open(self):
        self.set_nodelay(True)
        self.clients.add(self)

    def on_close(self):
        self.clients.discard(self)

    def on_message(self, message):
        for client in self.clients.copy():
            try:
                client.write_message(message)
            except WebSocketClosedError:
                self.clients.discard(client)


async def main():
    Application([("/chat", Chat)]).listen(int(sys.argv[1]), "127.0.0.1", backlog=512)
    await asyncio.Event().wait()


asyncio.run(main())
