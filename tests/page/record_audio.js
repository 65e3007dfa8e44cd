/**
 * Records every sample that the page plays, and every one that its microphone gives. Put there before the page's own
 * scripts, in a context without the page's policy; `window.recorder` is the text of `recorder_worklet.js`.
 */
(() => {
  /**
   * @typedef {{ at: number, samples: Float32Array }} Block `at`: when it was all there, in milliseconds of `Date.now()`
   * @typedef {object} Recording
   * @property {Block[]} blocks
   * @property {number} rate
   */
  const source = String(Reflect.get(window, "recorder"));
  const worklet = URL.createObjectURL(new Blob([source], { type: "text/javascript" }));
  /** @type {Record<"played" | "microphone", Recording>} */
  const recordings = { played: { blocks: [], rate: 0 }, microphone: { blocks: [], rate: 0 } };
  /** @type {(this: AudioNode, target: AudioNode, ...rest: number[]) => AudioNode} */
  const connect = Reflect.get(AudioNode.prototype, "connect");
  /** @type {WeakMap<BaseAudioContext, GainNode>} */
  const taps = new WeakMap();

  /**
   * @param {BaseAudioContext} context
   * @param {keyof typeof recordings} name
   */
  const tapOf = (context, name) => {
    const made = taps.get(context);
    if (made) return made;
    const tap = new GainNode(context);
    taps.set(context, tap);
    const recording = { blocks: /** @type {Block[]} */ ([]), rate: context.sampleRate };
    void context.audioWorklet.addModule(worklet).then(() => {
      const node = new AudioWorkletNode(context, "recorder", { channelCount: 1, channelCountMode: "explicit" });
      node.port.onmessage = (/** @type {MessageEvent<Block>} */ { data }) => recording.blocks.push(data);
      connect.call(tap, node);
      connect.call(node, context.destination); // of silence: only what leads there runs
      recordings[name] = recording;
    });
    return tap;
  };
  /**
   * @this {AudioNode}
   * @param {AudioNode} target
   * @param {number[]} rest
   */
  function connectAndRecord(target, ...rest) {
    if (this instanceof MediaStreamAudioSourceNode) connect.call(this, tapOf(this.context, "microphone"));
    else if (target instanceof AudioDestinationNode && this instanceof GainNode) connect.call(this, tapOf(this.context, "played"));
    return connect.call(this, target, ...rest);
  }
  Object.assign(AudioNode.prototype, { connect: connectAndRecord });
  /** @param {Float32Array} samples */
  const base64 = (samples) => {
    let text = "";
    for (const byte of new Uint8Array(samples.buffer, samples.byteOffset, samples.byteLength)) text += String.fromCharCode(byte);
    return btoa(text);
  };
  Object.assign(window, {
    recordings,
    /** @param {keyof typeof recordings} name */
    recorded: (name) => {
      const { blocks, rate } = recordings[name];
      return { rate, blocks: blocks.map(({ at, samples }) => [at, base64(samples)]) };
    },
    /** Seconds of silence with which it ends so far. @param {keyof typeof recordings} name */
    quietFor: (name) => {
      const { blocks, rate } = recordings[name];
      const last = blocks.findLastIndex(({ samples }) => samples.some((sample) => sample !== 0));
      return (blocks.length - 1 - last) * (blocks[0]?.samples.length ?? 0) / rate;
    },
  });
})();
