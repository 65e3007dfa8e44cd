/**
 * What the page of the Workshop asks of Steam's client, by way of the server.
 *
 * @import { Item } from "./workshop_calls.js"
 * @typedef {{ installed: boolean, needsUpdate: boolean, downloading: boolean, downloadPending: boolean }} ItemState
 * @typedef {object} SubscribedItem `timeUpdated` in seconds since 1970; one that Steam does not tell of has an `error_message`
 * @property {string} publishedFileId
 * @property {string} title
 * @property {ItemState} state
 * @property {string | null} [installedFolder]
 * @property {number} [fileSizeOnDisk] bytes
 * @property {{ percentage: number }} [downloadProgress]
 * @property {number} [timeUpdated]
 * @property {string} [previewUrl]
 * @property {string[]} [vrm] paths for the mount of items
 * @property {string} [error_message]
 * @typedef {Item & { state: string }} SteamItem `state`: how it is with it, in words
 * @typedef {{ title: string, description: string, tags: string[], visibility: number, note: string, card: string }} Wanted
 */
import { get, post, sentenceOf } from "../api.js";
import { t } from "../i18n.js";

const WORKSHOP = "api/steam/workshop";
/** For what Steam may ask its servers. */
const ITEMS_MS = 60_000;
/** A minute for making an item, three for its upload. */
const PUBLISH_MS = 270_000;

/**
 * @typedef {{ is: "off" } | { is: "away", why: string } | { is: "here", items: SteamItem[] }} Steam
 * @returns {Promise<Steam>} "off": it is switched off; "away": it cannot be asked
 */
export async function lookAtSteam() {
  try {
    /** @type {{ on: boolean }} */
    const { on } = await get("api/steam/client");
    if (!on) return { is: "off" };
    /** @type {{ items: SubscribedItem[] }} */
    const { items } = await get(`${WORKSHOP}/subscribed-items`, ITEMS_MS);
    return { is: "here", items: items.map(shown) };
  } catch (error) {
    return { is: "away", why: sentenceOf(error) };
  }
}

/** @param {boolean} on */
export function switchSteam(on) {
  return post("api/steam/client", { on });
}

/**
 * @param {SubscribedItem} item
 * @returns {SteamItem}
 */
function shown(item) {
  return {
    name: item.publishedFileId,
    title: item.title,
    path: item.installedFolder ?? "",
    lastModified: item.timeUpdated ?? 0,
    size: item.fileSizeOnDisk ?? 0,
    previewImage: new URLSearchParams(item.previewUrl?.split("?")[1] ?? "").get("image_path"),
    vrm: item.vrm ?? [],
    state: item.error_message ?? stateOf(item),
  };
}

/** @param {SubscribedItem} item */
function stateOf({ state, downloadProgress: loaded }) {
  if (state.downloading) return t("workshop.state_loading", { percent: Math.round(loaded?.percentage ?? 0) });
  if (state.downloadPending) return t("workshop.state_waiting");
  if (state.needsUpdate) return t("workshop.state_update");
  return t(state.installed ? "workshop.state_installed" : "workshop.state_absent");
}

/**
 * Those whom the cards of an item name: who goes with it, and who stays.
 * @param {Item} item
 * @returns {Promise<{ going: string[], staying: string[] }>} nobody where that cannot be had
 */
export async function charactersOf({ name }) {
  try {
    return await get(`${WORKSHOP}/item/${name}/characters`, ITEMS_MS);
  } catch {
    return { going: [], staying: [] };
  }
}

/** @param {Item} item */
export function unsubscribe({ name }) {
  return post(`${WORKSHOP}/unsubscribe`, { item_id: name });
}

/**
 * @param {Item} item a folder that is ready
 * @param {Wanted} wanted
 * @returns {Promise<{ message: string, needs_agreement: boolean }>}
 */
export function publish({ path }, { title, description, tags, visibility, note, card }) {
  return post(`${WORKSHOP}/publish`, { title, content_folder: path, visibility, description, tags, change_note: note, character_card_name: card }, PUBLISH_MS);
}

/**
 * With what a card was published the last time.
 * @param {string} card
 * @returns {Promise<Partial<Wanted>>}
 */
export async function published(card) {
  /** @type {{ meta: { uploaded_snapshot?: Partial<Wanted> } | null }} */
  const { meta } = await get(`${WORKSHOP}/meta/${encodeURIComponent(card)}`);
  return meta?.uploaded_snapshot ?? {};
}

/**
 * What is being published, and how far that is in words; nothing where nothing is.
 * @returns {Promise<{ folder: string, words: string } | null>}
 */
export async function progress() {
  /** @type {{ step: string, folder: string, done: number, total: number }} */
  const { step, folder, done, total } = await get(`${WORKSHOP}/publishing`);
  if (!step) return null;
  if (step !== "uploading") return { folder, words: t("workshop.step_creating") };
  return { folder, words: total ? t("workshop.step_uploading_percent", { percent: Math.round(100 * done / total) }) : t("workshop.step_uploading") };
}
