/** The tail: a chain of short pieces that each turn a little, drawn as one outline. */

const PIECES = 15;
const LENGTH = 33;
const ROOT = { x: 520, y: 948 };
const TIP_FROM = 11;
const TUFTS = [[-0.68, 15], [-0.36, -1], [-0.02, 20], [0.34, 0], [0.66, 13]];

const round = (value) => Math.round(value * 10) / 10;

/**
 * Paths `{shape, tip}` of the tail. `phase` (radians) runs the wave along it; `reach` scales the
 * wave; `lift` -1 (hangs) … 1 (stands up).
 */
export function tailPaths(phase, reach, lift) {
  const line = centreLine(phase, reach, lift);
  return { shape: `${outline(line, 0, PIECES)}Z`, tip: `${outline(line, TIP_FROM, PIECES)}${furEdge(line[TIP_FROM])}Z` };
}

function centreLine(phase, reach, lift) {
  const line = [];
  let { x, y } = ROOT;
  let heading = 0.12 - 0.2 * lift;
  for (let piece = 0; piece <= PIECES; piece += 1) {
    const along = piece / PIECES;
    line.push({ x, y, heading, half: thickness(along) });
    const bend = along < 0.6 ? 0.178 + 0.025 * lift : -0.15 - 0.07 * lift;
    const wave = reach * 0.052 * (0.3 + along * 1.3) * Math.sin(phase - along * 3.1);
    heading += wave - bend;
    x += Math.cos(heading) * LENGTH;
    y += Math.sin(heading) * LENGTH;
  }
  return line;
}

function thickness(along) {
  const swell = 14 + 9 * Math.sin(Math.min(along * 1.15, 1) * Math.PI * 0.55);
  return along > 0.72 ? swell * Math.sqrt(Math.max(0, 1 - ((along - 0.72) / 0.28) ** 1.8)) : swell;
}

/** One side up, the other side down, through the middles of the points so that it is smooth. */
function outline(line, from, to) {
  const points = [];
  for (let at = from; at <= to; at += 1) points.push(beside(line[at], 1));
  for (let at = to - 1; at >= from; at -= 1) points.push(beside(line[at], -1));
  let path = `M${points[0].x} ${points[0].y}`;
  for (let at = 1; at < points.length - 1; at += 1) {
    const { x, y } = points[at];
    path += `Q${x} ${y} ${round((x + points[at + 1].x) / 2)} ${round((y + points[at + 1].y) / 2)}`;
  }
  return `${path}L${points.at(-1).x} ${points.at(-1).y}`;
}

/** From one side of the tail to the other, in tufts that point to its root. */
function furEdge(at) {
  return TUFTS.map(([across, back]) => {
    const { x, y } = beside(at, across);
    return `L${round(x - Math.cos(at.heading) * back)} ${round(y - Math.sin(at.heading) * back)}`;
  }).join("");
}

function beside({ x, y, heading, half }, side) {
  return { x: round(x + Math.sin(heading) * half * side), y: round(y - Math.cos(heading) * half * side) };
}
