"""What the model is told that it can do in the browser."""

from __future__ import annotations

from typing import Any, Final

from neko.types.model_session import Tool

INSTRUCTIONS: Final = """\
You work in a web browser. After each action you see the page as a list of its elements; act on one by its ref, as it
stands in the newest list (refs of earlier ones are of no use). Long pages come in parts: look(part) shows the next,
find(text) shows where something stands, extract(ref) gives all the text of a region. Take a screenshot only when the
list does not tell what you need. Prefer the links and fields of a page to addresses that you make up. Never type
passwords, codes or card numbers: call sign_in, and the user does it. Decline cookies where a page asks. When a page
cannot be used or wants what the user did not ask for, say so instead of trying on."""

_REF: Final = {"type": "string", "description": "ref of an element, as in e12"}
_TEXT: Final = {"type": "string"}
_NUMBER: Final = {"type": "integer"}


def _tool(name: str, description: str, required: str = "", **properties: Any) -> Tool:
    schema = {"type": "object", "properties": properties, "required": required.split(), "additionalProperties": False}
    return Tool(name, description, schema)


TOOLS: Final = (
    _tool("look", "Show the page, or another part of a long one.", part=_NUMBER),
    _tool("find", "Show the lines of the page that hold a text, however long it is.", "text", text=_TEXT),
    _tool("extract", "All the text of an element and what is in it, or of the page.", ref=_REF, part=_NUMBER),
    _tool("screenshot", "A picture of what is visible now."),
    _tool("navigate", "Open an http(s) address in this tab.", "url", url=_TEXT),
    _tool("back", "Go back to the page before."),
    _tool("click", "Click an element.", "ref", ref=_REF, double={"type": "boolean"}),
    _tool(
        "type",
        "Write a text into a field, in place of what is in it.",
        "ref text",
        ref=_REF,
        text=_TEXT,
        submit={"type": "boolean", "description": "press Enter afterwards"},
    ),
    _tool("select", "Choose in a list, by the names of its options.", "ref options", ref=_REF,
          options={"type": "array", "items": _TEXT}),
    _tool("press", "Press a key: Enter, Escape, ArrowDown, Control+a, …; at an element if ref is given.", "key",
          key=_TEXT, ref=_REF),
    _tool("scroll", "Scroll, or bring an element into view.", ref=_REF,
          direction={"enum": ["down", "up", "end", "top"]}),
    _tool("hover", "Point at an element, so that what it hides is shown.", "ref", ref=_REF),
    _tool("wait", "Wait until a text is on the page, or for some seconds (at most 30).", text=_TEXT,
          seconds={"type": "number"}),
    _tool("new_tab", "Open an http(s) address in a new tab.", "url", url=_TEXT),
    _tool("switch_tab", "Go on in another tab.", "tab", tab=_NUMBER),
    _tool("close_tab", "Close a tab.", "tab", tab=_NUMBER),
    _tool("download", "Click an element that downloads a file, and wait for it.", "ref", ref=_REF),
    _tool("upload", "Give files to a file field or to the button that opens one: names of files of this task, or paths "
          "that the user named.", "ref files", ref=_REF, files={"type": "array", "items": _TEXT}),
    _tool("answer_dialog", "Allow the dialog that was last answered with no; then do again what made it appear.",
          text={"type": "string", "description": "what to write into it, if it asks for a text"}),
    _tool("sign_in", "Let the user sign in, or do what only they may, in the browser's window.", "why",
          why={"type": "string", "description": "what they shall do, in a sentence in their language"}),
)  # fmt: skip
