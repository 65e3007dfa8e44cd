/** The keys that answer the question in front, by their place on the keyboard: pressed with Alt, so never by accident. */
const ALT = /Mac|iPhone|iPad/.test(navigator.userAgent) ? "⌥" : "Alt+";

export const KEYS = { yes: { code: "KeyY", shown: `${ALT}Y` }, no: { code: "KeyN", shown: `${ALT}N` } };
