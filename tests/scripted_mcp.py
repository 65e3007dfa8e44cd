"""A scripted MCP server over stdio, for what no real server does: lies, hangs, dies in the middle of a call.

    python scripted_mcp.py SCRIPT.json

The script: ``tools`` (as ``tools/list`` gives them), ``results`` (by tool: what ``tools/call`` gives, or a text),
``do`` (by tool: "hang", "die", "deaf": hears neither the end of its input nor a
signal, "change": other tools from ``then`` on, with the notification; "flood": many of those; "ask": asks the user
something and waits for ever; "wait": answers when there is the file ``until``),
``after``: a file without which nothing is answered;
``child``: a process that it starts, with its own input and output; SCRIPT.json.child has its id.
It writes each message that it gets into SCRIPT.json.log, one a line. Protocol: MCP 2025-06-18, newline-delimited
JSON-RPC.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any


def tool(name: str, description: str = "", /, **hints: bool) -> dict[str, Any]:
    """A tool with one text argument, for ``tools`` of a script."""
    schema = {"type": "object", "properties": {"text": {"type": "string"}}}
    return {"name": name, "description": description, "inputSchema": schema, "annotations": hints}


def entry(path: Path, **script: Any) -> dict[str, Any]:
    """Write a script; the entry of its server for ``mcp.json``."""
    path.write_text(json.dumps(script), encoding="utf-8")
    return {"command": sys.executable, "args": ["-S", __file__, str(path)]}


def received(path: Path) -> list[dict[str, Any]]:
    """What the server of this script was sent."""
    log = path.with_name(path.name + ".log")
    return [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()] if log.exists() else []


def calls(path: Path) -> list[tuple[str, Any]]:
    """The tools that were called, with their arguments."""
    sent = [message["params"] for message in received(path) if message.get("method") == "tools/call"]
    return [(params["name"], params.get("arguments")) for params in sent]


def _send(message: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps({"jsonrpc": "2.0", **message}) + "\n")
    sys.stdout.flush()


def _serve(path: Path) -> None:
    script = json.loads(path.read_text(encoding="utf-8"))
    if child := script.get("child"):
        path.with_name(path.name + ".child").write_text(str(subprocess.Popen(child).pid), encoding="utf-8")
    with path.with_name(path.name + ".log").open("a", encoding="utf-8") as log:
        for line in sys.stdin:
            log.write(line)
            log.flush()
            message = json.loads(line)
            if "id" in message and "method" in message:
                _answer(script, message)


def _answer(script: dict[str, Any], message: dict[str, Any]) -> None:
    params = message.get("params") or {}
    while not Path(script.get("after", __file__)).exists():
        time.sleep(0.02)
    result: dict[str, Any] | None = {}
    match message["method"]:
        case "initialize":
            info = {"name": "scripted", "version": "1"}
            capabilities = {"tools": {"listChanged": True}}
            result = {"protocolVersion": "2025-06-18", "capabilities": capabilities, "serverInfo": info}
        case "tools/list":
            result = {"tools": script["tools"]}
        case "tools/call":
            result = _call(script, params["name"])
            if result is None:
                return
        case "ping":
            pass
        case _:
            _send({"id": message["id"], "error": {"code": -32601, "message": "no such method"}})
            return
    _send({"id": message["id"], "result": result})


def _call(script: dict[str, Any], name: str) -> dict[str, Any] | None:
    match script.get("do", {}).get(name):
        case "hang":
            return None
        case "ask":
            wanted = {"type": "object", "properties": {"name": {"type": "string"}}}
            params = {"message": "Who are you?", "requestedSchema": wanted}
            _send({"id": "ask", "method": "elicitation/create", "params": params})
            return None
        case "wait":
            while not Path(script["until"]).exists():
                time.sleep(0.02)
        case "deaf":
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            while True:
                time.sleep(1)
        case "die":
            os._exit(3)
        case "change":
            script["tools"] = script["then"]
            _send({"method": "notifications/tools/list_changed"})
        case "flood":
            for _ in range(500):
                _send({"method": "notifications/tools/list_changed"})
    given = script.get("results", {}).get(name, "done")
    return given if isinstance(given, dict) else {"content": [{"type": "text", "text": given}]}


if __name__ == "__main__":
    sys.stderr.write("scripted server is here\n")
    sys.stderr.flush()
    _serve(Path(sys.argv[1]))
