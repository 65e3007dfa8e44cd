/** Pictures that travel: JPEGs of at most 1280 pixels and a bounded size, as `data:` addresses. */
const LONGEST = 1280;
const MOST_BYTES = 400_000;
const QUALITIES = [0.8, 0.6, 0.4];
const BEGINS = "data:image/jpeg;base64,";

/**
 * What a picture shows, drawn into a size: by default its own, at most 1280 pixels.
 * @param {HTMLVideoElement} video
 * @param {{ width: number, height: number }} [size]
 * @param {boolean} [isRead] its pixels will be looked at
 */
export function fitted(video, size = sizeOf(video, LONGEST), isRead = false) {
  const canvas = document.createElement("canvas");
  canvas.width = size.width;
  canvas.height = size.height;
  const paper = canvas.getContext("2d", { alpha: false, willReadFrequently: isRead });
  if (!paper) throw new Error("no canvas to draw on");
  paper.imageSmoothingQuality = "high";
  paper.drawImage(video, 0, 0, size.width, size.height);
  return canvas;
}

/**
 * @param {HTMLVideoElement} video
 * @param {number} longest
 */
function sizeOf({ videoWidth, videoHeight }, longest) {
  const scale = Math.min(1, longest / Math.max(videoWidth, videoHeight, 1));
  return { width: Math.max(1, Math.round(videoWidth * scale)), height: Math.max(1, Math.round(videoHeight * scale)) };
}

/**
 * At once. A picture that stays too large is made smaller.
 * @param {HTMLVideoElement} video
 */
export function jpegNow(video) {
  for (let longest = LONGEST; ; longest = Math.round(longest / 1.5)) {
    const canvas = fitted(video, sizeOf(video, longest));
    for (const quality of QUALITIES) {
      const data = canvas.toDataURL("image/jpeg", quality);
      if (!data.startsWith(BEGINS)) throw new Error("no JPEG encoder");
      if ((data.length - BEGINS.length) * 0.75 <= MOST_BYTES) return data;
    }
  }
}

/**
 * The same, encoded beside the page.
 * @param {HTMLVideoElement} video
 */
export async function jpegSoon(video) {
  for (let longest = LONGEST; ; longest = Math.round(longest / 1.5)) {
    const canvas = fitted(video, sizeOf(video, longest));
    for (const quality of QUALITIES) {
      const blob = await blobOf(canvas, quality);
      if (blob?.type !== "image/jpeg") throw new Error("no JPEG encoder");
      if (blob.size <= MOST_BYTES) return addressOf(blob);
    }
  }
}

/**
 * @param {HTMLCanvasElement} canvas
 * @param {number} quality
 * @returns {Promise<Blob | null>}
 */
function blobOf(canvas, quality) {
  return new Promise((resolve) => { canvas.toBlob(resolve, "image/jpeg", quality); });
}

/**
 * @param {Blob} blob
 * @returns {Promise<string>}
 */
function addressOf(blob) {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve(typeof reader.result === "string" ? reader.result : "");
    reader.onerror = () => reject(reader.error ?? new Error("not read"));
    reader.readAsDataURL(blob);
  });
}
