/**
 * What the page of the Workshop asks of the server.
 *
 * @import { CharacterCard } from "../rest.js"
 * @import { Model } from "./model_calls.js"
 * @typedef {{ name: string, title: string, path: string, lastModified: number, size: number, previewImage: string | null, vrm: string[] }} Item
 *   `title`: of the card or model in it; `name`: of the folder; `lastModified` in seconds since 1970, `size` in bytes
 * @typedef {{ name: string, path: string }} ItemFile
 * @typedef {{ items: Item[], folder: string }} Items
 */
import { get, post, refusal } from "../api.js";

const WORKSHOP = "api/steam/workshop";
/** For a model of up to 200 MB, on this computer. */
const MODEL_MS = 120_000;
const EXPORTS = "WorkshopExport";
/** What a card holds of the item that it was taken from: its number. */
export const ITEM = "创意工坊物品ID";
/** What a card holds that means nothing elsewhere, or is nobody's business. */
const OWN = [ITEM, "neko", "voice_id", "live2d", "live2d_item_id", "vrm", "vrm_animation", "lighting"];

/** @param {string} [folder] */
async function scan(folder = "") {
  /** @type {{ local_items: Item[], folder_path: string }} */
  const { local_items: items, folder_path: path } = await post(`${WORKSHOP}/local-items/scan`, { folder_path: folder });
  return { items, folder: path };
}

/** @param {string} path from the folder of items */
async function isThere(path) {
  /** @type {{ exists: boolean }} */
  const { exists } = await get(`api/file-exists?${new URLSearchParams({ path }).toString()}`);
  return exists;
}

/** @returns {Promise<Items>} none where the folder is not there */
export async function allItems() {
  if (await isThere(".")) return scan();
  /** @type {{ config: { default_workshop_folder: string, user_mod_folder?: string } }} */
  const { config } = await get(`${WORKSHOP}/config`);
  return { items: [], folder: config.user_mod_folder || config.default_workshop_folder };
}

/** Those that are ready to be published. @returns {Promise<Item[]>} */
export async function preparedItems() {
  if (!await isThere(EXPORTS)) return [];
  return (await scan(EXPORTS)).items.filter(({ name }) => name.startsWith("item_"));
}

/** @param {string} folder */
export function moveTo(folder) {
  return post(`${WORKSHOP}/config`, { user_mod_folder: folder || null });
}

/**
 * @param {Item} item
 * @returns {Promise<{ cards: ItemFile[], sounds: (ItemFile & { prefix: string })[] }>}
 */
export async function contentOf({ path }) {
  const query = new URLSearchParams({ directory: path }).toString();
  /** @type {Promise<{ files: ItemFile[] }>} */
  const cards = get(`${WORKSHOP}/list-chara-files?${query}`);
  /** @type {Promise<{ files: (ItemFile & { prefix: string })[] }>} */
  const sounds = get(`${WORKSHOP}/list-audio-files?${query}`);
  const [{ files }, { files: heard }] = await Promise.all([cards, sounds]);
  return { cards: files, sounds: heard };
}

/** @param {string} path */
async function read(path) {
  /** @type {{ content: string, is_binary: boolean }} */
  const answer = await get(`${WORKSHOP}/read-file?${new URLSearchParams({ path }).toString()}`);
  return answer;
}

/**
 * @param {ItemFile} file
 * @returns {Promise<Record<string, unknown>>} Rejects with a SyntaxError for what is no card.
 */
export async function cardOf({ path }) {
  /** @type {unknown} */
  const card = JSON.parse((await read(path)).content);
  if (typeof card !== "object" || card === null || Array.isArray(card)) throw new SyntaxError("no card");
  return /** @type {Record<string, unknown>} */ (card);
}

/** @param {ItemFile} file */
export async function soundOf({ name, path }) {
  const { content } = await read(path);
  return new File([Uint8Array.from(atob(content), (letter) => letter.charCodeAt(0))], name, { type: name.toLowerCase().endsWith(".mp3") ? "audio/mpeg" : "audio/wav" });
}

/** @param {string} path of a VRM model from the folder of items; it comes among the user's own */
export async function takeModel(path) {
  const response = await fetch(`workshop/${path.split("/").map(encodeURIComponent).join("/")}`);
  if (!response.ok) throw refusal(null, response.status);
  const form = new FormData();
  form.append("file", await response.blob(), path.split("/").at(-1));
  await post("api/model/vrm/upload", form, MODEL_MS);
}

/** @param {Item} item */
export function pictureOf({ previewImage: picture }) {
  return picture ? `api/steam/proxy-image?${new URLSearchParams({ image_path: picture }).toString()}` : "";
}

/**
 * @param {string} name
 * @param {CharacterCard} card
 * @param {Model} model
 * @returns {Promise<string>} the folder that is ready
 */
export async function prepare(name, card, model) {
  const told = Object.fromEntries(Object.entries(card).filter(([field]) => !OWN.includes(field)));
  const file = decodeURIComponent(model.path.split("/").at(-1) ?? "");
  const worn = model.kind === "vrm" ? { model_type: "vrm", vrm: file } : { model_type: "live2d", live2d: model.name };
  /** @type {{ temp_folder: string }} */
  const { temp_folder: folder } = await post(`${WORKSHOP}/prepare-upload`, {
    charaData: { ...told, "档案名": name, name, ...worn }, modelName: model.kind === "vrm" ? file : model.name, model_type: model.kind, fileName: "character.chara.json", character_card_name: name,
  });
  return folder;
}

/**
 * @param {string} folder
 * @param {File} picture
 */
export function keepPicture(folder, picture) {
  const form = new FormData();
  form.append("file", picture);
  form.append("content_folder", folder);
  return post(`${WORKSHOP}/upload-preview-image`, form);
}

/** @param {Item} item */
export function throwAway({ path }) {
  return post(`${WORKSHOP}/cleanup-temp-folder`, { temp_folder: path });
}
