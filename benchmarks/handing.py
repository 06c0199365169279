"""Ten thousand accounts qualify at once: handed over within capacity, delivered within a budget.

    python -m benchmarks.handing --accounts 10000

HubSpot is the strict double of the tests, which enforces the published limits by the real clock:
requests in ten seconds, searches in a second, records in a batch.
"""

from __future__ import annotations

import argparse
import json
import resource
import tempfile
import time
from collections import Counter
from pathlib import Path

from groundswell.clock import SystemClock
from groundswell.engine import Project
from tests.connectors.hubspot_account import TOKEN
from tests.connectors.hubspot_server import hubspot
from tests.handing.conftest import load_company, write_company

REPS, CAPACITY = 50, 150
ALLOWED = 100


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--accounts", type=int, default=10_000)
    accounts = parser.parse_args().accounts
    members = [
        {"name": f"Rep {k}", "email": f"rep{k}@ours.example", "capacity": CAPACITY}
        for k in range(REPS)
    ]
    with tempfile.TemporaryDirectory() as name, hubspot(SystemClock()) as account:
        folder = Path(name)
        account.per_window = ALLOWED
        teams = {"sales_assist": {"members": members}}
        places = {"hubspot": {"token": "${TOKEN}", "url": account.url, "requests": ALLOWED}}
        today = SystemClock().now().date()
        write_company(folder, accounts, day=today, teams=teams, destinations=places)
        environ = {"TOKEN": TOKEN}
        with Project.open(folder, environ=environ) as project:
            load_company(project, folder)
            began = time.monotonic()
            report = project.run()
            decided = time.monotonic() - began
            held = Counter(row.owner for row in project.handoffs.queue())
            waits = held.pop(None, 0)
            began = time.monotonic()
            sent = dead = 0
            failing: dict[str, str] = {}
            while project.handoffs.states()[0].waiting:
                done = project.handoffs.dispatch()
                sent, dead = sent + done.sent, dead + done.dead
                failing |= done.failing
                if not done.moved:
                    time.sleep(0.2)
            seconds = time.monotonic() - began
            kinds = Counter(kind for kind, there in account.records.items() for _ in there)
            print(
                json.dumps(
                    {
                        "handed over": report.hand_overs,
                        "decided and written, s": round(decided, 1),
                        "assigned": sum(held.values()),
                        "most on one desk": max(held.values()),
                        "capacity": CAPACITY,
                        "waiting for a desk": waits,
                        "deliveries sent": sent,
                        "dead": dead,
                        "requests": len(account.requests),
                        "drained, s": round(seconds, 1),
                        "requests/s": round(len(account.requests) / seconds, 1),
                        "allowed/s": ALLOWED / 10,
                        "refused as too many": failing,
                        "records there": dict(kinds),
                        "peak memory, MB": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
                        // 1024,
                    },
                    indent=1,
                )
            )


if __name__ == "__main__":
    main()
