/**
 * Something others may listen to, so that who is told need not exist yet when it is made.
 * `Events` names each event and what it carries.
 * @template {Record<string, unknown[]>} Events
 */
export class Emitter {
  /** @type {{ [Name in keyof Events]?: ((...values: Events[Name]) => void)[] }} */
  #listeners = {};

  /**
   * @template {keyof Events} Name
   * @param {Name} name
   * @param {(...values: Events[Name]) => void} listener
   */
  on(name, listener) {
    (this.#listeners[name] ??= []).push(listener);
  }

  /**
   * @template {keyof Events} Name
   * @param {Name} name
   * @param {Events[Name]} values
   * @protected
   */
  emit(name, ...values) {
    for (const listener of this.#listeners[name] ?? []) listener(...values);
  }
}
