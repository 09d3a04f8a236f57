// What cannot wait for the modules, which take longer on a slow line: the colours before the first paint, so
// that a dark page never flashes white, the reader's language, which strings.js would ask for last, the socket of
// somebody who has a name, with their hello, and the question for one as soon as the page is there.
{
  const kept = (/** @type {string} */ key) => {
    try {
      return JSON.parse(localStorage.getItem(key) ?? "null");
    } catch {
      return null; // no storage, or nothing of ours
    }
  };
  document.documentElement.dataset.theme = kept("chat:settings")?.theme ?? "system";

  const tags = navigator.languages.map((tag) => tag.slice(0, 2).toLowerCase()); // as language.js has it
  const german = tags.find((tag) => tag === "en" || tag === "de") === "de";
  const { src } = /** @type {HTMLScriptElement} */ (document.currentScript);
  const preload = document.createElement("link");
  preload.rel = "modulepreload";
  preload.href = src.replace("early.js", `base/${german ? "german" : "english"}.js`);
  document.head.append(preload);

  const connect = () => new WebSocket(location.origin.replace("http", "ws") + document.documentElement.dataset.chat, "chatroom.v1");
  const name = kept("chat:name");
  const begun = name ? connect() : undefined;
  // Messages to begin with: a screenful, and what scroll.js wants above it, of 48 pixels each. Older ones come by the API.
  const past = Math.min(60, Math.max(20, Math.ceil((screen.height + 900) / 48))) || 60;
  /** @type {import("./connection/connection.js").Early} */
  const early = { connect, begun, said: "", heard: [], past };
  /** @type {any} */ (window).early = early;
  const text = (/** @type {string} */ key) => (typeof kept(key) === "string" ? kept(key) : undefined);
  // Secrets in the address ("#key=...") are the modules' business: who has some says hello with them.
  if (begun && typeof name === "string" && !location.hash.includes("=")) {
    const room = new URL(begun.url).searchParams.get("room") ?? "lobby";
    let left = 4_000_000; // characters: without modules, it does not hear without end
    const hear = (/** @type {{data: string}} */ { data }) => {
      left -= data.length;
      if (left < 0) begun.close(); // then the modules begin anew
      else if (!data.startsWith('{"type":"typing"')) early.heard.push({ text: data, at: Date.now() });
    };
    begun.onopen = () => {
      early.said = JSON.stringify({
        type: "hello", userName: name, room, rooms: true,
        token: text("chat:token"), pass: text(`chat:pass:${room}`), past, read: text(`chat:read:${room}`), // to the letter as session.js has it
      });
      begun.send(early.said);
    };
    begun.onmessage = hear;
    begun.onclose = (event) => void (early.closed = event);
    setTimeout(() => begun.onmessage === hear && begun.close(), 30_000); // nobody is here without a page
  }

  // What a browser knows of languages takes a slow phone 100 ms to load: meanwhile, and not when it is needed.
  globalThis.requestIdleCallback?.(() => new Intl.DateTimeFormat(german ? "de" : "en", { timeStyle: "short" }).format());

  document.addEventListener("readystatechange", () => {
    // In English, the template's language; for others, name_dialog.js asks in their words.
    if (document.readyState !== "interactive" || german || name) return;
    const dialog = /** @type {HTMLDialogElement} */ (document.getElementById("name-dialog"));
    const form = /** @type {HTMLFormElement} */ (document.getElementById("name-form"));
    dialog.showModal();
    document.getElementById("name")?.focus();
    const hold = (/** @type {Event} */ event) => {
      event.preventDefault();
      form.dataset.answered = ""; // for name_dialog.js
    };
    form.addEventListener("submit", hold, { once: true });
  });
}
