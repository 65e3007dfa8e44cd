"""Turns of a conversation with the pauses that people make inside them, spoken by the best voice there is.

``|0.6|`` in a text is a pause of 0.6 s: after a word that leads on, in a list, while one searches for a word, between
two sentences, after a question that is followed by another. Sound is kept in the folder for temporary files by voice
and text, because a natural voice takes minutes for all of it.
"""

from __future__ import annotations

import asyncio
import hashlib
import re
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from neko.audio.engines.espeak import EspeakEngine
from neko.audio.engines.local_voices import MODELS
from neko.audio.engines.model_voice import ModelVoice
from neko.audio.engines.open_jtalk import open_jtalk
from neko.audio.resample import PcmStream
from neko.audio.speech_pipeline import say
from neko.types.hearing import HEARING_RATE
from neko.types.speech import SpeechEngine, Utterance, VoiceSettings
from tests.spoken import trimmed

if TYPE_CHECKING:
    import numpy as np

ENGLISH = (
    "Hello, how are you today?",
    "Yes, please.",
    "No, not really.",
    "What time is it?",
    "Tell me a story about a fox.",
    "I had a really long day at work.",
    "Can you remind me to call my sister tomorrow?",
    "That is so funny!",
    "My cat knocked over the flowers again this morning.",
    "Good night, sleep well.",
    "I would like |0.5| a cup of tea, please.",
    "I would like some tea and |0.7| a piece of cake.",
    "Yesterday I went to the market, |0.4| and then I met an old friend of mine.",
    "Um, |0.6| I was thinking about what you said.",
    "We need milk, |0.6| eggs, |0.8| and some bread.",
    "I wanted to ask you |0.4| because |0.8| I am not sure what to do.",
    "My favourite colour is, |0.7| let me think, |0.5| probably green.",
    "I don't know. |0.4| Maybe we should try again tomorrow.",
    "I finished the report. |0.5| Now I can finally rest.",
    "Are you there? |0.5| I can't hear you very well.",
    "So, |0.6| tell me about your day.",
    "If it rains tomorrow, |0.5| we will stay at home.",
    "The thing is that |1.0| I forgot her birthday.",
    "Well, |0.4| it was better than I expected.",
    "He lives in |0.6| Boston, I think.",
    "I am going to visit my |0.9| grandmother on Sunday.",
    "How was your weekend?",
    "Not today, thanks.",
    "I think it's going to snow tonight.",
    "Could you turn the lights off in the kitchen?",
    "She told me a secret about |0.6| her brother.",
    "I need to buy a present |0.4| for my dad.",
    "It's cold outside. |0.4| You should take a coat.",
    "What do you think? |0.6| Should I call him?",
    "When I was a child |0.7| we lived near the sea.",
    "I like apples, |0.5| pears, |0.5| and oranges.",
    "My phone number is |0.8| five five five |0.5| one two three four.",
    "Hmm, |0.7| that sounds interesting.",
    "I was tired, |0.5| so I went to bed early.",
    "He said that |0.6| he would be late.",
)
CHINESE = (
    "你好，你今天过得怎么样？",
    "好的。",
    "不用了，谢谢。",
    "现在几点了？",
    "给我讲一个狐狸的故事吧。",
    "我今天上班真的很累。",
    "你能提醒我明天给姐姐打电话吗？",
    "太好笑了！",
    "今天早上我的猫又把花瓶打翻了。",
    "晚安，做个好梦。",
    "我想要|0.5|一杯绿茶。",
    "昨天我去了市场，然后|0.7|遇到了一个老朋友。",
    "那个，|0.6|我在想你刚才说的话。",
    "我们需要牛奶，|0.6|鸡蛋，|0.8|还有面包。",
    "我想问你，|0.4|因为|0.8|我不知道该怎么办。",
    "我不知道。|0.4|也许我们明天再试一次。",
    "报告写完了。|0.5|现在我终于可以休息了。",
    "你在吗？|0.5|我听不太清楚。",
    "如果明天下雨，|0.5|我们就待在家里。",
    "其实我觉得|1.0|他说得有道理。",
    "他住在|0.6|上海。",
    "我周末要去看我的|0.9|奶奶。",
    "你周末过得好吗？",
    "我明天要早起。",
    "帮我放一首歌。",
    "你喜欢什么颜色？",
    "我想跟你说|0.6|一件事。",
    "外面很冷。|0.4|你要多穿一点。",
    "他说他会|0.7|晚一点到。",
    "嗯，|0.7|听起来很有意思。",
    "我小的时候|0.6|住在海边。",
    "我很累，|0.5|所以早早就睡了。",
    "我喜欢苹果，|0.5|梨，|0.5|还有橙子。",
    "我本来打算|0.7|给你写一封信。",
    "那里有三个人，|0.5|一个孩子，|0.5|还有一只鹦鹉。",
    "我还没决定。|0.5|你会怎么做？",
    "你知道吗，|0.7|我以前会弹钢琴。",
    "吃完晚饭以后，|0.6|我们沿着河边散步。",
    "最有意思的是|0.8|灯突然灭了。",
    "不是我不喜欢，|0.5|而是太贵了。",
    "她在一家|0.6|银行工作。",
    "让我想想，|0.8|应该是上个星期五。",
    "我给他打了两次电话。|0.6|他都没有接。",
    "你能告诉我怎么|0.7|去火车站吗？",
    "我们先收拾行李，|0.6|再叫一辆出租车。",
)
JAPANESE = (
    "こんにちは、今日は元気ですか？",
    "はい、お願いします。",
    "いいえ、大丈夫です。",
    "今何時ですか？",
    "きつねの話を聞かせてください。",
    "今日は仕事がとても大変でした。",
    "明日、姉に電話するように言ってくれますか？",
    "それは面白いね！",
    "今朝、猫がまた花瓶を倒しました。",
    "おやすみなさい。",
    "えっと、|0.6|お茶をください。",
    "昨日市場に行って、|0.5|昔の友達に会いました。",
    "あの、|0.7|さっきの話を考えていたんです。",
    "牛乳と、|0.6|卵と、|0.8|それからパンが必要です。",
    "聞きたいことがあるんですけど、|0.8|今いいですか？",
    "わかりません。|0.4|明日もう一度やってみましょう。",
    "レポートが終わりました。|0.5|やっと休めます。",
    "聞こえますか？|0.5|声が少し遠いです。",
    "明日雨が降ったら、|0.5|家にいましょう。",
    "実は、|1.0|彼女の誕生日を忘れていました。",
    "彼は|0.6|大阪に住んでいます。",
    "日曜日に、|0.9|祖母の家に行きます。",
    "週末はどうでしたか？",
    "明日は早く起きます。",
    "音楽をかけて。",
    "好きな色は何ですか？",
    "ちょっと|0.6|話したいことがあります。",
    "外は寒いですよ。|0.4|コートを着てください。",
    "子供の頃は|0.7|海の近くに住んでいました。",
    "うーん、|0.7|面白そうですね。",
    "疲れていたので、|0.5|早く寝ました。",
    "りんごと|0.5|みかんが|0.5|好きです。",
    "彼は遅れると|0.6|言っていました。",
)
_PAUSE = re.compile(r"\|([\d.]+)\|")
_ROOM = 12.0
"""RMS of the noise of the room, of 32768: some -69 dB."""
_VARIANT = "m3"
"""Of espeak-ng: a man."""
_FOLDER = Path(tempfile.gettempdir()) / "neko-spoken-set"


@dataclass(frozen=True, slots=True)
class SpokenTurn:
    """``pieces``: what is said, with the seconds of quiet that follow each; none after the last. ``other_voice``: not
    by the most natural one."""

    language: str
    pieces: tuple[tuple[str, float], ...]
    other_voice: bool = False

    @property
    def text(self) -> str:
        """All of it."""
        return (" " if self.language == "en" else "").join(text for text, _ in self.pieces)


@dataclass(frozen=True, slots=True)
class Recording:
    """PCM16 mono at ``HEARING_RATE``: ``lead_s`` of quiet, the turn until ``end_s``, quiet. ``speech``: from and until
    when each piece is heard, seconds."""

    turn: SpokenTurn
    pcm: bytes
    speech: tuple[tuple[float, float], ...]

    @property
    def begin_s(self) -> float:
        """When it begins."""
        return self.speech[0][0]

    @property
    def end_s(self) -> float:
        """When its last sample is heard."""
        return self.speech[-1][1]


def spoken_set() -> list[SpokenTurn]:
    """All turns."""
    languages = {"en": ENGLISH, "zh": CHINESE, "ja": JAPANESE}
    return [parsed(language, text) for language, texts in languages.items() for text in texts]


def recording(turn: SpokenTurn, *, lead_s: float = 0.8, tail_s: float = 3.0) -> Recording:
    """Speak it, in a room that is not quite silent. Blocks, at the first time for seconds; in no loop."""
    import numpy as np

    sounds: list[np.ndarray] = [np.zeros(round(lead_s * HEARING_RATE), np.float64)]
    speech, at = [], lead_s
    for text, pause_s in turn.pieces:
        voiced = np.frombuffer(_piece(turn, text), "<i2").astype(np.float64)
        sounds += [voiced, np.zeros(round(pause_s * HEARING_RATE))]
        speech.append((at, at + len(voiced) / HEARING_RATE))
        at += (len(voiced) + len(sounds[-1])) / HEARING_RATE
    sounds.append(np.zeros(round(tail_s * HEARING_RATE)))
    whole = np.concatenate(sounds)
    whole += np.random.default_rng(len(whole)).normal(0.0, _ROOM, len(whole))
    return Recording(turn, np.clip(whole, -32768, 32767).astype("<i2").tobytes(), tuple(speech))


def parsed(language: str, text: str, *, other_voice: bool = False) -> SpokenTurn:
    """A turn from its text with pauses."""
    parts = _PAUSE.split(text)
    pauses = [float(pause) for pause in parts[1::2]] + [0.0]
    return SpokenTurn(language, tuple(zip((part.strip() for part in parts[0::2]), pauses, strict=True)), other_voice)


def _piece(turn: SpokenTurn, text: str) -> bytes:
    engine = _other_engine(turn.language) if turn.other_voice else _engine(turn.language)
    voice = _VARIANT if turn.other_voice else ""
    name = hashlib.sha256(f"{engine.capabilities.name} {voice or turn.language} {text}".encode()).hexdigest()[:24]
    path = _FOLDER / f"{name}.pcm"
    if not path.exists():
        sound = asyncio.run(_said(engine, Utterance(text, turn.language, VoiceSettings(voice=voice))))
        converter = PcmStream(48_000, HEARING_RATE)
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(trimmed(converter.process(sound) + converter.flush()))
    return path.read_bytes()


async def _said(engine: SpeechEngine, utterance: Utterance) -> bytes:
    try:
        return await say(engine, utterance)
    finally:
        await engine.aclose()


def _engine(language: str) -> SpeechEngine:
    """The most natural voice that is installed."""
    for make in MODELS:
        model = make()
        if language in model.reads and model.installed():
            return ModelVoice(model)
    return EspeakEngine()


def _other_engine(language: str) -> SpeechEngine:
    if language == "ja" and open_jtalk().installed():
        return ModelVoice(open_jtalk())
    return EspeakEngine()
