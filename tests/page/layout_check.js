/** What a careful visitor would measure on the page as it stands. Installs `window.survey`. */
(() => {
  const paper = new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true });

  function rgba(colour) {
    paper.clearRect(0, 0, 1, 1);
    paper.fillStyle = colour;
    paper.fillRect(0, 0, 1, 1);
    const [red, green, blue, alpha] = paper.getImageData(0, 0, 1, 1).data;
    return [red, green, blue, alpha / 255];
  }

  const over = ([r, g, b, a], [R, G, B]) => [r * a + R * (1 - a), g * a + G * (1 - a), b * a + B * (1 - a), 1];

  function luminance([red, green, blue]) {
    const [r, g, b] = [red, green, blue].map((part) => {
      const share = part / 255;
      return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  }

  /** Contrast of an element's text with what lies behind it; the page's own paper where all is translucent. */
  function contrast(element) {
    const layers = [];
    let opacity = 1;
    for (let node = element; node; node = node.parentElement) {
      const style = getComputedStyle(node);
      layers.push(rgba(style.backgroundColor));
      opacity *= Number(style.opacity);
    }
    const root = getComputedStyle(document.documentElement);
    const behind = layers.reduceRight((below, layer) => over(layer, below), rgba(root.getPropertyValue("--paper")));
    const ink = rgba(getComputedStyle(element).color);
    const [light, dark] = [luminance(over([ink[0], ink[1], ink[2], ink[3] * opacity], behind)), luminance(behind)].sort((a, b) => b - a);
    return (light + 0.05) / (dark + 0.05);
  }

  function seen(element) {
    const style = getComputedStyle(element);
    const { width, height } = element.getBoundingClientRect();
    return width > 1 && height > 1 && style.visibility === "visible" && element.checkVisibility({ opacityProperty: true });
  }

  const named = (element) => `${element.tagName.toLowerCase()}.${element.className?.baseVal ?? element.className} “${(element.textContent || "").trim().slice(0, 40)}”`;

  function texts(root = document.body) {
    const found = [];
    const walker = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
    while (walker.nextNode()) {
      const text = walker.currentNode.textContent.trim();
      const element = walker.currentNode.parentElement;
      if (text && !element.closest("noscript, script, style") && seen(element)) found.push([text, element]);
    }
    return found;
  }

  window.survey = {
    contrast,
    /** Resolves when nothing fades in or out any more. */
    settled: () => Promise.allSettled(document.getAnimations().filter((one) => one.effect.getComputedTiming().endTime < 5000).map((one) => one.finished)).then(() => null),
    /** Texts below `least` in an element, with their contrast. */
    faint: (selector, least) =>
      texts(document.querySelector(selector))
        .filter(([, element]) => !element.closest(":disabled"))
        .map(([, element]) => [named(element), Math.round(contrast(element) * 100) / 100])
        .filter(([, found]) => found < least),
    /** Controls smaller than `least` pixels in either direction. */
    small: (selector, least) =>
      [...document.querySelectorAll(`${selector} :is(button, select, textarea, input, summary)`)]
        .filter((element) => seen(element) && !element.closest(".line"))
        .map((element) => [element, (element.closest("label") ?? element).getBoundingClientRect()])
        .filter(([, box]) => Math.round(box.width) < least || Math.round(box.height) < least)
        .map(([element, box]) => `${named(element)} ${element.id} ${Math.round(box.width)}×${Math.round(box.height)}`),
    /** Visible elements that reach out of the window sideways and are not inside something that scrolls. */
    outside: () =>
      [...document.body.querySelectorAll("*")]
        .filter((element) => !(element instanceof SVGElement) && seen(element) && !element.closest(".md-code, .md-table, .avatar, .stage, .settings-nav"))
        .filter((element) => {
          const { left, right } = element.getBoundingClientRect();
          return right > innerWidth + 1 || left < -1;
        })
        .map(named),
    /** Every word that a reader can see or hear. */
    words: (root = document.body) => [
      ...texts(root).map(([text]) => text),
      ...[...root.querySelectorAll("[aria-label], [title], [placeholder], [alt]")]
        .filter(seen)
        .flatMap((element) => ["aria-label", "title", "placeholder", "alt"].map((name) => element.getAttribute(name)))
        .filter(Boolean),
    ],
  };
})();
