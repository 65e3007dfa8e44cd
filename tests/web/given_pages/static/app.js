// As N.E.K.O.'s page begins: words, who talks, the socket; then a session with the first text.
const root = document.currentScript.dataset.root;
const add = new Function("place", "text", "const item = document.createElement('li'); item.textContent = text; place.append(item); return item;");

(async () => {
  const talk = document.getElementById("talk");
  const { i18n_language: language } = await (await fetch(`${root}/api/config/steam_language`)).json().catch(() => ({}));
  const words = await (await fetch(`${root}/static/locales/${language || "en"}.json?v=1`).then((one) => (one.ok ? one : fetch(`${root}/static/locales/en.json?v=1`)))).json();
  document.querySelector("button").textContent = words.chat.send;
  const { lanlan_name: name } = await window.pageConfigReady;
  const socket = new WebSocket(`${location.protocol === "https:" ? "wss" : "ws"}://${location.host}${root}/ws/${encodeURIComponent(name)}`);
  let reply = null;
  let waiting = "";
  const say = (text) => socket.send(JSON.stringify({ action: "stream_data", data: text, input_type: "text" }));
  socket.onopen = () => { document.body.dataset.socket = name; };
  socket.onmessage = ({ data }) => {
    if (typeof data !== "string") return;
    const message = JSON.parse(data);
    if (message.type === "session_started") say(waiting);
    if (message.type !== "gemini_response") return;
    if (message.isNewMessage || !reply) reply = add(talk, "");
    reply.textContent += message.text;
  };
  document.getElementById("write").onsubmit = (event) => {
    event.preventDefault();
    waiting = document.getElementById("text").value;
    socket.send(JSON.stringify({ action: "start_session", input_type: "text", new_session: false }));
  };
})();
