/**
 * The bytes behind an address. `onProgress(share)` tells 0…1 as they come, where the server says how many there are.
 * @param {string | URL} url
 * @param {(share: number) => void} onProgress
 * @returns {Promise<Blob>}
 */
export async function download(url, onProgress) {
  const response = await fetch(url);
  if (!response.ok || !response.body) throw new Error(`${new URL(url).pathname} is missing (${response.status})`);
  const total = Number(response.headers.get("content-length"));
  const pieces = [];
  let length = 0;
  const reader = response.body.getReader(); // not every browser can iterate a stream
  for (let { done, value } = await reader.read(); !done && value; { done, value } = await reader.read()) {
    pieces.push(value);
    length += value.byteLength;
    if (total) onProgress(Math.min(length / total, 1));
  }
  return new Blob(pieces);
}
