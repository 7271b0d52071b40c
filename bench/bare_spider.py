"""The rival of the crawl: a bare Scrapy spider that writes JSON lines, as the tutorials have it.

``python -m bench.bare_spider ADDRESS FILE``. It walks the same list with the same manners: it obeys
robots.txt, has one connection and no delay. It keeps title, date and text, and nothing else.
"""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Iterator
from typing import Any

import scrapy
from scrapy.crawler import CrawlerProcess
from scrapy.http import Response


class BareSpider(scrapy.Spider):
    """Follows the list to its end and yields an item a page."""

    name = "bare"
    address = ""

    async def start(self) -> AsyncIterator[Any]:
        yield scrapy.Request(f"{self.address}/news/index.html", self.parse, meta={"number": 1})

    def parse(self, response: Response, **kwargs: Any) -> Iterator[Any]:
        """A list page."""
        rows = response.css("li.date a::attr(href)").getall()
        for row in rows:
            yield response.follow(row, self.parse_page)
        if rows:
            number = response.meta["number"] + 1
            following = f"{self.address}/news/index_{number}.html"
            yield scrapy.Request(following, self.parse, meta={"number": number})

    def parse_page(self, response: Response) -> Iterator[dict[str, Any]]:
        """A page."""
        yield {
            "url": response.url,
            "title": response.css("meta[name=ArticleTitle]::attr(content)").get(),
            "published": response.css("meta[name=PubDate]::attr(content)").get(),
            "text": "\n".join(response.css("div.editor-content p ::text").getall()),
        }


def main(address: str, file: str) -> None:
    """Crawl a site into a file of JSON lines."""
    BareSpider.address = address
    process = CrawlerProcess(
        {
            "CONCURRENT_REQUESTS": 1,
            "CONCURRENT_REQUESTS_PER_DOMAIN": 1,
            "DOWNLOAD_DELAY": 0,
            "ROBOTSTXT_OBEY": True,
            "TELNETCONSOLE_ENABLED": False,
            "LOG_LEVEL": "WARNING",
            "FEEDS": {file: {"format": "jsonlines", "encoding": "utf-8"}},
        }
    )
    process.crawl(BareSpider)
    process.start()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
