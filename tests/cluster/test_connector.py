"""The queue's own connections: to the same server as everything else, in the same way."""

from __future__ import annotations

from digest.cluster.connector import parameters_of


def test_a_connection_of_the_queue_has_all_that_the_address_gives() -> None:
    url = "postgresql+psycopg://learning:p%40ss@db.example:6432/name?sslmode=verify-full&passfile=/run/pgpass"
    given = {
        "host": "db.example", "port": 6432, "user": "learning", "password": "p@ss", "dbname": "name",
        "sslmode": "verify-full", "passfile": "/run/pgpass", "application_name": "digest worker",
        "client_encoding": "utf8",
    }  # fmt: skip
    parameters = parameters_of(url)
    assert given.items() <= parameters.items()
    # A pooler gives the next transaction another session, which knows no prepared statement.
    assert parameters["prepare_threshold"] is None
    assert parameters["keepalives_idle"] == 30


def test_an_address_of_a_socket_is_taken_too() -> None:
    parameters = parameters_of("postgresql:///learning?host=/run/postgresql")
    assert (parameters["host"], parameters["dbname"]) == ("/run/postgresql", "learning")
