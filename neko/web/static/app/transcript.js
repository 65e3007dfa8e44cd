/**
 * What was said, in order, without losing or doubling a line. Knows nothing of the DOM.
 * Committed entries are sorted by id; the others stand where they were said.
 *
 * @import { TurnTimesShown } from "./turn_times.js"
 * @import { Line, LineStatus, Remark, Role, Times, UnkeptLine } from "./wire.js"
 *
 * @typedef {object} Entry
 * @property {number | null} id the server's; null until the line is committed
 * @property {string | null} clientId
 * @property {string | null} turnId
 * @property {Role} role
 * @property {string} text
 * @property {string} at ISO 8601
 * @property {LineStatus} status
 * @property {number} images
 * @property {number | null} replaces the version of this reply that counted before it
 * @property {{ ids: number[], place: number }} [versions] of the last reply, in the order in which they were said, and which of them it is
 * @property {"sent" | "streaming" | "stored"} state own words without a receipt, a reply that grows, anything else
 * @property {boolean} [waiting] own words that wait for the line to the server
 * @property {string | Remark | null} [remark] what is to be known of this reply
 * @property {number[]} [recalled] the lines that memory told the model of for this reply
 * @property {{ character: string, id: number }[]} [recalledElsewhere] those that were said to other characters
 * @property {boolean} [offRecord] it was said, and is kept nowhere
 * @property {boolean} [unkept] the server has it, and cannot write it down yet
 * @property {string} [speechId] the sound of this reply
 * @property {TurnTimesShown} [times] how long each step of a spoken turn took
 * @property {string} [utterance] own words that are being heard; what is known of them may still change
 * @property {string[]} [pictures] data URLs that go with own words on their way
 * @property {Set<string>} [shots] those of them that were taken of the screen
 * @property {string[]} files the pictures that the server has kept
 * @property {HTMLCanvasElement[]} [thumbnails]
 * @typedef {Entry & { id: number }} StoredEntry
 *
 * @typedef {object} TranscriptView
 * @property {(entry: Entry, before: Entry | null) => void} insert
 * @property {(entry: Entry) => void} update
 * @property {(entry: Entry) => void} remove
 */
export class Transcript {
  /** @type {TranscriptView} */
  #view;
  /** @type {Entry[]} */
  #entries = [];
  /** @type {Map<number, Entry>} */
  #byId = new Map();
  /** @type {Entry | null} */
  #retried = null;
  /** The words that were heard last, until they are told a second time. @type {Entry | null} */
  #heard = null;
  /** The speech that began to be heard last, whose times may not have been told. */
  #played = { id: "", late: 0 };
  /** What is to be known of a reply that has not begun. */
  #early = { turnId: "", remark: "" };

  /** @param {TranscriptView} view */
  constructor(view) {
    this.#view = view;
  }

  get empty() {
    return this.#entries.length === 0;
  }

  /**
   * Those of these lines that are shown.
   * @param {number[]} ids
   */
  stored(ids) {
    return ids.flatMap((id) => this.#byId.get(id) ?? []);
  }

  get firstId() {
    return this.#entries.find((entry) => entry.id !== null)?.id ?? null;
  }

  get lastId() {
    return this.#entries.findLast((entry) => entry.id !== null)?.id ?? null;
  }

  get streaming() {
    return this.#entries.findLast((entry) => entry.state === "streaming") ?? null;
  }

  get lastReply() {
    return this.#entries.findLast((entry) => entry.role === "assistant") ?? null;
  }

  /**
   * The line with this id of ours.
   * @param {string} clientId
   */
  ownWords(clientId) {
    return this.#entries.findLast((entry) => entry.clientId === clientId) ?? null;
  }

  /**
   * Is this one still here?
   * @param {Entry} entry
   */
  includes(entry) {
    return this.#entries.includes(entry);
  }

  /** Own words the server has not confirmed, oldest first. */
  get unconfirmed() {
    return this.#entries.filter((entry) => entry.state === "sent");
  }

  clear() {
    for (const entry of this.#entries) this.#view.remove(entry);
    this.#entries = [];
    this.#byId.clear();
    this.#retried = null;
    this.#heard = null;
  }

  /**
   * Own words, shown at once. `pictures` are the data URLs that go with them.
   * @param {string} clientId
   * @param {string} text
   * @param {string[]} pictures
   * @param {HTMLCanvasElement[]} thumbnails
   */
  addOwn(clientId, text, pictures, thumbnails) {
    /** @type {Entry} */
    const entry = {
      id: null, clientId, turnId: null, role: "user", text, at: new Date().toISOString(),
      status: "complete", images: pictures.length, replaces: null, files: [], state: "sent", pictures, thumbnails,
    };
    this.#insert(entry, this.#entries.length);
    return entry;
  }

  /**
   * The server has these words, and will write them down later.
   * @param {UnkeptLine} line
   * @param {boolean} offRecord or never will
   */
  markUnkept(line, offRecord = false) {
    let entry = this.#provisional(line);
    if (!entry) {
      entry = { ...this.#fresh(line.role, line.turn_id, line.text), clientId: line.client_id, at: line.at };
      this.#insert(entry, this.#entries.length);
    }
    entry.unkept = !offRecord;
    entry.offRecord = offRecord;
    if (offRecord) entry.state = "stored";
    this.#view.update(entry);
  }

  /**
   * Words that are being heard, so far. Final ones are told again by `addTranscribed`; none at the end: it was no speech.
   * @param {string} utterance
   * @param {string} text
   * @param {boolean} isFinal
   */
  hear(utterance, text, isFinal) {
    let entry = this.#entries.findLast((one) => one.utterance === utterance);
    if (!text) {
      if (entry && isFinal) this.#drop(entry);
      return;
    }
    if (!entry) {
      entry = { ...this.#fresh("user", null, text), utterance };
      this.#insert(entry, this.#entries.length);
    }
    entry.text = text;
    if (isFinal) {
      entry.utterance = undefined;
      this.#heard = entry;
    }
    this.#view.update(entry);
  }

  /** What was being heard is not heard to its end. */
  stopHearing() {
    for (const entry of this.#entries.filter(({ utterance }) => utterance)) this.#drop(entry);
  }

  /**
   * Words the server heard in speech; its line follows.
   * @param {string} text
   */
  addTranscribed(text) {
    const heard = this.#heard;
    this.#heard = null;
    if (heard && heard.text === text && this.#entries.includes(heard)) return;
    this.#insert(this.#fresh("user", null, text), this.#entries.length);
  }

  /**
   * A piece of the reply. `isNew` begins it, or gives it anew from its start (after a reconnect or a
   * retry of the provider). Returns null when the piece belongs to a reply that is already stored.
   * @param {string | null} turnId
   * @param {string} text
   * @param {boolean} isNew
   * @param {string} [speechId]
   */
  grow(turnId, text, isNew, speechId) {
    const running = this.streaming;
    let entry = this.#growing(turnId, isNew);
    if (!entry && turnId && !isNew && this.#entries.some((one) => one.role === "assistant" && one.turnId === turnId)) return null;
    if (running && running !== entry) this.settle();
    if (!entry) {
      entry = this.#fresh("assistant", turnId, "");
      if (turnId && turnId === this.#early.turnId) entry.remark = this.#early.remark;
      this.#insert(entry, this.#entries.length);
    }
    entry.state = "streaming";
    entry.status = "complete";
    if (speechId) entry.speechId = speechId;
    entry.text = isNew ? text : entry.text + text;
    this.#view.update(entry);
    return entry;
  }

  /**
   * How long each step of this turn took.
   * @param {string} turnId
   * @param {Times} ms
   */
  time(turnId, ms) {
    const entry = this.#entries.findLast((one) => one.role === "assistant" && one.turnId === turnId);
    if (!entry) return;
    entry.times = { ms, late: entry.times?.late ?? (entry.speechId === this.#played.id ? this.#played.late : null) };
    this.#view.update(entry);
  }

  /**
   * The first sound of this reply is heard, so many milliseconds after it arrived.
   * @param {string} speechId
   * @param {number} late
   */
  played(speechId, late) {
    this.#played = { id: speechId, late };
    const entry = this.#entries.findLast((one) => one.speechId === speechId);
    if (!entry?.times) return;
    entry.times.late = late;
    this.#view.update(entry);
  }

  /**
   * What is to be known of the reply of this turn, which may not have begun.
   * @param {string} turnId
   * @param {string} remark
   */
  remark(turnId, remark) {
    const entry = this.#entries.findLast((one) => one.role === "assistant" && one.turnId === turnId);
    if (!entry) {
      this.#early = { turnId, remark };
      return;
    }
    entry.remark = remark;
    this.#view.update(entry);
  }

  /**
   * @param {string | null} turnId
   * @param {boolean} isNew
   */
  #growing(turnId, isNew) {
    if (!turnId) return isNew ? null : this.streaming;
    return this.#entries.findLast((one) => one.role === "assistant" && one.id === null && one.turnId === turnId) ?? null;
  }

  /**
   * The reply grows no more; its line may still come.
   * @param {LineStatus} status
   */
  settle(status = "complete") {
    const entry = this.streaming;
    if (!entry) return;
    entry.state = "stored";
    entry.status = status;
    this.#view.update(entry);
  }

  /** Withdraw the reply that is being said. */
  discard() {
    const entry = this.streaming ?? this.#entries.findLast((one) => one.role === "assistant" && one.id === null);
    if (entry) this.#drop(entry);
  }

  /**
   * The last reply is being said anew: it leaves when its successor is stored.
   * @param {Entry | null} entry
   */
  retrying(entry) {
    this.#retried = entry;
  }

  /**
   * A line as the server stored it. It takes the place of the version of the reply that counted before it.
   * @param {Line} line
   */
  commit(line) {
    if (line.role === "system") return;
    const known = this.#byId.get(line.id) ?? this.#provisional(line);
    const replaced = line.replaces === null ? undefined : this.#byId.get(line.replaces);
    const chosen = known || replaced === this.#retried ? undefined : replaced; // nothing was said anew
    if (replaced && !chosen) this.#drop(replaced);
    if (line.role === "assistant" && this.#retried && this.#retried.id !== line.id) {
      if (this.#entries.includes(this.#retried)) this.#drop(this.#retried);
      this.#retried = null;
    }
    if (chosen?.id) this.#byId.delete(chosen.id);
    const entry = known ?? chosen;
    if (!entry) {
      this.#insert(stored(line), this.#placeOf(line.id));
      return;
    }
    Object.assign(entry, stored(line), { thumbnails: entry.thumbnails, pictures: undefined, unkept: false });
    this.#byId.set(line.id, entry);
    const at = this.#entries.indexOf(entry);
    this.#entries.splice(at, 1);
    const before = this.#entries.slice(0, at).findLast((one) => one.id !== null)?.id ?? -Infinity;
    const after = this.#entries.slice(at).find((one) => one.id !== null)?.id ?? Infinity;
    if (before > line.id || after < line.id) {
      this.#view.remove(entry);
      this.#insert(entry, this.#placeOf(line.id));
    } else {
      this.#entries.splice(at, 0, entry);
      this.#view.update(entry);
    }
  }

  /**
   * What goes with a line when it is deleted: your words with what she said to them, her words alone.
   * @param {Entry} entry
   */
  exchangeOf(entry) {
    if (entry.role !== "user") return [entry];
    const at = this.#entries.indexOf(entry) + 1;
    const next = this.#entries.findIndex((one, place) => place >= at && one.role === "user");
    return [entry, ...this.#entries.slice(at, next < 0 ? undefined : next)];
  }

  /**
   * These lines are gone from the log.
   * @param {number[]} ids
   */
  forget(ids) {
    for (const id of ids) {
      const entry = this.#byId.get(id);
      if (entry) this.#drop(entry);
    }
  }

  /**
   * Remembers older lines (oldest first) in front; the view draws them as one page. Returns the new entries.
   * @param {Line[]} lines
   */
  recallOlder(lines) {
    const expected = lines.filter((line) => this.#entries.some((entry) => isOf(entry, line)));
    for (const line of expected) this.commit(line);
    const fresh = lines.filter((line) => line.role !== "system" && !this.#byId.has(line.id)).map(stored);
    for (const entry of fresh) this.#byId.set(entry.id, entry);
    this.#entries.unshift(...fresh);
    return fresh;
  }

  /**
   * @param {Role} role
   * @param {string | null} turnId
   * @param {string} text
   * @returns {Entry}
   */
  #fresh(role, turnId, text) {
    return {
      id: null, clientId: null, turnId, role, text, at: new Date().toISOString(),
      status: "complete", images: 0, replaces: null, files: [], state: "stored",
    };
  }

  /** @param {Pick<Line, "role" | "text" | "turn_id" | "client_id">} line */
  #provisional(line) {
    return this.#entries.findLast((entry) => {
      if (entry.id !== null || entry.role !== line.role) return false;
      if (entry.clientId) return entry.clientId === line.client_id;
      if (line.role === "user") return !line.client_id && entry.text === line.text;
      return entry.turnId === null || entry.turnId === line.turn_id;
    });
  }

  /**
   * Behind the last smaller id; settled lines without an id stay in front, words still on their way behind.
   * @param {number} id
   */
  #placeOf(id) {
    const place = this.#entries.findLastIndex((entry) => entry.id !== null && entry.id < id) + 1;
    const rest = this.#entries.slice(place).findIndex((entry) => entry.id !== null || entry.state !== "stored");
    return rest === -1 ? this.#entries.length : place + rest;
  }

  /**
   * @param {Entry} entry
   * @param {number} place
   */
  #insert(entry, place) {
    const before = this.#entries[place] ?? null;
    this.#entries.splice(place, 0, entry);
    if (entry.id !== null) this.#byId.set(entry.id, entry);
    this.#view.insert(entry, before);
  }

  /** @param {Entry} entry */
  #drop(entry) {
    this.#entries.splice(this.#entries.indexOf(entry), 1);
    if (entry.id !== null) this.#byId.delete(entry.id);
    this.#view.remove(entry);
  }
}

/**
 * True for an entry without an id that this line is about for certain.
 * @param {Entry} entry
 * @param {Line} line
 */
function isOf(entry, line) {
  if (entry.id !== null || entry.role !== line.role) return false;
  return entry.clientId ? entry.clientId === line.client_id : entry.turnId !== null && entry.turnId === line.turn_id;
}

/**
 * @param {Line} line
 * @returns {StoredEntry}
 */
function stored(line) {
  return {
    id: line.id, clientId: line.client_id, turnId: line.turn_id, role: line.role, text: line.text,
    at: line.at, status: line.status, images: line.images, replaces: line.replaces, files: line.pictures,
    remark: line.remark, recalled: line.recalled, recalledElsewhere: line.recalled_elsewhere, state: "stored",
  };
}
