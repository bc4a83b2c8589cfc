"""The layer of real processes, for the table of the whole proof: one storm, and the numbers."""

import sys
import time
from collections.abc import Callable
from dataclasses import replace

from tests.proof.report import Result, Scale
from tests.proof.storm.bench import Bench
from tests.proof.storm.customers import Ledger, new_customer
from tests.proof.storm.metadata import NoServer, newest_server
from tests.proof.storm.numbers import (
    frozen_broker,
    killed_worker,
    lost_broker,
    poison,
    ready_to_succeeded,
    stopped_worker,
)
from tests.proof.storm.pocket import Onlooker, PocketApi
from tests.proof.storm.site import NotInTime, Site
from tests.proof.storm.storm import Storm, Weather
from tests.proof.storm.waiting import waiting_operations

LAYER = "real processes"
LEASE_SECONDS = {Scale.CI: 30, Scale.LONG: 60}
"""A storm of minutes has time for several leases to run out only if they are short; the long one has the product's own."""
_SLOTS = 4
"""Of each of the two workers, where numbers are measured: eight in all."""
_STORMS = {Scale.CI: (200, 45.0), Scale.LONG: (2000, 600.0)}
_SEED = 20_261
_FIGURES = "promised figures"
_LONG_OPERATIONS = 500

Say = Callable[[str], None]


def prove(scale: Scale) -> list[Result]:
    """Let a storm pass over a whole system, and measure what was promised on another one; a line every few seconds goes to stderr."""
    try:
        newest_server()
    except NoServer:
        return [Result(layer=LAYER, what="storm and numbers", tried=0, skipped="no PostgreSQL wheel is installed.")]
    return [
        storm(scale, told, lease_seconds=LEASE_SECONDS[scale]),
        measure(scale, told, lease_seconds=LEASE_SECONDS[scale]),
    ]


def told(text: str) -> None:
    """Say how far it is."""
    sys.stderr.write(f"{text}\n")


def weather_for(operations: int, chaos_seconds: float) -> Weather:
    """Return a storm of so many operations."""
    is_long = operations > _LONG_OPERATIONS
    return Weather(
        operations=operations,
        at_once=200 if is_long else max(1, operations // 2),
        chaos_seconds=chaos_seconds,
        pause_seconds=(1.0, 4.0) if is_long else (0.5, 3.0),
        broker_freeze_seconds=75.0 if is_long else 8.0,
        rest_seconds=600.0 if is_long else 240.0,
    )


def storm(scale: Scale, say: Say, *, lease_seconds: int, seed: int = _SEED) -> Result:
    """Let one storm pass over a system of its own."""
    operations, chaos_seconds = _STORMS[scale]
    what = f"storm of {operations} operations, seed {seed}"

    def pass_over(site: Site) -> Result:
        aftermath = Storm(site, weather_for(operations, chaos_seconds), seed, say).run()
        found = [f"seed {seed}, logs in {site.layout.log_dir}: {violation}" for violation in aftermath.violations]
        return Result(
            layer=LAYER, what=what, tried=aftermath.accepted, faults=dict(+aftermath.faults), violations=found
        )

    return _on_a_site(pass_over, say, what, lease_seconds=lease_seconds, slots=2)


def measure(scale: Scale, say: Say, *, lease_seconds: int) -> Result:
    """Measure every promised figure on a system of its own."""

    def go_through(site: Site) -> Result:
        ledger = Ledger()
        bench = Bench(
            site=site,
            pocket=PocketApi(site.layout.kubeconfig),
            onlooker=Onlooker(site.gateway()),
            customer=new_customer(site.layout.web_url, "bench", ledger),
            say=say,
        )
        try:
            _measure(bench, scale)
        except NotInTime as error:
            bench.violations.append(str(error))
        found = [f"logs in {site.layout.log_dir}: {violation}" for violation in bench.violations]
        tried = len(ledger.promises)
        return Result(layer=LAYER, what=_FIGURES, tried=tried, violations=found, numbers=bench.numbers)

    return _on_a_site(go_through, say, _FIGURES, lease_seconds=lease_seconds, slots=_SLOTS)


def _measure(bench: Bench, scale: Scale) -> None:
    """Go through all scenarios; the poison works in the background, because it takes five leases."""
    bench.allow_much()
    victim = bench.until_succeeded([bench.order()], 60)[0]
    look_at_poison = poison(bench, str(victim["database_id"]))
    for scenario in (ready_to_succeeded, frozen_broker, lost_broker, killed_worker, stopped_worker):
        scenario(bench, scale)
    look_at_poison()
    waiting_operations(bench, scale)


def _on_a_site(job: Callable[[Site], Result], say: Say, what: str, *, lease_seconds: int, slots: int) -> Result:
    """Do the job on a running system, which is stopped whatever happens; its folder is kept only where something did not hold."""
    began = time.monotonic()
    site = Site.prepare(lease_seconds=lease_seconds, slots=slots)
    is_worth_a_look = True
    say(f"starting a whole system, logs in {site.layout.log_dir}")
    try:
        site.start()
        result = job(site)
        is_worth_a_look = not result.holds
    except NotInTime as error:
        result = Result(layer=LAYER, what=what, tried=0, violations=[f"{error}, logs in {site.layout.log_dir}"])
    except KeyboardInterrupt:
        is_worth_a_look = False
        raise
    finally:
        site.stop()
        if not is_worth_a_look:
            site.remove()
    return replace(result, seconds=time.monotonic() - began)
