/** Puts the page together: words first, then the parts, then the conversation. */
import "./theme.js";
import { Bar } from "./bar.js";
import { Composer } from "./composer.js";
import { Conversation } from "./conversation.js";
import { Follow } from "./follow.js";
import { get } from "./api.js";
import { onLanguage, setLanguage, startLanguage, t } from "./i18n.js";
import { startLayout } from "./layout.js";
import { LogView } from "./log_view.js";
import { toast } from "./notices.js";
import { SettingsDialog } from "./settings/dialog.js";
import { Speech } from "./speech.js";
import { Stage } from "./stage.js";
import { Welcome } from "./welcome.js";

const byId = (id) => document.getElementById(id);

async function characterOfPage() {
  const named = document.documentElement.dataset.character;
  if (named) return named;
  for (;;) {
    const found = await get("api/config/page_config").catch(() => null);
    if (found?.lanlan_name) return found.lanlan_name;
    await new Promise((resolve) => { setTimeout(resolve, 1500); });
  }
}

function build() {
  const stage = new Stage();
  const follow = new Follow(byId("log"), byId("log-inner"), byId("new-pill"));
  let talk = null;
  const speech = new Speech({
    onMouth: (mouth) => stage.mouth(mouth),
    onSpeaking: () => talk.refresh(),
    onBlocked: () => toast(t("voice.blocked"), { time: 12_000, action: { label: t("voice.let_speak"), run: () => speech.unlock() } }),
  });
  const bar = new Bar(speech);
  const log = new LogView({ pages: byId("log-pages"), tail: byId("log-tail"), follow, actions: { retry: (entry) => talk.retry(entry) } });
  const composer = new Composer({
    onSend: (text, pictures) => {
      speech.unlock();
      welcome.talkBegan();
      talk.say(text, pictures);
    },
    onStop: () => talk.stop(),
    onTyping: (typing) => stage.setTyping(typing),
    onProblem: (message) => toast(message),
  });
  const welcome = new Welcome({ composer, follow, speech });
  talk = new Conversation({
    log, speech, stage, bar, composer, follow,
    onQuiet: (conversation) => welcome.consider(conversation),
    onModel: (model) => welcome.modelChanged(model),
    onSwitch: (name) => switchTo(name),
  });
  const settings = new SettingsDialog({ speech, stage, talk });

  function switchTo(name) {
    welcome.leave();
    const path = new URL(encodeURIComponent(name), document.baseURI).pathname;
    if (location.pathname !== new URL(document.baseURI).pathname) history.replaceState(null, "", path + location.hash);
    talk.start(name);
  }
  return { stage, bar, composer, talk, settings, speech };
}

function keys({ bar, talk, composer }) {
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || event.isComposing || document.querySelector("dialog[open]")) return;
    if (bar.menuOpen) bar.closeMenu();
    else if (talk.busy) talk.stop();
  });
  document.addEventListener("keydown", (event) => {
    const nowhere = document.activeElement === document.body || document.activeElement?.id === "log";
    if (nowhere && [...event.key].length === 1 && event.key !== " " && !event.ctrlKey && !event.metaKey && !event.altKey) composer.focus();
  });
  const wide = matchMedia("(hover: hover)").matches;
  if (wide && !location.hash) composer.focus();
}

function watchTop(talk) {
  new IntersectionObserver((seen) => {
    if (seen.some((entry) => entry.isIntersecting) && talk.more) climb(talk);
  }, { root: byId("log"), rootMargin: "900px 0px 0px 0px" }).observe(byId("log-top"));
  byId("log").addEventListener("scroll", () => {
    if (byId("log").scrollTop < 900 && talk.more) climb(talk);
  }, { passive: true });
}

function climb(talk) {
  byId("log-top").classList.add("is-loading");
  Promise.resolve(talk.older()).finally(() => byId("log-top").classList.remove("is-loading"));
}

async function start() {
  await setLanguage(startLanguage()).catch(() => setLanguage("en"));
  startLayout();
  const page = build();
  onLanguage(() => {
    byId("log").setAttribute("aria-label", t("talk.log"));
    byId("new-pill").textContent = t("talk.new");
    byId("talk").setAttribute("aria-label", t("talk.region"));
  });
  keys(page);
  watchTop(page.talk);
  document.documentElement.dataset.ready = "";
  page.stage.open();
  page.talk.start(await characterOfPage());
  page.settings.followHash();
}

start();
