"""Which trouble a provider's words mean.

Servers of one protocol put the same trouble under many statuses and into many words, also with a 200. The words
below are those of OpenAI, Azure, Anthropic, Gemini, Mistral, DeepSeek, DashScope, Zhipu, Moonshot, MiniMax, Groq,
xAI, OpenRouter, Hugging Face, llama.cpp, LM Studio, Ollama, vLLM and the gateways between.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

from neko.errors import (
    ContextTooLongError,
    ModelBadRequestError,
    ModelContentFilteredError,
    ModelError,
    ModelForbiddenError,
    ModelKeyRefusedError,
    ModelLoadingError,
    ModelNotFoundError,
    ModelNotPulledError,
    ModelOutOfCreditError,
    ModelRateLimitedError,
    ModelReplyCutError,
    ModelSchemeError,
    ModelServerError,
    ModelTimeoutError,
    ModelWebPageError,
    ModelWrongPathError,
    NoModelLoadedError,
    ParameterRefusedError,
    PicturesRefusedError,
    ToolsRefusedError,
)
from neko.late_patterns import late_pattern
from neko.providers.error_body import ErrorBody


def _any(*patterns: str) -> re.Pattern[str]:
    return late_pattern("|".join(patterns), re.IGNORECASE)


_CONTEXT = _any(
    r"context[ _-]?(length|window|size|limit|overflow|shift)|maximum (prompt|input|model|sequence) length",
    r"(prompt|input|message|request|conversation)s?( is| are|_is)?[ _]too[ _](long|large|big)|too many (input )?tokens",
    r"reduce the length of|model token limit|input token count|token count.{0,30}exceed|tokens? (limit )?exceed",
    r"exceed.{0,40}(context|maximum.{0,20}(tokens|length)|max length|token limit|max_model_len)|exceed_context",
    r"(prompt|input).{0,20}(length|tokens).{0,30}(exceed|should be|must be|too)|`inputs`.{0,60}tokens",
    r"when context the|tokens to keep from the initial prompt|max_seq_len",
    r"(prompt|input|request|sequence|message).{0,20}(length|tokens|size).{0,20}(greater|larger|longer|more) than",
    r"上下文.{0,8}(超|过长|溢出|长度)|(输入|提示词?|内容|prompt|input).{0,6}(过长|超长|超限|超出.{0,6}长度)",
)
_LIMITS = (
    r"(?:greater|larger|longer|more) than\D{0,60}?(\d[\d,]*)",
    r"(?:context|prompt|model|input|sequence|max\w*)[ _](?:length|window|size|len)(?: is| of| limit)*(?: only)?"
    r"\D{0,12}?(\d[\d,]*)",
    r"limit(?: is| of|:)?\s*(\d[\d,]*)",
    r"(?:>|<=|less than|cannot exceed|at most|allowed \(|with)\s*(\d[\d,]*)",
    r"\[1,\s*(\d[\d,]*)\]",
)
_REPLY_TOO_LONG = _any(r"max(_completion|_output|_new)?_tokens\W.{0,60}too (large|big|high)")
_PICTURES = _any(r"\bimages?\b|image_url|\bpictures?\b|\bvision\b|multi-?modal|mmproj|modalit(y|ies)|图片|图像|多模态")
_STRING_ONLY = _any(
    r"content.{0,60}(must|should|expected|valid|type).{0,40}str(ing)?\b|expected (a |type )?`?str(ing)?`?\b",
    r"(unmarshal|deserialize).{0,60}(array|content)|invalid type: sequence|unknown variant",
)
_AT_CONTENT = _any(r"\bmessages?[\w.\[\]'\" ]{0,20}\bcontent\b")
_STREAM = _any(
    r"\bstream(ing|ed)?\b.{0,60}(\bnot?\b|n.t\b|\bun\w+|disabled|verified)|不支持.{0,6}流式|流式.{0,10}不(支持|可用)",
    r"(\bnot?\b|n.t\b|\bun\w+|without|disabled|verified).{0,40}\bstream(ing|ed)?\b",
)
_REQUIRED: Final = (
    r"(required|missing|mandatory|must be (specified|provided|set|given|present)|should be (specified|provided|set)"
    r"|(must|needs? to|please|should) (specify|provide|set|include|send|pass)|缺少|必填|必须|不能为空)"
)
_TOOLS = _any(r"\btools?\b|tool_|function[ _.-]?call")
_BILLING = _any(
    r"insufficient[_ -](user[_ ])?(quota|balance|funds?|credits?)|\bbilling\b|arrear|good standing|payment required",
    r"(out of|not enough|no|more|exhausted|add|purchase|buy|all available|low on) credits?\b(?! (was|were|have|will))",
    r"credits? (balance|exhausted|depleted)|monthly included credits",
    r"exceeded_current_quota|spending limit|balance (is )?(too low|insufficient|not enough)",
    r"account.{0,30}(suspended|overdue|deactivated)|欠费|余额|充值|额度.{0,6}(不足|用尽|用完|耗尽)|(点数|积分).{0,4}不足|资源包",
)
_LOADING = _any(
    r"\b(loading|starting)( the)? model|model.{0,80}\b(is|still|currently)( \w+)? (loading|starting|warming)",
    r"\bmodel loading\b|model.{0,80}\bbeing (loaded|started)|not (yet loaded|loaded yet)",
    r"(engine|server|model|worker|upstream)( \w+)? (is )?(starting|warming|initiali[sz]ing|not (yet )?ready)",
    r"warming up|模型.{0,6}(加载|启动)中|正在(加载|启动).{0,6}模型",
)
_RATE = _any(
    r"rate.?limit|too many requests|overloaded|throttl|too frequent|concurren(t|cy)|per minute|slow down",
    r"\b[RT]PM\b|频率|频繁|限流|并发|请求过多|请求数|繁忙|稍后再试",
)
_FILTER = _any(
    r"content[ _-]?(filter|policy|management|moderation)|responsible ?ai|safety|data_?inspection|inappropriate",
    r"moderation|\bflagged\b|prohibited|usage polic|sensitive (content|words?)|new_sensitive|recitation|block_?reason",
    r"content exists? risk|\brisky? (content|input|prompt)|risk control|风险|风控",
    r"violat.{0,40}(polic|terms|guideline)|polic(y|ies).{0,20}violat|敏感|违规|审核|不安全",
)
_FLAGGED = _any(
    r"requires moderation|(input|prompt|content|request|message|output|response)s?\b.{0,20}\bflagged|content_filter"
)
_NOT_PULLED = _any(r"try pulling it|ollama pull|pull the model")
_NOT_LOADED = _any(
    r"no models? (is |are |has been |have been )?(currently )?loaded|models? (is |are )?not (currently )?loaded",
    r"please load a model|load a model first|未加载.{0,4}模型|模型.{0,4}未加载",
)
_NO_MODEL = _any(
    r"model_?not_?found|model.{0,80}(not[ _]found|does ?n.t exist|not[ _]exist|not supported|unavailable|no longer)",
    r"(unknown|invalid|no such|unsupported|nonexistent)[ _](model|deployment)\b",
    r"deployment.{0,60}(not[ _]?found|not exist)|not a valid model|no endpoints found for|模型.{0,40}(不存在|未找到)",
)
_NO_CHANNEL = _any(r"no (available )?(channel|endpoint|provider)s?.{0,20}(for|found).{0,20}model|无可用渠道")
_KEY = _any(
    r"\b(invalid|incorrect|wrong|missing|no|bad|expired|unknown|malformed|revoked|disabled|provide|need)\b.{0,30}"
    r"(api[ _-]?(key|secret)|access[ _-]?key|credentials?\b|auth(entication|orization)?\b|access token)",
    r"api[ _-]?key.{0,30}(invalid|not valid|expired|missing|required|incorrect|wrong|无效|错误|不存在)",
    r"invalid_(api_)?key|(invalid|expired) token|unauthori[sz]ed|authenticat|not logged|login fail|permission_?denied",
    r"令牌|密钥|鉴权|未授权|身份验证|认证失败|登录",
)
_NOTHING_HERE = _any(
    r"\bnot[ _]found\b|cannot (post|get)|invalid url|no (such )?route|unknown (request )?(url|path|endpoint)",
    r"unexpected endpoint|method not allowed|no handler|not (a valid|an) (path|endpoint)|请求路径",
)
_NO_SUCH_PATH = _any(r"unexpected endpoint|cannot (post|get) |no (such )?route|unknown (request )?(url|path|endpoint)")
_TOO_LITTLE_MEMORY = _any(
    r"(more|insufficient|not enough|out of) (system |gpu |video |available )?(memory|vram)|failed to allocate",
    r"model.{0,40}too (large|big) (for|to fit)|cuda.{0,20}out of memory|内存不足|显存不足",
)
_PLAIN_TO_TLS = _any(r"http request (was sent )?to (an )?https|plain http|speaking plain http")
_ROLES = _any(r"roles? must alternate|roles? should alternate|after the optional system message|alternate user")
_SYSTEM = _any(
    r"system.{0,20}(role|message|prompt|instruction)s?.{0,30}(not|n.t|un)[ -]?(support|allow|enabl|permit)",
    r"(developer|system) instruction is not enabled|only user,? ?(and|assistant).{0,40}roles? are supported",
    r"role.{0,60}(permitted|expected|allowed|must be|one of|should be)\W{0,6}user\W{1,12}(or |and )?\W{0,2}assistant\b",
    r"(不支持|不允许|不能).{0,12}(system|系统)|(system|系统).{0,12}(不支持|不允许|无效|非法)",
    r"support.{0,20}system (role|message)|role.{0,30}['\"`]?(system|developer)['\"`]?|system['\"`] (is|does) not",
)
_EMPTY = _any(
    r"content.{0,60}(empty|null|none|nil|blank|required|got null|must be a string)|(empty|null|missing).{0,20}content",
    r"messages?.{0,40}(must|may|can|should) ?not be (empty|null|blank)|消息.{0,10}(不能)?为空",
)
_OWN_FIELDS: Final = frozenset(("reasoning_content", "extra_content"))
"""Fields of messages and their tool calls that only those servers want back that have sent them."""
_UNKNOWN_FIELD = _any(
    r"unsupported|unexpected|unrecogni[sz]ed|unknown|not supported|not permitted|not allowed|extra inputs"
)
NEUTRAL: Final[Mapping[str, Any]] = {
    **dict.fromkeys(("max_tokens", "max_completion_tokens", "max_new_tokens"), 2048),
    "top_p": 1.0,
    "n": 1,
    "frequency_penalty": 0.0,
    "presence_penalty": 0.0,
    "user": "user",
}
"""What is only sent where a server insists on it, and the value that changes least."""
_NO_PARAMETERS: Final = frozenset(("model", "messages"))
_ALWAYS_OWN_CAUSE: Final = (401, 402, 403, 408, 429)


@dataclass(frozen=True)
class Refusal:
    """An answer that is no reply: its HTTP status (None inside a good one), its words and what had been asked.

    ``request`` is the body that was sent, empty when there was none. ``hint``: seconds that a header asks to wait.
    """

    status: int | None
    body: ErrorBody
    request: Mapping[str, Any]
    model: str
    hint: float | None = None

    @cached_property
    def code(self) -> int:
        """The status that counts: an answer that failed by HTTP has its own, a good one what it names inside."""
        if self.status is not None and self.status >= 400:
            return self.status
        return self.body.status or 0

    @cached_property
    def may_be_about_request(self) -> bool:
        return self.code not in _ALWAYS_OWN_CAUSE

    def has(self, pattern: re.Pattern[str]) -> bool:
        return pattern.search(self.body.words) is not None

    @cached_property
    def blamed(self) -> str:
        """The part of the request that the answer blames by its form, "" for none. See ``ParameterRefusedError``."""
        if self.has(_ROLES):
            return "roles"
        if self.has(_SYSTEM) or (self._is_at_role and _has_system(self.request)):
            return "system"
        if any(name in self.body.words for name in _OWN_FIELDS & _fields(self._messages)):
            return "fields"
        if self.has(_EMPTY) and not all(message.get("content") for message in self._messages):
            return "empty"
        if self.body.parameter in self._sent:
            return self.body.parameter
        if "tool_choice" in self.request and "tool_choice" in self.body.words:
            return "tool_choice"
        is_refusal = 400 <= self.code < 500 or self.code == 501
        return "stream" if is_refusal and self.request.get("stream") and self.has(_STREAM) else ""

    @cached_property
    def needed(self) -> str:
        """The field that the answer insists on and that was not sent, "" for none."""
        if self.code >= 500:
            return ""
        for name in NEUTRAL.keys() - self.request.keys():
            if re.search(rf"\b{name}\b\W.{{0,40}}{_REQUIRED}|{_REQUIRED}.{{0,40}}\b{name}\b", self.body.words, re.I):
                return name
        return ""

    @cached_property
    def parameter(self) -> str:
        """The part of the request that is refused: the one blamed, else the first that the words name."""
        if self.blamed:
            return self.blamed
        if self.code >= 500 and self.code != 501 and not self.has(_UNKNOWN_FIELD):
            return ""
        return next((name for name in self._sent if re.search(rf"\b{re.escape(name)}\b", self.body.words)), "")

    @property
    def _is_at_role(self) -> bool:
        """Whether the role of a message is blamed by its place."""
        return re.search(r"(^|[.\]])role$", self.body.parameter) is not None

    @property
    def _messages(self) -> Sequence[Mapping[str, Any]]:
        return self.request.get("messages") or ()

    @property
    def _sent(self) -> list[str]:
        return [name for name in self.request if name not in _NO_PARAMETERS]


def error_for(refusal: Refusal) -> ModelError:
    """The error of the tree for an answer; without names and the provider's sentence yet."""
    kind = _about_the_request(refusal) or _by_words(refusal) or ModelServerError
    error = kind(f"status {refusal.status}" if refusal.status else "inside a good answer")
    if isinstance(error, ContextTooLongError):
        error.limit = refusal.body.context or _limit(refusal.body.words)
    elif isinstance(error, ParameterRefusedError):
        error.parameter = refusal.blamed or refusal.needed or refusal.parameter
        error.is_missing = error.parameter == refusal.needed
    elif isinstance(error, ModelSchemeError):
        error.params["scheme"] = "https"
    elif isinstance(error, ModelRateLimitedError | ModelLoadingError | ModelServerError):
        error.params.update(_waiting(refusal))
    elif isinstance(error, ModelTimeoutError):
        error.params["seconds"] = 0
    return error


def _about_the_request(refusal: Refusal) -> type[ModelError] | None:
    """What would be answered if it were asked otherwise."""
    has, request = refusal.has, refusal.request
    if refusal.body.is_page and refusal.code != 413:
        return None
    if refusal.may_be_about_request and has(_REPLY_TOO_LONG) and refusal.parameter:
        return ParameterRefusedError
    if has(_CONTEXT) and refusal.code not in (401, 402, 403):
        return ContextTooLongError
    if not refusal.may_be_about_request:
        return None
    is_content = has(_STRING_ONLY) or (has(_AT_CONTENT) and not has(_FILTER))
    if _has_pictures(request) and (has(_PICTURES) or is_content or refusal.code == 413):
        return PicturesRefusedError
    if refusal.code == 413:
        return ContextTooLongError
    if refusal.blamed not in ("", "tools"):
        return ParameterRefusedError
    if "tools" in request and has(_TOOLS):
        return ToolsRefusedError
    return ParameterRefusedError if request and refusal.needed else None


def _by_words(refusal: Refusal) -> type[ModelError] | None:
    has, code = refusal.has, refusal.code
    if code in (0, 400, 403, 422) and has(_FLAGGED):
        return ModelContentFilteredError
    if code == 402 or (code < 500 and has(_BILLING) and not _is_passing_quota(refusal)):
        return ModelOutOfCreditError
    if has(_PLAIN_TO_TLS) and 400 <= code < 500:
        return ModelSchemeError
    if has(_LOADING) and not refusal.body.is_page:
        return ModelLoadingError
    if has(_NOT_LOADED) and code != 401:
        return NoModelLoadedError
    if has(_TOO_LITTLE_MEMORY) and code not in (401, 403, 429):
        return ModelBadRequestError
    if code == 429 or (code in (0, 500) and has(_RATE)):
        return ModelRateLimitedError
    if has(_NO_CHANNEL):
        return ModelNotFoundError
    if code in (502, 503, 504) or code > 505:
        return ModelServerError
    if refusal.body.is_page:
        return _of_page(code)
    if code != 401:
        if has(_NOT_PULLED):
            return ModelNotPulledError
        if (
            has(_NO_MODEL)
            or (code == 404 and _names_model(refusal))
            or (code == 404 and refusal.body.said and not has(_NOTHING_HERE))
        ):
            return ModelNotFoundError
        if has(_FILTER) and code != 404:
            return ModelContentFilteredError
    return _by_status(refusal)


def _of_page(code: int) -> type[ModelError]:
    if code in (404, 405, 410):
        return ModelWrongPathError
    return ModelServerError if code >= 500 else ModelWebPageError


def _by_status(refusal: Refusal) -> type[ModelError] | None:
    has, code = refusal.has, refusal.code
    if code == 401 or (code in (0, 400, 403) and has(_KEY)):
        return ModelKeyRefusedError
    if code == 403:
        return ModelForbiddenError if " " in refusal.body.said else ModelKeyRefusedError
    if code in (404, 405) or (code == 0 and has(_NO_SUCH_PATH)):
        return ModelWrongPathError
    if code == 408:
        return ModelTimeoutError
    if refusal.parameter:
        return ParameterRefusedError
    return ModelBadRequestError if 400 <= code < 500 else None


_LONGEST_WAIT_S = 365 * 24 * 3600.0
"""What is longer is told in the same words."""


def _is_passing_quota(refusal: Refusal) -> bool:
    """Google calls its limits by the minute a quota too, and says when to try again."""
    return refusal.code == 429 and _wait_s(refusal) is not None and "insufficient_quota" not in refusal.body.words


def _wait_s(refusal: Refusal) -> float | None:
    seconds = refusal.hint if refusal.hint is not None else refusal.body.wait_s
    return None if seconds is None else min(seconds, _LONGEST_WAIT_S)


def _waiting(refusal: Refusal) -> dict[str, int | float]:
    seconds = _wait_s(refusal)
    if seconds is None:
        return {}
    return {"seconds": round(seconds, 1), "minutes": round(seconds / 60), "hours": round(seconds / 3600)}


def _names_model(refusal: Refusal) -> bool:
    return bool(refusal.model) and refusal.model.lower() in refusal.body.words.lower()


def _fields(messages: Sequence[Mapping[str, Any]]) -> set[str]:
    """The names in messages and their tool calls."""
    calls = [call for message in messages for call in message.get("tool_calls") or ()]
    return {name for holder in (*messages, *calls) for name in holder}


def _has_pictures(request: Mapping[str, Any]) -> bool:
    messages = request.get("messages") or ()
    return any(isinstance(message.get("content"), list) for message in messages)


def _has_system(request: Mapping[str, Any]) -> bool:
    return any(message.get("role") == "system" for message in request.get("messages") or ())


def _limit(words: str) -> int | None:
    """The most tokens that the model takes, as the words have it."""
    for pattern in _LIMITS:
        for match in re.finditer(pattern, words, re.IGNORECASE):
            number = int(match[1].replace(",", ""))
            if number >= 256:
                return number
    return None


_CUT = _any(r"(model_|max_)?length|max_(output_)?tokens|token_limit")
_FILTERED = _any(
    r"content_filter(ed)?|(image_)?safety|recitation|blocklist|prohibited_content|spii|sensitive|refusal|language"
    r"|guardrail_intervened"
)
_FAILED = _any(r"error|failed|network_error|insufficient_system_resource|malformed_function_call|abort|other")


_CAPITAL = late_pattern(r"(?<=[a-z])(?=[A-Z])")
_FINISH = late_pattern(r"\W*(?:finish_?reason\W*_?)?(\w*)", re.IGNORECASE)


def finish_error(reason: str) -> type[ModelError] | None:
    """What a ``finish_reason`` says went wrong, None for a proper end (and for one that nobody knows). Its first word
    counts, however it is written: "content_filter: SAFETY", "contentFilter", "FinishReason.SAFETY"."""
    found = _FINISH.match(_CAPITAL.sub("_", reason).replace("-", "_"))
    word = found[1] if found else ""
    if _CUT.fullmatch(word):
        return ModelReplyCutError
    if _FILTERED.fullmatch(word):
        return ModelContentFilteredError
    return ModelServerError if _FAILED.fullmatch(word) else None
