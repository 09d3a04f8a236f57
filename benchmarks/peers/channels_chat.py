"""The small Django Channels chat, as in Channels' own tutorial, with Redis' pub/sub.

Run by Daphne, which Channels comes with: ``daphne channels_chat:application``.
"""

import os

import django
from channels.generic.websocket import AsyncWebsocketConsumer
from channels.routing import ProtocolTypeRouter, URLRouter
from django.conf import settings
from django.urls import path

settings.configure(
    INSTALLED_APPS=["channels"],
    SECRET_KEY="of a benchmark",
    CHANNEL_LAYERS={
        "default": {
            "BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer",
            "CONFIG": {"hosts": [os.environ["ENGINE"]]},
        }
    },
)
django.setup()


class Chat(AsyncWebsocketConsumer):
    """One client."""

    async def connect(self):
        await self.channel_layer.group_add("chat", self.channel_name)
        await self.accept()

    async def disconnect(self, code):
        await self.channel_layer.group_discard("chat", self.channel_name)

    async def receive(self, text_data=None, bytes_data=None):
        await self.channel_layer.group_send("chat", {"type": "chat.message", "text": text_data})

    async def chat_message(self, event):
        await self.send(text_data=event["text"])


application = ProtocolTypeRouter({"websocket": URLRouter([path("chat", Chat.as_asgi())])})
