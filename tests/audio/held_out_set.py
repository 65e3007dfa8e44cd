"""Turns like those of ``spoken_set``, in other words and partly by other voices, on which nothing was ever tuned."""

from __future__ import annotations

from tests.audio.spoken_set import SpokenTurn, parsed

ENGLISH = (
    "Do you want to play a game with me?",
    "I can't find my keys anywhere.",
    "Sounds good to me.",
    "The train was late again this evening.",
    "Who wrote that song you like so much?",
    "Wake me up at seven, please.",
    "You always know how to cheer me up.",
    "My neighbour has a new dog.",
    "I was going to |0.7| write you a letter.",
    "There were three people, |0.5| a child, |0.5| and a parrot.",
    "I haven't decided yet. |0.5| What would you do?",
    "You know, |0.7| I used to play the piano.",
    "After we had dinner, |0.6| we walked along the river.",
    "The best part was when |0.8| the lights went out.",
    "It's not that I don't like it, |0.5| but it is too expensive.",
    "She works for a |0.6| bank in London.",
    "Let me see, |0.8| it must have been last Friday.",
    "I called him twice. |0.6| He never answered.",
    "Can you tell me how to |0.7| get to the station?",
    "First we pack the bags, |0.6| then we call a taxi.",
)
CHINESE = (
    "你想不想跟我玩一个游戏？",
    "我到处都找不到钥匙。",
    "听起来不错。",
    "今天晚上的火车又晚点了。",
    "那首歌是谁写的？",
    "请明天七点叫我起床。",
    "你总是能让我开心起来。",
    "我的邻居养了一只小狗。",
    "我想在周末|0.7|去山上走一走。",
    "她每天早上都会|0.6|跑五公里。",
    "冰箱里有豆腐，|0.5|青菜，|0.6|还有半只鸡。",
    "这件事太复杂了。|0.5|我们以后再说吧。",
    "说实话，|0.7|我有一点紧张。",
    "等雨停了以后，|0.6|我们就出发。",
    "我最怕的就是|0.8|一个人在家。",
    "虽然很贵，|0.5|但是我很喜欢。",
    "他们搬到了|0.6|一个小城市。",
    "嗯，|0.8|让我再考虑一下。",
    "我敲了门。|0.6|里面没有人。",
    "可不可以帮我|0.7|拿一下书包？",
)
JAPANESE = (
    "一緒にゲームをしませんか？",
    "鍵がどこにも見つかりません。",
    "いいと思います。",
    "今夜も電車が遅れました。",
    "あの歌は誰が書いたのですか？",
    "明日七時に起こしてください。",
    "あなたと話すと元気になります。",
    "隣の人が犬を飼い始めました。",
    "あなたに手紙を|0.7|書こうと思っていました。",
    "三人いました。|0.5|子供と、|0.5|お母さんと、お父さんです。",
    "まだ決めていません。|0.5|あなたならどうしますか？",
    "そういえば、|0.7|昔ピアノを弾いていました。",
    "晩ご飯を食べてから、|0.6|川沿いを歩きました。",
    "一番面白かったのは、|0.8|電気が消えた時です。",
    "嫌いではないのですが、|0.5|少し高すぎます。",
    "彼女は東京の|0.6|銀行で働いています。",
    "ええと、|0.8|先週の金曜日だったと思います。",
    "二回電話しました。|0.6|でも出ませんでした。",
    "駅まで|0.7|どうやって行けばいいですか？",
    "まず荷物をまとめて、|0.6|それからタクシーを呼びます。",
)


def held_out_set() -> list[SpokenTurn]:
    """All turns; every second one by another voice than the most natural there is."""
    languages = {"en": ENGLISH, "zh": CHINESE, "ja": JAPANESE}
    return [
        parsed(language, text, other_voice=number % 2 == 1)
        for language, texts in languages.items()
        for number, text in enumerate(texts)
    ]
