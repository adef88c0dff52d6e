"""The only SQL of the project: deliveries, runs, TODOs, money, approvals, events, and effects that may happen once."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy.engine import Engine

from app.ledger.access import AccessBook
from app.ledger.actions import Actions
from app.ledger.approvals import Approvals
from app.ledger.audit import Audit
from app.ledger.cages import Cages
from app.ledger.changes import Changes
from app.ledger.checks import Checks
from app.ledger.controls import Controls
from app.ledger.database import engine, upgrade
from app.ledger.deliveries import Deliveries
from app.ledger.devvms import DevVMs
from app.ledger.document_list import DocumentList
from app.ledger.documents import Documents
from app.ledger.evidence import EvidenceBook
from app.ledger.following import Following
from app.ledger.holds import Holds
from app.ledger.insights import Insights
from app.ledger.listing import Listing
from app.ledger.metrics import Metrics
from app.ledger.outbox import Outbox
from app.ledger.pages import Pages
from app.ledger.retention import Retention
from app.ledger.runs import Runs
from app.ledger.spend import Spend
from app.ledger.tips import Tips
from app.ledger.workers import Workers


@dataclass(frozen=True)
class Ledger:
    """Everything that is kept, over one engine."""

    engine: Engine
    deliveries: Deliveries
    runs: Runs
    spend: Spend
    approvals: Approvals
    cages: Cages
    controls: Controls
    holds: Holds
    checks: Checks
    tips: Tips
    retention: Retention
    audit: Audit
    metrics: Metrics
    workers: Workers
    devvms: DevVMs
    evidence: EvidenceBook
    access: AccessBook
    actions: Actions
    changes: Changes
    listing: Listing
    following: Following
    pages: Pages
    outbox: Outbox
    documents: Documents
    document_list: DocumentList
    insights: Insights


def open_ledger(url: str) -> Ledger:
    """Open the database and bring its tables to the newest schema."""
    database = engine(url)
    upgrade(database)
    first = (Deliveries(database), Runs(database), Spend(database), Approvals(database), Cages(database))
    then = (Controls(database), Holds(database), Checks(database), Tips(database), Retention(database))
    last = (Audit(database), Metrics(database), Workers(database), DevVMs(database), EvidenceBook(database))
    people = (AccessBook(database), Actions(database), Changes(database), Listing(database), Following(database))
    shown = (Pages(database), Outbox(database), Documents(database), DocumentList(database), Insights(database))
    return Ledger(database, *first, *then, *last, *people, *shown)
