"""User agents of programs: crawlers, monitors, previews of links, HTTP libraries and browsers without a window. Pure.

The list is of texts that such programs say of themselves, as the public lists of them (crawler-user-agents, isbot) have it; a
program that calls itself a browser is not found.
"""

from __future__ import annotations

from functools import lru_cache

PROPERTIES = ("user_agent", "$raw_user_agent", "user_agent.original")
"""Properties of events that have a user agent: Drishti's, PostHog's and OpenTelemetry's."""

PARTS = (
    *("bot", "crawl", "spider", "slurp", "archiver", "scrap", "fetcher", "indexer", "feedburner", "feedly"),
    *("headless", "phantomjs", "puppeteer", "playwright", "selenium", "electron-prerender", "prerender", "rendertron"),
    *("lighthouse", "pagespeed", "gtmetrix", "pingdom", "statuscake", "site24x7", "newrelicpinger", "datadog", "catchpoint"),
    *("uptime", "monitor", "checker", "validator", "synthetic", "nagios", "zabbix", "blackbox", "kube-probe", "elb-health"),
    *("facebookexternalhit", "facebookcatalog", "whatsapp/", "embedly", "linkpreview", "skypeuripreview", "google-read-aloud"),
    *("mediapartners-google", "adsbot", "apis-google", "google-inspectiontool", "googleother", "bingpreview", "yahoo link"),
    *("gptbot", "chatgpt-user", "claude-user", "claude-web", "perplexity-user", "anthropic-ai", "cohere-ai", "bytespider"),
    *("ahrefs", "semrush", "mj12", "dotbot", "screaming frog", "netcraft", "censys", "zgrab", "masscan", "nmap", "nuclei"),
    *("curl/", "wget", "httpie", "python-requests", "python-urllib", "python-httpx", "aiohttp", "go-http-client"),
    *("java/", "apache-httpclient", "libwww", "lwp::", "node-fetch", "axios/", "got (", "undici", "guzzle", "ruby", "postman"),
    *("insomnia/", "k6.io", "jmeter", "gatling", "locust", "apachebench", "vegeta", "wrk/"),
)
"""In lower case: a user agent that has one of them is a program's."""

_PHONES = ("cubot",)
"""What people have that has a part of the list in its name."""


@lru_cache(maxsize=20_000)
def is_bot(user_agent: str) -> bool:
    """Whether this is what a program calls itself."""
    text = user_agent.lower()
    for phone in _PHONES:
        text = text.replace(phone, "")
    return any(part in text for part in PARTS)
