// What N.E.K.O.'s pages want of a browser, each by itself: `done` names what went well.
window.addEventListener("three-ready", () => did("module by a name"));
window.addEventListener("message", ({ data, origin }) => {
  if (origin === location.origin && data.type === "api_key_changed") did("a page in a page");
});
function openKeys() {
  did("a handler in the page");
  const frame = document.createElement("iframe");
  frame.src = "api_key";
  document.body.append(frame);
}
const channel = new BroadcastChannel("neko_page_channel");
new BroadcastChannel("neko_page_channel").onmessage = () => did("a word to another page");
channel.postMessage({ action: "reload_model" });

const code = URL.createObjectURL(new Blob(["postMessage(1)"], { type: "text/javascript" }));
new Worker(code).onmessage = () => did("a worker out of text");
WebAssembly.instantiate(new Uint8Array([0, 97, 115, 109, 1, 0, 0, 0])).then(() => did("a decoder in WebAssembly"));
new OfflineAudioContext(1, 1, 48000).audioWorklet.addModule("/static/audio-processor.js").then(() => did("a microphone"));

const canvas = Object.assign(document.createElement("canvas"), { width: 2, height: 2 });
canvas.getContext("2d").fillRect(0, 0, 2, 2);
const picture = new Image();
picture.onload = () => did("a picture out of a canvas");
picture.src = canvas.toDataURL("image/png");
document.head.insertAdjacentHTML("beforeend", "<style>button { color: rgb(1, 2, 3); }</style>");
if (getComputedStyle(document.querySelector("button")).color === "rgb(1, 2, 3)") did("a style of its own");
fetch(picture.src).then((answer) => answer.blob()).then(() => did("a picture to send"));
