"""One transaction of an import: each draft is known, listed, or signed, checked at the door, logged and recorded.

What is on record of all that the transaction will touch is looked up at its beginning, and kept up as it goes. What the
door refuses is listed like what could not be mapped. Models are introduced and never changed: a feed's idea of one must
not take an id from another, nor go before what somebody wrote with care.
"""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from sqlalchemy.ext.asyncio import AsyncConnection

from collector.catalogue import record
from collector.catalogue.door import CheckedStatement, Keys, check_new
from collector.catalogue.importers import Draft, Reason, Skipped, Subject, printable, snippet, subject
from collector.catalogue.importing.decision import Known, Late, Say, decide
from collector.catalogue.importing.files import Source
from collector.catalogue.importing.signers import Signer, Signers
from collector.catalogue.instants import to_text
from collector.errors import RejectedError
from collector.store import imports
from collector.store.imports import Skip
from collector.transparency.log import Batch
from evidence import statement
from evidence.errors import EvidenceError
from evidence.limits import MAX_TEXT_BYTES
from evidence.statement import Statement


class File(msgspec.Struct, kw_only=True):
    """A file, and when its feed said what it does not date: known once its first part is settled."""

    source: Source
    feed: str
    said_at: str = ""


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """Some drafts of a file; with the first ones comes what could not be mapped."""

    file: File
    drafts: Sequence[Draft]
    skipped: Sequence[Skipped]
    first: bool


class Desk:
    """The transaction. `listed`, `new`, `known` and `undescribed` say what came of it."""

    def __init__(self, connection: AsyncConnection, batch: Batch, signers: Signers, now: int) -> None:
        self.new: Counter[str] = Counter()
        self.known: Counter[str] = Counter()
        self.undescribed: set[str] = set()
        self.listed: list[Skip] = []
        self._connection = connection
        self._batch = batch
        self._signers = signers
        self._now = now
        self._said: dict[tuple[str, Subject], list[Mapping[str, Any]]] = defaultdict(list)
        self._described: dict[str, set[str]] = {}
        self._claimed: dict[str, set[str]] = {}
        self._checked: dict[str, CheckedStatement] = {}
        self._keys: Keys = {}
        self._introduced = False

    @property
    def described(self) -> set[str]:
        """The models among those that were spoken of, of which somebody has said what they are."""
        return set(self._described)

    @classmethod
    async def opened(
        cls, connection: AsyncConnection, batch: Batch, signers: Signers, parts: Sequence[Part], now: int
    ) -> "Desk":
        """Look up at once what single drafts would ask for one by one."""
        desk = cls(connection, batch, signers, now)
        drafts = [draft for part in parts for draft in part.drafts]
        desk._described = await imports.on_record(connection, {draft.fields["model"] for draft in drafts})
        ids = {each for draft in drafts if draft.kind == "model" for each in draft.fields["ids"]}
        desk._claimed = await imports.claimed(connection, ids)
        spoken: dict[str, set[str]] = defaultdict(set)
        for part in parts:
            signer = await signers.of_feed(connection, part.file.feed, now=now)
            spoken[signer.party] |= {draft.fields["model"] for draft in part.drafts}
        for party, models in spoken.items():
            for fact in await imports.said_before(connection, party, models, parts[0].file.source.format):
                desk._said[party, subject(fact["kind"], fact)].append(fact)
        await desk._begin([part.file for part in parts if part.first])
        return desk

    async def _begin(self, files: Sequence[File]) -> None:
        if files:
            digests = {file.source.file: file.source.digest for file in files}
            said_at = await imports.begin(self._connection, files[0].source.format, digests, now=self._now)
            for file in files:
                file.said_at = to_text(said_at[file.source.file])

    async def settle(self, part: Part, as_of: str | None) -> None:
        """Do with each draft what there is to do."""
        file = part.file
        file.said_at = as_of or file.said_at
        for skipped in part.skipped:
            self._list(file, skipped.place, skipped.reason, skipped.detail, skipped.snippet)
        signer = await self._signers.of_feed(self._connection, file.feed, now=self._now)
        for draft in part.drafts:
            if draft.kind == "model":
                await self._introduce(file, draft)
        if self._introduced:
            await self._enter()  # what is said of a model may rest on who makes it
        for draft in part.drafts:
            if draft.kind != "model":
                await self._say(file, draft, signer)

    async def close(self) -> None:
        """Store what is left, and sign the log."""
        await self._enter()
        await imports.keep(self._connection, self.listed)
        await self._batch.seal()

    async def _say(self, file: File, draft: Draft, signer: Signer) -> None:
        if draft.fields["model"] not in self._described:
            self.undescribed.add(draft.fields["model"])
        before = self._said[signer.party, subject(draft.kind, draft.fields)]
        match decide(before, draft, file.said_at):
            case Known():
                self.known[draft.kind] += 1
            case Late(later):
                self._list_draft(file, draft, Reason.SUPERSEDED, f"{later} is a later word of {signer.party}")
            case Say(asserted_at, fields):
                if fact := await self._record(file, draft, signer, asserted_at, fields):
                    before.append(fact)

    async def _introduce(self, file: File, draft: Draft) -> None:
        """A model goes on record if it is complete, new, and somebody who may signs it."""
        model, ids = draft.fields["model"], set(draft.fields["ids"])
        others = {other for each in ids for other in self._claimed.get(each, ())} - {model}
        signer = await self._signers.of_models(self._connection)
        if model in self._described:
            if ids <= self._described[model]:
                self.known[draft.kind] += 1
            else:
                detail = "on record without some of these ids; whoever stated it can correct it"
                self._list_draft(file, draft, Reason.MODEL_ON_RECORD, detail)
        elif not ids or not draft.fields.get("manufacturer"):
            detail = f"{'no manufacturer' if ids else 'no ids'} in the file; --map can name what is missing"
            self._list_draft(file, draft, Reason.MODEL_INCOMPLETE, detail)
        elif others:
            detail = f"its ids belong to {', '.join(sorted(others))}; --map can say that they are one"
            self._list_draft(file, draft, Reason.MODEL_CLAIMED, detail)
        elif signer is None:
            detail = "only the operator or its manufacturer may state a model; --operator-key signs it"
            self._list_draft(file, draft, Reason.MODEL_NEEDS_OPERATOR, detail)
        elif await self._record(file, draft, signer, file.said_at, draft.fields):
            self._introduced = True
            self._described[model] = ids
            self._claimed |= {each: {*self._claimed.get(each, ()), model} for each in ids}

    async def _record(
        self, file: File, draft: Draft, signer: Signer, asserted_at: str, fields: Mapping[str, Any]
    ) -> dict[str, Any] | None:
        """The fact that a statement became; None where the door refuses it."""
        source = {"format": file.source.format, "file": file.source.name, "digest": file.source.digest}
        said = {**fields, "source": {**source, "place": draft.place[:MAX_TEXT_BYTES]}}
        if fields.get("corrects") in self._checked:
            await self._enter()  # the door must find what is corrected
        try:
            signed = statement.sign(Statement(kind=draft.kind, asserted_at=asserted_at, fields=said), signer.key)
            # It names file and place and was not said before, so it cannot be on record.
            checked = await check_new(self._connection, signed, gateway=None, recorded_at=self._now, keys=self._keys)
        except EvidenceError as fault:
            self._list_draft(file, draft, fault.code, str(fault))
            return None
        except RejectedError as fault:
            self._list_draft(file, draft, fault.reason, fault.detail)
            return None
        self._checked[checked.digest] = checked
        self.new[draft.kind] += 1
        return checked.fact

    async def _enter(self) -> None:
        """Log and record what was checked."""
        if not self._checked:
            return
        await self._batch.add(self._checked)
        entered = [(checked, self._batch.leaf(digest)) for digest, checked in self._checked.items()]
        await record.insert_all(self._connection, entered)
        self._checked, self._introduced = {}, False

    def _list_draft(self, file: File, draft: Draft, reason: str, detail: str) -> None:
        self._list(file, draft.place, reason, detail, snippet(draft.fields))

    def _list(self, file: File, place: str, reason: str, detail: str, raw: str) -> None:
        source = file.source
        skip = Skip(
            format=source.format,
            digest=source.digest,
            file=source.file,
            place=place,
            reason=str(reason),
            detail=printable(detail),
            snippet=raw,
            listed_at=self._now,
        )
        self.listed.append(skip)
