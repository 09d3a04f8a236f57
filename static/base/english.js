/**
 * What the page says from the start, in English; german.js has it in German, more_strings.js what is said later.
 *
 * A string that the template holds stands there in English, with its key in `data-t` (its text),
 * `data-t-label`, `data-t-title` or `data-t-placeholder`. tsc sees to it that German lacks nothing.
 */

import { LANGUAGE, count, list } from "./language.js";

export const english = {
  // The frame
  title: "Chat room",
  skip: "Skip to the message box",
  menu: "Rooms and people",
  rooms: "Rooms",
  people: "People here",
  you: "you",
  host: "Host",
  thisRoom: "This room",
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
  offline: "Offline. Waiting for the network.",
  restarting: "The server is restarting.",
  serverTrouble: /** @param {string} reason */ (reason) => `The server is having trouble: ${reason}.`,
  tooSlow: "This connection was too slow to follow.",
  closedBecause: /** @param {string} reason */ (reason) => `Connection closed: ${reason}.`,
  lost: "Connection lost.",
  full: "The server lets nobody in: the room may be full, or its proxy set up wrong.",
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
  heldForHost: "Waits for a host",
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
  notFound: "This message no longer exists.",
  linkTo: /** @param {string} time */ (time) => `${time}. Link to this message`,
  edited: "edited",
  mentionsYou: "mentions you",
  unchecked: "Nobody checked this name: it was sent by a simple client.",
  showAll: "Show all",

  // Names
  welcome: /** @param {string} room */ (room) => `Welcome to ${room}`,
  whatThisIs: "This is a chat room: everyone who opens its address can read and write here.",
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
  goToRoom: "Join or make a room",
  roomName: "Its name",
  go: "Go",

  // Invitation
  invite: "Invite",
  inviteTitle: "Invite others",

  // Settings
  settings: "Settings",

  // Search
  search: "Search",
  searchFor: "Search this room",
  older: "Older",

  // More
  more: "More",
  printAll: "Print the whole conversation",
  saveAll: "Save it as a file",
  help: "Help",
};
