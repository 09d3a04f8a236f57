/** All that the page says, in English. Loaded by browsers that do not prefer German. */

import { LANGUAGE, count, list } from "./language.js";

export const english = {
  // The frame
  title: "Chat room",
  skip: "Skip to the message box",
  menu: "Rooms and people",
  rooms: "Rooms",
  people: "Here",
  you: "you",
  onlyCounted: "Too many to list by name",
  conversation: "Conversation",
  messages: "Messages",
  pending: "Your messages on their way",
  quiet: "It is quiet in here.",
  quietMore: "Say the first word; whoever comes later will find it.",
  needsScript: "This chat room needs JavaScript. Please allow it for this page, then load it again.",
  close: "Close",

  // Connection
  connecting: "Connecting…",
  connected: "Connected",
  offline: "Offline.",
  restarting: "The server is restarting.",
  serverTrouble: /** @param {string} reason */ (reason) => `The server is having trouble: ${reason}.`,
  tooSlow: "This connection was too slow to follow.",
  closedBecause: /** @param {string} reason */ (reason) => `Connection closed: ${reason}.`,
  lost: "Connection lost.",
  full: "The server is not letting anyone in; the room may be full.",
  failing: "The server is having trouble.",
  unreachable: "The server cannot be reached.",
  tryingAgain: "Trying again",
  inSeconds: /** @param {number} seconds */ (seconds) => ` in ${seconds} s…`,
  tryNow: "Try now",
  refused: /** @param {string} reason */ (reason) => `The server closed this connection: ${reason}.`,
  resumed: /** @param {number} n */ (n) => `Connected again. ${count(n, "You missed one message.", "You missed # messages.")}`,
  gapTitle: "Connected again, but not everything said meanwhile is available. Some messages may be missing.",

  // Writing
  message: "Message",
  writeHere: "Write a message",
  send: "Send",
  hintSends: "sends",
  hintBreaks: "starts a new line",
  tooLong: /** @param {number} n @param {number} most */ (n, most) =>
    `This message is ${n.toLocaleString(LANGUAGE)} bytes too long; ${most.toLocaleString(LANGUAGE)} fit. Please shorten or split it.`,
  tooMany: /** @param {number} n */ (n) => `${n} messages are waiting already. This one stays here until they are sent.`,
  onItsWay: "sending…",
  waiting: /** @param {number} n */ (n) => count(n, "Waiting to be sent", "# messages are waiting to be sent"),
  waitingUnkept: /** @param {number} n */ (n) =>
    count(n, "Waiting to be sent, and lost if you close this page", "# messages are waiting to be sent; not all are kept if you close this page"),
  notSent: /** @param {string} reason */ (reason) => `Not sent: ${reason}`,
  retry: "Retry",
  edit: "Edit",
  discard: "Discard",
  reasons: /** @type {Record<string, string>} */ ({}), // of what the server says itself, by its code or words
  discardAll: "Discard all",
  refusedOne: "The server refused a message. See above for what you can do.",
  typing: /** @param {string[]} names */ (names) =>
    names.length > 3 ? "Several people are typing…" : `${list(names, "and")} ${names.length === 1 ? "is" : "are"} typing…`,

  // Reading
  today: "Today",
  yesterday: "Yesterday",
  newMessages: /** @param {number} n */ (n) => count(n, "1 new message", "# new messages"),
  toNewest: "Jump to newest",
  unreadFromHere: "New",
  missedFromHere: /** @param {number} n */ (n) => count(n, "You missed one message", "You missed # messages"),
  gap: "Some messages may be missing here.",
  beginning: "The conversation begins here.",
  loading: "Loading older messages…",
  cannotLoad: "Older messages could not be loaded.",
  notFound: "This message no longer exists.",
  linkTo: /** @param {string} time */ (time) => `${time}. Link to this message`,
  mentionsYou: "mentions you",
  unchecked: "Nobody checked this name: it was sent by a simple client.",
  showAll: "Show all",
  came: /** @param {string[]} names @param {number} more */ (names, more) =>
    `${list(more ? [...names, count(more, "one more", "# more")] : names, "and")} came`,
  went: /** @param {string[]} names @param {number} more */ (names, more) =>
    `${list(more ? [...names, count(more, "one more", "# more")] : names, "and")} left`,
  isNow: /** @param {string} before @param {string} now */ (before, now) => `${before} is now ${now}`,

  // Names
  welcome: "Welcome",
  chooseName: "What should others call you?",
  enter: "Come in",
  rename: "Change your name",
  anotherName: "Another name, please",
  save: "Save",
  cancel: "Cancel",
  nameTaken: /** @param {string} name */ (name) => `Somebody here is called ${name} already.`,
  nameFree: /** @param {string} name */ (name) => `${name} is free.`,
  badName: "This name cannot be used: it needs something visible, and no characters that reverse the direction of text.",
  nothingTracked: "No account, no cookies: nothing is tracked, nothing leaves this server.",

  // Rooms
  goToRoom: "Go to a room, or create one",
  anotherRoom: "Another room",
  go: "Go",
  badRoom: "Invalid room name: use 1 to 64 letters, digits, “_”, “-” or “.”.",
  unreadIn: /** @param {number} n */ (n) => count(n, "1 unread", "# unread"),

  // Invitation
  invite: "Invite",
  inviteTitle: "Invite others",
  inviteHow: "Anyone on the same network can open this address or scan the code:",
  inviteLocal: "This address works on this computer only: the server accepts no other. Set hostName to \"0.0.0.0\" in config.json to let others in.",
  qrCode: "QR code of the address",
  copy: "Copy",
  copied: "Copied",

  // Settings
  settings: "Settings",
  theme: "Appearance",
  themeSystem: "Same as system",
  themeLight: "Light",
  themeDark: "Dark",
  notify: "Notifications",
  notifyOff: "None",
  notifyMentions: "When I am mentioned",
  notifyAll: "For every message",
  notifyDenied: "The browser does not allow notifications for this page; its settings can change that.",
  notifyInsecure: "Browsers show notifications only for pages on https or on this computer.",
  sound: "A quiet sound for new messages",

  // Search
  search: "Search",
  searchFor: "Search this room",
  older: "Older",

  // Help
  help: "Help",
  helpTitle: "Keys",
  control: "Ctrl",
  pageUp: "Page ↑",
  pageDown: "Page ↓",
  keySend: "send",
  keyBreak: "new line",
  keyRecall: "what you sent last, in an empty box",
  keySearch: "search",
  keyRooms: "go to a room",
  keyHelp: "this sheet",
  keyEscape: "back to the newest message and the box",
  keyScroll: "a page up or down, from the box too",
  helpText: "`code` between backticks, ``` around several lines. Addresses become links. Click a message's time for a link to it.",
};
