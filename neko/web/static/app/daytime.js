/** @typedef {"night" | "morning" | "day" | "evening"} Daytime */

/**
 * The part of the reader's day.
 * @param {Date} time
 * @returns {Daytime}
 */
export function daytime(time) {
  const hour = time.getHours();
  if (hour < 5 || hour >= 23) return "night";
  if (hour < 12) return "morning";
  return hour < 18 ? "day" : "evening";
}
