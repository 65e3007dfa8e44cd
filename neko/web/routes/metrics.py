"""What Neko has measured and counted."""

from __future__ import annotations

from neko.web.endpoint import Call, get
from neko.web.schemas import Empty, JsonObject


@get("/api/metrics", response_model=JsonObject, summary="Latency histograms and what each part counts, since the start")
async def metrics(call: Call[Empty]) -> JsonObject:
    return JsonObject(call.services.metrics.snapshot())


ENDPOINTS = (metrics,)
