"""What may be done without asking: by ability, domain, plug-in and tool."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from neko.types.agent import Policy
from neko.types.hands import HandName
from neko.web.endpoint import Call, get, put
from neko.web.schemas import CleanText, Schema, Success

Key = Annotated[CleanText, Field(min_length=1, max_length=300)]


class PolicyTables(Success):
    """What the user has said. A domain counts for all below it; a tool is named ``ability/place/tool``. What nobody
    spoke of is asked for, but looking."""

    hands: dict[str, Policy]
    domains: dict[str, Policy]
    plugins: dict[str, Policy]
    tools: dict[str, Policy]


class WantedPolicies(Schema):
    """A table that is named takes the place of the one that is there, the others stay."""

    hands: dict[HandName, Policy] | None = None
    domains: dict[Key, Policy] | None = Field(None, max_length=1000)
    plugins: dict[Key, Policy] | None = Field(None, max_length=1000)
    tools: dict[Key, Policy] | None = Field(None, max_length=1000)


@get("/api/agent/policies", response=PolicyTables, summary="What may be done without asking")
async def policies(call: Call) -> PolicyTables:
    return PolicyTables.model_validate(call.neko.agent.policies.all())


@put(
    "/api/agent/policies",
    body=WantedPolicies,
    response=PolicyTables,
    summary="Change what may be done without asking",
    failures={409: "The disk refuses."},
)
async def put_policies(call: Call[WantedPolicies]) -> PolicyTables:
    policies = call.neko.agent.policies
    wanted: dict[str, dict[str, Policy]] = call.body.model_dump(exclude_none=True)
    said = policies.all()
    await policies.put({name: {**dict.fromkeys(said[name]), **table} for name, table in wanted.items()})
    return PolicyTables.model_validate(policies.all())


ENDPOINTS = (policies, put_policies)
