"""``/ops``: the operators' resource of every service."""

from typing import Any, cast

from flask import Response, current_app
from marshmallow import Schema, ValidationError, fields, validate, validates_schema
from sqlalchemy import select

from billhook_common import migrate
from billhook_common.api import Blueprint, PageSchema, ServiceApp, ctx, json_response, page_of
from billhook_common.auth import requires
from billhook_common.fields import PlainText
from billhook_common.job_history import seen_jobs
from billhook_common.lists import ListQuery
from billhook_common.operations import parked
from billhook_common.operations.messaging import read_figures
from billhook_common.paging import SortKey
from billhook_common.tables import inbox, job_run

blueprint = Blueprint("ops", __name__, url_prefix="/ops", description="Operations: events that could not be applied")

FINGERPRINT_MOST = 500


class StateSchema(Schema):
    """Which events: set aside, tried again by themselves, or given up."""

    state = fields.String(load_default="parked", validate=validate.OneOf(parked.STATES))


class GroupSchema(Schema):
    """One kind of trouble."""

    fingerprint = fields.String(metadata={"example": "SumsDisagree invoicing/actions/issue.py:verify"})
    types = fields.List(fields.String())
    count = fields.Integer()
    first_seen = fields.AwareDateTime()
    last_seen = fields.AwareDateTime()
    reason = fields.String(metadata={"description": "Of the latest, without what may be personal."})


class GroupsSchema(Schema):
    """All kinds of trouble, most events first."""

    items = fields.List(fields.Nested(GroupSchema))


class EventQuerySchema(ListQuery, StateSchema):
    """Which events, a page at a time."""

    fingerprint = fields.String(required=True, validate=validate.Length(1, FINGERPRINT_MOST))


class ParkedEventSchema(Schema):
    """An event that was not applied; ``payload`` is its JSON with everything hidden that may be personal."""

    event_id = fields.UUID()
    type = fields.String()
    state = fields.String(validate=validate.OneOf(parked.STATES))
    fingerprint = fields.String()
    reason = fields.String()
    received_at = fields.AwareDateTime()
    attempts = fields.Integer()
    next_at = fields.AwareDateTime(allow_none=True)
    size_bytes = fields.Integer()
    payload = fields.Raw()


class ParkedEventPageSchema(PageSchema):
    """A page of events."""

    items = fields.List(fields.Nested(ParkedEventSchema))


class ChosenSchema(Schema):
    """One event by its id, or all that are parked under a fingerprint."""

    event_id = fields.UUID()
    fingerprint = fields.String(validate=validate.Length(1, FINGERPRINT_MOST))

    @validates_schema
    def one_way(self, data: dict[str, Any], **_: Any) -> None:
        """Exactly one of the two."""
        if ("event_id" in data) == ("fingerprint" in data):
            raise ValidationError("Send either event_id or fingerprint.", "event_id")


class DiscardSchema(ChosenSchema):
    """Events to give up, and why."""

    reason = PlainText(500, least=5, required=True)


class ReplayedSchema(Schema):
    """How many will be applied again."""

    replayed = fields.Integer()


class DiscardedSchema(Schema):
    """How many were given up."""

    discarded = fields.Integer()


class StreamSchema(Schema):
    """How far the numbers of one event type have come in one count."""

    type = fields.String()
    epoch = fields.UUID()
    last = fields.Integer()


class MessagingSchema(Schema):
    """How much is under way in this service; zero everywhere in all services means quiet."""

    outbox_pending = fields.Integer(metadata={"description": "Events written and not yet published."})
    outbox_oldest_seconds = fields.Integer()
    queue_ready = fields.Integer(metadata={"description": "Messages in this service's queue; without a broker 0."})
    queue_unacked = fields.Integer(metadata={"description": "Messages taken and not yet acknowledged."})
    retries_scheduled = fields.Integer(metadata={"description": "Events that failed or wait, tried again by itself."})
    retries_oldest_seconds = fields.Integer()
    parked = fields.Integer(metadata={"description": "Events set aside for people."})
    dead = fields.Integer(metadata={"description": "Messages that the broker has given up."})
    published = fields.List(
        fields.Nested(StreamSchema), metadata={"description": "For each stream of this service: the last number."}
    )
    received = fields.List(
        fields.Nested(StreamSchema), metadata={"description": "For each stream heard here: the highest number."}
    )
    marks = fields.List(fields.Integer(), metadata={"description": "Events written and published so far; only grow."})


@blueprint.route("/messaging", methods=["GET"])
@requires("ops:read")
@blueprint.response(200, MessagingSchema)
def show_messaging() -> Response:
    """Read now; 503 when a figure cannot be read, for it is not known to be zero."""
    runtime = cast(ServiceApp, current_app).runtime
    figures = read_figures(ctx.session, ctx.clock.now(), runtime.name, runtime.config.broker_url)
    return json_response(figures.document())


class ReleaseSchema(Schema):
    """What runs here."""

    service = fields.String()
    version = fields.String()
    migrated = fields.Boolean(metadata={"description": "Whether the database is at this release."})


@blueprint.route("/release", methods=["GET"])
@requires("ops:read")
@blueprint.response(200, ReleaseSchema)
def show_release() -> Response:
    """Which release answers, and whether it is ready: the database too is at it."""
    runtime = cast(ServiceApp, current_app).runtime
    migrated = migrate.is_current(runtime.migrations, runtime.database.engine)
    return json_response({"service": runtime.name, "version": runtime.version, "migrated": migrated})


class SeenJobSchema(Schema):
    """When a job last looked for work, went well and failed; for a daily one the last day that is done."""

    job = fields.String()
    state = fields.String(validate=validate.OneOf(("well", "failing")))
    first_at = fields.AwareDateTime()
    seen_at = fields.AwareDateTime()
    well_at = fields.AwareDateTime(allow_none=True)
    failed_at = fields.AwareDateTime(allow_none=True)
    done_day = fields.Date(allow_none=True)
    error = fields.String(allow_none=True, metadata={"description": "The kind of the latest failure, while it fails."})
    every_seconds = fields.Float(allow_none=True, metadata={"description": "How often it looks; null: once a day."})
    next_at = fields.AwareDateTime(allow_none=True, metadata={"description": "When a daily one is due next."})


class SeenJobsSchema(Schema):
    """All jobs of this service that ever ran, by name."""

    items = fields.List(fields.Nested(SeenJobSchema))


class JobRunSchema(Schema):
    """Steps of one outcome, one after the other; ``error`` is the kind of what went wrong, its words are in the log."""

    id = fields.UUID()
    job = fields.String()
    started_at = fields.AwareDateTime()
    ended_at = fields.AwareDateTime()
    outcome = fields.String(validate=validate.OneOf(("worked", "failed")))
    steps = fields.Integer()
    error = fields.String(allow_none=True)
    host = fields.String()
    pid = fields.Integer()
    correlation_id = fields.String(allow_none=True)


class JobRunPageSchema(PageSchema):
    """A page of what jobs did."""

    items = fields.List(fields.Nested(JobRunSchema))


@blueprint.route("/jobs", methods=["GET"])
@requires("ops:read")
@blueprint.response(200, SeenJobsSchema)
def list_jobs() -> Response:
    """What runs on the clock here, and whether it goes well."""
    runtime = cast(ServiceApp, current_app).runtime
    return json_response({"items": seen_jobs(ctx.session, runtime.jobs, runtime.config.zone)})


class JobRunQuerySchema(ListQuery):
    """Which lines of the history, a page at a time."""

    job = fields.String(validate=validate.Length(1, 100))
    outcome = fields.String(validate=validate.OneOf(("worked", "failed")))


@blueprint.route("/jobs/runs", methods=["GET"])
@requires("ops:read")
@blueprint.arguments(JobRunQuerySchema, location="query")
@blueprint.response(200, JobRunPageSchema)
def list_job_runs(wanted: dict[str, Any]) -> Response:
    """What jobs did and what failed, latest first; steps that found nothing to do are not kept."""
    chosen = {name: wanted[name] for name in ("job", "outcome") if name in wanted}
    statement = select(job_run).filter_by(**chosen)
    keys: list[SortKey] = [(job_run.c.ended_at, "desc"), (job_run.c.id, "desc")]
    return page_of(ctx.session, statement, keys, lambda row: dict(row._mapping))


@blueprint.route("/parked", methods=["GET"])
@requires("ops:read")
@blueprint.arguments(StateSchema, location="query")
@blueprint.response(200, GroupsSchema)
def list_parked(wanted: dict[str, Any]) -> Response:
    """Events that could not be applied, by fingerprint."""
    return json_response({"items": parked.groups(ctx.session, wanted["state"])})


@blueprint.route("/parked/events", methods=["GET"])
@requires("ops:read")
@blueprint.arguments(EventQuerySchema, location="query")
@blueprint.response(200, ParkedEventPageSchema)
def list_parked_events(wanted: dict[str, Any]) -> Response:
    """The events of one fingerprint, newest first, with masked payloads."""
    statement = parked.events_of(wanted["fingerprint"], wanted["state"])
    keys: list[SortKey] = [(inbox.c.received_at, "desc"), (inbox.c.event_id, "desc")]
    return page_of(ctx.session, statement, keys, parked.event_item)


@blueprint.route("/parked/replay", methods=["POST"])
@requires("ops:write")
@blueprint.arguments(ChosenSchema)
@blueprint.response(200, ReplayedSchema)
def replay_parked(body: dict[str, Any]) -> Response:
    """Try again, now, after what was wrong is put right. An event that was applied already has no second effect."""
    return json_response({"replayed": parked.replay(ctx.session, ctx.clock, parked.Chosen(**body))})


@blueprint.route("/parked/discard", methods=["POST"])
@requires("ops:write")
@blueprint.arguments(DiscardSchema)
@blueprint.response(200, DiscardedSchema)
def discard_parked(body: dict[str, Any]) -> Response:
    """Give up for good, with a reason that stays in the audit."""
    reason = body.pop("reason")
    return json_response({"discarded": parked.discard(ctx.session, ctx.clock, parked.Chosen(**body), reason)})
