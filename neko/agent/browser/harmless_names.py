"""Names of buttons that look on, open or close a part of a page, or are rid of a notice about cookies, in the languages
that pages are in.

A name counts when it is made of nothing but these words. What else a button may say, in whatever language, is for the
user to see before it is pressed (``risk``). What goes on to something ("Continue", "OK") is none of them.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

from neko.agent.browser.risky_names import plain

_LOOKING: Final = """
search find next previous prev back forward close dismiss menu navigation show hide view expand collapse fold unfold
more less load see all none full details detail description overview summary info information help about top bottom
up down left right first last older newer page pages result results list grid map photos photo images image pictures
picture gallery reviews filter filters sort by options skip not now later maybe home refresh reload play pause mute
unmute zoom in out fullscreen screen scroll to the of this tab tabs panel sidebar dialog window popup banner main
content previous slide toggle dark light mode theme print preview download suche suchen finden nächste nächster
nächstes nächsten vorherige vorheriger vorheriges zurück vor vorwärts schließen menü navigation anzeigen ausblenden
einblenden ansehen mehr weniger laden alle alles details übersicht hilfe oben unten seite seiten ergebnis ergebnisse
liste karte bilder bild fotos galerie bewertungen filter filtern sortieren sortierung überspringen nicht jetzt
später startseite aktualisieren abspielen pause vollbild vergrößern verkleinern nach herunterladen der die das den
rechercher chercher recherche trouver suivant suivante précédent précédente retour fermer menu afficher masquer voir
plus moins charger tout tous toutes détails détail aide haut bas page pages résultat résultats liste carte images
photos galerie filtrer filtres trier passer ignorer pas maintenant tard accueil actualiser lire pause télécharger
agrandir réduire la le les de en au buscar búsqueda encontrar siguiente siguientes anterior anteriores atrás volver
cerrar menú mostrar ocultar ver más menos cargar todo todos todas detalles detalle ayuda arriba abajo página páginas
resultado resultados lista mapa imágenes fotos galería filtrar filtros ordenar saltar omitir ahora no luego inicio
actualizar reproducir pausa descargar ampliar el los las pesquisar pesquisa procurar próximo próxima seguinte voltar
fechar mostrar esconder mais menos carregar tudo detalhes ajuda topo resultados filtros filtrar ordenar pular agora
não depois início atualizar reproduzir pausar baixar ampliar imagens galeria o os as cerca ricerca trova successivo
successiva precedente precedenti indietro avanti chiudi menù mostra nascondi vedi visualizza altro più meno tutto
tutti tutte dettagli aiuto su giù pagina pagine risultati lista mappa immagini foto galleria filtra filtri ordina
salta adesso ora dopo aggiorna riproduci pausa scarica ingrandisci riduci il lo gli della поиск найти искать
следующая следующий следующее предыдущая предыдущий предыдущее назад вперёд вперед закрыть меню показать скрыть ещё
еще больше меньше загрузить все всё подробнее подробности описание помощь справка вверх вниз наверх страница
страницы результаты список карта фото галерея отзывы фильтр фильтры сортировка пропустить не сейчас позже главная
обновить воспроизвести пауза скачать увеличить уменьшить развернуть свернуть 搜索 搜尋 查找 查詢 查询 下一页 下一頁
下页 上一页 上一頁 上页 下一张 上一张 下一個 上一個 下一个 上一个 返回 后退 前进 关闭 關閉 菜单 選單 菜單 导航 显示
顯示 隐藏 隱藏 展开 展開 收起 折叠 摺疊 更多 查看更多 显示更多 顯示更多 加载更多 載入更多 查看 查看全部 详情 詳情
查看详情 查看詳情 详细信息 詳細資訊 帮助 幫助 首页 首頁 末页 回到顶部 返回顶部 回到頂部 筛选 篩選 排序 跳过 跳過
稍后 稍後 以后再说 暂不 刷新 重新整理 播放 暂停 暫停 静音 靜音 全屏 全螢幕 放大 缩小 縮小 下载 下載 图片 圖片 地图
地圖 列表 検索 検索する さがす 探す 次へ 次 次のページ 次のページへ 前へ 前 前のページ 前のページへ 戻る 閉じる
メニュー 表示 表示する 非表示 隠す もっと見る もっと さらに表示 さらに読み込む すべて見る すべて表示 開く 折りたたむ
詳細 詳細を見る 詳しく見る ヘルプ トップへ戻る ページトップへ 最初 最後 最初へ 最後へ 絞り込み 並べ替え スキップ
あとで 後で 今はしない ホーム 更新表示 再生 一時停止 全画面 拡大 縮小 ダウンロード 画像 地図 一覧 フィルター 結果
검색 검색하기 찾기 다음 다음페이지 이전 이전페이지 페이지 뒤로 앞으로 닫기 메뉴 보기 표시 숨기기 더보기 더 모두
모두보기 전체보기 전체 펼치기 접기 상세 상세보기 자세히 세부정보 도움말 맨 위로 처음 마지막 필터 정렬 건너뛰기
나중에 홈 새로고침 재생 일시정지 음소거 전체화면 확대 축소 다운로드 이미지 사진 지도 목록 결과
"""
_COOKIES: Final = """
cookie cookies クッキー 쿠키 쿠키를
"""
_OF_COOKIES: Final = """
accept reject decline refuse deny allow use only necessary essential required optional and non all no settings
preferences akzeptieren ablehnen annehmen erlauben zulassen nur notwendige erforderliche alle keine einstellungen
und accepter refuser autoriser tous tout les nécessaires essentiels uniquement paramètres sans aceptar rechazar
permitir todas solo necesarias esenciales las configuración aceitar rejeitar recusar permitir todos apenas
necessários essenciais os accetta accettare rifiuta rifiutare consenti tutti solo necessari essenziali i принять
отклонить разрешить все только необходимые файлы 接受 拒绝 拒絕 允许 允許 接受所有 接受全部 全部接受 拒绝所有
拒绝全部 全部拒绝 仅必要 僅必要 同意 同意する 許可 許可する 拒否 拒否する を許可 を拒否 すべて 必須のみ 수락 허용
거부 동의 모두 필수 모든 만
"""
_WHOLE_WITH_COOKIES: Final = """
接受cookie 接受cookies 接受所有cookie 接受所有cookies 接受全部cookie 拒绝cookie 拒绝所有cookie 拒絕cookie
拒絕所有cookie 允许cookie 允許cookie 仅必要cookie 僅必要cookie クッキーを許可 クッキーを許可する クッキーを拒否
クッキーを拒否する クッキーに同意 クッキーに同意する cookieを許可 cookieを許可する cookieを拒否 cookieを拒否する
すべてのcookieを許可 すべてのcookieを許可する すべてのcookieを受け入れる すべてのcookieを拒否
すべてのcookieを拒否する cookieに同意する すべてのクッキーを許可 すべてのクッキーを拒否 쿠키수락 쿠키거부 쿠키허용
"""
_IN_COOKIE_NOTICES: Final = """
accept agree agreed ok okay got it understood continue proceed without accepting i my choices choice save selection
manage customize customise consent zustimmen zustimmung einverstanden verstanden ok weiter fortfahren auswahl speichern
bestätigen einwilligen ohne accepter accepte continuer compris refuser d'accord j'accepte enregistrer choix mes aceptar
acepto entendido continuar rechazar guardar aceitar entendi concordo salvar ok accetta accetto capito continua salva
rifiuta согласен согласиться понятно хорошо продолжить 知道了 我知道了 我同意 好的 好 确定 確定
继续 繼續 全部同意 同意并继续 同意全部 了解 了解しました 承諾 同意して続ける すべて同意 すべて同意する すべて許可
すべて拒否 すべて受け入れる すべて拒否する 受け入れる 続ける 확인 모두수락 모두거부 동의함 동의합니다 계속
"""
_FILTERS: Final = """
filter filters sort sorting facets filtern filterung sortierung sortieren filtre filtres tri filtro filtros orden filtri
ordinamento фильтр фильтры сортировка 筛选 篩選 排序 フィルター 絞り込み 並べ替え 필터 정렬
"""
_OF_FILTERS: Final = """
apply reset clear remove set order done all anwenden zurücksetzen löschen entfernen alle appliquer réinitialiser effacer
supprimer aplicar restablecer borrar limpiar quitar todos limpar redefinir applica reimposta cancella применить сбросить
очистить 应用 應用 重置 重設 清除 適用 適用する 解除 クリア 리셋 초기화 적용
"""
_ICONS: Final = frozenset("×✕✖‹›«»<>→←◀▶▸▾◂…⋯⋮☰≡🔍🔎⌕")
_SIGNS: Final = _ICONS | frozenset(".,:;!?()[]/|-–—·•'’\"&")
_WORD: Final = re.compile(r"\w+")
_LONGEST: Final = 200


def is_harmless(words: str) -> bool:
    """Does a button with these words say that it does nothing but that?"""
    text = " ".join(plain(words).split())
    said = {word for word in _WORD.findall(text) if not (word.isdecimal() and word.isascii())}
    signs = set(_WORD.sub("", text)) - {" "}
    if len(text) > _LONGEST or not text or not signs <= (_SIGNS if _WORD.search(text) else _ICONS):
        return False
    known = _known(_LOOKING)
    if cookies := said & _known(_COOKIES + _WHOLE_WITH_COOKIES):
        return said <= known | cookies | _known(_OF_COOKIES)
    if filters := said & _known(_FILTERS):
        return said <= known | filters | _known(_OF_FILTERS)
    return said <= known


def is_rid_of_cookies(words: str) -> bool:
    """Is a button with these words, in a notice about cookies, only rid of that?"""
    said = set(_WORD.findall(" ".join(plain(words).split())))
    known = _known(_LOOKING) | _known(_COOKIES + _WHOLE_WITH_COOKIES) | _known(_OF_COOKIES)
    return bool(said) and len(words) <= _LONGEST and said <= known | _known(_IN_COOKIE_NOTICES)


@lru_cache(8)
def _known(words: str) -> frozenset[str]:
    return frozenset(word for name in words.split() for word in _WORD.findall(plain(name)))
