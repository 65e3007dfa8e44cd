"""N.E.K.O.'s own agent server, or its main, as far as the sockets see it: ``python -m tests.scripted_agent ROLE …``.

``agent SESSION AGENT ANALYZE``: acknowledges every ``analyze_request``, reports a task that begins, is done, and its
result; prints what it was told. ``main SESSION AGENT ANALYZE``: sends each line of its input (``CHANNEL JSON``), prints
what the agent reports. With ``NEKO_BUS_KEYS`` it uses the keys there. Both end with their input.
"""

from __future__ import annotations

import json
import os
import sys
import threading
from pathlib import Path
from typing import Any

import zmq
import zmq.auth

NAMES = ("session", "agent", "analyze")
TYPES = {
    "agent": {"session": zmq.SUB, "agent": zmq.PUSH, "analyze": zmq.PULL},
    "main": {"session": zmq.PUB, "agent": zmq.PULL, "analyze": zmq.PUSH},
}
TASK = {"id": "5b1f", "type": "computer_use", "start_time": "2026-02-22T06:03:11.123456Z"}


def opened(role: str, ports: dict[str, int]) -> dict[str, zmq.Socket[bytes]]:
    context: zmq.Context[zmq.Socket[bytes]] = zmq.Context.instance()
    sockets = {name: context.socket(kind) for name, kind in TYPES[role].items()}
    folder = os.environ.get("NEKO_BUS_KEYS")
    for name, socket in sockets.items():
        socket.linger = 1000
        if socket.type == zmq.SUB:
            socket.subscribe(b"")
        if folder:
            socket.curve_publickey, socket.curve_secretkey = zmq.auth.load_certificate(
                Path(folder) / f"{role}.key_secret"
            )
            socket.curve_serverkey = zmq.auth.load_certificate(Path(folder) / "main.key")[0]
        address = f"tcp://127.0.0.1:{ports[name]}"
        socket.bind(address) if role == "main" else socket.connect(address)
    return sockets


def reports_on(request: dict[str, Any]) -> list[dict[str, Any]]:
    """What comes of a request, in the contract's shapes."""
    name, words = request["lanlan_name"], request["messages"][-1]["content"]
    running = {**TASK, "status": "running", "params": {"instruction": words}}
    done = {**TASK, "status": "completed", "end_time": "2026-02-22T06:03:12.123456Z", "error": None}
    result = {"task_id": TASK["id"], "channel": "computer_use", "status": "completed", "success": True}
    words = {"text": f"did: {words}", "summary": f"did: {words}", "detail": "", "error_message": ""}
    return [
        {"event_type": "task_update", "lanlan_name": name, "task": running},
        {"event_type": "task_update", "lanlan_name": name, "task": done},
        {"event_type": "task_result", "lanlan_name": name, **result, **words, "timestamp": TASK["start_time"]},
    ]


def agent(sockets: dict[str, zmq.Socket[bytes]]) -> None:
    poller = zmq.Poller()
    poller.register(sockets["session"], zmq.POLLIN)
    poller.register(sockets["analyze"], zmq.POLLIN)
    while True:
        for socket, _ in poller.poll():
            message = socket.recv_json()
            assert isinstance(message, dict)
            tell(message)
            if socket is sockets["analyze"]:
                sockets["agent"].send_json({"event_type": "analyze_ack", "event_id": message["event_id"]})
                for report in reports_on(message):
                    sockets["agent"].send_json(report)


def main(sockets: dict[str, zmq.Socket[bytes]]) -> None:
    while True:
        tell(sockets["agent"].recv_json())


def tell(message: object) -> None:
    sys.stdout.write(json.dumps(message) + "\n")
    sys.stdout.flush()


def run(role: str, ports: list[str]) -> None:
    sockets = opened(role, dict(zip(NAMES, map(int, ports), strict=True)))
    tell({"event_type": "open"})
    threading.Thread(target=agent if role == "agent" else main, args=(sockets,), daemon=True).start()
    for line in sys.stdin:
        channel, _, text = line.strip().partition(" ")
        sockets[channel].send(text.encode())
    os._exit(0)


if __name__ == "__main__":
    run(sys.argv[1], sys.argv[2:])
