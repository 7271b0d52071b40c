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

# Scrapy would ask again at once; crawler.source_crawl does when the host had time to recover.
RETRY_ENABLED = False
# It asks with the meta of the first try, of which Scrapy would warn.
META_COPY_WARN_SKIP_KEYS = ["download_latency"]

# Cookies would be needed only to pass block pages; their code also loads a public suffix list.
COOKIES_ENABLED = False
METAREFRESH_ENABLED = False
# Not REFERER_ENABLED: redirects, which robots.txt may use, ask for that middleware.
REFERRER_POLICY = "no-referrer"
# Both open a port on this machine.
TELNETCONSOLE_ENABLED = False
REMOTE_CONTROL_ENABLED = False

DEFAULT_REQUEST_HEADERS = {
    "Accept": "text/html,application/xhtml+xml,application/json;q=0.9,*/*;q=0.8",
    "Accept-Language": "zh-CN,zh;q=0.9",
    # What archive.captures.decode can undo.
    "Accept-Encoding": "gzip, deflate",
}

# The newest pages first, as the archive hands them out; Scrapy's own order is last in, first out.
SCHEDULER_MEMORY_QUEUE = "scrapy.squeues.FifoMemoryQueue"

DOWNLOADER_MIDDLEWARES = {
    "scrapy.downloadermiddlewares.robotstxt.RobotsTxtMiddleware": None,
    "crawler.middlewares.RobotsMiddleware": 100,
    # After robots.txt, which says how long to wait between requests.
    "crawler.middlewares.PatienceMiddleware": 150,
    # Beyond redirects (600): sees every answer as sent.
    "crawler.middlewares.CaptureMiddleware": 900,
}

# A crawl is quiet unless something is wrong.
LOG_LEVEL = "WARNING"
