"""Bytes of a `upi.Decision`, written field by field: five times as fast as a general encoder.

A test holds every message to the general encoder and the contract, byte for byte.
"""

import struct
from functools import lru_cache

from pipelines.core.avro_codec import frame
from pipelines.core.contract_store import get_contract
from pipelines.core.wire import id_of
from pipelines.upi_fraud.decision import Decision, FiredRule
from pipelines.upi_fraud.hashing import event_uuid
from pipelines.upi_fraud.payment import CheckedPayment
from pipelines.upi_fraud.rules import FACTORS

SOURCE, VERSION = "upi_fraud", 1
_double = struct.Struct("<d").pack
_NULL, _SOME, _END = b"\x00", b"\x02", b"\x00"
_LOW = 0x3FFF
_MORE = tuple(bytes((low & 0x7F | 0x80, low >> 7 | 0x80)) for low in range(_LOW + 1))
"""Fourteen bits that are followed by more."""
_LAST = tuple(
    bytes((low,)) if low < 0x80 else bytes((low & 0x7F | 0x80, low >> 7)) for low in range(_LOW + 1)
)
"""Up to fourteen bits, followed by nothing."""


def _long(number: int) -> bytes:
    """Zigzag variable-length integer (Avro specification), fourteen bits at a time."""
    rest = number << 1 ^ number >> 63
    if rest <= _LOW:
        return _LAST[rest]
    head, rest = _MORE[rest & _LOW], rest >> 14
    if rest <= _LOW:
        return head + _LAST[rest]
    return head + _MORE[rest & _LOW] + _long_rest(rest >> 14)


def _long_rest(rest: int) -> bytes:
    return _LAST[rest] if rest <= _LOW else _MORE[rest & _LOW] + _long_rest(rest >> 14)


def _text(text: str) -> bytes:
    data = text.encode()
    return _long(len(data)) + data


_known_text = lru_cache(maxsize=1_024)(_text)
"""For texts of which there are few, such as rule names."""


_token = lru_cache(maxsize=200_000)(_text)
"""Tokens of accounts come again and again."""


def _symbols(field: str) -> dict[str, bytes]:
    schema = get_contract("upi.Decision", VERSION).tree
    found = next(one for one in schema["fields"] if one["name"] == field)
    return {name: _long(place) for place, name in enumerate(found["type"]["symbols"])}


class DecisionCodec:
    """Encoder of the decisions of one profile.

    Args:
        profile: name of the profile.
    """

    def __init__(self, profile: str) -> None:
        self._profile = profile
        self._head = frame(id_of("upi.Decision", VERSION), b"")
        self._source = _text(SOURCE) + _long(VERSION)
        self._profile_text = _text(profile)
        self._actions = _symbols("recommended_action")
        self._levels = _symbols("risk_level")
        self._reasons = _symbols("degraded_reason")
        self._names = tuple(map(_text, FACTORS))
        self._factor_count = _long(len(FACTORS))
        zero = [name + _long(0) for name in self._names]
        self._zero = (self._factor_count + zero[0], zero[1])
        self._rest = b"".join(name + _double(0.0) for name in zero[2:]) + _END

    def encode(self, payment: CheckedPayment, decision: Decision) -> bytes:
        """Framed bytes of a decision."""
        ingest, model = payment.recorded_ingest, decision.model_version
        score = decision.model_score
        return b"".join(
            (
                self._head, _text(event_uuid(payment.transaction_id, self._profile)),
                _long(payment.event_time), _NULL if ingest is None else _SOME + _long(ingest),
                self._source, _known_text(payment.region), _long(payment.priority),
                _text(payment.transaction_id), _token(payment.payer), _token(payment.payee),
                _long(payment.paise), self._actions[decision.action],
                self._levels[decision.level], _long(decision.points),
                self._factors(decision), _fired(decision.fired), self._profile_text,
                _known_text(decision.rule_version),
                _NULL if model is None else _SOME + _known_text(model),
                _NULL if score is None else _SOME + _double(score),
                b"\x00" if decision.degraded == "NONE" else b"\x01",
                self._reasons[decision.degraded], b"\x01" if decision.is_window_exact else b"\x00",
                _long(payment.partition), _long(payment.offset),
            )
        )  # fmt: skip

    def _factors(self, decision: Decision) -> bytes:
        """The seven factors; most payments fire no rule and have two risks to write."""
        factors = decision.factors
        if not decision.fired:
            (_, velocity), (_, amount) = factors[:2]
            start, middle = self._zero
            return start + _double(velocity) + middle + _double(amount) + self._rest
        parts = [self._factor_count]
        for name, (points, risk) in zip(self._names, factors, strict=True):
            parts += (name, _long(points), _double(risk))
        parts.append(_END)
        return b"".join(parts)


def _fired(rules: tuple[FiredRule, ...]) -> bytes:
    if not rules:
        return _END
    parts = [_long(len(rules))]
    for code, factor, points, observed, limit in rules:
        parts += (_known_text(code), _known_text(factor), _long(points), _text(observed))
        parts.append(_text(limit))
    parts.append(_END)
    return b"".join(parts)
