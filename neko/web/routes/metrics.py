"""What Neko has measured and counted."""

from __future__ import annotations

from neko.web.endpoint import Call, get
from neko.web.schemas import JsonObject


@get("/api/metrics", response=JsonObject, summary="Latency histograms and what each part counts, since the start")
async def metrics(call: Call) -> JsonObject:
    return JsonObject(call.neko.metrics.snapshot())


ENDPOINTS = (metrics,)
