"""Counters and latencies."""

from __future__ import annotations

from neko.web.endpoint import Call, get
from neko.web.shapes import JsonObject, Nothing


@get("/api/metrics", answer=JsonObject, summary="Counters and latency histograms since the start")
async def metrics(call: Call[Nothing]) -> JsonObject:
    return JsonObject(call.services.metrics.snapshot())


ENDPOINTS = (metrics,)
