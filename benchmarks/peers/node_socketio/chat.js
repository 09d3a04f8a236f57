// The small socket.io chat over several processes, with one of its two usual adapters.
//
// Usage: chat.js PORT redis|postgresql URL
"use strict";

const { createServer } = require("node:http");
const { Server } = require("socket.io");

const [port, kind, url] = process.argv.slice(2);

async function redisAdapter() {
  const { createAdapter } = require("@socket.io/redis-adapter");
  const { createClient } = require("redis");
  const publisher = createClient({ url });
  const subscriber = publisher.duplicate();
  await Promise.all([publisher.connect(), subscriber.connect()]);
  return createAdapter(publisher, subscriber);
}

async function postgresAdapter() {
  const { createAdapter } = require("@socket.io/postgres-adapter");
  const { Pool } = require("pg");
  const pool = new Pool({ connectionString: url });
  // As its manual has it; two processes that make a table at the same moment collide.
  await pool
    .query(
      `CREATE TABLE IF NOT EXISTS socket_io_attachments (
         id bigserial UNIQUE, created_at timestamptz DEFAULT NOW(), payload bytea)`,
    )
    .catch(() => {});
  return createAdapter(pool);
}

async function main() {
  const adapter = await (kind === "redis" ? redisAdapter() : postgresAdapter());
  const server = createServer();
  const io = new Server(server, { adapter });
  io.on("connection", (socket) => {
    socket.on("message", (message) => io.emit("message", message));
  });
  server.listen(Number(port), "127.0.0.1");
}

main();
