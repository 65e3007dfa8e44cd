"""Pictures of the built-in character side by side, to be looked at: ``python -m tests.page.strips FOLDER [NAME …]``.

Each sheet is a page with many avatars that are stopped at the same moment: ``feelings`` (each feeling in each bearing),
one sheet a movement (each avatar began a little later than the one before), ``palettes`` and ``large``.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import Any

from playwright.async_api import async_playwright

from tests.chromium import FLAGS, find_chromium
from tests.page.static_page import open_static_page

SHEET = """async ({ rows, width, height, settleMs }) => {
  const { createAvatar } = await import("/static/avatar/avatar.js");
  document.body.style.cssText = "margin:0;font:12px sans-serif;background:#f9e5d6";
  const wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
  const made = [];
  for (const row of rows) {
    const line = document.body.appendChild(document.createElement("div"));
    line.style.cssText = "display:flex";
    for (const cell of row) {
      const box = line.appendChild(document.createElement("figure"));
      box.style.cssText = "margin:0;text-align:center";
      const place = box.appendChild(document.createElement("div"));
      place.style.cssText = `width:${width}px;height:${height}px`;
      box.append(cell.label);
      const avatar = await createAvatar(place, { reducedMotion: cell.still ?? false, ...cell.options });
      made.push({ avatar, cell });
    }
  }
  const apply = ({ avatar, cell }) => {
    if (cell.emotion) avatar.setEmotion(cell.emotion, 1);
    if (cell.activity) avatar.setActivity(cell.activity);
    if (cell.mouth) avatar.setMouth(cell.mouth);
    if (cell.motion) avatar.playMotion(cell.motion);
    if (cell.look) avatar.lookAt(cell.look);
  };
  const longest = Math.max(...made.map(({ cell }) => cell.beganMs ?? 0));
  if (longest) await wait(400);
  await Promise.all(made.map(async (one) => {
    await wait(longest - (one.cell.beganMs ?? 0));
    apply(one);
    await wait(one.cell.beganMs ?? settleMs);
    one.avatar.pause();
  }));
  for (const { avatar } of made) avatar.pause();
}"""

FEELINGS = ("neutral", "happy", "sad", "angry", "surprised", "relaxed")
ACTIVITIES = ("idle", "listening", "thinking", "speaking")
OPEN = {"open": 0.8, "shape": {"a": 1}}
PALETTES: dict[str, dict[str, str]] = {
    "own": {},
    "black": {"hair": "#26222b", "eyes": "#8a5a2b", "clothes": "#7a2f3f", "ears": "#26222b"},
    "silver": {"hair": "#dfe0ea", "eyes": "#5a78d8", "clothes": "#3d4668", "ears": "#c9cad6"},
    "honey": {"hair": "#e2b35c", "eyes": "#3f8f4f", "clothes": "#f0e3cf", "ears": "#f4ead8"},
    "rose": {"hair": "#e79bb0", "eyes": "#a04a86", "clothes": "#8fa8d6", "ears": "#f7d9de"},
    "night": {"hair": "#35507a", "eyes": "#d9a53a", "clothes": "#c9785a", "ears": "#2b3550"},
}


def _feelings() -> dict[str, Any]:
    rows: list[list[dict[str, Any]]] = []
    for feeling in FEELINGS:
        row: list[dict[str, Any]] = [
            {"label": f"{feeling} {activity}", "emotion": feeling, "activity": activity} for activity in ACTIVITIES
        ]
        row[3]["mouth"] = OPEN
        row.append({"label": f"{feeling} laugh", "emotion": feeling, "motion": "laugh"})
        rows.append(row)
    return {"rows": rows, "width": 280, "height": 330, "settleMs": 700}


def _movement(every_ms: int, count: int = 10, **cell: Any) -> dict[str, Any]:
    cells = [{**cell, "label": f"{at * every_ms} ms", "beganMs": at * every_ms} for at in range(1, count + 1)]
    half = (count + 1) // 2
    return {"rows": [cells[:half], cells[half:]], "width": 280, "height": 420, "settleMs": 0}


SHEETS: dict[str, dict[str, Any]] = {
    "feelings": _feelings(),
    "blink": _movement(40, 8, motion="blink"),
    "laugh": _movement(180, 10, motion="laugh", emotion="happy"),
    "touch_head": _movement(160, 10, motion="touched_head"),
    "touch_tail": _movement(160, 10, motion="touched_tail"),
    "touch_nose": _movement(160, 10, motion="touched_nose"),
    "listen": _movement(140, 10, activity="listening"),
    "palettes": {
        "rows": [[{"label": name, "options": {"colours": colours}} for name, colours in PALETTES.items()]],
        "width": 400, "height": 660, "settleMs": 900,
    },
    "large": {
        "rows": [[{"label": name, "still": True, "activity": name} for name in ACTIVITIES[:3]]],
        "width": 760, "height": 1100, "settleMs": 1500,
    },
}  # fmt: skip


async def draw(folder: Path, names: list[str]) -> None:
    """Write ``NAME.png`` for each of the sheets."""
    folder.mkdir(parents=True, exist_ok=True)
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=find_chromium(), args=FLAGS)
        for name in names:
            sheet = SHEETS[name]
            rows = sheet["rows"]
            page = await open_static_page(
                browser, sheet["width"] * max(map(len, rows)), (sheet["height"] + 16) * len(rows)
            )
            await page.evaluate(SHEET, sheet)
            await page.screenshot(path=folder / f"{name}.png")
            await page.close()
        await browser.close()


if __name__ == "__main__":
    asyncio.run(draw(Path(sys.argv[1]), sys.argv[2:] or list(SHEETS)))
