/**
 * An ear and an eye in the page, put there before its own scripts: `window.heard` lists
 * `{at, level}` (performance milliseconds, root mean square) of every block that goes to the
 * loudspeaker; `window.mouths` lists `{at, open, shape, height}` of her lips at
 * every frame.
 */
(() => {
  const BLOCK = 1024;
  window.heard = [];
  window.mouths = [];
  const connect = AudioNode.prototype.connect;
  const ears = new WeakMap();
  const ear = (context) => {
    if (!ears.has(context)) {
      const node = context.createScriptProcessor(BLOCK, 1, 1);
      node.onaudioprocess = (event) => {
        let sum = 0;
        for (const sample of event.inputBuffer.getChannelData(0)) sum += sample * sample;
        window.heard.push({ at: performance.now(), level: Math.sqrt(sum / BLOCK) });
      };
      connect.call(node, context.destination);
      ears.set(context, node);
    }
    return ears.get(context);
  };
  AudioNode.prototype.connect = function (target, ...rest) {
    if (target instanceof AudioDestinationNode) connect.call(this, ear(this.context));
    return connect.call(this, target, ...rest);
  };
  const look = () => {
    const lips = document.querySelector('#avatar [id$="-mouth-lips"]');
    if (lips) {
      const shape = lips.getAttribute("d");
      const { height } = lips.getBBox();
      window.mouths.push({ at: performance.now(), open: shape.endsWith("Z"), shape, height });
    }
    requestAnimationFrame(look);
  };
  requestAnimationFrame(look);
})();
