"""Expressions: types checked when read, and one meaning however they are computed."""

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from groundswell.config.expressions import Expression
from groundswell.config.nodes import like_regex
from groundswell.config.vocabulary import ValueType
from groundswell.errors import ConfigError

NUMBERS, TEXTS, BOOLEANS = ("n1", "n2", "n3"), ("t1", "t2"), ("b1", "b2")
TYPES = (
    dict.fromkeys(NUMBERS, ValueType.NUMBER)
    | dict.fromkeys(TEXTS, ValueType.TEXT)
    | dict.fromkeys(BOOLEANS, ValueType.BOOLEAN)
)
SCHEMA = (
    dict.fromkeys(NUMBERS, pl.Float64)
    | dict.fromkeys(TEXTS, pl.String)
    | dict.fromkeys(BOOLEANS, pl.Boolean)
)


def _call(name):
    return lambda arguments: f"{name}({', '.join(arguments)})"


LITERAL_NUMBERS = st.one_of(
    st.integers(-60, 60).map(str),
    st.sampled_from(["0", "0.5", "2.25", "1e3", "1e308", "0.125"]),
)
LITERAL_TEXTS = st.text("ab%_.*\\[(' é", max_size=4).map(lambda t: "'" + t.replace("'", "''") + "'")


def expressions():
    """Strategies for number, text and boolean expressions, each built from the others."""
    numbers = st.deferred(lambda: number)
    booleans = st.deferred(lambda: boolean)
    texts = st.deferred(lambda: text)
    pair = st.tuples(numbers, numbers)
    number = st.one_of(
        st.sampled_from(NUMBERS),
        LITERAL_NUMBERS,
        st.tuples(numbers, st.sampled_from("+-*/"), numbers).map(lambda p: f"({' '.join(p)})"),
        numbers.map(lambda n: f"(- ({n}))"),
        numbers.map(lambda n: f"ABS({n})"),
        st.tuples(numbers, st.integers(0, 4)).map(lambda p: f"ROUND({p[0]}, {p[1]})"),
        st.lists(numbers, min_size=1, max_size=3).map(_call("GREATEST")),
        st.lists(numbers, min_size=1, max_size=3).map(_call("LEAST")),
        st.lists(numbers, min_size=1, max_size=3).map(_call("COALESCE")),
        st.tuples(booleans, numbers, numbers).map(
            lambda p: f"CASE WHEN {p[0]} THEN {p[1]} ELSE {p[2]} END"
        ),
        st.tuples(texts, LITERAL_TEXTS, numbers).map(
            lambda p: f"CASE {p[0]} WHEN {p[1]} THEN {p[2]} END"
        ),
    )
    text = st.one_of(
        st.sampled_from(TEXTS),
        LITERAL_TEXTS,
        st.lists(texts, min_size=1, max_size=3).map(_call("COALESCE")),
        st.tuples(booleans, texts).map(lambda p: f"CASE WHEN {p[0]} THEN {p[1]} END"),
    )
    sign = st.sampled_from(["=", "<>", "!=", "<", "<=", ">", ">="])
    boolean = st.one_of(
        st.sampled_from(BOOLEANS),
        st.sampled_from(["TRUE", "FALSE"]),
        st.tuples(numbers, sign, numbers).map(lambda p: f"({' '.join(p)})"),
        st.tuples(texts, sign, texts).map(lambda p: f"({' '.join(p)})"),
        st.tuples(booleans, st.sampled_from(["=", "<>"]), booleans).map(
            lambda p: f"(({p[0]}) {p[1]} ({p[2]}))"
        ),
        st.tuples(booleans, st.sampled_from(["AND", "OR"]), booleans).map(
            lambda p: f"({' '.join(p)})"
        ),
        booleans.map(lambda b: f"NOT ({b})"),
        st.tuples(numbers, st.lists(LITERAL_NUMBERS, min_size=1, max_size=3)).map(
            lambda p: f"{p[0]} IN ({', '.join(p[1])})"
        ),
        st.tuples(texts, st.lists(LITERAL_TEXTS, min_size=1, max_size=3)).map(
            lambda p: f"{p[0]} NOT IN ({', '.join(p[1])})"
        ),
        st.tuples(texts, LITERAL_TEXTS).map(lambda p: f"{p[0]} LIKE {p[1]}"),
        st.tuples(texts, LITERAL_TEXTS).map(lambda p: f"{p[0]} NOT LIKE {p[1]}"),
        st.tuples(numbers, pair).map(lambda p: f"({p[0]} BETWEEN {p[1][0]} AND {p[1][1]})"),
        st.one_of(numbers, texts, booleans).map(lambda x: f"({x}) IS NULL"),
        booleans.map(lambda b: f"({b}) IS NOT TRUE"),
        booleans.map(lambda b: f"({b}) IS FALSE"),
    )
    return st.one_of(number, text, boolean)


ROWS = st.fixed_dictionaries(
    {
        **dict.fromkeys(NUMBERS, st.none() | st.integers(-5, 5).map(float) | st.floats(width=64)),
        **dict.fromkeys(TEXTS, st.none() | st.text("ab%_.\\é\n", max_size=4)),
        **dict.fromkeys(BOOLEANS, st.none() | st.booleans()),
    }
)


@settings(max_examples=80)
@given(expressions(), st.lists(ROWS, min_size=1, max_size=6))
def test_evaluate_and_polars_agree_on_every_row(text, rows):
    expression = Expression.parse(text, types=TYPES)
    frame = pl.DataFrame(rows, schema=SCHEMA)
    columns = frame.select(pl.col("n1").alias("keep"), value=expression.to_polars())["value"]
    assert [expression.evaluate(row) for row in rows] == columns.to_list()


@pytest.mark.parametrize(
    ("text", "values", "expected"),
    [
        ("n1 >= 10 AND n2 > 500", {"n1": 10, "n2": 501}, True),
        ("n1 >= 10 AND n2 > 500", {"n1": 9, "n2": None}, False),
        ("n1 >= 10 AND n2 > 500", {"n1": 10, "n2": None}, None),
        ("n1 >= 10 OR n2 > 500", {"n1": 10, "n2": None}, True),
        ("NOT n1 > 1", {"n1": None}, None),
        ("n1 / n2", {"n1": 1, "n2": 0}, None),
        ("n1 / n2 IS NULL", {"n1": 1, "n2": 0}, True),
        ("n1 * 1e308 * 10", {"n1": 1}, None),
        ("1 + 2 * 3 - 4 / 2", {}, 5.0),
        ("ROUND(n1)", {"n1": 2.5}, 3.0),
        ("ROUND(n1, 1)", {"n1": -0.25}, -0.3),
        ("t1 IN ('banking', 'insurance')", {"t1": "banking"}, True),
        ("t1 NOT IN ('banking')", {"t1": None}, None),
        ("t1 LIKE '50\\%'", {"t1": "50\\ off"}, True),
        ("t1 LIKE 'a_c'", {"t1": "abc"}, True),
        ("t1 LIKE 'a.c'", {"t1": "abc"}, False),
        ("n1 BETWEEN 1 AND 2", {"n1": 2}, True),
        ("COALESCE(n1, n2, 7)", {"n1": None, "n2": None}, 7.0),
        ("GREATEST(n1, n2)", {"n1": None, "n2": 3}, 3.0),
        ("LEAST(n1, n2)", {"n1": 1, "n2": 3}, 1.0),
        ("CASE WHEN b1 THEN 'yes' ELSE 'no' END", {"b1": None}, "no"),
        ("CASE t1 WHEN 'x' THEN 1 END", {"t1": "y"}, None),
        ("b1 IS TRUE", {"b1": None}, False),
        ("t1 = 'it''s'", {"t1": "it's"}, True),
        ("n1", {"n1": float("nan")}, None),
    ],
)
def test_values(text, values, expected):
    assert Expression.parse(text, types=TYPES).evaluate(values) == expected


@pytest.mark.parametrize(
    ("text", "code", "what"),
    [
        ("n1 > 'x'", "config-type", "`n1 > 'x'` mixes types: `n1` is a number, `'x'` is text."),
        ("m1 > 1", "config-unknown-feature", "Unknown feature `m1`."),
        ("n1 >", "config-expression-syntax", "`n1 >` is no SQL expression: it ends too soon."),
        ("n1) OR (b1", "config-expression-syntax", None),
        ("SELECT 1", "config-expression-syntax", None),
        ("n1 > 1; b1", "config-expression-syntax", None),
        ("other.n1 > 1", "config-unknown-feature", "Unknown feature `other.n1`."),
        ("n1 = NULL", "config-type", "`n1 = NULL` is always unknown: NULL equals nothing."),
        ("b1 > b2", "config-type", "`b1 > b2` puts true and false in order."),
        ("NOT n1", "config-type", "`n1` is a number, but true or false is needed there."),
        ("COUNT(*)", "config-expression-syntax", None),
        ("n1 IN (SELECT 1)", "config-expression-syntax", None),
        ("t1 LIKE t2", "config-expression-syntax", None),
        ("ROUND(n1, 99)", "config-expression-syntax", None),
        ("n1 IS 3", "config-expression-syntax", None),
        ("fetch > 2", "config-expression-syntax", None),
    ],
)
def test_mistakes(text, code, what):
    with pytest.raises(ConfigError) as caught:
        Expression.parse(text, types=TYPES)
    (problem,) = caught.value.problems
    assert problem.code == code
    assert what is None or problem.what == what


def test_every_mistake_of_one_expression_is_told():
    with pytest.raises(ConfigError) as caught:
        Expression.parse("n9 > 1 AND t9 = 'x' AND n1 > 'y'", types=TYPES)
    assert [p.code for p in caught.value.problems] == [
        "config-unknown-feature",
        "config-unknown-feature",
        "config-type",
    ]


def test_an_expected_type_is_checked():
    with pytest.raises(ConfigError, match="is a number, but true or false is needed here"):
        Expression.parse("n1 + 1", types=TYPES, expect=ValueType.BOOLEAN)


def test_long_expressions_work_and_bottomless_ones_are_refused():
    long = " AND ".join(["n1 > 1"] * 2_000)
    assert Expression.parse(long, types=TYPES).evaluate({"n1": 2}) is True
    with pytest.raises(ConfigError, match="nested too deeply"):
        Expression.parse("(" * 2_000 + "n1" + ")" * 2_000, types=TYPES)


def test_names_are_the_features_read():
    parsed = Expression.parse("n1 > 1 AND COALESCE(n2, n1) > 2", types=TYPES)
    assert parsed.names == {"n1", "n2"}


def test_words_that_begin_sql_statements_are_ordinary_names():
    parsed = Expression.parse("show > 3", types={"show": ValueType.NUMBER})
    assert parsed.evaluate({"show": 4}) is True


def test_columns_of_other_dtypes_are_brought_to_the_type():
    frame = pl.DataFrame({"n1": [3], "t1": ["a"]}, schema={"n1": pl.Int32, "t1": pl.Categorical})
    parsed = Expression.parse("n1 / 2 = 1.5 AND t1 = 'a'", types=TYPES)
    assert frame.select(parsed.to_polars()).item() is True


def test_like_keeps_regex_signs_literal():
    assert like_regex("a.b%") == "(?s)^a\\.b.*$"


@pytest.mark.parametrize("step", ["ROUND({}, 1)", "(n2 / {})", "({} + 0.5)", "ABS(n1 - {})"])
def test_an_expression_costs_what_its_length_says(step):
    text = "n1"
    for _ in range(20):
        text = step.format(text)
    text = f"CASE WHEN ({text}) IS NULL THEN 0 ELSE {text} END"
    expression = Expression.parse(text, types=TYPES)
    rows = [dict.fromkeys(TYPES) | {"n1": 1.5, "n2": 4.0}]
    found = pl.DataFrame(rows, schema=SCHEMA).select(expression.to_polars()).item()
    assert found == expression.evaluate(rows[0])


@pytest.mark.parametrize("text", ["0 = GREATEST(n1)", "0 > ABS(n1)", "1 / n1", "0 = COALESCE(n1)"])
def test_what_is_unknown_in_every_row_is_a_column_all_the_same(text):
    frame = pl.DataFrame({"n1": [None, None]}, schema={"n1": pl.Float64})
    expression = Expression.parse(text, types=TYPES)
    found = frame.select("n1", value=expression.to_polars())["value"]
    assert found.to_list() == [None, None]
