"""Stack traces of Java, Kotlin, Scala and of PHP's OpenTelemetry SDK: the innermost call first, causes follow. Pure."""

from __future__ import annotations

import re
from functools import lru_cache

from analytics.spans.stack_traces.frames import MAX_NAME, REMEMBERED_LINES, Frame, Raised, raised, split_head

_FRAME = re.compile(
    r"\s*at (?:[\w.@\-]*+/)*+(?=[^(]{2})([\w.$<>\-\\/]++(?:::)?[\w$<>\-{}]*+(?<=[\w$<>\-{}]))\(([^()]*+)\)(?: ~?\[.*\])?\s*\Z"
)
_CAUSE = re.compile(r"\s*(?:Caused by|Wrapped by): (?:\[CIRCULAR REFERENCE: ?)?(.*)", re.DOTALL)
_HEAD = re.compile(r'(?:Exception in thread "[^"]*" )?((?:[\w$\-]+[.\\])*[\w$]+)(?:: ?(.*))?\Z', re.DOTALL)
_FILE = re.compile(
    r"(?:[\w$\-]+\.(?:java|kt|kts|scala|groovy|clj|php)|Native Method|Unknown Source|unknown|<generated>)?(?::\d+)?\Z"
)
_LIBRARIES = re.compile(
    r"(?:java|javax|jakarta|jdk|sun|com\.sun|kotlin|kotlinx|scala|groovy|clojure|akka|rx|reactor|feign|okhttp3|okio|retrofit2"
    r"|redis\.clients|ch\.qos|brave|zipkin2|junit|net\.bytebuddy|net\.sf\.cglib|com\.(?:fasterxml|google|mysql|zaxxer|mongodb|netflix"
    r"|squareup|rabbitmq|microsoft|amazonaws|alibaba|github|datastax|oracle)"
    r"|io\.(?:netty|opentelemetry|grpc|lettuce|micrometer|micronaut|quarkus|vertx|undertow|reactivex|r2dbc|smallrye|dropwizard|nats)"
    r"|org\.(?:springframework|apache|hibernate|eclipse|postgresql|junit|slf4j|jboss|codehaus|mockito|mariadb|h2|gradle|reactivestreams"
    r"|glassfish|mybatis|redisson|thymeleaf|aspectj|elasticsearch|mongodb|neo4j|flywaydb|jooq|bouncycastle))[.$/]"
)
_GENERATED = (
    (re.compile(r"\$\$Lambda(?:[$/.]\d\w*)*"), "$$Lambda"),
    (re.compile(r"\$\$(?:Enhancer|FastClass)By\w+\$\$\w+"), ""),
    (re.compile(r"\$\$SpringCGLIB\$\$\d+"), ""),
    (re.compile(r"\$\$[0-9a-f]{6,}\b"), ""),
    (re.compile(r"\bGenerated(\w*?)Accessor\d+"), r"Generated\1Accessor"),
    (re.compile(r"\$Proxy\d+"), "$Proxy"),
    (re.compile(r"\blambda\$(\w+?)\$\d+"), r"lambda$\1"),
    (re.compile(r"\$anonfun\$(\w+?)\$\d+"), r"$anonfun$\1"),
    (re.compile(r"\$\d+(?=[.$]|\Z)"), "$"),
)


@lru_cache(REMEMBERED_LINES)
def frame_of(line: str) -> Frame | None:
    match = _FRAME.match(line)
    if match is None or not _FILE.match(match[2]):
        return None
    function = match[1]
    in_app = not _LIBRARIES.match(function)
    for pattern, instead in _GENERATED:
        function = pattern.sub(instead, function)
    return Frame(function[:MAX_NAME], "", in_app)


def read(lines: list[str]) -> list[Raised]:
    chain: list[Raised] = []
    kind, message = "", ""
    frames: list[Frame] = []
    suppressed: int | None = None
    for line in lines:
        depth = len(line) - len(line.lstrip())
        if line.lstrip().startswith("Suppressed:"):
            suppressed = depth  # an error of the clean-up: neither the cause nor caused
            continue
        if suppressed is not None:
            if line.strip() and depth > suppressed:
                continue
            if not line.lstrip().startswith("Caused by:") or depth < suppressed:
                suppressed = None
            elif depth == suppressed:
                continue
        if frame := frame_of(line):
            frames.append(frame)
        elif match := _CAUSE.match(line):
            chain.append(raised(kind, message, frames))
            kind, message = split_head(_HEAD, match[1])
            frames = []
        elif not frames and not kind and line.strip():
            kind, message = split_head(_HEAD, line.strip())
    chain.append(raised(kind, message, frames))
    return chain[::-1]
