/** What a careful visitor would measure on the page as it stands. Installs `window.survey`. */
(() => {
  /** @typedef {[red: number, green: number, blue: number, alpha: number]} Colour Parts 0…255, alpha 0…1. */

  const paper = new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true });

  /**
   * @param {string} colour as CSS says it
   * @returns {Colour}
   */
  function rgba(colour) {
    if (!paper) throw new Error("no canvas to draw on");
    paper.clearRect(0, 0, 1, 1);
    paper.fillStyle = colour;
    paper.fillRect(0, 0, 1, 1);
    const [red = 0, green = 0, blue = 0, alpha = 0] = paper.getImageData(0, 0, 1, 1).data;
    return [red, green, blue, alpha / 255];
  }

  /**
   * @param {Colour} upper
   * @param {Colour} lower opaque
   * @returns {Colour}
   */
  const over = ([r, g, b, a], [R, G, B]) => [r * a + R * (1 - a), g * a + G * (1 - a), b * a + B * (1 - a), 1];

  /** @param {number} part of a colour */
  function linear(part) {
    const share = part / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  }

  /** @param {Colour} colour */
  function luminance([red, green, blue]) {
    return 0.2126 * linear(red) + 0.7152 * linear(green) + 0.0722 * linear(blue);
  }

  /**
   * Contrast of an element's text with what lies behind it; the page's own paper where all is translucent.
   * @param {Element} element
   */
  function contrast(element) {
    const layers = [];
    let opacity = 1;
    for (let node = /** @type {Element | null} */ (element); node; node = node.parentElement) {
      const style = getComputedStyle(node);
      layers.push(rgba(style.backgroundColor));
      opacity *= Number(style.opacity);
    }
    const root = getComputedStyle(document.documentElement);
    const behind = layers.reduceRight((below, layer) => over(layer, below), rgba(root.getPropertyValue("--paper")));
    const ink = rgba(getComputedStyle(element).color);
    const front = luminance(over([ink[0], ink[1], ink[2], ink[3] * opacity], behind)) + 0.05;
    const back = luminance(behind) + 0.05;
    return Math.max(front, back) / Math.min(front, back);
  }

  /** @param {Element} element */
  function isVisible(element) {
    const style = getComputedStyle(element);
    const { width, height } = element.getBoundingClientRect();
    return width > 1 && height > 1 && style.visibility === "visible" && element.checkVisibility({ opacityProperty: true });
  }

  /** @param {Element} element */
  const nameOf = (element) => `${element.tagName.toLowerCase()}.${element.getAttribute("class") ?? ""} “${(element.textContent || "").trim().slice(0, 40)}”`;

  /**
   * @param {Element} root
   * @returns {[text: string, element: Element][]}
   */
  function texts(root) {
    /** @type {[string, Element][]} */
    const pairs = [];
    const walker = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
    while (walker.nextNode()) {
      const text = walker.currentNode.textContent?.trim();
      const element = walker.currentNode.parentElement;
      if (text && element && !element.closest("noscript, script, style") && isVisible(element)) pairs.push([text, element]);
    }
    return pairs;
  }

  /** @param {string} selector */
  function one(selector) {
    const element = document.querySelector(selector);
    if (!element) throw new Error(`nothing on the page is ${selector}`);
    return element;
  }

  /** @param {Animation} animation */
  function isShort(animation) {
    const { endTime } = animation.effect?.getComputedTiming() ?? {};
    return typeof endTime === "number" && endTime < 5000;
  }

  const survey = {
    contrast,
    /** Resolves when nothing fades in or out any more. */
    settled: () => Promise.allSettled(document.getAnimations().filter(isShort).map((animation) => animation.finished)).then(() => null),
    /**
     * Texts below `least` in an element, with their contrast.
     * @param {string} selector
     * @param {number} least
     */
    faint: (selector, least) =>
      texts(one(selector))
        .filter(([, element]) => !element.closest(":disabled"))
        .map(([, element]) => /** @type {const} */ ([nameOf(element), Math.round(contrast(element) * 100) / 100]))
        .filter(([, measured]) => measured < least),
    /**
     * Controls smaller than `least` pixels in either direction.
     * @param {string} selector
     * @param {number} least
     */
    small: (selector, least) =>
      [...document.querySelectorAll(`${selector} :is(button, select, textarea, input, summary)`)]
        .filter((element) => isVisible(element) && !element.closest(".line"))
        .map((element) => ({ element, box: (element.closest("label") ?? element).getBoundingClientRect() }))
        .filter(({ box }) => Math.round(box.width) < least || Math.round(box.height) < least)
        .map(({ element, box }) => `${nameOf(element)} ${element.id} ${Math.round(box.width)}×${Math.round(box.height)}`),
    /** Visible elements that reach out of the window sideways and are not inside something that scrolls. */
    outside: () =>
      [...document.body.querySelectorAll("*")]
        .filter((element) => !(element instanceof SVGElement) && isVisible(element) && !element.closest(".md-code, .md-table, .avatar, .stage, .settings-nav"))
        .filter((element) => {
          const { left, right } = element.getBoundingClientRect();
          return right > innerWidth + 1 || left < -1;
        })
        .map(nameOf),
    /** Every word that a reader can see or hear. */
    words: (root = /** @type {Element} */ (document.body)) => [
      ...texts(root).map(([text]) => text),
      ...[...root.querySelectorAll("[aria-label], [title], [placeholder], [alt]")]
        .filter(isVisible)
        .flatMap((element) => ["aria-label", "title", "placeholder", "alt"].map((name) => element.getAttribute(name)))
        .filter(Boolean),
    ],
  };
  Object.assign(window, { survey });
})();
