"""Names of buttons that do what cannot be taken back, or tell others something, in the languages that pages are in.

Beginnings of words; of languages without spaces between words, pieces of a name. They are for honest pages: a page that
lies about its buttons has nothing of the user's but what it is given, and that is watched where it is typed.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final

from neko.late_patterns import late_pattern
from neko.types.agent import Act

_DESTRUCTIVE: Final = """
pay buy purchas order checkout delet remov eras destroy discard wipe unsubscrib deactivat terminat revok reset
withdraw transfer donat bid confirm agree accept approv authori book reserv rent overwrit uninstall
bezahl zahlungspflichtig kauf bestell lösch entfern kündig bestätig zustimm akzeptier buch reservier überweis spend
verwerf payer paiement achet command supprim efface retir résili valid réserv virement annuler
pagar pago compr pedido elimin borr quitar acept exclu apag encomend aceit anular
paga acquist ordin cancell rimuov conferm accett prenot trasfer
оплат купи заказ удал стереть подтверд соглас принять забронир
"""
_EXFILTRATING: Final = """
send post publish shar submit comment repl tweet invit upload subscrib signup regist apply forward broadcast vote rsvp
absend abschick veröffentlich teil kommentier antwort abonnier hochlad einlad bewerb einreich
envoy publi partag soumett répond abonn inscri télévers postul
enviar envia envie compart coment respond suscrib subir inscrev convid assin
invia pubblic condivid rispond iscriv abbon caric
отправ опубликов подел комментир ответ подпис зарегистр приглас
"""
_DESTRUCTIVE_PIECES: Final = """
支付 付款 购买 購買 下单 下單 结账 結帳 结算 結算 删除 刪除 移除 清空 注销 註銷 取消订 取消訂 退订 退訂
确认 確認 确定 確定 同意 接受 预订 預訂 预约 預約 转账 轉帳 提现 提現 捐
購入 注文 支払 決済 削除 消去 退会 解約 承認 予約 振込 送金 寄付
결제 구매 주문 지불 삭제 제거 탈퇴 해지 확인 동의 수락 예약 송금 이체 기부
"""
_EXFILTRATING_PIECES: Final = """
发送 發送 传送 傳送 发布 發布 發佈 发表 發表 提交 分享 评论 評論 回复 回覆 订阅 訂閱 注册 註冊 上传 上傳
邀请 邀請 投票 申请 申請 转发 轉發 送出
送信 投稿 公開 共有 返信 コメント 登録 申し込 申込 応募 アップロード 招待 シェア 購読
보내기 전송 게시 공유 제출 댓글 답글 구독 가입 업로드 초대 신청 등록
"""
_SEVERAL_WORDS: Final = late_pattern(
    r"\b(check out|close (?:my |your )?account|empty (?:the )?(?:trash|bin)|log out everywhere|"
    r"cancel (?:my |your |the )?(?:\w+ )?(?:subscription|order|booking|reservation|membership|plan|account))\b"
)
_MOST_WORDS_OF_A_LINK: Final = 4
_LONGEST_NAME_OF_A_LINK: Final = 12


def _beginnings(stems: str) -> re.Pattern[str]:
    return late_pattern(rf"\b(?:{'|'.join(sorted(set(stems.split())))})")


def _anywhere(pieces: str) -> re.Pattern[str]:
    return late_pattern("|".join(pieces.split()))


_RULES: Final = (
    (Act.DESTRUCTIVE, _beginnings(_DESTRUCTIVE), _anywhere(_DESTRUCTIVE_PIECES)),
    (Act.EXFILTRATING, _beginnings(_EXFILTRATING), _anywhere(_EXFILTRATING_PIECES)),
)


def act_of_name(words: str, *, link: bool = False) -> Act | None:
    """What a button with these words does, if they say that it is risky. Of a ``link``, which mostly only has such
    words in it, only a short one that begins with them counts."""
    text = " ".join(plain(words).split()).replace("sign up", "signup")
    if link and (len(text.split()) > _MOST_WORDS_OF_A_LINK):
        return None
    if _SEVERAL_WORDS.search(text):
        return Act.DESTRUCTIVE
    for act, stems, pieces in _RULES:
        if stems.match(text) if link else stems.search(text):
            return act
        if pieces.search(text) and (not link or len(text) <= _LONGEST_NAME_OF_A_LINK):
            return act
    return None


def plain(words: str) -> str:
    """In small letters, compatible forms made one, without what is not seen."""
    text = unicodedata.normalize("NFKC", words[:1_000]).casefold()
    return "".join(sign for sign in text if unicodedata.category(sign) not in ("Cf", "Mn") or sign in "\u0301\u0308")
