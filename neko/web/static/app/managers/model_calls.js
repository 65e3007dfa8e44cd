/**
 * What the page of models asks of the server.
 *
 * @typedef {"live2d" | "vrm"} Kind
 * @typedef {{ kind: Kind, name: string, size: number, path: string, item_id: string, own: boolean, worn_by: string[] }} Model
 *   `size` in bytes; `path` is what a card names; `own`: it can be renamed and deleted
 * @typedef {{ name: string, filename: string, url: string, size: number }} Animation
 * @typedef {{ motions: Record<string, string[]>, expressions: Record<string, string[]> }} Mapping Files by emotion.
 * @typedef {{ id: string, groupId: string, name: string }} Parameter
 * @typedef {{ parameters: Parameter[], groups: Record<string, string>, values: Record<string, number> }} Parameters
 */
import { get, post, put, remove } from "../api.js";

const LIVE2D = "api/live2d";
const VRM = "api/model/vrm";

/** @param {Model} model */
export function pathOf({ kind, name }) {
  return `${kind === "vrm" ? VRM : LIVE2D}/model/${encodeURIComponent(name)}`;
}

/** @returns {Promise<Model[]>} */
export async function allModels() {
  /** @type {{ models: Model[] }} */
  const { models } = await get("api/avatars");
  return models;
}

/** @returns {Promise<Animation[]>} */
export async function allAnimations() {
  /** @type {{ animations: Animation[] }} */
  const { animations } = await get(`${VRM}/animations`);
  return animations;
}

/** @param {string} character */
function wornPath(character) {
  return `api/characters/catgirl/l2d/${encodeURIComponent(character)}`;
}

/**
 * @param {string} character
 * @param {Model | null} model null: the built-in drawing
 */
export function give(character, model) {
  if (!model) return post(wornPath(character), { fallback_to_default: true });
  const { kind, name, path, item_id: item } = model;
  return put(wornPath(character), kind === "vrm" ? { model_type: kind, vrm: path } : { model_type: kind, live2d: name, ...(item && { item_id: item }) });
}

/**
 * @param {string} character who has this model
 * @param {Model} model
 * @param {string} animation its address, "" for none
 */
export function setIdle(character, { path }, animation) {
  return put(wornPath(character), { model_type: "vrm", vrm: path, vrm_animation: animation });
}

/**
 * @param {Model} model
 * @param {string} name
 * @returns {Promise<string>} how it is called now
 */
export async function rename(model, name) {
  /** @type {{ model_name: string }} */
  const { model_name: now } = await post(`${pathOf(model)}/rename`, { new_name: name });
  return now;
}

/** @param {string} name */
export function deleteAnimation(name) {
  return remove(`${VRM}/model/${encodeURIComponent(name)}`);
}

/**
 * @param {Model} model
 * @returns {Promise<{ motions: string[], expressions: string[], mapping: Mapping }>}
 */
export async function live2dEmotions({ name }) {
  const named = encodeURIComponent(name);
  /** @type {Promise<{ motion_files: string[], expression_files: string[] }>} */
  const listed = get(`${LIVE2D}/model_files/${named}`);
  /** @type {Promise<{ config: Partial<Mapping> }>} */
  const mapped = get(`${LIVE2D}/emotion_mapping/${named}`);
  const [files, { config }] = await Promise.all([listed, mapped]);
  return { motions: files.motion_files, expressions: files.expression_files, mapping: { motions: config.motions ?? {}, expressions: config.expressions ?? {} } };
}

/**
 * @param {Model} model
 * @param {Mapping} mapping
 */
export function keepLive2dEmotions({ name }, mapping) {
  return post(`${LIVE2D}/emotion_mapping/${encodeURIComponent(name)}`, mapping);
}

/**
 * @param {Model} model
 * @returns {Promise<{ expressions: string[], chosen: Record<string, string[]> }>}
 */
export async function vrmEmotions({ name }) {
  const named = encodeURIComponent(name);
  /** @type {Promise<{ expressions: string[] }>} */
  const listed = get(`${VRM}/expressions/${named}`);
  /** @type {Promise<{ config: Record<string, string[]> }>} */
  const mapped = get(`${VRM}/emotion_mapping/${named}`);
  const [{ expressions }, { config }] = await Promise.all([listed, mapped]);
  return { expressions, chosen: config };
}

/**
 * @param {Model} model
 * @param {Record<string, string[]>} chosen
 */
export function keepVrmEmotions({ name }, chosen) {
  return post(`${VRM}/emotion_mapping/${encodeURIComponent(name)}`, chosen);
}

/**
 * @param {Model} model
 * @returns {Promise<Parameters>}
 */
export async function parametersOf({ name }) {
  const named = encodeURIComponent(name);
  /** @type {Promise<{ parameters: Parameter[], parameter_groups: Record<string, { name: string }> }>} */
  const listed = get(`${LIVE2D}/model_parameters/${named}`);
  /** @type {Promise<{ parameters: Record<string, number> }>} */
  const set = get(`${LIVE2D}/load_model_parameters/${named}`);
  const [{ parameters, parameter_groups: groups }, kept] = await Promise.all([listed, set]);
  return { parameters, groups: Object.fromEntries(Object.entries(groups).map(([id, group]) => [id, group.name || id])), values: kept.parameters };
}

/**
 * @param {Model} model
 * @param {Record<string, number>} values
 */
export function keepParameters({ name }, values) {
  return post(`${LIVE2D}/save_model_parameters/${encodeURIComponent(name)}`, { parameters: values });
}
