"""Any server with OpenAI's ``POST {base}/embeddings`` (Ollama, llama.cpp, Qwen, …).

https://platform.openai.com/docs/api-reference/embeddings/create
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping, Sequence
from contextlib import aclosing
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from neko.errors import ModelBadRequestError, ModelError, ModelStreamBrokenError, NekoError
from neko.llm.provider_errors import ProviderErrors
from neko.net import Network
from neko.providers import ModelEndpoint
from neko.providers.addresses import shown_host, url_below
from neko.providers.error_body import is_error
from neko.settings import is_loopback, is_near
from neko.tasks import in_thread
from neko.types.embedding import LONGEST_TEXT, EmbeddingModel, TextKind
from neko.well_formed import dump_json, load_json

if TYPE_CHECKING:
    import httpx2
    import numpy as np
    from numpy.typing import NDArray

_CONNECT_TIMEOUT_S: Final = 5.0
_ANSWER_TIMEOUT_S: Final = 30.0
_ANSWER_NEAR_TIMEOUT_S: Final = 120.0
"""A server of one's own loads its model first."""
_LARGEST_ANSWER: Final = 64 * 1024 * 1024
_MOST_TEXTS: Final = 64
_FEW_TEXTS: Final = 10
"""What every server takes at once; Qwen takes no more."""
_PREFIXES: Final = (
    (re.compile(r"(^|[/_-])e5[_-](small|base|large)", re.IGNORECASE), {"question": "query: ", "line": "passage: "}),
    (re.compile(r"nomic-embed", re.IGNORECASE), {"question": "search_query: ", "line": "search_document: "}),
)
"""What these models were trained with, and no server puts there."""


class EmbeddingServer:
    """Embeds by ``endpoint``; one keep-alive client, made at first use."""

    def __init__(self, endpoint: ModelEndpoint, network: Network) -> None:
        host = urlsplit(endpoint.base_url).hostname or ""
        name = f"{endpoint.model}@{shown_host(endpoint.base_url)}"
        self.model = EmbeddingModel(name, f"{endpoint.model}, {endpoint.provider_name}", is_loopback(host))
        self._endpoint = endpoint
        self._network = network
        self._errors = ProviderErrors.of(endpoint)
        self._timeout_s = _ANSWER_NEAR_TIMEOUT_S if is_near(host) else _ANSWER_TIMEOUT_S
        self._prefixes: Mapping[str, str] = next(
            (prefixes for names, prefixes in _PREFIXES if names.search(endpoint.model)), {}
        )
        self._most_texts = _MOST_TEXTS
        self._client: httpx2.AsyncClient | None = None
        self._opening = asyncio.Lock()
        self._closed = False

    async def embed(self, texts: Sequence[str], kind: TextKind) -> NDArray[np.float32]:
        """See ``Embedder``."""
        prefix = self._prefixes.get(kind, "")
        wanted = [prefix + (text[:LONGEST_TEXT] or " ") for text in texts]
        parts: list[list[Any]] = []
        done = 0
        while done < len(wanted):
            batch = wanted[done : done + self._most_texts]
            try:
                parts.append(self._read(await self._ask(batch), len(batch)))
            except ModelBadRequestError:
                if len(batch) <= _FEW_TEXTS:
                    raise
                self._most_texts = _FEW_TEXTS
            else:
                done += len(batch)
        return await in_thread(self._unit, [vector for part in parts for vector in part])

    async def prewarm(self) -> None:
        """Make the client; the server is not asked anything."""
        await self._http()

    async def aclose(self) -> None:
        self._closed = True
        client, self._client = self._client, None
        if client is not None:
            await client.aclose()

    async def _http(self) -> httpx2.AsyncClient:
        async with self._opening:
            if self._client is None and not self._closed:
                self._errors.check(self._endpoint.base_url, self._endpoint.api_key)
                self._client = await self._network.http_client(
                    "embeddings",
                    self._endpoint.base_url,
                    connect_timeout_s=_CONNECT_TIMEOUT_S,
                    read_timeout_s=self._timeout_s,
                )
            if self._closed or self._client is None:
                await self.aclose()
                raise self._errors.make(ModelError, "the embedder is closed")
            return self._client

    async def _ask(self, texts: Sequence[str]) -> Any:
        """The decoded answer to one batch."""
        request = {"model": self._endpoint.model, "input": texts}
        headers = {"Content-Type": "application/json"}
        if self._endpoint.api_key:
            headers["Authorization"] = f"Bearer {self._endpoint.api_key}"
        try:
            http = await self._http()
            url, body = url_below(self._endpoint.base_url, "embeddings"), bytearray()
            async with (
                asyncio.timeout(self._timeout_s),
                http.stream("POST", url, content=dump_json(request), headers=headers) as response,
                aclosing(response.aiter_bytes()) as chunks,
            ):
                async for chunk in chunks:
                    body += chunk
                    if len(body) > _LARGEST_ANSWER:
                        raise self._errors.make(ModelStreamBrokenError, "an answer without end")
            if response.status_code != 200:
                raise self._errors.from_response(response, bytes(body), request)
            if body.lstrip().startswith(b"<"):
                raise self._errors.web_page(bytes(body))
            answer = await in_thread(load_json, bytes(body))
        except NekoError:
            raise
        except TimeoutError as error:
            raise self._errors.timeout(self._timeout_s, has_words=False) from error
        except Exception as error:
            raise self._errors.from_exception(error) from error
        if isinstance(answer, Mapping) and is_error(answer):
            raise self._errors.from_answer(answer, request)
        return answer

    def _read(self, answer: object, count: int) -> list[Any]:
        """The vectors in an answer, in the order of the texts."""
        data = answer.get("data") if isinstance(answer, Mapping) else None
        entries = [entry for entry in data if isinstance(entry, Mapping)] if isinstance(data, list) else []
        if all(isinstance(entry.get("index"), int) for entry in entries):
            entries.sort(key=lambda entry: int(entry["index"]))
        vectors = [entry.get("embedding") for entry in entries]
        if len(vectors) != count or not all(isinstance(vector, list) and vector for vector in vectors):
            raise self._errors.make(ModelStreamBrokenError, f"no {count} vectors")
        return vectors

    def _unit(self, vectors: Sequence[Any]) -> NDArray[np.float32]:
        import numpy as np

        if not vectors:
            return np.empty((0, 0), np.float32)
        try:
            matrix = np.asarray(vectors, np.float32)
        except (TypeError, ValueError) as error:
            raise self._errors.make(ModelStreamBrokenError, "vectors of other numbers") from error
        if matrix.ndim != 2 or not np.isfinite(matrix).all():
            raise self._errors.make(ModelStreamBrokenError, "vectors of other numbers")
        matrix /= np.maximum(np.linalg.norm(matrix, axis=1, keepdims=True), np.finfo(np.float32).tiny)
        return matrix
