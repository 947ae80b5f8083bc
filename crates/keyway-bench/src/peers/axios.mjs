import http from "node:http";
import axios from "axios";
import { TOKEN, loop, option } from "./loop.mjs";

const agent = new http.Agent({ keepAlive: true, maxSockets: Number(option("concurrency")) });
const client = axios.create({ baseURL: option("server"), httpAgent: agent, headers: { authorization: TOKEN } });
await loop(async (method, url, data) => {
  const answer = await client.request({ method, url, data });
  return { status: answer.status, body: answer.data };
});
agent.destroy();
