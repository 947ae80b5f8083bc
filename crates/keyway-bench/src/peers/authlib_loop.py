import asyncio
import importlib

import httpx
from authlib.integrations.httpx_client import AsyncOAuth2Client

loop = importlib.import_module("loop")


async def main():
    server = loop.option("server")
    limits = httpx.Limits(max_connections=loop.CONCURRENCY)
    async with AsyncOAuth2Client("bench", "bench-secret", base_url=server, limits=limits) as client:
        await client.fetch_token(server + "/oauth/token", grant_type="client_credentials")

        async def send(method, url, body):
            answer = await client.request(method, url, json=body)
            return answer.status_code, answer.json()

        await loop.loop(send)


asyncio.run(main())
