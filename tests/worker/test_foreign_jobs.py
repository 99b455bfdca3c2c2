"""Whoever can write to Redis can have a worker look for work, and nothing else."""

import logging
import os
from pathlib import Path
from typing import Any

import pytest
from redis import Redis
from rq import Callback, Queue
from rq.job import Job
from rq.registry import StartedJobRegistry
from rq.serializers import JSONSerializer

from offerhub.worker.json_jobs import JSONJob, JSONQueue, NotAWakeUp
from offerhub.worker.main import HardyWorker
from offerhub.worker.queues import BELLS, connect, queue
from offerhub.worker.schedule import Schedule

QUEUE = "maintenance"
RUN = "offerhub.worker.jobs.housekeeping.sweep"
RAN: list[object] = []


def ran(*told: object) -> None:
    """What a stranger would have run."""
    RAN.append(told)


@pytest.fixture
def redis(redis_url: str) -> Redis:
    RAN.clear()
    return connect(redis_url)


@pytest.fixture
def strangers(redis: Redis) -> Queue:
    """The queue as somebody with RQ at hand writes to it."""
    return Queue(QUEUE, connection=redis, serializer=JSONSerializer)


def work_it_off(redis: Redis) -> None:
    worker = HardyWorker([queue(QUEUE, redis)], connection=redis, serializer=JSONSerializer)
    logger = logging.getLogger("rq.worker")
    before = logger.level, logger.handlers[:]
    try:
        worker.work(burst=True, logging_level="CRITICAL")
    finally:  # RQ sets its logger up for the whole process
        logger.setLevel(before[0])
        logger.handlers[:] = before[1]


def test_a_function_of_python_is_not_run(redis: Redis, strangers: Queue, tmp_path: Path) -> None:
    target = tmp_path / "pwned"
    job = strangers.enqueue("os.system", f"touch {target}")
    work_it_off(redis)
    assert not target.exists()
    assert job.get_status() == "failed"


@pytest.mark.parametrize(
    "named",
    [
        f"{__name__}.ran",
        "os.getpid",
        "offerhub.worker.jobs.operations.threading.Thread",  # reached through a module of ours
        "offerhub.worker.jobs.operations.system_context",  # imported into one
        "offerhub.worker.jobs.operations.THREADS",
        "offerhub.worker.jobs.operations",
        "offerhub.worker.jobs.nothing.drain",
        "offerhub.worker.process.app",
        "eval",
        "",
    ],
)
def test_only_functions_that_our_jobs_define_are_run(redis: Redis, named: str) -> None:
    job = JSONJob.create(func="os.getpid", connection=redis)
    job.func_name = named
    with pytest.raises((NotAWakeUp, ModuleNotFoundError)):
        _ = job.func


@pytest.mark.parametrize("more", [{"args": ["x"]}, {"kwargs": {"app": "x"}}])
def test_a_wake_up_takes_nothing(redis: Redis, more: dict[str, Any]) -> None:
    with pytest.raises(NotAWakeUp):
        _ = JSONJob.create(func=RUN, connection=redis, **more).func


def test_a_method_of_what_a_job_carries_is_not_run(redis: Redis) -> None:
    job = JSONJob.create(func=RUN, connection=redis)
    job.instance = "text"
    job.func_name = "upper"
    with pytest.raises(NotAWakeUp):
        _ = job.func


def test_every_bell_rings_for_a_function_of_ours(redis: Redis) -> None:
    for bell in BELLS.values():
        assert callable(JSONJob.create(func=bell.function, connection=redis).func)


def test_callbacks_are_not_called(redis: Redis, strangers: Queue) -> None:
    callback = Callback(f"{__name__}.ran")
    # It fails: nothing is open in this process. So the second callback would be due.
    strangers.enqueue(RUN, on_success=callback, on_failure=callback, on_stopped=callback)
    work_it_off(redis)
    assert RAN == []


def test_a_callback_of_an_abandoned_job_is_not_called(redis: Redis, strangers: Queue) -> None:
    job = strangers.enqueue(RUN, on_failure=Callback(f"{__name__}.ran"))
    strangers.remove(job)
    redis.zadd(StartedJobRegistry(QUEUE, connection=redis).key, {f"{job.id}:abandoned": 1})
    queue(QUEUE, redis).started_job_registry.cleanup()
    assert RAN == []


def test_no_address_that_a_job_brings_is_called(
    redis: Redis, strangers: Queue, monkeypatch: pytest.MonkeyPatch
) -> None:
    called: list[str] = []
    monkeypatch.setattr("rq.webhook.Webhook.send", lambda self, *_, **__: called.append(self.url))
    from rq.webhook import Webhook

    hook = Webhook(url="http://169.254.169.254/", job_status="failed")
    strangers.enqueue(RUN, webhooks=[hook])
    work_it_off(redis)
    assert called == []


def test_the_clock_imports_no_class_that_a_job_names(redis: Redis) -> None:
    job = JSONJob.create(func=RUN, connection=redis, origin=QUEUE)
    job.meta["queue_class_name"] = "antigravity.no_such_queue"
    found = Schedule(redis).get_queue_for_job(job)
    assert isinstance(found, JSONQueue)
    assert found.name == QUEUE


def test_the_same_jobs_of_plain_rq_would_have_run(redis: Redis, strangers: Queue) -> None:
    """These tests can fail: RQ's own job finds and runs what is named."""
    assert Job.create(func="os.getpid", connection=redis).func is os.getpid
    job = strangers.enqueue(RUN, on_failure=Callback(f"{__name__}.ran"))
    redis.zadd(StartedJobRegistry(QUEUE, connection=redis).key, {f"{job.id}:abandoned": 1})
    strangers.started_job_registry.cleanup()
    assert len(RAN) == 1
