/**
 * What a message says, in short; of a picture alone, what it shows.
 *
 * @param {import("../connection/session.js").Message} message
 * @param {number} most characters
 */
export function excerpt({ body, file }, most) {
  const text = body || file?.alt || file?.name || "";
  return text.length > most ? `${text.slice(0, most)}…` : text;
}
