import asyncio
import importlib

import aiohttp

loop = importlib.import_module("loop")


async def main():
    connector = aiohttp.TCPConnector(limit=loop.CONCURRENCY)
    headers = {"authorization": "Bearer " + loop.TOKEN}
    async with aiohttp.ClientSession(loop.option("server"), connector=connector, headers=headers) as session:

        async def send(method, url, body):
            async with session.request(method, url, json=body) as answer:
                return answer.status, await answer.json()

        await loop.loop(send)


asyncio.run(main())
