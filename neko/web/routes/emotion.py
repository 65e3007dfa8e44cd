"""The feeling of a reply, judged on this machine."""

from __future__ import annotations

from typing import Literal, get_args

from pydantic import Field

from neko.sessions import emotion as classifier
from neko.tasks import in_thread
from neko.web.endpoint import Call, post
from neko.web.schemas import Schema

Emotion = Literal["happy", "sad", "angry", "neutral", "surprised"]


class EmotionRequest(Schema):
    text: str = Field(max_length=100_000)
    lanlan_name: str | None = None


class EmotionAnswer(Schema):
    emotion: Emotion
    confidence: float


@post(
    "/api/emotion/analysis",
    body=EmotionRequest,
    response=EmotionAnswer,
    summary="The feeling of a text",
    invalid_status=200,
)
async def analysis(call: Call[EmotionRequest]) -> EmotionAnswer:
    feeling = await in_thread(classifier.classify, call.body.text)
    certain = feeling.emotion in get_args(Emotion) and feeling.confidence >= 0.3
    return EmotionAnswer.model_validate(
        {"emotion": feeling.emotion if certain else "neutral", "confidence": feeling.confidence}
    )


ENDPOINTS = (analysis,)
