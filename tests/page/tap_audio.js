/** Records what the page plays and how the mouth moves; put there before the page's own scripts. */
(() => {
  /**
   * @typedef {object} Tapped On `window`.
   * @property {{ at: number, level: number }[]} heard
   *   every block that goes to the loudspeaker: performance milliseconds, root mean square
   * @property {{ at: number, open: boolean, shape: string, height: number }[]} mouths the lips at every frame
   */

  const BLOCK = 1024;
  /** @type {Tapped} */
  const tapped = { heard: [], mouths: [] };
  Object.assign(window, tapped);
  /** @type {(this: AudioNode, target: AudioNode, ...rest: number[]) => AudioNode} */
  const connect = Reflect.get(AudioNode.prototype, "connect");
  /** @type {WeakMap<BaseAudioContext, AudioNode>} */
  const taps = new WeakMap();
  /** @param {BaseAudioContext} context */
  const tapOf = (context) => {
    const made = taps.get(context);
    if (made) return made;
    const tap = context.createScriptProcessor(BLOCK, 1, 1);
    tap.onaudioprocess = (event) => {
      let sum = 0;
      for (const sample of event.inputBuffer.getChannelData(0)) sum += sample * sample;
      tapped.heard.push({ at: performance.now(), level: Math.sqrt(sum / BLOCK) });
    };
    connect.call(tap, context.destination);
    taps.set(context, tap);
    return tap;
  };
  /**
   * @this {AudioNode}
   * @param {AudioNode} target
   * @param {number[]} rest
   */
  function connectAndTap(target, ...rest) {
    if (target instanceof AudioDestinationNode) connect.call(this, tapOf(this.context));
    return connect.call(this, target, ...rest);
  }
  Object.assign(AudioNode.prototype, { connect: connectAndTap });
  const look = () => {
    const lips = document.querySelector('#avatar [id$="-mouth-lips"]');
    if (lips instanceof SVGGraphicsElement) {
      const shape = lips.getAttribute("d") ?? "";
      const { height } = lips.getBBox();
      tapped.mouths.push({ at: performance.now(), open: shape.endsWith("Z"), shape, height });
    }
    requestAnimationFrame(look);
  };
  requestAnimationFrame(look);
})();
