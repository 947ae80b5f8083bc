// What the Node clients have in common: lines in, so many at once, results out.
import { once } from "node:events";
import { createInterface } from "node:readline";

export const TOKEN = "Bearer bench-token-of-forty-characters-or-so-00";

export function option(name) {
  return process.argv[process.argv.indexOf(`--${name}`) + 1];
}

export async function loop(send) {
  const concurrency = Number(option("concurrency"));
  const lines = createInterface({ input: process.stdin, crlfDelay: Infinity })[Symbol.asyncIterator]();
  process.stdout.setMaxListeners(0);
  const worker = async () => {
    for (let next = await lines.next(); !next.done; next = await lines.next()) {
      const { id, method, url, body } = JSON.parse(next.value);
      const answer = await send(method, `/api${url}`, body);
      const line = `${JSON.stringify({ id, status: answer.status, body: answer.body })}\n`;
      if (!process.stdout.write(line)) await once(process.stdout, "drain");
    }
  };
  await Promise.all(Array.from({ length: concurrency }, worker));
}
