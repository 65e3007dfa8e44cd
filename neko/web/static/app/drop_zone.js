/**
 * A place for files: chosen, chosen as a folder, dropped as files and folders.
 *
 * @typedef {{ file: File, path: string }} Dropped `path`: where it was in its folder, its name where it was in none.
 */
import { h } from "./element.js";

/**
 * @param {{ testId: string, title: string, lead: string, choose: string, folder?: string, accept?: string, onFiles: (files: Dropped[]) => void }} options
 *   `choose` and `folder`: words of the buttons; `accept`: as of a file field
 */
export function dropZone({ testId, title, lead, choose, folder = "", accept, onFiles }) {
  const chosen = (/** @type {string} */ words, /** @type {boolean} */ whole) => {
    const field = h("input", { type: "file", multiple: true, webkitdirectory: whole, accept: whole ? false : accept, hidden: true, "data-testid": `${testId}-${whole ? "folder" : "files"}` });
    field.addEventListener("change", () => {
      const files = [...field.files ?? []];
      field.value = "";
      if (files.length) onFiles(files.map((file) => ({ file, path: file.webkitRelativePath || file.name })));
    });
    return [field, h("button", { type: "button", class: "button", text: words, on: { click: () => field.click() } })];
  };
  const zone = h("section", { class: "import-drop", "data-testid": `${testId}-drop` },
    h("h2", { text: title }), h("p", { text: lead }),
    h("div", { class: "import-choose" }, ...chosen(choose, false), ...(folder ? chosen(folder, true) : [])));
  const over = (/** @type {DragEvent} */ event) => {
    event.preventDefault();
    zone.classList.add("is-over");
  };
  zone.addEventListener("dragenter", over);
  zone.addEventListener("dragover", over);
  zone.addEventListener("dragleave", () => zone.classList.remove("is-over"));
  zone.addEventListener("drop", (event) => {
    event.preventDefault();
    zone.classList.remove("is-over");
    void filesOf(event.dataTransfer).then((files) => {
      if (files.length) onFiles(files);
    });
  });
  return zone;
}

/**
 * The files of a drop, those in folders among them.
 * @param {DataTransfer | null} transfer
 * @returns {Promise<Dropped[]>}
 */
async function filesOf(transfer) {
  const entries = [...transfer?.items ?? []].map((item) => item.webkitGetAsEntry()).filter((entry) => entry !== null);
  const files = entries.length ? (await Promise.all(entries.map((entry) => inside(entry)))).flat() : [];
  return files.length ? files : [...transfer?.files ?? []].map((file) => ({ file, path: file.name }));
}

/**
 * By what the entry says of itself: not every browser has the names of its classes.
 * @param {FileSystemEntry} entry
 * @returns {Promise<Dropped[]>}
 */
async function inside(entry) {
  if (entry.isFile) {
    /** @type {File} */
    const file = await new Promise((done, fail) => { /** @type {FileSystemFileEntry} */ (entry).file(done, fail); });
    return [{ file, path: entry.fullPath.replace(/^\//, "") }];
  }
  const reader = /** @type {FileSystemDirectoryEntry} */ (entry).createReader();
  /** @type {Dropped[]} */
  const files = [];
  for (;;) {
    /** @type {FileSystemEntry[]} */
    const some = await new Promise((done, fail) => { reader.readEntries(done, fail); });
    if (!some.length) return files;
    files.push(...(await Promise.all(some.map((one) => inside(one)))).flat());
  }
}
