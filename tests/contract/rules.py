"""The numbered rules and rows of the contract that Neko keeps, by id, and where the tests are.

``RULES`` is the list that the tests are held against, both ways: a mark with an unknown id fails, a
rule without a test must stand in ``OPEN`` with its reason.
"""

from __future__ import annotations

RULES = {
    # websocket.md §9, the compatibility checklist
    "ws-9.1": "the calls a page makes while loading answer quickly; page_config never waits",
    "ws-9.2": "every action is accepted; stream_data starts a session by itself",
    "ws-9.3": "event names and fields; status.message is a string",
    "ws-9.4": "header and binary are one; 48 kHz mono PCM16; frames are coalesced",
    "ws-9.5": "isNewMessage once per reply; always turn end",
    "ws-9.6": "user_activity at speech start, with the id being cut",
    "ws-9.7": "session_failed before giving up, in time",
    "ws-9.8": "the newest socket wins; the older one is closed with a reason if it knows that code, else silent",
    # websocket.md §1, malformed input, by row
    "ws-1-not-json": "not JSON: a status, the socket stays",
    "ws-1-not-object": "JSON but no object: a status, the socket stays",
    "ws-1-binary": "a binary frame is ignored, unless start_session has announced what it is",
    "ws-1-unknown-action": "missing or unknown action: a status that names it",
    "ws-1-unknown-input-type": "start_session with an unknown input_type: a status and session_failed",
    # websocket.md §1, the connection
    "ws-1-unknown-character": "catgirl_switched with the first character, then close 1000",
    "ws-1-renamed": "a character that is gone: catgirl_switched, then close 1000",
    "ws-1-disconnect": "the owner's disconnect ends the session quietly, when its reply is over and nobody is back",
    # websocket.md §2, the edge cases
    "ws-2-audio-unasked": "audio without start_session starts an audio session",
    "ws-2-while-starting": "input during a start waits and is delivered",
    "ws-2-start-twice": "start_session while starting: one session_started serves both",
    "ws-2-start-active": "start_session while active: preparing, no farewell, a new start",
    "ws-2-end-starting": "end_session while starting cancels the start",
    "ws-2-end-idle": "end_session while idle is silent",
    "ws-2-wrong-kind": "text while an audio session runs is ordinary input: the same session answers, the call goes on",
    "ws-2-wrong-type": "data of the wrong JSON type is dropped",
    "ws-2-images": "images ride with the next text; a wrong one is dropped",
    "ws-2-second-text": "a second text cancels the first reply; nothing interleaves",
    "ws-2-failing-start": "a start that keeps failing backs off; one session_failed per attempt",
    # websocket.md §4
    "ws-4.1": "session_preparing, then session_started",
    "ws-4.2": "the order of a text turn",
    "ws-4.3": "tags are stripped, also when split over deltas",
    "ws-4.4": "one speech id per reply; never an older one after a newer one",
    "ws-4.5": "a spoken turn and barge-in",
    "ws-6": "ping is answered",
    # memory.md §12, failure modes, by row
    "mem-12-settle": "what was kept turn by turn is settled at a session's end; the layers by time are filled",
    "mem-12-summariser-down": "without a summary nothing is dropped, neither lines nor the memo",
    "mem-12-second-pass": "shortening a summary is bounded in calls",
    "mem-12-cache-during-memo": "what is kept while a memo is made survives it",
    "mem-12-cache-during-review": "what is kept during a review survives it",
    "mem-12-client-timeout": "what was said is kept before a model is asked",
    "mem-12-error-body": "what was not kept is answered with status error",
    "mem-12-names": "one rule for names: what a card can be called has a memory",
    "mem-12-review-starved": "a new session leaves a review alone",
    "mem-12-corrupt-file": "a damaged file is set aside, never overwritten",
    "mem-12-memory-down": "a session starts without a memory",
    "mem-12-locale": "the clock of the prompt changes no locale",
    "mem-12-blocking": "a large window holds nobody up",
    # memory.md §13, what N.E.K.O.'s documents say and its code does not, or differently
    "mem-13-recall": "what was said long ago is recalled into the prompt",
    "mem-13-router": "the router decides what stays and what is summed up",
    "mem-13-vectors": "vectors are stored with the lines",
    "mem-13-save": "a window is saved as filename and chat",
    "mem-13-review-switch": "the review has one switch",
    "mem-13-summariser": "summaries are the role summary's",
    # sessions.md §15, the monitor
    "sessions-15-sync": "reply, status, emotion, user_activity, user_transcript, turn end",
    "sessions-15-sound": "her voice as binary frames",
    "sessions-15-subtitles": "the whole reply so far; clear before the next",
    "sessions-15-heartbeat": "a heartbeat about every ten seconds",
    "sessions-15-many": "viewers of a talk change nothing for its owner",
}

OPEN: dict[str, str] = {}
