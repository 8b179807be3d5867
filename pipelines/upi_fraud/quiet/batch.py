"""Quiet payments of a batch: messages in, decisions out, states written."""

from collections.abc import Callable, Iterable, MutableMapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from pipelines.core.flat_records import Ints
from pipelines.upi_fraud.intake import Intake
from pipelines.upi_fraud.payment import Raw
from pipelines.upi_fraud.profile import Profile
from pipelines.upi_fraud.quiet import words
from pipelines.upi_fraud.quiet.answer import Payments
from pipelines.upi_fraud.quiet.columns import EVENT, WIDTH
from pipelines.upi_fraud.quiet.door import Door, Plain, texts_of
from pipelines.upi_fraud.quiet.limits import Quiet, quiet_of
from pipelines.upi_fraud.quiet.rows import largest, make_rows
from pipelines.upi_fraud.quiet.walk import Numbers, States, Written, walk
from pipelines.upi_fraud.reference import FOREVER_MS, Reference
from pipelines.upi_fraud.scorer import Settings
from pipelines.upi_fraud.timeline import Timeline

Packed = MutableMapping[str, bytes]
"""Packed states by token of the payer."""
_NO_REPUTE = -1


@dataclass
class QuietPayments:
    """Decides what no rule of the profile in force fires for.

    Attributes:
        intake, profiles, reference, settings: those of the decider.
        pieces_of: constant parts of the decisions of a profile.
    """

    intake: Intake
    profiles: Timeline
    reference: Reference
    settings: Settings
    pieces_of: Callable[[Profile], Iterable[bytes]]
    _door: Door = field(init=False)
    _numbers: Numbers = field(init=False)
    _profile: Profile | None = None
    _quiet: Quiet = field(init=False)
    _pieces: words.Pieces = field(init=False)

    def __post_init__(self) -> None:
        self._door = Door(self.intake, self.profiles.base.name)
        room = self.settings.capacity
        self._numbers = Numbers(room.bucket_ms, room.look_back_ms, self.settings.expiry_ms)
        self.decide((), {})  # compiled code is there before a payment waits for it

    def decide(self, raws: Sequence[Raw], states: Packed) -> list[tuple[bytes, bytes, int] | None]:
        """Id, decision and time of each quiet payment, None for each other message.

        The states of quiet payments' payers are written. Behind the first payment of a payer that
        is not quiet, all of that payer's are left alone too.
        """
        plain = self._door.enter(raws)
        times = self._ingest(plain).tolist()
        self._follow(plain, times)
        reputation, first_seen = self._look_up(plain, times)
        rows, payer = np.unique(plain.payer, return_inverse=True)
        odd = int(np.searchsorted(rows, 0))
        tokens = [self._door.accounts.texts[row] for row in rows[odd:].tolist()]
        payments = self._payments(raws, plain, np.maximum(payer - odd, -1), reputation, first_seen)
        written = self._walk(payments, [states.get(token) or b"" for token in tokens])
        after = words.slices(written.states, written.state_ends)
        for token, state in zip(tokens, after, strict=True):
            if state:
                states[token] = state
        decisions = words.slices(written.decisions, written.decision_ends)
        return [
            (identifier, decision, time) if decision else None
            for identifier, decision, time in zip(
                plain.ids, decisions, payments.numbers[:, EVENT].tolist(), strict=True
            )
        ]

    def _follow(self, plain: Plain, times: list[int]) -> None:
        """Take the profile in force; a payment under another one is left alone."""
        profile = self.profiles.at(times[0]) if times else self.profiles.base
        if profile is not self._profile:
            self._profile, self._quiet = profile, quiet_of(profile)
            self._pieces = words.Pieces(*map(words.as_bytes, self.pieces_of(profile)))
        if self.profiles.changes:
            at = self.profiles.at
            plain.is_plain[:] &= np.array([at(time) is profile for time in times], np.bool_)

    def _ingest(self, plain: Plain) -> Ints:
        at, flat = self._door.at, plain.flat
        has_ingest = flat.second[at["ingest_time"]] >= 0
        return np.where(has_ingest, flat.first[at["ingest_time"]], flat.first[at["event_time"]])

    def _look_up(self, plain: Plain, times: list[int]) -> tuple[Ints, Ints]:
        """Reputation and first day of the merchants; what is flagged or listed is left alone."""
        shops, is_plain = plain.shops, plain.is_plain
        trades = texts_of(plain.flat, self._door.at["merchant_category"], is_plain)
        reputation = np.full(len(shops), _NO_REPUTE, np.int64)
        first_seen = np.full(len(shops), -FOREVER_MS // 2, np.int64)
        categories = self._quiet.categories
        for one, (shop, trade) in enumerate(zip(shops, trades, strict=True)):
            category = None if trade is None else trade.decode()
            if shop is not None:
                merchant = self.reference.merchant(shop.decode(), times[one])
                first_seen[one] = FOREVER_MS // 2 if merchant is None else merchant.first_seen_ms
                if merchant is not None:
                    reputation[one], category = merchant.reputation, merchant.category
            if category in categories:
                is_plain[one] = False
        if self._quiet.labels:
            self._leave_labels(plain)
        if self.reference.flags:
            self._leave_flagged(plain)
        return reputation, first_seen

    def _leave_labels(self, plain: Plain) -> None:
        labels = texts_of(plain.flat, self._door.at["location"], plain.is_plain)
        plain.is_plain[:] &= [
            (label or b"").decode().strip().lower() not in self._quiet.labels for label in labels
        ]

    def _leave_flagged(self, plain: Plain) -> None:
        """Whoever was ever flagged is left alone, in force or not."""
        flags, accounts, devices = (
            self.reference.flags, self._door.accounts.texts, self._door.devices.texts,
        )  # fmt: skip
        columns = (plain.payer.tolist(), plain.payee.tolist(), plain.device.tolist(), plain.shops)
        for one, (payer, payee, device, shop) in enumerate(zip(*columns, strict=True)):
            if plain.is_plain[one] and (
                accounts[payer] in flags
                or accounts[payee] in flags
                or (device >= 0 and devices[device] in flags)
                or (shop is not None and shop.decode() in flags)
            ):
                plain.is_plain[one] = False

    def _payments(
        self, raws: Sequence[Raw], plain: Plain, payer: Ints, reputation: Ints, first_seen: Ints
    ) -> Payments:
        at, flat, accounts, devices = (
            self._door.at, plain.flat, self._door.accounts, self._door.devices,
        )  # fmt: skip
        first, second, ends = flat.first, flat.second, accounts.ends
        region, identifier, ingest = at["region"], at["transaction_id"], at["ingest_time"]
        id_hashes, digests, event_ids = plain.identities
        numbers = (
            payer, first[at["event_time"]], first[at["amount_paise"]], second[ingest],
            first[ingest], first[at["priority"]], [raw.partition for raw in raws],
            [raw.offset for raw in raws], first[region], second[region], first[identifier],
            second[identifier], ends[plain.payer], ends[plain.payer + 1], ends[plain.payee],
            ends[plain.payee + 1], accounts.numbers[plain.payee, 0],
            devices.numbers[plain.device, 0],
            np.where(plain.device < 0, -1, devices.numbers[plain.device, 1]), *plain.place,
            reputation, first_seen, np.frombuffer(id_hashes, np.int64),
            np.frombuffer(digests, np.int64) >> 2,
        )  # fmt: skip
        table = np.empty((len(raws), WIDTH), np.int64)
        for column, values in enumerate(numbers):
            table[:, column] = values
        return Payments(plain.is_plain, table, words.as_bytes(flat.data), accounts.tokens,
                        words.as_bytes(event_ids))  # fmt: skip

    def _walk(self, payments: Payments, packed: list[bytes]) -> Written:
        number, room = len(payments.numbers), self.settings.capacity
        ends = np.zeros(len(packed) + 1, np.int64)
        np.cumsum(np.fromiter(map(len, packed), np.int64, len(packed)), out=ends[1:])
        states = States(words.as_bytes(b"".join(packed)), ends, make_rows(len(packed), room))
        most = words.room_of(self._pieces, self._door.accounts.longest)
        written = Written(
            np.empty(number * most + len(payments.text), np.uint8),
            np.zeros(number + 1, np.int64), np.empty(len(packed) * largest(room), np.uint8),
            np.zeros(len(packed) + 1, np.int64),
        )  # fmt: skip
        walk(payments, states, self._quiet.limits, self._numbers, self.reference.marks,
             self._pieces, written)  # fmt: skip
        return written
