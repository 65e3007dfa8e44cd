"""The bus of this process and that of another, joined by three ZeroMQ sockets (``contract/bus.md`` §1–5).

As ``main`` the conversations are here and the agent is elsewhere: requests for analysis go out, and what the agent
reports comes in. As ``agent`` it is the other way round. The other side may be N.E.K.O.'s own. Ours are, beside its
messages, ``neko_approval``, ``neko_inquiry`` and ``neko_approval_over`` to the main, ``neko_approve`` and
``neko_command`` to the agent. Who is away approves nothing: the question is over in its time.
"""

from __future__ import annotations

import asyncio
import inspect
import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

from neko.agent.approvals import Approvals
from neko.agent.remote.address import Address, Channel, Peers
from neko.agent.remote.link import Link
from neko.bus import Bus, Handler, Message, Subscription
from neko.bus_errors import RemoteBusError
from neko.tasks import TaskOwner
from neko.types.agent import Decision, Reply

logger = logging.getLogger(__name__)

TO_AGENT: Final = ("analyze_request", "neko_approve", "neko_command")
"""What the socket ``session`` carries of the topic. The rest is nobody's business elsewhere."""
_SETTLE_S: Final = 0.5
GONE_S: Final = 10.0
"""For so long an agent may be gone before nobody counts on it any more: a tunnel may have been cut."""
_FULL_S: Final = 0.005
_FULL_TIMES: Final = 400
_QUESTIONS: Final = ("neko_approval", "neko_inquiry")
_TOLD_TO_WHO_IS_THERE: Final = ("agent_status_update", *_QUESTIONS, "neko_approval_over")
"""Of no use to a main that comes later."""
_SPOKEN: Final = ("task_result", "proactive_message")
"""The main tells these in character; nobody tells them a second time."""
_REPORTS: Final[Mapping[str, tuple[str, type]]] = {
    "agent_status_update": ("snapshot", dict),
    "task_update": ("task", dict),
    "task_result": ("text", str),
    "proactive_message": ("text", str),
    "neko_approval": ("question", dict),
    "neko_inquiry": ("question", dict),
    "neko_approval_over": ("id", str),
}
"""What an agent may say, and the field without which it says nothing."""
_NO_QUESTION: Final = {
    "server": "",
    "tool": "",
    "title": "",
    "arguments": "",
    "message": "",
    "act": "destructive",
    "may_remember": False,
    "after_outside": True,
    "by_others": False,
    "against_rule": False,
    "holds": "once",
    "extent": "place",
}


class RemoteBus:
    """``on_fault``: what keeps it from working, None when it works. ``on_online``: whether the other side is there.
    ``on_report`` takes what an agent elsewhere reports and gives it back as it is told here; ``on_command`` does what a
    main elsewhere wants of our agent. ``on_lost``: the other side has been gone for ``gone_s``.
    """

    def __init__(
        self,
        bus: Bus,
        approvals: Approvals,
        address: Address,
        *,
        on_fault: Callable[[RemoteBusError | None], None] = lambda _error: None,
        on_online: Callable[[bool], object] = lambda _online: None,
        on_report: Callable[[Message], Message] = lambda report: report,
        on_command: Callable[[Message], Awaitable[object] | None] = lambda _command: None,
        on_lost: Callable[[], object] = lambda: None,
        gone_s: float = GONE_S,
    ) -> None:
        self.role = address.role
        self.online = False
        self._bus = bus
        self._approvals = approvals
        self._on_fault = on_fault
        self._on_online = on_online
        self._on_report = on_report
        self._on_command = on_command
        self._on_lost = on_lost
        self._gone_s = gone_s
        self._waiting: asyncio.Task[None] | None = None
        self._link = Link(address, on_fault, self._peers_changed)
        self._owner = TaskOwner("remote bus")
        self._subscriptions: list[Subscription] = []
        self._requests: Subscription | None = None
        self._unknown = 0
        self._is_started = False

    async def start(self) -> None:
        """Never raises: what keeps it from starting is a fault, and then there is no other side."""
        try:
            await self._link.start()
        except RemoteBusError as error:
            self._on_fault(error)
            return
        self._is_started = True
        if self.role == "main":
            subscribed = self._bus.session.subscribe(self._tell_agent, "remote_bus", only=TO_AGENT)
            self._subscriptions.append(subscribed)
        self._owner.spawn(self._receive(), name="receive")

    async def aclose(self) -> None:
        """Send what waits and close the sockets; idempotent. A main is still told how the tasks of its agent ended."""
        if self._is_started and self.role == "agent":
            await self._bus.agent.settled(_SETTLE_S)
        for subscription in self._subscriptions:
            subscription.close()
        self._subscriptions.clear()
        self._follow_agent(there=False)
        await self._link.aclose()
        await self._owner.aclose()

    @property
    def has_consumer(self) -> bool:
        """As a main: would an agent elsewhere get a request now?"""
        return self._requests is not None

    def snapshot(self) -> dict[str, Any]:
        """Counts since the start, for the metrics."""
        return {**self._link.counts.snapshot(), "online": self.online, "unknown": self._unknown}

    def handler(self, local: Handler) -> Handler:
        """What is to be attached to the topic ``agent``: ``local``, and as an agent the main beside it. What could not
        be started has no main: then all is told here."""
        if self.role == "main":
            return local

        async def handle(report: Message) -> None:
            if self._is_started:
                await _room(lambda: self.online and self._link.is_full(Channel.AGENT))
                self._tell_main(report)
                if report["event_type"] in _SPOKEN:
                    return
            pending = local(report)
            if pending is not None:
                await pending

        return handle

    def command(self, wanted: Mapping[str, Any], *, surely: bool = False) -> None:
        """As a main: have the agent do this; what comes of it is told. ``surely``: by the socket on which nothing is
        lost."""
        if surely:
            self._link.send(Channel.ANALYZE, {**wanted, "event_type": "neko_command"})
        else:
            self._bus.session.publish({**wanted, "event_type": "neko_command"})

    # ── to the other side ─────────────────────────────────────────────────────

    def _tell_agent(self, message: Message) -> None:
        self._link.send(Channel.SESSION, message)

    def _tell_main(self, report: Message) -> None:
        if report["event_type"] == "agent_status_update":
            report = {**report, "neko_commands": True}
        if self.online or report["event_type"] not in _TOLD_TO_WHO_IS_THERE:
            self._link.send(Channel.AGENT, report)

    def _ask_agent(self, request: Message) -> None:
        self._link.send(Channel.ANALYZE, request)

    # ── who is there ──────────────────────────────────────────────────────────

    def _peers_changed(self, peers: Peers) -> None:
        if self.role == "main":
            self._follow_agent(there=peers[Channel.ANALYZE] > 0)
        if (online := peers[Channel.AGENT] > 0) != self.online:
            self.online = online
            logger.info("the %s is %s", "agent" if self.role == "main" else "main", "there" if online else "gone")
            if self._waiting is not None:
                self._waiting.cancel()
            self._waiting = None if online else self._owner.spawn(self._wait(), name="wait for who is gone")
            self._on_online(online)

    async def _wait(self) -> None:
        await asyncio.sleep(self._gone_s)
        self._on_lost()

    def _follow_agent(self, *, there: bool) -> None:
        """Take requests while somebody would get them; without one they are refused at once."""
        if there and self._requests is None:
            self._requests = self._bus.analyze.receive(self._ask_agent)
        elif not there and self._requests is not None:
            self._requests.close()
            self._requests = None

    # ── from the other side ───────────────────────────────────────────────────

    async def _receive(self) -> None:
        handle = self._from_agent if self.role == "main" else self._from_main
        while True:
            _, messages = await self._link.receive()
            for message in messages:
                try:
                    await handle(message)
                except Exception:
                    logger.exception("a message of the %s socket failed", message["event_type"])
            self._link.handled()

    async def _from_agent(self, report: Message) -> None:
        kind, name = report["event_type"], report.get("lanlan_name")
        if kind == "analyze_ack":
            self._bus.analyze.ack(str(report.get("event_id")))
            return
        field, form = _REPORTS.get(kind, ("", str))
        if not isinstance(report.get(field), form) or not isinstance(name, str | None):
            self._unknown += 1
            return
        if kind in ("agent_status_update", "task_update"):
            report = self._on_report(report)
        elif kind in _QUESTIONS:
            question = self._relayed(str(name or ""), kind, report["question"])
            if question is None:
                self._unknown += 1
                return
            report = {**report, "question": question}
        elif kind == "neko_approval_over":
            self._approvals.withdraw(report["id"])
        await _room(lambda: self._bus.agent.is_full)
        self._bus.agent.publish(report)

    def _relayed(self, character: str, kind: str, question: Mapping[str, Any]) -> dict[str, Any] | None:
        """The question as it is shown here; None when it cannot be asked here."""
        asked = "approval" if kind == "neko_approval" else "inquiry"
        shown = {**_NO_QUESTION, **question, "kind": asked, "character": character}

        def forward(answer: Decision | Reply) -> None:
            said: dict[str, Any] = {"decision": answer.value if isinstance(answer, Decision) else answer.action}
            if isinstance(answer, Reply):
                said["content"] = answer.content
            approve = {"event_type": "neko_approve", "lanlan_name": character, "id": shown["id"]}
            self._tell_agent({**approve, **said})

        return shown if self._approvals.relay(character, shown, forward) else None

    async def _from_main(self, message: Message) -> None:
        match message["event_type"]:
            case "analyze_request":
                if await self._bus.analyze.request(message) and "event_id" in message:
                    self._link.send(Channel.AGENT, {"event_type": "analyze_ack", "event_id": message["event_id"]})
            case "neko_approve":
                self._approvals.answer(str(message.get("id")), answer_of(message))
            case "neko_command":
                pending = self._on_command(message)
                if inspect.isawaitable(pending):
                    self._owner.spawn(_awaited(pending), name="command")
            case _:
                self._unknown += 1


async def _room(is_full: Callable[[], bool]) -> None:
    """Let who is before us catch up, two seconds at most; what follows is held where it comes from."""
    for _ in range(_FULL_TIMES):
        if not is_full():
            return
        await asyncio.sleep(_FULL_S)


async def _awaited(pending: Awaitable[object]) -> None:
    await pending


def answer_of(message: Mapping[str, Any]) -> Decision | Reply:
    """What a ``neko_approve`` says; whatever is no answer is a denial."""
    decision, content = message.get("decision"), message.get("content")
    if decision == "accept" and isinstance(content, dict | None):
        return Reply("accept", content)
    if decision in ("decline", "cancel"):
        return Reply(decision)
    try:
        return Decision(str(decision))
    except ValueError:
        return Decision.DENY
