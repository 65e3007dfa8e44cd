"""Counters and latencies."""

from __future__ import annotations

from neko.web.endpoint import Call, get
from neko.web.schemas import Empty, JsonObject


@get("/api/metrics", response_model=JsonObject, summary="Counters and latency histograms since the start")
async def metrics(call: Call[Empty]) -> JsonObject:
    return JsonObject(call.neko.metrics.snapshot())


ENDPOINTS = (metrics,)
