"""Statements of databases by class and table, without their literals."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics.spans.statements import VERBS, read_statement, table_name


@pytest.mark.parametrize(
    ("statement", "read"),
    [
        ("SELECT * FROM users WHERE id = 5", "SELECT users"),
        ("select a, 'x from y' from public.orders o join t2 on true", "SELECT public.orders"),
        ('INSERT INTO "public"."events_2024_01" (a) VALUES ($1) ON CONFLICT DO NOTHING', "INSERT public.events_{id}"),
        ("UPDATE ONLY accounts SET x = 1", "UPDATE accounts"),
        ("DELETE FROM [dbo].[Users]", "DELETE dbo.Users"),
        ("REPLACE INTO `shop`.`carts` VALUES (1)", "REPLACE shop.carts"),
        ("WITH x AS (SELECT 1 FROM orders), y(a) AS (SELECT * FROM x) SELECT * FROM x, y", "SELECT orders"),
        ("WITH gone AS (DELETE FROM a RETURNING *) INSERT INTO b SELECT * FROM gone", "INSERT b"),
        ("/* traceparent='00-1' */ SELECT 1", "SELECT"),
        ("-- a comment FROM nowhere\nSELECT count(*) FROM (SELECT * FROM inner_table) q", "SELECT inner_table"),
        ("(SELECT a FROM b) UNION (SELECT c FROM d)", "SELECT b"),
        ("SELECT $$ FROM evil $$, $1 FROM good", "SELECT good"),
        ("SELECT 'never closed FROM x", "SELECT"),
        ("SELECT substring(name from 1 for 3), trim(both from b) FROM customers", "SELECT customers"),
        ("SELECT a IS DISTINCT FROM b FROM t9", "SELECT t9"),
        ("SELECT (SELECT max(x) FROM inner_one) FROM outer_one", "SELECT outer_one"),
        ("SELECT * FROM (SELECT * FROM inner_one) alias", "SELECT inner_one"),
        ("BEGIN", "BEGIN"),
        ("commit;", "COMMIT"),
        ("CREATE TABLE IF NOT EXISTS foo (id int)", "CREATE TABLE foo"),
        ("CREATE UNIQUE INDEX CONCURRENTLY ix_a ON foo(a)", "CREATE INDEX ix_a"),
        ("drop table x", "DROP TABLE x"),
        ("COPY spans FROM STDIN", "COPY spans"),
        ("CALL charge(5)", "CALL charge"),
        ("EXPLAIN ANALYZE SELECT * FROM t", "EXPLAIN t"),
        ("MERGE INTO t USING s ON true", "MERGE t"),
        ("nonsense 12345", "STATEMENT"),
        ("", "STATEMENT"),
    ],
)
def test_a_statement_is_its_class_and_table(statement: str, read: str) -> None:
    assert str(read_statement(statement, "postgresql")) == read


@pytest.mark.parametrize(
    ("command", "read"),
    [
        ("GET user:123", "GET"),
        ("hgetall x", "HGETALL"),
        ("SET a ?\nGET b ?", "PIPELINE"),
        ("JSON.GET k", "JSON.GET"),
        ("", "STATEMENT"),
    ],
)
def test_a_command_is_its_first_word(command: str, read: str) -> None:
    assert str(read_statement(command, "redis")) == read


@given(st.integers(), st.text(st.characters(exclude_characters="'"), max_size=50))
def test_literals_do_not_matter(number: int, literal: str) -> None:
    read = read_statement(f"SELECT * FROM orders WHERE id = {number} AND name = '{literal}' LIMIT {abs(number)}")
    assert str(read) == "SELECT orders"


@given(
    st.one_of(
        st.text(max_size=400),
        st.lists(st.sampled_from([*sorted(VERBS), "FROM", "(", ")", "'", "AS", "WITH", ","])).map(" ".join),
    )
)
def test_anything_has_a_short_class(statement: str) -> None:
    read = read_statement(statement)
    assert read.verb.partition(" ")[0] in VERBS | {"STATEMENT"}
    assert len(read.table) < 700


@pytest.mark.parametrize(
    "hostile",
    [
        "(",
        "WITH a,",
        "'",
        "/*",
        "$a$",
        "WITH x AS (",
        "SELECT FROM ",
        "CREATE TEMP ",
        "UPDATE OR a ",
        "-",
        'FROM "',
        "a.",
        "[a",
    ],
)
def test_no_statement_takes_long(hostile: str) -> None:
    began = time.process_time()
    read_statement(("SELECT " + hostile * 8_000)[:8_192])
    read_statement((hostile * 8_000)[:8_192])
    assert time.process_time() - began < 1


def test_tables_have_no_quotes_and_no_numbers() -> None:
    assert table_name('"public" . "events_p2024_01_07"') == "public.events_{id}"
