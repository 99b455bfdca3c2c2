"""Control of what lies between us and the providers: faults, calls, webhooks, time."""

from decimal import Decimal

from flask import Blueprint, Response, request

from offerhub.sandbox import wire
from offerhub.sandbox.calls import CallJournal
from offerhub.sandbox.clock import SandboxClock, iso
from offerhub.sandbox.control.reading import ControlError, read, read_any, reply, text
from offerhub.sandbox.faults import KINDS, FaultRules
from offerhub.sandbox.knobs import Knobs, WebhookKnobs
from offerhub.sandbox.webhook_queue import Target, WebhookQueue

LISTED_MESSAGES = 1000


def add_wire_routes(
    blueprint: Blueprint,
    *,
    rules: FaultRules,
    journal: CallJournal,
    queue: WebhookQueue,
    knobs: Knobs,
    clock: SandboxClock,
) -> None:
    _fault_routes(blueprint, rules, journal)
    _webhook_routes(blueprint, queue, knobs)

    @blueprint.get("/clock")
    def read_clock() -> Response:
        return reply({"now": iso(clock.now_ms())})

    @blueprint.post("/clock/advance")
    def advance_clock() -> Response:
        seconds = read(seconds=...)["seconds"]
        if isinstance(seconds, bool) or not isinstance(seconds, int) or seconds < 0:
            raise ControlError("seconds must be a whole number of at least 0")
        clock.advance(seconds=seconds)
        return reply({"now": iso(clock.now_ms())})


def _fault_routes(blueprint: Blueprint, rules: FaultRules, journal: CallJournal) -> None:
    @blueprint.get("/faults")
    def list_faults() -> Response:
        return reply({"faults": rules.list(), "kinds": KINDS})

    @blueprint.post("/faults")
    def add_fault() -> Response:
        document = read_any()
        if "delay_s" in document:
            document["delay_s"] = _seconds(document["delay_s"])
        return reply(rules.add(document).view(), status=201)

    @blueprint.delete("/faults")
    def clear_faults() -> Response:
        rules.clear()
        return Response(status=204)

    @blueprint.delete("/faults/<rule_id>")
    def remove_fault(rule_id: str) -> Response:
        if not rules.remove(rule_id):
            raise ControlError(f"there is no rule {rule_id}", status=404)
        return Response(status=204)

    @blueprint.get("/calls")
    def list_calls() -> Response:
        since = request.args.get("since", "0")
        if not since.isdecimal():
            raise ControlError("since must be a seq")
        wanted = {name: request.args.get(name) for name in ("provider", "method", "path", "fault")}
        calls = journal.list(since=int(since), **wanted)
        return reply({"count": len(calls), "calls": calls})

    @blueprint.delete("/calls")
    def clear_calls() -> Response:
        journal.clear()
        return Response(status=204)


def _webhook_routes(blueprint: Blueprint, queue: WebhookQueue, knobs: Knobs) -> None:
    @blueprint.get("/webhooks")
    def list_webhooks() -> Response:
        target = queue.target()
        return reply(
            {
                "url": target.url if target else None,
                "pending": queue.count("pending"),
                "delivered": queue.count("delivered"),
                "failed": queue.count("failed"),
                "dropped": queue.count("dropped"),
                "messages": queue.list_messages(limit=LISTED_MESSAGES),
            }
        )

    @blueprint.put("/webhooks/target")
    def set_target() -> Response:
        body = read(url=..., secret=...)
        queue.set_target(
            Target(url=text(body["url"], name="url"), secret=text(body["secret"], name="secret"))
        )
        return reply({"url": body["url"]})

    @blueprint.get("/webhooks/knobs")
    def read_webhook_knobs() -> Response:
        return reply(vars(knobs.read(WebhookKnobs)))

    @blueprint.patch("/webhooks/knobs")
    def change_webhook_knobs() -> Response:
        return reply(vars(knobs.change(WebhookKnobs, read_any())))

    @blueprint.post("/webhooks/hurry")
    def hurry() -> Response:
        return reply({"due_now": queue.hurry()})

    @blueprint.post("/webhooks/<message_id>/resend")
    def resend(message_id: str) -> Response:
        if not queue.resend(message_id):
            raise ControlError(f"there is no message {message_id}", status=404)
        return reply({"message_id": message_id})

    @blueprint.post("/webhooks/send")
    def send() -> Response:
        body = read(type=None, data=None, raw_body=None, message_id=None)
        raw = body["raw_body"]
        if raw is None:
            raw = wire.dumps({"type": text(body["type"], name="type"), "data": body["data"]})
        sent = queue.queue(
            text(raw, name="raw_body"),
            event_type=body["type"] or "raw",
            message_id=body["message_id"],
        )
        return reply({"message_id": sent}, status=201)


def _seconds(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        raise ControlError("delay_s must be a number of seconds")
    return float(value)
