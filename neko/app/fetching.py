"""One document of another server, whole and bounded."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from neko.errors import NekoError
from neko.net import Network

LARGEST: Final = 4 * 1024 * 1024
_CONNECT_S: Final = 5.0


async def fetched(
    network: Network,
    purpose: str,
    url: str,
    *,
    headers: Mapping[str, str] | None = None,
    follow_redirects: bool = False,
) -> bytes:
    """The body of the answer. The deadline is the caller's. Raises ``NekoError``, ``OSError``, and ``ValueError`` with
    what is wrong with an answer."""
    client = await network.http_client(purpose, url, connect_timeout_s=_CONNECT_S, follow_redirects=follow_redirects)
    content = bytearray()
    try:
        async with client.stream("GET", url, headers=headers) as answer:
            if answer.status_code != 200:
                raise ValueError(f"the server answered {answer.status_code}")
            async for piece in answer.aiter_bytes():
                content += piece
                if len(content) > LARGEST:
                    raise ValueError("its answer is larger than 4 MB")
    except NekoError:
        raise
    except Exception as error:  # what the HTTP client raises is of its own kinds
        raise error if isinstance(error, ValueError | OSError) else ConnectionError(str(error)) from error
    finally:
        await client.aclose()
    return bytes(content)
