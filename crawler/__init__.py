"""The network: sources, platforms, middlewares and one spider, as a Scrapy project."""
