"""E-mail over SMTP, to a server with TLS and sign-in that refuses whom it does not know."""

from __future__ import annotations

import email
import ssl
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from email import policy
from email.message import EmailMessage
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
import trustme
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, LoginPassword

from groundswell.clock import FixedClock
from groundswell.connectors.deliveries import Company, Message
from groundswell.connectors.destination import DestinationError, Limits
from groundswell.connectors.email import DESTINATION, EmailDestination, EmailSettings
from groundswell.connectors.email_message import (
    digest,
    message_id,
    one_line,
    parse_address,
    parse_digest,
)
from groundswell.connectors.registry import destination_type
from groundswell.errors import ConfigError
from groundswell.testing import Subject
from groundswell.testing.checks import what_waits_is_sent_together
from groundswell.testing.suite import DestinationSuite

from .deliveries import NOON, context, message

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator
    from pathlib import Path

    from groundswell.connectors.deliveries import Delivery
    from groundswell.connectors.destination import Context

pytestmark = pytest.mark.loopback

USER, PASSWORD = "pql@acme.example", "hush-hush"


@dataclass
class Mailboxes:
    """Who is known to the server, and what it took."""

    refuses: dict[str, str] = field(default_factory=dict)
    """What is answered to a recipient in place of 250."""
    answers: list[str] = field(default_factory=list)
    """What is answered to the next texts in place of 250."""
    senders: set[str] = field(default_factory=lambda: {USER})
    taken: list[tuple[list[str], EmailMessage]] = field(default_factory=list)
    raw: list[bytes] = field(default_factory=list)
    greeted: list[str] = field(default_factory=list)
    port: int = 0

    async def handle_EHLO(  # noqa: N802
        self, _server: Any, session: Any, _envelope: Any, hostname: str, responses: list[str]
    ) -> list[str]:
        self.greeted.append(hostname)
        session.host_name = hostname
        return responses

    async def handle_MAIL(  # noqa: N802
        self, _server: Any, _session: Any, envelope: Any, address: str, options: list[str]
    ) -> str:
        if address not in self.senders:
            return "553 5.7.1 Sender not owned"
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return "250 OK"

    async def handle_RCPT(  # noqa: N802
        self, _server: Any, _session: Any, envelope: Any, address: str, _options: list[str]
    ) -> str:
        if address in self.refuses:
            return self.refuses[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(  # noqa: N802
        self, _server: Any, _session: Any, envelope: Any
    ) -> str:
        if self.answers:
            answer = self.answers.pop(0)
            if not answer.startswith("250"):
                return answer
        self.raw.append(envelope.content)
        read = email.message_from_bytes(envelope.content, policy=policy.default)
        assert isinstance(read, EmailMessage)
        assert read.defects == []
        self.taken.append((list(envelope.rcpt_tos), read))
        return "250 OK"


class OnAnyPort(Controller):
    """A controller that says which port it was given."""

    def _trigger_server(self) -> None:
        assert self.server is not None
        self.port = self.server.sockets[0].getsockname()[1]
        super()._trigger_server()


def sign_in(
    _server: Any, _session: Any, _envelope: Any, _mechanism: str, given: LoginPassword
) -> AuthResult:
    good = given.login == USER.encode() and given.password == PASSWORD.encode()
    return AuthResult(success=good, handled=False)


@contextmanager
def serving(**options: Any) -> Generator[Mailboxes]:
    boxes = Mailboxes()
    controller = OnAnyPort(
        boxes, hostname="127.0.0.1", port=0, server_hostname="mail.example", **options
    )
    controller.start()
    boxes.port = controller.port
    try:
        yield boxes
    finally:
        controller.stop()


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> tuple[trustme.CA, Path]:
    """An authority, and its certificate as a file."""
    made = trustme.CA()
    file = tmp_path_factory.mktemp("authority") / "authority.pem"
    made.cert_pem.write_to_path(str(file))
    return made, file


@pytest.fixture
def tls(authority: tuple[trustme.CA, Path], monkeypatch: pytest.MonkeyPatch) -> ssl.SSLContext:
    """What a server shows; its authority is trusted in the way the documentation says."""
    monkeypatch.setenv("SSL_CERT_FILE", str(authority[1]))
    shown = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority[0].issue_cert("127.0.0.1").configure_cert(shown)
    return shown


@pytest.fixture
def boxes() -> Iterator[Mailboxes]:
    with serving() as there:
        yield there


@pytest.fixture
def given() -> Context:
    return context(FixedClock(NOON), Limits(requests=100, seconds=1.0))


def mail(there: Mailboxes, given: Context, **settings: Any) -> EmailDestination:
    told = {"host": "127.0.0.1", "port": there.port, "from": USER, "tls": "none", **settings}
    return DESTINATION.open(msgspec.convert(told, EmailSettings), given)


def problem(error: pytest.ExceptionInfo[Any]) -> Any:
    return error.value.problems[0]


def statuses(destination: EmailDestination, *deliveries: Delivery) -> list[str]:
    return [outcome.status for outcome in destination.send(deliveries)]


def test_the_registry_knows_it():
    assert destination_type("email") is DESTINATION


def test_an_email_has_a_text_and_its_html(boxes, given):
    outcome = mail(boxes, given, **{"from": "Acme PQL <pql@acme.example>"}).send([message()])[0]
    recipients, read = boxes.taken[0]
    assert recipients == ["ann@acme.example"]
    assert read["From"] == "Acme PQL <pql@acme.example>"
    assert read["To"] == "ann@acme.example"
    assert read["Subject"] == "Acme hit its seat limit"
    assert read["Date"].datetime == NOON
    assert read["Message-ID"] == outcome.their_id == message_id("k-1", domain="acme.example")
    assert read["Auto-Submitted"] == "auto-generated"
    assert read.get_content_type() == "multipart/alternative"
    parts = [part.get_content_type() for part in read.iter_parts()]
    assert parts == ["text/plain", "text/html"], "a reader takes the last it can show"
    text, html = read.get_body(("plain",)), read.get_body(("html",))
    assert text is not None
    assert text.get_content().strip() == message().body.text
    assert html is not None
    assert html.get_content().strip() == message().body.html
    assert boxes.greeted == ["acme.example"]


def test_emails_of_one_handoff_belong_together(boxes, given):
    mail(boxes, given).send([message("k-1"), message("k-2"), message("k-3", handoff=None)])
    about = [read["References"] for _, read in boxes.taken]
    assert about[0] == about[1]
    assert about[2] is None
    assert len({read["Message-ID"] for _, read in boxes.taken}) == 3


def test_a_repeated_key_is_sent_once(boxes, given):
    there = mail(boxes, given)
    assert statuses(there, message(), message()) == ["sent", "sent"]
    assert statuses(there, message()) == ["sent"]
    assert len(boxes.taken) == 1
    again = context(FixedClock(NOON))
    assert statuses(mail(boxes, again), message()) == ["sent"]
    assert boxes.raw[0] == boxes.raw[1], "a mailbox can tell one that was sent twice"


@pytest.mark.filterwarnings("ignore:Requiring AUTH")  # the server counts STARTTLS alone as TLS
@pytest.mark.parametrize("kind", ["starttls", "tls"])
def test_a_server_with_tls_and_sign_in(tls, given, kind):
    served = {"ssl_context": tls} if kind == "tls" else {"tls_context": tls}
    options = {"auth_required": True, "authenticator": sign_in, **served}
    options |= {"auth_require_tls": False} if kind == "tls" else {"require_starttls": True}
    with serving(**options) as boxes:
        there = mail(boxes, given, tls=kind, user=USER, password=PASSWORD)
        assert statuses(there, message()) == ["sent"]
        found = there.check()
        assert [(f.name, f.ok) for f in found] == [("credentials", True), ("sender", True)]
        assert len(boxes.taken) == 1, "checking sends nothing"

        wrong = mail(boxes, given, tls=kind, user=USER, password="hush-wrong")
        with pytest.raises(DestinationError) as error:
            wrong.send([message("k-2")])
        assert problem(error).code == "destination-refused"
        assert "hush" not in str(error.value)
        found = wrong.check()
        assert [(f.name, f.ok, bool(f.fix)) for f in found] == [("credentials", False, True)]


def test_a_server_nobody_vouches_for(authority, given):
    shown = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority[0].issue_cert("127.0.0.1").configure_cert(shown)
    with serving(tls_context=shown) as boxes:
        with pytest.raises(DestinationError) as error:
            mail(boxes, given, tls="starttls").send([message()])
        assert "certificate" in problem(error).what
        assert "SSL_CERT_FILE" in problem(error).fix
        assert boxes.taken == []


def test_a_server_without_tls_gets_nothing(boxes, given):
    with pytest.raises(DestinationError) as error:
        mail(boxes, given, tls="starttls").send([message()])
    assert "TLS" in problem(error).what
    assert boxes.taken == []


def test_a_server_that_is_not_there(boxes, given):
    there = mail(boxes, given, port=9)
    for asked in (there.check, lambda: there.send([message()])):
        with pytest.raises(DestinationError) as error:
            asked()
        assert problem(error).code == "destination-unreachable"


def test_one_recipient_nobody_knows_is_refused_alone(boxes, given):
    boxes.refuses["gone@acme.example"] = "550 5.1.1 No such user"
    outcomes = mail(boxes, given).send(
        [message("k-1"), message("k-2", to="gone@acme.example"), message("k-3")]
    )
    assert [outcome.status for outcome in outcomes] == ["sent", "refused", "sent"]
    assert "550 5.1.1 No such user" in outcomes[1].reason
    assert len(boxes.taken) == 2


def test_some_of_a_list_may_be_refused(boxes, given):
    boxes.refuses["gone@acme.example"] = "550 5.1.1 No such user"
    there = mail(boxes, given, to=["sales@acme.example", "gone@acme.example"])
    outcome = there.send([message(to=None)])[0]
    assert outcome.status == "sent"
    assert "gone@acme.example: 550" in outcome.reason
    assert boxes.taken[0][0] == ["sales@acme.example"]


def test_who_is_busy_gets_it_later_and_nobody_gets_it_twice(boxes, given):
    boxes.refuses["busy@acme.example"] = "451 4.7.1 Try again"
    there = mail(boxes, given, to=["sales@acme.example", "busy@acme.example"])
    assert statuses(there, message(to=None)) == ["later"]
    boxes.refuses.clear()
    assert statuses(there, message(to=None)) == ["sent"]
    assert [to for to, _ in boxes.taken] == [["sales@acme.example"], ["busy@acme.example"]]
    assert boxes.taken[1][1]["To"] == "sales@acme.example, busy@acme.example"


@pytest.mark.parametrize(
    ("answer", "status"), [("451 4.3.0 Later", "later"), ("554 5.7.1 Looks like spam", "refused")]
)
def test_a_text_that_is_not_taken(boxes, given, answer, status):
    boxes.answers.append(answer)
    outcomes = mail(boxes, given).send([message("k-1"), message("k-2")])
    assert [outcome.status for outcome in outcomes] == [status, "sent"]
    assert answer in outcomes[0].reason


def test_a_server_that_hangs_up_halfway(boxes, given):
    boxes.answers = ["250 OK", "421 4.3.2 Shutting down"]
    outcomes = mail(boxes, given).send([message("k-1"), message("k-2"), message("k-3")])
    assert [outcome.status for outcome in outcomes] == ["sent", "later", "sent"]


def test_the_budget_ends_halfway():
    given = context(FixedClock(NOON), Limits(requests=100, seconds=1.0, daily=1))
    with serving() as boxes:
        there = mail(boxes, given)
        outcomes = there.send([message("k-1"), message("k-2")])
        assert [(o.status, o.after) for o in outcomes] == [("sent", None), ("later", 12 * 3600)]
        with pytest.raises(DestinationError):
            there.send([message("k-2")])
        assert len(boxes.taken) == 1


def test_a_sender_the_server_does_not_take(boxes, given):
    boxes.senders.clear()
    there = mail(boxes, given)
    with pytest.raises(DestinationError) as error:
        there.send([message()])
    assert "553" in problem(error).what
    sender = there.check()[1]
    assert (sender.name, sender.ok) == ("sender", False)
    assert "5.7.1" in sender.said


@pytest.mark.parametrize(
    "address",
    ["ann", "ann@", "ann@acme.example\r\nRCPT TO:<x@y.z>", "a@b, c@d", "<a@b> <c@d>", ""],
)
def test_an_address_that_is_none_is_refused(boxes, given, address):
    outcome = mail(boxes, given).send([message(to=address)])[0]
    assert outcome.status == "refused"
    assert boxes.taken == []


def test_a_message_to_nobody_is_refused(boxes, given):
    assert statuses(mail(boxes, given), message(to=None)) == ["refused"]


def test_addresses_beyond_ascii(boxes, given):
    there = mail(boxes, given)
    assert statuses(there, message(to="Jörg Müller <jorg@müller.example>")) == ["sent"]
    recipients, read = boxes.taken[0]
    assert recipients == ["jorg@xn--mller-kva.example"]
    assert read["To"].addresses[0].display_name == "Jörg Müller"
    assert b"xn--mller-kva" in boxes.raw[0]
    assert statuses(there, message("k-2", to="jörg@acme.example")) == ["sent"]


def test_a_server_that_takes_ascii_alone_refuses_one_message(given):
    with serving(enable_SMTPUTF8=False) as boxes:
        there = mail(boxes, given)
        delivered = statuses(there, message("k-1", to="jörg@acme.example"), message("k-2"))
        assert delivered == ["refused", "sent"]


@pytest.mark.parametrize("ending", ["\r\n", "\n", "\r", "\x00\n", "\u2028", "\x85"])
def test_no_name_begins_a_header(boxes, given, ending):
    subject = f"Acme{ending}Bcc: all@acme.example{ending}{ending}<b>body</b>"
    there = mail(boxes, given, **{"from": "Zoë & Co <pql@acme.example>"})
    there.send([message(subject=subject)])
    recipients, read = boxes.taken[0]
    assert recipients == ["ann@acme.example"]
    assert read["Bcc"] is None
    assert read["Subject"] == "Acme Bcc: all@acme.example <b>body</b>"
    assert read["From"].addresses[0].display_name == "Zoë & Co"


def test_words_arrive_as_they_were_written(boxes, given):
    line = """Zoë's "Œuvre" & <script>1</script> %s {0} \\ 🚀 . """
    text = f".\n{line}\n..\nFrom here\n\n{'long ' * 400}\nend"
    mail(boxes, given).send([message(text=text, html=f"<p>{line}</p>", subject=line)])
    read = boxes.taken[0][1]
    body = read.get_body(("plain",))
    assert body is not None
    assert body.get_content().split("\r\n")[:-1] == text.split("\n")
    assert read["Subject"] == line.strip()
    assert all(len(row) <= 998 for row in boxes.raw[0].split(b"\r\n"))


def test_without_html_there_is_the_text(boxes, given):
    mail(boxes, given).send([message(html="")])
    assert boxes.taken[0][1].get_content_type() == "text/plain"


@pytest.mark.parametrize(
    ("settings", "key"),
    [
        ({"from": "nobody"}, "from"),
        ({"from": "Acme\n<pql@acme.example>"}, "from"),
        ({"to": ["sales@acme.example", "sales"]}, "to"),
        ({"digest": "9 o'clock"}, "digest"),
        ({"digest": "09:00 Europe/Nowhere"}, "digest"),
        ({"digest": "24:00 UTC"}, "digest"),
        ({"host": "mail.example", "user": USER, "password": PASSWORD}, "tls"),
    ],
)
def test_settings_that_cannot_be_used(boxes, given, settings, key):
    with pytest.raises(ConfigError) as error:
        mail(boxes, given, **settings)
    assert problem(error).path == f"destinations.there.{key}"


def test_settings_show_no_secret():
    told = {"host": "h", "from": USER, "password": PASSWORD, "digest": "09:00 Europe/Berlin"}
    assert PASSWORD not in repr(msgspec.convert(told, EmailSettings))
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({**told, "tls": "ssl"}, EmailSettings)


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("ann@acme.example", "ann@acme.example"),
        (" Ann <ann@acme.example> ", "Ann <ann@acme.example>"),
        ('"Ann, Sales" <ann@acme.example>', '"Ann, Sales" <ann@acme.example>'),
    ],
)
def test_addresses_are_read_with_and_without_names(text, written):
    assert str(parse_address(text)) == written


def test_a_line_is_no_longer_than_a_header():
    assert len(one_line("word " * 100)) <= 200
    assert one_line("x" * 300).endswith("x…")


def news(name: str, minutes: int, **more: Any) -> Message:
    body = message().body
    assert isinstance(body, Message)
    return replace(
        body,
        company=Company(name.lower(), name),
        subject=f"{name} converted",
        text=f"{name} pays <now>.",
        happened_at=NOON + timedelta(minutes=minutes),
        **more,
    )


def test_a_digest_says_what_many_messages_say(boxes, given):
    several = [news("Beta", 3), news("Acme & Co", 1), news("Beta", 2), news("Gamma", 4)]
    made = digest(several)
    assert made.subject == "4 messages: Acme & Co, Beta and 1 more"
    assert (made.news, made.to, made.happened_at) == (
        "digest",
        "ann@acme.example",
        NOON + timedelta(minutes=4),
    )
    said = [made.text.index(f"{name} converted") for name in ("Acme & Co", "Beta", "Gamma")]
    assert said == sorted(said), "oldest first"
    assert "Acme &amp; Co pays &lt;now&gt;." in made.html
    assert digest(several[::-1]) == made
    assert statuses(mail(boxes, given), replace(message("d-1", handoff=None), body=made)) == [
        "sent"
    ]


def test_a_digest_of_one_is_that_one():
    assert digest([news("Acme", 1)]) == news("Acme", 1)


def test_a_digest_is_of_something_and_to_one_person():
    for messages in ([], [news("Acme", 1), news("Beta", 2, to="bob@acme.example")]):
        with pytest.raises(ValueError, match="digest"):
            digest(messages)


@pytest.mark.parametrize(
    ("now", "due"),
    [
        ("2026-03-02T07:59", "2026-03-02T08:00"),
        ("2026-03-02T08:00", "2026-03-03T08:00"),
        ("2026-03-02T23:30", "2026-03-03T08:00"),
        ("2026-03-28T09:00", "2026-03-29T07:00"),
        ("2026-10-24T09:00", "2026-10-25T08:00"),
    ],
)
def test_a_digest_is_due_by_the_clock_on_the_wall(now, due):
    def moment(text: str) -> datetime:
        return datetime.fromisoformat(text).replace(tzinfo=UTC)

    assert parse_digest("09:00 Europe/Berlin").next_after(moment(now)) == moment(due)


def test_a_digest_in_the_hour_that_is_left_out():
    berlin = parse_digest("02:30 Europe/Berlin")
    before = datetime(2026, 3, 28, 12, tzinfo=UTC)
    due = berlin.next_after(before)
    assert before < due < before + timedelta(days=1)
    assert berlin.next_after(due) > due


def test_what_is_due_together_passes_the_check_of_every_destination(boxes):
    told = {"host": "127.0.0.1", "port": boxes.port, "from": USER, "tls": "none"}
    daily = msgspec.convert({**told, "digest": "09:00 Europe/Berlin"}, EmailSettings)
    subject = Subject(
        type=DESTINATION, settings=daily, arrived=lambda _: 0, state=lambda: len(boxes.raw)
    )
    what_waits_is_sent_together(subject)
    assert len(boxes.taken) == 1


def test_word_to_one_person_is_one_mail_whatever_went_before(boxes, given):
    there = mail(boxes, given, digest="09:00 Europe/Berlin")
    first, second, third = (message(f"k-{number}") for number in (1, 2, 3))
    assert statuses(there, first) == ["sent"]
    outcomes = there.send_gathered([first, second, third, message("k-4", to="bob@acme.example")])
    assert {outcome.status for outcome in outcomes} == {"sent"}
    assert [to for to, _ in boxes.taken] == [["ann@acme.example"]] * 2 + [["bob@acme.example"]]
    assert boxes.taken[1][1]["Subject"] == "2 messages: Acme"
    ids = {outcome.key: outcome.their_id for outcome in outcomes}
    assert ids["k-1"] == boxes.taken[0][1]["Message-ID"]
    assert ids["k-2"] == ids["k-3"] == boxes.taken[1][1]["Message-ID"]


def spoiled(delivery: Delivery) -> Delivery:
    assert isinstance(delivery.body, Message)
    return replace(delivery, body=replace(delivery.body, to="gone@suite.example"))


class TestEmail(DestinationSuite):
    @pytest.fixture
    def subject(self, boxes) -> Subject:
        boxes.refuses["gone@suite.example"] = "550 5.1.1 No such user"

        def emails(delivery: Delivery) -> list[EmailMessage]:
            asked = message_id(delivery.key, domain="acme.example")
            return [read for _, read in boxes.taken if read["Message-ID"] == asked]

        def shown(delivery: Delivery) -> str:
            body = emails(delivery)[0].get_body(("plain",))
            assert body is not None
            return body.get_content()

        told = {"host": "127.0.0.1", "port": boxes.port, "from": USER, "tls": "none"}
        return Subject(
            type=DESTINATION,
            settings=msgspec.convert(told, EmailSettings),
            arrived=lambda delivery: len(emails(delivery)),
            state=lambda: list(boxes.raw),
            unreachable=msgspec.convert({**told, "port": 9}, EmailSettings),
            shown=shown,
            spoil=spoiled,
            tells_repeats=False,  # a mailbox tells by the Message-ID, if it does
        )
