"""The Server: one thread that owns the rooms and selects over its channels."""

from __future__ import annotations

import queue
import sys
import threading
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from functools import partial
from typing import TypeVar

from chatroom.channel import Channel, Ready, select
from chatroom.errors import ChannelClosed, UserError
from chatroom.history import History
from chatroom.rooms.active_rooms import ActiveRooms
from chatroom.rooms.broadcaster import Broadcaster
from chatroom.rooms.bus import Bus
from chatroom.rooms.census import Census
from chatroom.rooms.charter import House
from chatroom.rooms.crowd import Known
from chatroom.rooms.elsewhere import Elsewhere, Word
from chatroom.rooms.entrance import Entrance
from chatroom.rooms.eraser import Eraser
from chatroom.rooms.fallen import Fallen
from chatroom.rooms.faults import Faults
from chatroom.rooms.following import Follower
from chatroom.rooms.greeter import Greeter
from chatroom.rooms.hosting import Hosting
from chatroom.rooms.mirrors import AboutPeople
from chatroom.rooms.news import News
from chatroom.rooms.order import Later, Order
from chatroom.rooms.policy import Policy
from chatroom.rooms.questions import Notice, Question, Task, await_answer
from chatroom.rooms.register import Register
from chatroom.rooms.replay import Replay
from chatroom.rooms.rules import Rules
from chatroom.rooms.shared_reactions import reactions_of
from chatroom.rooms.subscriber import Subscribed, Subscriber
from chatroom.rooms.sweeper import Sweeper
from chatroom.rooms.timers import Timers
from chatroom.rooms.trimmer import Trimmer
from chatroom.rooms.uploads import Uploads
from chatroom.rooms.verdicts import Outcome
from chatroom.rooms.without_socket import WithoutSocket
from chatroom.tally import Counts, Tally
from chatroom.users.proof import NOTHING, Proof
from chatroom.users.requests import Change, Channels, Joining, Leaving, Ruling, Said, Wish

T = TypeVar("T")

BROADCAST_SLOTS = 1024
"""Frames that may wait for the Server; beyond that, readers block, and TCP slows their clients."""


class Server(WithoutSocket):
    """Joins, leaves and messages, in one order. Nothing here ever waits for a user.

    Args:
        history: opened; read here.
        rules: numbers from the configuration.
        policy: says who may do what.
        order: gives what is said its place in the history.
        register: says who may bear which name.
        bus: tells other processes.
        tally: counts.
        elsewhere: what other processes do, which then also keep the history in order; None if this
            one is alone.
    """

    def __init__(
        self,
        history: History,
        rules: Rules,
        policy: Policy,
        order: Order,
        register: Register,
        bus: Bus,
        tally: Tally,
        elsewhere: Elsewhere | None = None,
    ) -> None:
        self._ready: Ready = queue.SimpleQueue()
        self.add: Channel[Joining] = Channel("add", self._ready)
        self.delete: Channel[Leaving] = Channel("delete", self._ready)
        super().__init__(Channel("broadcast", self._ready, BROADCAST_SLOTS))
        self.error: Channel[UserError] = Channel("error", self._ready)
        self.tasks: Channel[Task] = Channel("tasks", self._ready)
        self.heard: Channel[Outcome | Later | AboutPeople | Word] = Channel("heard", self._ready)
        """What order and register answer later, and what comes from elsewhere."""
        self.channels = Channels(self.add, self.delete, self.broadcast, self.error, Counts())
        self._batch_bytes = rules.batch_bytes
        self._order = order
        self._register = register
        self._faults = faults = Faults(tally)
        self._timers = timers = Timers()
        self._fallen = fallen = Fallen(tally)
        self._rooms = rooms = ActiveRooms(history, policy, fallen, rules, elsewhere)
        self.census = Census(rooms, self.ask)
        self._eraser = Eraser(history, self._timers, rules)
        self.uploads = Uploads(order, rooms, policy, rules.files_bytes)
        news = News(policy, self._timers, fallen)
        shared = (order, bus, self.heard.put) if elsewhere else None
        self.reactions = reactions = reactions_of(history, rooms, policy, timers, faults, shared)
        greeter = Greeter(policy, bus, news, reactions, timers, rules)
        telling = register, greeter, news, Replay(history, self.add), reactions
        self._entrance = Entrance(rooms, policy, *telling, timers, faults, fallen, rules, tally)
        forget = rooms.house.whereabouts.forget_addresses
        self._sweeper = Sweeper(history, timers, lambda name: self._broadcaster.sweep(name), forget)
        hosting = Hosting(history, rooms, self._entrance, self._sweeper, reactions, faults)
        self._trimmer = Trimmer(history, rooms.forget_trimmed, timers, rules, hosting.forget)
        self._broadcaster = Broadcaster(order, policy, rooms, self._entrance, hosting, faults)
        self._follower: Follower | None = None
        if elsewhere:
            parts = self._entrance, hosting, news, reactions, timers, faults
            is_busy_in = self._broadcaster.is_busy_in
            self._follower = Follower(elsewhere, rooms, *parts, is_busy_in)
            self._broadcaster.follow = self._follower.apply
            self._entrance.look = self._follower.look
            rooms.find_out = self._follower.find_out
        self._thread: threading.Thread | None = None  # not created before a fork: Python 3.13

    # -- any thread -------------------------------------------------------------------------

    @property
    def errors(self) -> int:
        """How many users failed or were dropped, plus whatever else went wrong."""
        return self._faults.count

    @property
    def house(self) -> House:
        """What holds in all rooms; the Server thread's."""
        return self._rooms.house

    def start(self) -> None:
        """Start the Server thread.

        Raises:
            HistoryUnavailable: what holds in all rooms cannot be read.
        """
        self._rooms.open_house()
        self._thread = threading.Thread(target=self.listen, name="server")
        self._thread.start()

    def stop(self) -> None:
        """Commit and deliver everything put before, then end the thread. Idempotent."""
        if self._thread and self._thread.is_alive():
            self._ready.put(None)
            self._thread.join()

    def ask(self, question: Callable[[], T], timeout: float) -> T:
        """Have the Server thread answer, when its turn in the select loop comes.

        Raises:
            ChatError: it did not answer within ``timeout`` seconds, or has stopped.
            Whatever ``question`` raises.
        """
        answer: Future[T] = Future()
        self.tasks.put(Question(question, answer))
        return await_answer(answer, timeout)

    def check(self, timeout: float) -> None:
        """Prove within ``timeout`` seconds that messages can be accepted.

        Raises:
            ChatError: the Server thread does not answer, or the history does not work.
        """
        await_answer(self.ask(self._order.prove, timeout), timeout)

    def present(self, room: str, timeout: float) -> list[Known]:
        """The people in the room: users of the typed protocol only."""
        if elsewhere := self._register.present(room):
            return await_answer(elsewhere, timeout)
        return self.ask(partial(self._entrance.present, room), timeout)

    def subscribe(
        self, room: str, who: Subscriber, address: str, timeout: float, by: Proof = NOTHING
    ) -> Subscribed:
        """Hand a subscriber all messages of a room, and reactions, from now on.

        Returns:
            The room's last ones: the subscriber gets those after them.

        Raises:
            Refusal: the room may not be entered.
            ChatError: as ``ask``.
        """
        answer: Future[Subscribed] = Future()
        task = Question(partial(self._entrance.subscribe, room, who, address, by), answer)

        def run_once_open() -> None:
            if not self._rooms.wait_for(room, task.run, by):
                task.run()

        self.tasks.put(Notice(run_once_open))
        return await_answer(answer, timeout)

    def unsubscribe(self, room: str, who: Subscriber) -> None:
        """Hand the subscriber nothing more. Never waits; idempotent."""
        with suppress(ChannelClosed):
            self.tasks.put(Notice(partial(self._entrance.unsubscribe, room, who)))

    # -- the Server thread --------------------------------------------------------------------

    def listen(self) -> None:
        """The Server thread's whole life."""
        if self._follower:
            self._follower.start()
        else:
            self._trimmer.start()
            self._eraser.start()
        self._sweeper.start()
        self._step_until_none()
        for channel in (self.add, self.delete, self.broadcast, self.error, self.tasks):
            channel.close()
        while (
            self._broadcaster.is_busy()
            or self._entrance.awaits_answers()
            or not self._ready.empty()
        ):
            if self._ready.empty():
                self._try_to_step()  # waits for an answer
            else:
                self._ready.put(None)  # after everything put before the channels closed
                self._step_until_none()  # it may have been skipped, and announced again behind

    def _step_until_none(self) -> None:
        while self._try_to_step():
            pass

    def _try_to_step(self) -> bool:
        try:
            return self.step()
        except Exception:  # no user's fault, and no fault of ours, ends the room
            self._faults.note_bug()
            return True

    def step(self) -> bool:
        """Handle what the next ready channel holds, or what is due; False once it is to stop."""
        seconds = self._timers.run()
        if self._fallen:
            self._entrance.see_off_fallen()
            return True  # something may be due sooner now
        try:
            channel = select(self._ready, seconds)
        except queue.Empty:
            return True
        if channel is None:
            return False
        if channel is self.broadcast:
            self._say(self.broadcast.item)
        elif channel is self.add:
            self._entrance.add(self.add.item)
            self._broadcaster.go_on()
        elif channel is self.delete:
            self._entrance.remove(*self.delete.item)
        elif channel is self.error:
            self._faults.note(self.error.item)
        elif channel is self.tasks:
            self.tasks.item.run()
        elif channel is self.heard:
            self._hear(self.heard.item)
        return True

    def _say(self, first: Said | Change | Ruling | Wish) -> None:
        batch = [first]
        if self.broadcast.queue:  # hardly ever; an item that arrives now gets an entry on ready
            batch += self.broadcast.drain(self._batch_bytes, lambda said: said.cost)
        if self.add.queue:  # after the drain: a message may have overtaken its sender's joining
            for joining in self.add.drain(sys.maxsize, lambda joining: 1):
                self._entrance.add(joining)
        self._broadcaster.handle(batch)
        if self._broadcaster.is_busy():
            self.broadcast.pause()
            self.delete.pause()  # nobody leaves before what they said is in the room

    def _hear(self, heard: Outcome | Later | AboutPeople | Word) -> None:
        try:
            if isinstance(heard, AboutPeople):
                self._entrance.take(heard)
            elif isinstance(heard, Word):
                if self._follower:
                    self._follower.hear(heard)
            else:
                outcome = heard if isinstance(heard, list) else heard.go_on()
                if outcome is not None:
                    self._broadcaster.take(outcome)
        finally:  # also after a fault of ours: otherwise nobody would be heard any more
            self._broadcaster.go_on()
            if not self._broadcaster.is_busy():
                self.broadcast.resume()
                self.delete.resume()
            if self._follower:
                self._follower.catch_up()
