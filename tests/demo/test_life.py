"""What an observer of the company sees: seasons, adoption, limits, scripts, kin."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    import duckdb


def one(tables: duckdb.DuckDBPyConnection, query: str) -> float:
    ((value,),) = tables.execute(query).fetchall()
    return value


def share_of(tables: duckdb.DuckDBPyConnection, archetype: str, condition: str) -> float:
    """Share of an archetype in which something like that happens before the moment."""
    return one(
        tables,
        f"""SELECT avg((hits > 0)::INT) FROM (
            SELECT truth.account_id, count(good.happened) AS hits FROM truth
            LEFT JOIN good ON good.account_id = truth.account_id AND {condition}
                AND good.day BETWEEN truth.moment - 28 AND truth.moment
            WHERE archetype = '{archetype}' AND moment <= DATE '2026-06-30'
              AND truth.account_id IN (SELECT account_id FROM good)
            GROUP BY 1)""",
    )


def test_weekends_are_quiet(tables: duckdb.DuckDBPyConnection) -> None:
    ratio = one(
        tables,
        "SELECT count(*) FILTER (isodow(day) > 5) / 2 / (count(*) FILTER (isodow(day) <= 5) / 5) "
        "FROM good WHERE event <> 'API Request'",
    )
    assert 0.05 < ratio < 0.35


def test_late_december_is_quiet(tables: duckdb.DuckDBPyConnection) -> None:
    ratio = one(
        tables,
        "SELECT count(*) FILTER (day BETWEEN '2025-12-22' AND '2025-12-31') / 10 "
        "/ (count(*) FILTER (day BETWEEN '2025-12-01' AND '2025-12-10') / 10) "
        "FROM good WHERE event <> 'API Request'",
    )
    assert ratio < 0.45


def test_august_is_quiet_in_the_south(tables: duckdb.DuckDBPyConnection) -> None:
    """A day of August against the mean of July and September, over those who came before July."""
    ratio = one(
        tables,
        """WITH settled AS (
            SELECT good.* FROM good
            JOIN truth USING (account_id) JOIN accounts USING (account_id)
            WHERE country IN ('FR', 'ES') AND event <> 'API Request'
              AND accounts.created_at::TIMESTAMP::DATE < DATE '2025-07-01')
        SELECT 2 * count(*) FILTER (month(day) = 8 AND year(day) = 2025)
            / count(*) FILTER (month(day) IN (7, 9) AND year(day) = 2025) FROM settled""",
    )
    assert ratio < 0.85


def test_people_work_in_the_hours_of_their_country(tables: duckdb.DuckDBPyConnection) -> None:
    hours = dict(
        tables.execute(
            "SELECT country, median(hour(happened)) FROM good JOIN accounts USING (account_id) "
            "WHERE event = 'Board Viewed' AND country IN ('DE', 'US') GROUP BY 1"
        ).fetchall()
    )
    assert 9 <= hours["DE"] <= 14
    assert 16 <= hours["US"] <= 21


def test_those_who_will_pay_adopt_look_at_prices_and_hit_limits(
    tables: duckdb.DuckDBPyConnection,
) -> None:
    pricing = "good.properties LIKE '%/pricing%'"
    assert share_of(tables, "will_convert", pricing) > 0.75
    assert share_of(tables, "dormant", pricing) < 0.2
    limits = "good.event = 'Limit Reached'"
    assert share_of(tables, "will_convert", limits) > 0.5
    assert share_of(tables, "tyre_kicker", limits) < 0.2
    growth = one(
        tables,
        """SELECT avg(late - early) FROM (
            SELECT truth.account_id,
                count(DISTINCT good.user_id) FILTER (day BETWEEN moment - 27 AND moment) AS late,
                count(DISTINCT good.user_id)
                    FILTER (day BETWEEN moment - 87 AND moment - 60) AS early
            FROM truth JOIN good USING (account_id)
            WHERE archetype = 'will_convert' AND moment <= DATE '2026-06-30' GROUP BY 1)""",
    )
    assert growth > 2


def test_hand_raisers_ask_and_hardly_anyone_else_does(tables: duckdb.DuckDBPyConnection) -> None:
    asked = dict(
        tables.execute(
            "SELECT archetype, count(DISTINCT account_id) FROM good JOIN truth USING (account_id) "
            "WHERE event IN ('Contact Sales Submitted', 'Demo Requested') GROUP BY 1"
        ).fetchall()
    )
    assert asked["hand_raiser"] >= 6
    assert asked.get("only_large", 0) == asked.get("only_busy", 0) == asked.get("dormant", 0) == 0


def test_large_is_idle_and_busy_is_small(tables: duckdb.DuckDBPyConnection) -> None:
    rows = tables.execute(
        """SELECT archetype, median(n), median(employees::INT) FROM truth
        JOIN (SELECT account_id, count(*) AS n FROM good WHERE day > '2026-06-02' GROUP BY 1)
        USING (account_id) LEFT JOIN accounts USING (account_id)
        WHERE archetype IN ('only_large', 'only_busy') GROUP BY 1"""
    ).fetchall()
    events = {name: count for name, count, _ in rows}
    employees = {name: size for name, _, size in rows}
    assert events["only_large"] < 20 < 100 < events["only_busy"]
    assert employees["only_busy"] < 50 < 1000 < employees["only_large"]


def test_scripts_never_rest(tables: duckdb.DuckDBPyConnection) -> None:
    hours, weekend, names = tables.execute(
        "SELECT count(DISTINCT hour(happened)), avg((isodow(day) > 5)::INT), "
        "avg((event = 'API Request')::INT) FROM good JOIN truth USING (account_id) WHERE is_bot"
    ).fetchone()
    assert hours == 24
    assert weekend == pytest.approx(2 / 7, abs=0.05)
    assert names > 0.95


def test_the_expansion_ready_have_been_nearly_full_for_two_months(
    tables: duckdb.DuckDBPyConnection,
) -> None:
    full, count = tables.execute(
        """WITH used AS (
            SELECT account_id, count(*) FILTER (since::TIMESTAMP::DATE <= DATE '2026-05-01'
                AND (until IS NULL OR until::TIMESTAMP::DATE > DATE '2026-05-01')) AS then_used,
                count(*) FILTER (until IS NULL) AS now_used
            FROM memberships GROUP BY 1)
        SELECT count(*) FILTER (now_used >= 0.8 * seats AND then_used >= 0.8 * seats), count(*)
        FROM truth JOIN used USING (account_id)
        JOIN (SELECT account_id, max(seat_limit::INT) AS seats FROM subscriptions
              WHERE plan <> 'free' GROUP BY 1) USING (account_id)
        WHERE archetype = 'expansion_ready'"""
    ).fetchone()
    assert count >= 8
    assert full / count > 0.75


def test_a_champion_leaves_before_the_account_does(tables: duckdb.DuckDBPyConnection) -> None:
    gaps = tables.execute(
        """SELECT max(day) - max(day) FILTER (good.user_id = truth.user_id)
        FROM good JOIN truth USING (account_id)
        JOIN (SELECT account_id, max(ended_at)::TIMESTAMP::DATE AS ended FROM subscriptions
              WHERE plan <> 'free' GROUP BY 1) USING (account_id)
        WHERE archetype = 'champion_churn' AND ended IS NOT NULL GROUP BY account_id"""
    ).fetchall()
    assert len(gaps) >= 3
    assert sum(gap >= 14 for (gap,) in gaps) / len(gaps) > 0.7


def test_the_enterprise_shaped_are_several_teams_with_questions(
    tables: duckdb.DuckDBPyConnection,
) -> None:
    teams, asks = tables.execute(
        """SELECT median(teams), avg((asks > 0)::INT) FROM (
            SELECT account_id, count(DISTINCT department) AS teams,
                count(*) FILTER (event = 'Security Questionnaire Requested') AS asks
            FROM good JOIN truth USING (account_id) JOIN users ON users.user_id = good.user_id
            WHERE archetype = 'enterprise_shaped' AND moment < DATE '2026-06-15' GROUP BY 1)"""
    ).fetchone()
    assert teams >= 3
    assert asks > 0.5


def test_there_are_subsidiaries_second_domains_and_people_with_two_accounts(
    tables: duckdb.DuckDBPyConnection,
) -> None:
    assert one(tables, "SELECT count(DISTINCT account_id) FROM accounts WHERE parent_id <> ''") >= 3
    orphans = (
        "SELECT count(*) FROM accounts WHERE parent_id IS NOT NULL "
        "AND parent_id NOT IN (SELECT account_id FROM accounts WHERE account_id IS NOT NULL)"
    )
    assert one(tables, orphans) == 0
    assert one(tables, "SELECT count(*) FROM users WHERE email LIKE '%-group.example'") >= 5
    two = (
        "SELECT count(*) FROM (SELECT user_id FROM good WHERE account_id IS NOT NULL "
        "GROUP BY 1 HAVING count(DISTINCT account_id) > 1)"
    )
    assert one(tables, two) >= 2


def test_personal_addresses_belong_to_free_mail(tables: duckdb.DuckDBPyConnection) -> None:
    solo = one(tables, "SELECT count(*) FROM truth WHERE account_id LIKE 'solo:%'")
    assert solo >= 20
    mail = (
        "SELECT count(*) FROM truth JOIN users USING (user_id) WHERE account_id LIKE 'solo:%' "
        "AND split_part(email, '@', 2) NOT IN "
        "('postbox.example', 'freemail.example', 'quickmail.example')"
    )
    assert one(tables, mail) == 0
