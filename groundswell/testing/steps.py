"""Steps that several checks take: send, look, and say what was expected."""

from __future__ import annotations

from typing import TYPE_CHECKING

from groundswell.connectors.deliveries import DeliveryKind
from groundswell.connectors.destination import DestinationError
from groundswell.testing.samples import account_of, sample

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from groundswell.connectors.deliveries import Delivery, Outcome
    from groundswell.connectors.destination import Budget, Destination
    from groundswell.testing.subject import Subject


def expect(holds: object, said: str) -> None:
    """Raise where something does not hold; unlike `assert`, also under `python -O`."""
    if not holds:
        raise AssertionError(said)


def expect_no_secret(subject: Subject, shown: str) -> None:
    """Raise where a text holds a secret, without showing it."""
    expect(not any(secret in shown for secret in subject.secrets), "a secret is shown")


def expect_arrived(subject: Subject, delivery: Delivery) -> None:
    """Raise where a delivery did not have its effect, or had it more than once."""
    times = subject.arrived(delivery)
    expect(times == 1, f"{delivery.kind} `{delivery.key}` is there {times} times")


def expect_failure(subject: Subject, word: str, attempt: Callable[[], object]) -> None:
    """Raise where an attempt does not end in a `DestinationError` that says how to go on."""
    try:
        attempt()
    except DestinationError as error:
        expect(
            all(problem.code and problem.what and problem.fix for problem in error.problems),
            f"`{word}`: an error has a code, says what is wrong and how to mend it",
        )
        expect_no_secret(subject, f"{error} {error!r}")
    else:
        raise AssertionError(f"`{word}` did not raise a DestinationError")


def samples(subject: Subject, word: str) -> Iterator[Delivery]:
    """Yield a delivery of each kind that the type takes."""
    return (sample(kind, word) for kind in sorted(subject.type.kinds))


def put_account(subject: Subject, destination: Destination, delivery: Delivery) -> None:
    """Put the account there that a delivery is about, where accounts are taken."""
    takes_accounts = DeliveryKind.ACCOUNT in subject.type.kinds
    if takes_accounts and delivery.kind is not DeliveryKind.ACCOUNT:
        send(destination, [account_of(delivery)])


def put(subject: Subject, destination: Destination, delivery: Delivery) -> Outcome:
    """Send one delivery after its account, and expect it to be sent."""
    put_account(subject, destination, delivery)
    outcome = send(destination, [delivery])[0]
    expect(outcome.status == "sent", f"{delivery.kind}: {outcome} where `sent` was expected")
    return outcome


def send(destination: Destination, deliveries: Sequence[Delivery]) -> list[Outcome]:
    """Send deliveries, and expect one outcome for each."""
    outcomes = destination.send(deliveries)
    told = sorted(outcome.key for outcome in outcomes)
    asked = sorted(delivery.key for delivery in deliveries)
    expect(told == asked, f"outcomes of {told} where {asked} were sent")
    return outcomes


def send_in_batches(
    subject: Subject, destination: Destination, deliveries: Sequence[Delivery]
) -> dict[str, Outcome]:
    """Send deliveries in batches as large as the type takes; return the outcomes by key."""
    size = subject.type.batch
    outcomes: dict[str, Outcome] = {}
    for start in range(0, len(deliveries), size):
        sent = send(destination, deliveries[start : start + size])
        outcomes.update({outcome.key: outcome for outcome in sent})
    return outcomes


def attempt(
    subject: Subject,
    asked: Callable[[Destination], object],
    *,
    reachable: bool = True,
    budget: Budget | None = None,
) -> None:
    """Ask something of a new destination, whose system may be out of reach."""
    settings = subject.settings if reachable else subject.unreachable
    with subject.opened(settings=settings, budget=budget) as destination:
        asked(destination)
