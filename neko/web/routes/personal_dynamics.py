"""What is new on the media sites where the user has given a login (``contract/rest.md`` §9)."""

from __future__ import annotations

from pydantic import Field

from neko.app.personal_news import SITES
from neko.web.endpoint import Call, post
from neko.web.schemas import Schema, Success


class DynamicsRequest(Schema):
    limit: int = Field(10, ge=1, le=50)


class DynamicsPost(Schema):
    """``link`` leads to it, "" where it has no address."""

    author: str
    text: str
    link: str


class Dynamics(Schema):
    """``raw`` by site; ``formatted`` is all of it as a text to read; ``failed`` says why a site has told nothing."""

    raw: dict[str, list[DynamicsPost]]
    formatted: str
    platforms: list[str]
    failed: dict[str, str]


class DynamicsAnswer(Success):
    data: Dynamics


@post(
    "/api/personal_dynamics",
    body=DynamicsRequest,
    response=DynamicsAnswer,
    summary="What is new on the sites where the user has a login: Bilibili, Weibo, Reddit",
)
async def personal_dynamics(call: Call[DynamicsRequest]) -> DynamicsAnswer:
    found = await call.neko.personal_news.find(call.body.limit)
    parts = [
        f"{SITES[site].name}:\n" + "\n".join(f"- {one.author}: {one.text}" for one in posts)
        for site, posts in found.posts.items()
        if posts
    ]
    raw = {
        site: [DynamicsPost(author=one.author, text=one.text, link=one.link) for one in posts]
        for site, posts in found.posts.items()
    }
    failed = dict(found.failed)
    data = Dynamics(raw=raw, formatted="\n\n".join(parts), platforms=list(found.posts), failed=failed)
    return DynamicsAnswer(data=data)


ENDPOINTS = (personal_dynamics,)
