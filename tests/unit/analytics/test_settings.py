"""The settings of analytics, and the error for an address of PostgreSQL that cannot be one."""

from __future__ import annotations

import pytest

from analytics.settings import AnalyticsSettings
from drishti.errors import SettingsError
from drishti.settings import load


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://u:p@127.0.0.1:5432/db",
        "postgres://u@db/db?sslmode=require",
        "postgresql://u:p@[::1]:5432/db",
        "postgresql://u:p%2Fw@a:1,b:2/db",
        "postgresql:///db?host=/run/postgresql",
    ],
)
def test_addresses_as_postgresql_knows_them_are_taken(url: str) -> None:
    assert load(AnalyticsSettings, {"DATABASE_URL": url}).database_url.reveal() == url


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("", "must begin with postgresql://"),
        ("localhost/db", "must begin with postgresql://"),
        ("mysql://u:s3cret@db/db", "must begin with postgresql://"),
        ("postgresql://u:s3cret@db:five/db", "has a port that is no number"),
        ("postgresql://u:s3cret/x@db:5432/db", "has a port that is no number"),
        ("postgresql://u:s3cret@[::1/db", "is no address"),
    ],
)
def test_an_address_that_cannot_be_one_is_refused_without_a_word_of_it(url: str, problem: str) -> None:
    with pytest.raises(SettingsError) as raised:
        load(AnalyticsSettings, {"DATABASE_URL": url})
    assert f"DATABASE_URL: {problem}" in str(raised.value)
    assert "s3cret" not in str(raised.value)


@pytest.mark.parametrize(
    ("name", "value"), [("ANALYTICS_BATCH_ITEMS", "0"), ("ANALYTICS_LINGER_S", "-1"), ("ANALYTICS_SEEN_DAYS", "2")]
)
def test_a_number_that_makes_no_sense_is_refused_by_its_name(name: str, value: str) -> None:
    with pytest.raises(SettingsError, match=f"{name}: must be"):
        load(AnalyticsSettings, {"DATABASE_URL": "postgresql://db/db", name: value})
