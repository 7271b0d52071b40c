"""Scrapy's settings: polite, plain, nothing listening, everything captured.

Each value that differs from Scrapy's default has its reason beside it (Scrapy 2.19).
"""

from __future__ import annotations

from archive import __version__

BOT_NAME = "ministry-bulletin-archive"
SPIDER_MODULES = ["crawler.spider"]
USER_AGENT = f"{BOT_NAME}/{__version__}"
ROBOTSTXT_OBEY = True
ROBOTSTXT_USER_AGENT = BOT_NAME

# One connection; a source's file sets the delay, and no jitter makes it shorter.
CONCURRENT_REQUESTS = 1
CONCURRENT_REQUESTS_PER_DOMAIN = 1
DOWNLOAD_DELAY = 2.0
DOWNLOAD_DELAY_JITTER = 0.0
DOWNLOAD_TIMEOUT = 60

# The largest answer kept; what is larger is cancelled and has no bytes.
DOWNLOAD_MAXSIZE = 64 * 1024 * 1024
DOWNLOAD_WARNSIZE = 0
# A body that ends early is kept as far as it came, marked truncated.
DOWNLOAD_FAIL_ON_DATALOSS = False
# Off by default in Scrapy.
DOWNLOAD_VERIFY_CERTIFICATES = True

# crawler.source_crawl asks again with the meta of the first try, of which Scrapy would warn.
META_COPY_WARN_SKIP_KEYS = ["download_latency"]

# Not REFERER_ENABLED: redirects, which robots.txt may use, ask for that middleware.
REFERRER_POLICY = "no-referrer"
# Two of Scrapy's extensions open a port on this machine, and none of the others is used. What is
# only switched off is imported all the same, here with an HTTP server: a fifth of a second.
EXTENSIONS_BASE: dict[str, int] = {}

DEFAULT_REQUEST_HEADERS = {
    "Accept": "text/html,application/xhtml+xml,application/json;q=0.9,*/*;q=0.8",
    "Accept-Language": "zh-CN,zh;q=0.9",
    # What archive.captures.decode can undo.
    "Accept-Encoding": "gzip, deflate",
}

# The newest pages first, as the archive hands them out; Scrapy's own order is last in, first out.
SCHEDULER_MEMORY_QUEUE = "scrapy.squeues.FifoMemoryQueue"

# All that a request and its answer pass, those of Scrapy at their usual places. Left out are, among
# others, its cookies, which would be needed only to pass block pages, and its retries, which come
# at once: crawler.source_crawl asks again when the host had time to recover.
DOWNLOADER_MIDDLEWARES_BASE: dict[str, int] = {}
DOWNLOADER_MIDDLEWARES = {
    "crawler.middlewares.RobotsMiddleware": 100,
    # After robots.txt, which says how long to wait between requests.
    "crawler.middlewares.PatienceMiddleware": 150,
    "scrapy.downloadermiddlewares.downloadtimeout.DownloadTimeoutMiddleware": 350,
    "scrapy.downloadermiddlewares.defaultheaders.DefaultHeadersMiddleware": 400,
    "scrapy.downloadermiddlewares.useragent.UserAgentMiddleware": 500,
    # Off in our spider, which unpacks by itself; for `scrapy shell`.
    "scrapy.downloadermiddlewares.httpcompression.HttpCompressionMiddleware": 590,
    # For robots.txt; what a redirected page leads to is asked for by the spider.
    "scrapy.downloadermiddlewares.redirect.RedirectMiddleware": 600,
    "scrapy.downloadermiddlewares.httpproxy.HttpProxyMiddleware": 750,
    # Beyond redirects (600): sees every answer as sent.
    "crawler.middlewares.CaptureMiddleware": 900,
}

# For each answer Scrapy starts so many tasks that pass on what a callback yields; it is requests.
CONCURRENT_ITEMS = 1
# It takes the callback's source apart for every answer, a millisecond each.
WARN_ON_GENERATOR_RETURN_VALUE = False

# A crawl is quiet unless something is wrong.
LOG_LEVEL = "WARNING"
