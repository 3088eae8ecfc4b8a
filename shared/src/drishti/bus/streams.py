"""Declares the streams, consumers and buckets of the catalogue: one step, before the services start, as often as one likes.

What exists as the catalogue has it is left alone. What differs stops the step with :class:`BusConflict`, which lists every
difference; nothing is changed then.
"""

from __future__ import annotations

from typing import Any

from nats.js import JetStreamContext, api
from nats.js.errors import NotFoundError

from drishti.bus.backlog import Sample
from drishti.bus.faults import own_errors
from drishti.errors import BusConflict
from drishti.messages import catalogue
from drishti.messages.catalogue import Durable, MessageType

MODELS_MAX_BYTES = 256 * catalogue.MIB


def stream_config(message: MessageType) -> api.StreamConfig:
    """The stream that keeps ``message``. Old messages give way when it is full; that is the overflow policy by name."""
    return api.StreamConfig(
        name=message.stream,
        description=message.description,
        subjects=[message.wildcard],
        retention=api.RetentionPolicy.LIMITS,
        storage=api.StorageType.FILE,
        discard=api.DiscardPolicy.OLD,
        max_age=float(message.max_age_s),
        max_bytes=message.max_bytes,
        duplicate_window=float(catalogue.DUPLICATE_WINDOW_S),
        compression=api.StoreCompression.S2,
        allow_direct=True,
        allow_msg_ttl=message.ttl,
    )


def consumer_config(durable: Durable) -> api.ConsumerConfig:
    """A durable pull consumer. Deliveries are not limited: the handler decides when a message has had its last try."""
    return api.ConsumerConfig(
        durable_name=durable.name,
        deliver_policy=api.DeliverPolicy.ALL,
        ack_policy=api.AckPolicy.EXPLICIT,
        ack_wait=float(durable.ack_wait_s),
        max_ack_pending=durable.max_ack_pending,
        max_deliver=-1,
    )


_DECIDING = (
    "deliver_policy", "opt_start_seq", "opt_start_time", "ack_policy", "max_deliver", "replay_policy", "filter_subject",
    "filter_subjects", "headers_only", "deliver_subject", "rate_limit_bps", "inactive_threshold",
)  # fmt: skip
"""What decides which messages a consumer delivers, to whom and how often. The rest (times, limits) an operator may tune."""

STREAM_NOT_FOUND = 10059


def is_stream_missing(error: NotFoundError) -> bool:
    """Whether it is the stream that was not there, and not the consumer."""
    return error.err_code == STREAM_NOT_FOUND


def missing_stream(stream: str) -> str:
    """What to say of a stream that is not there."""
    return f"the stream {stream} does not exist: an administrator declares it again with `drishti bus declare`"


def sample_of(info: api.ConsumerInfo) -> Sample:
    """How far a consumer is."""
    return Sample(
        waiting=info.num_pending or 0,
        unacknowledged=info.num_ack_pending or 0,
        delivered=info.delivered.stream_seq if info.delivered else 0,
        requests=info.num_waiting or 0,
    )


async def ensure_consumer(js: JetStreamContext, stream: str, durable: Durable) -> str:
    """Declares ``durable`` where it is missing, or delivers otherwise than the catalogue says; returns what was wrong.

    Made again, a consumer delivers everything that the stream keeps: consumers dedupe. Needs the rights of its owner. Raises
    :class:`NotFoundError` where the stream is missing.
    """
    wanted = consumer_config(durable)
    wanted.name = durable.name  # this way the subject that creates it has its name, and rights can be given for it alone
    try:
        deployed = (await js.consumer_info(stream, durable.name)).config
    except NotFoundError as error:
        if is_stream_missing(error):
            raise
        await js.add_consumer(stream, wanted)
        return "it was missing"
    differing = [name for name in _DECIDING if (getattr(deployed, name) or None) != (getattr(wanted, name) or None)]
    if not differing:
        return ""
    # Changed in place it would go on after what it passed over meanwhile.
    await js.delete_consumer(stream, durable.name)
    await js.add_consumer(stream, wanted)
    return f"it delivered otherwise than the catalogue says ({', '.join(differing)})"


def bucket_config(name: str, bucket: catalogue.Bucket) -> api.KeyValueConfig:
    return api.KeyValueConfig(
        bucket=name,
        history=bucket.history,
        max_bytes=bucket.max_bytes,
        max_value_size=bucket.max_value_bytes,
        ttl=bucket.max_age_s,
        direct=bucket.direct,
    )


async def declare(js: JetStreamContext) -> list[str]:
    """Creates what is missing; returns a line for each thing created. Needs the rights of the ``admin`` user.

    Raises :class:`BusConflict`, and :class:`~drishti.errors.BusUnavailable` where NATS refuses or does not answer.
    """
    with own_errors():
        return await _declare(js)


async def _declare(js: JetStreamContext) -> list[str]:
    conflicts: list[str] = []
    missing: list[api.StreamConfig] = []
    consumers: list[tuple[str, api.ConsumerConfig]] = []
    for message in catalogue.MESSAGES:
        wanted = stream_config(message)
        try:
            deployed = (await js.stream_info(message.stream)).config
        except NotFoundError:
            missing.append(wanted)
            consumers += [(message.stream, consumer_config(d)) for d in message.durables]
            continue
        conflicts += _differences(f"stream {message.stream}", wanted, deployed)
        for durable in message.durables:
            config = consumer_config(durable)
            try:
                existing = (await js.consumer_info(message.stream, durable.name)).config
            except NotFoundError:
                consumers.append((message.stream, config))
                continue
            conflicts += _differences(f"consumer {message.stream}/{durable.name}", config, existing)
    if conflicts:
        raise BusConflict(
            "the bus differs from the catalogue; change or delete these by hand, or use an empty NATS:\n  "
            + "\n  ".join(conflicts)
        )
    created = []
    for stream in missing:
        await js.add_stream(stream)
        created.append(f"stream {stream.name}")
    for name, consumer in consumers:
        await js.add_consumer(name, consumer)
        created.append(f"consumer {name}/{consumer.durable_name}")
    return created + await _declare_buckets(js)


async def _declare_buckets(js: JetStreamContext) -> list[str]:
    created = []
    for name, bucket in catalogue.BUCKETS.items():
        if not await _exists(js, catalogue.bucket_stream(name)):
            await js.create_key_value(bucket_config(name, bucket))
            created.append(f"key-value bucket {name}")
    for name in catalogue.OBJECT_STORES:
        if not await _exists(js, catalogue.object_stream(name)):
            await js.create_object_store(name, api.ObjectStoreConfig(bucket=name, max_bytes=MODELS_MAX_BYTES))
            created.append(f"object store {name}")
    return created


async def _exists(js: JetStreamContext, stream: str) -> bool:
    try:
        await js.stream_info(stream)
    except NotFoundError:
        return False
    return True


def _differences(what: str, wanted: Any, deployed: Any) -> list[str]:
    """What ``deployed`` has otherwise; settings that the catalogue leaves open (``None``) are the server's own business."""
    lines = []
    for name, value in vars(wanted).items():
        if value is None:
            continue
        other = getattr(deployed, name, None)
        if other != value and (value or other):
            lines.append(f"{what}: {name} is {other!r}, the catalogue says {value!r}")
    return lines
