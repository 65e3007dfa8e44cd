/** The chat page: words first, then the parts, then the conversation. */
import { get } from "./api.js";
import { Appearance } from "./appearance.js";
import { Bar } from "./bar.js";
import { Composer } from "./composer.js";
import { Conversation } from "./conversation.js";
import { byId } from "./element.js";
import { Follow } from "./follow.js";
import { Hands } from "./hands/loader.js";
import { onLanguage, t } from "./i18n.js";
import { Late } from "./late.js";
import { startLayout } from "./layout.js";
import { LogView } from "./log_view.js";
import { toast } from "./notices.js";
import { privacy } from "./privacy.js";
import { lookForRegion } from "./region.js";
import { Settings } from "./settings/loader.js";
import { startShell } from "./shell.js";
import { SpeechOutput } from "./speech_output.js";
import { Stage } from "./stage.js";
import { loadMarkdown } from "./words_view.js";

/**
 * @import { Call } from "./call.js"
 * @import { OffRecord } from "./off_record.js"
 * @import { PageConfig } from "./rest.js"
 * @import { Welcome } from "./welcome.js"
 */

const ASK_AGAIN_MS = 1500;
const BLOCKED_TOAST_MS = 12_000;
const NEAR_TOP_PX = 900;
/** After the start: what may be wanted later is fetched without keeping anything waiting. */
const QUIET_AFTER_MS = 1500;

/** The reader has told the browser to load no more than is needed; Firefox and Safari have no such choice. */
function savesData() {
  const { connection } = /** @type {Navigator & { connection?: { saveData?: boolean } }} */ (navigator);
  return connection?.saveData === true;
}

async function characterOfPage() {
  const { character } = document.documentElement.dataset;
  if (character) return character;
  for (;;) {
    try {
      /** @type {PageConfig} */
      const config = await get("api/config/page_config");
      if (config.lanlan_name) return config.lanlan_name;
    } catch {
      // The server is not there yet.
    }
    await new Promise((resolve) => { setTimeout(resolve, ASK_AGAIN_MS); });
  }
}

function build() {
  const stage = new Stage();
  const follow = new Follow(byId("log", HTMLElement), byId("log-inner", HTMLElement), byId("new-pill", HTMLElement));
  const speech = new SpeechOutput();
  const bar = new Bar(speech, {
    onSearch: () => showSearch(),
    onChats: () => void chats.use((it) => {
      search.now?.close();
      void it.show();
    }),
    onNewChat: () => void beginChat(),
    /** @returns {OffRecord} */
    offRecord: () => conversation.offRecord,
  });
  const log = new LogView({ log: byId("log", HTMLElement), pages: byId("log-pages", HTMLElement), tail: byId("log-tail", HTMLElement), follow });
  const composer = new Composer();
  /** @type {Late<Welcome>} */
  const welcome = new Late(async () => new (await import("./welcome.js")).Welcome({ composer, follow, speech }));
  /** @type {Late<Call>} */
  const call = new Late(async () => (await import("./connected_call.js")).connectedCall({ composer, conversation, follow, speech, attention: bar.attention }));
  const hands = new Hands({ onStopAll: () => {
    if (conversation.busy) conversation.stop();
  } });
  const conversation = new Conversation({ log, speech, stage, bar, composer, follow, call, hands });
  const appearance = new Appearance({ bar, stage });
  const settings = new Settings({ speech, stage, conversation, appearance, call });
  const search = new Late(async () => new (await import("./search.js")).Search({
    jump: (line) => conversation.jump(line), character: () => conversation.character, onClosed: () => composer.focus(),
  }));
  const beginChat = async () => {
    if (!(await conversation.changeChat(null))) return;
    chats.now?.leave();
    composer.focus();
  };
  const chats = new Late(async () => new (await import("./chats.js")).Chats(conversation, { begin: beginChat, onClosed: () => composer.focus() }));
  const showSearch = () => void search.use((it) => {
    chats.now?.close();
    it.show();
  });
  return { search, chats, stage, speech, bar, log, composer, welcome, conversation, settings, appearance, call, hands, showSearch, beginChat };
}

/** @typedef {ReturnType<typeof build>} Parts */

/**
 * Do this with a part, in the order in which it was wanted, as soon as the part is there. Nobody waits for it.
 * @template Part
 * @param {Late<Part>} part
 * @param {(part: Part) => unknown} wish
 */
function soon(part, wish) {
  void part.load().then(wish, (/** @type {unknown} */ error) => console.warn("late part", error));
}

/** @param {Parts} parts */
function startCalls({ call, composer, speech, welcome }) {
  composer.on("call", () => {
    if (call.now?.isOn) {
      call.now.hangUp();
      return;
    }
    speech.unlock();
    soon(welcome, (it) => it.talkBegan());
    void call.use((it) => void it.start());
  });
}

/** @param {Parts} parts */
function connect({ stage, speech, log, composer, welcome, conversation, settings, appearance, call, search, chats, hands }) {
  speech.on("mouth", (mouth) => stage.setMouth(mouth));
  speech.on("speaking", () => conversation.refresh());
  speech.on("first", (id, late) => conversation.transcript.played(id, late));
  speech.on("playback", (id, playedMs, state) => conversation.send({ action: "playback", speech_id: id, played_ms: playedMs, state }));
  speech.on("blocked", () => {
    toast(t("voice.blocked"), { timeMs: BLOCKED_TOAST_MS, action: { label: t("voice.let_speak"), run: () => speech.unlock() } });
  });
  log.on("retry", (entry) => conversation.retry(entry));
  log.on("remove", (entry) => conversation.remove(entry));
  log.on("edit", (entry) => void conversation.editing.begin(entry));
  log.on("picture", (entry, at) => {
    import("./picture_viewer.js").then(({ showPicture }) => showPicture(entry, at), () => toast(t("connection.not_now")));
  });
  log.on("why", (entry) => {
    import("./why.js").then(({ showWhy }) => showWhy(entry, conversation.character), () => toast(t("connection.not_now")));
  });
  log.on("step", (entry, by) => void conversation.versions.step(entry, by));
  composer.on("send", (text, pictures) => {
    speech.unlock();
    soon(welcome, (it) => it.talkBegan());
    call.now?.sharing?.sendNow();
    conversation.sendText(text, pictures);
  });
  composer.on("stop", () => conversation.stop());
  composer.on("typing", (place) => stage.setTyping(place));
  composer.on("problem", (sentence) => toast(sentence));
  conversation.on("ready", () => {
    soon(welcome, (it) => it.consider(conversation));
    void appearance.follow(conversation.character); // it may have changed while nobody told us
  });
  conversation.on("ready", () => void hands.look());
  conversation.on("card", () => void appearance.follow(conversation.character));
  conversation.on("ready", () => setTimeout(() => {
    if (!savesData()) {
      for (const part of [settings, call, search, chats]) part.load().catch(() => null); // tried again when it is wanted
      loadMarkdown().catch(() => null);
    }
    void lookForRegion().then((region) => conversation.send({ action: "ping", neko_region: region }));
  }, QUIET_AFTER_MS));
  conversation.on("model", (model) => soon(welcome, (it) => it.modelChanged(model)));
  conversation.on("chat", () => soon(welcome, (it) => it.leave()));
  conversation.on("switch", (name) => {
    soon(welcome, (it) => it.leave());
    const path = new URL(encodeURIComponent(name), document.baseURI).pathname;
    if (location.pathname !== new URL(document.baseURI).pathname) history.replaceState(null, "", path + location.hash);
    conversation.start(name);
    void appearance.follow(name);
  });
  conversation.on("reload", () => settings.whenClosed(() => location.reload())); // not under the reader's hands; the draft survives
}

/** @param {Parts} parts */
function listenToKeys({ bar, conversation, composer, settings, showSearch, beginChat }) {
  document.addEventListener("keydown", (event) => {
    if (event.key.toLowerCase() !== "k" || !(event.ctrlKey || event.metaKey) || event.shiftKey || event.altKey || settings.open) return;
    event.preventDefault();
    showSearch();
  });
  document.addEventListener("keydown", (event) => {
    if (event.key.toLowerCase() !== "o" || !(event.ctrlKey || event.metaKey) || !event.shiftKey || event.altKey || settings.open) return;
    event.preventDefault();
    void beginChat();
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || event.isComposing || settings.open) return;
    if (bar.menuOpen) bar.closeMenu();
    else if (composer.editing) composer.endEditing();
    else if (conversation.busy) conversation.stop();
  });
  document.addEventListener("keydown", (event) => {
    const nowhere = document.activeElement === document.body || document.activeElement?.id === "log";
    if (nowhere && [...event.key].length === 1 && event.key !== " " && !event.ctrlKey && !event.metaKey && !event.altKey) composer.focus();
  });
  const wide = matchMedia("(hover: hover)").matches;
  if (wide && !location.hash) composer.focus();
}

/**
 * Older lines come before the reader has scrolled up to them.
 * @param {Conversation} conversation
 */
function watchTop(conversation) {
  const log = byId("log", HTMLElement);
  const top = byId("log-top", HTMLElement);
  const climb = async () => {
    if (!conversation.more) return;
    top.classList.add("is-loading");
    await conversation.older();
    top.classList.remove("is-loading");
  };
  new IntersectionObserver((changes) => {
    if (changes.some((change) => change.isIntersecting)) void climb();
  }, { root: log, rootMargin: `${NEAR_TOP_PX}px 0px 0px 0px` }).observe(top);
  log.addEventListener("scroll", () => {
    if (log.scrollTop < NEAR_TOP_PX) void climb();
  }, { passive: true });
}

function label() {
  byId("log", HTMLElement).setAttribute("aria-label", t("talk.log"));
  byId("new-pill", HTMLElement).textContent = t("talk.new");
  byId("talk", HTMLElement).setAttribute("aria-label", t("talk.region"));
}

async function start() {
  const show = await startShell();
  startLayout();
  privacy.begin();
  const parts = build();
  void parts.stage.open();
  connect(parts);
  startCalls(parts);
  onLanguage(label);
  listenToKeys(parts);
  watchTop(parts.conversation);
  show();
  const character = await characterOfPage();
  parts.conversation.start(character);
  parts.welcome.load().catch(() => null); // while the line is made
  void parts.settings.followHash();
}

await start();
