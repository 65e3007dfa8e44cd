"""Requests to every described operation, made from ``/openapi.json`` alone, and what an answer must be to be described.

Most values fit their schema, some are hostile (another type, a path, broken Unicode, a huge number); which ones come
is decided by a seed.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property
from random import Random
from typing import Any, Final
from urllib.parse import quote

import httpx2
from jsonschema import Draft202012Validator

Json = dict[str, Any]

TEXTS: Final = (
    *("", "a", "Mio", "mao_pro", "0", "2026-11-21", "2026-11-21T10:00:00+09:00", "x" * 300, "今日は", "😺", "sk-0123"),
    *(
        "..",
        "../../x",
        "a/b",
        "/etc/passwd",
        "C:\\x",
        "CON",
        "a\0b",
        "\ud800",
        "\ufffd",
        "%2e%2e",
        "<b>",
        "{}",
        "http://",
    ),
    *("http://127.0.0.1:9/v1", "http://[", "http://a:99999", "http://user:p@[::1]/", "file:///etc/passwd", "a\r\nb: c"),
)
VALUES: Final[tuple[Any, ...]] = (
    *(None, True, False, 0, -1, 2**31, 2**63, 10**30, 1e308, 0.5),
    [],
    {},
    [[]],
    {"": None},
    [None],
)
BODIES: Final = (b"", b"{", b"[]", b"null", b"\xff\xfe", b'"x"', b"[" * 3000, b'{"a":NaN}', b'{"a":"\\ud800"}')
KINDS: Final = ("application/json", "application/json", "text/plain", "multipart/form-data", "")
FILES: Final = (
    b"",
    b"GIF89a",
    b"glTF\2\0\0\0",
    b"PK\3\4",
    b"PK\5\6" + bytes(18),
    b"\x89PNG\r\n\x1a\n",
    b"RIFF\0\0\0\0WAVE",
)
NAMES: Final = ("a.png", "a.vrm", "a.vrma", "a.zip", "../a.json", "a.wav", "", "\u202e.png", "x" * 300, "a.jsonl")
DEPTH: Final = 4


@dataclass(frozen=True)
class Operation:
    """One method of one path of a description."""

    document: Json
    method: str
    path: str

    @cached_property
    def declared(self) -> Json:
        found: Json = self.document["paths"][self.path][self.method]
        return found

    def request(self, http: httpx2.AsyncClient, random: Random) -> httpx2.Request:
        values = Values(self.document, random)
        path, query = self.path, []
        for parameter in self.declared.get("parameters", ()):
            value = values.of(parameter["schema"])
            text = value if isinstance(value, str) else json.dumps(value)
            if parameter["in"] == "path":
                path = path.replace(f"{{{parameter['name']}}}", _quoted(text if text.strip(".") else "x"))
            elif parameter["required"] or random.random() < 0.6:
                query.append(f"{parameter['name']}={_quoted(text)}")
        address = path + ("?" + "&".join(query) if query else "")
        return http.build_request(self.method.upper(), address, **self._body(values, random))

    def _body(self, values: Values, random: Random) -> Json:
        content = self.declared.get("requestBody", {}).get("content")
        if content is None:
            return {}
        kind = random.choice(sorted(content))
        if random.random() < 0.1:
            return {"content": random.choice(BODIES), "headers": {"content-type": random.choice(KINDS)}}
        body = values.of(content[kind]["schema"])
        if kind == "application/json":
            return {"content": json.dumps(body).encode(), "headers": {"content-type": kind}}
        fields = body if isinstance(body, dict) else {}
        texts = {name: _text(value) for name, value in fields.items() if not isinstance(value, bytes | list)}
        if kind != "multipart/form-data":
            return {"data": texts}
        sent = [
            (name, (random.choice(NAMES), part))
            for name, value in fields.items()
            for part in (value if isinstance(value, list) else [value])
            if isinstance(part, bytes)
        ]
        return {"data": texts, "files": sent or [("other", ("a", b""))]}

    def undescribed(self, answer: httpx2.Response) -> str | None:
        """What of an answer the description does not say; ``None`` when it says all of it."""
        status = str(answer.status_code)
        described = self.declared["responses"].get(status)
        if described is None:
            return f"status {status}"
        if not (content := described.get("content")):
            return None
        kind = answer.headers.get("content-type", "").partition(";")[0]
        if kind != "application/json":
            return None if any(_is_of(kind, one) for one in content) else f"{status} as {kind!r}"
        if kind not in content:
            return f"{status} as {kind!r}"
        schema = {**content[kind]["schema"], "components": self.document["components"]}
        wrong = next(Draft202012Validator(schema).iter_errors(answer.json()), None)
        return f"{status}: {wrong.json_path} {wrong.message[:120]}" if wrong else None


def operations_of(document: Json) -> list[Operation]:
    return [Operation(document, method, path) for path, item in document["paths"].items() for method in item]


@dataclass(frozen=True)
class Values:
    """Values for the schemas of ``document``."""

    document: Json
    random: Random

    def of(self, schema: Json, depth: int = 0) -> Any:
        schema = self._resolved(schema)
        if schema.get("format") == "binary":
            return self.random.choice(FILES)
        if depth and self.random.random() < 0.06:
            return self.random.choice((*VALUES, *TEXTS))
        if "const" in schema or "enum" in schema:
            return self.random.choice(schema.get("enum") or [schema.get("const")])
        if choices := schema.get("anyOf") or schema.get("oneOf"):
            return self.of(self.random.choice(choices), depth)
        if parts := schema.get("allOf"):
            return {name: value for part in parts for name, value in self.of(part).items()}
        return self._of_type(schema, depth)

    def _of_type(self, schema: Json, depth: int) -> Any:
        match schema.get("type"):
            case "object":
                return self._object(schema, depth)
            case "array":
                count = 0 if depth > DEPTH else self.random.choice((0, 1, 1, 2, 5))
                return [self.of(schema.get("items", {}), depth + 1) for _ in range(count)]
            case "string":
                return self.random.choice(TEXTS)
            case "integer":
                return self.random.choice((schema.get("minimum", 0), schema.get("maximum", 9), 1, 2, 7, 2**40))
            case "number":
                return self.random.choice((schema.get("minimum", 0.0), schema.get("maximum", 1.0), 0.3, 1, 1e9))
            case "boolean":
                return self.random.random() < 0.5
            case "null":
                return None
        return self.random.choice((*VALUES, *TEXTS))

    def _object(self, schema: Json, depth: int) -> Json:
        made = {
            name: self.of(field, depth + 1)
            for name, field in schema.get("properties", {}).items()
            if self.random.random() < (0.96 if name in schema.get("required", ()) else 0.5)
        }
        if depth <= DEPTH and (others := schema.get("additionalProperties")):
            kind = others if isinstance(others, dict) else {}
            made |= {self.random.choice(TEXTS): self.of(kind, depth + 1) for _ in range(self.random.randrange(3))}
        return made

    def _resolved(self, schema: Json) -> Json:
        while "$ref" in schema:
            schema = self.document["components"]["schemas"][schema["$ref"].rsplit("/", 1)[1]]
        return schema


def _is_of(kind: str, described: str) -> bool:
    return described in (kind, "*/*") or (described.endswith("/*") and kind.startswith(described[:-1]))


def _text(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value)
    return text.encode("utf-8", "replace").decode()


def _quoted(text: str) -> str:
    return quote(text.encode("utf-8", "surrogatepass"), safe="")
