"""Counters and latencies."""

from __future__ import annotations

from neko.web.endpoint import Call, get
from neko.web.schemas import JsonObject


@get("/api/metrics", response=JsonObject, summary="Counters and latency histograms since the start")
async def metrics(call: Call) -> JsonObject:
    return JsonObject(call.neko.metrics.snapshot())


ENDPOINTS = (metrics,)
