import { currentLanguage } from "../i18n.js";

/**
 * How large something is, in the words of the reader's language.
 * @param {number} bytes
 */
export function sizeOf(bytes) {
  const unit = bytes < 1e6 ? "kilobyte" : "megabyte";
  const value = bytes / (unit === "kilobyte" ? 1e3 : 1e6);
  return new Intl.NumberFormat(currentLanguage(), { style: "unit", unit, maximumFractionDigits: value < 10 ? 1 : 0 }).format(value);
}
