/**
 * Pictures the reader pastes, drops or picks: made small JPEGs here, before they leave the page. And where those are
 * that were kept.
 *
 * @import { Entry } from "./transcript.js"
 */
import { t } from "./i18n.js";

/** @typedef {{ data: string, thumbnail: HTMLCanvasElement, isShot?: boolean }} Picture `isShot`: of the screen, taken here. */

const LONGEST = 1280;
const QUALITY = 0.85;
const THUMBNAIL = 240;
export const MOST_PICTURES = 6;

/**
 * @param {ImageBitmap | HTMLImageElement} source
 * @param {number} longest
 */
function fitted(source, longest) {
  const scale = Math.min(1, longest / Math.max(source.width, source.height));
  const canvas = document.createElement("canvas");
  canvas.width = Math.max(1, Math.round(source.width * scale));
  canvas.height = Math.max(1, Math.round(source.height * scale));
  const paper = canvas.getContext("2d");
  if (!paper) throw new Error("no canvas to draw on");
  paper.fillStyle = "#fff";
  paper.fillRect(0, 0, canvas.width, canvas.height);
  paper.imageSmoothingQuality = "high";
  paper.drawImage(source, 0, 0, canvas.width, canvas.height);
  return canvas;
}

/**
 * `{data, thumbnail}`: a `data:image/jpeg;base64,` URL of at most 1280 px and a small canvas. Throws if it is no picture.
 * @param {Blob} file
 * @returns {Promise<Picture>}
 */
export async function readPicture(file) {
  const bitmap = await createImageBitmap(file);
  try {
    const data = fitted(bitmap, LONGEST).toDataURL("image/jpeg", QUALITY);
    if (!data.startsWith("data:image/jpeg;base64,")) throw new Error("no JPEG encoder");
    return { data, thumbnail: thumbnailOf(bitmap) };
  } finally {
    bitmap.close();
  }
}

/** @param {ImageBitmap | HTMLImageElement} source */
function thumbnailOf(source) {
  return fitted(source, THUMBNAIL * Math.min(2, devicePixelRatio));
}

/**
 * The picture of a `data:` address that `readPicture` made. Rejects for what is none.
 * @param {string} data
 * @returns {Promise<Picture>}
 */
export async function pictureOf(data) {
  const image = new Image();
  image.src = data;
  await image.decode();
  return { data, thumbnail: thumbnailOf(image) };
}

/**
 * The pictures; of something that holds neither pictures nor text, whatever files there are: that they are none is told.
 * @param {DataTransfer | null} transfer
 */
export function pastedFiles(transfer) {
  const files = [...(transfer?.files ?? [])];
  const pictures = files.filter((file) => file.type.startsWith("image/"));
  return pictures.length || transfer?.types.includes("text/plain") ? pictures : files;
}

/**
 * Where the pictures of a line are: those of words on their way in the page itself.
 * @param {Entry} entry
 */
export function addressesOf({ pictures, files }) {
  const character = encodeURIComponent(document.documentElement.dataset.character ?? "");
  return pictures ?? files.map((file) => `api/history/${character}/pictures/${file}`);
}

/**
 * What a picture is called.
 * @param {number} at
 * @param {number} count
 */
export function pictureName(at, count) {
  return count > 1 ? t("picture.of", { number: at + 1, count }) : t("picture.one");
}

/**
 * The kept pictures of a line, to be sent again. Rejects when one is not there any more.
 * @param {Entry} entry
 * @returns {Promise<Picture[]>}
 */
export function keptPictures(entry) {
  return Promise.all(addressesOf(entry).map(async (address) => {
    const answer = await fetch(address);
    if (!answer.ok) throw new Error(answer.statusText);
    return readPicture(await answer.blob());
  }));
}
