/** The styles of what is loaded later: whatever module imports this one runs when they are there. */

import { element } from "./dom.js";

const first = /** @type {HTMLLinkElement} */ (document.querySelector("link[rel=stylesheet]"));
const link = element("link");
link.rel = "stylesheet";
link.href = first.href.replace("chat.css", "late.css");
document.head.append(link);
await new Promise((done) => (link.onload = link.onerror = done)); // without them, all works as well
