"""What the Python clients have in common: lines in, so many at once, results out."""

import asyncio
import json
import sys

TOKEN = "bench-token-of-forty-characters-or-so-00"


def option(name):
    return sys.argv[sys.argv.index("--" + name) + 1]


async def loop(send):
    lines, written = iter(sys.stdin.buffer), [0]

    async def worker():
        for line in lines:
            message = json.loads(line)
            status, body = await send(message["method"], "/api" + message["url"], message.get("body"))
            result = {"id": message["id"], "status": status, "body": body}
            sys.stdout.write(json.dumps(result) + "\n")
            written[0] += 1
            if written[0] % min(CONCURRENCY, 16) == 0:
                sys.stdout.flush()

    await asyncio.gather(*(worker() for _ in range(CONCURRENCY)))
    sys.stdout.flush()


CONCURRENCY = int(option("concurrency"))
