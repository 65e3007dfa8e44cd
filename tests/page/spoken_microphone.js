/**
 * A microphone that says what it is told to, when it is told: `say(pcm)` with base64 of 16 kHz mono PCM16. Put there before
 * the page's own scripts. `window.refuse` is the name of the error with which it cannot be had.
 */
(() => {
  const RATE = 16_000;
  /** @type {{ context: AudioContext, output: MediaStreamAudioDestinationNode, hum: OscillatorNode } | null} */
  let made = null;
  const microphone = () => {
    if (made) return made;
    const context = new AudioContext();
    const output = context.createMediaStreamDestination();
    const hum = new OscillatorNode(context, { frequency: 60 });
    hum.connect(new GainNode(context, { gain: 2e-4 })).connect(output); // no microphone is without any noise
    hum.start();
    made = { context, output, hum };
    return made;
  };
  /** @type {MediaStream[]} */
  const streams = [];
  /** @param {MediaStreamConstraints} constraints */
  const getUserMedia = (constraints) => {
    const refuse = /** @type {unknown} */ (Reflect.get(window, "refuse"));
    if (typeof refuse === "string") return Promise.reject(new DOMException("", refuse));
    asked.push(constraints);
    const { deviceId } = typeof constraints.audio === "object" ? constraints.audio : {};
    const missing = /** @type {unknown} */ (Reflect.get(window, "missing"));
    const wanted = typeof deviceId === "object" && "exact" in deviceId ? deviceId.exact : null;
    if (Array.isArray(missing) && missing.includes(wanted)) return Promise.reject(new DOMException("", "OverconstrainedError"));
    const stream = microphone().output.stream.clone();
    streams.push(stream);
    return Promise.resolve(stream);
  };
  /** @type {MediaStreamConstraints[]} */
  const asked = [];
  /** @param {string} pcm */
  const say = async (pcm) => {
    const { context, output } = microphone();
    await context.resume();
    const bytes = Uint8Array.from(atob(pcm), (letter) => letter.charCodeAt(0));
    const samples = Float32Array.from(new Int16Array(bytes.buffer), (sample) => sample / 32768);
    const buffer = new AudioBuffer({ length: samples.length, sampleRate: RATE, numberOfChannels: 1 });
    buffer.copyToChannel(samples, 0);
    const source = new AudioBufferSourceNode(context, { buffer });
    source.connect(output);
    source.start();
    Object.assign(window, { saidAt: performance.now() + 1000 * ((context.outputLatency || 0) + context.baseLatency) });
  };
  if (!navigator.mediaDevices) return;
  Object.assign(navigator.mediaDevices, { getUserMedia });
  Object.assign(window, {
    say,
    asked,
    /** Nothing at all comes from it. */
    mute: () => microphone().hum.disconnect(),
    /** Frames of 20 ms for which it has been there. */
    ticks: () => (made?.context.currentTime ?? 0) * 50,
    unplug: () => {
      for (const track of streams.flatMap((stream) => stream.getTracks())) {
        track.stop();
        track.dispatchEvent(new Event("ended"));
      }
    },
    live: () => streams.flatMap((stream) => stream.getTracks()).filter(({ readyState }) => readyState === "live").length,
  });
})();
