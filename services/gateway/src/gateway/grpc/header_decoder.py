"""Decodes the header blocks of one connection, by HPACK and within a limit."""

from __future__ import annotations

from typing import cast

from hpack import Decoder, HPACKError, OversizedHeaderListError

from gateway.grpc.frames import Code, Http2Error


class HeaderDecoder:
    """``max_bytes``: of a block when it is decoded."""

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._decoder = Decoder(max_bytes)

    def decode(self, block: bytes) -> list[tuple[bytes, bytes]]:
        """Names and values in their order; raises :class:`Http2Error`. Each block changes the table for the next ones."""
        try:
            return cast("list[tuple[bytes, bytes]]", self._decoder.decode(block, raw=True))
        except OversizedHeaderListError:
            raise Http2Error(Code.ENHANCE_YOUR_CALM, f"headers may have {self._max_bytes} bytes") from None
        except (HPACKError, IndexError, ValueError) as error:
            raise Http2Error(Code.COMPRESSION_ERROR, "the headers cannot be decoded") from error
