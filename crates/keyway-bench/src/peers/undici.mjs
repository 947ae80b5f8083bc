import { Pool } from "undici";
import { TOKEN, loop, option } from "./loop.mjs";

const pool = new Pool(option("server"), { connections: Number(option("concurrency")) });
const headers = { authorization: TOKEN, "content-type": "application/json" };
await loop(async (method, path, body) => {
  const sent = body === undefined ? undefined : JSON.stringify(body);
  const answer = await pool.request({ method, path, headers, body: sent });
  return { status: answer.statusCode, body: await answer.body.json() };
});
await pool.close();
